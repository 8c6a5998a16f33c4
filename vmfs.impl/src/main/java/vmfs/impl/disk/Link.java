package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumePath;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;
import vmkernel.api.storage.TransferPart;

/** One open disk of a chain: its extents one after another, and its parent below them. Behind its end it is zeros, for a child that is longer. */
final class Link implements Layer {
    private static final Logger LOG = LoggerFactory.getLogger(Link.class);
    private static final int MAX_CHAIN = 256;

    private final DiskText text;
    private final Executor workers;
    /** The parent, which this closes; null if there is none. */
    private final Link parent;
    private final List<Layer> extents = new ArrayList<>();
    /** First block of each extent in the disk, and the end. */
    private final long[] starts;
    /** Whether the content id tells already that it was changed. */
    private volatile boolean changed;

    /** Tells the parent of a disk, open. */
    interface Parents {
        Link of(DiskText child) throws IOException;
    }

    private Link(DiskText text, Link parent, Executor workers) {
        this.text = text;
        this.parent = parent;
        this.workers = workers;
        List<ExtentLine> lines = text.descriptor().extents();
        starts = new long[lines.size() + 1];
        for (int i = 0; i < lines.size(); i++) starts[i + 1] = starts[i] + lines.get(i).blocks();
    }

    /** Opens a disk with all its parents, which are only read. */
    static Link open(DiskFiles files, VolumePath disk, Mode mode, Executor workers) throws IOException { return open(files, disk, mode, workers, 0); }

    private static Link open(DiskFiles files, VolumePath disk, Mode mode, Executor workers, int depth) throws IOException {
        if (depth > MAX_CHAIN) throw Places.refused(disk, "has more than " + MAX_CHAIN + " parents; does one of them name a child of its own?");
        return open(files, disk, mode, workers, child -> {
            Link parent = there(child, () -> open(files, child.parent(), mode == Mode.READ ? Mode.READ : Mode.SHARE, workers, depth + 1));
            try {
                child.requireParent(parent.text);
                return parent;
            } catch (IOException e) {
                parent.closeQuietly();
                throw e;
            }
        });
    }

    private interface Opening {
        Link open() throws IOException;
    }

    /** A parent that is missing is told with its child. */
    private static Link there(DiskText child, Opening parent) throws IOException {
        try {
            return parent.open();
        } catch (NoSuchFileException e) {
            boolean itself = child.parent().path().equals(e.getFile());
            throw itself ? new NoSuchFileException(child.place().toString(), null, "its parent " + child.parent() + " is not there") : e;
        }
    }

    /** Opens a disk over a parent that somebody knows. */
    static Link open(DiskFiles files, VolumePath disk, Mode mode, Executor workers, Parents parents) throws IOException {
        DiskText text = DiskText.open(files, disk, mode);
        Link link = null;
        try {
            link = new Link(text, text.descriptor().parentCid() == Descriptor.NO_PARENT && !text.hasBareParent() ? null : parents.of(text), workers);
            link.openExtents(files);
            return link;
        } catch (IOException | RuntimeException e) {
            if (link != null) link.closeQuietly(); else text.close();
            throw e;
        }
    }

    private void openExtents(DiskFiles files) throws IOException {
        List<ExtentLine> lines = text.descriptor().extents();
        Layer below = parent == null ? new Zeros(Long.MAX_VALUE) : parent;
        for (int i = 0; i < lines.size(); i++) extents.add(new ExtentFile(text, lines.get(i), files).open(below, starts[i], workers));
    }

    DiskText text() { return text; }
    List<Layer> extents() { return extents; }
    Link parent() { return parent; }

    @Override public long blocks() { return starts[extents.size()]; }
    @Override public boolean readOnly() { return text.mode() != Mode.WRITE || extents.stream().allMatch(Layer::readOnly); }

    private int extent(long block) {
        int found = Arrays.binarySearch(starts, block);
        return found >= 0 ? found : -found - 2;
    }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        if (operation == BlockOperation.FLUSH) {
            flush(done);
        } else if (operation == BlockOperation.WRITE && !changed) {
            workers.execute(() -> {
                if (change(done)) move(operation, block, data, done);
            });
        } else {
            move(operation, block, data, done);
        }
    }

    private void move(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        int blocks = data.bytes() / BLOCK, index = extent(block);
        if (index < extents.size() && block + blocks <= starts[index + 1]) {
            extents.get(index).submit(operation, block - starts[index], data, done);
            return;
        }
        Parts parts = new Parts(done);
        for (int at = 0, part; at < blocks; at += part) {
            int i = extent(block + at);
            long left = i < extents.size() ? starts[i + 1] - block - at : Long.MAX_VALUE;
            part = (int) Math.min(blocks - at, left);
            Transfer piece = TransferPart.of(data, at * BLOCK, part * BLOCK);
            layer(i).submit(operation, block + at - starts[i], piece, parts.more());
        }
        parts.accept(BlockResult.GOOD);
    }

    private Layer layer(int index) { return index < extents.size() ? extents.get(index) : new Zeros(Long.MAX_VALUE); }

    private void flush(Consumer<BlockResult> done) {
        Parts parts = new Parts(done);
        for (Layer extent : extents) extent.submit(BlockOperation.FLUSH, 0, null, parts.more());
        parts.accept(BlockResult.GOOD);
    }

    /** Before the first write: the content is another one from now on, and children do not fit any more. */
    private boolean change(Consumer<BlockResult> done) {
        try {
            changeId(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE - 1));
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.error("{}: the content id cannot be changed: {}", text.place(), e.getMessage());
            done.accept(e instanceof IOException io ? Parts.result(io, true) : BlockResult.HARDWARE_ERROR);
            return false;
        }
    }

    private synchronized void changeId(int id) throws IOException {
        if (!changed) text.changeId(id, parent == null ? Descriptor.NO_PARENT : parent.text.descriptor().cid());
        changed = true;
    }

    /** The content becomes that of another disk, which has that id. */
    void become(int id) throws IOException { changeId(id); }

    @Override
    public void read(long block, ByteBuffer to) throws IOException {
        each(block, to, (layer, at, part) -> layer.read(at, part));
    }

    @Override
    public void write(long block, ByteBuffer from) throws IOException {
        if (!changed) changeId(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE - 1));
        each(block, from, (layer, at, part) -> layer.write(at, part));
    }

    private interface Move {
        void run(Layer layer, long block, ByteBuffer data) throws IOException;
    }

    private void each(long block, ByteBuffer data, Move move) throws IOException {
        for (long at = block; data.hasRemaining(); ) {
            int i = extent(at), bytes = data.remaining();
            if (i < extents.size()) bytes = (int) Math.min(bytes, (starts[i + 1] - at) * BLOCK);
            move.run(layer(i), at - starts[i], data.slice(data.position(), bytes));
            data.position(data.position() + bytes);
            at += bytes / BLOCK;
        }
    }

    @Override
    public Run run(long block) throws IOException {
        int i = extent(block);
        return layer(i).run(block - starts[i]);
    }

    /** What a guest sees from a block on: DATA or ZERO. */
    Run seen(long block) throws IOException {
        Run own = run(block);
        if (own.kind() != Run.Kind.BELOW) return own;
        if (parent == null) return new Run(Run.Kind.ZERO, own.blocks());
        Run below = parent.seen(block);
        return new Run(below.kind(), Math.min(own.blocks(), below.blocks()));
    }

    /** Everything that was written is on stable storage. */
    void flush() throws IOException { Parts.require(Parts.await(done -> submit(BlockOperation.FLUSH, 0, null, done)), text.place().toString(), "its end"); }

    /** After something went wrong that is told already. */
    void closeQuietly() {
        try {
            close();
        } catch (IOException e) {
            LOG.warn("{} cannot be closed: {}", text.place(), e.getMessage());
        }
    }

    @Override
    public void close() throws IOException {
        IOException failed = null;
        List<AutoCloseable> all = new ArrayList<>(extents);
        all.add(text);
        if (parent != null) all.add(parent);
        for (AutoCloseable part : all) {
            try {
                part.close();
            } catch (Exception e) {
                IOException io = e instanceof IOException known ? known : new IOException(e);
                if (failed == null) failed = io; else failed.addSuppressed(io);
            }
        }
        if (failed != null) throw failed;
    }
}
