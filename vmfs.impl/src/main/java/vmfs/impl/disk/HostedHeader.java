package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import vmkernel.api.files.VmFile;

/** The header of a hosted sparse extent, "KDMV" [VMDK] section "Hosted Sparse Extents": monolithicSparse, twoGbMaxExtentSparse, streamOptimized. */
record HostedHeader(Shape shape, int flags, long descriptor, int descriptorBlocks, boolean unclean, byte[] bytes) implements SparseHeader {
    static final int MAGIC = 0x564D444B, TABLE_ENTRIES = 512, GRAIN_BLOCKS = 128, DESCRIPTOR_BLOCKS = 20;
    static final int NEWLINE_TEST = 1, REDUNDANT = 2, ZERO_GRAINS = 4, COMPRESSED = 1 << 16, MARKERS = 1 << 17;
    /** Instead of the directory's place: it is told by a footer, the last block but one. */
    static final long AT_END = -1;
    /** What a text mode transfer would change. */
    private static final int NEWLINES = 0x0A0D200A;
    private static final int FLAGS = 8, CAPACITY = 12, GRAIN = 20, DESCRIPTOR = 28, DESCRIPTOR_SIZE = 36, ENTRIES = 44,
        REDUNDANT_DIRECTORY = 48, DIRECTORY = 56, OVERHEAD = 64, UNCLEAN = 72,
        NEWLINE = 73, ALGORITHM = 77;

    /** @throws Damage if the file does not begin as this format does */
    static HostedHeader read(VmFile file) throws IOException {
        HostedHeader header = read(file, 0);
        if (header.shape.directory() != AT_END) return header;
        return read(file, file.length() / Layer.BLOCK * Layer.BLOCK - 2 * Layer.BLOCK);
    }

    private static HostedHeader read(VmFile file, long at) throws IOException {
        String name = file.path();
        ByteBuffer bytes = ByteBuffer.allocate(Layer.BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        Damage.require(at >= 0 && file.read(at, bytes) == Layer.BLOCK, name, at, "the file ends before the header of a sparse extent");
        Damage.require(bytes.getInt(0) == MAGIC, name, at, at == 0 ? "no header of a sparse extent" : "the footer is missing; the file may have been cut");
        Damage.require(bytes.getInt(4) >= 1 && bytes.getInt(4) <= 3, name, at + 4, "version " + bytes.getInt(4) + " of the sparse extent is not known");
        int flags = bytes.getInt(FLAGS);
        boolean binary = (flags & NEWLINE_TEST) == 0 || bytes.getInt(NEWLINE) == NEWLINES;
        Damage.require(binary, name, at + NEWLINE, "the file was changed by a transfer as text; transfer it again, as binary");
        long blocks = bytes.getLong(CAPACITY), grain = bytes.getLong(GRAIN);
        Damage.require(blocks > 0 && blocks <= ExtentLine.MAX_BLOCKS, name, at + CAPACITY, "a capacity of " + blocks + " blocks is not possible");
        Damage.require(grain > 0 && grain <= Shape.MAX_GRAIN_BLOCKS && Long.bitCount(grain) == 1, name, at + GRAIN, "grains of " + grain + " blocks are not possible");
        int entries = bytes.getInt(ENTRIES);
        Damage.require(entries > 0 && entries <= Shape.MAX_TABLE_ENTRIES, name, at + ENTRIES, "grain tables of " + entries + " entries are not possible");
        Damage.require((blocks - 1) / grain / entries < Shape.MAX_TABLES, name, at + CAPACITY, "a capacity of " + blocks + " blocks needs too many grain tables");
        long descriptor = bytes.getLong(DESCRIPTOR), descriptorBlocks = descriptor == 0 ? 0 : bytes.getLong(DESCRIPTOR_SIZE);
        boolean possible = descriptor >= 0 && descriptor <= ExtentLine.MAX_BLOCKS && descriptorBlocks >= 0 && descriptorBlocks <= Descriptor.MAX_BYTES / Layer.BLOCK;
        Damage.require(possible, name, at + DESCRIPTOR, "the place of the descriptor is not possible");
        boolean compressed = (flags & COMPRESSED) != 0;
        int algorithm = bytes.getShort(ALGORITHM);
        Damage.require(!compressed || algorithm == 1, name, at + ALGORITHM, "compression " + algorithm + " is not known; deflate (1) is");
        Shape shape = new Shape(blocks, (int) grain, entries, (flags & ZERO_GRAINS) != 0 ? Shape.Coding.WITH_ZEROS : Shape.Coding.PLAIN, bytes.getLong(DIRECTORY),
            (flags & REDUNDANT) != 0 ? bytes.getLong(REDUNDANT_DIRECTORY) : 0, compressed ? 1 : Math.max(1, bytes.getLong(OVERHEAD)), compressed, 0);
        return new HostedHeader(shape, flags, descriptor, (int) descriptorBlocks, bytes.get(UNCLEAN) != 0, bytes.array());
    }

    /** The first block of a new file. */
    static ByteBuffer image(int version, int flags, long blocks, boolean descriptor, long redundant, long directory, long overhead) {
        ByteBuffer bytes = ByteBuffer.allocate(Layer.BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0, MAGIC).putInt(4, version).putInt(FLAGS, flags | NEWLINE_TEST).putLong(CAPACITY, blocks).putLong(GRAIN, GRAIN_BLOCKS);
        bytes.putLong(DESCRIPTOR, descriptor ? 1 : 0).putLong(DESCRIPTOR_SIZE, descriptor ? DESCRIPTOR_BLOCKS : 0).putInt(ENTRIES, TABLE_ENTRIES);
        bytes.putLong(REDUNDANT_DIRECTORY, redundant).putLong(DIRECTORY, directory).putLong(OVERHEAD, overhead).putInt(NEWLINE, NEWLINES);
        return bytes.putShort(ALGORITHM, (short) ((flags & COMPRESSED) != 0 ? 1 : 0));
    }

    @Override public boolean tellsFree() { return false; }

    @Override public ByteBuffer image(boolean unclean, long free) { return copy().put(UNCLEAN, (byte) (unclean ? 1 : 0)); }

    @Override public ByteBuffer image(long blocks, long directory, long redundant, long free) {
        return copy().put(UNCLEAN, (byte) 0).putLong(CAPACITY, blocks).putLong(DIRECTORY, directory).putLong(REDUNDANT_DIRECTORY, redundant);
    }

    private ByteBuffer copy() { return ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN); }
}
