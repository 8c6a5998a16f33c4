package drivers.e100;

import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;

/** A card with something between it and its driver, that can change what is read and keep what is written. */
class TamperedCard implements PciDevice {
    /** What the driver gets instead of a register's value. */
    interface Reads {
        long read(int offset, int bytes, long value);
    }

    /** False keeps a write from the card. */
    interface Writes {
        boolean write(int offset, int bytes, long value);
    }

    protected final PciDevice card;
    volatile Reads reads = (offset, bytes, value) -> value;
    volatile Writes writes = (offset, bytes, value) -> true;

    TamperedCard(PciDevice card) { this.card = card; }

    /** As if it had been pulled out. */
    void pullOut() {
        reads = (offset, bytes, value) -> (1L << 8 * bytes) - 1;
        writes = (offset, bytes, value) -> false;
    }

    @Override
    public PciAddress address() { return card.address(); }

    @Override
    public PciId id() { return card.id(); }

    @Override
    public int readConfig(int offset, int bytes) { return card.readConfig(offset, bytes); }

    @Override
    public void writeConfig(int offset, int bytes, int value) { card.writeConfig(offset, bytes, value); }

    @Override
    public int windowBytes(int bar) { return card.windowBytes(bar); }

    @Override
    public long read(int bar, int offset, int bytes) { return reads.read(offset, bytes, card.read(bar, offset, bytes)); }

    @Override
    public void write(int bar, int offset, int bytes, long value) {
        if (writes.write(offset, bytes, value)) card.write(bar, offset, bytes, value);
    }

    @Override
    public DmaBuffer allocate(int bytes, int alignment) { return card.allocate(bytes, alignment); }

    @Override
    public void onInterrupt(InterruptHandler handler) { card.onInterrupt(handler); }

    @Override
    public void reset() { card.reset(); }
}
