package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmfs.impl.format.FileDescriptor;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockDevice;
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
    private final BooleanSupplier fresh;
    private final FileWriter.Work verify;

    /** Runs what waits for the device on another thread. */
    @FunctionalInterface
    interface Later {
        void run(Runnable task);
    }

    /** @param fresh whether this host's locks are surely its own still; @param verify makes sure of it, or throws */
    FileData(Extents extents, Later later, BooleanSupplier fresh, FileWriter.Work verify) {
        this.extents = extents;
        this.later = later;
        this.fresh = fresh;
        this.verify = verify;
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

    /** As {@link vmkernel.api.files.VmFile#submit}. @param writable whether it is open for writing */
    void submit(OpenFile file, boolean writable, BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        FileWriter writer = file.writer();
        if (operation == BlockOperation.FLUSH) {
            if (!writable) done.accept(BlockResult.GOOD);
            else if (writer.collectedBefore(Long.MAX_VALUE)) later.run(() -> settled(writer, () -> flush(done), done));
            else flush(done);
            return;
        }
        long position = block * BLOCK;
        if (operation == BlockOperation.WRITE && !writable) {
            done.accept(BlockResult.WRITE_PROTECTED);
        } else if (operation != BlockOperation.READ && operation != BlockOperation.WRITE) {
            done.accept(BlockResult.GOOD);
        } else if (block < 0 || data.bytes() % BLOCK != 0 || block > Long.MAX_VALUE / BLOCK / 2 || position + data.bytes() > (length(file) + BLOCK - 1) / BLOCK * BLOCK) {
            done.accept(BlockResult.OUT_OF_RANGE);
        } else if (!straight(file, operation, position, data, done)) {
            later.run(() -> prepared(file, operation, position, data, done));
        }
    }

    private static long length(OpenFile file) {
        FileWriter writer = file.writer();
        return writer == null ? file.version().length() : writer.length();
    }

    /** Starts a request if nothing has to be read or changed before. @return false if it has */
    private boolean straight(OpenFile file, BlockOperation operation, long position, Transfer data, Consumer<BlockResult> done) {
        FileWriter writer = file.writer();
        if (writer != null && writer.collectedBefore(position + data.bytes())) return false;
        if (operation == BlockOperation.WRITE && !fresh.getAsBoolean()) return false;
        long stamp = file.requests().tryReadLock();
        if (stamp == 0) return false;
        OpenFile.Version now = file.version();
        boolean ready = position < now.length() && knows(now.blocks(), position, data.bytes());
        try {
            ready &= operation == BlockOperation.READ || writer.overwritable(now, position, Math.min(now.length(), position + data.bytes()));
        } catch (IOException e) {
            ready = false; // told by who comes next
        }
        if (!ready) {
            file.requests().unlockRead(stamp);
            return false;
        }
        start(now, operation, position, data, result -> {
            file.requests().unlockRead(stamp);
            done.accept(result);
        });
        return true;
    }

    /** Does what has to be done before a request, then starts it. */
    private void prepared(OpenFile file, BlockOperation operation, long position, Transfer data, Consumer<BlockResult> done) {
        FileWriter writer = file.writer();
        settled(writer, () -> {
            if (operation == BlockOperation.WRITE) verify.run();
            boolean small = file.version().blocks().form() == FileDescriptor.SUB_BLOCKS || file.version().blocks().form() == FileDescriptor.CONTENT;
            long end = Math.min(position + data.bytes(), file.version().length());
            if (operation == BlockOperation.WRITE && small) {
                writer.write(position, bytes(data).limit((int) (end - position)));
                done.accept(BlockResult.GOOD);
                return;
            }
            if (operation == BlockOperation.WRITE && !writer.overwritable(file.version(), position, end)) writer.fill(position, end);
            long stamp = file.requests().readLock();
            start(file.version(), operation, position, data, result -> {
                file.requests().unlockRead(stamp);
                done.accept(result);
            });
        }, done);
    }

    private static ByteBuffer bytes(Transfer data) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(data.bytes());
        data.copyTo(0, HostMemory.addressOf(bytes), data.bytes());
        return bytes;
    }

    /** Runs what comes after everything that was collected is in the file. */
    private void settled(FileWriter writer, FileWriter.Work then, Consumer<BlockResult> done) {
        try {
            if (writer != null) writer.spill();
            then.run();
        } catch (VolumeFullException e) {
            done.accept(BlockResult.NO_SPACE);
        } catch (IOException e) {
            LOG.error("{}", e.getMessage());
            done.accept(BlockResult.WRITE_ERROR);
        }
    }

    private void flush(Consumer<BlockResult> done) {
        Pieces pieces = new Pieces(done);
        for (BlockDevice device : extents.devices()) {
            pieces.left.incrementAndGet();
            device.submit(BlockOperation.FLUSH, 0, null, pieces);
        }
        pieces.accept(BlockResult.GOOD);
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
                    extents.submit(operation, at, TransferPart.of(data, first, bytes), operation == BlockOperation.READ ? tail(now.length(), here, data, first, bytes, pieces) : pieces);
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
