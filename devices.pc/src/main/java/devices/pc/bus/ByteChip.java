package devices.pc.bus;

import vmkernel.api.device.IoHandler;

/** A chip on the 8-bit side of the ISA bus: the bridge splits wider accesses into bytes, lowest address first. */
public interface ByteChip {
    /** @param offset port relative to the claim @return 0 to 255 */
    int read(int offset);

    /** @param value 0 to 255 */
    void write(int offset, int value);

    /** The chip as the kernel's port bus wants it. */
    static IoHandler ports(ByteChip chip) {
        return new IoHandler() {
            @Override
            public long read(long offset, int bytes) {
                long value = 0;
                for (int i = 0; i < bytes; i++) value |= (chip.read((int) offset + i) & 0xFFL) << 8 * i;
                return value;
            }

            @Override
            public void write(long offset, int bytes, long value) {
                for (int i = 0; i < bytes; i++) chip.write((int) offset + i, (int) (value >>> 8 * i) & 0xFF);
            }
        };
    }
}
