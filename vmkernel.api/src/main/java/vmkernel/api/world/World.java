package vmkernel.api.world;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * A schedulable context. It owns no host thread: the scheduler calls {@link #run} on one of its physical-CPU slots, for one
 * slice after another, never twice at a time. Implemented by the kernel.
 */
@ConsumerType
public interface World {
    enum Type { VCPU, HELPER, DRIVER, CONSOLE, IDLE }

    /** How a slice ended. */
    enum Outcome {
        /** More to do: the slice was over. */
        READY,
        /** Nothing to do until {@link WorldScheduler#wake}. A wake that came meanwhile is not lost. */
        WAIT,
        /** The world is finished and leaves the scheduler. */
        DEAD
    }

    /** Positive, unique while the host runs. */
    int id();

    /** As VMware names it, such as {@code vmm0:debian}. */
    String name();

    Type type();

    /** The virtual machine's world id that this world belongs to, or its own id. */
    int group();

    /** Current allocation; may change between any two calls. */
    ResourceAllocation cpuAllocation();

    /** Runs until the slice expires or there is nothing to do. Must not throw: what it throws ends the world. */
    Outcome run(Slice slice);

    /** The running slice has just expired: return from {@link #run} soon. Called on any thread, also when not running. */
    void preempt();
}
