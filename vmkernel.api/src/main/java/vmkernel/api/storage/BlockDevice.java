package vmkernel.api.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Anything with blocks: a LUN ({@code vmhba0:1:0}), a partition of one ({@code vmhba0:1:0:2}) or a raw file. It outlives the
 * adapter behind it: while there is none, requests wait. Any thread.
 */
@ProviderType
public interface BlockDevice {
    String name();

    long blocks();

    int blockBytes();

    boolean readOnly();

    /** What INQUIRY says, or the like for a file. */
    LogicalUnit unit();

    /**
     * Starts a request; blocks only while the device's queue is full. {@code done} is called once, on any thread, and must not block.
     *
     * @param block first block; @param data a whole number of blocks, null for FLUSH, RESERVE and RELEASE; out of range ends with a check condition
     */
    void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done);

    /** Reads a whole number of blocks into the buffer, and waits. @throws IOException in one line with name and place */
    default void read(long block, ByteBuffer to) throws IOException { await(BlockOperation.READ, block, new BufferTransfer(to)); }

    default void write(long block, ByteBuffer from) throws IOException { await(BlockOperation.WRITE, block, new BufferTransfer(from)); }

    default void flush() throws IOException { await(BlockOperation.FLUSH, 0, null); }

    /**
     * Keeps other hosts away from the whole unit, and waits for one that has it. For a while of milliseconds only. A host has one
     * reservation, however often it asks; it ends with the last one's close.
     *
     * @return gives it back @throws IOException in one line, if another host does not let go of it within the kernel's bound
     */
    default Reservation reserve() throws IOException {
        await(BlockOperation.RESERVE, 0, null);
        return () -> await(BlockOperation.RELEASE, 0, null);
    }

    /** Other hosts are kept away. */
    @FunctionalInterface
    interface Reservation extends AutoCloseable {
        @Override
        void close() throws IOException;
    }

    private void await(BlockOperation operation, long block, Transfer data) throws IOException {
        CompletableFuture<BlockResult> done = new CompletableFuture<>();
        submit(operation, block, data, done::complete);
        // whatever interrupts: the device has the buffer until the request ends
        BlockResult result = done.join();
        String where = operation.transfers() ? " at block " + block : "";
        if (!result.good()) throw new IOException(name() + ": " + operation.name().toLowerCase(java.util.Locale.ROOT) + where + ": " + result);
    }
}
