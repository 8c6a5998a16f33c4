package vmkernel.core.machine;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.world.World;
import vmkernel.api.world.WorldScheduler;

/**
 * The worlds that exist, and the scheduler that runs them now: it may be replaced under them. While there is none they stand
 * still.
 */
final class Worlds {
    private static final Logger LOG = LoggerFactory.getLogger(Worlds.class);

    private final Set<World> worlds = new LinkedHashSet<>();
    private volatile WorldScheduler scheduler;

    /** A scheduler takes over all worlds. */
    synchronized void bind(WorldScheduler next) {
        WorldScheduler before = scheduler;
        if (before == next) return;
        scheduler = next;
        for (World world : worlds) {
            if (before != null) before.remove(world);
            try {
                next.admit(world);
            } catch (AdmissionException | RuntimeException e) {
                LOG.error("world {} is not taken over by the new scheduler: {}", world.name(), e.getMessage());
            }
        }
    }

    /** A scheduler goes; if it is the present one, worlds wait for the next. */
    synchronized void unbind(WorldScheduler old) {
        if (scheduler != old) return;
        scheduler = null;
        for (World world : worlds) old.remove(world);
        if (!worlds.isEmpty()) LOG.warn("there is no scheduler: {} worlds stand still", worlds.size());
    }

    /** The present scheduler, or null. */
    WorldScheduler scheduler() { return scheduler; }

    synchronized void admit(World world) throws AdmissionException {
        if (scheduler == null) throw new AdmissionException("there is no world scheduler (is bundle vmkernel.sched active?)");
        scheduler.admit(world);
        worlds.add(world);
    }

    /** Returns when the world no longer runs. */
    void remove(World world) {
        WorldScheduler from;
        synchronized (this) {
            if (!worlds.remove(world)) return;
            from = scheduler;
        }
        // may take a while if the world does not stop; the others' changes do not wait for it
        if (from != null) from.remove(world);
    }

    void wake(World world) {
        WorldScheduler now = scheduler;
        if (now != null) now.wake(world);
    }

    synchronized void reallocate(World world) throws AdmissionException {
        if (scheduler != null && worlds.contains(world)) scheduler.reallocate(world);
    }

    List<WorldScheduler.Usage> usage() {
        WorldScheduler now = scheduler;
        return now == null ? List.of() : now.usage();
    }
}
