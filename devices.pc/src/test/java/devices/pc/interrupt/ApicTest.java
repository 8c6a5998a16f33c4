package devices.pc.interrupt;

import static devices.pc.TestMachine.MICRO;
import static devices.pc.TestMachine.MILLI;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Local APIC and IOAPIC against the SDM and the 82093AA's datasheet, through their registers. */
class ApicTest {
    private static final long APIC = 0xFEE0_0000L, IOAPIC = 0xFEC0_0000L;
    private static final int ID = 0x20, VERSION = 0x30, TPR = 0x80, PPR = 0xA0, EOI = 0xB0, LDR = 0xD0, DFR = 0xE0, SVR = 0xF0;
    private static final int ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280, ICR = 0x300, ICR2 = 0x310, TIMER = 0x320, LINT0 = 0x350, LINT1 = 0x360, ERROR = 0x370;
    private static final int INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3E0;
    private static final int LEVEL = 0x8000, MASKED = 0x10000, LOGICAL = 0x800, LOW_ACTIVE = 0x2000, REMOTE_IRR = 0x4000;

    private TestMachine pc;

    @BeforeEach
    void enable() { start(TestMachine.board()); }

    private void start(TestMachine machine) {
        pc = machine.pics();
        pc.out(0x21, 0xFF);
        pc.out(0xA1, 0xFF);
        pc.serviceAll(0x20);
        apic(SVR, 0x1FF);
    }

    private long apic(int register) { return pc.read(APIC + register); }

    private void apic(int register, long value) { pc.write(APIC + register, value); }

    private long ioApic(int register) {
        pc.write(IOAPIC, register);
        return pc.read(IOAPIC + 0x10);
    }

    private void ioApic(int register, long value) {
        pc.write(IOAPIC, register);
        pc.write(IOAPIC + 0x10, value);
    }

    private void redirect(int pin, long low) { redirect(pin, low, 0); }

    private void redirect(int pin, long low, int destination) {
        ioApic(0x11 + 2 * pin, (long) destination << 24);
        ioApic(0x10 + 2 * pin, low);
    }

    private void selfIpi(int vector) { apic(ICR, 0x4_0000 | vector); }

    private void line(int line, boolean level) { pc.sink.line(line, level); }

    private void pulse(int line) {
        line(line, true);
        line(line, false);
    }

    private boolean bit(int registers, int vector) { return (apic(registers + (vector >> 5 << 4)) >> (vector & 31) & 1) != 0; }

    // -- registers --

    @Test
    void itTellsWhatItIs() {
        assertEquals(0x0005_0014, apic(VERSION));
        assertEquals(0, apic(ID));
        assertEquals(0xFFFF_FFFFL, apic(DFR));
        assertEquals(0x0017_0011, ioApic(1));
    }

    @Test
    void readOnlyRegistersStay() {
        long version = apic(VERSION);
        apic(VERSION, ~version);
        assertEquals(version, apic(VERSION));
        ioApic(1, ~ioApic(1));
        assertEquals(0x0017_0011, ioApic(1));
        ioApic(0, 0xFFFF_FFFFL);
        assertEquals(0x0F00_0000, ioApic(0), "only bits 27:24");
        assertEquals(0x0F00_0000, ioApic(2), "the arbitration id follows");
        ioApic(2, 0);
        assertEquals(0x0F00_0000, ioApic(2));
        assertEquals(0, ioApic(0x40));
    }

    @Test
    void afterResetTheFirstLint0PassesThe8259sOn() {
        TestMachine fresh = TestMachine.board();
        assertEquals(0x700, fresh.read(APIC + LINT0));
        assertEquals(MASKED, fresh.read(APIC + LINT1));
        assertEquals(0xFF, fresh.read(APIC + SVR));
    }

    @Test
    void softwareDisableMasksAllLocalVectors() {
        apic(TIMER, 0x20);
        apic(LINT0, 0x700);
        apic(SVR, 0xFF);
        assertEquals(MASKED | 0x20, apic(TIMER));
        assertEquals(MASKED | 0x700, apic(LINT0));
        apic(TIMER, 0x30);
        assertEquals(MASKED | 0x30, apic(TIMER), "and they stay masked");
        selfIpi(0x50);
        assertFalse(pc.intr());
        apic(SVR, 0x1FF);
        assertFalse(pc.intr(), "it was not accepted");
    }

    @Test
    void unknownRegistersAreErrors() {
        apic(ESR, 0);
        assertEquals(0, apic(0x2F0 + 0x800));
        assertEquals(0, apic(ESR), "latched by a write only");
        apic(ESR, 0);
        assertEquals(0x80, apic(ESR));
        apic(ESR, 0);
        assertEquals(0, apic(ESR));
    }

    @Test
    void illegalVectorsAreErrorsWithAnInterrupt() {
        apic(ERROR, 0x61);
        selfIpi(0x0F);
        assertEquals(0x61, pc.take());
        apic(EOI, 0);
        apic(ESR, 0);
        assertEquals(0x20, apic(ESR));
        redirect(14, 0x05);
        pulse(14);
        apic(ESR, 0);
        assertEquals(0x40, apic(ESR));
    }

    // -- priorities --

    @Test
    void anInterruptGoesFromRequestToServiceToEnd() {
        selfIpi(0x51);
        assertTrue(bit(IRR, 0x51));
        assertEquals(0x51, pc.take());
        assertFalse(bit(IRR, 0x51));
        assertTrue(bit(ISR, 0x51));
        assertEquals(0x50, apic(PPR));
        assertFalse(pc.intr());
        apic(EOI, 0);
        assertFalse(bit(ISR, 0x51));
        assertEquals(0, apic(PPR));
    }

    @Test
    void aHigherClassInterruptsAndTheSameClassWaits() {
        selfIpi(0x51);
        pc.take();
        selfIpi(0x5F);
        assertFalse(pc.intr());
        selfIpi(0x60);
        assertEquals(0x60, pc.take());
        apic(EOI, 0);
        assertFalse(pc.intr());
        apic(EOI, 0);
        assertEquals(0x5F, pc.take());
    }

    @Test
    void theTaskPriorityHoldsInterruptsBack() {
        apic(TPR, 0x50);
        selfIpi(0x5F);
        assertFalse(pc.intr());
        assertEquals(5, pc.sink.taskPriority(0));
        pc.sink.taskPriority(0, 4);
        assertEquals(0x40, apic(TPR));
        assertTrue(pc.intr());
        apic(TPR, 0x5A);
        assertFalse(pc.intr());
        assertEquals(0xFF, pc.acknowledge(), "spurious: it went away before the acknowledge");
        assertFalse(bit(ISR, 0xFF), "not in service");
        apic(TPR, 0);
        assertEquals(0x5F, pc.take());
        apic(TPR, 0x73);
        assertEquals(0x73, apic(PPR));
        apic(TPR, 0x23);
        assertEquals(0x50, apic(PPR));
    }

    @Test
    void aRequestThatIsPendingAlreadyIsOne() {
        selfIpi(0x41);
        selfIpi(0x41);
        assertEquals(0x41, pc.take());
        selfIpi(0x41);
        apic(EOI, 0);
        assertEquals(0x41, pc.take());
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    // -- timer --

    @Test
    void theTimerCountsDownOnce() {
        apic(DIVIDE, 0xB); // by 1: 10 ns
        apic(TIMER, 0xEE);
        apic(INITIAL, 100_000);
        assertEquals(100_000, apic(CURRENT));
        pc.advance(500 * MICRO);
        assertEquals(50_000, apic(CURRENT));
        assertFalse(pc.intr());
        pc.advance(500 * MICRO);
        assertEquals(0xEE, pc.take());
        apic(EOI, 0);
        assertEquals(0, apic(CURRENT));
        assertEquals(100_000, apic(INITIAL));
        pc.advance(10 * MILLI);
        assertFalse(pc.intr());
    }

    @Test
    void theTimerRepeatsAndMissesNothing() {
        apic(DIVIDE, 0x3); // by 16
        apic(TIMER, 0x200EE);
        apic(INITIAL, 62_500); // 10 ms
        pc.stall(95 * MILLI);
        int ticks = 0;
        for (int vector = pc.take(); vector >= 0; vector = pc.take(), ticks++) apic(EOI, 0);
        assertEquals(9, ticks);
        assertEquals(62_500 / 2, apic(CURRENT), 1);
        apic(INITIAL, 0);
        pc.advance(95 * MILLI);
        assertFalse(pc.intr());
        assertEquals(0, apic(CURRENT));
    }

    @Test
    void theDividerHasEightSettings() {
        int[][] settings = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};
        for (int[] setting : settings) {
            apic(DIVIDE, setting[0]);
            assertEquals(setting[0], apic(DIVIDE));
            apic(INITIAL, 1_000_000);
            pc.advance(128 * 10 * MICRO);
            assertEquals(1_000_000 - 128_000 / setting[1], apic(CURRENT), "by " + setting[1]);
        }
    }

    @Test
    void changingTheModeKeepsTheCount() {
        apic(DIVIDE, 0xB);
        apic(TIMER, MASKED | 0x20);
        apic(INITIAL, 1_000_000); // 10 ms
        pc.advance(6 * MILLI);
        apic(TIMER, 0x20020);
        assertEquals(400_000, apic(CURRENT));
        pc.advance(5 * MILLI);
        assertEquals(900_000, apic(CURRENT), "periodic now");
        apic(TIMER, MASKED | 0x20);
        assertEquals(900_000, apic(CURRENT));
        pc.advance(10 * MILLI);
        assertEquals(0, apic(CURRENT), "one-shot again");
        apic(TIMER, 0x20020 | MASKED);
        assertEquals(0, apic(CURRENT), "a stopped count stays at zero");
        pc.advance(50 * MILLI);
        assertEquals(0, apic(CURRENT));
    }

    @Test
    void aMaskedTimerRunsSilently() {
        apic(DIVIDE, 0xB);
        apic(TIMER, 0x200EE | MASKED);
        apic(INITIAL, 10_000);
        pc.advance(MILLI);
        assertFalse(pc.intr());
        apic(TIMER, 0x200EE);
        assertFalse(pc.intr(), "what passed while it was masked is not made up for");
        pc.advance(100 * MICRO);
        assertEquals(0xEE, pc.take());
    }

    // -- interprocessor interrupts --

    @Test
    void destinationsOfIpis() {
        start(TestMachine.board(1));
        apic(ICR2, 0);
        apic(ICR, 0x4041);
        assertEquals(0x41, pc.take());
        apic(EOI, 0);
        apic(ICR2, 5L << 24);
        apic(ICR, 0x4041);
        assertEquals(-1, pc.take(), "there is no CPU 5");
        apic(ICR2, 0xFFL << 24);
        apic(ICR, 0x4042);
        assertEquals(0x42, pc.take(), "broadcast");
        apic(EOI, 0);
        apic(LDR, 0x0400_0000);
        apic(ICR2, 0x0600_0000);
        apic(ICR, 0x4043 | LOGICAL);
        assertEquals(0x43, pc.take(), "flat model");
        apic(EOI, 0);
        apic(DFR, 0x0FFF_FFFF);
        apic(LDR, 0x3200_0000);
        apic(ICR2, 0x3600_0000);
        apic(ICR, 0x4044 | LOGICAL);
        assertEquals(0x44, pc.take(), "cluster model");
        apic(EOI, 0);
        apic(ICR2, 0x2600_0000);
        apic(ICR, 0x4045 | LOGICAL);
        assertEquals(-1, pc.take(), "another cluster");
        apic(ICR, 0x8_4046);
        assertEquals(0x46, pc.take(), "all including self");
        apic(EOI, 0);
        apic(ICR, 0xC_4047);
        assertEquals(-1, pc.take(), "all excluding self");
    }

    @Test
    void nmiInitAndStartupReachTheirCpu() {
        start(TestMachine.board(2));
        apic(ICR2, 1L << 24);
        apic(ICR, 0x4400);
        assertEquals(1, pc.pins.nmis[1]);
        assertEquals(0, pc.pins.nmis[0]);
        apic(ICR, 0xC500);
        assertEquals(1, pc.pins.inits[1]);
        apic(ICR, 0x8500);
        assertEquals(1, pc.pins.inits[1], "the de-assert does nothing");
        apic(ICR, 0x4608);
        assertEquals(8, pc.pins.startups[1]);
        apic(ICR, 0xC_4400);
        assertEquals(2, pc.pins.nmis[1]);
        assertEquals(0, pc.pins.nmis[0]);
        assertEquals(0, apic(ICR) & 0x1000, "sent");
    }

    @Test
    void lowestPriorityChoosesTheIdlerCpu() {
        start(TestMachine.board(2));
        apic(ICR2, 0xFFL << 24);
        apic(ICR, 0x4141);
        assertTrue(pc.pins.level[0], "the other one is not enabled");
    }

    // -- base register --

    @Test
    void theHardwareEnableTakesItAwayAndThe8259sStay() {
        pc.out(0x21, 0xFE);
        apic(LINT0, MASKED);
        pc.advance(100 * MILLI);
        assertFalse(pc.intr());
        pc.sink.apicBase(0, 0xFEE0_0100L);
        assertEquals(0xFFFF_FFFFL, apic(VERSION));
        assertEquals(0xFFFF_FFFFL, apic(TPR));
        assertEquals(0x20, pc.take(), "INTR is the CPU's pin again");
        pc.sink.apicBase(0, 0xFEE0_0900L);
        assertEquals(0x0005_0014, apic(VERSION));
        assertEquals(0xFF, apic(SVR), "as after a reset");
    }

    @Test
    void theRegistersMove() {
        pc.sink.apicBase(0, 0x4200_0900L);
        assertEquals(0x0005_0014, pc.read(0x4200_0030L));
        assertEquals(0xFFFF_FFFFL, apic(VERSION));
        pc.sink.apicBase(0, 0xFEE0_0900L);
        assertEquals(0x0005_0014, apic(VERSION));
        assertEquals(0x1FF, apic(SVR));
        pc.sink.apicBase(0, IOAPIC | 0x900);
        assertEquals(0x0017_0011, ioApic(1), "the IOAPIC was there first");
        assertEquals(1, pc.misuses.size());
    }

    // -- local pins --

    @Test
    void lint0InFixedModeTakesItsOwnVector() {
        apic(LINT0, 0x41);
        pc.out(0x21, 0xFD);
        line(1, true);
        assertEquals(0x41, pc.take());
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    @Test
    void lint0InNmiModeIsAWatchdog() {
        apic(LINT0, 0x400);
        pc.out(0x21, 0xFE);
        pc.advance(550 * MILLI);
        assertEquals(10, pc.pins.nmis[0], 1);
    }

    @Test
    void aLevelOnLint0WaitsForItsEnd() {
        apic(LINT0, LEVEL | 0x41);
        pc.out(0x21, 0xFD);
        line(1, true);
        assertEquals(0x41, pc.take());
        assertEquals(LEVEL | REMOTE_IRR | 0x41, apic(LINT0));
        apic(EOI, 0);
        assertEquals(0x41, pc.take());
        line(1, false);
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    @Test
    void thePicComesThroughTheIoApicAsExtInt() {
        apic(LINT0, MASKED);
        redirect(0, 0x700);
        pc.out(0x21, 0xFD);
        line(1, true);
        assertEquals(0x21, pc.take());
    }

    // -- IOAPIC --

    @Test
    void anEdgeIsOneInterrupt() {
        redirect(14, 0x76);
        pulse(14);
        assertEquals(0x76, pc.take());
        apic(EOI, 0);
        assertEquals(-1, pc.take());
        line(14, true);
        line(14, true);
        assertEquals(0x76, pc.take());
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    @Test
    void edgesWhileOneIsPendingAreOneMore() {
        redirect(14, 0x76);
        pulse(14);
        assertEquals(0x76, pc.take());
        pulse(14);
        pulse(14);
        apic(EOI, 0);
        assertEquals(0x76, pc.take());
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    @Test
    void aMaskedEdgeIsLost() {
        redirect(14, MASKED | 0x76);
        line(14, true);
        redirect(14, 0x76);
        assertEquals(-1, pc.take());
        line(14, false);
        pulse(14);
        assertEquals(0x76, pc.take());
    }

    @Test
    void aLevelComesAgainAfterItsEndWhileItIsHigh() {
        redirect(14, LEVEL | 0x76);
        line(14, true);
        assertEquals(0x76, pc.take());
        assertEquals(LEVEL | REMOTE_IRR | 0x76, ioApic(0x10 + 28));
        assertTrue(bit(TMR, 0x76));
        apic(EOI, 0);
        assertEquals(0x76, pc.take());
        line(14, false);
        apic(EOI, 0);
        assertEquals(LEVEL | 0x76, ioApic(0x10 + 28));
        assertEquals(-1, pc.take());
    }

    @Test
    void aLevelThatFellAndRoseBeforeItsEndIsServedAgainOnce() {
        redirect(14, LEVEL | 0x76);
        line(14, true);
        assertEquals(0x76, pc.take());
        line(14, false);
        line(14, true);
        assertEquals(-1, pc.take());
        apic(EOI, 0);
        assertEquals(0x76, pc.take());
        line(14, false);
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    @Test
    void aMaskedLevelWaitsForTheMask() {
        redirect(14, MASKED | LEVEL | 0x76);
        line(14, true);
        assertEquals(-1, pc.take());
        redirect(14, LEVEL | 0x76);
        assertEquals(0x76, pc.take());
        redirect(14, MASKED | LEVEL | 0x76);
        assertEquals(MASKED | LEVEL | REMOTE_IRR | 0x76, ioApic(0x10 + 28), "masking keeps remote IRR");
        apic(EOI, 0);
        assertEquals(-1, pc.take());
        redirect(14, LEVEL | 0x76);
        assertEquals(0x76, pc.take());
    }

    @Test
    void aLevelThatGoesAwayBeforeTheAcknowledgeIsDeliveredAllTheSame() {
        redirect(14, LEVEL | 0x76);
        pulse(14);
        assertEquals(0x76, pc.take());
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    @Test
    void goingToEdgeModeClearsRemoteIrr() {
        redirect(14, LEVEL | 0x76);
        line(14, true);
        pc.take();
        redirect(14, 0x76);
        redirect(14, LEVEL | MASKED | 0x76);
        assertEquals(LEVEL | MASKED | 0x76, ioApic(0x10 + 28));
    }

    @Test
    void twoAtOnceComeByVector() {
        redirect(14, 0x78);
        redirect(15, 0x66);
        pulse(15);
        pulse(14);
        assertEquals(0x78, pc.take());
        assertEquals(-1, pc.take());
        apic(EOI, 0);
        assertEquals(0x66, pc.take());
    }

    @Test
    void twoLevelPinsMayShareAVector() {
        redirect(14, LEVEL | 0x76);
        redirect(15, LEVEL | 0x76);
        line(14, true);
        line(15, true);
        assertEquals(0x76, pc.take());
        line(14, false);
        apic(EOI, 0);
        assertEquals(0x76, pc.take());
        line(15, false);
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }

    @Test
    void logicalDestinations() {
        apic(LDR, 0x0200_0000);
        redirect(14, LOGICAL | 0x76, 2);
        pulse(14);
        assertEquals(0x76, pc.take());
        apic(EOI, 0);
        redirect(14, LOGICAL | 0x100 | 0x76, 0xFF);
        pulse(14);
        assertEquals(0x76, pc.take(), "lowest priority");
        apic(EOI, 0);
        redirect(14, LOGICAL | 0x76, 4);
        pulse(14);
        assertEquals(-1, pc.take());
    }

    @Test
    void aLevelThatNobodyTookIsTriedAgain() {
        redirect(14, LEVEL | LOGICAL | 0x76, 2);
        line(14, true);
        assertEquals(LEVEL | LOGICAL | 0x76, ioApic(0x10 + 28));
        apic(LDR, 0x0200_0000);
        assertEquals(0x76, pc.take());
    }

    @Test
    void irq0IsPin2AndPciLinesAreActiveLow() {
        redirect(2, 0x30);
        pulse(0);
        assertEquals(0x30, pc.take());
        apic(EOI, 0);
        redirect(17, LEVEL | LOW_ACTIVE | 0x91);
        assertEquals(-1, pc.take());
        line(17, true);
        assertEquals(0x91, pc.take());
        line(17, false);
        apic(EOI, 0);
        assertEquals(-1, pc.take());
        redirect(17, LEVEL | 0x91);
        assertEquals(0x91, pc.take(), "with the wrong polarity the idle line asks all the time");
    }

    @Test
    void nmiThroughTheIoApic() {
        redirect(14, 0x400);
        line(14, true);
        line(14, false);
        assertEquals(1, pc.pins.nmis[0]);
        redirect(14, LEVEL | 0x400);
        line(14, true);
        ioApic(0x10 + 28, LEVEL | 0x400);
        assertEquals(2, pc.pins.nmis[0], "an edge, whatever the entry says");
    }

    @Test
    void pciLinesReachThe8259sWhereThePiixRoutesThem() {
        pc.out(0x21, 0);
        pc.out(0xA1, 0);
        pc.serviceAll(0x20);
        apic(LINT0, 0x700);
        pc.out(0x4D1, 0x0C);
        pc.pci(7, 0, 0x60, 0x80808B0AL); // A# to 10, B# to 11
        line(16, true);
        assertEquals(0x2A, pc.take());
        line(16, false);
        pc.out(0xA0, 0x20);
        pc.out(0x20, 0x20);
        line(17, true);
        assertEquals(-1, pc.take(), "bit 7 turns a route off");
        pc.pci(7, 0, 0x60, 0x80800B0AL);
        assertEquals(0x2B, pc.take());
    }

    @Test
    void aLineWithTwoDriversIsHighWhileEitherDrives() {
        redirect(9, LEVEL | 0x99);
        apic(TPR, 0);
        pc.out(0xB2, 0xF1);
        pc.out16(0x1002, 0x100);
        line(9, true);
        assertEquals(0x99, pc.take());
        line(9, false);
        apic(EOI, 0);
        assertEquals(-1, pc.take());
    }
}
