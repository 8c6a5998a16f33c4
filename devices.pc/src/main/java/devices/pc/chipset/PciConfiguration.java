package devices.pc.chipset;

import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.PciHandler;
import vmkernel.api.handover.StateRecord;

/**
 * Ports CF8h to CFFh: configuration mechanism 1 of the host bridge [82443BX 3.1], [PCI 2.1 3.7.4.1], and in the middle of it the
 * PIIX4's reset control at CF9h [PIIX4 RC], which only byte accesses reach.
 */
final class PciConfiguration implements IoHandler {
    private static final int ADDRESS = 0, RESET_CONTROL = 1, DATA = 4;
    private static final int ADDRESS_BITS = 0x80FF_FFFC;
    private static final int RESET_HARD = 0x02, RESET_CPU = 0x04;

    private final DeviceContext bus;
    private final Runnable hardReset, softReset;
    private int address, resetControl;

    PciConfiguration(DeviceContext bus, Runnable hardReset, Runnable softReset) {
        this.bus = bus;
        this.hardReset = hardReset;
        this.softReset = softReset;
    }

    void reset() { address = resetControl = 0; }

    void exchange(StateRecord state) {
        address = state.exchange("address", address);
        resetControl = state.exchange("resetControl", resetControl);
    }

    @Override
    public long read(long offset, int bytes) {
        int at = (int) offset;
        if (at == ADDRESS && bytes == 4) return address & 0xFFFF_FFFFL;
        if (at == RESET_CONTROL && bytes == 1) return resetControl;
        if (at < DATA || address >= 0) return -1;
        PciHandler function = addressed();
        return function == null ? -1 : function.read((address & 0xFC) + at - DATA, bytes);
    }

    @Override
    public void write(long offset, int bytes, long value) {
        int at = (int) offset;
        if (at == ADDRESS && bytes == 4) address = (int) value & ADDRESS_BITS;
        else if (at == RESET_CONTROL && bytes == 1) resetControl((int) value);
        else if (at >= DATA && address < 0) {
            PciHandler function = addressed();
            if (function != null) function.write((address & 0xFC) + at - DATA, bytes, (int) value);
        }
    }

    /** Bits 23:16 are the bus, 15:11 the slot, 10:8 the function. There is bus 0 only. */
    private PciHandler addressed() { return (address >> 16 & 0xFF) == 0 ? bus.pci(address >> 11 & 0x1F, address >> 8 & 7) : null; }

    /** The rise of the CPU reset bit does it; the other bit, set before or at the same time, says what kind. */
    private void resetControl(int value) {
        boolean rises = (value & ~resetControl & RESET_CPU) != 0;
        resetControl = value & (RESET_HARD | RESET_CPU);
        if (!rises) return;
        resetControl &= ~RESET_CPU;
        ((value & RESET_HARD) != 0 ? hardReset : softReset).run();
    }
}
