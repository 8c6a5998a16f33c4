package devices.pc.chipset;

import devices.pc.bus.Register;

/** The PIIX4's power management registers in I/O space, relative to PMBASE [PIIX4 7.2]. */
enum PowerRegister implements Register {
    PMSTS(0x00, 2),     // PM1a status: write 1 to clear
    PMEN(0x02, 2),      // PM1a enable
    PMCNTRL(0x04, 2),   // PM1a control: SCI_EN, SUS_TYP, SUS_EN
    PMTMR(0x08, 4),     // 24-bit timer, read only
    GPSTS(0x0C, 2),     // GPE0 status: write 1 to clear
    GPEN(0x0E, 2),      // GPE0 enable
    PCNTRL(0x10, 4),    // processor control
    PLVL2(0x14, 1),     // reading enters C2
    PLVL3(0x15, 1),     // reading enters C3
    GLBSTS(0x18, 2),    // global status: write 1 to clear
    DEVSTS(0x1C, 4),    // device status: write 1 to clear
    GLBEN(0x20, 2),
    GLBCTL(0x28, 4),
    DEVCTL(0x2C, 4),
    GPIREG(0x30, 4),    // general purpose inputs, read only
    GPOREG(0x34, 4);    // general purpose outputs

    private final int offset, bytes;

    PowerRegister(int offset, int bytes) {
        this.offset = offset;
        this.bytes = bytes;
    }

    @Override
    public int offset() { return offset; }

    @Override
    public int bytes() { return bytes; }
}
