package firmware.bios;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import firmware.bios.tables.Bytes;
import vmkernel.api.firmware.BootException;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.CpuState;

/**
 * Starts a kernel in Linux's format by the 32-bit boot protocol [BOOT]: protected-mode part, initrd as high as allowed,
 * command line and zero page are placed in memory; the CPU enters at code32_start. The real-mode part is not run, so what it
 * would ask a BIOS for is in the zero page.
 *
 * <pre>
 *  1000 - 90000   kernel, if it is an old zImage
 * 90000 - 91000   zero page (boot_params); old kernels want it here
 * 92000 - 9FC00   command line
 *  1 MiB -        kernel, if it is a bzImage: at the address it prefers
 *       - top     initrd
 * </pre>
 */
final class LinuxLoader {
    private static final long ZERO_PAGE = 0x90000, COMMAND_LINE = 0x92000;
    private static final long LOW_KERNEL = 0x1000, HIGH_KERNEL = MemoryMap.MIB;
    private static final int SECTOR = 512, HEADER = 0x1F1, HEADER_MOST = 0x290, ZERO_PAGE_BYTES = 0x1000;

    private final GuestMemory memory;
    private final MemoryMap map;
    private final long rsdp;

    /** @param rsdp address of the ACPI root pointer */
    LinuxLoader(GuestMemory memory, MemoryMap map, long rsdp) {
        this.memory = memory;
        this.map = map;
        this.rsdp = rsdp;
    }

    /** The setup header [BOOT] "The Real-Mode Kernel Header", with what older versions lack filled in. */
    private record Header(byte[] raw, int version, long codeOffset, boolean high, long codeStart, long initrdMax,
            boolean relocatable, int commandLineMost, long preferred, long initBytes) {
        /** A relocatable kernel goes where it wants to run (pref_address): elsewhere it would first move itself there. */
        boolean moves() { return relocatable && preferred >= HIGH_KERNEL; }
    }

    CpuState load(BootFile kernel, Optional<BootFile> initrd, String commandLine) throws BootException {
        Header header = header(kernel);
        long codeBytes = kernel.size() - header.codeOffset;
        long start = !header.high ? LOW_KERNEL : header.moves() ? header.preferred : HIGH_KERNEL;
        long entry = start + (header.high ? header.codeStart - HIGH_KERNEL : 0);
        long end = Math.max(start + codeBytes, start + header.initBytes);
        check(kernel, header, start, end);
        byte[] text = text(header, commandLine);

        byte[] page = zeroPage(header, entry);
        if (initrd.isPresent()) {
            long address = initrdAddress(initrd.get(), header, header.high ? end : HIGH_KERNEL, commandLine);
            initrd.get().load(0, initrd.get().size(), memory, address);
            put(page, 0x218, 4, address);
            put(page, 0x21C, 4, initrd.get().size());
        }
        kernel.load(header.codeOffset, codeBytes, memory, start);
        memory.write(COMMAND_LINE, text, 0, text.length);
        memory.write(ZERO_PAGE, page, 0, page.length);
        return FlatEntry.linux(entry, ZERO_PAGE);
    }

    private static Header header(BootFile kernel) throws BootException {
        byte[] raw = Arrays.copyOf(kernel.head(HEADER_MOST), HEADER_MOST);
        if (get(raw, 0x1FE, 2) != 0xAA55) throw kernel.fault("is not a Linux kernel (bzImage)" + instead(raw));
        if (get(raw, 0x202, 4) != 0x53726448) { // "HdrS"
            throw kernel.fault("is a boot sector but not a Linux kernel of boot protocol 2.00 or later (no HdrS at 0x202)");
        }
        int version = (int) get(raw, 0x206, 2);
        if (version < 0x200) throw kernel.fault("is too old: boot protocol " + version(version) + ", 2.00 is needed");
        int sectors = raw[HEADER] == 0 ? 4 : raw[HEADER] & 0xFF;
        long codeOffset = (sectors + 1L) * SECTOR;
        if (kernel.size() <= codeOffset) {
            throw kernel.fault("is truncated: the kernel proper starts at byte " + codeOffset + ", the file has " + kernel.size());
        }
        // In paragraphs, rounded up. Before 2.04 only 16 bits of it mean something.
        long declared = 16 * get(raw, 0x1F4, version >= 0x204 ? 4 : 2);
        long bytes = kernel.size() - codeOffset;
        if (version >= 0x204 && bytes + 15 < declared) {
            throw kernel.fault("is truncated: its header tells of " + declared + " bytes of kernel, the file has " + bytes);
        }
        // LIMIT: 64-bit kernels older than protocol 2.12 do not say so in their header; they start and stop at once.
        if (version >= 0x20C && (get(raw, 0x236, 2) & 1) != 0) {
            throw kernel.fault("is a 64-bit kernel; this virtual machine has a 32-bit CPU: use an i386 kernel");
        }
        boolean high = (raw[0x211] & 1) != 0;
        return new Header(raw, version, codeOffset, high,
                get(raw, 0x214, 4),
                version >= 0x203 ? get(raw, 0x22C, 4) : 0x37FF_FFFFL,
                version >= 0x205 && raw[0x234] != 0,
                version >= 0x206 ? (int) Math.min(Integer.MAX_VALUE, get(raw, 0x238, 4)) : 255,
                version >= 0x20A ? get(raw, 0x258, 8) : 0,
                version >= 0x20A ? get(raw, 0x260, 4) : 0);
    }

    /** What the file seems to be, where that tells the user which key it belongs to. */
    private static String instead(byte[] raw) {
        if (get(raw, 0, 4) == 0x464C457F) return ": it is an ELF file; a multiboot kernel goes to boot.multiboot";
        if (get(raw, 0, 2) == 0x8B1F) return ": it is a gzip file";
        return "";
    }

    private static String version(int version) { return String.format(Locale.ROOT, "%d.%02d", version >> 8, version & 0xFF); }

    private void check(BootFile kernel, Header header, long start, long end) throws BootException {
        if (!header.high && end > ZERO_PAGE) {
            throw kernel.fault("is truncated or damaged: a zImage has at most " + (ZERO_PAGE - LOW_KERNEL) + " bytes of kernel, it has " + (end - start));
        }
        if (header.high && (header.codeStart < HIGH_KERNEL || header.codeStart - HIGH_KERNEL >= end - start)) {
            throw kernel.fault("is damaged: its entry point (code32_start " + hex(header.codeStart) + ") lies outside the kernel");
        }
        // A kernel that cannot be moved unpacks itself at its preferred address even if it is loaded elsewhere.
        long needed = header.high ? Math.max(end, header.preferred + header.initBytes) : end;
        if (!map.usable(start, needed)) {
            throw kernel.fault("needs memory from " + hex(start) + " up to " + hex(needed) + " (" + megabytes(needed)
                    + " MB); memory ends at " + hex(map.usableTop()) + " (memsize is " + memory.sizeBytes() / MemoryMap.MIB + " MB)");
        }
    }

    private long initrdAddress(BootFile initrd, Header header, long kernelEnd, String commandLine) throws BootException {
        long size = initrd.size();
        if (size == 0) throw initrd.fault("is empty");
        long top = Math.min(map.usableTop(), memoryOption(commandLine));
        long limit = Math.min(top, header.initrdMax + 1);
        long address = (limit - size) & -GuestMemory.PAGE_SIZE;
        if (address >= kernelEnd) return address;
        String why = limit < top ? "the kernel takes an initrd only below " + hex(limit) + " (initrd_addr_max)"
                : "memory ends at " + hex(top) + " (memsize is " + memory.sizeBytes() / MemoryMap.MIB + " MB)";
        throw initrd.fault("is too big: " + size + " bytes, and " + Math.max(0, (limit & -GuestMemory.PAGE_SIZE) - kernelEnd)
                + " bytes are free above the kernel, which needs memory up to " + hex(kernelEnd) + "; " + why);
    }

    /** [BOOT] "Special Command Line Options": the initrd must lie below what {@code mem=} leaves to the kernel. */
    private static long memoryOption(String commandLine) {
        Matcher option = Pattern.compile("(?:^|\\s)mem=(\\d{1,12})([kKmMgG]?)(?=\\s|$)").matcher(commandLine);
        long least = Long.MAX_VALUE;
        while (option.find()) {
            int shift = switch (option.group(2).toLowerCase(Locale.ROOT)) { case "k" -> 10; case "m" -> 20; case "g" -> 30; default -> 0; };
            least = Math.min(least, Long.parseLong(option.group(1)) << shift);
        }
        return least;
    }

    private byte[] text(Header header, String commandLine) throws BootException {
        byte[] text = (commandLine + "\0").getBytes(StandardCharsets.UTF_8);
        long most = Math.min(header.commandLineMost, MemoryMap.EBDA - COMMAND_LINE - 1);
        if (text.length - 1 > most) {
            throw new BootException("boot.append: the command line has " + (text.length - 1) + " bytes, this kernel takes at most " + most);
        }
        return text;
    }

    /** [BOOT] "32-bit Boot Protocol": the kernel's own setup header, and around it what its real-mode part would have found. */
    private byte[] zeroPage(Header header, long entry) {
        byte[] page = new byte[ZERO_PAGE_BYTES];
        int headerEnd = Math.min(0x202 + (header.raw[0x201] & 0xFF), HEADER_MOST);
        System.arraycopy(header.raw, HEADER, page, HEADER, headerEnd - HEADER);
        screen(page);
        long aboveMib = (map.usableTop() - MemoryMap.MIB) / MemoryMap.KIB;
        put(page, 0x002, 2, Math.min(aboveMib, 0xFC00)); // ext_mem_k
        put(page, 0x1E0, 4, aboveMib); // alt_mem_k
        put(page, 0x070, 8, rsdp);
        put(page, 0x1FA, 2, 0xFFFF); // vid_mode: normal
        page[0x210] = (byte) 0xFF; // type_of_loader: none of those with a number
        put(page, 0x214, 4, entry);
        if (header.version >= 0x202) {
            put(page, 0x228, 4, COMMAND_LINE);
        } else {
            put(page, 0x020, 2, 0xA33F);
            put(page, 0x022, 2, COMMAND_LINE - ZERO_PAGE);
        }
        Bytes e820 = new Bytes();
        for (MemoryMap.Range range : map.ranges()) e820.u64(range.start()).u64(range.bytes()).u32(range.kind().type);
        page[0x1E8] = (byte) map.ranges().size();
        System.arraycopy(e820.toArray(), 0, page, 0x2D0, e820.length());
        return page;
    }

    /**
     * screen_info. LIMIT: there is no VGA yet, and this says so (orig_video_isVGA 0): Linux then looks for display memory at
     * B8000 itself and does without when there is none; memtest86+ takes the 80x25 text for its serial console.
     */
    private static void screen(byte[] page) {
        page[0x06] = 3; // orig_video_mode: 80x25 text
        page[0x07] = 80; // orig_video_cols
        page[0x0E] = 25; // orig_video_lines
        put(page, 0x10, 2, 16); // orig_video_points
    }

    private static long megabytes(long bytes) { return (bytes + MemoryMap.MIB - 1) / MemoryMap.MIB; }

    static String hex(long value) { return "0x" + Long.toHexString(value); }

    private static void put(byte[] page, int offset, int bytes, long value) {
        for (int i = 0; i < bytes; i++) page[offset + i] = (byte) (value >>> (8 * i));
    }

    private static long get(byte[] from, int offset, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) value = value << 8 | from[offset + i] & 0xFF;
        return value;
    }
}
