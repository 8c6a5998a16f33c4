package firmware.bios;

import firmware.bios.tables.Board;
import vmkernel.api.monitor.PortBus;

/**
 * Programs the board through its ports as a BIOS does, so that a guest finds it as it expects: interrupts masked but wired
 * to the CPU, timer running, clock sane, PCI interrupts routed, power management at its address.
 */
final class ChipsetSetup {
    private static final int PIC1 = 0x20, PIC2 = 0xA0, ELCR = 0x4D0, PIT = 0x40, CMOS = 0x70, PORT_92 = 0x92, KBC_DATA = 0x60, KBC_COMMAND = 0x64;
    private static final int SHUTDOWN_STATUS = 0x0F;
    private static final int PM_FUNCTION = 3;
    private static final long SPURIOUS_VECTOR = Board.LOCAL_APIC + 0xF0, LINT0 = Board.LOCAL_APIC + 0x350, LINT1 = Board.LOCAL_APIC + 0x360;

    private final PortBus ports, mmio;
    private final Board board;

    ChipsetSetup(PortBus ports, PortBus mmio, Board board) {
        this.ports = ports;
        this.mmio = mmio;
        this.board = board;
    }

    /**
     * Everything that a guest without a firmware of its own relies on.
     *
     * @param resuming the shutdown status stays in CMOS for the code in ROM, which goes on where the guest wants
     */
    void run(boolean resuming) {
        virtualWire();
        ioapic();
        interruptControllers();
        timer();
        clock();
        if (!resuming) cmos(SHUTDOWN_STATUS, 0);
        keyboardController();
        piix4();
        new PciSetup(ports, board).run();
        ports.write(PORT_92, 1, 2); // gate A20 open
    }

    /**
     * True if the guest reset the machine in order to go on in real mode at its warm-reset vector (40:67), as the shutdown
     * status in CMOS says. Systems of the 286's time left protected mode this way.
     */
    boolean resumes() {
        int status = cmos(SHUTDOWN_STATUS);
        return status == 0x05 || status == 0x0A;
    }

    /** The PICs' INTR reaches the first CPU through its local APIC [MP] 3.6.2.2; the other CPUs are not started yet. */
    private void virtualWire() {
        mmio.write(SPURIOUS_VECTOR, 4, 0x1FF); // enabled
        mmio.write(LINT0, 4, 0x700); // ExtINT
        mmio.write(LINT1, 4, 0x400); // NMI
    }

    private void ioapic() {
        mmio.write(Board.IOAPIC, 4, 0); // select its id
        mmio.write(Board.IOAPIC + 0x10, 4, (long) board.ioapicId() << 24);
    }

    /** Vectors 08 and 70, everything masked but the cascade: nobody would serve them. PCI's and SCI's are level-triggered. */
    private void interruptControllers() {
        out(PIC1, 0x11);
        out(PIC1 + 1, 0x08);
        out(PIC1 + 1, 0x04);
        out(PIC1 + 1, 0x01);
        out(PIC2, 0x11);
        out(PIC2 + 1, 0x70);
        out(PIC2 + 1, 0x02);
        out(PIC2 + 1, 0x01);
        out(PIC1 + 1, 0xFB);
        out(PIC2 + 1, 0xFF);
        int level = 1 << Board.SCI;
        for (int wire = 0; wire < 4; wire++) level |= 1 << Board.pirqRoute(wire);
        out(ELCR, level & 0xFF);
        out(ELCR + 1, level >> 8);
    }

    /** Channel 0 at 18.2 Hz as square wave, channel 1 at the rate of memory refresh. */
    private void timer() {
        out(PIT + 3, 0x36);
        out(PIT, 0);
        out(PIT, 0);
        out(PIT + 3, 0x54);
        out(PIT + 1, 18);
    }

    private void clock() {
        cmos(0x0A, 0x26); // 32768 Hz, periodic rate 1024 Hz
        cmos(0x0B, 0x02); // 24 hours, BCD, no interrupts
        cmos(0x0C); // what was pending is forgotten
        cmos(0x0D);
    }

    /** Keyboard on with its interrupt and translation, mouse off; self-test passed. */
    private void keyboardController() {
        out(KBC_COMMAND, 0x60);
        out(KBC_DATA, 0x65);
    }

    private void piix4() {
        for (int wire = 0; wire < 4; wire++) {
            PciSetup.write(ports, Board.PIIX4_SLOT, 0, Board.pirqRegister(wire), 1, Board.pirqRoute(wire));
        }
        PciSetup.write(ports, Board.PIIX4_SLOT, PM_FUNCTION, 0x40, 4, Board.PM_BASE | 1); // PMBA
        PciSetup.write(ports, Board.PIIX4_SLOT, PM_FUNCTION, 0x80, 1, 1); // PMREGMISC: decode it
    }

    private void out(int port, int value) { ports.write(port, 1, value); }

    private int cmos(int index) {
        out(CMOS, index);
        return (int) ports.read(CMOS + 1, 1) & 0xFF;
    }

    private void cmos(int index, int value) {
        out(CMOS, index);
        out(CMOS + 1, value & 0xFF);
    }
}
