package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import vmkernel.api.files.VmFile;

/** The header of a redo log of ESX, "COWD" [VMDK] section "ESX Server Sparse Extents": four blocks, then the directory. */
record CowdHeader(Shape shape, boolean unclean, byte[] bytes) implements SparseHeader {
    static final int MAGIC = 0x44574F43, BLOCKS = 4, TABLE_ENTRIES = 4096, GRAIN_BLOCKS = 1;
    /** The most that 32 bits can count. */
    static final long MAX_BLOCKS = 0xFFFFFFFFL;
    private static final int SIZE = BLOCKS * Layer.BLOCK, FLAGS = 8, CAPACITY = 12, GRAIN = 16, DIRECTORY = 20, DIRECTORY_ENTRIES = 24,
        FREE = 28, PARENT = 32, PARENT_BYTES = 1024, UNCLEAN = 1648;
    private static final int VERSION = 1, USUAL_FLAGS = 3;

    static CowdHeader read(VmFile file) throws IOException {
        String name = file.path();
        ByteBuffer bytes = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        Damage.require(file.read(0, bytes) == SIZE, name, 0, "the file ends before the header of a redo log");
        Damage.require(bytes.getInt(0) == MAGIC, name, 0, "no header of a redo log");
        Damage.require(bytes.getInt(4) == VERSION, name, 4, "version " + bytes.getInt(4) + " of the redo log is not known");
        long blocks = unsigned(bytes, CAPACITY), grain = unsigned(bytes, GRAIN), entries = unsigned(bytes, DIRECTORY_ENTRIES);
        Damage.require(blocks > 0, name, CAPACITY, "a capacity of 0 blocks is not possible");
        Damage.require(grain > 0 && grain <= Shape.MAX_GRAIN_BLOCKS, name, GRAIN, "grains of " + grain + " blocks are not possible");
        long directory = unsigned(bytes, DIRECTORY);
        long first = directory == BLOCKS ? BLOCKS + Shape.blocksOf(entries * Integer.BYTES) : BLOCKS; // one that was extended has its directory elsewhere
        Shape shape = new Shape(blocks, (int) grain, TABLE_ENTRIES, Shape.Coding.PLAIN, directory, 0, first, false, 0);
        Damage.require(entries >= shape.tableCount(), name, DIRECTORY_ENTRIES, "the directory has " + entries + " entries, and needs " + shape.tableCount());
        return new CowdHeader(shape, bytes.getInt(UNCLEAN) != 0, bytes.array());
    }

    private static long unsigned(ByteBuffer bytes, int at) { return Integer.toUnsignedLong(bytes.getInt(at)); }

    /** The first blocks of a new file; its empty directory follows. */
    static ByteBuffer image(long blocks, String parent) {
        ByteBuffer bytes = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        int tables = tables(blocks);
        bytes.putInt(0, MAGIC).putInt(4, VERSION).putInt(FLAGS, USUAL_FLAGS).putInt(CAPACITY, (int) blocks).putInt(GRAIN, GRAIN_BLOCKS);
        bytes.putInt(DIRECTORY, BLOCKS).putInt(DIRECTORY_ENTRIES, tables).putInt(FREE, BLOCKS + Shape.blocksOf((long) tables * Integer.BYTES));
        byte[] name = parent.getBytes(StandardCharsets.UTF_8);
        return bytes.put(PARENT, name, 0, Math.min(name.length, PARENT_BYTES - 1));
    }

    static int tables(long blocks) { return (int) ((blocks + (long) TABLE_ENTRIES * GRAIN_BLOCKS - 1) / (TABLE_ENTRIES * GRAIN_BLOCKS)); }

    /** As it was written there; of use only where no descriptor tells it. */
    String parent() {
        int end = PARENT;
        while (end < PARENT + PARENT_BYTES && bytes[end] != 0) end++;
        return new String(bytes, PARENT, end - PARENT, StandardCharsets.UTF_8);
    }

    @Override public boolean tellsFree() { return true; }
    @Override public ByteBuffer image(boolean unclean, long free) { return copy().putInt(FREE, (int) Math.min(free, MAX_BLOCKS)).putInt(UNCLEAN, unclean ? 1 : 0); }

    @Override public ByteBuffer image(long blocks, long directory, long redundant, long free) {
        ByteBuffer longer = copy().putInt(UNCLEAN, 0).putInt(CAPACITY, (int) blocks).putInt(FREE, (int) free);
        return longer.putInt(DIRECTORY, (int) directory).putInt(DIRECTORY_ENTRIES, tables(blocks));
    }

    private ByteBuffer copy() { return ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN); }
}
