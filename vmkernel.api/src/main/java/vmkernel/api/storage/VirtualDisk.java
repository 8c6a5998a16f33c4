package vmkernel.api.storage;

import org.osgi.annotation.versioning.ProviderType;

/**
 * A disk of a virtual machine, as its virtual adapter has it. It is the kernel's: requests in flight outlive the adapter's
 * code, and their ends are told to its successor. Under the VM's device lock, which the listener is called under, too.
 */
@ProviderType
public interface VirtualDisk {
    long blocks();

    int blockBytes();

    boolean readOnly();

    /** Vendor, model and revision for INQUIRY. */
    LogicalUnit unit();

    /**
     * Starts a request and never blocks.
     *
     * @param tag the adapter's name for it, unique among those in flight on this disk
     * @param block first block; @param data a whole number of blocks, null for FLUSH
     */
    void submit(long tag, BlockOperation operation, long block, Transfer data);

    /**
     * Gives up a request (ABORT TASK): its end is not told and its memory not written any more. Whether a write was done is open.
     * Nothing happens if there is no such tag. Use this instead of {@link GuestTransfer#revoke}, which would have a write that
     * is on its way put something else on the disk.
     */
    void abort(long tag);

    /** Gives up all requests (reset of the bus or the device). The kernel does so by itself when the machine is reset. */
    void reset();

    /** At most one; while there is none ends of requests wait. */
    void listener(Listener listener);

    /** Told of ends. */
    @FunctionalInterface
    @org.osgi.annotation.versioning.ConsumerType
    interface Listener {
        void completed(long tag, BlockResult result);
    }
}
