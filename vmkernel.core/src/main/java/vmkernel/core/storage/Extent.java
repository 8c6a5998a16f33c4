package vmkernel.core.storage;

import java.util.function.Consumer;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/** A run of blocks of a unit: a LUN, a partition of one, a file. As a {@link BlockDevice} it is used by the host itself. */
final class Extent implements BlockDevice {
    /** Requests of the host to a unit that may wait or be done at a time. */
    static final int HOST_REQUESTS = 1024;

    final Unit unit;
    private final String name;
    final long first;
    /** -1 for all of the unit, however large that is. */
    private final long blocks;

    Extent(Unit unit, String name, long first, long blocks) {
        this.unit = unit;
        this.name = name;
        this.first = first;
        this.blocks = blocks;
    }

    static Extent all(Unit unit) { return new Extent(unit, unit.name(), 0, -1); }

    boolean whole() { return blocks < 0; }

    @Override public String name() { return name; }
    @Override public long blocks() { return whole() ? unit.now().blocks() : blocks; }
    @Override public int blockBytes() { return unit.now().blockBytes(); }
    @Override public boolean readOnly() { return unit.now().readOnly(); }
    @Override public LogicalUnit unit() { return unit.now(); }

    /** A way to it for one user. Never blocks. */
    void submit(DiskShare share, BlockOperation operation, long block, Transfer data, Asker asker) {
        int bytes = !operation.transfers() || data == null ? 0 : data.bytes();
        int count = bytes / blockBytes();
        BlockResult refusal = refusal(operation, block, bytes, count);
        if (refusal != null) {
            asker.ended(refusal);
            return;
        }
        switch (operation) {
            case READ, WRITE -> unit.queue().submit(new Command(share, operation, first + block, count, data, asker));
            case FLUSH -> unit.queue().submit(new Command(share, operation, 0, 0, null, asker));
            case RESERVE -> unit.reservation().reserve(asker);
            case RELEASE -> unit.reservation().release(asker);
        }
    }

    /** An answer without the unit, or null. */
    private BlockResult refusal(BlockOperation operation, long block, int bytes, int count) {
        if (unit.gone()) return BlockResult.GONE;
        if (!operation.transfers()) return null;
        if (bytes % blockBytes() != 0 || unit.now().blocks() == 0) return BlockResult.HARDWARE_ERROR;
        if (block < 0 || block > blocks() - count) return BlockResult.OUT_OF_RANGE;
        if (operation == BlockOperation.WRITE && readOnly()) return BlockResult.WRITE_PROTECTED;
        return count == 0 ? BlockResult.GOOD : null;
    }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        unit.host().enter();
        submit(unit.host().share(), operation, block, data, result -> unit.host().leave(result, done));
    }

    @Override public String toString() { return name; }
}
