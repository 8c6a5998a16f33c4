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

/** The Multiboot protocol, against the numbers of its specification. */
class MultibootLoaderTest {
    @TempDir Path folder;

    private FakeMachine machine(MultibootKernel kernel, int megabytes) throws IOException {
        kernel.write(folder);
        FakeMachine machine = new FakeMachine(folder, megabytes).with("boot.multiboot", "kernel.elf");
        machine.memory.dirty();
        return machine;
    }

    private static MultibootKernel plain() { return new MultibootKernel().segment(0x1000, 0x100000, 0x2000, 0x5000); }

    private String named(String text) { return "boot.multiboot: " + folder.resolve("kernel.elf") + ": " + text; }

    private static byte[] content(MultibootKernel kernel, int offset, int length) { return Arrays.copyOfRange(kernel.bytes(), offset, offset + length); }

    /** A word of the information structure. */
    private static long info(FakeMachine machine, CpuState state, int offset) { return machine.memory.read(state.registers[3] + offset, 4); }

    @Test
    void theCpuEntersInFlatProtectedModeWithMagicAndInformation() throws Exception {
        FakeMachine machine = machine(plain(), 8);
        CpuState state = machine.boot();
        assertEquals(0x100010, state.rip);
        assertEquals(0x2BADB002L, state.registers[0]);
        assertEquals(1, state.cr0 & 0x80000001L, "protection on, paging off");
        assertEquals(2, state.rflags, "interrupts off");
        for (int i = 0; i < 6; i++) {
            assertEquals(0, state.segments[i].base());
            assertEquals(0xFFFFFFFFL, state.segments[i].limit());
            assertEquals(i == CpuState.CS ? 0xC09B : 0xC093, state.segments[i].access());
        }
    }

    @Test
    void segmentsAreLoadedAndTheirRestIsZero() throws Exception {
        MultibootKernel kernel = plain().segment(0x4000, 0x8000, 0x100, 0x100).segment(0, 0x200000, 0, 0x30000);
        FakeMachine machine = machine(kernel, 8);
        machine.boot();
        assertArrayEquals(content(kernel, 0x1000, 0x2000), machine.memory.bytes(0x100000, 0x2000));
        assertArrayEquals(new byte[0x3000], machine.memory.bytes(0x102000, 0x3000));
        assertEquals(0xA5, machine.memory.read(0x105000 + 0x3000, 1), "beyond the segment");
        assertArrayEquals(content(kernel, 0x4000, 0x100), machine.memory.bytes(0x8000, 0x100));
        assertArrayEquals(new byte[0x30000], machine.memory.bytes(0x200000, 0x30000));
    }

    @Test
    void aHigherHalfKernelEntersAtThePhysicalAddressOfItsEntryPoint() throws Exception {
        MultibootKernel kernel = new MultibootKernel().segment(0x1000, 0xC0100000, 0x100000, 0x2000, 0x2000);
        kernel.entry = 0xC0100020;
        FakeMachine machine = machine(kernel, 8);
        assertEquals(0x100020, machine.boot().rip);
        assertArrayEquals(content(kernel, 0x1000, 0x2000), machine.memory.bytes(0x100000, 0x2000));
    }

    @Test
    void theAddressesOfTheHeaderAreUsedInsteadOfTheElfHeaders() throws Exception {
        MultibootKernel kernel = plain().flags(0x10003);
        int header = MultibootKernel.HEADER;
        // the file from 0x200 on goes to 0x300000; it is a 64-bit ELF besides, which then does not matter
        kernel.put(header + 12, 0x300200).put(header + 16, 0x300000).put(header + 20, 0x303000).put(header + 24, 0x304000).put(header + 28, 0x300abc);
        byte[] bytes = kernel.bytes();
        bytes[4] = 2;
        FakeMachine machine = machine(kernel, 8);
        Files.write(folder.resolve("kernel.elf"), bytes);
        assertEquals(0x300abc, machine.boot().rip);
        assertArrayEquals(Arrays.copyOfRange(bytes, 0x200, 0x3200), machine.memory.bytes(0x300000, 0x3000));
        assertArrayEquals(new byte[0x1000], machine.memory.bytes(0x303000, 0x1000));

        kernel.put(header + 20, 0).put(header + 24, 0); // to the end of the file, nothing to clear
        machine = machine(kernel, 8);
        machine.boot();
        assertArrayEquals(content(kernel, 0x200, 0x8000 - 0x200), machine.memory.bytes(0x300000, 0x8000 - 0x200));
        assertEquals(0xA5, machine.memory.read(0x300000 + 0x8000 - 0x200, 1));
    }

    @Test
    void theInformationHasMemoryCommandLineAndLoaderName() throws Exception {
        FakeMachine machine = machine(plain(), 8).with("boot.append", "one two");
        CpuState state = machine.boot();
        assertEquals(0x24D, info(machine, state, 0), "memory, command line, modules, map, loader name");
        assertEquals(639, info(machine, state, 4), "mem_lower");
        assertEquals(7 * 1024 - 64, info(machine, state, 8), "mem_upper");
        assertEquals("kernel.elf one two", machine.memory.string(info(machine, state, 16)));
        assertEquals("vmk firmware.bios", machine.memory.string(info(machine, state, 64)));
        assertEquals(0, info(machine, state, 20), "mods_count");
    }

    @Test
    void withoutArgumentsTheCommandLineIsTheNameOfTheFile() throws Exception {
        FakeMachine machine = machine(plain(), 8);
        assertEquals("kernel.elf", machine.memory.string(info(machine, machine.boot(), 16)));
    }

    @Test
    void theMemoryMapTellsUsableAndReservedRanges() throws Exception {
        FakeMachine machine = machine(plain(), 8);
        CpuState state = machine.boot();
        long[][] expected = {
            {0, 0x9FC00, 1}, {0x9FC00, 0x400, 2}, {0xF0000, 0x10000, 2}, {0x100000, 0x6F0000, 1}, {0x7F0000, 0xF000, 3},
            {0x7FF000, 0x1000, 4}, {0xFEC00000L, 0x1000, 2}, {0xFEE00000L, 0x1000, 2}, {0xFFFF0000L, 0x10000, 2}};
        assertEquals(24 * expected.length, info(machine, state, 44));
        long at = info(machine, state, 48);
        for (long[] range : expected) {
            assertEquals(20, machine.memory.read(at, 4), "size without itself");
            assertArrayEquals(range, new long[] {machine.memory.read(at + 4, 8), machine.memory.read(at + 12, 8), machine.memory.read(at + 20, 4)});
            at += 24;
        }
    }

    @Test
    void modulesArePlacedOnPagesAboveTheKernelInTheOrderOfTheirNumbers() throws Exception {
        byte[] first = random(5000), second = random(4096), third = {};
        Files.write(folder.resolve("a"), first);
        Files.write(folder.resolve("b"), second);
        Files.write(folder.resolve("c"), third);
        FakeMachine machine = machine(plain(), 8).with("boot.module10", "c").with("boot.module0", "a with arguments").with("boot.module2", "b");
        CpuState state = machine.boot();
        assertEquals(3, info(machine, state, 20));
        long list = info(machine, state, 24);
        long[][] expected = {{0x105000, 0x106388}, {0x107000, 0x108000}, {0x108000, 0x108000}};
        String[] strings = {"a with arguments", "b", "c"};
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(expected[i], new long[] {machine.memory.read(list + 16 * i, 4), machine.memory.read(list + 16 * i + 4, 4)});
            assertEquals(strings[i], machine.memory.string(machine.memory.read(list + 16 * i + 8, 4)));
        }
        assertArrayEquals(first, machine.memory.bytes(0x105000, first.length));
        assertArrayEquals(second, machine.memory.bytes(0x107000, second.length));
    }

    @Test
    void sectionHeadersAreHandedOnWithTheSymbolsLoaded() throws Exception {
        MultibootKernel kernel = plain().sections(0x7000, 4, 3);
        kernel.section(0x7028, 1, 0x100000, 0x1000, 0x2000); // .text, loaded already
        kernel.section(0x7050, 8, 0, 0x3000, 0x700000); // .bss without an address: nothing to load
        kernel.section(0x7078, 3, 0, 0x6000, 0x123); // .strtab
        FakeMachine machine = machine(kernel, 8);
        CpuState state = machine.boot();
        assertEquals(0x26D, info(machine, state, 0));
        assertEquals(4, info(machine, state, 28));
        assertEquals(40, info(machine, state, 32));
        assertEquals(3, info(machine, state, 40));
        long table = info(machine, state, 36);
        assertEquals(0x100000, machine.memory.read(table + 40 + 12, 4));
        long strings = machine.memory.read(table + 120 + 12, 4);
        assertTrue(strings >= 0x105000, "above the kernel");
        assertArrayEquals(content(kernel, 0x6000, 0x123), machine.memory.bytes(strings, 0x123));
    }

    @Test
    void sectionsThatAreDamagedOrTooBigAreLeftOut() throws Exception {
        FakeMachine machine = machine(plain().sections(0x7FF0, 4, 3), 8);
        assertEquals(0x24D, info(machine, machine.boot(), 0), "a table beyond the end of the file");
        MultibootKernel kernel = new MultibootKernel().segment(0x1000, 0x100000, 0x2000, 0x6EF000).sections(0x7000, 2, 1).section(0x7028, 3, 0, 0x1000, 0x6000);
        machine = machine(kernel, 8);
        assertEquals(0x24D, info(machine, machine.boot(), 0), "no room");
    }

    @Test
    void theInformationIsPutWhereTheKernelIsNot() throws Exception {
        FakeMachine machine = machine(plain().segment(0x4000, 0x9F000, 0xC00, 0xC00).segment(0x5000, 0x90000, 0x100, 0xF000), 8);
        CpuState state = machine.boot();
        assertTrue(state.registers[3] < 0x90000 && state.registers[3] > 0x8F000, Long.toHexString(state.registers[3]));
        machine = machine(plain().segment(0, 0x1000, 0, 0x9EC00), 8);
        state = machine.boot();
        assertEquals(0x105000, state.registers[3], "above the kernel when conventional memory is full");
        assertEquals("kernel.elf", machine.memory.string(info(machine, state, 16)));
    }

    @Test
    void theHeaderIsFoundAnywhereInTheFirstEightKilobytesOnFourByteBoundaries() throws Exception {
        MultibootKernel kernel = plain().put(MultibootKernel.HEADER, 0);
        kernel.put(8192 - 12, 0x1BADB002).put(8192 - 8, 0).put(8192 - 4, -0x1BADB002);
        assertEquals(0x100010, machine(kernel, 8).boot().rip);
        kernel = plain().put(MultibootKernel.HEADER, 0);
        kernel.put(8192 - 8, 0x1BADB002).put(8192 - 4, 0).put(8192, -0x1BADB002);
        assertEquals(named("has no multiboot header in its first 8192 bytes: what is at byte 8184 has a wrong checksum"), machine(kernel, 8).failure());
    }

    @Test
    void filesThatCannotBeStartedAreToldApart() throws Exception {
        assertEquals(named("has no multiboot header in its first 8192 bytes: what is at byte 1024 has a wrong checksum"),
                machine(plain().put(MultibootKernel.HEADER + 8, 1), 8).failure());
        assertEquals(named("has no multiboot header in its first 8192 bytes"), machine(plain().put(MultibootKernel.HEADER, 1), 8).failure());
        assertEquals(named("has no multiboot header in its first 8192 bytes: it is a multiboot 2 kernel, multiboot 1 is needed"),
                machine(plain().put(MultibootKernel.HEADER, 0xE85250D6), 8).failure());
        assertEquals(named("asks for a video mode (multiboot flag 2), and this machine has no display"), machine(plain().flags(7), 8).failure());
        assertEquals(named("requires multiboot features that do not exist (flags 0x8010)"), machine(plain().flags(0x8013), 8).failure());
        FakeMachine machine = machine(plain(), 8);
        byte[] bytes = plain().bytes();
        bytes[4] = 2;
        Files.write(folder.resolve("kernel.elf"), bytes);
        assertEquals(named("is a 64-bit ELF; multiboot needs a 32-bit one (objcopy -O elf32-i386 makes it)"), machine.failure());
        bytes[4] = 1;
        bytes[18] = 40;
        Files.write(folder.resolve("kernel.elf"), bytes);
        assertEquals(named("is an ELF for another processor (machine 40, 3 is x86)"), machine.failure());
        bytes[0] = 0;
        Files.write(folder.resolve("kernel.elf"), bytes);
        assertEquals(named("is not an ELF file, and its multiboot header gives no addresses (flag 16)"), machine.failure());
        Files.write(folder.resolve("kernel.elf"), new LinuxKernel(9000).bytes());
        assertEquals(named("has no multiboot header in its first 8192 bytes: it is a Linux kernel, which goes to boot.kernel"), machine.failure());
        Files.write(folder.resolve("kernel.elf"), new byte[0]);
        assertEquals(named("has no multiboot header in its first 8192 bytes"), machine.failure());
        assertEquals(named("has no program headers: it has not been linked"), machine(new MultibootKernel(), 8).failure());
    }

    @Test
    void segmentsThatOverlapOrLieOutsideMemoryAreToldWithTheirAddresses() throws Exception {
        assertEquals(named("has segments that overlap: 0x100000-0x104fff and 0x104fff-0x1050fe"), machine(plain().segment(0x1000, 0x104FFF, 0x100, 0x100), 8).failure());
        String memory = ", which is not in memory: 0x0-0x9fbff or 0x100000-0x7effff (memsize is 8 MB)";
        assertEquals(named("wants to be loaded to 0x800000-0x800fff" + memory), machine(plain().segment(0x1000, 0x800000, 0x1000, 0x1000), 8).failure());
        assertEquals(named("wants to be loaded to 0x7e0000-0x7f0000" + memory), machine(plain().segment(0x1000, 0x7E0000, 0x1000, 0x10001), 8).failure());
        assertEquals(named("wants to be loaded to 0x9f000-0x9ffff" + memory), machine(plain().segment(0x1000, 0x9F000, 0x1000, 0x1000), 8).failure());
        assertEquals(named("wants to be loaded to 0xfffff000-0x100000fff" + memory), machine(plain().segment(0x1000, 0xFFFFF000, 0x1000, 0x2000), 8).failure());
    }

    @Test
    void aTruncatedKernelIsToldWithBothSizes() throws Exception {
        FakeMachine machine = machine(plain(), 8);
        Files.write(folder.resolve("kernel.elf"), Arrays.copyOf(plain().bytes(), 0x2345));
        assertEquals(named("is truncated: a segment ends at byte 12288, the file has 9029"), machine.failure());
        MultibootKernel kernel = plain().flags(0x10000);
        kernel.put(MultibootKernel.HEADER + 12, 0x100400).put(MultibootKernel.HEADER + 16, 0x100000).put(MultibootKernel.HEADER + 20, 0x110000);
        assertEquals(named("is truncated: its multiboot header tells of 65536 bytes, the file has 32768"), machine(kernel, 8).failure());
    }

    @Test
    void aModuleThatDoesNotFitIsToldWithBothSizes() throws Exception {
        Files.write(folder.resolve("big"), new byte[8_000_000]);
        assertEquals("boot.module0: " + folder.resolve("big") + ": is too big: 8000000 bytes, and 7254016 bytes are free above the kernel and the modules "
                + "before it, from 0x105000 to 0x7f0000 (memsize is 8 MB)", machine(plain(), 8).with("boot.module0", "big x").failure());
        assertEquals("boot.module1: " + folder.resolve("none") + ": no such file", machine(plain(), 8).with("boot.module1", "none").failure());
    }

    @Test
    void damagedKernelsFailInOneLineOrStart() throws Exception {
        Random random = new Random(20261);
        for (int round = 0; round < 1000; round++) {
            byte[] bytes = plain().sections(0x7000, 2, 1).section(0x7028, 3, 0, 0x6000, 0x123).bytes();
            for (int i = random.nextInt(4); i >= 0; i--) {
                int area = random.nextInt(3);
                bytes[area == 0 ? random.nextInt(84) : area == 1 ? 0x400 + random.nextInt(32) : 0x7000 + random.nextInt(80)] = (byte) random.nextInt();
            }
            Files.write(folder.resolve("kernel.elf"), random.nextInt(8) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes);
            try {
                CpuState state = new FakeMachine(folder, 4).with("boot.multiboot", "kernel.elf").boot();
                assertEquals(0x2BADB002L, state.registers[0]);
            } catch (BootException e) {
                assertTrue(!e.getMessage().contains("\n") && e.getMessage().startsWith("boot."), e.getMessage());
            }
        }
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(9).nextBytes(bytes);
        return bytes;
    }
}
