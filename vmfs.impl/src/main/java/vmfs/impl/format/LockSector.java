package vmfs.impl.format;

import java.nio.ByteBuffer;

/** The first sector of every file descriptor and of every cluster: whose it is. [VMFS] section 4 */
public final class LockSector {
    public static final int BYTES = 512;
    /** Types: what it locks. */
    public static final int DESCRIPTOR = 0x10c00001, FILE_BLOCKS = 0x10c00002, SUB_BLOCKS = 0x10c00003, POINTER_BLOCKS = 0x10c00004, DESCRIPTORS = 0x10c00005,
        POINTER_BLOCKS_2 = 0x10c00006, JOURNAL_BLOCKS = 0x10c00007, LARGE_FILE_BLOCKS = 0x10c00008;
    /** Modes. */
    public static final int FREE = 0, EXCLUSIVE = 1, SHARED = 2, MULTI_WRITER = 3;
    public static final int MAX_HOLDERS = 8;

    private static final int HOLDERS = 0x44, HOLDER_BYTES = 32;

    private final ByteBuffer bytes;

    public LockSector(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    public ByteBuffer bytes() { return bytes; }

    public int type() { return bytes.getInt(0); }
    public void type(int value) { bytes.putInt(0, value); }

    /** Its own byte address in the volume. */
    public long address() { return bytes.getLong(4); }
    public void address(long value) { bytes.putLong(4, value); }

    /** Byte address of the last locker's heartbeat, and that heartbeat's generation then. */
    public long heartbeat() { return bytes.getLong(0xc); }
    public void heartbeat(long value) { bytes.putLong(0xc, value); }

    public long heartbeatGeneration() { return bytes.getLong(0x14); }
    public void heartbeatGeneration(long value) { bytes.putLong(0x14, value); }

    /** Version of the object, one more at each lock. */
    public long token() { return bytes.getLong(0x1c); }
    public void token(long value) { bytes.putLong(0x1c, value); }

    public int mode() { return bytes.getInt(0x24); }
    public void mode(int value) { bytes.putInt(0x24, value); }

    public Uuid owner() { return Uuid.read(bytes, 0x28); }
    public void owner(Uuid value) { value.write(bytes, 0x28); }

    /** Counts up; no time of day. */
    public long modified() { return bytes.getLong(0x38); }
    public void modified(long value) { bytes.putLong(0x38, value); }

    /** How many share it. */
    public int holders() { return bytes.getInt(0x40); }
    public void holders(int value) { bytes.putInt(0x40, value); }

    /** Byte address of a holder's heartbeat. @param i below {@link #MAX_HOLDERS} */
    public long holderHeartbeat(int i) { return bytes.getLong(HOLDERS + i * HOLDER_BYTES); }
    public void holderHeartbeat(int i, long value) { bytes.putLong(HOLDERS + i * HOLDER_BYTES, value); }

    public long holderGeneration(int i) { return bytes.getLong(HOLDERS + i * HOLDER_BYTES + 8); }
    public void holderGeneration(int i, long value) { bytes.putLong(HOLDERS + i * HOLDER_BYTES + 8, value); }

    public Uuid holder(int i) { return Uuid.read(bytes, HOLDERS + i * HOLDER_BYTES + 16); }
    public void holder(int i, Uuid value) { value.write(bytes, HOLDERS + i * HOLDER_BYTES + 16); }
}
