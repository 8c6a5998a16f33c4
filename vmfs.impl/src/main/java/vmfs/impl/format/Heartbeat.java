package vmfs.impl.format;

import java.nio.ByteBuffer;

/** A host's sign of life, at {@link Generation#heartbeat}. [VMFS] section 3 */
public final class Heartbeat {
    public static final int BYTES = 512, FREE = 0xabcdef01, USED = 0xabcdef02;

    private final ByteBuffer bytes;

    public Heartbeat(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    public ByteBuffer bytes() { return bytes; }

    public int magic() { return bytes.getInt(0); }
    public void magic(int value) { bytes.putInt(0, value); }

    /** Its own byte address in the volume. */
    public long address() { return bytes.getLong(4); }
    public void address(long value) { bytes.putLong(4, value); }

    /** One more when it is taken and when it is given up. */
    public long generation() { return bytes.getLong(0xc); }
    public void generation(long value) { bytes.putLong(0xc, value); }

    /** Microseconds that the owner is up; changes while it lives. */
    public long pulse() { return bytes.getLong(0x14); }
    public void pulse(long value) { bytes.putLong(0x14, value); }

    public Uuid owner() { return Uuid.read(bytes, 0x1c); }
    public void owner(Uuid value) { value.write(bytes, 0x1c); }

    /** Address of the file block that is the host's journal; VMFS-3 and -5. */
    public int journal() { return bytes.getInt(0x2c); }
    public void journal(int value) { bytes.putInt(0x2c, value); }

    /** Version of the owner's file system. */
    public int major() { return bytes.getInt(0x30); }
    public void major(int value) { bytes.putInt(0x30, value); }

    public int minor() { return bytes.get(0x34) & 0xFF; }
    public void minor(int value) { bytes.put(0x34, (byte) value); }

    public int lockImplementation() { return bytes.get(0x35); }
    public void lockImplementation(int value) { bytes.put(0x35, (byte) value); }

    /** IP address or name of the owner. */
    public String host() { return Fields.text(bytes, 0x36, 46); }
    public void host(String value) { Fields.text(bytes, 0x36, 46, value); }
}
