package vmkernel.core.storage;

import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/** Where one user's blocks are: what a virtual disk is made of. Any thread. */
interface Medium extends AutoCloseable {
    LogicalUnit unit();

    long blocks();

    boolean readOnly();

    /** Never blocks. @param block first block; @param data null for FLUSH */
    void submit(BlockOperation operation, long block, Transfer data, Asker asker);

    /** Waits until no adapter has a request of this user any more. @return false if that takes longer */
    boolean settled(long millis);

    /** Whose shares they are that count. */
    DiskShare share();

    /** Whether it needs code of a file system or of a format of disks. */
    boolean inFiles();

    /** Settled, or at the risk of what is still on its way. */
    @Override
    void close();
}
