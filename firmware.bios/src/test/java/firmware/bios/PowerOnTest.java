package firmware.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.monitor.CpuState;

/** The board as a guest finds it that has no firmware of its own. */
class PowerOnTest {
    @TempDir Path folder;
    private FakeMachine machine;

    @BeforeEach
    void aMachineWithAKernel() throws Exception {
        new MultibootKernel().segment(0x1000, 0x100000, 0x1000, 0x1000).write(folder);
        machine = new FakeMachine(folder, 64).with("boot.multiboot", "kernel.elf").with("serial0.present", "TRUE");
        machine.memory.dirty();
    }

    @Test
    void theInterruptControllersAreInitialisedAndMasked() throws Exception {
        machine.boot();
        assertEquals(List.of(0x11L), machine.ports.to(0x20));
        assertEquals(List.of(0x08L, 0x04L, 0x01L, 0xFBL), machine.ports.to(0x21));
        assertEquals(List.of(0x11L), machine.ports.to(0xA0));
        assertEquals(List.of(0x70L, 0x02L, 0x01L, 0xFFL), machine.ports.to(0xA1));
        assertEquals(0x0E00L, machine.ports.latches.get(0x4D1L) << 8 | machine.ports.latches.get(0x4D0L), "IRQ 9, 10 and 11 are level-triggered");
    }

    @Test
    void interruptsOfThePicsReachTheCpuThroughItsLocalApic() throws Exception {
        machine.boot();
        List<Long> order = machine.mmio.writes.stream().map(FakeMachine.FakeBus.Write::address).toList();
        assertEquals(0x1FFL, machine.mmio.latches.get(0xFEE000F0L), "enabled");
        assertEquals(0x700L, machine.mmio.latches.get(0xFEE00350L), "LINT0 is ExtINT, not masked");
        assertEquals(0x400L, machine.mmio.latches.get(0xFEE00360L), "LINT1 is NMI");
        assertTrue(order.indexOf(0xFEE000F0L) < order.indexOf(0xFEE00350L), "while it is disabled, masks cannot be cleared");
    }

    @Test
    void theIoapicGetsTheIdThatTheTablesTell() throws Exception {
        machine.cpus(3).boot();
        assertEquals(List.of(0L), machine.mmio.to(0xFEC00000L));
        assertEquals(List.of(3L << 24), machine.mmio.to(0xFEC00010L));
    }

    @Test
    void theTimerRunsAtItsUsualRateAndTheClockIsSane() throws Exception {
        machine.boot();
        assertEquals(List.of(0x36L, 0x54L), machine.ports.to(0x43));
        assertEquals(List.of(0L, 0L), machine.ports.to(0x40));
        assertEquals(0x26, machine.ports.cmos[0x0A]);
        assertEquals(0x02, machine.ports.cmos[0x0B]);
    }

    @Test
    void theBiosDataAreaTellsPortsEquipmentAndMemory() throws Exception {
        machine.with("serial1.present", "true").with("serial3.present", "TRUE").boot();
        assertEquals(0x3F8, machine.memory.read(0x400, 2));
        assertEquals(0x2F8, machine.memory.read(0x402, 2));
        assertEquals(0, machine.memory.read(0x404, 2), "no COM3");
        assertEquals(0x2E8, machine.memory.read(0x406, 2));
        assertEquals(0, machine.memory.read(0x408, 6), "no parallel ports");
        assertEquals(0x9FC0, machine.memory.read(0x40E, 2), "extended BIOS data area");
        assertEquals(1, machine.memory.read(0x9FC00, 1), "its size in KiB");
        assertEquals(3 << 9 | 0x06, machine.memory.read(0x410, 2), "equipment");
        assertEquals(639, machine.memory.read(0x413, 2));
        assertEquals(0, machine.memory.read(0x467, 4));
    }

    @Test
    void withoutSerialPortsNoneAreTold() throws Exception {
        machine.with("serial0.present", "FALSE").boot();
        assertEquals(0, machine.memory.read(0x400, 8));
        assertEquals(0x06, machine.memory.read(0x410, 2));
        assertTrue(machine.with("serial1.present", "maybe").failure().endsWith("serial1.present = \"maybe\": TRUE or FALSE is needed"));
    }

    @Test
    void everyInterruptVectorLeadsToAnIret() throws Exception {
        machine.boot();
        for (int i = 0; i < 256; i++) {
            long vector = machine.memory.read(4L * i, 4);
            assertEquals(0xCF, machine.memory.read((vector >> 16) * 16 + (vector & 0xFFFF), 1), "INT " + i);
        }
    }

    @Test
    void theRomIsAtBothPlacesAndCannotBeWritten() throws Exception {
        machine.boot();
        machine.memory.write(0xFFFF0, 4, 0);
        assertEquals(0xEA, machine.memory.read(0xFFFF0, 1), "jmp far");
        assertArrayEquals(machine.memory.bytes(0xF0000, 65536), machine.memory.bytes(0xFFFF0000L, 65536));
    }

    @Test
    void pciInterruptsAreRoutedAndPowerManagementIsAtItsAddress() throws Exception {
        var isa = new FakeMachine.FakeFunction(0x8086, 0x7110, 0x80);
        var power = new FakeMachine.FakeFunction(0x8086, 0x7113, 0);
        machine.ports.pci.put(7 << 3, isa);
        machine.ports.pci.put(7 << 3 | 3, power);
        machine.boot();
        assertEquals(0x0B0A0B0AL, isa.read(0x60, 4), "PIRQ A to D go to IRQ 10, 11, 10, 11");
        assertEquals(0x1001, power.read(0x40, 4));
        assertEquals(1, power.read(0x80, 1));
    }

    @Test
    void pciFunctionsGetAddressesAndInterrupts() throws Exception {
        var disk = new FakeMachine.FakeFunction(0x1000, 0x0030, 0x80).bar(0x10, 256, 1).bar(0x14, 0x20000, 4).bar(0x1C, 0x10000, 0).pin(1);
        var second = new FakeMachine.FakeFunction(0x1000, 0x0030, 0).bar(0x10, 0x1000, 0).pin(2);
        var bridge = new FakeMachine.FakeFunction(0x8086, 0x7190, 0);
        machine.ports.pci.put(0, bridge);
        machine.ports.pci.put(16 << 3, disk);
        machine.ports.pci.put(16 << 3 | 1, second);
        machine.boot();
        assertEquals(0xC001, disk.read(0x10, 4));
        assertEquals(0xE0000004L, disk.read(0x14, 4));
        assertEquals(0, disk.read(0x18, 4), "upper half of a 64-bit address");
        assertEquals(0xE0020000L, disk.read(0x1C, 4));
        assertEquals(3, disk.read(4, 2) & 3, "I/O and memory decoding");
        assertEquals(11, disk.read(0x3C, 1), "slot 16 INTA is PIRQ D");
        assertEquals(0xE0030000L, second.read(0x10, 4));
        assertEquals(2, second.read(4, 2) & 3);
        assertEquals(10, second.read(0x3C, 1), "slot 16 INTB is PIRQ A");
        assertEquals(0, bridge.read(4, 2), "nothing to decode");
    }

    @Test
    void aResetWithAShutdownStatusGoesOnAtTheWarmResetVectorWithMemoryUntouched() throws Exception {
        machine.boot();
        machine.memory.write(0x467, 4, 0x10000234);
        machine.memory.write(0x100000, 4, 0x12345678);
        machine.memory.write(0x40, 4, 0x9ABCDEF0L);
        for (int status : new int[] {0x0A, 0x05}) {
            machine.ports.cmos[0x0F] = (byte) status;
            CpuState state = machine.boot();
            assertEquals(0xFFF0, state.rip);
            assertEquals(0, state.cr0 & 1);
            assertEquals(status, machine.ports.cmos[0x0F], "the code in ROM asks for it");
            assertEquals(0x10000234, machine.memory.read(0x467, 4));
            assertEquals(0x12345678, machine.memory.read(0x100000, 4));
            assertEquals(0x9ABCDEF0L, machine.memory.read(0x40, 4));
        }
        machine.ports.cmos[0x0F] = 1;
        assertEquals(0x100010, machine.boot().rip);
        assertEquals(0, machine.ports.cmos[0x0F]);
    }

    @Test
    void aSecondStartFindsTheSameAsTheFirst() throws Exception {
        CpuState first = machine.boot();
        byte[] low = machine.memory.bytes(0, 0xA0000), high = machine.memory.bytes(0x100000, 63 << 20);
        CpuState second = machine.boot();
        assertArrayEquals(low, machine.memory.bytes(0, 0xA0000));
        assertArrayEquals(high, machine.memory.bytes(0x100000, 63 << 20));
        assertArrayEquals(first.registers, second.registers);
    }

    @Test
    void aRomOfTheUsersFindsTheBoardAsResetLeavesIt() throws Exception {
        Files.write(folder.resolve("rom"), new byte[65536]);
        FakeMachine rom = new FakeMachine(folder, 64).with("boot.rom", "rom");
        rom.boot();
        assertTrue(rom.ports.writes.isEmpty() && rom.mmio.writes.isEmpty());
        assertArrayEquals(new byte[0xA0000], rom.memory.bytes(0, 0xA0000));
    }
}
