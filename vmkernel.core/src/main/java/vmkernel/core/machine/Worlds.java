package vmkernel.core.machine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.api.world.WorldScheduler;
import vmkernel.api.world.WorldScheduler.Usage;

/**
 * The worlds that exist, and the scheduler that runs them now: it may be replaced under them. From the end of one to the start of
 * the next the kernel's own gives turns. What worlds have used so far is kept.
 */
final class Worlds {
    private static final Logger LOG = LoggerFactory.getLogger(Worlds.class);

    /** With what each has used under former schedulers. */
    private final Map<VirtualCpu, Account> worlds = new LinkedHashMap<>();
    private volatile WorldScheduler scheduler;

    /** Nanoseconds up to a moment. */
    private record Account(long at, long uptime, long used, long ready, long waited) {
        static Account open() { return new Account(System.nanoTime(), 0, 0, 0, 0); }

        /** With what a scheduler has counted since then. */
        Account with(Usage usage) {
            return new Account(System.nanoTime(), uptime + usage.uptimeNanos(), used + usage.usedNanos(), ready + usage.readyNanos(), waited + usage.waitNanos());
        }

        /** Without a scheduler a world is ready and nobody runs it. */
        Account unscheduled() {
            long now = System.nanoTime();
            return new Account(now, uptime + now - at, used, ready + now - at, waited);
        }

        Usage line(VirtualCpu world, String status, int slot, int effectiveMin) { return new Usage(world, status, slot, uptime, used, ready, waited, effectiveMin); }
    }

    /** A scheduler takes over all worlds. */
    synchronized void bind(WorldScheduler next) {
        if (scheduler == next) return;
        leave();
        scheduler = next;
        worlds.replaceAll((world, account) -> account.unscheduled());
        for (VirtualCpu world : worlds.keySet()) admitAgain(world);
    }

    /** A scheduler goes; if it is the present one the kernel's own runs the worlds until the next comes. */
    synchronized void unbind(WorldScheduler old) {
        if (scheduler != old) return;
        if (!worlds.isEmpty()) LOG.info("there is no scheduler: until the next comes worlds take turns, without shares, minimums and maximums");
        bind(new RoundRobin());
    }

    /** Ends the kernel's own scheduler; there are no worlds any more, or they do not stop. */
    synchronized void close() {
        if (scheduler instanceof RoundRobin own) own.close();
    }

    /** Takes all worlds out of the present scheduler, if there is one; returns when none of them runs. */
    private void leave() {
        WorldScheduler before = scheduler;
        if (before == null) return;
        scheduler = null;
        List<Usage> last = before.usage();
        for (VirtualCpu world : worlds.keySet()) before.remove(world);
        worlds.replaceAll((world, account) -> of(world, last).map(account::with).orElse(account));
        if (before instanceof RoundRobin own) own.close();
    }

    /** What was promised under another scheduler must not keep a world from running under this one. */
    private void admitAgain(VirtualCpu world) {
        try {
            try {
                scheduler.admit(world);
            } catch (AdmissionException e) {
                LOG.warn("world {}: {}; it goes on without its minimum and affinity", world.name(), e.getMessage());
                ResourceAllocation wanted = world.allocation;
                world.allocation = new ResourceAllocation(0, wanted.max(), wanted.shares(), Set.of());
                scheduler.admit(world);
            }
        } catch (AdmissionException | RuntimeException e) {
            LOG.error("world {} stands still: the new scheduler does not take it: {}", world.name(), e.toString());
        }
    }

    /** The present scheduler, or null. */
    WorldScheduler scheduler() { return scheduler; }

    synchronized void admit(VirtualCpu world) throws AdmissionException {
        if (scheduler == null) throw new AdmissionException("there is no world scheduler (is bundle vmkernel.sched active?)");
        scheduler.admit(world);
        worlds.put(world, Account.open());
    }

    /** Returns when the world no longer runs. */
    void remove(VirtualCpu world) {
        WorldScheduler from;
        synchronized (this) {
            if (worlds.remove(world) == null) return;
            from = scheduler;
        }
        // may take a while if the world does not stop; the others' changes do not wait for it
        if (from != null) from.remove(world);
    }

    void wake(VirtualCpu world) {
        WorldScheduler now = scheduler;
        if (now != null) now.wake(world);
    }

    synchronized void reallocate(VirtualCpu world) throws AdmissionException {
        if (scheduler != null && worlds.containsKey(world)) scheduler.reallocate(world);
    }

    /** A line for each world, in order of id, with all its times since it was admitted first. */
    synchronized List<Usage> usage() {
        List<Usage> lines = new ArrayList<>();
        List<Usage> present = scheduler == null ? List.of() : scheduler.usage();
        worlds.forEach((world, account) -> lines.add(of(world, present).map(now -> account.with(now).line(world, now.status(), now.slot(), now.effectiveMin()))
            .orElseGet(() -> account.unscheduled().line(world, "READY", 0, 0))));
        return lines;
    }

    private static Optional<Usage> of(VirtualCpu world, List<Usage> lines) { return lines.stream().filter(line -> line.world() == world).findFirst(); }
}
