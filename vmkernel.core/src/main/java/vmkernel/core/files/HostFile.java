package vmkernel.core.files;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;
import vmkernel.core.storage.IoThreads;

/**
 * An open file of the host. All I/O is done on threads of its own, since Java closes a channel, and with it the lock, when a thread that uses it is
 * interrupted.
 *
 * <p>LIMIT: Java cannot ask the host for holes: what is allocated is told by its bytes, a file has no hole, and what is punched reads as zeros but
 * gives no room back, unless it is the file's end.
 */
final class HostFile implements VmFile {
    private final HostFolder folder;
    private final HostInode inode;
    /** The inode's, which it keeps open until the last handle is closed. */
    private final FileChannel channel;
    private final String path;
    private final Mode mode;
    private final int handle;
    private final IoThreads threads;
    /** Writes are readers of it; what looks at bytes before it writes them is alone. */
    private final ReadWriteLock contents = new ReentrantReadWriteLock();
    private volatile boolean closed;

    HostFile(HostFolder folder, HostInode inode, String path, Mode mode, int handle, IoThreads threads) {
        this.folder = folder;
        this.inode = inode;
        channel = inode.channel();
        this.path = path;
        this.mode = mode;
        this.handle = handle;
        this.threads = threads;
    }

    private interface Work<T> {
        T run(FileChannel channel, ByteBuffer buffer) throws IOException;
    }

    private FileChannel channel() throws IOException {
        if (closed) throw new ClosedChannelException();
        return channel;
    }

    /** Runs it on one of the threads and waits, whatever interrupts. */
    private <T> T await(Work<T> work) throws IOException {
        CompletableFuture<T> end = new CompletableFuture<>();
        threads.execute(buffer -> {
            try {
                end.complete(work.run(channel(), buffer.clear()));
            } catch (IOException | RuntimeException e) {
                end.completeExceptionally(e);
            }
        });
        try {
            return end.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException cause) throw HostFolder.told(path, cause);
            throw e;
        }
    }

    private void requireWriting() throws IOException {
        if (mode != Mode.WRITE) throw new java.nio.file.AccessDeniedException(path, null, "is open for reading only");
    }

    @Override public String path() { return path; }
    @Override public Mode mode() { return mode; }
    @Override public int handle() { return handle; }
    @Override public FileStatus status() throws IOException { return folder.followed(path); }
    @Override public long length() throws IOException { return await((channel, buffer) -> channel.size()); }

    @Override
    public int read(long position, ByteBuffer to) throws IOException {
        return await((channel, buffer) -> {
            int from = to.position();
            while (to.hasRemaining() && channel.read(to, position + to.position() - from) > 0) { } // a file may give less than is asked for
            return to.position() - from;
        });
    }

    @Override
    public void write(long position, ByteBuffer from) throws IOException {
        requireWriting();
        await((channel, buffer) -> {
            contents.readLock().lock();
            try {
                put(channel, position, from);
                return null;
            } finally {
                contents.readLock().unlock();
            }
        });
    }

    private static void put(FileChannel channel, long position, ByteBuffer from) throws IOException {
        for (long at = position; from.hasRemaining(); ) at += channel.write(from, at);
    }

    @Override
    public void truncate(long length) throws IOException {
        requireWriting();
        await((channel, buffer) -> {
            contents.writeLock().lock();
            try {
                resize(channel, length);
                channel.force(true);
                return null;
            } finally {
                contents.writeLock().unlock();
            }
        });
    }

    private static void resize(FileChannel channel, long length) throws IOException {
        if (channel.size() > length) channel.truncate(length);
        if (channel.size() < length) put(channel, length - 1, ByteBuffer.allocate(1));
    }

    @Override
    public void allocate(long position, long length, Progress progress) throws IOException {
        requireWriting();
        progress.at(0, length);
        for (long at = 0; at < length; ) {
            long done = at;
            at += await((channel, buffer) -> zero(channel, buffer, position + done, Math.min(length - done, buffer.capacity()), true));
            progress.at(at, length);
        }
        await((channel, buffer) -> {
            channel.force(true);
            return null;
        });
    }

    /** Writes zeros where there are only zeros ({@code same}), or where there is anything else. @return bytes that were looked at */
    private int zero(FileChannel channel, ByteBuffer buffer, long position, long length, boolean same) throws IOException {
        contents.writeLock().lock();
        try {
            buffer.limit((int) length);
            while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) > 0) { }
            boolean zeros = buffer.flip().mismatch(ByteBuffer.allocate(buffer.limit())) < 0;
            if (zeros == same) put(channel, position, ByteBuffer.allocate((int) length));
            return (int) length;
        } finally {
            contents.writeLock().unlock();
        }
    }

    @Override
    public void punch(long position, long length) throws IOException {
        requireWriting();
        await((channel, buffer) -> {
            long size = channel.size(), end = Math.min(size, position + length);
            if (end == size && position < size) {
                resize(channel, position);
                resize(channel, size);
            } else {
                for (long at = position; at < end; ) at += zero(channel, buffer.clear(), at, Math.min(end - at, buffer.capacity()), false);
            }
            channel.force(true);
            return null;
        });
    }

    @Override public long nextData(long position) throws IOException { return Math.min(position, length()); }
    @Override public long nextHole(long position) throws IOException { return length(); }

    @Override
    public void flush() throws IOException {
        await((channel, buffer) -> {
            force(channel);
            return null;
        });
    }

    private void force(FileChannel channel) throws IOException {
        if (inode.unstable) throw new IOException("what was written may be lost: the host could not write it to its disk before");
        try {
            channel.force(true);
        } catch (IOException e) {
            inode.unstable = true;
            throw e;
        }
    }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        threads.execute(buffer -> done.accept(ended(operation, block, data, buffer)));
    }

    private BlockResult ended(BlockOperation operation, long block, Transfer data, ByteBuffer buffer) {
        try {
            FileChannel channel = channel();
            switch (operation) {
                case FLUSH: force(channel); return BlockResult.GOOD;
                case READ: return outside(channel, block, data) ? BlockResult.OUT_OF_RANGE : read(channel, block, data, buffer);
                case WRITE:
                    if (mode != Mode.WRITE) return BlockResult.WRITE_PROTECTED;
                    return outside(channel, block, data) ? BlockResult.OUT_OF_RANGE : write(channel, block, data, buffer);
                default: return BlockResult.check(0x05, 0x20, 0); // invalid command: reservations are for devices
            }
        } catch (ClosedChannelException e) {
            return BlockResult.GONE;
        } catch (IOException e) {
            HostFolder.LOG.error("{}: {} at block {}: {}", path, operation.name().toLowerCase(java.util.Locale.ROOT), block, e.getMessage());
            if (HostFolder.told(path, e) instanceof VolumeFullException) return BlockResult.NO_SPACE;
            return operation == BlockOperation.READ ? BlockResult.READ_ERROR : BlockResult.WRITE_ERROR;
        }
    }

    private static boolean outside(FileChannel channel, long block, Transfer data) throws IOException {
        long blocks = (channel.size() + BLOCK_BYTES - 1) / BLOCK_BYTES;
        return block < 0 || block > blocks - data.bytes() / BLOCK_BYTES;
    }

    private static BlockResult read(FileChannel channel, long block, Transfer data, ByteBuffer buffer) throws IOException {
        long place = block * BLOCK_BYTES, size = channel.size();
        for (int done = 0; done < data.bytes(); done += buffer.limit()) {
            buffer.clear().limit(Math.min(buffer.capacity(), data.bytes() - done));
            while (buffer.hasRemaining() && place + done + buffer.position() < size) {
                if (channel.read(buffer, place + done + buffer.position()) < 0) throw new EOFException("the file was cut while in use");
            }
            while (buffer.hasRemaining()) buffer.put((byte) 0); // the last part block
            data.copyFrom(done, HostMemory.addressOf(buffer), buffer.limit());
        }
        return BlockResult.GOOD;
    }

    private BlockResult write(FileChannel channel, long block, Transfer data, ByteBuffer buffer) throws IOException {
        contents.readLock().lock();
        try {
            long place = block * BLOCK_BYTES, size = channel.size();
            for (int done = 0, part; done < data.bytes(); done += part) {
                part = Math.min(buffer.capacity(), data.bytes() - done);
                data.copyTo(done, HostMemory.addressOf(buffer), part);
                buffer.clear().limit((int) Math.min(part, size - place - done)); // the file does not grow by its last part block
                put(channel, place + done, buffer);
            }
            return BlockResult.GOOD;
        } finally {
            contents.readLock().unlock();
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (closed) return;
            try {
                if (mode == Mode.WRITE) flush();
            } finally {
                closed = true;
                folder.release(inode, mode);
            }
        }
    }
}
