package vmfs.impl.format;

import java.nio.ByteBuffer;

/** A name in a directory of VMFS-6, and the blocks that it is in. [VMFS] section 10 */
public final class WideDirectoryEntry {
    public static final int BYTES = 288, NAME_BYTES = 256;
    /** The directory's header, behind which the blocks begin; in it the entries of the directory itself and of its parent. */
    public static final int HEADER_BYTES = 65536, HEADER_MAGIC = 0xF50001, SELF = 0x3b8, PARENT = 0x4d8;
    /** A block; the header of one; entries in one. */
    public static final int BLOCK_BYTES = 4096, BLOCK_HEADER_BYTES = 64, BLOCK_ENTRIES = 14;

    private static final int BLOCK_OF_ENTRIES = 1;

    private final ByteBuffer bytes;

    public WideDirectoryEntry(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    /** True if a block, of which this is the header, has an entry in a slot. */
    public static boolean used(ByteBuffer header, int slot) { return header.getShort(2) == BLOCK_OF_ENTRIES && (header.get(8 + (slot >> 3)) & 1 << (slot & 7)) == 0; }

    /** As {@link FileDescriptor#type}. */
    public int type() { return bytes.getInt(0); }

    /** Of the descriptor. */
    public int address() { return bytes.getInt(4); }

    /** The descriptor's. */
    public int generation() { return bytes.getInt(8); }

    public String name() { return Fields.text(bytes, 0x18, NAME_BYTES); }
}
