package host.linux;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import vmkernel.api.host.HostFiles;
import vmkernel.api.memory.HostMemory;

/** One open file or block device. */
final class DirectFile implements HostFiles.HostFile {
    private static final int SEEK_END = 2;

    private final Path path;
    private final int fd;
    private final int alignment;
    private final Consumer<DirectFile> forget;
    /** Held for reading by those who use the descriptor, so that it is not closed under them and given to another file. */
    private final ReadWriteLock use = new ReentrantReadWriteLock();
    private boolean closed;

    /** @param alignment 0 if the page cache is used; @param forget told when it is closed */
    DirectFile(Path path, int fd, int alignment, Consumer<DirectFile> forget) {
        this.path = path;
        this.fd = fd;
        this.alignment = alignment;
        this.forget = forget;
    }

    @Override
    public long size() {
        use.readLock().lock();
        try {
            return closed ? 0 : Libc.lseek(fd, 0, SEEK_END); // works for block devices, too
        } finally {
            use.readLock().unlock();
        }
    }

    @Override public int alignment() { return Math.max(1, alignment); }

    @Override public boolean direct() { return alignment > 0; }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
        int start = to.position();
        use.readLock().lock();
        try {
            while (to.hasRemaining()) {
                int done = to.position() - start;
                check("read", position);
                long count = Libc.pread(fd, address(to), to.remaining(), position + done);
                if (count < 0) failed("read", position + done, to);
                if (count == 0) break;
                if (count > 0) to.position(to.position() + (int) count);
                if (count > 0 && count % alignment() != 0) break; // the end of the file
            }
            return to.position() - start;
        } finally {
            use.readLock().unlock();
            Reference.reachabilityFence(to);
        }
    }

    @Override
    public void write(ByteBuffer from, long position) throws IOException {
        int start = from.position();
        use.readLock().lock();
        try {
            while (from.hasRemaining()) {
                int done = from.position() - start;
                check("write", position);
                long count = Libc.pwrite(fd, address(from), from.remaining(), position + done);
                if (count < 0) failed("write", position + done, from);
                if (count > 0) from.position(from.position() + (int) count);
            }
        } finally {
            use.readLock().unlock();
            Reference.reachabilityFence(from);
        }
    }

    @Override
    public void flush() throws IOException {
        use.readLock().lock();
        try {
            check("flush", 0);
            while (Libc.fdatasync(fd) < 0) failed("flush", 0, null);
        } finally {
            use.readLock().unlock();
        }
    }

    private static long address(ByteBuffer buffer) { return HostMemory.addressOf(buffer) + buffer.position(); }

    private void check(String what, long position) throws IOException {
        if (closed) throw new IOException(path + ": " + what + " at " + position + ": the file is closed");
    }

    /** Returns if the call is to be made again. */
    private void failed(String what, long position, ByteBuffer data) throws IOException {
        int errno = Libc.errno();
        if (errno == Libc.EINTR) return;
        boolean odd = errno == Libc.EINVAL && data != null && ((position | data.remaining() | address(data)) & alignment() - 1) != 0;
        throw new IOException(path + ": " + what + " at " + position + ": " + (odd ? "not aligned to " + alignment() + " bytes" : Libc.reason(errno)));
    }

    @Override
    public void close() {
        use.writeLock().lock();
        try {
            if (closed) return;
            closed = true;
            Libc.close(fd);
        } finally {
            use.writeLock().unlock();
        }
        forget.accept(this);
    }
}
