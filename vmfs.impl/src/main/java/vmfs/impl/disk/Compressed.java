package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An extent with compressed grains, streamOptimized; only read. Each grain begins with a marker: its first block in the disk, and the bytes that follow. */
final class Compressed implements Layer {
    private static final Logger LOG = LoggerFactory.getLogger(Compressed.class);
    private static final int MARKER = 12, CACHE_BYTES = 4 << 20;

    private final VmFile file;
    private final GrainMap map;
    private final Shape shape;
    private final boolean markers;
    private final Layer below;
    private final long base;
    private final Executor workers;
    /** Grains that were read lately, inflated; so many that a few streams can be read in small steps. Guarded by itself. */
    private final Map<Long, ByteBuffer> cache = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override protected boolean removeEldestEntry(Map.Entry<Long, ByteBuffer> oldest) { return size() > CACHE_BYTES / (shape.grainBlocks() * BLOCK); }
    };

    /** @param markers whether grains begin with one */
    Compressed(VmFile file, GrainMap map, boolean markers, Layer below, long base, Executor workers) {
        this.file = file;
        this.map = map;
        this.markers = markers;
        shape = map.shape();
        this.below = below;
        this.base = base;
        this.workers = workers;
    }

    @Override public long blocks() { return shape.blocks(); }
    @Override public boolean readOnly() { return true; }

    GrainMap map() { return map; }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        if (operation == BlockOperation.READ) workers.execute(() -> done.accept(read(block, data)));
        else done.accept(operation == BlockOperation.WRITE ? BlockResult.WRITE_PROTECTED : BlockResult.GOOD);
    }

    private BlockResult read(long block, Transfer data) {
        try {
            ByteBuffer buffer = ByteBuffer.allocateDirect(data.bytes());
            read(block, buffer);
            data.copyFrom(0, HostMemory.addressOf(buffer), data.bytes());
            return BlockResult.GOOD;
        } catch (IOException | RuntimeException e) {
            LOG.error("{}: {} at block {}: {}", file.path(), BlockOperation.READ.name().toLowerCase(Locale.ROOT), block, e.getMessage());
            return BlockResult.READ_ERROR;
        }
    }

    @Override
    public void read(long block, ByteBuffer to) throws IOException {
        for (long at = block; to.hasRemaining(); ) {
            long grain = at / shape.grainBlocks();
            int within = (int) (at % shape.grainBlocks()), part = Math.min(to.remaining() / BLOCK, shape.grainBlocks() - within);
            ByteBuffer piece = to.slice(to.position(), part * BLOCK);
            long place = map.get(grain);
            if (place == GrainMap.HOLE) below.read(base + at, piece);
            else if (place == GrainMap.ZERO) new Zeros(part).read(0, piece);
            else piece.put(grain(grain, place).slice(within * BLOCK, part * BLOCK));
            to.position(to.position() + part * BLOCK);
            at += part;
        }
    }

    private ByteBuffer grain(long grain, long place) throws IOException {
        synchronized (cache) {
            ByteBuffer known = cache.get(grain);
            if (known != null) return known;
        }
        ByteBuffer data = inflated(grain, place);
        synchronized (cache) {
            cache.put(grain, data);
        }
        return data;
    }

    /** Reads a grain anew, and checks all that can be checked. */
    ByteBuffer inflated(long grain, long place) throws IOException {
        int size = shape.grainBlocks() * BLOCK, most = 2 * size + BLOCK;
        long at = place * BLOCK;
        int length = (int) Math.min(most, map.length() * BLOCK - at);
        if (markers) {
            ByteBuffer marker = ByteBuffer.allocate(MARKER).order(ByteOrder.LITTLE_ENDIAN);
            Damage.require(file.read(at, marker) == MARKER, file.path(), at, "the file ends before the marker of grain " + grain);
            Damage.require(marker.getLong(0) == grain * shape.grainBlocks(), file.path(), at, "the marker of grain " + grain + " is for block " + marker.getLong(0));
            length = marker.getInt(8);
            Damage.require(length > 0 && length <= most, file.path(), at + 8, "grain " + grain + " would have " + length + " compressed bytes");
            at += MARKER;
        }
        ByteBuffer packed = ByteBuffer.allocate(length);
        int got = file.read(at, packed);
        Damage.require(got == length || !markers, file.path(), at + got, "the file ends within grain " + grain);
        return inflate(packed.flip(), size, at, grain);
    }

    private ByteBuffer inflate(ByteBuffer packed, int size, long at, long grain) throws Damage {
        ByteBuffer data = ByteBuffer.allocate(size);
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(packed);
            while (data.hasRemaining() && !inflater.finished()) {
                if (inflater.inflate(data) == 0) break; // the input ends, or a dictionary is asked for
            }
        } catch (DataFormatException e) {
            throw new Damage(file.path(), at, "grain " + grain + " is not compressed as it should be: " + e.getMessage());
        } finally {
            inflater.end();
        }
        Damage.require(data.position() >= shape.used(grain) * BLOCK, file.path(), at, "grain " + grain + " has only " + data.position() + " bytes");
        return data.clear();
    }

    /** Inflates every grain. @param errors gets one line for each that is wrong */
    void check(Errors errors, Progress progress) throws IOException {
        new GrainCheck(map, errors).run(Progress.NONE);
        for (long grain = 0; grain < shape.grains(); grain++) {
            progress.at(grain, shape.grains());
            try {
                long place = map.get(grain);
                if (place > 0) inflated(grain, place);
            } catch (Damage e) {
                errors.add(e.getMessage());
            }
        }
        progress.at(shape.grains(), shape.grains());
    }

    @Override public void write(long block, ByteBuffer from) throws IOException {
        throw new IOException(file.path() + ": is compressed and cannot be written; copy it to another format");
    }

    @Override
    public Run run(long block) throws IOException {
        long grain = block / shape.grainBlocks(), place = map.get(grain);
        Run.Kind kind = place > 0 ? Run.Kind.DATA : place == GrainMap.HOLE ? Run.Kind.BELOW : Run.Kind.ZERO;
        return new Run(kind, Math.min((grain + 1) * shape.grainBlocks(), blocks()) - block);
    }

    @Override public void close() throws IOException { file.close(); }
}
