package vmkernel.sched;

import java.util.concurrent.atomic.AtomicInteger;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.api.world.Slice;
import vmkernel.api.world.World;

/** What the scheduler knows about one world. Guarded by the scheduler's lock, except {@link #state}. */
final class Scheduled {
    /** Has nothing to do. */
    static final int WAIT = 0;
    /** Wants a slot. */
    static final int READY = 1;
    /** Has a slot. */
    static final int RUN = 2;
    /** Has a slot, and was woken since it got it: a WAIT that it returns does not count. */
    static final int RUN_WOKEN = 3;

    final World world;
    /** Changes under the lock, except RUN to RUN_WOKEN: so a wake of a running world takes no lock. */
    final AtomicInteger state = new AtomicInteger(WAIT);
    Entitlements.Claim claim;
    ResourceAllocation allocation;

    /** Where it runs or last ran. */
    int slot;
    /** The running turn, or null. */
    Slice slice;
    long sliceStart;
    /** Being removed: gets no further turn. */
    boolean leaving;

    /** Virtual time: time used divided by the rate it is entitled to. Who has least is next. */
    double pass;
    /** Current entitlement, above 0. */
    double rate = 1;

    /** Time it may still use under its maximum, in nanoseconds; only if {@link #capped}. */
    double allowance;
    /** The allowance is used up; it does not run until it has grown again. */
    boolean throttled;

    /** Time up to which all below is accounted. */
    long accounted;
    final long admitted;
    long usedNanos;
    long readyNanos;
    long waitNanos;
    /** When it last got a slot; breaks ties. */
    long turn;

    Scheduled(World world, long now) {
        this.world = world;
        this.admitted = now;
        this.accounted = now;
    }

    /** Could take a slot now. */
    boolean eligible() { return state.get() == READY && !throttled && !leaving; }

    boolean running() { return state.get() >= RUN; }

    boolean capped() { return claim.max() < 1; }

    boolean mayUse(int slot) { return (claim.cpus() >>> slot & 1) != 0; }
}
