package devices.pc.time;

import vmkernel.api.handover.StateRecord;

/**
 * Timer ticks that are due but not yet given to the guest. A host that is late must not cost the guest ticks: they are kept
 * and delivered one after another, as fast as the guest takes them. What is older than some seconds is dropped; no guest
 * counts on ticks after such a pause, and it should not do nothing else for as long.
 */
public final class TickBacklog {
    private static final long LIMIT_NANOS = 5_000_000_000L;
    private static final long LIMIT_TICKS = 8192;

    private long ticks;

    /** @param periodNanos time between two of these ticks */
    public void add(long count, long periodNanos) {
        long limit = Math.max(1, Math.min(LIMIT_TICKS, LIMIT_NANOS / Math.max(1, periodNanos)));
        ticks = Math.min(limit, ticks + count);
    }

    public boolean isEmpty() { return ticks == 0; }

    /** Takes one; false if there is none. */
    public boolean take() {
        if (ticks == 0) return false;
        ticks--;
        return true;
    }

    public void clear() { ticks = 0; }

    public void exchange(StateRecord state, String name) { ticks = state.exchange(name, ticks); }
}
