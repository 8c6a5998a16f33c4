package vmkernel.api.storage;

import org.osgi.annotation.versioning.ProviderType;

/**
 * A request to an adapter. The kernel owns it and can repeat it. The adapter ends each exactly once, by {@link #complete} or
 * by {@link #giveBack}, on any thread, holding no lock that {@code submit} would want.
 */
@ProviderType
public interface BlockRequest {
    BlockOperation operation();

    /** The unit's target and LUN, as in {@link LogicalUnit}. */
    int target();

    int lun();

    /** First block, in blocks of the unit; within the unit. */
    long block();

    /** Number of blocks; 0 if the operation transfers none. At most {@link BlockAdapter#maxBytes} in all. */
    int blocks();

    /** As many bytes as the blocks have; null if the operation transfers none. */
    Transfer data();

    void complete(BlockResult result);

    /** Unfinished: it is as if it had never been submitted, but that a write may have been done. */
    void giveBack();
}
