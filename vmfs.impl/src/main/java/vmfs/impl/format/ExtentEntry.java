package vmfs.impl.format;

import java.nio.ByteBuffer;

/** A physical extent in the table at {@link LvmHeader#extentTable}. [VMFS] section 1 */
public final class ExtentEntry {
    public static final int BYTES = 128;

    private final ByteBuffer bytes;

    public ExtentEntry(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    public boolean used() { return bytes.get(0) != 0; }
    public void used(boolean value) { bytes.put(0, (byte) (value ? 1 : 0)); }

    public int number() { return bytes.getInt(1); }
    public void number(int value) { bytes.putInt(1, value); }

    public int volume() { return bytes.getInt(5); }
    public void volume(int value) { bytes.putInt(5, value); }

    /** Byte address in the device. */
    public long device() { return bytes.getLong(9); }
    public void device(long value) { bytes.putLong(9, value); }

    /** Byte address in the volume. */
    public long logical() { return bytes.getLong(17); }
    public void logical(long value) { bytes.putLong(17, value); }

    public long length() { return bytes.getLong(25); }
    public void length(long value) { bytes.putLong(25, value); }

    public int version() { return bytes.getInt(33); }
    public void version(int value) { bytes.putInt(33, value); }
}
