package vmkernel.sched;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.api.world.Slice;

/**
 * The policy: who runs next, and when a turn ends. It knows neither threads nor a clock, so that tests can drive it through
 * any history. Virtual time as in stride scheduling, over rates from {@link Entitlements} that can really be given; one queue
 * for all CPUs, so that three equal worlds get two thirds each of two CPUs. Not thread-safe.
 */
final class RunQueue {
    /** Length of a turn when others wait. */
    static final long SLICE = 10_000_000;
    /** A woken world takes over early only from one that is this far ahead, in virtual nanoseconds. */
    static final double GRANULARITY = 1_000_000;
    /** Service that a world can be owed after it slept: what it gets at once on waking, and at most that. */
    static final double LAG = SLICE;
    /** Service by which a world can have run ahead of the others and has to make up for. */
    static final double LEAD = 4 * SLICE;
    /** A maximum holds over any time longer than this. */
    static final double CAP_WINDOW = 100_000_000;
    /** A throttled world goes on when it may run for this long. */
    static final double CAP_QUANTUM = 1_000_000;
    static final long NEVER = Long.MAX_VALUE;

    private final int slots;
    private final long allCpus;
    private final List<Scheduled> worlds = new ArrayList<>();
    private final Scheduled[] running;
    private double virtualTime;
    private boolean ratesStale;
    private long turns;

    RunQueue(int slots) {
        this.slots = slots;
        this.allCpus = slots == 64 ? -1L : (1L << slots) - 1;
        this.running = new Scheduled[slots];
    }

    List<Scheduled> worlds() { return worlds; }

    Scheduled running(int slot) { return running[slot]; }

    /** Takes a world in, ready. @throws AdmissionException if its minimum cannot be guaranteed */
    void add(Scheduled world, long now) throws AdmissionException {
        allocate(world, world.world.cpuAllocation());
        advance(now);
        worlds.add(world);
        world.pass = virtualTime;
        world.allowance = CAP_QUANTUM;
        world.state.set(Scheduled.READY);
        ratesStale = true;
    }

    /** Takes out a world that does not run. */
    void remove(Scheduled world, long now) {
        advance(now);
        worlds.remove(world);
        ratesStale = true;
    }

    /** A new allocation. @throws AdmissionException if the minimum cannot be guaranteed; nothing has changed then */
    void reallocate(Scheduled world, long now) throws AdmissionException {
        advance(now);
        allocate(world, world.world.cpuAllocation());
        ratesStale = true;
    }

    /** A waiting world has something to do. */
    void ready(Scheduled world, long now) {
        advance(now);
        becomeReady(world);
    }

    private void becomeReady(Scheduled world) {
        world.state.set(Scheduled.READY);
        world.pass = clamp(world);
        ratesStale = true;
    }

    /** The world that the CPU turns to now, or null. */
    Scheduled next(int slot, long now) {
        advance(now);
        renewRates();
        Scheduled best = null;
        for (Scheduled world : worlds) {
            if (world.eligible() && world.mayUse(slot) && (best == null || before(world, best))) best = world;
        }
        if (best == null) return null;
        // first, since it may find no memory
        best.slice = new Slice();
        best.slot = slot;
        best.sliceStart = now;
        best.turn = ++turns;
        best.state.set(Scheduled.RUN);
        running[slot] = best;
        return best;
    }

    private static boolean before(Scheduled a, Scheduled b) { return a.pass < b.pass || a.pass == b.pass && a.turn < b.turn; }

    /** A turn is over. @param waits the world has nothing to do; does not count if it was woken meanwhile */
    void stopped(Scheduled world, boolean waits, long now) {
        advance(now);
        running[world.slot] = null;
        world.slice = null;
        if (waits && world.state.compareAndSet(Scheduled.RUN, Scheduled.WAIT)) {
            ratesStale = true;
        } else {
            world.state.set(Scheduled.READY);
        }
    }

    /**
     * Looks at who waits. Idle CPUs that have something to do now go to {@code wanted} (bits), worlds whose turn is to end
     * have their slice expired and go to {@code ended}.
     *
     * @param woken a world that became ready just now and may take over before a turn is over, or null
     * @return when to look again at the latest
     */
    long plan(long now, Scheduled woken, List<Scheduled> ended, long[] wanted) {
        advance(now);
        renewRates();
        long look = NEVER;
        for (int slot = 0; slot < slots; slot++) {
            Scheduled world = running[slot];
            if (world == null || !world.capped() || world.slice.expired()) continue;
            if (world.allowance <= 0) end(world, ended); else look = Math.min(look, now + (long) (world.allowance / (1 - world.claim.max())) + 1);
        }
        long idle = 0;
        for (int slot = 0; slot < slots; slot++) if (running[slot] == null) idle |= 1L << slot;
        wanted[0] = 0;
        for (Scheduled world : inOrder()) {
            if (world.throttled) {
                if (world.claim.max() > 0) look = Math.min(look, now + (long) ((CAP_QUANTUM - world.allowance) / world.claim.max()) + 1);
                continue;
            }
            long usable = idle & world.claim.cpus();
            if (usable != 0) {
                long bit = (usable >>> world.slot & 1) != 0 ? 1L << world.slot : Long.lowestOneBit(usable);
                idle &= ~bit;
                wanted[0] |= bit;
                continue;
            }
            look = Math.min(look, takeOver(world, world == woken, idle, now, ended));
        }
        return look;
    }

    private List<Scheduled> inOrder() {
        List<Scheduled> ready = new ArrayList<>();
        for (Scheduled world : worlds) if (world.state.get() == Scheduled.READY && !world.leaving) ready.add(world);
        if (ready.size() > 1) ready.sort((a, b) -> before(a, b) ? -1 : before(b, a) ? 1 : 0);
        return ready;
    }

    /** Ends the turn of whoever has to make room for a waiting world. @return when to look again */
    private long takeOver(Scheduled waiting, boolean early, long idle, long now, List<Scheduled> ended) {
        Scheduled victim = null;
        long look = NEVER;
        for (int slot = 0; slot < slots; slot++) {
            Scheduled world = running[slot];
            if (world == null || !waiting.mayUse(slot) || world.slice.expired()) continue;
            boolean canMove = (idle & world.claim.cpus()) != 0;
            boolean over = now - world.sliceStart >= SLICE;
            if (canMove || over && before(waiting, world) || early && waiting.pass + GRANULARITY < world.pass) {
                if (victim == null || victim.pass < world.pass) victim = world;
            }
            look = Math.min(look, (over ? now : world.sliceStart) + SLICE);
        }
        if (victim == null) return look;
        end(victim, ended);
        return NEVER;
    }

    private static void end(Scheduled world, List<Scheduled> ended) {
        world.slice.expire();
        ended.add(world);
    }

    /** Brings all accounts up to {@code now}. Takes no memory, so a turn can always be ended. */
    void advance(long now) {
        for (int i = 0; i < worlds.size(); i++) account(worlds.get(i), now);
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < worlds.size(); i++) {
            Scheduled world = worlds.get(i);
            if (world.state.get() != Scheduled.WAIT && !world.throttled) least = Math.min(least, world.pass);
        }
        if (least != Double.POSITIVE_INFINITY) virtualTime = Math.max(virtualTime, least);
        for (int i = 0; i < worlds.size(); i++) {
            Scheduled world = worlds.get(i);
            if (world.state.get() != Scheduled.WAIT) world.pass = Math.min(world.pass, virtualTime + LEAD / world.rate);
        }
    }

    private void account(Scheduled world, long now) {
        long time = Math.max(0, now - world.accounted);
        world.accounted = now;
        boolean runs = world.running();
        if (runs) {
            world.usedNanos += time;
            world.pass += time / world.rate;
        } else if (world.state.get() == Scheduled.READY) {
            world.readyNanos += time;
        } else {
            world.waitNanos += time;
        }
        if (!world.capped()) {
            world.throttled = false;
            return;
        }
        double max = world.claim.max();
        world.allowance = Math.min(CAP_WINDOW * max, world.allowance + time * max - (runs ? time : 0));
        if (world.allowance <= 0) {
            world.throttled = true;
        } else if (world.throttled && world.allowance >= Math.min(CAP_QUANTUM, CAP_WINDOW * max) - 1) {
            world.throttled = false;
            world.pass = clamp(world);
        }
    }

    /** Whoever comes back has neither piled up claims while away nor starves for what it got while alone. */
    private double clamp(Scheduled world) {
        return Math.min(virtualTime + LEAD / world.rate, Math.max(virtualTime - LAG / world.rate, world.pass));
    }

    /** Works out again what each runnable world is entitled to, if their set has changed. */
    private void renewRates() {
        if (!ratesStale) return;
        List<Scheduled> runnable = new ArrayList<>();
        List<Entitlements.Claim> claims = new ArrayList<>();
        for (Scheduled world : worlds) {
            if (world.state.get() == Scheduled.WAIT) continue;
            runnable.add(world);
            claims.add(world.claim);
        }
        double[] rates = Entitlements.rates(claims);
        for (int i = 0; i < rates.length; i++) runnable.get(i).rate = Math.max(rates[i], 1e-6);
        ratesStale = false;
    }

    /** What each world is entitled to when all want to run, in the order of {@link #worlds}. */
    double[] entitlements() { return Entitlements.rates(worlds.stream().map(world -> world.claim).toList()); }

    private void allocate(Scheduled world, ResourceAllocation allocation) throws AdmissionException {
        Entitlements.Claim claim = claim(world, allocation);
        List<Entitlements.Claim> claims = new ArrayList<>();
        for (Scheduled other : worlds) if (other != world) claims.add(other.claim);
        claims.add(claim);
        long overbooked = claim.min() == 0 ? 0 : Entitlements.overbooked(claims);
        if (overbooked != 0) {
            double others = Entitlements.guaranteed(claims, overbooked) - claim.min();
            throw new AdmissionException(world.world.name() + ": CPU min " + allocation.min() + "% cannot be guaranteed: " + Math.round(others * 100) + "% of "
                + Long.bitCount(overbooked) * 100 + "% is reserved on CPU " + list(overbooked));
        }
        world.claim = claim;
        world.allocation = allocation;
    }

    private Entitlements.Claim claim(Scheduled world, ResourceAllocation allocation) throws AdmissionException {
        long cpus = mask(allocation.affinity());
        if (cpus == 0) {
            throw new AdmissionException(world.world.name() + ": CPU affinity " + allocation.affinity() + ": this machine has CPU 0 to " + (slots - 1));
        }
        if (allocation.min() > 100) {
            throw new AdmissionException(world.world.name() + ": CPU min " + allocation.min() + "%: one world cannot get more than one CPU, 100%");
        }
        double max = allocation.max() >= 100 ? 1 : allocation.max() / 100.0;
        return new Entitlements.Claim(allocation.min() / 100.0, max, allocation.shares(), cpus);
    }

    private long mask(Collection<Integer> affinity) {
        if (affinity.isEmpty()) return allCpus;
        long mask = 0;
        for (int cpu : affinity) if (cpu >= 0 && cpu < slots) mask |= 1L << cpu;
        return mask;
    }

    private static String list(long cpus) {
        StringBuilder text = new StringBuilder();
        for (int cpu = 0; cpu < 64; cpu++) if ((cpus >>> cpu & 1) != 0) text.append(text.length() == 0 ? "" : ",").append(cpu);
        return text.toString();
    }

}
