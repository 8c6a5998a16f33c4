package vmfs.impl.format;

import java.nio.ByteBuffer;

/** What a device says of itself, at {@link #AT}. [VMFS] section 1 */
public final class LvmHeader {
    /** Byte addresses in the device: of this; of the first physical extent. */
    public static final long AT = 0x100000, DATA = 0x1100000;
    public static final int BYTES = 512, MAGIC = 0xC001D00D;
    /** Of a physical extent (PE). */
    public static final long EXTENT_BYTES = 0x10000000;
    public static final int DEVICE_NAMES = 32, DEVICE_NAME_BYTES = 256;

    private final ByteBuffer bytes;

    public LvmHeader(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    /** Byte address in the device of the first entry of the volume table. */
    public static long volumeTable(Generation generation) { return AT + generation.sectorBytes(); }

    public static long deviceNames(Generation generation) { return volumeTable(generation) + 0x7e000; }

    /** Bit set: the extent is used; least significant first. */
    public static long extentBitmap(Generation generation) { return deviceNames(generation) + 0x2000; }

    public static int extentBitmapBytes(Generation generation) { return generation == Generation.VMFS6 ? 4096 : 1024; }

    /** Of the table of physical extents. */
    public static long extentTable(Generation generation) { return generation == Generation.VMFS6 ? 0x182000 : 0x180600; }

    public ByteBuffer bytes() { return bytes; }

    public int magic() { return bytes.getInt(0); }
    public void magic(int value) { bytes.putInt(0, value); }

    /** Generation of VMFS. */
    public int major() { return bytes.getInt(4); }
    public void major(int value) { bytes.putInt(4, value); }

    public int minor() { return bytes.getInt(8); }
    public void minor(int value) { bytes.putInt(8, value); }

    /** The disk's own id; length of the id, LUN, device type, SCSI level. */
    public int idType() { return bytes.get(0xc); }
    public void idType(int value) { bytes.put(0xc, (byte) value); }

    public int idBytes() { return bytes.get(0xd) & 0xFF; }
    public void idBytes(int value) { bytes.put(0xd, (byte) value); }

    public int lun() { return bytes.getShort(0xe) & 0xFFFF; }
    public void lun(int value) { bytes.putShort(0xe, (short) value); }

    public int deviceType() { return bytes.get(0x10); }
    public void deviceType(int value) { bytes.put(0x10, (byte) value); }

    public int scsiLevel() { return bytes.get(0x11); }
    public void scsiLevel(int value) { bytes.put(0x11, (byte) value); }

    /** Vendor (8), model (16) and revision (4) in one. */
    public String inquiry() { return Fields.text(bytes, 0x12, 28); }
    public void inquiry(String value) { bytes.put(0x12, java.util.Arrays.copyOf(value.getBytes(java.nio.charset.StandardCharsets.US_ASCII), 28)); }

    public String id() { return Fields.text(bytes, 0x2e, 44); }
    public void id(String value) { Fields.text(bytes, 0x2e, 44, value); }

    public int sectorBytes() { return bytes.getInt(0x5a); }
    public void sectorBytes(int value) { bytes.putInt(0x5a, value); }

    public long deviceBytes() { return bytes.getLong(0x5e); }
    public void deviceBytes(long value) { bytes.putLong(0x5e, value); }

    public int volumes() { return bytes.getInt(0x66); }
    public void volumes(int value) { bytes.putInt(0x66, value); }

    /** Physical extents of the device; on VMFS-6 entries of their table. */
    public int extents() { return bytes.getInt(0x6a); }
    public void extents(int value) { bytes.putInt(0x6a, value); }

    public int lastExtent() { return bytes.getInt(0x6e); }
    public void lastExtent(int value) { bytes.putInt(0x6e, value); }

    public long generation() { return bytes.getLong(0x72); }
    public void generation(long value) { bytes.putLong(0x72, value); }

    /** Byte address in the device of the first physical extent. */
    public long dataOffset() { return bytes.getLong(0x7a); }
    public void dataOffset(long value) { bytes.putLong(0x7a, value); }

    public Uuid device() { return Uuid.read(bytes, 0x82); }
    public void device(Uuid value) { value.write(bytes, 0x82); }

    /** Microseconds since 1970. */
    public long created() { return bytes.getLong(0x92); }
    public void created(long value) { bytes.putLong(0x92, value); }

    public long modified() { return bytes.getLong(0x9a); }
    public void modified(long value) { bytes.putLong(0x9a, value); }

    public Uuid lockedBy() { return Uuid.read(bytes, 0xa2); }
    public void lockedBy(Uuid value) { value.write(bytes, 0xa2); }

    public long lockedWhen() { return bytes.getLong(0xb2); }
    public void lockedWhen(long value) { bytes.putLong(0xb2, value); }

    public int extentMaps() { return bytes.getInt(0xbe); }
    public void extentMaps(int value) { bytes.putInt(0xbe, value); }
}
