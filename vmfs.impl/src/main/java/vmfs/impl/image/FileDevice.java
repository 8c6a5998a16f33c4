package vmfs.impl.image;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Partition;
import vmkernel.api.storage.Transfer;

/**
 * An image file, a block device of the machine below, or a part of one, with blocks of 512 bytes. Requests are done by the thread that
 * asks. Other processes that open the file like this share it, and take turns by {@link #reserve}; those that want it alone find it in use.
 *
 * <p>LIMIT: locks are the process's own [Linux] fcntl(2). Programs that take none are not kept away; they are lost when any other
 * part of this process opens the same file and closes it. Java closes the file when a thread that uses it is interrupted.
 */
public final class FileDevice implements BlockDevice, Closeable {
    private static final int BLOCK = 512, COPY_BYTES = 1 << 20;
    /** The byte that is locked by who has a shared file reserved, as by the simulated disks of this system; a shared lock on those below says that it is shared. */
    private static final long RESERVATION_BYTE = Long.MAX_VALUE - 1;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20), PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(300);

    private final String name;
    private final FileChannel channel;
    private final long first, blocks;
    private final boolean readOnly;
    private final ThreadLocal<ByteBuffer> copies = ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(COPY_BYTES));
    /** How often this host has it reserved, and the lock. Guarded by this. */
    private int reservations;
    private FileLock reservation;

    private FileDevice(String name, FileChannel channel, long first, long blocks, boolean readOnly) {
        this.name = name;
        this.channel = channel;
        this.first = first;
        this.blocks = blocks;
        this.readOnly = readOnly;
    }

    /** @throws IOException in one line: file, what is wrong, what to do */
    public static FileDevice open(Path path, boolean readOnly) throws IOException {
        if (Files.isDirectory(path)) throw new IOException(path + ": is a directory; an image file or a partition is needed");
        FileChannel channel = channel(path, readOnly);
        try {
            share(path, channel);
            return new FileDevice(path.toString(), channel, 0, channel.size() / BLOCK, readOnly);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static FileChannel channel(Path path, boolean readOnly) throws IOException {
        try {
            return FileChannel.open(path, readOnly ? Set.of(StandardOpenOption.READ) : Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
        } catch (NoSuchFileException e) {
            throw new IOException(path + ": there is no such file", e);
        } catch (AccessDeniedException e) {
            throw new IOException(path + ": permission denied" + (readOnly ? "" : " to write to it"), e);
        }
    }

    private static void share(Path path, FileChannel channel) throws IOException {
        try {
            if (channel.tryLock(0, RESERVATION_BYTE, true) == null) throw new IOException(path + ": is in use by another program that wants it alone");
        } catch (OverlappingFileLockException e) {
            // another device of this process, or another partition: it has the lock for all of them
        }
    }

    /** A partition of this; it ends with this. */
    public FileDevice part(Partition partition) { return new FileDevice(name + ":" + partition.number(), channel, partition.first(), partition.blocks(), readOnly); }

    @Override public String name() { return name; }

    @Override public long blocks() { return blocks; }

    @Override public int blockBytes() { return BLOCK; }

    @Override public boolean readOnly() { return readOnly; }

    @Override public LogicalUnit unit() { return new LogicalUnit(0, 0, blocks, BLOCK, readOnly, "VMware", "Image file", "1.0"); }

    @Override
    public void read(long block, ByteBuffer to) throws IOException {
        require(block, to.remaining());
        ByteBuffer part = to.duplicate();
        for (long at = (first + block) * BLOCK; part.hasRemaining(); ) {
            int bytes = channel.read(part, at);
            if (bytes < 0) throw new IOException(name + ": ends at byte " + channel.size() + ", before block " + block + " was read; was it cut?");
            at += bytes;
        }
    }

    @Override
    public void write(long block, ByteBuffer from) throws IOException {
        if (readOnly) throw new IOException(name + ": is open for reading only");
        require(block, from.remaining());
        ByteBuffer part = from.duplicate();
        for (long at = (first + block) * BLOCK; part.hasRemaining(); ) at += channel.write(part, at);
    }

    @Override
    public void flush() throws IOException {
        if (!readOnly) channel.force(false);
    }

    private void require(long block, int bytes) throws IOException {
        if (bytes % BLOCK != 0 || block < 0 || block > blocks - bytes / BLOCK) throw new IOException(name + ": " + bytes + " bytes at block " + block + " are out of its " + blocks + " blocks");
    }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        done.accept(result(operation, block, data));
    }

    private BlockResult result(BlockOperation operation, long block, Transfer data) {
        int blocksOfData = data == null ? 0 : data.bytes() / BLOCK;
        if (block < 0 || block > blocks - blocksOfData) return BlockResult.OUT_OF_RANGE;
        if (operation == BlockOperation.WRITE && readOnly) return BlockResult.WRITE_PROTECTED;
        try {
            switch (operation) {
                case READ, WRITE -> copy(operation, block, data);
                case FLUSH -> flush();
                case RESERVE -> take();
                case RELEASE -> release();
            }
            return BlockResult.GOOD;
        } catch (IOException e) {
            boolean full = String.valueOf(e.getMessage()).contains("No space left");
            return switch (operation) {
                case READ -> BlockResult.READ_ERROR;
                case WRITE, FLUSH -> full ? BlockResult.NO_SPACE : BlockResult.WRITE_ERROR;
                case RESERVE, RELEASE -> BlockResult.CONFLICT;
            };
        }
    }

    private void copy(BlockOperation operation, long block, Transfer data) throws IOException {
        ByteBuffer buffer = copies.get();
        for (int done = 0; done < data.bytes(); done += buffer.limit()) {
            buffer.clear().limit(Math.min(COPY_BYTES, data.bytes() - done));
            long address = HostMemory.addressOf(buffer);
            if (operation == BlockOperation.READ) {
                read(block + done / BLOCK, buffer);
                data.copyFrom(done, address, buffer.limit());
            } else {
                data.copyTo(done, address, buffer.limit());
                write(block + done / BLOCK, buffer);
            }
        }
    }

    @Override
    public Reservation reserve() throws IOException {
        take();
        return this::release;
    }

    private synchronized void take() throws IOException {
        if (reservations == 0) reservation = patientLock(System.nanoTime() + PATIENCE_NANOS);
        reservations++;
    }

    private FileLock patientLock(long end) throws IOException {
        while (true) {
            FileLock lock = tryLock();
            if (lock != null) return lock;
            if (System.nanoTime() - end > 0) throw new IOException(name + ": another process does not give back its reservation");
            if (Thread.currentThread().isInterrupted()) throw new IOException(name + ": interrupted");
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** Who only reads keeps writers away, not other readers. */
    private FileLock tryLock() throws IOException {
        try {
            return channel.tryLock(RESERVATION_BYTE, 1, readOnly);
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private synchronized void release() throws IOException {
        if (reservations == 0 || --reservations > 0) return;
        reservation.release();
        reservation = null;
    }

    @Override public void close() throws IOException { channel.close(); }

    @Override public String toString() { return name; }
}
