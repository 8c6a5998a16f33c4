package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.PciHandler;
import vmkernel.api.memory.GuestMemory.PageListener;
import vmkernel.api.monitor.PortBus;
import vmkernel.api.monitor.VcpuContext;
import vmkernel.api.vm.PowerMode;

/** Ports and memory-mapped devices as a guest reaches them. */
@Timeout(60)
class BusTest {
    @TempDir
    Path home;
    private FakePc pc;
    private Machine vm;
    private VcpuContext cpu;
    private DeviceContext board;
    private DeviceContext uart;
    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        pc = new FakePc(home);
        vm = pc.running("a", FakePc.HALT, "serial0.present", "TRUE");
        cpu = pc.monitor.last.context;
        board = pc.devices.board;
        uart = pc.devices.uart;
    }

    @AfterEach
    void stop() { pc.close(); }

    /** Reads give all ones in the device's width, less the offset; everything is written down. */
    private IoHandler handler(String name) {
        return new IoHandler() {
            @Override
            public long read(long offset, int bytes) {
                log.add(name + " r" + bytes + " " + offset);
                return 0x1122334455667788L - offset;
            }

            @Override public void write(long offset, int bytes, long value) { log.add(name + " w" + bytes + " " + offset + " " + Long.toHexString(value)); }
        };
    }

    @Test
    void aPortAccessReachesItsDeviceOnceWithItsOffset() {
        board.claimPorts(0x40, 4, handler("pit"));
        PortBus ports = cpu.ports();
        assertEquals(0x87, ports.read(0x41, 1));
        assertEquals(0x7788, ports.read(0x40, 2));
        assertEquals(0x55667788, ports.read(0x40, 4));
        ports.write(0x43, 1, 0xFFFF_FF36L);
        ports.write(0x42, 2, 0x12345678);
        assertEquals(List.of("pit r1 1", "pit r2 0", "pit r4 0", "pit w1 3 36", "pit w2 2 5678"), log);
    }

    @Test
    void anAccessThatLeavesAClaimIsMadeOfBytes() {
        board.claimPorts(0x60, 1, handler("kbd"));
        board.claimPorts(0x62, 2, handler("other"));
        assertEquals(0x8788_FF88L, cpu.ports().read(0x60, 4));
        cpu.ports().write(0x60, 4, 0x44332211);
        assertEquals(List.of("kbd r1 0", "other r1 0", "other r1 1", "kbd w1 0 11", "other w1 0 33", "other w1 1 44"), log);
    }

    @Test
    void nobodyReadsAsOnesAndIsCounted() {
        assertEquals(0xFF, cpu.ports().read(0x300, 1));
        assertEquals(0xFFFF, cpu.ports().read(0x300, 2));
        assertEquals(0xFFFF_FFFFL, cpu.ports().read(0xFFFE, 4));
        cpu.ports().write(0x300, 4, 0);
        cpu.ports().write(0x300, 1, 0);
        assertEquals(12L, vm.misuses().get("unclaimed I/O port"));
    }

    @Test
    void portsWrapAtTheEndOfTheSpace() {
        board.claimPorts(0xFFFF, 1, handler("last"));
        board.claimPorts(0, 1, handler("first"));
        assertEquals(0x8888, cpu.ports().read(0xFFFF, 2));
        assertEquals(0x88, cpu.ports().read(0x1_FFFFL, 1));
    }

    @Test
    void overlappingClaimsAreRefusedWithTheOwner() {
        board.claimPorts(0x3F0, 9, handler("a"));
        assertEquals("port 0x3f8 belongs to board", assertThrows(IllegalStateException.class, () -> uart.claimPorts(0x3F8, 8, handler("b"))).getMessage());
        uart.releasePorts(0x3F0, 16);
        assertEquals(0x88, cpu.ports().read(0x3F0, 1));
        board.releasePorts(0x3F8, 1);
        uart.claimPorts(0x3F8, 8, handler("b"));
        assertThrows(IllegalArgumentException.class, () -> uart.claimPorts(0xFFFF, 2, handler("b")));
        board.claimMemory(0xFEE00000L, 4096, handler("a"));
        assertEquals("memory at 0xfee00ff0 belongs to board", assertThrows(IllegalStateException.class, () -> uart.claimMemory(0xFEE00FF0L, 4096, handler("b"))).getMessage());
    }

    @Test
    void aClaimedPageIsTheDeviceWhereItIsClaimedAndRamWhereNot() {
        cpu.memory().write(0xD0000, 8, 0x0807060504030201L);
        assertFalse(cpu.claimed(0xD0));
        board.claimMemory(0xD0004, 2, handler("io"));
        assertTrue(cpu.claimed(0xD0));
        assertFalse(cpu.claimed(0xD1));
        assertFalse(cpu.claimed(0xCF));
        assertEquals(0x0807_8788_04030201L, cpu.mmio().read(0xD0000, 8));
        cpu.mmio().write(0xD0002, 4, 0xAABBCCDDL);
        assertEquals(0x08070605_CCDD0201L, cpu.memory().read(0xD0000, 8));
        assertEquals(0x7788, cpu.mmio().read(0xD0004, 2));
        assertEquals(List.of("io r1 0", "io r1 1", "io w1 0 bb", "io w1 1 aa", "io r2 0"), log);
        board.releaseMemory(0xD0000, 4096);
        assertFalse(cpu.claimed(0xD0));
        assertEquals(0x08070605_CCDD0201L, cpu.mmio().read(0xD0000, 8));
    }

    @Test
    void memoryThatIsNowhereReadsAsOnes() {
        board.claimMemory(0xFEC00000L, 16, handler("ioapic"));
        board.claimMemory(0xFEE00000L, 4096, handler("apic"));
        assertEquals(-1, cpu.mmio().read(0xE0000000L, 8));
        assertEquals(0xFF, cpu.mmio().read(0xFEC00010L, 1));
        assertEquals(0x1122334455667788L, cpu.mmio().read(0xFEE00000L, 8));
        assertEquals(0x55667778, cpu.mmio().read(0xFEE00010L, 4));
        assertTrue(cpu.claimed(0xFEC00) && cpu.claimed(0xFEE00));
        assertFalse(cpu.claimed(0xFEBFF) || cpu.claimed(0xFED00) || cpu.claimed(0xFEE01));
    }

    @Test
    void holdersOfRamAddressesAreToldWhenADeviceComesAndGoes() {
        List<Long> unmapped = new ArrayList<>();
        cpu.memory().addListener(new PageListener() {
            @Override public void unmapped(long ppn) { unmapped.add(ppn); }
            @Override public void written(long address, int length) {}
        });
        board.claimMemory(0xCFFF0, 0x20, handler("rom"));
        assertEquals(List.of(0xCFL, 0xD0L), unmapped);
        board.releaseMemory(0xCFFF0, 0x20);
        assertEquals(List.of(0xCFL, 0xD0L, 0xCFL, 0xD0L), unmapped);
    }

    @Test
    void claimsVanishWithTheDevice() throws Exception {
        PortBus ports = cpu.ports();
        PortBus mmio = cpu.mmio();
        uart.claimPorts(0x3F8, 8, handler("uart"));
        uart.claimMemory(0xFE000000L, 8, handler("uart"));
        vm.powerOff(PowerMode.HARD);
        assertEquals(0xFF, ports.read(0x3F8, 1));
        assertEquals(0xFF, mmio.read(0xFE000000L, 1));
        assertEquals(List.of(), log);
        assertThrows(IllegalStateException.class, () -> uart.claimPorts(0x3F8, 8, handler("late")));
        assertThrows(IllegalStateException.class, () -> uart.timer(() -> {}));
        uart.execute(() -> log.add("late"));
        uart.powerOff();
        assertEquals(List.of(), log);
    }

    @Test
    void devicesWorkOneAtATime() throws Exception {
        int[] inside = new int[1];
        int[] clashes = new int[1];
        IoHandler once = new IoHandler() {
            @Override
            public long read(long offset, int bytes) {
                if (inside[0]++ != 0) clashes[0]++;
                Thread.onSpinWait();
                inside[0]--;
                return 0;
            }

            @Override public void write(long offset, int bytes, long value) { read(offset, bytes); }
        };
        board.claimPorts(0x70, 2, once);
        board.claimMemory(0xFED00000L, 1024, once);
        Thread[] threads = new Thread[3];
        for (int t = 0; t < threads.length; t++) {
            int number = t;
            threads[t] = new Thread(() -> {
                for (int i = 0; i < 20_000; i++) {
                    if (number == 0) cpu.ports().read(0x70, 1);
                    else if (number == 1) cpu.mmio().write(0xFED00000L, 4, 0);
                    else if (i % 10 == 0) board.execute(() -> once.read(0, 1));
                }
            });
            threads[t].start();
        }
        for (Thread thread : threads) thread.join();
        assertEquals(0, clashes[0]);
    }

    @Test
    void tasksRunInOrder() {
        List<Integer> order = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 1000; i++) {
            int number = i;
            board.execute(() -> order.add(number));
        }
        while (order.size() < 1000) Thread.onSpinWait();
        for (int i = 0; i < 1000; i++) assertEquals(i, order.get(i));
    }

    @Test
    void aSharedLineIsUpWhileOneOfItsDriversIsAndTheControllerHearsOfChangesOnly() {
        InterruptLine first = board.interrupt(17);
        InterruptLine second = uart.interrupt(17);
        first.set(false);
        first.set(true);
        second.set(true);
        first.set(true);
        first.set(false);
        assertSame(second, uart.interrupt(17));
        second.set(false);
        uart.interrupt(18).set(true);
        assertEquals(List.of("line 17 up", "line 17 down", "line 18 up"), pc.devices.lines);
    }

    @Test
    void aTaskOfADeviceRunsAtOnceOnTheThreadThatBringsItAndWhoeverIsInsideDoesIt() throws Exception {
        Thread here = Thread.currentThread();
        List<Thread> by = java.util.Collections.synchronizedList(new ArrayList<>());
        board.execute(() -> by.add(Thread.currentThread()));
        assertEquals(List.of(here), by);
        board.claimPorts(0x70, 1, new IoHandler() {
            @Override
            public long read(long offset, int bytes) {
                Thread other = new Thread(() -> board.execute(() -> by.add(Thread.currentThread())));
                other.start();
                try {
                    other.join(); // it does not wait for us
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                board.execute(() -> by.add(Thread.currentThread()));
                assertEquals(1, by.size());
                return 0;
            }

            @Override public void write(long offset, int bytes, long value) {}
        });
        cpu.ports().read(0x70, 1);
        assertEquals(List.of(here, here, here), by);
    }

    @Test
    void aFloodOfTasksKeepsNoThreadForEver() throws Exception {
        // a task that always brings the next one: the thread that brought the first goes its way, the clock sees to the rest
        AtomicInteger done = new AtomicInteger();
        Runnable[] task = new Runnable[1];
        task[0] = () -> {
            if (done.incrementAndGet() < 100_000) board.execute(task[0]);
        };
        board.execute(task[0]);
        assertTrue(done.get() < 100_000, "it did all of them");
        FakePc.await(() -> done.get() == 100_000);
    }

    @Test
    void theKernelsPartsOfAMachineAreClosedAfterItsDevicesAndBeforeItsMemory() throws Exception {
        Powered machine = vm.powered();
        machine.closeAtPowerOff(() -> pc.devices.log.add("first " + pc.memory.reservedBytes()));
        machine.closeAtPowerOff(() -> pc.devices.log.add("second " + pc.memory.reservedBytes()));
        machine.closeAtPowerOff(() -> {
            throw new IllegalStateException("bad");
        });
        machine.execute(() -> pc.devices.log.add("task"));
        pc.devices.log.removeIf(line -> !line.equals("task"));
        vm.powerOff(PowerMode.HARD);
        machine.execute(() -> pc.devices.log.add("late"));
        assertEquals(List.of("task", "close uart", "close 440bx", "second " + 8 * FakePc.MB, "first " + 8 * FakePc.MB), pc.devices.log);
    }

    private static final PciHandler FUNCTION = new PciHandler() {
        @Override public int read(int offset, int bytes) { return 0; }
        @Override public void write(int offset, int bytes, int value) {}
    };

    @Test
    void aPciSlotThatTheKernelChoseIsKeptOverPowerCycles() throws Exception {
        assertEquals(7, board.claimPci(7, 1, FUNCTION));
        assertEquals(16, uart.claimPci(-1, 0, FUNCTION));
        assertSame(FUNCTION, board.pci(16, 0));
        assertEquals("PCI slot 16.0 belongs to serial0", assertThrows(IllegalStateException.class, () -> board.claimPci(16, 0, FUNCTION)).getMessage());
        vm.powerOff(PowerMode.HARD);
        vm.powerOn();
        assertEquals(17, pc.devices.board.claimPci(-1, 0, FUNCTION));
        assertEquals(16, pc.devices.uart.claimPci(-1, 0, FUNCTION));
    }

    @Test
    void theConfigurationChoosesAPciSlotAndNoOtherDeviceGetsIt() throws Exception {
        pc.running("b", FakePc.HALT, "serial0.present", "TRUE", "serial0.pciSlotNumber", "16", "scsi0.pciSlotNumber", "17", "ethernet0.pciSlotNumber", "160");
        assertEquals(18, pc.devices.board.claimPci(-1, 0, FUNCTION));
        assertEquals(16, pc.devices.uart.claimPci(-1, 0, FUNCTION));
        for (int slot = 19; slot <= 31; slot++) pc.devices.board.claimPci(slot, 0, FUNCTION);
        assertEquals(17, pc.devices.board.claimPci(-1, 0, FUNCTION));
        assertEquals("there is no free PCI slot", assertThrows(IllegalStateException.class, () -> pc.devices.board.claimPci(-1, 0, FUNCTION)).getMessage());
    }

    @Test
    void misusesAreCountedAndBounded() {
        for (int i = 0; i < 3; i++) uart.misuse("odd divisor");
        for (int i = 0; i < 10_000; i++) board.misuse("value " + i);
        assertEquals(3L, vm.misuses().get("serial0: odd divisor"));
        assertTrue(vm.misuses().size() <= 202);
        assertEquals(10_003, vm.misuses().values().stream().mapToLong(Long::longValue).sum());
    }

    @Test
    void theBackdoorIsAnsweredByItsDevice() {
        int[] registers = {0x564D5868, 0, 10, 0x5658, 0, 0, 0};
        assertFalse(cpu.backdoor(0x5658, registers));
        board.serveBackdoor((port, values) -> {
            values[1] = port;
            return true;
        });
        assertTrue(cpu.backdoor(0x5658, registers));
        assertEquals(0x5658, registers[1]);
        assertThrows(IllegalStateException.class, () -> uart.serveBackdoor((port, values) -> true));
    }

    @Test
    void anX87ErrorIsInterruptThirteenUntilItIsAcknowledged() {
        cpu.numericError(true);
        assertEquals(VcpuContext.INTERRUPT_REQUEST, cpu.events());
        assertEquals(0x20 + 13, cpu.acknowledgeInterrupt());
        assertFalse(cpu.ignoreNumericError());
        board.cpus().ignoreNumericError(0);
        assertTrue(cpu.ignoreNumericError());
        cpu.numericError(true);
        assertEquals(0, cpu.events());
        cpu.numericError(false);
        assertFalse(cpu.ignoreNumericError());
    }

    @Test
    void pinsArePulsesAndLevels() {
        board.cpus().nonMaskable(0);
        board.cpus().init(0);
        board.cpus().startup(0, 0x9A);
        assertEquals(VcpuContext.NON_MASKABLE | VcpuContext.INIT | VcpuContext.STARTUP, cpu.events());
        assertEquals(0, cpu.take(VcpuContext.INIT));
        assertEquals(0x9A, cpu.take(VcpuContext.STARTUP));
        assertEquals(VcpuContext.NON_MASKABLE, cpu.events());
        assertTrue(cpu.a20());
        board.cpus().a20(false);
        assertFalse(cpu.a20());
    }
}
