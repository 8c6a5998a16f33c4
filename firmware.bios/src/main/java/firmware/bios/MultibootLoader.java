package firmware.bios;

import static firmware.bios.LinuxLoader.hex;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import firmware.bios.tables.Bytes;
import vmkernel.api.firmware.BootException;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.CpuState;

/**
 * Starts a kernel by the Multiboot protocol, version 1 [MB]: a 32-bit ELF executable, or any file whose multiboot header
 * gives the addresses itself. Above the kernel's end come its section headers (if it has them) and the modules, each on a page
 * boundary; the information structure with what it points to is at the top of conventional memory, where few kernels load.
 */
final class MultibootLoader {
    private static final int MAGIC = 0x1BADB002, MAGIC_2 = 0xE85250D6, SEARCH_BYTES = 8192;
    /** Header flags: what we must do or refuse (bits 0-15) and what is there (16-31) [MB] 3.1.2. */
    private static final int ALIGN_MODULES = 1, MEMORY_INFO = 2, VIDEO_MODE = 4, ADDRESSES = 1 << 16;
    /** Information flags [MB] 3.3. */
    private static final int HAS_MEMORY = 1, HAS_COMMAND_LINE = 4, HAS_MODULES = 8, HAS_ELF_SECTIONS = 0x20, HAS_MAP = 0x40, HAS_LOADER_NAME = 0x200;
    private static final int INFO_BYTES = 120, LOWEST_INFO = 0x1000;
    private static final String LOADER_NAME = "vmk firmware.bios";

    private final GuestMemory memory;
    private final MemoryMap map;
    /** First byte above everything placed so far. */
    private long next;

    /** A module: its file, and the string that the kernel is given for it. */
    record Module(BootFile file, String string) {}

    private record Image(long entry, List<Elf32.Segment> segments, List<byte[]> sections, int sectionNames) {}

    private record Placed(long start, long end, String string) {}

    MultibootLoader(GuestMemory memory, MemoryMap map) {
        this.memory = memory;
        this.map = map;
    }

    /** @param commandLine what the kernel is given: the name of its file and the arguments */
    CpuState load(BootFile kernel, List<Module> modules, String commandLine) throws BootException {
        Image image = image(kernel);
        check(kernel, image.segments);
        for (Elf32.Segment segment : image.segments) {
            kernel.load(segment.offset(), segment.fileBytes(), memory, segment.start());
            clear(segment.start() + segment.fileBytes(), segment.end());
            next = Math.max(next, segment.end());
        }
        next = Math.max(next, MemoryMap.MIB);
        long sections = placeSections(kernel, image);
        List<Placed> placed = new ArrayList<>();
        for (Module module : modules) placed.add(place(module));
        return FlatEntry.multiboot(image.entry, info(image, sections, placed, commandLine));
    }

    private Image image(BootFile kernel) throws BootException {
        byte[] head = kernel.head(SEARCH_BYTES);
        int at = find(head);
        if (at < 0) throw kernel.fault("has no multiboot header in its first " + SEARCH_BYTES + " bytes" + instead(head));
        ByteBuffer header = Elf32.little(head);
        int flags = header.getInt(at + 4);
        if ((flags & VIDEO_MODE) != 0) throw kernel.fault("asks for a video mode (multiboot flag 2), and this machine has no display");
        int unknown = flags & 0xFFFF & ~(ALIGN_MODULES | MEMORY_INFO);
        if (unknown != 0) throw kernel.fault("requires multiboot features that do not exist (flags " + hex(unknown) + ")");
        if ((flags & ADDRESSES) != 0) {
            if (at + 32 > head.length) throw kernel.fault("is truncated within its multiboot header");
            return addressed(kernel, header, at);
        }
        if (!Elf32.looksLike(head)) throw kernel.fault("is not an ELF file, and its multiboot header gives no addresses (flag 16)");
        Elf32 elf = Elf32.read(kernel);
        return new Image(elf.entry(), elf.segments(), elf.sections(), elf.sectionNames());
    }

    /** Position of the header [MB] 3.1: aligned to 4 bytes, magic, flags and checksum adding up to 0; -1 if there is none. */
    private static int find(byte[] head) {
        ByteBuffer words = Elf32.little(head);
        for (int at = 0; at + 12 <= head.length; at += 4) {
            if (words.getInt(at) == MAGIC && words.getInt(at) + words.getInt(at + 4) + words.getInt(at + 8) == 0) return at;
        }
        return -1;
    }

    private static String instead(byte[] head) {
        ByteBuffer words = Elf32.little(head);
        for (int at = 0; at + 4 <= head.length; at += 4) {
            if (words.getInt(at) == MAGIC_2) return ": it is a multiboot 2 kernel, multiboot 1 is needed";
            if (words.getInt(at) == MAGIC) return ": what is at byte " + at + " has a wrong checksum";
        }
        if (head.length > 0x206 && words.getInt(0x202) == 0x53726448) return ": it is a Linux kernel, which goes to boot.kernel";
        return "";
    }

    /** The address fields of the header [MB] 3.1.3: one segment. */
    private Image addressed(BootFile kernel, ByteBuffer header, int at) throws BootException {
        long headerAddress = Elf32.unsigned(header, at + 12), load = Elf32.unsigned(header, at + 16);
        long loadEnd = Elf32.unsigned(header, at + 20), clearEnd = Elf32.unsigned(header, at + 24), entry = Elf32.unsigned(header, at + 28);
        long offset = at - (headerAddress - load);
        if (load > headerAddress || offset < 0) {
            throw kernel.fault("has wrong addresses in its multiboot header: load_addr " + hex(load) + ", header_addr " + hex(headerAddress) + " at byte " + at);
        }
        if (loadEnd == 0) loadEnd = load + kernel.size() - offset;
        if (loadEnd < load || clearEnd != 0 && clearEnd < loadEnd) {
            throw kernel.fault("has wrong addresses in its multiboot header: load_addr " + hex(load) + ", load_end_addr " + hex(loadEnd) + ", bss_end_addr " + hex(clearEnd));
        }
        if (offset + loadEnd - load > kernel.size()) {
            throw kernel.fault("is truncated: its multiboot header tells of " + (offset + loadEnd - load) + " bytes, the file has " + kernel.size());
        }
        return new Image(entry, List.of(new Elf32.Segment(offset, loadEnd - load, load, Math.max(loadEnd, clearEnd))), List.of(), 0);
    }

    private void check(BootFile kernel, List<Elf32.Segment> segments) throws BootException {
        List<Elf32.Segment> sorted = segments.stream().sorted(Comparator.comparingLong(Elf32.Segment::start)).toList();
        Elf32.Segment before = null;
        for (Elf32.Segment segment : sorted) {
            if (before != null && segment.start() < before.end()) {
                throw kernel.fault("has segments that overlap: " + range(before) + " and " + range(segment));
            }
            if (!map.usable(segment.start(), segment.end())) {
                throw kernel.fault("wants to be loaded to " + range(segment) + ", which is not in memory: 0x0-" + hex(MemoryMap.EBDA - 1)
                        + " or 0x100000-" + hex(map.usableTop() - 1) + " (memsize is " + memory.sizeBytes() / MemoryMap.MIB + " MB)");
            }
            before = segment;
        }
    }

    private static String range(Elf32.Segment segment) { return hex(segment.start()) + "-" + hex(segment.end() - 1); }

    private void clear(long start, long end) {
        byte[] zeros = new byte[(int) Math.min(1 << 16, end - start)];
        for (long at = start; at < end; at += zeros.length) memory.write(at, zeros, 0, (int) Math.min(zeros.length, end - at));
    }

    /**
     * Section headers for the kernel's debugger [MB] 3.3 (flag 5), with those sections that no segment brought (symbols,
     * strings) loaded and their addresses filled in. The kernel does without them: 0 if there is no room.
     */
    private long placeSections(BootFile kernel, Image image) throws BootException {
        long end = next + image.sections.size() * 40L + 16;
        for (byte[] section : image.sections) if (loose(kernel, section)) end += Elf32.unsigned(Elf32.little(section), 20) + 16;
        if (image.sections.isEmpty() || !map.usable(next, end)) return 0;
        for (byte[] section : image.sections) {
            if (!loose(kernel, section)) continue;
            ByteBuffer fields = Elf32.little(section);
            long address = align(next, 16), bytes = Elf32.unsigned(fields, 20);
            kernel.load(Elf32.unsigned(fields, 16), bytes, memory, address);
            fields.putInt(12, (int) address);
            next = address + bytes;
        }
        long table = next = align(next, 16);
        for (byte[] section : image.sections) {
            memory.write(next, section, 0, section.length);
            next += section.length;
        }
        return table;
    }

    /** A section with content that has no address yet. */
    private static boolean loose(BootFile kernel, byte[] section) {
        ByteBuffer fields = Elf32.little(section);
        int noBits = 8;
        return fields.getInt(4) != 0 && fields.getInt(4) != noBits && fields.getInt(12) == 0
                && Elf32.unsigned(fields, 16) + Elf32.unsigned(fields, 20) <= kernel.size();
    }

    private Placed place(Module module) throws BootException {
        long start = align(next, GuestMemory.PAGE_SIZE), end = start + module.file.size();
        if (end > map.usableTop()) {
            throw module.file.fault("is too big: " + module.file.size() + " bytes, and " + Math.max(0, map.usableTop() - start)
                    + " bytes are free above the kernel and the modules before it, from " + hex(start) + " to " + hex(map.usableTop())
                    + " (memsize is " + memory.sizeBytes() / MemoryMap.MIB + " MB)");
        }
        module.file.load(0, module.file.size(), memory, start);
        next = end;
        return new Placed(start, end, module.string);
    }

    /** The information structure and all that it points to, as one block: lays it out for address 0 first to know its size. */
    private long info(Image image, long sections, List<Placed> modules, String commandLine) throws BootException {
        int bytes = info(0, image, sections, modules, commandLine).length;
        long address = room(image, bytes);
        memory.write(address, info(address, image, sections, modules, commandLine), 0, bytes);
        return address;
    }

    private byte[] info(long base, Image image, long sections, List<Placed> modules, String commandLine) {
        Bytes out = new Bytes().zeros(INFO_BYTES);
        int flags = HAS_MEMORY | HAS_COMMAND_LINE | HAS_MODULES | HAS_MAP | HAS_LOADER_NAME;
        out.set(4, 4, MemoryMap.EBDA / MemoryMap.KIB);
        out.set(8, 4, (map.usableTop() - MemoryMap.MIB) / MemoryMap.KIB);
        out.set(16, 4, base + out.length());
        string(out, commandLine);
        out.set(64, 4, base + out.length());
        string(out, LOADER_NAME);
        List<Integer> strings = new ArrayList<>();
        for (Placed module : modules) {
            strings.add(out.length());
            string(out, module.string);
        }
        out.align(16).set(20, 4, modules.size()).set(24, 4, base + out.length());
        for (int i = 0; i < modules.size(); i++) {
            out.u32(modules.get(i).start).u32(modules.get(i).end).u32(base + strings.get(i)).u32(0);
        }
        out.set(48, 4, base + out.length());
        int mapStart = out.length();
        for (MemoryMap.Range range : map.ranges()) out.u32(20).u64(range.start()).u64(range.bytes()).u32(range.kind().type);
        out.set(44, 4, out.length() - mapStart);
        if (sections != 0) {
            flags |= HAS_ELF_SECTIONS;
            out.set(28, 4, image.sections.size()).set(32, 4, 40).set(36, 4, sections).set(40, 4, image.sectionNames);
        }
        return out.set(0, 4, flags).toArray();
    }

    private static void string(Bytes out, String text) { out.bytes(text.getBytes(StandardCharsets.UTF_8)).u8(0); }

    /** The highest place in conventional memory that the kernel leaves free, else above all that was loaded. */
    private long room(Image image, int bytes) throws BootException {
        long address = MemoryMap.EBDA - bytes & -16;
        List<Elf32.Segment> descending = image.segments.stream().sorted(Comparator.comparingLong(Elf32.Segment::start).reversed()).toList();
        for (Elf32.Segment segment : descending) {
            if (segment.start() < address + bytes && segment.end() > address) address = segment.start() - bytes & -16;
        }
        if (address >= LOWEST_INFO) return address;
        address = align(next, 16);
        if (map.usable(address, address + bytes)) return address;
        throw new BootException("boot.multiboot: no room for the command line and module strings (" + bytes + " bytes) beside the kernel and its modules");
    }

    private static long align(long address, long alignment) { return address + alignment - 1 & -alignment; }
}
