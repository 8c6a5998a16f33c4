package host.sim.nic;

import host.sim.bus.Slot;

/**
 * The interrupt part of the System Control Block [8255x] 6.3.1: causes, masks and the interrupt line. Any thread. Causes are
 * raised under whatever lock; {@link #drive} is called without any, since the driver's handler may run before it returns.
 */
final class SystemControlBlock {
    static final int CX = 0x80, FR = 0x40, CNA = 0x20, RNR = 0x10, MDI = 0x08, SWI = 0x04; // early receive and pause never happen
    static final int MASK_ALL = 0x01, RAISE_SWI = 0x02;

    private final Slot slot;
    private final boolean separateMasks;
    private volatile int causes, masks;
    private boolean driven; // the level last given, or about to be
    private long turn;      // counts changes of the level

    /** @param separateMasks one for each cause, besides that for all: 82558 and later */
    SystemControlBlock(Slot slot, boolean separateMasks) {
        this.slot = slot;
        this.separateMasks = separateMasks;
    }

    int causes() { return causes; }

    int masks() { return masks; }

    synchronized void raise(int cause) { causes |= cause; }

    synchronized void acknowledge(int bits) { causes &= ~bits; }

    /** The interrupt control byte. */
    synchronized void control(int value) {
        masks = value & (separateMasks ? 0xFD : MASK_ALL);
        if ((value & RAISE_SWI) != 0) causes |= SWI;
    }

    synchronized void reset() { causes = masks = 0; }

    /** Brings the line to the level that causes and masks give. When several threads do so, the last level is the right one. */
    void drive() {
        while (true) {
            boolean level;
            long mine;
            synchronized (this) {
                level = asserted();
                if (level == driven) return;
                driven = level;
                mine = ++turn;
            }
            slot.interrupt(level);
            synchronized (this) {
                if (turn == mine) continue;
                driven = !asserted(); // another thread's level may have come to the bus before ours: say it again
            }
        }
    }

    private boolean asserted() { return (masks & MASK_ALL) == 0 && (causes & ~masked()) != 0; }

    /** Masks are in the order of the causes; MDI and SWI, which are between, have none. */
    private int masked() { return masks & 0xF0 | masks >> 2 & 0x03; }
}
