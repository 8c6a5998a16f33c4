package vmfs.impl.nio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import vmkernel.api.files.SparseFile;
import vmkernel.api.files.VmFile;

/**
 * A channel to an open file. Who has it for writing is alone on all hosts, so locks within it are only held against each other.
 * Files cannot be mapped into memory.
 */
final class VolumeChannel extends FileChannel implements SparseFile {
    private static final int COPY_BYTES = 256 << 10;

    /** What it may do besides reading. */
    enum Right { READ, WRITE, APPEND, SYNC }

    /** To be done after the file was closed. */
    interface Afterwards {
        void run() throws IOException;
    }

    private final VmFile file;
    private final Set<Right> rights;
    private final Afterwards afterwards;
    private final List<FileLock> locks = new ArrayList<>();
    /** Guarded by itself: one operation at a time uses the position. */
    private final Object positioned = new Object();
    private long position;

    VolumeChannel(VmFile file, Set<Right> rights, Afterwards afterwards) {
        this.file = file;
        this.rights = rights;
        this.afterwards = afterwards;
    }

    private VmFile open() throws ClosedChannelException {
        if (!isOpen()) throw new ClosedChannelException();
        return file;
    }

    private VmFile readable() throws ClosedChannelException {
        open();
        if (!rights.contains(Right.READ)) throw new NonReadableChannelException();
        return file;
    }

    private VmFile writable() throws ClosedChannelException {
        open();
        if (!rights.contains(Right.WRITE)) throw new NonWritableChannelException();
        return file;
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
        synchronized (positioned) {
            int bytes = read(to, position);
            position += Math.max(bytes, 0);
            return bytes;
        }
    }

    @Override
    public int read(ByteBuffer to, long at) throws IOException {
        if (at < 0) throw new IllegalArgumentException("a position below 0");
        VmFile from = readable();
        if (!to.hasRemaining()) return 0;
        int first = to.position();
        int bytes = from.read(at, to);
        to.position(first + bytes);
        return bytes == 0 ? -1 : bytes;
    }

    @Override
    public long read(ByteBuffer[] to, int offset, int length) throws IOException {
        synchronized (positioned) {
            long all = 0;
            for (ByteBuffer buffer : List.of(to).subList(offset, offset + length)) {
                int bytes = read(buffer);
                if (bytes < 0) return all == 0 ? -1 : all;
                all += bytes;
                if (buffer.hasRemaining()) break;
            }
            return all;
        }
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        synchronized (positioned) {
            writable();
            if (rights.contains(Right.APPEND)) position = file.length();
            int bytes = write(from, position);
            position += bytes;
            return bytes;
        }
    }

    @Override
    public int write(ByteBuffer from, long at) throws IOException {
        if (at < 0) throw new IllegalArgumentException("a position below 0");
        VmFile to = writable();
        int bytes = from.remaining();
        if (bytes == 0) return 0;
        to.write(at, reachable(from));
        from.position(from.limit());
        if (rights.contains(Right.SYNC)) to.flush();
        return bytes;
    }

    /** Of a read-only buffer on the heap nobody sees the array: it is copied. */
    private static ByteBuffer reachable(ByteBuffer buffer) {
        return buffer.isDirect() || buffer.hasArray() ? buffer.duplicate() : ByteBuffer.allocate(buffer.remaining()).put(buffer.duplicate()).flip();
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) throws IOException {
        synchronized (positioned) {
            long all = 0;
            for (ByteBuffer buffer : List.of(from).subList(offset, offset + length)) all += write(buffer);
            return all;
        }
    }

    @Override
    public long position() throws IOException {
        synchronized (positioned) {
            open();
            return rights.contains(Right.APPEND) ? file.length() : position;
        }
    }

    @Override
    public FileChannel position(long to) throws IOException {
        if (to < 0) throw new IllegalArgumentException("a position below 0");
        synchronized (positioned) {
            open();
            position = to;
            return this;
        }
    }

    @Override public long size() throws IOException { return open().length(); }

    @Override
    public FileChannel truncate(long length) throws IOException {
        if (length < 0) throw new IllegalArgumentException("a length below 0");
        synchronized (positioned) {
            if (length < writable().length()) file.truncate(length);
            position = Math.min(position, length);
            return this;
        }
    }

    @Override
    public void force(boolean metadata) throws IOException {
        if (open().mode() == VmFile.Mode.WRITE) file.flush();
    }

    @Override public long nextData(long at) throws IOException { return open().nextData(at); }

    @Override public long nextHole(long at) throws IOException { return open().nextHole(at); }

    @Override
    public long transferTo(long from, long count, WritableByteChannel to) throws IOException {
        if (from < 0 || count < 0) throw new IllegalArgumentException("a position or a count below 0");
        ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(COPY_BYTES, Math.max(count, 1)));
        long done = 0;
        while (done < count) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), count - done));
            if (read(buffer, from + done) < 0) break;
            buffer.flip();
            int bytes = to.write(buffer);
            done += bytes;
            if (buffer.hasRemaining()) break;
        }
        return done;
    }

    @Override
    public long transferFrom(ReadableByteChannel from, long at, long count) throws IOException {
        if (at < 0 || count < 0) throw new IllegalArgumentException("a position or a count below 0");
        if (at > writable().length()) return 0;
        ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(COPY_BYTES, Math.max(count, 1)));
        long done = 0;
        while (done < count) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), count - done));
            if (from.read(buffer) <= 0) break;
            done += write(buffer.flip(), at + done);
        }
        return done;
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long from, long size) { throw new UnsupportedOperationException("files of a volume cannot be mapped into memory; read and write them"); }

    @Override public FileLock lock(long from, long size, boolean shared) throws IOException { return tryLock(from, size, shared); }

    @Override
    public FileLock tryLock(long from, long size, boolean shared) throws IOException {
        if (shared) readable(); else writable();
        if (file.mode() != VmFile.Mode.WRITE) throw new UnsupportedOperationException("who only reads keeps nobody away; open the file for writing to lock it");
        synchronized (locks) {
            if (locks.stream().anyMatch(lock -> lock.overlaps(from, size))) throw new OverlappingFileLockException();
            FileLock lock = new Lock(from, size, shared);
            locks.add(lock);
            return lock;
        }
    }

    @Override
    protected void implCloseChannel() throws IOException {
        try {
            file.close();
        } finally {
            afterwards.run();
        }
    }

    private final class Lock extends FileLock {
        Lock(long from, long size, boolean shared) { super(VolumeChannel.this, from, size, shared); }

        @Override
        public boolean isValid() {
            synchronized (locks) {
                return isOpen() && locks.contains(this);
            }
        }

        @Override
        public void release() throws IOException {
            open();
            synchronized (locks) {
                locks.remove(this);
            }
        }
    }
}
