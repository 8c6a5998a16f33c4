package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** Blocks of 512 bytes that lie in files: an extent, or a disk with its parents. Any thread; what is asked for is in range. */
interface Layer extends AutoCloseable {
    int BLOCK = 512;

    long blocks();

    boolean readOnly();

    /**
     * Starts a request; never waits for the device on the caller's thread, but for what {@link vmkernel.api.files.VmFile#submit} does.
     *
     * @param data null for FLUSH
     */
    void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done);

    /** Fills the buffer, and waits; does all work on the caller's thread, so that threads that work for others may call it. */
    void read(long block, ByteBuffer to) throws IOException;

    /** Writes all of the buffer, a whole number of blocks, and waits. */
    void write(long block, ByteBuffer from) throws IOException;

    /** What is there from a block on. */
    Run run(long block) throws IOException;

    /** @throws IOException in one line, if not everything is on stable storage; it is closed all the same */
    @Override
    void close() throws IOException;

    /** @param blocks of one kind, at least one; there may be more of it behind them */
    record Run(Kind kind, long blocks) {
        /** BELOW: this layer has nothing there. ZERO: known to be zeros. */
        enum Kind { DATA, ZERO, BELOW }
    }
}
