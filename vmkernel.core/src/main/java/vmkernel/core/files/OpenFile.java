package vmkernel.core.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An open file of a volume, the kernel's: it stays open while the code that serves it is replaced, and its users wait meanwhile. */
final class OpenFile implements VmFile {
    private static final Logger LOG = LoggerFactory.getLogger(OpenFile.class);

    private final Datastore volume;
    private final String path;
    private final Mode mode;
    private final FileCounters counters;
    /** Null while the code is away, or if the file is lost. Changes while nobody is inside the volume's gate. */
    private volatile VmFile code;
    private volatile int handle;
    /** Why no successor could take it up; null if that is not so. */
    private volatile String lost;
    private volatile boolean closed;

    OpenFile(Datastore volume, String path, Mode mode, FileCounters counters, VmFile code) {
        this.volume = volume;
        this.path = path;
        this.mode = mode;
        this.counters = counters;
        this.code = code;
        handle = code.handle();
    }

    private interface Call<T> {
        T on(VmFile code) throws IOException;
    }

    private interface Action {
        void on(VmFile code) throws IOException;
    }

    private <T> T call(Call<T> call) throws IOException { return volume.call(any -> call.on(usable())); }

    private void act(Action action) throws IOException {
        call(file -> {
            action.on(file);
            return null;
        });
    }

    private VmFile usable() throws IOException {
        if (closed) throw new ClosedChannelException();
        VmFile now = code;
        if (now == null) throw new FileSystemException(path, null, "is lost: " + lost);
        return now;
    }

    // The code comes and goes; called one at a time, while nobody is inside the gate.

    /** The code goes. */
    void detach() { code = null; }

    /** A successor takes it up. @param known it knows the file by its handle; else it is opened anew */
    void attach(MountedVolume next, boolean known) {
        if (lost != null) return;
        try {
            code = known ? next.reopen(handle) : next.open(path, mode);
            handle = code.handle();
        } catch (IOException | RuntimeException e) {
            code = null;
            lost = e.getMessage() == null ? e.toString() : e.getMessage();
            if (!closed) LOG.error("{}: {} was open and cannot be taken up: {}", volume.label(), path, lost);
        }
    }

    boolean isClosed() { return closed; }

    @Override public String path() { return path; }
    @Override public Mode mode() { return mode; }
    @Override public int handle() { return handle; }
    @Override public FileStatus status() throws IOException { return call(VmFile::status); }
    @Override public long length() throws IOException { return call(VmFile::length); }
    @Override public void truncate(long length) throws IOException { act(file -> file.truncate(length)); }
    @Override public void allocate(long position, long length, Progress progress) throws IOException { act(file -> file.allocate(position, length, volume.givingWay(progress))); }
    @Override public void punch(long position, long length) throws IOException { act(file -> file.punch(position, length)); }
    @Override public long nextData(long position) throws IOException { return call(file -> file.nextData(position)); }
    @Override public long nextHole(long position) throws IOException { return call(file -> file.nextHole(position)); }
    @Override public void flush() throws IOException { act(VmFile::flush); }

    @Override
    public int read(long position, ByteBuffer to) throws IOException {
        int bytes = call(file -> file.read(position, to));
        counters.read(bytes);
        return bytes;
    }

    @Override
    public void write(long position, ByteBuffer from) throws IOException {
        int bytes = from.remaining();
        act(file -> file.write(position, from));
        counters.written(bytes);
    }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        volume.pass(() -> start(operation, block, data, new End(operation, data == null ? 0 : data.bytes(), done)), () -> done.accept(BlockResult.GONE));
    }

    /** Inside the gate, which the end leaves. */
    private void start(BlockOperation operation, long block, Transfer data, End end) {
        try {
            usable().submit(operation, block, data, end);
        } catch (IOException e) {
            end.accept(BlockResult.GONE);
        } catch (RuntimeException | LinkageError e) {
            LOG.error("{}: {} at block {} of {} failed", volume.label(), operation, block, path, e);
            end.accept(BlockResult.HARDWARE_ERROR);
        }
    }

    /** Of a request: counted once, whatever the code does. */
    private final class End implements Consumer<BlockResult> {
        private final AtomicBoolean over = new AtomicBoolean();
        private final BlockOperation operation;
        private final int bytes;
        private final Consumer<BlockResult> done;

        End(BlockOperation operation, int bytes, Consumer<BlockResult> done) {
            this.operation = operation;
            this.bytes = bytes;
            this.done = done;
        }

        @Override
        public void accept(BlockResult result) {
            if (!over.compareAndSet(false, true)) return;
            volume.leave();
            if (result.good() && operation == BlockOperation.READ) counters.read(bytes);
            if (result.good() && operation == BlockOperation.WRITE) counters.written(bytes);
            done.accept(result);
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (closed) return;
            closed = true;
        }
        volume.close(this);
    }

    /** Inside the gate. */
    void closeNow() throws IOException {
        VmFile now = code;
        if (now != null) now.close();
    }
}
