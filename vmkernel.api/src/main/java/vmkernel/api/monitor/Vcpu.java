package vmkernel.api.monitor;

import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.world.Slice;

/** One running virtual CPU. {@link #run} and {@link #save} are never called at the same time. */
@ConsumerType
public interface Vcpu extends AutoCloseable {
    enum Exit {
        /** HLT (or a wait for a start-up IPI): nothing to do until an event that wakes. */
        HALTED,
        /** The slice expired. */
        STOPPED,
        /** Shutdown after a triple fault: the machine is to be reset or stopped. */
        SHUTDOWN,
        /** A bug of the monitor; {@link #failure} has it. The state is as exact as can be had. */
        FAULTED
    }

    /**
     * Executes guest instructions until the slice expires or the CPU has nothing to do. Returns between two instructions, with
     * complete state. HALTED is returned only if no wake-up event was pending at the moment.
     */
    Exit run(Slice slice);

    /** Makes {@link #run} look at the events of its context and at its slice soon (well under a millisecond). Any thread, cheap. */
    void kick();

    /** Complete architectural state; changes nothing. */
    CpuState save();

    /** Instructions executed since creation. Any thread; may lag by a slice. */
    long instructions();

    /** What FAULTED means, else null. */
    Throwable failure();

    /** Registers and the instructions around the current one, for dumps and people. */
    String describe();

    @Override
    void close();
}
