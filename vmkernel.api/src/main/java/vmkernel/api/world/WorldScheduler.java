package vmkernel.api.world;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;
import vmkernel.api.memory.AdmissionException;

/**
 * Decides which world runs where and for how long, on a fixed number of physical-CPU slots. It can be rebuilt from the list of
 * worlds, so it has no state to save. Any thread.
 */
@ProviderType
public interface WorldScheduler {
    /** Number of physical-CPU slots. */
    int physicalCpus();

    /**
     * Takes a world in, ready to run.
     *
     * @throws AdmissionException if the sum of minimums would exceed the machine; nothing has changed then
     */
    void admit(World world) throws AdmissionException;

    /** Takes a world out and returns when it no longer runs. Unknown worlds are ignored. Not from within {@link World#run}. */
    void remove(World world);

    /** Makes a waiting world ready. Cheap when it is not waiting. */
    void wake(World world);

    /** Ends the current slice of a world, so that it returns from {@link World#run}; it stays ready. */
    void preempt(World world);

    /** The allocation of a world has changed. @throws AdmissionException if the new minimum cannot be given; the world keeps running */
    void reallocate(World world) throws AdmissionException;

    /** A line for each world, in order of id. */
    List<Usage> usage();

    /**
     * @param status RUN, READY or WAIT
     * @param slot physical CPU where it runs or last ran
     * @param usedNanos time on a slot
     * @param readyNanos time spent ready without a slot
     * @param waitNanos time with nothing to do
     * @param effectiveMin percent of one CPU that min and shares entitle it to now
     */
    record Usage(World world, String status, int slot, long uptimeNanos, long usedNanos, long readyNanos, long waitNanos, int effectiveMin) {}
}
