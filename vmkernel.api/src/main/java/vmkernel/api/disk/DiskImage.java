package vmkernel.api.disk;

import java.io.IOException;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An open virtual disk, of blocks of 512 bytes. Any thread, several requests at a time. */
@ConsumerType
public interface DiskImage extends AutoCloseable {
    int BLOCK_BYTES = 512;

    long blocks();

    boolean readOnly();

    /** Names of its files from the disk to its last parent, for people. */
    String chain();

    /**
     * Starts a request; waits for the device at most where the format needs to (a new grain, a table that is not in memory).
     *
     * @param data a whole number of blocks, null for FLUSH; @param done called once, on any thread, and must not block
     */
    void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done);

    /** Everything on stable storage; its files are closed. No request is in flight. Its state is in its files alone. */
    @Override
    void close() throws IOException;
}
