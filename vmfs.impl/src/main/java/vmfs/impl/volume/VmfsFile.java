package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.util.function.Consumer;
import vmfs.impl.format.FileDescriptor;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** A handle of a file. */
final class VmfsFile implements VmFile {
    private final VmfsVolume volume;
    private final OpenFile file;
    private final String path;
    private final Mode mode;
    private final int handle;
    private volatile boolean closed;

    VmfsFile(VmfsVolume volume, OpenFile file, String path, Mode mode, int handle) {
        this.volume = volume;
        this.file = file;
        this.path = path;
        this.mode = mode;
        this.handle = handle;
    }

    @Override public String path() { return path; }
    @Override public Mode mode() { return mode; }
    @Override public int handle() { return handle; }

    @Override public FileStatus status() throws IOException { return volume.status(path.substring(path.lastIndexOf('/') + 1), settled(Long.MAX_VALUE).descriptor()); }

    @Override
    public long length() throws IOException {
        FileWriter writer = file.writer();
        return Math.max(version().length(), writer == null ? 0 : writer.length());
    }

    OpenFile file() { return file; }

    private OpenFile.Version version() throws IOException {
        if (closed) throw new ClosedChannelException();
        if (mode == Mode.READ) volume.refresh(file, path);
        return file.version();
    }

    /** The file with all that was written before a position. */
    private OpenFile.Version settled(long position) throws IOException {
        FileWriter writer = file.writer();
        if (writer != null && writer.collectedBefore(position)) writer.spill();
        return version();
    }

    @Override
    public int read(long position, ByteBuffer to) throws IOException {
        if (position < 0) throw new IllegalArgumentException("position " + position);
        settled(position > Long.MAX_VALUE - to.remaining() ? Long.MAX_VALUE : position + to.remaining());
        long stamp = file.requests().readLock();
        try {
            return read(file.version(), position, to);
        } finally {
            file.requests().unlockRead(stamp);
        }
    }

    private int read(OpenFile.Version now, long position, ByteBuffer to) throws IOException {
        if (position >= now.length() || !to.hasRemaining()) return 0;
        long end = Math.min(now.length(), position + to.remaining());
        for (long here = position, stop; here < end; here = stop) {
            long at = now.blocks().at(here);
            stop = now.blocks().together(here, end);
            if (at < 0) zero(to, (int) (stop - here)); else volume.data().read(at, to, (int) (stop - here));
        }
        return (int) (end - position);
    }

    private static void zero(ByteBuffer to, int bytes) {
        for (int left = bytes; left >= 8; left -= 8) to.putLong(0);
        for (int left = bytes & 7; left > 0; left--) to.put((byte) 0);
    }

    @Override
    public long nextData(long position) throws IOException { return next(position, true); }

    @Override
    public long nextHole(long position) throws IOException { return next(position, false); }

    private long next(long position, boolean data) throws IOException {
        OpenFile.Version now = settled(Long.MAX_VALUE);
        if (position >= now.length()) return now.length();
        long bytes = now.blocks().blockBytes();
        long block = now.blocks().next(position / bytes, (now.length() + bytes - 1) / bytes, data);
        return Math.min(now.length(), Math.max(position, block * bytes));
    }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        if (closed) {
            done.accept(BlockResult.GONE);
            return;
        }
        volume.data().submit(file, mode == Mode.WRITE, operation, block, data, done);
    }

    private FileWriter writer() throws IOException {
        if (closed) throw new ClosedChannelException();
        if (mode != Mode.WRITE) throw new AccessDeniedException(path, null, "is open for reading only");
        volume.requireWritable(path);
        return file.writer();
    }

    @Override public void write(long position, ByteBuffer from) throws IOException { writer().write(position, from); }
    @Override public void truncate(long length) throws IOException { writer().truncate(length); }
    @Override public void allocate(long position, long length, Progress progress) throws IOException { writer().allocate(position, length, progress); }
    @Override public void punch(long position, long length) throws IOException { writer().punch(position, length); }

    @Override
    public void flush() throws IOException {
        settled(Long.MAX_VALUE);
        if (mode == Mode.WRITE) volume.flush();
    }

    /** A successor has it. */
    void forsake() { closed = true; }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (closed) return;
            closed = true;
        }
        volume.closed(this);
    }
}
