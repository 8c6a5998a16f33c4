package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import vmkernel.api.files.VmFile;

/** The two headers of a space-efficient redo log [VMDK] seSparse, which is only read: what never changes, and what does. */
record SeSparseHeader(Shape shape) implements SparseHeader {
    static final long MAGIC = 0xCAFEBABEL, VOLATILE_MAGIC = 0xCAFECAFEL, VERSION = 0x200000001L;
    static final int GRAIN_BLOCKS = 8, TABLE_BLOCKS = 64;
    private static final int CAPACITY = 16, GRAIN = 24, TABLE = 32, VOLATILE = 80, DIRECTORY = 128, DIRECTORY_BLOCKS = 136,
        TABLES = 144, TABLES_BLOCKS = 152, GRAINS = 192, REPLAY = 24;

    static SeSparseHeader read(VmFile file) throws IOException {
        String name = file.path();
        ByteBuffer bytes = block(file, 0);
        Damage.require(bytes.getLong(0) == MAGIC, name, 0, "no header of a space-efficient redo log");
        Damage.require(bytes.getLong(8) == VERSION, name, 8, "version " + Long.toHexString(bytes.getLong(8)) + " of the space-efficient redo log is not known");
        long blocks = bytes.getLong(CAPACITY);
        Damage.require(blocks > 0 && blocks <= ExtentLine.MAX_BLOCKS, name, CAPACITY, "a capacity of " + blocks + " blocks is not possible");
        Damage.require(bytes.getLong(GRAIN) == GRAIN_BLOCKS && bytes.getLong(TABLE) == TABLE_BLOCKS, name, GRAIN, "grains of 8 and tables of 64 blocks are expected");
        long place = bytes.getLong(VOLATILE);
        Damage.require(place > 0 && place < ExtentLine.MAX_BLOCKS, name, VOLATILE, "the place of the second header is not possible");
        ByteBuffer second = block(file, place * Layer.BLOCK);
        Damage.require(second.getLong(0) == VOLATILE_MAGIC, name, place * Layer.BLOCK, "the second header is missing");
        Damage.require(second.get(REPLAY) == 0, name, place * Layer.BLOCK + REPLAY, "its journal must be replayed, which only ESX can do; open and close the disk there");
        int entries = TABLE_BLOCKS * Layer.BLOCK / Long.BYTES;
        Damage.require(blocks / GRAIN_BLOCKS / entries < Shape.MAX_TABLES, name, CAPACITY, "a capacity of " + blocks + " blocks needs too many grain tables");
        long tables = positive(bytes, name, TABLES), grains = positive(bytes, name, GRAINS);
        Shape shape = new Shape(blocks, GRAIN_BLOCKS, entries, Shape.Coding.SE, positive(bytes, name, DIRECTORY), 0, grains, false, tables);
        Damage.require(bytes.getLong(DIRECTORY_BLOCKS) >= shape.directoryBlocks(), name, DIRECTORY_BLOCKS, "the directory is too short for " + blocks + " blocks");
        Damage.require(bytes.getLong(TABLES_BLOCKS) >= 0, name, TABLES_BLOCKS, "the length of the grain tables is not possible");
        return new SeSparseHeader(shape);
    }

    private static ByteBuffer block(VmFile file, long at) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Layer.BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        Damage.require(file.read(at, bytes) == Layer.BLOCK, file.path(), at, "the file ends before a header of the space-efficient redo log");
        return bytes;
    }

    private static long positive(ByteBuffer bytes, String name, int at) throws Damage {
        long place = bytes.getLong(at);
        Damage.require(place > 0 && place < ExtentLine.MAX_BLOCKS, name, at, "a place of " + place + " blocks is not possible");
        return place;
    }

    @Override public boolean unclean() { return false; }
    @Override public boolean tellsFree() { return false; }
    @Override public ByteBuffer image(boolean unclean, long free) { throw new IllegalStateException("only read"); }
    @Override public ByteBuffer image(long blocks, long directory, long redundant, long free) { throw new IllegalStateException("only read"); }
}
