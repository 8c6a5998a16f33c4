package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.Transfer;
import vmkernel.api.storage.TransferPart;

/**
 * An extent whose grains lie where tables say, in the order in which they were first written; what it does not have is in the layer below. A
 * request to grains that are there goes to the file at once, in as few parts as they lie in runs; all else is done by a thread that may wait.
 */
final class Sparse implements Layer {
    private static final Logger LOG = LoggerFactory.getLogger(Sparse.class);
    /** New grains that are written in one go. */
    private static final int NEW_BLOCKS = 2048;
    /** Grains that {@link #run} looks at. */
    private static final int RUN_GRAINS = 1 << 16;
    private static final int FILL_BYTES = 256 << 10;

    private final VmFile file;
    private final GrainMap map;
    private final Shape shape;
    private final Layer below;
    private final long base;
    private final Executor workers;
    /** Grains that are being written for the first time. Guarded by itself. */
    private final Set<Long> pending = new HashSet<>();
    /** Who waits for a persist. Guarded by itself. */
    private final List<Consumer<BlockResult>> flushes = new ArrayList<>();

    /** A part of a request. @param place block in the file, or GrainMap's HOLE or ZERO @param first in the request */
    private record Piece(long place, int first, int blocks) {
        /** This and more of the same; null if what follows is something else. */
        Piece with(Piece next) {
            boolean same = place > 0 ? next.place == place + blocks : next.place == place;
            return same ? new Piece(place, first, blocks + next.blocks) : null;
        }
    }

    /** @param base block of the layer below that the first one of this lies over */
    Sparse(VmFile file, GrainMap map, Layer below, long base, Executor workers) {
        this.file = file;
        this.map = map;
        shape = map.shape();
        this.below = below;
        this.base = base;
        this.workers = workers;
    }

    @Override public long blocks() { return shape.blocks(); }
    @Override public boolean readOnly() { return file.mode() != VmFile.Mode.WRITE; }

    GrainMap map() { return map; }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        switch (operation) {
            case READ -> read(block, data, done);
            case WRITE -> write(block, data, done);
            default -> flush(done);
        }
    }

    /** The request by places. @param wait whether tables may be loaded; else null if one is needed that is not in memory */
    private List<Piece> plan(long block, int blocks, boolean wait) throws IOException {
        List<Piece> pieces = new ArrayList<>();
        for (int at = 0; at < blocks; ) {
            long grain = (block + at) / shape.grainBlocks();
            int within = (int) ((block + at) % shape.grainBlocks()), part = Math.min(blocks - at, shape.grainBlocks() - within);
            long place = wait ? map.get(grain) : map.find(grain);
            if (place < GrainMap.ZERO) return null;
            Piece next = new Piece(place > 0 ? place + within : place, at, part), last = pieces.isEmpty() ? null : pieces.get(pieces.size() - 1);
            Piece longer = last == null ? null : last.with(next);
            if (longer == null) pieces.add(next); else pieces.set(pieces.size() - 1, longer);
            at += part;
        }
        return pieces;
    }

    /** As {@link #plan} without waiting; null too for what is wrong, which is told by him who waits. */
    private List<Piece> quickPlan(long block, int blocks) {
        try {
            return plan(block, blocks, false);
        } catch (IOException e) {
            throw new IllegalStateException("nothing was read", e);
        }
    }

    private void work(BlockOperation operation, long block, Consumer<BlockResult> done, Waiting waiting) {
        workers.execute(() -> {
            try {
                waiting.run();
            } catch (IOException | RuntimeException e) {
                String what = operation.name().toLowerCase(Locale.ROOT);
                LOG.error("{}: {} at block {}: {}", file.path(), what, block, e.getMessage(), e instanceof IOException ? null : e);
                done.accept(e instanceof IOException io ? Parts.result(io, operation == BlockOperation.WRITE) : BlockResult.HARDWARE_ERROR);
            }
        });
    }

    /** Ends the request, or throws. */
    private interface Waiting {
        void run() throws IOException;
    }

    private void read(long block, Transfer data, Consumer<BlockResult> done) {
        int blocks = data.bytes() / BLOCK;
        List<Piece> pieces = quickPlan(block, blocks);
        if (pieces != null) read(pieces, block, data, done); else work(BlockOperation.READ, block, done, () -> read(plan(block, blocks, true), block, data, done));
    }

    private void read(List<Piece> pieces, long block, Transfer data, Consumer<BlockResult> done) {
        Parts parts = new Parts(done);
        for (Piece piece : pieces) {
            Transfer part = TransferPart.of(data, piece.first * BLOCK, piece.blocks * BLOCK);
            if (piece.place > 0) file.submit(BlockOperation.READ, piece.place, part, parts.more());
            else if (piece.place == GrainMap.ZERO) Parts.fillZeros(part, 0, part.bytes());
            else below.submit(BlockOperation.READ, base + block + piece.first, part, parts.more());
        }
        parts.accept(BlockResult.GOOD);
    }

    private void write(long block, Transfer data, Consumer<BlockResult> done) {
        if (readOnly()) {
            done.accept(BlockResult.WRITE_PROTECTED);
            return;
        }
        List<Piece> pieces = quickPlan(block, data.bytes() / BLOCK);
        if (pieces == null || pieces.stream().anyMatch(piece -> piece.place <= 0)) {
            work(BlockOperation.WRITE, block, done, () -> writeWaiting(block, data, done));
            return;
        }
        Parts parts = new Parts(done);
        for (Piece piece : pieces) file.submit(BlockOperation.WRITE, piece.place, TransferPart.of(data, piece.first * BLOCK, piece.blocks * BLOCK), parts.more());
        parts.accept(BlockResult.GOOD);
    }

    /** Writes what may need new grains. The end is told by {@code done} even if this throws, but then only once. */
    private void writeWaiting(long block, Transfer data, Consumer<BlockResult> done) throws IOException {
        if (map.crowded()) map.persist();
        int blocks = data.bytes() / BLOCK;
        BlockResult[] end = {BlockResult.GOOD};
        for (int at = 0; at < blocks && end[0].good(); ) {
            int first = at;
            List<Piece> pieces = plan(block + at, Math.min(blocks - at, NEW_BLOCKS), true);
            Piece piece = pieces.get(0);
            Transfer part = TransferPart.of(data, first * BLOCK, piece.blocks * BLOCK);
            if (piece.place > 0) end[0] = Parts.await(ended -> file.submit(BlockOperation.WRITE, piece.place, part, ended));
            at += piece.place > 0 ? piece.blocks : writeNew(block + at, part);
        }
        done.accept(end[0]);
    }

    /** Writes into grains that were not there when they were looked at. @return blocks that were written; 0 if they are to be looked at again */
    private int writeNew(long block, Transfer data) throws IOException {
        long grain = block / shape.grainBlocks(), last = (block + data.bytes() / BLOCK - 1) / shape.grainBlocks();
        int grains = claim(grain, last);
        if (grains == 0) return 0;
        try {
            int blocks = (int) Math.min(data.bytes() / BLOCK, (grain + grains) * shape.grainBlocks() - block);
            place(grain, grains, block, TransferPart.of(data, 0, blocks * BLOCK));
            return blocks;
        } finally {
            release(grain, grains);
        }
    }

    /** Takes grains that nobody else is writing; waits while somebody is. */
    private int claim(long first, long last) throws IOException {
        synchronized (pending) {
            if (pending.contains(first)) {
                try {
                    pending.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted");
                }
                return 0;
            }
            int count = 0;
            for (long grain = first; grain <= last && !pending.contains(grain); grain++, count++) {
                long place = map.find(grain);
                if (place != GrainMap.HOLE && place != GrainMap.ZERO) break;
            }
            for (int i = 0; i < count; i++) pending.add(first + i);
            return count;
        }
    }

    private void release(long first, int grains) {
        synchronized (pending) {
            for (int i = 0; i < grains; i++) pending.remove(first + i);
            pending.notifyAll();
        }
    }

    /** Gives room to grains, writes the data with what belongs around them, and only then puts the grains into their table. */
    private void place(long grain, int grains, long block, Transfer data) throws IOException {
        int size = shape.grainBlocks();
        long room = (long) grains * size, place = map.allocate(room);
        long start = grain * size, end = Math.min(start + room, blocks()), behind = block + data.bytes() / BLOCK;
        try {
            fill(start, block, place);
            Parts.require(Parts.await(ended -> file.submit(BlockOperation.WRITE, place + block - start, data, ended)), file.path(), "block " + (place + block - start));
            fill(behind, end, place + behind - start);
        } catch (IOException e) {
            map.giveBack(place, room);
            throw e;
        }
        for (int i = 0; i < grains; i++) map.set(grain + i, place + (long) i * size);
    }

    /** Copies what is there already, from a block on to another. */
    private void fill(long from, long to, long place) throws IOException {
        for (long at = from; at < to; ) {
            ByteBuffer old = ByteBuffer.allocate((int) Math.min(FILL_BYTES, (to - at) * BLOCK));
            read(at, old);
            file.write((place + at - from) * BLOCK, old.flip());
            at += old.limit() / BLOCK;
        }
    }

    private void flush(Consumer<BlockResult> done) {
        if (map.settled()) {
            file.submit(BlockOperation.FLUSH, 0, null, done);
            return;
        }
        synchronized (flushes) {
            flushes.add(done);
            if (flushes.size() > 1) return; // who serves the first one serves all
        }
        workers.execute(this::persist);
    }

    private void persist() {
        for (boolean more = true; more; ) {
            List<Consumer<BlockResult>> batch;
            synchronized (flushes) {
                batch = List.copyOf(flushes);
            }
            BlockResult result = persisted();
            synchronized (flushes) {
                flushes.subList(0, batch.size()).clear();
                more = !flushes.isEmpty();
            }
            for (Consumer<BlockResult> done : batch) done.accept(result);
        }
    }

    private BlockResult persisted() {
        try {
            map.persist();
            return BlockResult.GOOD;
        } catch (IOException | RuntimeException e) {
            LOG.error("{}: what was written may not be stable: {}", file.path(), e.getMessage());
            return e instanceof IOException io ? Parts.result(io, true) : BlockResult.HARDWARE_ERROR;
        }
    }

    @Override
    public void read(long block, ByteBuffer to) throws IOException {
        int blocks = to.remaining() / BLOCK, from = to.position();
        for (Piece piece : plan(block, blocks, true)) {
            ByteBuffer part = to.slice(from + piece.first * BLOCK, piece.blocks * BLOCK);
            if (piece.place > 0) new Flat(file, piece.place, piece.blocks).read(0, part);
            else if (piece.place == GrainMap.HOLE) below.read(base + block + piece.first, part);
            else new Zeros(piece.blocks).read(0, part);
        }
        to.position(from + blocks * BLOCK);
    }

    @Override
    public void write(long block, ByteBuffer from) throws IOException {
        Parts.require(Parts.await(ended -> submit(BlockOperation.WRITE, block, new BufferTransfer(from), ended)), file.path(), "block " + block + " of the disk");
        from.position(from.limit());
    }

    @Override
    public Run run(long block) throws IOException {
        long grain = block / shape.grainBlocks(), next = grain + map.withoutTable(grain);
        Run.Kind kind = next > grain ? Run.Kind.BELOW : kind(grain);
        for (long limit = next + RUN_GRAINS; next < limit && next < shape.grains() && kind(next) == kind; next++) { }
        return new Run(kind, Math.min(next * shape.grainBlocks(), blocks()) - block);
    }

    private Run.Kind kind(long grain) throws IOException {
        long place = map.get(grain);
        return place > 0 ? Run.Kind.DATA : place == GrainMap.HOLE ? Run.Kind.BELOW : Run.Kind.ZERO;
    }

    @Override
    public void close() throws IOException {
        try {
            if (!readOnly()) map.close();
        } finally {
            file.close();
        }
    }
}
