package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** The parts of a request: it ends when all have ended, as the first one that was not good. */
final class Parts implements Consumer<BlockResult> {
    private static final int ZERO_BYTES = 64 << 10;
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(ZERO_BYTES).asReadOnlyBuffer();

    private final Consumer<BlockResult> done;
    /** Parts that have not ended, and one for him who starts them. */
    private int left = 1;
    private BlockResult result = BlockResult.GOOD;

    Parts(Consumer<BlockResult> done) { this.done = done; }

    /** For one more part. */
    synchronized Consumer<BlockResult> more() {
        left++;
        return this;
    }

    /** A part has ended; he who starts them calls it last. */
    @Override
    public void accept(BlockResult part) {
        synchronized (this) {
            if (result.good()) result = part;
            if (--left > 0) return;
        }
        done.accept(result);
    }

    /** Starts something and waits for its end, whatever interrupts. */
    static BlockResult await(Consumer<Consumer<BlockResult>> start) {
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        start.accept(end::complete);
        return end.join();
    }

    static void fillZeros(Transfer data, int first, int bytes) {
        long zeros = HostMemory.addressOf(ZEROS);
        for (int at = 0; at < bytes; at += ZERO_BYTES) data.copyFrom(first + at, zeros, Math.min(ZERO_BYTES, bytes - at));
    }

    /** What an exception of a file is to a guest. */
    static BlockResult result(IOException e, boolean write) {
        return e instanceof VolumeFullException ? BlockResult.NO_SPACE : write ? BlockResult.WRITE_ERROR : BlockResult.READ_ERROR;
    }

    /** @throws IOException in one line, if the result is not good */
    static void require(BlockResult result, String file, String what) throws IOException {
        if (result.good()) return;
        if (result.equals(BlockResult.NO_SPACE)) throw new VolumeFullException(file, "no space left for what is written at " + what);
        throw new FileSystemException(file, null, "input or output failed at " + what + ": " + result);
    }
}
