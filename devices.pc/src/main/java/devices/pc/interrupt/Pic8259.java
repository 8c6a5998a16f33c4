package devices.pc.interrupt;

import vmkernel.api.handover.StateRecord;

/**
 * One 8259A programmable interrupt controller, as the PIIX4 has two of [8259A], [PIIX4 4.2]. Inputs are IR0 to IR7, the output
 * is INT. It knows nothing of its partner: the cascade is {@link PicPair}'s. Edge or level is chosen for each input by the
 * PIIX4's ELCR and not by ICW1.LTIM, which that chip ignores.
 */
public final class Pic8259 {
    private static final int ICW1 = 0x10, ICW1_IC4 = 0x01, ICW1_SNGL = 0x02, ICW1_ADI = 0x04;
    private static final int ICW4_8086 = 0x01, ICW4_AEOI = 0x02, ICW4_SFNM = 0x10;
    private static final int OCW3 = 0x08, OCW3_RIS = 0x01, OCW3_RR = 0x02, OCW3_POLL = 0x04, OCW3_SMM = 0x20, OCW3_ESMM = 0x40;
    /** Input whose requests may interrupt themselves in special fully nested mode; 0 on a slave. */
    private final int cascade;
    private final int elcrWritable;

    private int lines;          // levels of IR0 to IR7
    private int edges;          // edge sense: a rise that has not been acknowledged
    private int elcr;           // 1 = level triggered
    private int isr, imr;
    private int icw1, icw2, icw3, icw4;
    private int expected;       // which ICW is next, 0 when initialized
    private int lowest;         // input with the lowest priority
    private boolean readIsr, poll, specialMask, rotateOnAutoEnd;

    /**
     * @param cascade bit mask of the input that a slave is on, 0 for none
     * @param elcrWritable inputs that may be made level triggered
     */
    public Pic8259(int cascade, int elcrWritable) {
        this.cascade = cascade;
        this.elcrWritable = elcrWritable;
    }

    /**
     * Power-on. The datasheet leaves it undefined; every PC's firmware programs both chips before any other software runs, and
     * this is what it leaves: 8086 mode, the given vectors, all inputs masked.
     */
    public void reset(int vectorBase) {
        edges = isr = elcr = 0;
        imr = 0xFF;
        icw1 = ICW1 | ICW1_IC4;
        icw2 = vectorBase;
        icw3 = cascade;
        icw4 = ICW4_8086;
        expected = 0;
        lowest = 7;
        readIsr = poll = specialMask = rotateOnAutoEnd = false;
    }

    void exchange(StateRecord state) {
        lines = state.exchange("lines", lines);
        edges = state.exchange("edges", edges);
        elcr = state.exchange("elcr", elcr);
        isr = state.exchange("isr", isr);
        imr = state.exchange("imr", imr);
        icw1 = state.exchange("icw1", icw1);
        icw2 = state.exchange("icw2", icw2);
        icw3 = state.exchange("icw3", icw3);
        icw4 = state.exchange("icw4", icw4);
        expected = state.exchange("expected", expected);
        lowest = state.exchange("lowest", lowest);
        readIsr = state.exchange("readIsr", readIsr);
        poll = state.exchange("poll", poll);
        specialMask = state.exchange("specialMask", specialMask);
        rotateOnAutoEnd = state.exchange("rotateOnAutoEnd", rotateOnAutoEnd);
    }

    /** Drives an input. In edge mode a request whose line falls before the acknowledge is gone [8259A] Edge and Level Triggered Modes. */
    public void input(int ir, boolean level) {
        int bit = 1 << ir;
        if (level == ((lines & bit) != 0)) return;
        if (level) {
            lines |= bit;
            edges |= bit;
        } else {
            restore(ir, false);
        }
    }

    /** Takes up a level without making an edge. */
    public void restore(int ir, boolean level) {
        int bit = 1 << ir;
        lines = level ? lines | bit : lines & ~bit;
        if (!level) edges &= ~bit;
    }

    /** The INT output. */
    public boolean intr() { return expected == 0 && request() >= 0; }

    /** True if this input waits for its acknowledge and is not masked. */
    public boolean waits(int ir) { return (irr() & ~imr & 1 << ir) != 0; }

    public boolean masked(int ir) { return (imr & 1 << ir) != 0; }

    /** First half of INTA: the input that is taken into service, or -1 if there is no request any more. */
    public int acknowledge() {
        int ir = request();
        if (ir < 0) return -1;
        int bit = 1 << ir;
        edges &= ~bit;
        if ((icw4 & ICW4_AEOI) == 0) isr |= bit;
        else if (rotateOnAutoEnd) lowest = ir;
        return ir;
    }

    /**
     * Second half of INTA: the byte put on the bus. In MCS-80 mode that is the low byte of the CALL address, which a PC's CPU
     * takes for the vector.
     *
     * @param ir the input, or -1 for none: then the default IR7 answers
     */
    public int vector(int ir) {
        int number = ir < 0 ? 7 : ir;
        if ((icw4 & ICW4_8086) != 0) return icw2 & 0xF8 | number;
        return (icw1 & ICW1_ADI) != 0 ? icw1 & 0xE0 | number << 2 : icw1 & 0xC0 | number << 3;
    }

    /** True if ICW1 said that there is no other 8259A. */
    public boolean single() { return (icw1 & ICW1_SNGL) != 0; }

    /** True if the next read acknowledges, because a poll command came before it. */
    public boolean polled() { return poll; }

    /** @param port 0 or 1: the chip's A0 */
    public int read(int port) {
        if (poll) return pollWord();
        if (port != 0) return imr;
        return readIsr ? isr : irr();
    }

    /** @param port 0 or 1: the chip's A0 */
    public void write(int port, int value) {
        if (port != 0) writeData(value);
        else if ((value & ICW1) != 0) initialize(value);
        else if ((value & OCW3) != 0) operation3(value);
        else operation2(value);
    }

    public int elcr() { return elcr; }

    public void elcr(int value) { elcr = value & elcrWritable; }

    private int irr() { return lines & (edges | elcr); }

    /** The input that asks for service and is not held back by one in service, or -1. */
    private int request() {
        int pending = irr() & ~imr;
        if (pending == 0) return -1;
        int serving = specialMask ? isr & ~imr : isr;
        boolean nests = (icw4 & ICW4_SFNM) != 0;
        for (int i = 1; i <= 8; i++) {
            int ir = lowest + i & 7, bit = 1 << ir;
            if ((serving & bit) != 0) return nests && (cascade & pending & bit) != 0 ? ir : -1;
            if ((pending & bit) != 0) return ir;
        }
        return -1;
    }

    /** The next read after a poll command is an acknowledge: bit 7 says whether there was a request, bits 2:0 which. */
    private int pollWord() {
        poll = false;
        int ir = acknowledge();
        return ir < 0 ? 0 : 0x80 | ir;
    }

    /** ICW1 [8259A] Initialization Command Words: a. to f. */
    private void initialize(int value) {
        icw1 = value;
        edges = isr = imr = 0;
        lowest = 7;
        specialMask = readIsr = poll = rotateOnAutoEnd = false;
        if ((value & ICW1_IC4) == 0) icw4 = 0;
        expected = 2;
    }

    private void writeData(int value) {
        switch (expected) {
            case 2 -> {
                icw2 = value;
                expected = single() ? afterCascade() : 3;
            }
            case 3 -> {
                icw3 = value;
                expected = afterCascade();
            }
            case 4 -> {
                icw4 = value;
                expected = 0;
            }
            default -> imr = value;
        }
    }

    private int afterCascade() { return (icw1 & ICW1_IC4) != 0 ? 4 : 0; }

    /** OCW2: bits 7:5 are R, SL, EOI; bits 2:0 the level where SL is set. */
    private void operation2(int value) {
        int level = value & 7;
        switch (value >> 5) {
            case 0 -> rotateOnAutoEnd = false;
            case 1 -> endOfInterrupt(false);
            case 3 -> isr &= ~(1 << level);
            case 4 -> rotateOnAutoEnd = true;
            case 5 -> endOfInterrupt(true);
            case 6 -> lowest = level;
            case 7 -> {
                isr &= ~(1 << level);
                lowest = level;
            }
            default -> { } // 2: no operation
        }
    }

    /** Non-specific EOI: the one in service with the highest priority, but in special mask mode none that is masked. */
    private void endOfInterrupt(boolean rotate) {
        int serving = specialMask ? isr & ~imr : isr;
        for (int i = 1; i <= 8; i++) {
            int ir = lowest + i & 7;
            if ((serving & 1 << ir) == 0) continue;
            isr &= ~(1 << ir);
            if (rotate) lowest = ir;
            return;
        }
    }

    private void operation3(int value) {
        if ((value & OCW3_POLL) != 0) poll = true;
        else if ((value & OCW3_RR) != 0) readIsr = (value & OCW3_RIS) != 0;
        if ((value & OCW3_ESMM) != 0) specialMask = (value & OCW3_SMM) != 0;
    }
}
