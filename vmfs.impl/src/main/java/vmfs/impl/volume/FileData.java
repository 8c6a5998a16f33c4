package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;
import vmkernel.api.storage.TransferPart;

/** The way of data between files and devices: no copy where the request fits the blocks of 512 bytes. Any thread. */
final class FileData {
    private static final Logger LOG = LoggerFactory.getLogger(FileData.class);
    private static final int BLOCK = Extents.BLOCK, BOUNCE = 65536;
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(65536);

    private final Extents extents;
    private final Later later;

    /** Runs what waits for the device on another thread. */
    @FunctionalInterface
    interface Later {
        void run(Runnable task);
    }

    FileData(Extents extents, Later later) {
        this.extents = extents;
        this.later = later;
    }

    /** Reads bytes at an address of the volume, both as they come. */
    void read(long address, ByteBuffer to, int bytes) throws IOException {
        int left = bytes;
        long at = address;
        while (left > 0) {
            int skip = (int) (at % BLOCK);
            int part;
            if (skip == 0 && left % BLOCK == 0 || left > BOUNCE) {
                part = skip == 0 ? left / BLOCK * BLOCK : BLOCK - skip;
            } else {
                part = left;
            }
            if (skip == 0 && part % BLOCK == 0) direct(at, to, part); else bounced(at, skip, to, part);
            at += part;
            left -= part;
        }
    }

    private void direct(long at, ByteBuffer to, int bytes) throws IOException {
        extents.read(at, to.slice(to.position(), bytes));
        to.position(to.position() + bytes);
    }

    private void bounced(long at, int skip, ByteBuffer to, int bytes) throws IOException {
        ByteBuffer blocks = ByteBuffer.allocate((skip + bytes + BLOCK - 1) / BLOCK * BLOCK);
        extents.read(at - skip, blocks);
        to.put(blocks.array(), skip, bytes);
    }

    /** As {@link vmkernel.api.files.VmFile#submit}. */
    void submit(OpenFile file, BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        if (operation != BlockOperation.READ) {
            done.accept(operation == BlockOperation.FLUSH ? BlockResult.GOOD : BlockResult.WRITE_PROTECTED);
            return;
        }
        OpenFile.Version now = file.version();
        long position = block * BLOCK;
        int bytes = data.bytes();
        if (block < 0 || bytes % BLOCK != 0 || block > Long.MAX_VALUE / BLOCK || position + bytes > (now.length() + BLOCK - 1) / BLOCK * BLOCK) {
            done.accept(BlockResult.OUT_OF_RANGE);
        } else if (knows(now.blocks(), position, bytes)) {
            start(now, operation, position, data, done);
        } else {
            later.run(() -> start(now, operation, position, data, done));
        }
    }

    private static boolean knows(BlockMap blocks, long position, int bytes) {
        long last = (position + bytes - 1) / blocks.blockBytes();
        for (long block = position / blocks.blockBytes(); block <= last; block++) if (!blocks.knows(block)) return false;
        return true;
    }

    private void start(OpenFile.Version now, BlockOperation operation, long position, Transfer data, Consumer<BlockResult> done) {
        try {
            long end = position + data.bytes();
            long stop = now.blocks().together(position, end);
            long at = now.blocks().at(position);
            if (at >= 0 && stop == end && end <= now.length() && end - position <= extents.run(at)) extents.submit(operation, at, data, done);
            else pieces(now, operation, position, data, new Pieces(done));
        } catch (IOException e) {
            LOG.error("{}", e.getMessage());
            done.accept(operation == BlockOperation.READ ? BlockResult.READ_ERROR : BlockResult.WRITE_ERROR);
        }
    }

    private void pieces(OpenFile.Version now, BlockOperation operation, long position, Transfer data, Pieces pieces) {
        BlockResult result = BlockResult.GOOD;
        try {
            long end = position + data.bytes();
            for (long here = position, stop; here < end; here = stop) {
                long at = now.blocks().at(here);
                stop = now.blocks().together(here, end);
                if (at >= 0) stop = Math.min(stop, here + extents.run(at));
                int first = (int) (here - position);
                int bytes = (int) (stop - here);
                if (at < 0) {
                    zero(data, first, bytes);
                } else {
                    pieces.left.incrementAndGet();
                    extents.submit(operation, at, TransferPart.of(data, first, bytes), tail(now.length(), here, data, first, bytes, pieces));
                }
            }
        } catch (IOException e) {
            LOG.error("{}", e.getMessage());
            result = BlockResult.READ_ERROR;
        }
        pieces.accept(result);
    }

    /** What the last block has behind the end of the file is nobody's. */
    private Consumer<BlockResult> tail(long length, long position, Transfer data, int first, int bytes, Pieces pieces) {
        if (position + bytes <= length) return pieces;
        int good = (int) (length - position);
        return result -> {
            zero(data, first + good, bytes - good);
            pieces.accept(result);
        };
    }

    private static void zero(Transfer data, int first, int bytes) {
        for (int done = 0, part; done < bytes; done += part) {
            part = Math.min(bytes - done, ZEROS.capacity());
            data.copyFrom(first + done, HostMemory.addressOf(ZEROS), part);
        }
    }

    /** Ends a request when all of its pieces have ended, and who started them is done. */
    private static final class Pieces implements Consumer<BlockResult> {
        final AtomicInteger left = new AtomicInteger(1);
        private final Consumer<BlockResult> done;
        private volatile BlockResult bad;

        Pieces(Consumer<BlockResult> done) { this.done = done; }

        @Override
        public void accept(BlockResult result) {
            if (!result.good()) bad = result;
            if (left.decrementAndGet() == 0) done.accept(bad == null ? BlockResult.GOOD : bad);
        }
    }
}
