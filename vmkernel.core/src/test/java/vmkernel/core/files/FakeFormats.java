package vmkernel.core.files;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.disk.DiskInfo;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** Disks that are one file each. */
public final class FakeFormats implements DiskFormats {
    public volatile boolean refuses;
    /** Run before each request. */
    public volatile Runnable before = () -> { };
    final AtomicInteger opened = new AtomicInteger();
    public final List<String> done = new java.util.concurrent.CopyOnWriteArrayList<>();

    @Override
    public DiskImage open(DiskFiles files, VolumePath disk, VmFile.Mode mode) throws IOException {
        if (refuses) throw new IOException(disk + ": has a format that is not known");
        opened.incrementAndGet();
        VmFile file = files.open(disk, mode);
        return new DiskImage() {
            private boolean closed;

            @Override
            public long blocks() {
                try {
                    return file.length() / BLOCK_BYTES;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }

            @Override public boolean readOnly() { return mode != VmFile.Mode.WRITE; }
            @Override public String chain() { return disk.toString(); }

            @Override
            public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
                before.run();
                if (closed) throw new IllegalStateException("a request after the end");
                file.submit(operation, block, data, done);
            }

            @Override
            public void close() throws IOException {
                closed = true;
                file.close();
            }
        };
    }

    @Override public DiskInfo info(VolumePath disk) { return new DiskInfo(disk, DiskFormat.RAW, 0, 0, 0, -1, Optional.empty(), List.of(disk), Map.of()); }
    @Override public void create(VolumePath disk, DiskFormat format, long bytes, Progress progress) {}

    @Override
    public void createChild(VolumePath parent, VolumePath child) throws IOException {
        done.add("child " + child.path() + " of " + parent.path());
        try (VmFile from = parent.volume().open(parent.path(), VmFile.Mode.SHARE); VmFile to = child.volume().create(child.path(), 0600)) {
            java.nio.ByteBuffer data = java.nio.ByteBuffer.allocate((int) from.length());
            from.read(0, data);
            to.write(0, data.flip());
        }
    }

    /** Counts for ever. */
    @Override
    public void copy(VolumePath from, VolumePath to, DiskFormat format, Progress progress) {
        for (long i = 0; ; i++) progress.at(i, Long.MAX_VALUE);
    }

    @Override
    public void commit(VolumePath child, Progress progress) throws IOException {
        done.add("commit " + child.path());
        VolumePath parent = new VolumePath(child.volume(), child.path().replaceFirst("\\.REDO$", ""));
        try (VmFile from = child.volume().open(child.path(), VmFile.Mode.SHARE); VmFile to = parent.volume().open(parent.path(), VmFile.Mode.WRITE)) {
            java.nio.ByteBuffer data = java.nio.ByteBuffer.allocate((int) from.length());
            from.read(0, data);
            to.write(0, data.flip());
        }
    }

    @Override public void extend(VolumePath disk, long bytes, Progress progress) {}
    @Override public void inflate(VolumePath disk, Progress progress) {}
    @Override public void punchZeros(VolumePath disk, Progress progress) {}
    @Override public void rename(VolumePath from, VolumePath to) {}

    @Override
    public void delete(VolumePath disk) throws IOException {
        done.add("delete " + disk.path());
        disk.volume().delete(disk.path());
    }

    @Override public List<String> check(VolumePath disk, Progress progress) { return List.of(); }
}
