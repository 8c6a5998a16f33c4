package devices.pc.scsi;

import devices.pc.bus.Register;

/** System interface registers of a Fusion-MPT controller [MPI System Interface]. */
enum LsiRegister implements Register {
    DOORBELL(0x00),
    WRITE_SEQUENCE(0x04),
    DIAGNOSTIC(0x08),
    TEST_BASE(0x0C),
    DIAGNOSTIC_DATA(0x10),
    DIAGNOSTIC_ADDRESS(0x14),
    INTERRUPT_STATUS(0x30),
    INTERRUPT_MASK(0x34),
    REQUEST_FIFO(0x40),
    REPLY_FIFO(0x44),
    PRIORITY_FIFO(0x48);    // requests that overtake the others

    private final int offset;

    LsiRegister(int offset) { this.offset = offset; }

    @Override
    public int offset() { return offset; }

    @Override
    public int bytes() { return 4; }
}
