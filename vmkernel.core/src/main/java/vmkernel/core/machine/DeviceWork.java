package vmkernel.core.machine;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiConsumer;

/** What happens to the devices of a VM that is on from outside: its timers, and tasks in the order in which they came. */
final class DeviceWork implements DeviceLock.Work {
    /** So many tasks in a row, then the thread that does them looks whether it has done its part. */
    private static final int BURST = 64;
    /** The clock brings what is left over, if nobody leaves the devices before. */
    private static final long PAUSE = 50_000;

    private final DeviceLock lock;
    private final GuestTimers timers;
    private final AlarmClock.Alarm alarm;
    private final BiConsumer<String, Throwable> broken;
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    /** Changed under the device lock. */
    private volatile boolean closed;

    /** @param broken told what a task threw */
    DeviceWork(DeviceLock lock, GuestTimers timers, AlarmClock clock, BiConsumer<String, Throwable> broken) {
        this.lock = lock;
        this.timers = timers;
        this.broken = broken;
        alarm = clock.alarm(lock::ring);
        lock.work(this);
    }

    /** Runs a task under the device lock: on this thread, or on the one that is inside. Any thread; never waits. */
    void execute(Runnable task) {
        if (closed) return;
        tasks.add(task);
        lock.ring();
    }

    @Override
    public void run() {
        run(BURST);
        if (!tasks.isEmpty()) lock.ringOnLeave();
    }

    /** Does all that has come so far. Under the device lock. */
    void finish() { run(tasks.size()); }

    private void run(int most) {
        timers.fire();
        for (int i = 0; i < most; i++) {
            Runnable task = tasks.poll();
            if (task == null) return;
            try {
                task.run();
            } catch (Throwable e) {
                broken.accept("a task", e);
            }
        }
    }

    @Override public void later() { alarm.by(System.nanoTime() + PAUSE); }

    /** Drops what is left, for good. Under the device lock. */
    void close() {
        closed = true;
        alarm.close();
        tasks.clear();
        lock.work(DeviceLock.Work.NONE);
    }
}
