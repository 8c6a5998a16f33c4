package drivers.cciss;

import java.util.concurrent.locks.LockSupport;

/** The clock that waits are measured with; a test has one of its own. */
interface Time {
    Time HOST = new Time() {
        @Override public long nanos() { return System.nanoTime(); }

        @Override public void pause(long nanos) { LockSupport.parkNanos(nanos); }
    };

    /** Like {@link System#nanoTime}. */
    long nanos();

    /** Waits about that long. */
    void pause(long nanos);

    /** Where a wait is now. */
    interface Condition {
        boolean met();
    }

    /** Waits for a condition, at first without giving the processor away: most waits are over at once. @return false when the time is over */
    default boolean await(long limitNanos, Condition condition) {
        long start = nanos();
        for (long pause = 0; !condition.met(); ) {
            long waited = nanos() - start;
            if (waited >= limitNanos) return false;
            if (waited < 20_000) {
                Thread.onSpinWait();
            } else {
                pause = Math.min(10_000_000, Math.max(50_000, waited / 4));
                pause(pause);
            }
        }
        return true;
    }
}
