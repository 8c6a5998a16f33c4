package devices.pc.bus;

import vmkernel.api.device.IoHandler;

/**
 * Brings accesses of any size and alignment to the registers of a table, as byte lanes do on a bus: a register that is
 * touched only in part sees a partial write, an access over two registers reaches both. Bytes without a register read as 0.
 */
public final class RegisterMap<E extends Register> implements IoHandler {
    private final Object[] byOffset;
    private final RegisterFile<E> file;

    /** @param size of the claim in bytes */
    public RegisterMap(int size, E[] table, RegisterFile<E> file) {
        this.byOffset = new Object[size];
        this.file = file;
        for (E register : table) for (int i = 0; i < register.bytes(); i++) byOffset[register.offset() + i] = register;
    }

    /** The register that holds this byte, or null. */
    @SuppressWarnings("unchecked")
    public E at(int offset) { return offset < 0 || offset >= byOffset.length ? null : (E) byOffset[offset]; }

    @Override
    public long read(long offset, int bytes) {
        long result = 0;
        for (int at = (int) offset, end = at + bytes; at < end; ) {
            E register = at(at);
            int next = register == null ? at + 1 : register.offset() + register.bytes();
            if (register != null) {
                long part = (file.read(register) & 0xFFFF_FFFFL) >>> 8 * (at - register.offset());
                result |= (part & mask(Math.min(next, end) - at)) << 8 * (at - (int) offset);
            }
            at = next;
        }
        return result;
    }

    @Override
    public void write(long offset, int bytes, long value) {
        for (int at = (int) offset, end = at + bytes; at < end; ) {
            E register = at(at);
            int next = register == null ? at + 1 : register.offset() + register.bytes();
            if (register != null) {
                int shift = 8 * (at - register.offset());
                int lanes = (int) (mask(Math.min(next, end) - at) << shift);
                file.write(register, (int) (value >>> 8 * (at - (int) offset) << shift) & lanes, lanes);
            }
            at = next;
        }
    }

    private static long mask(int bytes) { return bytes >= 8 ? -1 : (1L << 8 * bytes) - 1; }
}
