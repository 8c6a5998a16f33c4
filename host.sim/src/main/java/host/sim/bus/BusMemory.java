package host.sim.bus;

import java.nio.ByteBuffer;

/**
 * System memory, as a bus master reaches it. Addresses are those of the bus, 32 bits. An access that is not wholly in memory, or
 * while bus mastering is off, is aborted: it gives false (or null, or all ones) and touches nothing.
 */
public interface BusMemory {
    boolean read(long address, byte[] to, int offset, int length);

    boolean write(long address, byte[] from, int offset, int length);

    /** A little-endian value of 2 or 4 bytes, with acquire semantics; all ones if aborted. */
    int get(long address, int bytes);

    /** The same, with release semantics. */
    boolean put(long address, int bytes, int value);

    /** The memory itself, for files to be read into and written from without a copy; null if aborted. */
    ByteBuffer slice(long address, int length);
}
