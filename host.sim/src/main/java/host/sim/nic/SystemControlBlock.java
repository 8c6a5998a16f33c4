package host.sim.nic;

/** The interrupt part of the System Control Block [8255x] 6.3.1: causes and masks. Any thread. */
final class SystemControlBlock {
    static final int CX = 0x80, FR = 0x40, CNA = 0x20, RNR = 0x10, MDI = 0x08, SWI = 0x04; // early receive and pause never happen
    static final int MASK_ALL = 0x01, RAISE_SWI = 0x02;

    private final boolean separateMasks;
    private volatile int causes, masks;

    /** @param separateMasks one for each cause, besides that for all: 82558 and later */
    SystemControlBlock(boolean separateMasks) { this.separateMasks = separateMasks; }

    int causes() { return causes; }

    int masks() { return masks; }

    /** Whether the chip drives its interrupt pin. */
    boolean interrupt() { return (masks & MASK_ALL) == 0 && (causes & ~masked()) != 0; }

    /** Masks are in the order of the causes; MDI and SWI, which are between, have none. */
    private int masked() { return masks & 0xF0 | masks >> 2 & 0x03; }

    synchronized void raise(int cause) { causes |= cause; }

    synchronized void acknowledge(int bits) { causes &= ~bits; }

    /** The interrupt control byte. */
    synchronized void control(int value) {
        masks = value & (separateMasks ? 0xFD : MASK_ALL);
        if ((value & RAISE_SWI) != 0) causes |= SWI;
    }

    synchronized void reset() { causes = masks = 0; }
}
