package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.monitor.Monitor;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VmException;
import vmkernel.api.world.WorldScheduler;
import vmkernel.core.machine.replaced.Counter;
import vmkernel.core.machine.replaced.Looper;

/** Devices, monitors and schedulers that are replaced under a running guest, which counts in a device and fails if a count is lost. */
@Timeout(120)
class RenewalTest {
    @TempDir
    Path home;
    private FakePc pc;
    private Watched watched;
    private VirtualDeviceProvider devices;
    private Monitor monitor;
    private ThreadScheduler scheduler;

    @BeforeEach
    void start() {
        pc = new FakePc(home);
        pc.registry.parts().serviceMillis = 20;
        watched = new Watched();
        devices = new Counter(watched);
        monitor = new Looper("looper", () -> {});
        scheduler = pc.scheduler;
        pc.registry.bindDevices(devices, Map.of());
        pc.registry.bindMonitor(monitor, Map.of());
    }

    @AfterEach
    void stop() { pc.close(); }

    /** What the devices did, whichever there were. */
    private static final class Watched implements Counter.Observer {
        final List<String> steps = new CopyOnWriteArrayList<>();
        final List<String> trouble = new CopyOnWriteArrayList<>();
        volatile DeviceContext context;
        /** The step that fails, or what a test does there. */
        volatile String failing = "";
        volatile long ticks;

        @Override
        public void created(DeviceContext made, long ticksBefore) {
            context = made;
            if (ticksBefore != ticks) trouble.add("ticks " + ticksBefore + " instead of " + ticks);
        }

        @Override
        public void ticked(long count, long lateNanos) {
            if (lateNanos < 0) trouble.add("a tick came early");
            if (count != ticks + 1) trouble.add("tick " + count + " after " + ticks);
            ticks = count;
        }

        @Override
        public void step(String what) {
            steps.add(what);
            if (what.equals(failing)) throw new IllegalStateException("no " + what);
        }
    }

    private Machine running() throws VmException {
        return pc.running("a", FakePc.HALT, "monitor", "looper", "ethernet0.present", "TRUE", "ethernet0.devName", "vmnet_0", "ethernet0.virtualDev", "counter", "serial0.present", "TRUE");
    }

    /** The guest goes on and finds nothing wrong. */
    private void assertRuns(Machine vm) {
        long before = vm.instructions();
        FakePc.await(() -> vm.instructions() > before + 100 || vm.state() == PowerState.OFF);
        assertEquals(PowerState.ON, vm.state(), vm.reason());
        assertEquals(List.of(), watched.trouble);
    }

    private void replaceDevices(boolean newFirst) {
        VirtualDeviceProvider next = new Counter(watched);
        if (newFirst) pc.registry.bindDevices(next, Map.of());
        pc.registry.unbindDevices(devices);
        if (!newFirst) pc.registry.bindDevices(next, Map.of());
        devices = next;
    }

    private void replaceMonitor() {
        Monitor next = new Looper("looper", () -> {});
        pc.registry.unbindMonitor(monitor);
        pc.registry.bindMonitor(next, Map.of());
        monitor = next;
    }

    private void replaceScheduler(boolean newFirst) {
        ThreadScheduler next = new ThreadScheduler();
        if (newFirst) pc.registry.bindScheduler(next);
        pc.registry.unbindScheduler(scheduler);
        if (!newFirst) pc.registry.bindScheduler(next);
        scheduler = next;
    }

    @Test
    void aGuestThatHammersItsDeviceLosesNothingInAHundredReplacements() throws Exception {
        Machine vm = running();
        Random random = new Random(7);
        AtomicLong echoed = new AtomicLong();
        vm.stream("counter").attach((bytes, offset, length) -> echoed.addAndGet(length));
        long sent = 0;
        for (int i = 0; i < 100; i++) {
            assertRuns(vm);
            byte[] input = new byte[random.nextInt(100)];
            switch (random.nextInt(6)) {
                case 0 -> replaceDevices(false);
                case 1 -> replaceDevices(true);
                case 2 -> replaceMonitor();
                case 3 -> replaceScheduler(random.nextBoolean());
                case 4 -> { // both at a time, and input that comes meanwhile
                    pc.registry.unbindMonitor(monitor);
                    pc.registry.unbindDevices(devices);
                    vm.stream("counter").send(input, 0, input.length);
                    sent += input.length;
                    pc.registry.bindMonitor(monitor, Map.of());
                    assertEquals(PowerState.STUCK, vm.state());
                    pc.registry.bindDevices(devices, Map.of());
                }
                default -> { // others are at the devices
                    Thread[] others = new Thread[3];
                    for (int t = 0; t < others.length; t++) {
                        others[t] = new Thread(() -> {
                            for (int n = 0; n < 1000; n++) watched.context.execute(() -> watched.context.misuse("task"));
                        });
                        others[t].start();
                    }
                    replaceDevices(random.nextBoolean());
                    for (Thread other : others) other.join();
                }
            }
        }
        assertRuns(vm);
        long all = sent;
        FakePc.await(() -> echoed.get() == all);
        long ticks = watched.ticks;
        FakePc.await(() -> watched.ticks > ticks + 10);
        vm.powerOff(PowerMode.HARD);
        assertEquals(0, scheduler.count());
        assertTrue(pc.idle());
    }

    @Test
    void aStunnedMachineSaysSoAndItsGuestTimeStandsStill() throws Exception {
        Machine vm = running();
        assertRuns(vm);
        pc.registry.unbindDevices(devices);
        assertEquals(PowerState.STUCK, vm.state());
        assertEquals("stunned: waiting for devices counter", vm.reason());
        long time = vm.powered().clock().nanos();
        long instructions = vm.instructions();
        long ticks = watched.ticks;
        long since = System.nanoTime();
        FakePc.await(() -> System.nanoTime() - since > 20_000_000);
        assertEquals(time, vm.powered().clock().nanos());
        assertEquals(instructions, vm.instructions());
        assertEquals(ticks, watched.ticks);
        assertFalse(vm.off().isDone());
        assertEquals("a: is stunned, waiting for devices counter; it cannot be reset now", assertThrows(VmException.class, () -> vm.reset(PowerMode.HARD)).getMessage());
        assertEquals("a: the guest cannot be asked to shut down; use a hard stop", assertThrows(VmException.class, () -> vm.powerOff(PowerMode.SOFT)).getMessage());
        pc.registry.unbindMonitor(monitor);
        assertEquals("stunned: waiting for devices counter and a monitor like looper", vm.reason());
        pc.registry.bindDevices(devices, Map.of());
        assertEquals("stunned: waiting for a monitor like looper", vm.reason());
        long before = System.nanoTime();
        pc.registry.bindMonitor(monitor, Map.of());
        assertTrue(vm.powered().clock().nanos() - time <= System.nanoTime() - before, "guest time jumped");
        assertEquals("", vm.reason());
        assertRuns(vm);
        assertTrue(vm.instructions() > instructions);
    }

    @Test
    void aTimerThatIsDueFiresOnceBeforeOrAfterAReplacement() throws Exception {
        Machine vm = running();
        for (int i = 0; i < 50; i++) {
            // nobody serves the timers while the lock is held here, so several are due when the devices go
            vm.powered().lock().enter();
            long since = System.nanoTime();
            FakePc.await(() -> System.nanoTime() - since > 3 * Counter.PERIOD);
            Thread update = new Thread(() -> replaceDevices(true));
            update.start();
            FakePc.await(() -> update.getState() != Thread.State.NEW);
            vm.powered().lock().leave();
            update.join();
            assertRuns(vm);
        }
        long ticks = watched.ticks;
        FakePc.await(() -> watched.ticks > ticks + 10);
        assertEquals(List.of(), watched.trouble);
    }

    @Test
    void whatIsPendingIsDoneBeforeTheSaveAndTasksOfADeadDeviceAreDropped() throws Exception {
        Machine vm = running();
        List<String> log = new CopyOnWriteArrayList<>();
        DeviceContext old = watched.context;
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Thread holder = new Thread(() -> old.execute(() -> {
            inside.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            old.execute(() -> log.add("pending " + watched.steps.contains("save")));
        }));
        holder.start();
        inside.await();
        Thread update = new Thread(() -> replaceDevices(true));
        update.start();
        go.countDown();
        update.join();
        holder.join();
        FakePc.await(() -> log.size() == 1);
        old.execute(() -> log.add("late"));
        assertThrows(IllegalStateException.class, () -> old.interrupt(3));
        assertEquals(List.of("pending false"), log);
    }

    @Test
    void aSuccessorThatFailsIsToldAndTheMachineWaitsForTheNext() throws Exception {
        Machine vm = running();
        assertRuns(vm);
        int serial = pc.devices.open.get();
        for (String step : List.of("create", "claimed")) {
            watched.failing = step;
            replaceDevices(false);
            assertEquals("stunned: waiting for devices counter", vm.reason());
            pc.registry.bindMonitor(pc.new FakeMonitor("other"), Map.of()); // another try, which fails, too
            assertEquals(PowerState.STUCK, vm.state());
            watched.failing = "";
            replaceDevices(false);
            assertRuns(vm);
        }
        // the first one fails, and the one after it is there already
        Counter.Observer bad = new Counter.Observer() {
            @Override public void created(DeviceContext context, long ticks) { throw new IllegalArgumentException("state of test/counter has version 2; this is version 1"); }
            @Override public void ticked(long ticks, long lateNanos) {}
            @Override public void step(String what) {}
        };
        pc.registry.bindDevices(new Counter(bad), Map.of("service.ranking", 10));
        replaceDevices(true);
        assertRuns(vm);
        assertEquals(serial, pc.devices.open.get());
    }

    @Test
    void aDeviceThatCannotBeSavedStaysAndTheGuestGoesOn() throws Exception {
        Machine vm = running();
        watched.failing = "save";
        VirtualDeviceProvider old = devices;
        replaceDevices(false);
        assertRuns(vm);
        assertEquals(1, watched.steps.stream().filter("create"::equals).count());
        watched.failing = "";
        pc.registry.unbindDevices(old); // whatever happens next it is tried again
        assertRuns(vm);
        assertEquals(2, watched.steps.stream().filter("create"::equals).count());
    }

    @Test
    void aVcpuThatCannotBeSavedStaysAndTheGuestGoesOn() throws Exception {
        Monitor odd = new Looper("looper", () -> {
            throw new IllegalStateException("no");
        });
        pc.registry.unbindMonitor(monitor);
        pc.registry.bindMonitor(odd, Map.of());
        Machine vm = running();
        assertRuns(vm);
        pc.registry.unbindMonitor(odd);
        pc.registry.bindMonitor(monitor, Map.of());
        assertRuns(vm);
        vm.powerOff(PowerMode.HARD);
        assertTrue(pc.idle());
    }

    @Test
    void anotherMonitorTakesOverOnlyAfterAWhile() throws Exception {
        Machine vm = running();
        Looper other = new Looper("other", () -> {});
        pc.registry.unbindMonitor(pc.monitor);
        pc.registry.bindMonitor(other, Map.of());
        pc.registry.unbindMonitor(monitor);
        assertEquals("stunned: waiting for a monitor like looper", vm.reason());
        pc.registry.bindMonitor(monitor, Map.of());
        assertRuns(vm);
        assertEquals("looper", vm.powered().engine().name());
        pc.registry.parts().successorMillis = 30;
        pc.registry.unbindMonitor(monitor);
        FakePc.await(() -> vm.state() == PowerState.ON);
        assertRuns(vm);
        assertEquals("other", vm.powered().engine().name());
    }

    @Test
    void aMonitorThatCannotTakeOverIsToldAndTheMachineWaits() throws Exception {
        Machine vm = running();
        pc.registry.unbindMonitor(monitor);
        FakePc.FakeMonitor broken = pc.new FakeMonitor("looper");
        broken.failing = new IllegalStateException("no");
        pc.registry.bindMonitor(broken, Map.of());
        assertEquals(PowerState.STUCK, vm.state());
        pc.registry.bindMonitor(monitor, Map.of());
        assertRuns(vm);
    }

    @Test
    void aStunnedMachineCanBePoweredOff() throws Exception {
        Machine vm = running();
        pc.registry.unbindDevices(devices);
        vm.powerOff(PowerMode.HARD);
        assertEquals(PowerState.OFF, vm.state());
        assertTrue(pc.idle());
        pc.registry.bindDevices(devices, Map.of());
        assertEquals(PowerState.OFF, vm.state());
        vm.powerOn();
        pc.registry.unbindMonitor(monitor);
        vm.powerOff(PowerMode.TRYSOFT);
        assertTrue(pc.idle());
        pc.registry.bindMonitor(monitor, Map.of());
        watched.ticks = 0;
        vm.powerOn();
        assertFalse(vm.off().isDone());
        pc.registry.unbindDevices(devices);
        vm.powered().request(PowerRequest.off());
        FakePc.await(() -> vm.off().isDone());
        assertEquals("guest powered off", vm.reason());
    }

    @Test
    void aResetThatTheGuestAskedForComesAfterTheStun() throws Exception {
        Machine vm = running();
        assertRuns(vm);
        pc.registry.unbindDevices(devices);
        pc.devices.board.reset();
        pc.registry.bindDevices(devices, Map.of());
        FakePc.await(() -> pc.firmware.boots.get() == 2);
        FakePc.await(() -> vm.state() == PowerState.ON && vm.powered().cpu().instructionsOfBoot() > 100);
        long ofBoot = vm.powered().cpu().instructionsOfBoot();
        assertTrue(vm.instructions() > ofBoot + 100);
    }

    @Test
    void aResetWaitsForAReplacementThatIsUnderWay() throws Exception {
        pc.registry.parts().serviceMillis = 20_000;
        Machine vm = running();
        pc.registry.unbindDevices(devices);
        Thread user = new Thread(() -> {
            try {
                vm.reset(PowerMode.HARD);
            } catch (VmException e) {
                watched.trouble.add(e.getMessage());
            }
        });
        user.start();
        FakePc.await(() -> user.getState() == Thread.State.TIMED_WAITING);
        pc.registry.bindDevices(devices, Map.of());
        user.join();
        assertEquals(2, pc.firmware.boots.get());
        assertRuns(vm);
    }

    @Test
    void whatIsReplacedDuringAPowerOnIsTakenUpAtItsEnd() throws Exception {
        List<Thread> updates = new CopyOnWriteArrayList<>();
        pc.devices.onReset = context -> {
            if (!context.prefix().equals("board") || updates.size() == 2) return;
            Thread update = new Thread(updates.isEmpty() ? () -> replaceDevices(false) : () -> pc.registry.unbindDevices(devices));
            updates.add(update);
            update.start();
            try {
                update.join(); // nobody waits for the power-on
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        };
        Machine vm = running();
        assertRuns(vm);
        vm.powerOff(PowerMode.HARD);
        watched.ticks = 0;
        vm.powerOn();
        assertEquals("stunned: waiting for devices counter", vm.reason());
        pc.registry.bindDevices(devices, Map.of());
        assertRuns(vm);
        assertEquals(2, updates.size());
    }

    @Test
    void theInterruptControllerGetsTheLinesOfDevicesThatStayed() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT, "ethernet0.present", "TRUE", "ethernet0.devName", "vmnet_0", "ethernet0.virtualDev", "counter", "serial0.present", "TRUE");
        watched.context.interrupt(Counter.LINE).set(true);
        pc.devices.uart.interrupt(Counter.LINE).set(true);
        pc.devices.uart.interrupt(4).set(true);
        assertEquals(List.of("line 17 up", "line 4 up"), pc.devices.lines);
        pc.devices.lines.clear();
        // its own line goes with the uart, which does not take it up again: the others hear of it in the end
        pc.registry.unbindDevices(pc.devices);
        watched.context.interrupt(Counter.LINE + 1).set(true);
        pc.registry.bindDevices(pc.devices, Map.of());
        assertEquals(List.of("restore 4 up", "restore 17 up", "line 4 down", "line 18 up"), pc.devices.lines);
        pc.devices.lines.clear();
        replaceDevices(false);
        assertEquals(List.of("line 17 down", "line 18 down"), pc.devices.lines);
        vm.powerOff(PowerMode.HARD);
    }

    @Test
    void aLineThatASuccessorTakesUpAgainMakesNoEdge() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT, "ethernet0.present", "TRUE", "ethernet0.devName", "vmnet_0", "ethernet0.virtualDev", "counter");
        pc.monitor.last.context.ports().write(Counter.PORT, 4, 1);
        assertEquals(List.of("line 17 up"), pc.devices.lines);
        int slot = -1;
        for (int i = 0; i < 32; i++) if (watched.context.pci(i, 0) != null) slot = i;
        for (int i = 0; i < 3; i++) replaceDevices(i == 1);
        assertEquals(List.of("line 17 up", "restore 17 up", "restore 17 up", "restore 17 up"), pc.devices.lines);
        assertEquals(1, watched.context.pci(slot, 0).read(0, 4));
        vm.powerOff(PowerMode.HARD);
    }

    @Test
    void theKernelsOwnSchedulerTakesOverAtOnceAndGivesWayAgain() throws Exception {
        Machine vm = running();
        Machine other = pc.running("other", FakePc.LOOP);
        pc.registry.unbindScheduler(scheduler);
        assertEquals(Runtime.getRuntime().availableProcessors(), pc.registry.physicalCpus());
        assertRuns(vm);
        assertRuns(other);
        other.powerOff(PowerMode.HARD);
        other.powerOn();
        assertRuns(other);
        scheduler = new ThreadScheduler();
        pc.registry.bindScheduler(scheduler);
        assertEquals(2, scheduler.count());
        assertRuns(vm);
        assertRuns(other);
    }

    @Test
    void aWorldIsTakenOverWhateverItWasPromised() throws Exception {
        Machine vm = running();
        vm.allocate("min", "80");
        ThreadScheduler next = new ThreadScheduler();
        next.refuseMinimums = true;
        pc.registry.bindScheduler(next);
        pc.registry.unbindScheduler(scheduler);
        assertEquals(0, vm.cpuAllocation().min());
        assertRuns(vm);
        scheduler = next;
        next.refuse = "gone mad";
        replaceScheduler(false);
        assertRuns(vm);
    }

    @Test
    void whatAWorldHasUsedIsKeptOverSchedulers() throws Exception {
        Machine vm = running();
        for (int i = 1; i <= 3; i++) {
            WorldScheduler.Usage usage = pc.registry.usage().get(0);
            assertEquals(vm.id(), usage.world().id());
            assertEquals(i * 3_000_000_000L, usage.usedNanos());
            assertEquals(i * 1_000_000_000L, usage.waitNanos());
            assertEquals(usage.uptimeNanos() - i * 4_000_000_000L, usage.readyNanos());
            replaceScheduler(true);
        }
        pc.registry.unbindScheduler(scheduler);
        long used = pc.registry.usage().get(0).usedNanos();
        assertTrue(used >= 12_000_000_000L);
        FakePc.await(() -> pc.registry.usage().get(0).usedNanos() > used);
    }

    @Test
    void firmwareMayComeAndGo() throws Exception {
        Machine vm = running();
        pc.registry.unbindFirmware(pc.firmware);
        assertRuns(vm);
        pc.registry.bindFirmware(pc.firmware, Map.of());
        assertRuns(vm);
    }

    @Test
    void aVcpuThatDoesNotStopLeavesTheMachineStuckUntilItDoes() throws Exception {
        pc.registry.parts().patienceMillis = 50;
        AtomicLong release = new AtomicLong();
        CountDownLatch running = new CountDownLatch(1);
        Machine vm = pc.running("a", (slice, vcpu) -> {
            running.countDown();
            while (release.get() == 0) Thread.onSpinWait();
            vcpu.instructions++;
            return Vcpu.Exit.STOPPED;
        }, "monitor", "fake", "ethernet0.present", "TRUE", "ethernet0.devName", "vmnet_0", "ethernet0.virtualDev", "counter");
        running.await();
        replaceDevices(false);
        assertEquals("the virtual CPU or a device does not stop (monitor fake)", vm.reason());
        release.set(1);
        pc.registry.parts().patienceMillis = 20_000;
        replaceDevices(false);
        FakePc.await(() -> vm.state() == PowerState.ON && vm.instructions() > 10);
    }

    @Test
    void nothingOfTheOldCodeStaysBehind() throws Exception {
        pc.registry.unbindDevices(devices);
        pc.registry.unbindMonitor(monitor);
        WeakReference<ClassLoader> first = bindForeign();
        Machine vm = running();
        assertRuns(vm);
        vm.stream("counter").send(new byte[] {1, 2, 3}, 0, 3);
        replaceDevices(false);
        replaceMonitor();
        assertRuns(vm);
        FakePc.await(() -> {
            System.gc();
            return first.get() == null;
        });
        assertRuns(vm);
    }

    /** Binds devices and a monitor of a class loader that nobody else knows. */
    private WeakReference<ClassLoader> bindForeign() throws Exception {
        URL classes = Counter.class.getProtectionDomain().getCodeSource().getLocation();
        ClassLoader api = new ClassLoader(Counter.class.getClassLoader()) {
            @Override
            protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
                if (name.startsWith("vmkernel.core.machine.replaced.") && !name.endsWith("Observer")) throw new ClassNotFoundException(name);
                return super.loadClass(name, resolve);
            }
        };
        URLClassLoader loader = new URLClassLoader(new URL[] {classes}, api);
        devices = (VirtualDeviceProvider) loader.loadClass(Counter.class.getName()).getConstructor(Counter.Observer.class).newInstance(watched);
        Runnable nothing = () -> {};
        monitor = (Monitor) loader.loadClass(Looper.class.getName()).getConstructor(String.class, Runnable.class).newInstance("looper", nothing);
        assertTrue(devices.getClass() != Counter.class && devices.getClass().getClassLoader() == loader);
        pc.registry.bindDevices(devices, Map.of());
        pc.registry.bindMonitor(monitor, Map.of());
        return new WeakReference<>(loader);
    }
}
