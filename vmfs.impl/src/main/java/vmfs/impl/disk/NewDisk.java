package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;
import vmkernel.api.storage.BlockOperation;

/** A disk that is being made. Its descriptor comes last, so that there is no disk before; unless it is finished, closing it removes its files. */
final class NewDisk implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NewDisk.class);
    private static final int BLOCK = Layer.BLOCK, MODE = 0600;
    /** Of the extents of a disk in pieces, as VMware has it: 2047 MiB. */
    static final long PIECE_BLOCKS = 4192256;

    private final VolumePath disk;
    private final DiskFormat format;
    private final Executor workers;
    private final List<VolumePath> made = new ArrayList<>();
    private final List<ExtentLine> lines = new ArrayList<>();
    private final List<Layer> extents = new ArrayList<>();
    private final Map<String, String> values = new LinkedHashMap<>();
    /** The file of an extent that has the descriptor. */
    private VmFile embedding;
    private boolean finished;

    NewDisk(VolumePath disk, DiskFormat format, Executor workers) {
        this.disk = disk;
        this.format = format;
        this.workers = workers;
        values.put("CID", Descriptor.hex(Descriptor.NEW));
        values.put("parentCID", Descriptor.hex(Descriptor.NO_PARENT));
        values.put("createType", format.createType());
    }

    /** Makes it a child: with the parent's content, of which it has nothing of its own yet. */
    void parent(DiskText parent, String hint) {
        values.put("CID", Descriptor.hex(parent.descriptor().cid()));
        values.put("parentCID", Descriptor.hex(parent.descriptor().cid()));
        values.put("parentFileNameHint", hint);
    }

    /** The content is a new one, and not nothing. */
    void newContent() { values.put("CID", Descriptor.hex(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE - 1))); }

    /**
     * Makes the extents.
     *
     * @param filled whether all blocks will be written in order, so that a flat file grows by that; else it has its length at once
     */
    void extents(long blocks, boolean filled, Progress progress) throws IOException {
        long piece = switch (format) {
            case TWO_GB_FLAT, TWO_GB_SPARSE -> PIECE_BLOCKS;
            default -> blocks;
        };
        for (long at = 0; at < blocks; at += piece) extent(Math.min(piece, blocks - at), lines.size() + 1, filled, step(progress, at, blocks));
    }

    /** Progress of a part, in bytes of the whole. */
    private static Progress step(Progress progress, long at, long blocks) { return (done, total) -> progress.at(at * BLOCK + done, blocks * BLOCK); }

    /** @param number from 1 on */
    void extent(long blocks, int number, boolean filled, Progress progress) throws IOException {
        switch (format) {
            case VMFS, VMFS_THIN -> flat("VMFS", Places.base(disk) + "-flat.vmdk", blocks, -1, filled, progress);
            case MONOLITHIC_FLAT -> flat("FLAT", Places.base(disk) + "-flat.vmdk", blocks, 0, filled, progress);
            case TWO_GB_FLAT -> flat("FLAT", String.format("%s-f%03d.vmdk", Places.base(disk), number), blocks, 0, filled, progress);
            case RAW -> flat("FLAT", Places.name(disk), blocks, -1, filled, progress);
            case MONOLITHIC_SPARSE -> hosted(Places.base(disk) + ".vmdk", blocks, true);
            case TWO_GB_SPARSE -> hosted(String.format("%s-s%03d.vmdk", Places.base(disk), number), blocks, false);
            case VMFS_SPARSE -> cowd(Places.redo(disk) ? Places.name(disk) : Places.base(disk) + "-delta.vmdk", blocks);
            case STREAM_OPTIMIZED, SE_SPARSE -> throw Places.refused(disk, format + " cannot be written block by block");
        }
    }

    private VmFile file(String name) throws IOException {
        VolumePath place = disk.sibling(name);
        VmFile file = place.volume().create(place.path(), MODE);
        made.add(place);
        return file;
    }

    private void flat(String type, String name, long blocks, long offset, boolean filled, Progress progress) throws IOException {
        VmFile file = file(name);
        extents.add(new Flat(file, 0, blocks));
        lines.add(new ExtentLine("RW", blocks, type, name, offset));
        if (filled) return;
        if (format == DiskFormat.VMFS_THIN || format == DiskFormat.RAW) file.truncate(blocks * BLOCK); else file.allocate(0, blocks * BLOCK, progress);
    }

    private void hosted(String name, long blocks, boolean descriptor) throws IOException {
        VmFile file = file(name);
        try {
            if (descriptor) embedding = file;
            requireTables(blocks);
            Shape shape = new Shape(blocks, HostedHeader.GRAIN_BLOCKS, HostedHeader.TABLE_ENTRIES, Shape.Coding.PLAIN, 0, 0, 0, false, 0);
            long copy = 1 + (descriptor ? HostedHeader.DESCRIPTOR_BLOCKS : 0), each = shape.directoryBlocks() + (long) shape.tableCount() * shape.tableBlocks();
            long directory = copy + each, end = directory + each, overhead = (end + shape.grainBlocks() - 1) / shape.grainBlocks() * shape.grainBlocks();
            file.truncate(overhead * BLOCK);
            directory(file, shape, copy);
            directory(file, shape, directory);
            file.write(0, HostedHeader.image(1, HostedHeader.REDUNDANT, blocks, descriptor, copy, directory, overhead));
            file.flush();
            extents.add(new Sparse(file, new GrainMap(file, HostedHeader.read(file), true), new Zeros(Long.MAX_VALUE), 0, workers));
            lines.add(new ExtentLine("RW", blocks, "SPARSE", name, -1));
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private void requireTables(long blocks) throws IOException {
        long most = (long) Shape.MAX_TABLES * HostedHeader.TABLE_ENTRIES * HostedHeader.GRAIN_BLOCKS;
        if (blocks > most) throw Places.refused(disk, "a sparse extent can have " + (most >> 31) + " TB at most");
    }

    /** Says that the tables follow it, one after another. */
    private static void directory(VmFile file, Shape shape, long place) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(shape.directoryBlocks() * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        long first = place + shape.directoryBlocks();
        for (int i = 0; i < shape.tableCount(); i++) bytes.putInt((int) (first + (long) i * shape.tableBlocks()));
        file.write(place * BLOCK, bytes.rewind());
    }

    private void cowd(String name, long blocks) throws IOException {
        if (blocks > CowdHeader.MAX_BLOCKS) throw Places.refused(disk, "a redo log can have 2 TB at most");
        VmFile file = file(name);
        try {
            ByteBuffer header = CowdHeader.image(blocks, values.getOrDefault("parentFileNameHint", ""));
            file.truncate(header.capacity() + (long) Shape.blocksOf((long) CowdHeader.tables(blocks) * Integer.BYTES) * BLOCK);
            file.write(0, header);
            file.flush();
            extents.add(new Sparse(file, new GrainMap(file, CowdHeader.read(file), true), new Zeros(Long.MAX_VALUE), 0, workers));
            lines.add(new ExtentLine("RW", blocks, "VMFSSPARSE", name, -1));
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** The file of a disk that somebody else fills; it is removed with the others. */
    VmFile stream(long blocks) throws IOException {
        requireTables(blocks);
        lines.add(new ExtentLine("RW", blocks, "SPARSE", Places.base(disk) + ".vmdk", -1));
        return embedding = file(Places.name(disk));
    }

    List<ExtentLine> lines() { return lines; }

    /** Writes blocks; only to extents that were made here. */
    void write(long block, ByteBuffer from) throws IOException {
        long start = 0;
        for (int i = 0; i < extents.size() && from.hasRemaining(); start += lines.get(i++).blocks()) {
            long first = block - start, left = lines.get(i).blocks() - first;
            if (left <= 0) continue;
            int bytes = (int) Math.min(from.remaining(), left * BLOCK);
            extents.get(i).write(first, from.slice(from.position(), bytes));
            from.position(from.position() + bytes);
            block += bytes / BLOCK;
        }
    }

    /** @param database what a disk before it had, without {@code ddb.} */
    Descriptor descriptor(Map<String, String> database) throws IOException {
        Map<String, String> entries = new LinkedHashMap<>(Geometry.database(lines.stream().mapToLong(ExtentLine::blocks).sum()));
        if (format == DiskFormat.VMFS_THIN) entries.put("thinProvisioned", "1");
        entries.putAll(database);
        return Descriptor.of(disk.toString(), values, lines, entries);
    }

    /** Everything is there: makes it stable, and then the descriptor. */
    void finish(Descriptor descriptor) throws IOException {
        for (Layer extent : extents) {
            if (embedding == null) extent.close(); else flush(extent);
        }
        if (embedding != null) {
            embedding.write(BLOCK, descriptor.padded(HostedHeader.DESCRIPTOR_BLOCKS * BLOCK, BLOCK));
            for (Layer extent : extents) extent.close();
            embedding.close();
        } else if (format != DiskFormat.RAW && !Places.redo(disk)) {
            try (VmFile file = file(Places.name(disk))) {
                file.write(0, ByteBuffer.wrap(descriptor.bytes()));
            }
        }
        finished = true;
    }

    private void flush(Layer extent) throws IOException {
        Parts.require(Parts.await(done -> extent.submit(BlockOperation.FLUSH, 0, null, done)), disk.toString(), "its end");
    }

    /** The extents are part of a disk that has a descriptor. */
    void finishExtents() throws IOException {
        for (Layer extent : extents) extent.close();
        finished = true;
    }

    @Override
    public void close() {
        if (finished) return;
        for (Layer extent : extents) quietly(extent::close);
        if (embedding != null) quietly(embedding::close);
        for (VolumePath place : made) quietly(() -> place.volume().delete(place.path()));
    }

    private interface Step {
        void run() throws IOException;
    }

    private void quietly(Step step) {
        try {
            step.run();
        } catch (IOException e) {
            LOG.warn("{}: what was made of it cannot be removed: {}", disk, e.getMessage());
        }
    }
}
