package vmfs.impl.lock;

import java.util.concurrent.TimeUnit;

/**
 * How long hosts wait for each other.
 *
 * @param millis after which a host whose pulse stands still is dead; @param pulseMillis between two pulses
 */
public record Lease(long millis, long pulseMillis, Time time) {
    /** A clock that goes on by itself, and waiting for it. */
    public interface Time {
        /** From any beginning. */
        long millis();

        void sleep(long millis) throws InterruptedException;
    }

    /** As VMFS has it. [VMFS] section 13 */
    public static final Lease USUAL = new Lease(16_000, 3_000, new Time() {
        @Override public long millis() { return TimeUnit.NANOSECONDS.toMillis(System.nanoTime()); }
        @Override public void sleep(long millis) throws InterruptedException { Thread.sleep(millis); }
    });
}
