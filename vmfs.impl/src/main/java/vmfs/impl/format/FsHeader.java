package vmfs.impl.format;

import java.nio.ByteBuffer;

/** The file system's own header, at {@link Generation#FS_HEADER}. [VMFS] section 2 */
public final class FsHeader {
    public static final int BYTES = 512, MAGIC = 0x2fabf15e, MAGIC_LOCAL = 0x2fabf15f;
    public static final int LABEL_BYTES = 128;
    /** Configuration: everybody may see it; a cluster has up to 64 sub-blocks. */
    public static final int PUBLIC = 2, DENSE_SUB_BLOCKS = 4;

    private final ByteBuffer bytes;

    public FsHeader(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    public ByteBuffer bytes() { return bytes; }

    public int magic() { return bytes.getInt(0); }
    public void magic(int value) { bytes.putInt(0, value); }

    /** VMFS-3 4.31, VMFS-5 14.81, VMFS-6 24.82. */
    public int major() { return bytes.getInt(4); }
    public void major(int value) { bytes.putInt(4, value); }

    public int minor() { return bytes.get(8) & 0xFF; }
    public void minor(int value) { bytes.put(8, (byte) value); }

    public Uuid uuid() { return Uuid.read(bytes, 9); }
    public void uuid(Uuid value) { value.write(bytes, 9); }

    public int flags() { return bytes.getInt(0x19); }
    public void flags(int value) { bytes.putInt(0x19, value); }

    public String label() { return Fields.text(bytes, 0x1d, LABEL_BYTES); }
    public void label(String value) { Fields.text(bytes, 0x1d, LABEL_BYTES, value); }

    public int sectorBytes() { return bytes.getInt(0x9d); }
    public void sectorBytes(int value) { bytes.putInt(0x9d, value); }

    /** Of a file block. */
    public long blockBytes() { return bytes.getLong(0xa1); }
    public void blockBytes(long value) { bytes.putLong(0xa1, value); }

    /** Seconds since 1970. */
    public long created() { return bytes.getInt(0xa9) & 0xFFFFFFFFL; }
    public void created(long value) { bytes.putInt(0xa9, (int) value); }

    public int snapshot() { return bytes.getInt(0xad); }
    public void snapshot(int value) { bytes.putInt(0xad, value); }

    /** Must be that of {@link VolumeEntry#volume}. */
    public Uuid volume() { return Uuid.read(bytes, 0xb1); }
    public void volume(Uuid value) { value.write(bytes, 0xb1); }

    /** After the volume's UUID. */
    public int volumeSnapshot() { return bytes.getInt(0xc1); }
    public void volumeSnapshot(int value) { bytes.putInt(0xc1, value); }

    /** Where the first group begins in the file of descriptors. */
    public int descriptorGroup() { return bytes.getInt(0xd1); }
    public void descriptorGroup(int value) { bytes.putInt(0xd1, value); }

    /** Clusters in a group of the file of descriptors. */
    public int descriptorClusters() { return bytes.getInt(0xd5); }
    public void descriptorClusters(int value) { bytes.putInt(0xd5, value); }

    public int subBlockBytes() { return bytes.getInt(0xd9); }
    public void subBlockBytes(int value) { bytes.putInt(0xd9, value); }

    public int journalSlots() { return bytes.getInt(0xdd); }
    public void journalSlots(int value) { bytes.putInt(0xdd, value); }

    /** Byte address in the volume, and address, of the descriptor of {@code .pb2.sf}. */
    public long pointerBlock2At() { return bytes.getLong(0xe1); }
    public void pointerBlock2At(long value) { bytes.putLong(0xe1, value); }

    public int pointerBlock2() { return bytes.getInt(0xe9); }
    public void pointerBlock2(int value) { bytes.putInt(0xe9, value); }

    /** Who formatted it. */
    public Uuid host() { return Uuid.read(bytes, 0xed); }
    public void host(Uuid value) { value.write(bytes, 0xed); }

    public long generation() { return bytes.getLong(0xfd); }
    public void generation(long value) { bytes.putLong(0xfd, value); }

    /** The same of the directory {@code .sdd.sf}. */
    public long systemDirectoryAt() { return bytes.getLong(0x105); }
    public void systemDirectoryAt(long value) { bytes.putLong(0x105, value); }

    public int systemDirectory() { return bytes.getInt(0x10d); }
    public void systemDirectory(int value) { bytes.putInt(0x10d, value); }

    /** Milliseconds after which a host whose pulse stands still is dead; VMFS-6 only, 0 elsewhere. */
    public int leaseMillis() { return bytes.getInt(0x14c); }
}
