package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.IoHandler;
import vmkernel.api.firmware.BootException;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine.PowerOff;
import vmkernel.api.vm.VmException;

/** Power states: on, off and reset, by users, guests and failures. */
@Timeout(60)
class PowerTest {
    @TempDir
    Path home;
    private FakePc pc;

    @BeforeEach
    void start() { pc = new FakePc(home); }

    @AfterEach
    void stop() { pc.close(); }

    private static PowerOff awaitOff(Machine vm) throws Exception { return vm.off().get(20, TimeUnit.SECONDS); }

    private String refused(Machine vm) {
        VmException refused = assertThrows(VmException.class, vm::powerOn);
        assertFalse(refused.getMessage().contains("\n"));
        assertEquals(PowerState.OFF, vm.state());
        assertEquals(-1, vm.id());
        assertTrue(pc.idle(), "something is left behind");
        return refused.getMessage();
    }

    @Test
    void powerOnBuildsTheBoardFirstAndResetsAllDevicesBeforeTheFirmware() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT, "debugexit.present", "TRUE", "serial0.present", "TRUE", "serial1.present", "FALSE", "debugcon.present", "true");
        assertEquals(List.of("create 440bx board", "create uart serial0", "create debugcon debugcon", "create debugexit debugexit", "reset 440bx", "reset uart",
            "reset debugcon", "reset debugexit"), pc.devices.log);
        assertEquals(PowerState.ON, vm.state());
        assertTrue(vm.id() > 100);
        assertEquals(8 * FakePc.MB, pc.memory.reservedBytes());
        assertFalse(vm.off().isDone());
        assertEquals(1, pc.firmware.boots.get());
    }

    @Test
    void hardPowerOffStopsAGuestThatLoopsWithInterruptsOff() throws Exception {
        Machine vm = pc.running("a", FakePc.LOOP);
        while (pc.monitor.last.instructions == 0) Thread.onSpinWait();
        long start = System.nanoTime();
        vm.powerOff(PowerMode.HARD);
        assertTrue(System.nanoTime() - start < 1_000_000_000L);
        assertEquals(PowerState.OFF, vm.state());
        assertEquals("powered off by the user", vm.reason());
        assertEquals(new PowerOff(-1, null), vm.off().getNow(null));
        assertEquals(0, vm.off().getNow(null).status());
        assertTrue(pc.idle());
        assertTrue(vm.instructions() > 0);
        assertEquals(0, vm.uptime().toNanos());
        assertThrows(VmException.class, () -> vm.powerOff(PowerMode.HARD));
    }

    @Test
    void aVmCanBePoweredOnAgain() throws Exception {
        Machine vm = pc.running("a", FakePc.LOOP);
        int first = vm.id();
        assertThrows(VmException.class, vm::powerOn);
        vm.powerOff(PowerMode.HARD);
        vm.powerOn();
        assertTrue(vm.id() > first);
        assertEquals("", vm.reason());
        vm.powerOff(PowerMode.TRYSOFT);
        assertTrue(pc.idle());
    }

    @Test
    void softPowerOffAsksTheGuestAndFailsIfItCannotBeAsked() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT);
        assertTrue(assertThrows(VmException.class, () -> vm.powerOff(PowerMode.SOFT)).getMessage().startsWith("a: the guest cannot be asked"));
        assertEquals(PowerState.ON, vm.state());
        pc.devices.powerButton = true;
        vm.powerOff(PowerMode.SOFT);
        assertEquals(PowerState.ON, vm.state());
        pc.devices.board.powerOff();
        assertEquals(new PowerOff(-1, null), awaitOff(vm));
        assertEquals("guest powered off", vm.reason());
    }

    @Test
    void theGuestTurnsItsPowerOffFromWithinAnIoHandler() throws Exception {
        port(0x604, context -> new IoHandler() {
            @Override public long read(long offset, int bytes) { return 0; }
            @Override public void write(long offset, int bytes, long value) { context.powerOff(); }
        });
        AtomicInteger writes = new AtomicInteger();
        Machine vm = pc.running("a", (slice, vcpu) -> {
            while (!slice.expired()) {
                vcpu.context.ports().write(0x604, 2, 0x2000);
                writes.incrementAndGet();
            }
            return Vcpu.Exit.STOPPED;
        });
        assertEquals(new PowerOff(-1, null), awaitOff(vm));
        assertEquals(1, writes.get(), "the guest went on after its power was off");
        assertTrue(pc.idle());
    }

    private void port(int number, java.util.function.Function<DeviceContext, IoHandler> handler) {
        pc.devices.onCreate = context -> {
            if (context.prefix().equals("board")) context.claimPorts(number, 4, handler.apply(context));
        };
    }

    @Test
    void debugExitGivesTheStatusThatQemuGives() throws Exception {
        Machine vm = pc.running("a", FakePc.LOOP);
        pc.devices.board.debugExit(0x10);
        PowerOff how = awaitOff(vm);
        assertEquals(new PowerOff(0x10, null), how);
        assertEquals(33, how.status());
    }

    @Test
    void resetBootsAgainWithNewVcpuAndKeepsTheClockAndTheCount() throws Exception {
        Machine vm = pc.running("a", FakePc.LOOP);
        FakePc.FakeVcpu before = pc.monitor.last;
        while (before.instructions == 0) Thread.onSpinWait();
        int id = vm.id();
        vm.reset(PowerMode.HARD);
        assertEquals(id, vm.id());
        assertEquals(2, pc.firmware.boots.get());
        assertTrue(pc.monitor.last != before);
        assertEquals(1, pc.monitor.open.get());
        long counted = before.instructions;
        while (pc.monitor.last.instructions == 0) Thread.onSpinWait();
        assertTrue(vm.instructions() > counted);
        assertThrows(VmException.class, () -> vm.reset(PowerMode.SOFT));
    }

    @Test
    void theGuestResetsItself() throws Exception {
        Machine vm = pc.running("a", (slice, vcpu) -> {
            if (pc.firmware.boots.get() < 3) pc.devices.board.reset();
            return FakePc.LOOP.run(slice, vcpu);
        });
        while (pc.firmware.boots.get() < 3) Thread.onSpinWait();
        assertEquals(PowerState.ON, vm.state());
    }

    @Test
    void aResetThatCannotBootEndsTheVm() throws Exception {
        Machine vm = pc.running("a", FakePc.LOOP);
        pc.firmware.failing = new BootException("/k: no such file");
        vm.reset(PowerMode.HARD);
        assertEquals(new PowerOff(-1, "/k: no such file"), awaitOff(vm));
        assertEquals("/k: no such file", vm.reason());
        assertTrue(pc.idle());
    }

    @Test
    void aTripleFaultResetsTheMachine() throws Exception {
        Machine vm = pc.running("a", (slice, vcpu) -> {
            vcpu.instructions = 1_000_000;
            return pc.firmware.boots.get() < 6 ? Vcpu.Exit.SHUTDOWN : FakePc.LOOP.run(slice, vcpu);
        });
        while (pc.firmware.boots.get() < 6) Thread.onSpinWait();
        assertEquals(PowerState.ON, vm.state());
    }

    @Test
    void threeTripleFaultsInARowRightAfterAResetPowerItOff() throws Exception {
        Machine vm = pc.running("a", (slice, vcpu) -> {
            vcpu.instructions = 500;
            return Vcpu.Exit.SHUTDOWN;
        });
        PowerOff how = awaitOff(vm);
        assertEquals(3, pc.firmware.boots.get());
        assertTrue(how.failure().startsWith("triple fault"), how.failure());
        assertEquals(1, how.status());
        assertTrue(vm.reason().startsWith("triple fault"));
        assertTrue(pc.idle());
    }

    @Test
    void anExceptionOfTheMonitorEndsThatVmWithADumpAndNoOther() throws Exception {
        Machine other = pc.running("other", FakePc.LOOP);
        for (Throwable failure : List.of(new IllegalStateException("bad node"), new OutOfMemoryError("Java heap space"), new StackOverflowError())) {
            Machine vm = pc.running("vm " + failure.getClass().getSimpleName(), (slice, vcpu) -> {
                throw failure;
            });
            PowerOff how = awaitOff(vm);
            assertTrue(how.failure().startsWith("monitor failed: " + failure), how.failure());
            assertEquals(1, how.status());
            assertDump(vm, failure.toString());
        }
        assertEquals(PowerState.ON, other.state());
    }

    private void assertDump(Machine vm, String text) throws Exception {
        Path dump = Path.of(vm.reason().substring(vm.reason().indexOf("; dump: ") + 8));
        assertEquals(home.resolve("var/dumps"), dump.getParent());
        String written = Files.readString(dump);
        assertTrue(written.contains(text), written);
        assertTrue(written.contains("EIP=0000FFF0") && written.contains("virtual machine: " + vm.name()), written);
    }

    @Test
    void aFaultedVcpuEndsItsVmWithADump() throws Exception {
        Machine vm = pc.running("a", (slice, vcpu) -> {
            vcpu.failure = new ArrayIndexOutOfBoundsException("tlb");
            return Vcpu.Exit.FAULTED;
        });
        awaitOff(vm);
        assertDump(vm, "ArrayIndexOutOfBoundsException: tlb");
        assertTrue(pc.idle());
    }

    @Test
    void anExceptionOfADeviceEndsItsVmWithADump() throws Exception {
        port(0x60, context -> new IoHandler() {
            @Override public long read(long offset, int bytes) { throw new NullPointerException("scan code"); }
            @Override public void write(long offset, int bytes, long value) { throw new OutOfMemoryError("device"); }
        });
        FakePc.Guest reader = (slice, vcpu) -> {
            assertEquals(0xFF, vcpu.context.ports().read(0x60, 1));
            return FakePc.LOOP.run(slice, vcpu);
        };
        Machine vm = pc.running("a", reader);
        awaitOff(vm);
        assertTrue(vm.reason().startsWith("device 440bx (board) reading port 0x60 failed: java.lang.NullPointerException: scan code"), vm.reason());
        assertDump(vm, "scan code");
        Machine writer = pc.running("b", (slice, vcpu) -> {
            vcpu.context.ports().write(0x61, 1, 0);
            return FakePc.LOOP.run(slice, vcpu);
        });
        awaitOff(writer);
        assertDump(writer, "OutOfMemoryError");
    }

    @Test
    void anExceptionInATimerOrTaskOfADeviceEndsItsVm() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT);
        pc.devices.board.execute(() -> {
            throw new IllegalStateException("task");
        });
        awaitOff(vm);
        assertDump(vm, "IllegalStateException: task");
        pc.devices.onReset = context -> context.timer(() -> {
            throw new IllegalStateException("timer");
        }).at(context.clock().nanos() + 20_000_000);
        Machine timed = pc.running("b", FakePc.LOOP);
        awaitOff(timed);
        assertDump(timed, "IllegalStateException: timer");
    }

    @Test
    void everyStepOfAPowerOnThatFailsLeavesNothingBehind() throws Exception {
        Machine vm = pc.vm("a", "serial0.present", "TRUE");
        pc.scheduler.refuse = "vmm0:a: CPU min 80% cannot be guaranteed";
        assertEquals("a: vmm0:a: CPU min 80% cannot be guaranteed", refused(vm));
        pc.scheduler.refuse = null;

        pc.firmware.failing = new BootException("/boot/k: is not a kernel");
        assertEquals("a: /boot/k: is not a kernel", refused(vm));
        pc.firmware.failing = null;

        pc.monitor.failing = new IllegalStateException("no");
        assertEquals("a: cannot be powered on: java.lang.IllegalStateException: no", refused(vm));
        pc.monitor.failing = null;

        for (String device : List.of("board", "serial0")) {
            pc.devices.onCreate = context -> {
                if (context.prefix().equals(device)) throw new IllegalArgumentException("port 0x3f8 is odd");
            };
            assertEquals("a: device \"" + (device.equals("board") ? "440bx" : "uart") + "\" (" + device + "): port 0x3f8 is odd", refused(vm));
            pc.devices.onCreate = context -> {};
            pc.devices.onReset = context -> {
                if (context.prefix().equals(device)) throw new NullPointerException("latch");
            };
            assertTrue(refused(vm).contains("at reset failed: java.lang.NullPointerException: latch"));
            pc.devices.onReset = context -> {};
        }
        pc.devices.onCreate = context -> context.claimPorts(0x3F8, 8, null);
        assertEquals("a: device \"uart\" (serial0): port 0x3f8 belongs to board", refused(vm));
        pc.devices.onCreate = context -> {};
        vm.powerOn();
        assertEquals(PowerState.ON, vm.state());
    }

    @Test
    void whatIsNotThereIsNamed() throws Exception {
        assertEquals("a: unknown device \"e1000\" (ethernet0.virtualDev); known: 440bx, debugcon, debugexit, uart",
            refused(pc.vm("a", "ethernet0.present", "TRUE", "ethernet0.virtualDev", "e1000")));
        assertEquals("b: unknown monitor \"jit9\"; known: fake", refused(pc.vm("b", "monitor", "jit9")));
        assertEquals("c: 60 MB of memory asked for, 56 MB of 64 MB are free", refusedBeside(pc.vm("c", "memsize", "60")));
        assertEquals("d: memsize = \"4096\": this host has 64 MB for virtual machines", refused(pc.vm("d", "memsize", "4096")));
        pc.registry.parts().serviceMillis = 20;
        pc.registry.unbindFirmware(pc.firmware);
        assertEquals("e: there is no firmware (is bundle firmware.bios active?)", refused(pc.vm("e")));
        pc.registry.unbindDevices(pc.devices);
        assertEquals("f: there are no virtual devices (is bundle devices.pc active?)", refused(pc.vm("f")));
        pc.registry.unbindMonitor(pc.monitor);
        assertEquals("g: there is no monitor (is bundle monitor.x86 active?)", refused(pc.vm("g")));
    }

    private String refusedBeside(Machine vm) throws Exception {
        Machine other = pc.running("other", FakePc.HALT);
        String message = assertThrows(VmException.class, vm::powerOn).getMessage();
        other.powerOff(PowerMode.HARD);
        assertTrue(pc.idle());
        return message;
    }

    @Test
    void theMonitorIsChosenByKey() throws Exception {
        FakePc.FakeMonitor second = pc.new FakeMonitor("second");
        pc.registry.bindMonitor(second, java.util.Map.of());
        pc.running("a", FakePc.HALT);
        assertEquals(1, pc.monitor.open.get());
        pc.running("b", FakePc.HALT, "monitor", "second");
        assertEquals(1, second.open.get());
    }

    @Test
    void aMissingServiceIsWaitedForWhileItsBundleStarts() throws Exception {
        pc.registry.parts().serviceMillis = 20_000;
        pc.registry.unbindFirmware(pc.firmware);
        Machine vm = pc.vm("a");
        Thread late = new Thread(() -> pc.registry.bindFirmware(pc.firmware, java.util.Map.of()));
        pc.devices.onReset = context -> {
            if (late.getState() == Thread.State.NEW) late.start();
        };
        vm.powerOn();
        assertEquals(PowerState.ON, vm.state());
    }

    @Test
    void worldsGoOnUnderTheNextScheduler() throws Exception {
        Machine vm = pc.running("a", FakePc.LOOP);
        FakePc.FakeVcpu vcpu = pc.monitor.last;
        while (vcpu.instructions == 0) Thread.onSpinWait();
        pc.registry.unbindScheduler(pc.scheduler);
        long stopped = vcpu.instructions;
        assertEquals(0, pc.scheduler.count());
        ThreadScheduler next = new ThreadScheduler();
        pc.registry.bindScheduler(next);
        while (vcpu.instructions == stopped) Thread.onSpinWait();
        vm.powerOff(PowerMode.HARD);
        assertEquals(0, next.count());
        assertTrue(pc.idle());
    }

    @Test
    void aGuestThatHammersUnassignedPortsCanBeStoppedAndOthersKeepTheirTimers() throws Exception {
        AtomicInteger accesses = new AtomicInteger();
        Machine hammer = pc.running("hammer", (slice, vcpu) -> {
            for (int port = 0x300; !slice.expired(); port++) {
                vcpu.context.ports().read(port & 0xFFF | 0x1000, 4);
                vcpu.context.ports().write(port & 0xFFF | 0x1000, 1, port);
                vcpu.context.mmio().read(0xE0000000L + port, 4);
                accesses.incrementAndGet();
            }
            return Vcpu.Exit.STOPPED;
        });
        DeviceContext hammered = pc.devices.board;
        while (accesses.get() < 1000) Thread.onSpinWait();
        pc.running("other", FakePc.HALT);
        for (DeviceContext board : List.of(pc.devices.board, hammered)) {
            CountDownLatch ticks = new CountDownLatch(100);
            board.execute(() -> {
                vmkernel.api.device.GuestTimer[] timer = new vmkernel.api.device.GuestTimer[1];
                timer[0] = board.timer(() -> {
                    ticks.countDown();
                    if (ticks.getCount() > 0) timer[0].at(board.clock().nanos() + 1_000_000);
                });
                timer[0].at(0);
            });
            assertTrue(ticks.await(20, TimeUnit.SECONDS));
        }
        hammer.powerOff(PowerMode.HARD);
        assertEquals(PowerState.OFF, hammer.state());
    }

    @Test
    void aFailureWithoutADumpIsStillAFailure() throws Exception {
        Files.writeString(home.resolve("var"), "not a folder");
        Machine vm = pc.running("a", (slice, vcpu) -> {
            throw new IllegalStateException("bad");
        });
        assertTrue(awaitOff(vm).failure().startsWith("monitor failed: java.lang.IllegalStateException: bad; dump: none ("));
        assertTrue(pc.idle());
    }

    @Test
    void aVcpuThatDoesNotStopMakesTheVmStuckAndNothingElse() throws Exception {
        pc.registry.parts().patienceMillis = 50;
        AtomicInteger release = new AtomicInteger();
        CountDownLatch running = new CountDownLatch(1);
        Machine vm = pc.running("a", (slice, vcpu) -> {
            running.countDown();
            while (release.get() == 0) Thread.onSpinWait();
            return Vcpu.Exit.STOPPED;
        });
        running.await();
        Machine other = pc.running("b", FakePc.LOOP);
        assertEquals("a: the virtual CPU or a device does not stop (monitor fake)", assertThrows(VmException.class, () -> vm.powerOff(PowerMode.HARD)).getMessage());
        assertEquals(PowerState.STUCK, vm.state());
        assertEquals("the virtual CPU or a device does not stop (monitor fake)", vm.reason());
        assertFalse(vm.off().isDone());
        pc.registry.parts().patienceMillis = 20_000;
        other.powerOff(PowerMode.HARD);
        release.set(1);
        vm.powerOff(PowerMode.HARD);
        assertEquals(PowerState.OFF, vm.state());
        assertTrue(vm.off().isDone());
        assertTrue(pc.idle());
    }

    @Test
    void aDeviceThatHangsMakesTheVmStuckAndPowerOperationsReturn() throws Exception {
        pc.registry.parts().patienceMillis = 50;
        Machine vm = pc.running("a", FakePc.HALT);
        AtomicInteger release = new AtomicInteger();
        CountDownLatch hanging = new CountDownLatch(1);
        new Thread(() -> pc.devices.board.execute(() -> {
            hanging.countDown();
            while (release.get() == 0) Thread.onSpinWait();
        })).start();
        hanging.await();
        assertThrows(VmException.class, () -> vm.powerOff(PowerMode.SOFT));
        assertThrows(VmException.class, () -> vm.powerOff(PowerMode.TRYSOFT));
        assertEquals(PowerState.STUCK, vm.state());
        pc.registry.parts().patienceMillis = 20_000;
        release.set(1);
        vm.powerOff(PowerMode.HARD);
        assertTrue(pc.idle());
    }

    @Test
    void aHaltedVcpuIsWokenByAnInterrupt() throws Exception {
        AtomicInteger vectors = new AtomicInteger();
        Machine vm = pc.running("a", (slice, vcpu) -> {
            if ((vcpu.context.events() & 1) != 0) vectors.addAndGet(vcpu.context.acknowledgeInterrupt());
            return Vcpu.Exit.HALTED;
        });
        for (int i = 1; i <= 1000; i++) {
            pc.devices.board.execute(() -> {
                pc.devices.board.interrupt(1).set(true);
                pc.devices.board.interrupt(1).set(false);
            });
            while (vectors.get() < i * 0x21) Thread.onSpinWait();
            assertEquals(i * 0x21, vectors.get());
        }
        vm.powerOff(PowerMode.HARD);
    }

    @Test
    void powerOperationsFromManyThreadsNeverHang() throws Exception {
        Machine vm = pc.running("a", (slice, vcpu) -> {
            vcpu.instructions = 1_000_000;
            if (Math.floorMod(System.nanoTime(), 7L) == 0) pc.devices.board.reset();
            return FakePc.LOOP.run(slice, vcpu);
        });
        Thread[] users = new Thread[4];
        for (int u = 0; u < users.length; u++) {
            int user = u;
            users[u] = new Thread(() -> {
                for (int i = 0; i < 50; i++) {
                    try {
                        switch ((user + i) % 4) {
                            case 0 -> vm.powerOff(PowerMode.HARD);
                            case 1 -> vm.reset(PowerMode.HARD);
                            case 2 -> pc.devices.board.powerOff();
                            default -> vm.powerOn();
                        }
                    } catch (VmException e) {
                        // on already, or off already
                    }
                }
            });
            users[u].start();
        }
        for (Thread user : users) user.join();
        while (vm.state() == PowerState.ON) {
            try {
                vm.powerOff(PowerMode.HARD);
            } catch (VmException e) {
                assertEquals(PowerState.OFF, vm.state());
            }
        }
        assertTrue(pc.idle());
    }
}
