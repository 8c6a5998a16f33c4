package vmfs.impl.format;

import java.nio.ByteBuffer;

/** The device's part in a volume, at {@link LvmHeader#volumeTable}. [VMFS] section 1 */
public final class VolumeEntry {
    public static final int BYTES = 512;
    public static final int MAX_DEVICES = 32;

    private final ByteBuffer bytes;

    public VolumeEntry(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    public ByteBuffer bytes() { return bytes; }

    /** Of the volume, all devices together. */
    public long volumeBytes() { return bytes.getLong(0); }
    public void volumeBytes(long value) { bytes.putLong(0, value); }

    /** Equal on all devices. */
    public long generation() { return bytes.getLong(8); }
    public void generation(long value) { bytes.putLong(8, value); }

    /** 1: as it should be; 2: resignature pending; 3: done. */
    public int state() { return bytes.getInt(0x10); }
    public void state(int value) { bytes.putInt(0x10, value); }

    public String name() { return Fields.text(bytes, 0x14, 64); }
    public void name(String value) { Fields.text(bytes, 0x14, 64, value); }

    public Uuid volume() { return Uuid.read(bytes, 0x54); }
    public void volume(Uuid value) { value.write(bytes, 0x54); }

    public int snapshot() { return bytes.getInt(0x64); }
    public void snapshot(int value) { bytes.putInt(0x64, value); }

    /** Microseconds since 1970. */
    public long created() { return bytes.getLong(0x68); }
    public void created(long value) { bytes.putLong(0x68, value); }

    public int index() { return bytes.getInt(0x70); }
    public void index(int value) { bytes.putInt(0x70, value); }

    /** Physical extents of the volume on this device; on VMFS-6 entries of the table. */
    public int extents() { return bytes.getInt(0x74); }
    public void extents(int value) { bytes.putInt(0x74, value); }

    /** First and last extent of the volume that are on this device. */
    public long firstExtent() { return bytes.getLong(0x78); }
    public void firstExtent(long value) { bytes.putLong(0x78, value); }

    public long lastExtent() { return bytes.getLong(0x80); }
    public void lastExtent(long value) { bytes.putLong(0x80, value); }

    public long modified() { return bytes.getLong(0x88); }
    public void modified(long value) { bytes.putLong(0x88, value); }

    /** Of the volume. */
    public int devices() { return bytes.getInt(0x90); }
    public void devices(int value) { bytes.putInt(0x90, value); }
}
