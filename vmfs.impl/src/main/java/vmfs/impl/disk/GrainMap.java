package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumeFullException;

/**
 * Where the grains of a sparse file are: its directory in memory, of its tables those that were used lately. What is changed stays in memory until
 * {@link #persist}, which first has the data made stable, then writes tables, and then the directory entries of new tables: whenever power fails,
 * a table on disk only leads to grains that are there, and nothing is lost that was there at the last persist.
 */
final class GrainMap {
    /** What may be said instead of a grain's place: that there is none, that it is zeros, that its table is not in memory, that the entry means nothing. */
    static final long HOLE = 0, ZERO = -1, ABSENT = -2, BAD = -3;
    private static final int CACHE_BYTES = 4 << 20, LEAST_TABLES = 16, BLOCK = Layer.BLOCK;
    /** The file is made longer by that much at a time. */
    private static final long GROWTH_BLOCKS = 32768;
    /** What 32 bits can count. */
    private static final long MAX_FILE_BLOCKS = 0xFFFFFFFFL;

    private final VmFile file;
    private final SparseHeader header;
    private final Shape shape;
    /** Places of the tables, and of their copies (null if there are none); 0 where there is no table. */
    private final long[] directory, redundant;
    private final int cacheTables;
    /** By number, least recently used first. Guarded by this, as is all that is in them. */
    private final Map<Integer, Table> tables = new LinkedHashMap<>(16, 0.75f, true);
    /** Numbers of tables whose directory entries are not on disk. Guarded by this. */
    private final BitSet newTables = new BitSet();
    /** Tables that cannot be forgotten, for they are dirty or being written. Guarded by this. */
    private int held;
    /** Only one loads tables, so that none is put into memory that was changed meanwhile. */
    private final Object loading = new Object(), persisting = new Object(), growth = new Object();
    /** In blocks: what the file has, and what is in use of it. Written under growth. */
    private volatile long length;
    private long end;
    private boolean marked;

    private final class Table {
        final int number;
        final ByteBuffer bytes;
        /** Blocks that differ from those on disk. */
        final BitSet dirty = new BitSet();
        boolean writing;

        Table(int number, ByteBuffer bytes) {
            this.number = number;
            this.bytes = bytes;
        }

        boolean held() { return writing || !dirty.isEmpty(); }
    }

    /** A block of a table or a directory, for one or two places. */
    private record Patch(long place, long copy, ByteBuffer bytes) {}

    /** @param writing whether it will be; a file that was not closed is put in order */
    GrainMap(VmFile file, SparseHeader header, boolean writing) throws IOException {
        this.file = file;
        this.header = header;
        shape = header.shape();
        length = (file.length() + BLOCK - 1) / BLOCK;
        cacheTables = Math.max(LEAST_TABLES, CACHE_BYTES / (shape.tableBlocks() * BLOCK));
        directory = directory(shape.directory());
        redundant = writing && shape.redundant() != 0 ? directory(shape.redundant()) : null;
        if (!writing) return;
        end = whole(length); // what a header says is not kept by all writers, and no grain is behind the end
        if (header.unclean()) recover();
    }

    /** The directory that is at a place, or its copy. */
    long[] directory(long place) throws IOException {
        Damage.require(place > 0 && place <= length - shape.directoryBlocks(), file.path(), 0, "the grain directory would be at block " + place + ", out of the file");
        long[] places = new long[shape.tableCount()];
        ByteBuffer bytes = bytes(place, (long) places.length * shape.entryBytes());
        for (int i = 0; i < places.length; i++) {
            places[i] = shape.tablePlace(shape.raw(bytes, i));
            Damage.require(places[i] >= 0 && places[i] <= length - (places[i] == 0 ? 0 : shape.tableBlocks()), file.path(), place * BLOCK + (long) i * shape.entryBytes(),
                "grain table " + i + " would be out of the file");
        }
        return places;
    }

    /** What is on disk. */
    ByteBuffer bytes(long place, long bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
        int got = file.read(place * BLOCK, buffer);
        Damage.require(got == bytes, file.path(), place * BLOCK + got, "the file ends within a grain table");
        return buffer.rewind();
    }

    /** Grains lie at multiples of their length, as others have it. */
    private long whole(long blocks) { return (blocks + shape.grainBlocks() - 1) / shape.grainBlocks() * shape.grainBlocks(); }

    VmFile file() { return file; }
    SparseHeader header() { return header; }
    Shape shape() { return shape; }
    /** In blocks. */
    long length() { return length; }

    /** Where a grain is, or one of the constants, without waiting. */
    synchronized long find(long grain) {
        int number = (int) (grain / shape.tableEntries());
        if (directory[number] == 0) return HOLE;
        Table table = tables.get(number);
        return table == null ? ABSENT : place(table, grain);
    }

    private long place(Table table, long grain) {
        long place = shape.grainPlace(shape.raw(table.bytes, (int) (grain % shape.tableEntries())));
        if (place <= 0) return place;
        return place + (shape.compressed() ? 1 : shape.used(grain)) <= length ? place : BAD;
    }

    /** Where a grain is, or {@link #HOLE} or {@link #ZERO}. */
    long get(long grain) throws IOException {
        for (;;) {
            long place = find(grain);
            if (place == BAD && !longer()) throw wrong(grain);
            if (place >= ZERO) return place;
            if (place == ABSENT) load((int) (grain / shape.tableEntries()));
        }
    }

    /** Whether another one who writes made the file longer; this one reads. */
    private boolean longer() throws IOException {
        long now = (file.length() + BLOCK - 1) / BLOCK;
        if (now <= length) return false;
        length = now;
        return true;
    }

    private Damage wrong(long grain) {
        long at = directory[(int) (grain / shape.tableEntries())] * BLOCK + grain % shape.tableEntries() * shape.entryBytes();
        return new Damage(file.path(), at, "grain " + grain + " would be out of the file");
    }

    /** Grains from one on that have no table, so that nobody need look at each. */
    synchronized long withoutTable(long grain) {
        int number = (int) (grain / shape.tableEntries()), next = number;
        while (next < directory.length && directory[next] == 0) next++;
        return next == number ? 0 : Math.min(shape.grains(), (long) next * shape.tableEntries()) - grain;
    }

    private void load(int number) throws IOException {
        synchronized (loading) {
            long place;
            synchronized (this) {
                if (tables.containsKey(number)) return;
                place = directory[number];
            }
            Table table = new Table(number, bytes(place, (long) shape.tableEntries() * shape.entryBytes()));
            synchronized (this) {
                add(table);
            }
        }
    }

    private void add(Table table) {
        tables.put(table.number, table);
        Iterator<Table> oldest = tables.values().iterator();
        while (tables.size() > cacheTables && oldest.hasNext()) {
            Table old = oldest.next();
            if (!old.held() && old != table) oldest.remove();
        }
    }

    /** A grain whose data are in the file, but perhaps not stable, gets its place. */
    void set(long grain, long place) throws IOException {
        int number = (int) (grain / shape.tableEntries());
        for (;;) {
            synchronized (this) {
                Table table = tables.get(number);
                if (table != null) {
                    change(table, (int) (grain % shape.tableEntries()) * Integer.BYTES, (int) place);
                    return;
                }
            }
            if (find(grain) == ABSENT) load(number); else make(number);
        }
    }

    private void change(Table table, int at, int value) {
        if (!table.held()) held++;
        table.bytes.putInt(at, value);
        table.dirty.set(at / BLOCK);
    }

    private void make(int number) throws IOException {
        synchronized (loading) {
            synchronized (this) {
                if (directory[number] != 0) return;
            }
            int blocks = shape.tableBlocks();
            long place = allocate(whole((long) blocks * (redundant == null ? 1 : 2)));
            synchronized (this) {
                directory[number] = place;
                if (redundant != null) redundant[number] = place + blocks;
                Table table = new Table(number, ByteBuffer.allocate(shape.tableEntries() * shape.entryBytes()).order(ByteOrder.LITTLE_ENDIAN));
                table.dirty.set(0, blocks);
                held++;
                newTables.set(number);
                add(table);
            }
        }
    }

    /** @return where there is room for so many blocks @throws VolumeFullException if there is none */
    long allocate(long blocks) throws IOException {
        synchronized (growth) {
            long place = end;
            if (place + blocks > MAX_FILE_BLOCKS) throw new VolumeFullException(file.path(), "the file cannot be longer than 2 TB; copy the disk to a flat one");
            if (!marked) mark();
            if (place + blocks > length) grow(place + blocks);
            end = place + blocks;
            return place;
        }
    }

    /** From now on the file is not as a reader expects it. Stable before any table is, by the flush in {@link #persist}. */
    private void mark() throws IOException {
        file.write(0, header.image(true, Math.max(length, end)));
        marked = true;
    }

    private void grow(long least) throws IOException {
        long longer = least + GROWTH_BLOCKS > MAX_FILE_BLOCKS ? least : least + GROWTH_BLOCKS;
        try {
            file.truncate(longer * BLOCK);
        } catch (VolumeFullException e) {
            longer = least;
            file.truncate(longer * BLOCK);
        }
        // nobody who believes the header allocates what is in use already
        if (header.tellsFree()) file.write(0, header.image(true, longer));
        length = longer;
    }

    /** Room that was not used after all. */
    void giveBack(long place, long blocks) {
        synchronized (growth) {
            if (end == place + blocks) end = place;
        }
    }

    /** Whether making the file's own data stable is enough. */
    synchronized boolean settled() { return held == 0; }

    /** So much is waiting to be written that somebody should. */
    synchronized boolean crowded() { return held > cacheTables / 2; }

    /** Everything that was set before is on stable storage. */
    void persist() throws IOException {
        synchronized (persisting) {
            List<Table> writing = new ArrayList<>();
            List<Patch> patches = new ArrayList<>(), entries = new ArrayList<>();
            BitSet made = collect(writing, patches, entries);
            boolean good = false;
            try {
                file.flush();
                write(patches);
                write(entries);
                good = true;
            } finally {
                written(writing, patches, made, good);
            }
        }
    }

    /** What is to be written, as it is now: what is set from now on may lead to data that are not stable when these are. */
    private synchronized BitSet collect(List<Table> writing, List<Patch> patches, List<Patch> entries) {
        for (Table table : tables.values()) {
            if (table.dirty.isEmpty()) continue;
            for (int block = table.dirty.nextSetBit(0); block >= 0; block = table.dirty.nextSetBit(block + 1)) {
                byte[] bytes = new byte[BLOCK];
                table.bytes.get(block * BLOCK, bytes, 0, Math.min(BLOCK, table.bytes.capacity() - block * BLOCK));
                patches.add(new Patch(directory[table.number] + block, redundant == null ? 0 : redundant[table.number] + block, ByteBuffer.wrap(bytes)));
            }
            table.dirty.clear();
            table.writing = true;
            writing.add(table);
        }
        BitSet made = (BitSet) newTables.clone();
        int perBlock = BLOCK / Integer.BYTES;
        for (int number = made.nextSetBit(0); number >= 0; number = made.nextSetBit((number / perBlock + 1) * perBlock)) {
            int block = number / perBlock;
            entries.add(new Patch(shape.directory() + block, 0, directoryBlock(directory, block)));
            if (redundant != null) entries.add(new Patch(shape.redundant() + block, 0, directoryBlock(redundant, block)));
        }
        newTables.clear();
        return made;
    }

    private static ByteBuffer directoryBlock(long[] places, int block) {
        ByteBuffer bytes = ByteBuffer.allocate(BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        int first = block * (BLOCK / Integer.BYTES);
        for (int i = first; i < places.length && bytes.hasRemaining(); i++) bytes.putInt((int) places[i]);
        return bytes.rewind();
    }

    private void write(List<Patch> patches) throws IOException {
        if (patches.isEmpty()) return;
        for (Patch patch : patches) {
            if (patch.copy != 0) file.write(patch.copy * BLOCK, patch.bytes.duplicate());
            file.write(patch.place * BLOCK, patch.bytes.duplicate());
        }
        file.flush();
    }

    private synchronized void written(List<Table> writing, List<Patch> patches, BitSet made, boolean good) {
        if (!good) newTables.or(made);
        for (Table table : writing) {
            table.writing = false;
            if (!good) table.dirty.set(0, shape.tableBlocks());
            if (!table.held()) held--;
        }
    }

    /** Everything is stable, and the file is as long as it needs to be, and says so. */
    void close() throws IOException {
        persist();
        synchronized (growth) {
            if (!marked) return;
            if (end < length) file.truncate(end * BLOCK);
            file.write(0, header.image(false, end));
            file.flush();
            length = end;
            marked = false;
        }
    }

    /** After a writer that did not close: copies of tables are as the tables, which readers have seen, and what no table leads to is free. */
    private void recover() throws IOException {
        long used = Math.max(shape.first(), shape.directory() + shape.directoryBlocks());
        if (redundant != null) used = Math.max(used, shape.redundant() + shape.directoryBlocks());
        for (int number = 0; number < directory.length; number++) {
            if (redundant != null && (directory[number] == 0 || redundant[number] == 0)) redundant[number] = directory[number];
            if (directory[number] != 0) used = Math.max(used, recover(number, redundant == null ? 0 : redundant[number]));
        }
        if (redundant != null) rewriteDirectories();
        end = whole(used);
        mark();
    }

    private long recover(int number, long copy) throws IOException {
        int bytes = shape.tableEntries() * shape.entryBytes();
        ByteBuffer table = bytes(directory[number], bytes);
        if (copy != 0 && table.mismatch(bytes(copy, bytes)) >= 0) write(List.of(new Patch(copy, 0, table)));
        long used = Math.max(directory[number], copy) + shape.tableBlocks();
        for (int i = 0; i < shape.tableEntries(); i++) {
            long grain = (long) number * shape.tableEntries() + i, place = shape.grainPlace(shape.raw(table, i));
            if (place > 0 && place + shape.used(grain) <= length && grain < shape.grains()) used = Math.max(used, place + shape.grainBlocks());
        }
        return used;
    }

    private void rewriteDirectories() throws IOException {
        List<Patch> patches = new ArrayList<>();
        for (int block = 0; block < shape.directoryBlocks(); block++) {
            patches.add(new Patch(shape.directory() + block, 0, directoryBlock(directory, block)));
            patches.add(new Patch(shape.redundant() + block, 0, directoryBlock(redundant, block)));
        }
        write(patches);
    }

    /** Forgets all grains; the file is as when it was made. Nobody uses it meanwhile. */
    void clear() throws IOException {
        persist();
        ByteBuffer empty = ByteBuffer.allocate(shape.tableBlocks() * BLOCK);
        long used = Math.max(shape.first(), shape.directory() + shape.directoryBlocks());
        synchronized (growth) {
            if (!marked) mark();
        }
        for (int number = 0; number < directory.length; number++) {
            if (directory[number] == 0) continue;
            file.write(directory[number] * BLOCK, empty.duplicate());
            if (redundant != null) file.write(redundant[number] * BLOCK, empty.duplicate());
            used = Math.max(used, Math.max(directory[number], redundant == null ? 0 : redundant[number]) + shape.tableBlocks());
        }
        file.flush();
        synchronized (this) {
            tables.clear();
        }
        synchronized (growth) {
            end = whole(used);
        }
    }

    /** Has room for a longer disk. Nobody uses it meanwhile, and it is not used afterwards. */
    void extend(long blocks) throws IOException {
        persist();
        Shape longer = new Shape(blocks, shape.grainBlocks(), shape.tableEntries(), shape.coding(), 0, 0, shape.first(), false, 0);
        boolean possible = (blocks - 1) / shape.grainBlocks() / shape.tableEntries() < Shape.MAX_TABLES;
        Damage.require(possible, file.path(), 0, "there would be too many grain tables for " + blocks + " blocks");
        int copies = shape.redundant() == 0 ? 1 : 2, old = directory.length, tables = header.tellsFree() ? 0 : longer.tableCount() - old;
        long place = shape.directory(), copy = shape.redundant();
        if (longer.tableCount() > old) {
            long each = longer.directoryBlocks() + (long) tables * shape.tableBlocks();
            place = allocate(whole(each * copies));
            copy = copies == 1 ? 0 : place + each;
            writeDirectory(longer, place, directory, tables);
            if (copies > 1) writeDirectory(longer, copy, redundant, tables);
        }
        synchronized (growth) {
            if (end < length) file.truncate(end * BLOCK);
            file.flush();
            file.write(0, header.image(blocks, place, copy, end));
            file.flush();
            marked = false;
        }
    }

    /** A longer directory, and empty tables behind it. */
    private void writeDirectory(Shape longer, long place, long[] old, int tables) throws IOException {
        long first = place + longer.directoryBlocks();
        long[] places = Arrays.copyOf(old, longer.tableCount());
        for (int i = 0; i < tables; i++) places[old.length + i] = first + (long) i * shape.tableBlocks();
        for (int block = 0; block < longer.directoryBlocks(); block++) file.write((place + block) * BLOCK, directoryBlock(places, block));
        ByteBuffer empty = ByteBuffer.allocate(shape.tableBlocks() * BLOCK);
        for (int i = 0; i < tables; i++) file.write(places[old.length + i] * BLOCK, empty.duplicate());
    }
}
