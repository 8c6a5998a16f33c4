package host.sim.array;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** What goes wrong on purpose, for tests of drivers. Any thread; a reset of the controller ends a lockup and nothing else. */
public final class Faults {
    /** How an I/O fails. */
    public enum Fault {
        /** CHECK CONDITION with an unrecovered read or a write error. */
        MEDIUM,
        /** Command status "hardware error". */
        HARDWARE,
        /** SCSI status BUSY; a repetition succeeds. */
        BUSY,
        /** It is done but never answered. */
        LOST
    }

    private final AtomicLong failAt = new AtomicLong();
    private volatile Fault fault;
    private volatile long delayNanos;
    private volatile boolean frozen, held;

    /** The {@code nth} read or write from now on, counted from 1, fails in that way; 0 for none. */
    public void fail(long nth, Fault how) {
        fault = how;
        failAt.set(nth);
    }

    /** Every read or write takes that much longer. */
    public void slow(long time, TimeUnit unit) { delayNanos = unit.toNanos(time); }

    /** Reads and writes are taken up but not done, until {@link #release}; those under way can be aborted. */
    public void hold() { held = true; }

    public void release() { held = false; }

    /** The firmware stops: no heartbeat, no replies, no interrupts, until a reset. */
    public void lockUp() { frozen = true; }

    boolean lockedUp() { return frozen; }

    void restart() { frozen = false; }

    boolean held() { return held; }

    long delayNanos() { return delayNanos; }

    /** Counts a read or write. @return how it is to fail, or null */
    Fault next() { return failAt.get() > 0 && failAt.decrementAndGet() == 0 ? fault : null; }
}
