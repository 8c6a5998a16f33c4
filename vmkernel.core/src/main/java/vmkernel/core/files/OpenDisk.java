package vmkernel.core.files;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An open virtual disk, the kernel's: it stays open while the code of its format is replaced, and its requests wait meanwhile. */
final class OpenDisk implements DiskImage {
    private static final Logger LOG = LoggerFactory.getLogger(OpenDisk.class);
    private static final long DRAIN_MILLIS = 10_000;

    private final VolumePath disk;
    private final VmFile.Mode mode;
    private final KeptFiles files;
    private final Consumer<OpenDisk> closed;
    private final Gate<DiskImage> gate;
    private final long blocks;
    private final boolean readOnly;
    private final String chain;
    /** Null while the code is away. Guarded by this, as is what follows. */
    private DiskImage code;
    private boolean over;

    /** @param closed told when it is closed for good */
    OpenDisk(VolumePath disk, VmFile.Mode mode, KeptFiles files, DiskImage code, Consumer<OpenDisk> closed) {
        this.disk = disk;
        this.mode = mode;
        this.files = files;
        this.code = code;
        this.closed = closed;
        gate = new Gate<>(disk.toString());
        blocks = code.blocks();
        readOnly = code.readOnly();
        chain = code.chain();
        gate.open(code);
    }

    /** The code goes: what is in its memory goes to the files. */
    synchronized void detach() {
        if (code == null || over) return;
        if (!gate.close(DRAIN_MILLIS)) LOG.warn("{}: has requests that do not end", disk);
        try {
            code.close();
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.error("{}: cannot be closed for its successor: {}", disk, e.getMessage());
        }
        code = null;
    }

    /** A successor opens it again. If it cannot, or the volume of a file is not there, requests wait on. */
    synchronized void attach(DiskFormats formats) {
        if (code != null || over || !files.arePresent()) return;
        try {
            code = formats.open(files, disk, mode);
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.error("{}: cannot be opened again, so it waits: {}", disk, e.getMessage());
            return;
        }
        gate.open(code);
    }

    @Override public long blocks() { return blocks; }
    @Override public boolean readOnly() { return readOnly; }
    @Override public String chain() { return chain; }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        gate.pass(image -> start(image, operation, block, data, done), () -> done.accept(BlockResult.GONE));
    }

    private void start(DiskImage image, BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        AtomicBoolean ended = new AtomicBoolean();
        Consumer<BlockResult> end = result -> {
            if (!ended.compareAndSet(false, true)) return;
            gate.leave();
            done.accept(result);
        };
        try {
            image.submit(operation, block, data, end);
        } catch (RuntimeException | LinkageError e) {
            LOG.error("{}: {} at block {} failed", disk, operation, block, e);
            end.accept(BlockResult.HARDWARE_ERROR);
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (over) return;
            over = true;
        }
        gate.end("is closed");
        gate.close(DRAIN_MILLIS);
        closed.accept(this);
        try (files) {
            DiskImage last = code;
            code = null;
            if (last != null) last.close();
        }
    }

    @Override public String toString() { return disk.toString(); }
}
