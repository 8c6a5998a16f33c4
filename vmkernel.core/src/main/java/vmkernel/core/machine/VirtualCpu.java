package vmkernel.core.machine;

import java.util.concurrent.atomic.AtomicInteger;
import vmkernel.api.device.GuestClock;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.PortBus;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.monitor.VcpuContext;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.api.world.Slice;
import vmkernel.api.world.World;

/**
 * A virtual CPU as the kernel sees it: the world that runs it and its input pins. The monitor's {@link Vcpu} in it is
 * replaced at each reset, and with the monitor's bundle, while the world is held.
 */
final class VirtualCpu implements World, VcpuContext {
    /** The time-stamp counter counts guest nanoseconds. */
    private static final long TSC_HERTZ = 1_000_000_000;

    private final PoweredMachine machine;
    private final Worlds worlds;
    private final int id;
    private final String name;
    private final AtomicInteger events = new AtomicInteger();
    private volatile int startupVector;
    private volatile boolean a20 = true;
    private volatile boolean ignoreNumericError;
    volatile ResourceAllocation allocation;

    /** Guards the fields below: whether the vCPU may run, and does. */
    private final Object gate = new Object();
    /** The vCPU stands still; true until power-on is complete. */
    private boolean held = true;
    /** The turn that runs now, or null. */
    private Slice turn;
    /** Changed under the gate, while held. */
    private volatile Vcpu vcpu;
    /** Instructions of vCPUs before the present one; and of those, the ones before the last reset. */
    private volatile long retired;
    private volatile long beforeBoot;

    VirtualCpu(PoweredMachine machine, Worlds worlds, int id, String name, ResourceAllocation allocation) {
        this.machine = machine;
        this.worlds = worlds;
        this.id = id;
        this.name = name;
        this.allocation = allocation;
    }

    // The world.

    @Override public int id() { return id; }
    @Override public String name() { return name; }
    @Override public Type type() { return Type.VCPU; }
    @Override public int group() { return id; }
    @Override public ResourceAllocation cpuAllocation() { return allocation; }
    @Override public void preempt() { kick(); }

    @Override
    public Outcome run(Slice slice) {
        Vcpu running;
        synchronized (gate) {
            if (held) return Outcome.WAIT;
            turn = slice;
            running = vcpu;
        }
        Vcpu.Exit exit = Vcpu.Exit.HALTED;
        try {
            exit = running.run(slice);
            if (exit == Vcpu.Exit.SHUTDOWN) machine.request(PowerRequest.shutdown());
            if (exit == Vcpu.Exit.FAULTED) machine.broken("monitor", running.failure());
            if (exit == null) throw new IllegalStateException("Vcpu.run gave null");
        } catch (Throwable e) {
            // whatever it is, even an OutOfMemoryError, it is the end of this VM and of nothing else
            machine.broken("monitor", e);
        }
        synchronized (gate) {
            turn = null;
            gate.notifyAll();
            return held || exit != Vcpu.Exit.STOPPED ? Outcome.WAIT : Outcome.READY;
        }
    }

    /** From now on no turn begins, and the one that runs ends at the next instruction boundary. Any thread, also the vCPU's own. */
    void hold() {
        synchronized (gate) {
            held = true;
            if (turn != null) turn.expire();
        }
        kick();
    }

    /** After {@link #hold}, from another thread: true when the vCPU stands still, false if it does not within the time. */
    boolean awaitStill(long millis) throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        synchronized (gate) {
            for (long left; turn != null; gate.wait(left / 1_000_000 + 1)) {
                left = end - System.nanoTime();
                if (left <= 0) return false;
            }
            return true;
        }
    }

    /** Puts a new vCPU in, while held. */
    void install(Vcpu next) {
        synchronized (gate) {
            vcpu = next;
        }
    }

    /** All inputs as at power-on. While there is no vCPU, before the devices are reset. */
    void resetPins() {
        events.set(0);
        a20 = true;
        ignoreNumericError = false;
        machine.interrupts().numericError(false);
        beforeBoot = retired;
    }

    /** Lets the vCPU run. */
    void release() {
        synchronized (gate) {
            held = false;
        }
        worlds.wake(this);
    }

    /** The monitor's vCPU, or null. */
    Vcpu vcpu() { return vcpu; }

    /** Closes the monitor's vCPU, which stands still. */
    void discard() {
        Vcpu old;
        synchronized (gate) {
            old = vcpu;
            vcpu = null;
        }
        if (old == null) return;
        try {
            retired += old.instructions();
            old.close();
        } catch (Throwable e) {
            machine.warn("the monitor failed while closing a virtual CPU", e);
        }
    }

    /** Instructions since power-on. */
    long instructions() {
        Vcpu now = vcpu;
        return retired + (now == null ? 0 : now.instructions());
    }

    /** Instructions since the last reset. */
    long instructionsOfBoot() { return instructions() - beforeBoot; }

    private void kick() {
        Vcpu now = vcpu;
        if (now != null) now.kick();
    }

    // The input pins, any thread.

    void interruptRequest(boolean level) {
        if (!level) {
            if ((events.get() & INTERRUPT_REQUEST) != 0) events.getAndUpdate(bits -> bits & ~INTERRUPT_REQUEST);
        } else {
            raise(INTERRUPT_REQUEST);
        }
    }

    void startup(int vector) {
        startupVector = vector;
        raise(STARTUP);
    }

    void raise(int event) {
        int before = events.get();
        if ((before & event) != 0) return;
        while (!events.compareAndSet(before, before | event)) before = events.get();
        // the bit is set before the vCPU and the scheduler are told, so neither can miss it
        kick();
        worlds.wake(this);
    }

    void gateA20(boolean enabled) {
        if (a20 == enabled) return;
        a20 = enabled;
        kick();
    }

    /** Port 0xF0: the x87 error is being dealt with. Under the device lock. */
    void acknowledgeNumericError() {
        ignoreNumericError = true;
        machine.interrupts().numericError(false);
        beforeBoot = retired;
    }

    // What the monitor may touch.

    @Override public int cpu() { return 0; }
    @Override public GuestMemory memory() { return machine.memory(); }
    @Override public PortBus ports() { return machine.ports(); }
    @Override public PortBus mmio() { return machine.mmio(); }
    @Override public boolean claimed(long ppn) { return machine.mmio().claimed(ppn); }
    @Override public GuestClock clock() { return machine.clock(); }
    @Override public long tscHertz() { return TSC_HERTZ; }
    @Override public int events() { return events.get(); }
    @Override public boolean a20() { return a20; }
    @Override public boolean ignoreNumericError() { return ignoreNumericError; }

    @Override
    public int take(int event) {
        events.getAndUpdate(bits -> bits & ~event);
        return event == STARTUP ? startupVector : 0;
    }

    @Override
    public int acknowledgeInterrupt() {
        DeviceLock lock = machine.lock();
        lock.enter();
        try {
            return machine.interrupts().acknowledge(0);
        } finally {
            lock.leave();
        }
    }

    @Override
    public void numericError(boolean level) {
        DeviceLock lock = machine.lock();
        lock.enter();
        try {
            if (!level) ignoreNumericError = false;
            if (!ignoreNumericError) machine.interrupts().numericError(level);
        } finally {
            lock.leave();
        }
    }

    @Override
    public void apicBase(long value) {
        DeviceLock lock = machine.lock();
        lock.enter();
        try {
            machine.interrupts().apicBase(0, value);
        } finally {
            lock.leave();
        }
    }

    @Override
    public int taskPriority() {
        DeviceLock lock = machine.lock();
        lock.enter();
        try {
            return machine.interrupts().taskPriority(0);
        } finally {
            lock.leave();
        }
    }

    @Override
    public void taskPriority(int priority) {
        DeviceLock lock = machine.lock();
        lock.enter();
        try {
            machine.interrupts().taskPriority(0, priority);
        } finally {
            lock.leave();
        }
    }

    @Override
    public boolean backdoor(int port, int[] registers) {
        DeviceLock lock = machine.lock();
        lock.enter();
        try {
            return machine.interrupts().backdoor(port, registers);
        } finally {
            lock.leave();
        }
    }
}
