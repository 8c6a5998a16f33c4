package vmkernel.core.storage;

import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/** One user's way to an extent. */
final class Access implements Medium {
    private final Extent extent;
    private final DiskShare share;
    private final boolean readOnly;
    private final Runnable onClose;

    /** @param onClose gives the extent back to who gave it */
    Access(Extent extent, String owner, boolean readOnly, Runnable onClose) {
        this.extent = extent;
        this.readOnly = readOnly;
        this.onClose = onClose;
        share = extent.unit.join(owner);
    }

    @Override public LogicalUnit unit() { return extent.unit(); }
    @Override public long blocks() { return extent.blocks(); }
    @Override public boolean readOnly() { return readOnly || extent.readOnly(); }
    @Override public void submit(BlockOperation operation, long block, Transfer data, Asker asker) { extent.submit(share, operation, block, data, asker); }
    @Override public boolean settled(long millis) { return extent.unit.queue().settled(share, millis); }
    @Override public boolean inFiles() { return false; }
    @Override public DiskShare share() { return share; }

    @Override
    public void close() {
        extent.unit.leave(share);
        onClose.run();
    }
}
