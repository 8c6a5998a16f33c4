package vmkernel.api.world;

/** One turn on a physical-CPU slot. Expiry is asked for at instruction boundaries and may be set by any thread. */
public final class Slice {
    private volatile boolean expired;

    /** True when the world has to give its slot back. */
    public boolean expired() { return expired; }

    /** Ends the slice. Does not wake the world: whoever calls it also calls {@link World#preempt}. */
    public void expire() { expired = true; }
}
