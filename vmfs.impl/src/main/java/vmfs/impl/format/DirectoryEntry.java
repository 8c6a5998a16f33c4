package vmfs.impl.format;

import java.nio.ByteBuffer;

/** A name in a directory of VMFS-3 and -5. [VMFS] section 8 */
public final class DirectoryEntry {
    public static final int BYTES = 140, NAME_BYTES = 128;

    private final ByteBuffer bytes;

    public DirectoryEntry(ByteBuffer buffer) { bytes = Fields.of(buffer, BYTES); }

    public ByteBuffer bytes() { return bytes; }

    /** As {@link FileDescriptor#type}. */
    public int type() { return bytes.getInt(0); }
    public void type(int value) { bytes.putInt(0, value); }

    /** Of the descriptor. */
    public int address() { return bytes.getInt(4); }
    public void address(int value) { bytes.putInt(4, value); }

    /** The descriptor's, else this is an entry of a file that is gone. */
    public int generation() { return bytes.getInt(8); }
    public void generation(int value) { bytes.putInt(8, value); }

    public String name() { return Fields.text(bytes, 12, NAME_BYTES); }

    /** @throws IllegalArgumentException if it takes more than 127 bytes */
    public void name(String value) { Fields.text(bytes, 12, NAME_BYTES, value); }
}
