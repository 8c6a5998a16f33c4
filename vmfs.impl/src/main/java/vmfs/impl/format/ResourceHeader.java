package vmfs.impl.format;

import java.nio.ByteBuffer;

/** The first bytes of a resource file: how its items are arranged. [VMFS] section 5 */
public final class ResourceHeader {
    public static final int BYTES = 512;

    private final ByteBuffer bytes;

    public ResourceHeader(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    public ByteBuffer bytes() { return bytes; }

    /** In a cluster. */
    public int items() { return bytes.getInt(0); }
    public void items(int value) { bytes.putInt(0, value); }

    /** In a group. */
    public int clusters() { return bytes.getInt(4); }
    public void clusters(int value) { bytes.putInt(4, value); }

    /** Byte in the file where the first group begins. */
    public int firstGroup() { return bytes.getInt(8); }
    public void firstGroup(int value) { bytes.putInt(8, value); }

    /** Of an item; 0 for file blocks, which are elsewhere. */
    public int itemBytes() { return bytes.getInt(0xc); }
    public void itemBytes(int value) { bytes.putInt(0xc, value); }

    public int groupBytes() { return bytes.getInt(0x10); }
    public void groupBytes(int value) { bytes.putInt(0x10, value); }

    /** Items in all. */
    public long total() { return bytes.getInt(0x14) & 0xFFFFFFFFL | (long) bytes.getInt(0x1c) << 32; }
    public void total(long value) { bytes.putInt(0x14, (int) value).putInt(0x1c, (int) (value >>> 32)); }

    public int groups() { return bytes.getInt(0x18); }
    public void groups(int value) { bytes.putInt(0x18, value); }

    /** Byte in the file where the header of the child resource is (small file blocks beside large ones); VMFS-6. */
    public int child() { return bytes.getInt(0x34); }
}
