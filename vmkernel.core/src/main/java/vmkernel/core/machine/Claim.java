package vmkernel.core.machine;

import vmkernel.api.device.IoHandler;

/**
 * A range of ports or memory that a device answers for.
 *
 * @param end first address behind it
 */
record Claim(AttachedDevice owner, long first, long end, IoHandler handler) {
    long read(long address, int bytes) {
        long value = handler.read(address - first, bytes);
        return bytes == 8 ? value : value & (1L << 8 * bytes) - 1;
    }

    void write(long address, int bytes, long value) { handler.write(address - first, bytes, bytes == 8 ? value : value & (1L << 8 * bytes) - 1); }

    /** What a read gives where nobody answers. */
    static long nobody(int bytes) { return bytes == 8 ? -1 : (1L << 8 * bytes) - 1; }
}
