package vmkernel.core.storage;

import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/** A request of a user, done by one or more {@link Piece}s. Its fields are guarded by the queue. */
final class Command {
    final DiskShare share;
    final BlockOperation operation;
    /** First block on the unit. */
    final long block;
    /** 0 if the operation transfers none. */
    final int blocks;
    final Transfer data;
    final Asker asker;
    /** Of the unit, at that time. */
    final int blockBytes;

    /** Place in the order of arrival. */
    long sequence;
    /** Blocks for which pieces were made. */
    int issued;
    /** Blocks that have not ended; 1 if it has none. */
    int left;
    BlockResult result = BlockResult.GOOD;

    Command(DiskShare share, BlockOperation operation, long block, int blocks, Transfer data, Asker asker) {
        this.share = share;
        this.operation = operation;
        this.block = block;
        this.blocks = blocks;
        this.data = data;
        this.asker = asker;
        blockBytes = share.unit.now().blockBytes();
        left = Math.max(1, blocks);
    }

    Unit unit() { return share.unit; }

    long bytes() { return (long) blocks * blockBytes; }

    boolean allIssued() { return issued == blocks; }

    /** What keeps it from being done, or null. */
    BlockResult obstacle() {
        if (!result.good()) return result; // another piece failed
        if (asker.withdrawn() || unit().gone()) return BlockResult.GONE;
        LogicalUnit now = unit().now();
        if (now.blocks() == 0 || now.blockBytes() != blockBytes) return BlockResult.HARDWARE_ERROR; // broken, or another disk
        if (operation == BlockOperation.WRITE && unit().reservation().lost()) return BlockResult.CONFLICT;
        return block + blocks > now.blocks() ? BlockResult.OUT_OF_RANGE : null;
    }
}
