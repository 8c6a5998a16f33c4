package firmware.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.firmware.BootException;
import vmkernel.api.monitor.CpuState;

/** The Linux boot protocol, against the numbers of its documentation. */
class LinuxLoaderTest {
    private static final long ZERO_PAGE = 0x90000;
    @TempDir Path folder;

    private FakeMachine machine(LinuxKernel kernel, int megabytes) throws IOException {
        kernel.write(folder);
        FakeMachine machine = new FakeMachine(folder, megabytes).with("boot.kernel", "bzImage");
        machine.memory.dirty();
        return machine;
    }

    private static String failure(FakeMachine machine) {
        String message = machine.failure();
        assertTrue(!message.contains("\n"), message);
        return message;
    }

    private String named(String text) { return "boot.kernel: " + folder.resolve("bzImage") + ": " + text; }

    @Test
    void theCpuEntersInFlatProtectedModeWithTheZeroPageInEsi() throws Exception {
        FakeMachine machine = machine(new LinuxKernel(5000), 32);
        CpuState state = machine.boot();
        assertEquals(0x1000000, state.rip);
        assertEquals(ZERO_PAGE, state.registers[6]);
        for (int zero : new int[] {3, 5, 7}) assertEquals(0, state.registers[zero], "register " + zero); // EBX, EBP, EDI
        assertEquals(1, state.cr0 & 0x80000001L, "protection on, paging off");
        assertEquals(2, state.rflags, "interrupts off");
        for (int i = 0; i < 6; i++) {
            CpuState.Segment segment = state.segments[i];
            assertEquals(i == CpuState.CS ? 0x10 : 0x18, segment.selector());
            assertEquals(0, segment.base());
            assertEquals(0xFFFFFFFFL, segment.limit());
            // the descriptor in memory says the same as the hidden part
            long descriptor = machine.memory.read(state.gdtr.base() + segment.selector(), 8);
            assertEquals(segment.access() & 0xF0FF, descriptor >>> 40 & 0xF0FF);
            assertEquals(0xFFFFF, descriptor & 0xFFFF | descriptor >>> 32 & 0xF0000);
        }
        assertEquals(31, state.gdtr.limit());
    }

    @Test
    void aRelocatableKernelIsLoadedWhereItWantsToRun() throws Exception {
        LinuxKernel kernel = new LinuxKernel(3_000_001);
        FakeMachine machine = machine(kernel, 32);
        machine.boot();
        assertArrayEquals(Arrays.copyOfRange(kernel.bytes(), 1536, kernel.bytes().length), machine.memory.bytes(0x1000000, 3_000_001));
        assertEquals(0x1000000, machine.memory.read(ZERO_PAGE + 0x214, 4), "code32_start");
    }

    @Test
    void aFixedKernelIsLoadedAtOneMebibyte() throws Exception {
        LinuxKernel kernel = new LinuxKernel(70000).put8(0x234, 0).put32(0x258, 0x100000).put32(0x214, 0x100200);
        FakeMachine machine = machine(kernel, 8);
        assertEquals(0x100200, machine.boot().rip, "code32_start");
        assertArrayEquals(Arrays.copyOfRange(kernel.bytes(), 1536, kernel.bytes().length), machine.memory.bytes(0x100000, 70000));
    }

    @Test
    void anOldZImageIsLoadedBelowOneMebibyte() throws Exception {
        LinuxKernel kernel = new LinuxKernel(200_000).put16(0x206, 0x201).put8(0x211, 0).put32(0x214, 0x1000);
        FakeMachine machine = machine(kernel, 8).with("boot.append", "root=fd0");
        assertEquals(0x1000, machine.boot().rip);
        assertArrayEquals(Arrays.copyOfRange(kernel.bytes(), 1536, kernel.bytes().length), machine.memory.bytes(0x1000, 200_000));
        assertEquals(0xA33F, machine.memory.read(ZERO_PAGE + 0x20, 2), "magic of the old command line protocol");
        assertEquals("root=fd0", machine.memory.string(ZERO_PAGE + machine.memory.read(ZERO_PAGE + 0x22, 2)));
    }

    @Test
    void theZeroPageHasTheKernelsOwnHeaderAndZerosElsewhere() throws Exception {
        LinuxKernel kernel = new LinuxKernel(5000).put8(0x1F1, 0).put32(0x250, 0x12345678);
        kernel.put8(0x1F1, 2).put8(0x268, 0x77);
        FakeMachine machine = machine(kernel, 32).with("boot.append", "console=ttyS0 ümlaut");
        machine.boot();
        assertEquals(0x53726448, machine.memory.read(ZERO_PAGE + 0x202, 4));
        assertEquals(0x12345678, machine.memory.read(ZERO_PAGE + 0x250, 4));
        assertEquals(0, machine.memory.read(ZERO_PAGE + 0x268, 1), "beyond the header's own length (0x202 + 0x66)");
        assertEquals(0xFF, machine.memory.read(ZERO_PAGE + 0x210, 1), "type_of_loader");
        assertEquals(0, machine.memory.read(ZERO_PAGE + 0x1EF, 1), "sentinel");
        assertEquals(0, machine.memory.read(ZERO_PAGE + 0x218, 8), "no initrd");
        byte[] text = "console=ttyS0 ümlaut\0".getBytes(java.nio.charset.StandardCharsets.UTF_8);
        assertArrayEquals(text, machine.memory.bytes(machine.memory.read(ZERO_PAGE + 0x228, 4), text.length));
        assertEquals(0, machine.memory.read(ZERO_PAGE + 0x0F, 1), "no VGA");
        assertEquals(machine.memory.read(ZERO_PAGE + 0x1E0, 4), (32 - 1) * 1024 - 64, "alt_mem_k");
        assertEquals(machine.memory.read(ZERO_PAGE + 0x002, 2), (32 - 1) * 1024 - 64, "ext_mem_k");
    }

    @Test
    void theMemoryMapTellsUsableAndReservedRanges() throws Exception {
        FakeMachine machine = machine(new LinuxKernel(5000), 32);
        machine.boot();
        long[][] expected = {
            {0, 0x9FC00, 1}, {0x9FC00, 0x400, 2}, {0xF0000, 0x10000, 2}, {0x100000, 0x1EF0000, 1}, {0x1FF0000, 0xF000, 3},
            {0x1FFF000, 0x1000, 4}, {0xFEC00000L, 0x1000, 2}, {0xFEE00000L, 0x1000, 2}, {0xFFFF0000L, 0x10000, 2}};
        assertEquals(expected.length, machine.memory.read(ZERO_PAGE + 0x1E8, 1));
        for (int i = 0; i < expected.length; i++) {
            long entry = ZERO_PAGE + 0x2D0 + 20L * i;
            assertArrayEquals(expected[i], new long[] {machine.memory.read(entry, 8), machine.memory.read(entry + 8, 8), machine.memory.read(entry + 16, 4)});
        }
    }

    @Test
    void theInitrdIsPlacedAsHighAsMemoryAllows() throws Exception {
        byte[] initrd = random(2_500_123);
        Files.write(folder.resolve("initrd.gz"), initrd);
        FakeMachine machine = machine(new LinuxKernel(5000), 32).with("boot.initrd", "initrd.gz");
        machine.boot();
        long address = machine.memory.read(ZERO_PAGE + 0x218, 4);
        assertEquals(initrd.length, machine.memory.read(ZERO_PAGE + 0x21C, 4));
        assertEquals(0x1FF0000 - 2_500_123 & ~0xFFF, address);
        assertArrayEquals(initrd, machine.memory.bytes(address, initrd.length));
    }

    @Test
    void theInitrdStaysBelowWhatTheKernelOrTheMemOptionAllows() throws Exception {
        Files.write(folder.resolve("initrd.gz"), random(4096));
        FakeMachine limited = machine(new LinuxKernel(5000).put32(0x22C, 0x14FFFFF), 32).with("boot.initrd", "initrd.gz");
        limited.boot();
        assertEquals(0x1500000 - 4096, limited.memory.read(ZERO_PAGE + 0x218, 4));
        FakeMachine option = machine(new LinuxKernel(5000), 32).with("boot.initrd", "initrd.gz").with("boot.append", "quiet mem=20M");
        option.boot();
        assertEquals((20 << 20) - 4096, option.memory.read(ZERO_PAGE + 0x218, 4));
    }

    @Test
    void anInitrdThatIsTooBigIsToldWithBothSizes() throws Exception {
        Files.write(folder.resolve("initrd.gz"), new byte[15_000_000]);
        FakeMachine machine = machine(new LinuxKernel(5000), 32).with("boot.initrd", "initrd.gz");
        assertEquals("boot.initrd: " + folder.resolve("initrd.gz") + ": is too big: 15000000 bytes, and 14614528 bytes are free above the kernel, "
                + "which needs memory up to 0x1200000; memory ends at 0x1ff0000 (memsize is 32 MB)", failure(machine));
        Files.write(folder.resolve("initrd.gz"), new byte[8192]);
        machine = machine(new LinuxKernel(5000).put32(0x22C, 0x1200FFF), 32).with("boot.initrd", "initrd.gz");
        assertEquals("boot.initrd: " + folder.resolve("initrd.gz") + ": is too big: 8192 bytes, and 4096 bytes are free above the kernel, "
                + "which needs memory up to 0x1200000; the kernel takes an initrd only below 0x1201000 (initrd_addr_max)", failure(machine));
        Files.write(folder.resolve("initrd.gz"), new byte[0]);
        assertTrue(failure(machine).endsWith("initrd.gz: is empty"));
    }

    @Test
    void aCommandLineThatIsTooLongIsToldWithItsLimit() throws Exception {
        FakeMachine machine = machine(new LinuxKernel(5000).put32(0x238, 255), 32).with("boot.append", "x".repeat(256));
        assertEquals("boot.append: the command line has 256 bytes, this kernel takes at most 255", failure(machine));
        machine(new LinuxKernel(5000).put32(0x238, 255), 32).with("boot.append", "x".repeat(255)).boot();
        assertEquals("boot.append: the command line has 256 bytes, this kernel takes at most 255",
                failure(machine(new LinuxKernel(5000).put16(0x206, 0x205), 32).with("boot.append", "x".repeat(256))));
    }

    @Test
    void filesThatAreNoKernelAreToldApart() throws Exception {
        Path file = folder.resolve("bzImage");
        FakeMachine machine = machine(new LinuxKernel(1), 32);
        Files.write(file, new byte[0]);
        assertEquals(named("is not a Linux kernel (bzImage)"), failure(machine));
        Files.write(file, random(100_000));
        assertEquals(named("is not a Linux kernel (bzImage)"), failure(machine));
        Files.write(file, new byte[] {0x7F, 'E', 'L', 'F', 1, 1, 1});
        assertEquals(named("is not a Linux kernel (bzImage): it is an ELF file; a multiboot kernel goes to boot.multiboot"), failure(machine));
        new LinuxKernel(5000).put32(0x202, 0).write(folder);
        assertEquals(named("is a boot sector but not a Linux kernel of boot protocol 2.00 or later (no HdrS at 0x202)"), failure(machine));
        new LinuxKernel(5000).put16(0x206, 0x105).write(folder);
        assertEquals(named("is too old: boot protocol 1.05, 2.00 is needed"), failure(machine));
        new LinuxKernel(5000).put16(0x236, 1).write(folder);
        assertEquals(named("is a 64-bit kernel; this virtual machine has a 32-bit CPU: use an i386 kernel"), failure(machine));
        new LinuxKernel(5000).put32(0x214, 0x200000).write(folder);
        assertTrue(failure(machine(new LinuxKernel(5000).put8(0x234, 0).put32(0x260, 0).put32(0x214, 0x200000), 32)).contains("entry point (code32_start 0x200000)"));
    }

    @Test
    void aTruncatedKernelIsToldWithBothSizes() throws Exception {
        byte[] whole = new LinuxKernel(5000).bytes();
        FakeMachine machine = machine(new LinuxKernel(1), 32);
        Files.write(folder.resolve("bzImage"), Arrays.copyOf(whole, 600));
        assertEquals(named("is truncated: the kernel proper starts at byte 1536, the file has 600"), failure(machine));
        Files.write(folder.resolve("bzImage"), Arrays.copyOf(whole, whole.length - 100));
        assertEquals(named("is truncated: its header tells of 5008 bytes of kernel, the file has 4900"), failure(machine));
    }

    @Test
    void aKernelThatNeedsMoreMemoryThanThereIsSaysHowMuch() throws Exception {
        assertEquals(named("needs memory from 0x1000000 up to 0x1200000 (18 MB); memory ends at 0xff0000 (memsize is 16 MB)"),
                failure(machine(new LinuxKernel(5000), 16)));
        assertEquals(named("needs memory from 0x100000 up to 0x1200000 (18 MB); memory ends at 0xff0000 (memsize is 16 MB)"),
                failure(machine(new LinuxKernel(5000).put8(0x234, 0), 16)));
    }

    @Test
    void damagedKernelsFailInOneLineOrStart() throws Exception {
        Random random = new Random(20260);
        for (int round = 0; round < 1000; round++) {
            LinuxKernel kernel = new LinuxKernel(2000);
            byte[] bytes = kernel.bytes();
            for (int i = random.nextInt(4); i >= 0; i--) bytes[0x1F1 + random.nextInt(0x80)] = (byte) random.nextInt();
            Files.write(folder.resolve("bzImage"), Arrays.copyOf(bytes, random.nextInt(8) == 0 ? random.nextInt(bytes.length) : bytes.length));
            FakeMachine machine = new FakeMachine(folder, 20).with("boot.kernel", "bzImage");
            try {
                CpuState state = machine.boot();
                assertTrue(state.rip >= 0x1000 && state.rip < 20 << 20, "entry " + state.rip);
            } catch (BootException e) {
                assertTrue(!e.getMessage().contains("\n") && e.getMessage().startsWith("boot."), e.getMessage());
            }
        }
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(7).nextBytes(bytes);
        return bytes;
    }
}
