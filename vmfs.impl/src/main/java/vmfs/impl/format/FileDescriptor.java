package vmfs.impl.format;

import java.nio.ByteBuffer;

/** What is known of a file: a {@link LockSector}, a meta sector, and where its blocks are or its content. [VMFS] sections 7 and 10 */
public final class FileDescriptor {
    /** Types. */
    public static final int DIRECTORY = 2, FILE = 3, SYMLINK = 4, SYSTEM = 5, RDM = 6;
    /** How its blocks are found (ZLA): file blocks; sub-blocks; pointer blocks to file blocks; PB2 to file blocks (VMFS-6); PB2 to pointer blocks; content in the descriptor. */
    public static final int FILE_BLOCKS = 1, SUB_BLOCKS = 2, POINTER_BLOCKS = 3, POINTER_BLOCKS_2 = 5, DOUBLE_POINTER_BLOCKS = 4304, CONTENT = 4305;

    private final Generation generation;
    private final ByteBuffer bytes;
    private final int meta;

    public FileDescriptor(Generation generation, ByteBuffer buffer) {
        this.generation = generation;
        bytes = Fields.of(buffer, generation.descriptorBytes());
        meta = generation.sectorBytes();
    }

    public ByteBuffer bytes() { return bytes; }

    public LockSector lock() { return new LockSector(bytes); }

    /** Its own, as {@link Address#descriptor}. */
    public int address() { return bytes.getInt(meta); }
    public void address(int value) { bytes.putInt(meta, value); }

    /** Directory entries of an older file in the same place have another. */
    public int generation() { return bytes.getInt(meta + 4); }
    public void generation(int value) { bytes.putInt(meta + 4, value); }

    public int links() { return bytes.getInt(meta + 8); }
    public void links(int value) { bytes.putInt(meta + 8, value); }

    public int type() { return bytes.getInt(meta + 0xc); }
    public void type(int value) { bytes.putInt(meta + 0xc, value); }

    public int flags() { return bytes.getInt(meta + 0x10); }
    public void flags(int value) { bytes.putInt(meta + 0x10, value); }

    public long length() { return bytes.getLong(meta + 0x14); }
    public void length(long value) { bytes.putLong(meta + 0x14, value); }

    /** Of its blocks, of whichever kind. */
    public long blockBytes() { return bytes.getLong(meta + 0x1c); }
    public void blockBytes(long value) { bytes.putLong(meta + 0x1c, value); }

    /** How many blocks of data it has, pointer blocks not counted. */
    public long blocks() { return bytes.getLong(meta + 0x24); }
    public void blocks(long value) { bytes.putLong(meta + 0x24, value); }

    /** Seconds since 1970, unsigned. */
    public long modified() { return bytes.getInt(meta + 0x2c) & 0xFFFFFFFFL; }
    public void modified(long value) { bytes.putInt(meta + 0x2c, (int) value); }

    public long changed() { return bytes.getInt(meta + 0x30) & 0xFFFFFFFFL; }
    public void changed(long value) { bytes.putInt(meta + 0x30, (int) value); }

    public long accessed() { return bytes.getInt(meta + 0x34) & 0xFFFFFFFFL; }
    public void accessed(long value) { bytes.putInt(meta + 0x34, (int) value); }

    public int uid() { return bytes.getInt(meta + 0x38); }
    public void uid(int value) { bytes.putInt(meta + 0x38, value); }

    public int gid() { return bytes.getInt(meta + 0x3c); }
    public void gid(int value) { bytes.putInt(meta + 0x3c, value); }

    /** With or without the bits of the file's type. */
    public int mode() { return bytes.getInt(meta + 0x40); }
    public void mode(int value) { bytes.putInt(meta + 0x40, value); }

    /** How its blocks are found, such as {@link #POINTER_BLOCKS}. */
    public int form() { return bytes.getInt(meta + 0x44); }
    public void form(int value) { bytes.putInt(meta + 0x44, value); }

    public int toBeZeroedBlocks() { return bytes.getInt(meta + 0x48); }
    public void toBeZeroedBlocks(int value) { bytes.putInt(meta + 0x48, value); }

    public int copyOnWriteBlocks() { return bytes.getInt(meta + 0x4c); }
    public void copyOnWriteBlocks(int value) { bytes.putInt(meta + 0x4c, value); }

    /** VMFS-5: as {@link #blocks}. */
    public int newBlocks() { return bytes.getInt(meta + 0x50); }
    public void newBlocks(int value) { bytes.putInt(meta + 0x50, value); }

    /** VMFS-5. */
    public int pointerBlocks() { return bytes.getInt(meta + 0x5c); }
    public void pointerBlocks(int value) { bytes.putInt(meta + 0x5c, value); }

    /** VMFS-5: as {@link #address}. */
    public int affinity() { return bytes.getInt(meta + 0x68); }
    public void affinity(int value) { bytes.putInt(meta + 0x68, value); }

    /** VMFS-5: 20, or 13 in sub-blocks. */
    public int zeroingShift() { return bytes.getInt(meta + 0x6c); }
    public void zeroingShift(int value) { bytes.putInt(meta + 0x6c, value); }

    /** Of the directory; VMFS-6. */
    public int parent() { return bytes.getInt(meta + 0x70); }

    /** VMFS-5: logarithm of {@link #blockBytes}; 0 on VMFS-3. */
    public int blockShift() { return bytes.get(meta + 0x89); }
    public void blockShift(int value) { bytes.put(meta + 0x89, (byte) value); }

    /** The address of a block. @param i below {@link Generation#descriptorAddresses} */
    public long block(int i) { return generation == Generation.VMFS6 ? bytes.getLong(generation.addressesOffset() + i * 8) : bytes.getInt(generation.addressesOffset() + i * 4) & 0xFFFFFFFFL; }
    public void block(int i, int address) { bytes.putInt(1024 + i * 4, address); }

    /** Where the descriptor itself has the content, {@link Generation#contentBytes}; the same place as the blocks' addresses on VMFS-3 and -5. */
    public ByteBuffer content() { return bytes.slice(generation.contentOffset(), generation.contentBytes()); }
}
