package devices.pc.interrupt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The 8259 pair against its datasheet, through its ports. */
class Pic8259Test {
    private static final int EOI = 0x20;

    private final PicPair pics = new PicPair(() -> { });

    @BeforeEach
    void initialize() {
        pics.reset();
        start(0, 0x11, 0x20, 4, 1);
        start(1, 0x11, 0x28, 2, 1);
        mask(0, 0);
        mask(1, 0);
    }

    private void start(int chip, int... words) {
        command(chip, words[0]);
        for (int i = 1; i < words.length; i++) mask(chip, words[i]);
    }

    private void command(int chip, int value) { (chip == 0 ? pics.masterPorts() : pics.slavePorts()).write(0, value); }

    private void mask(int chip, int value) { (chip == 0 ? pics.masterPorts() : pics.slavePorts()).write(1, value); }

    private int status(int chip) { return (chip == 0 ? pics.masterPorts() : pics.slavePorts()).read(0); }

    private int irr(int chip) {
        command(chip, 0x0A);
        return status(chip);
    }

    private int isr(int chip) {
        command(chip, 0x0B);
        return status(chip);
    }

    private void pulse(int irq) {
        pics.input(irq, false);
        pics.input(irq, true);
    }

    private int take() { return pics.intr() ? pics.acknowledge() : -1; }

    @Test
    void anEdgeIsOneInterruptWithItsVector() {
        pics.input(3, true);
        assertEquals(0x08, irr(0));
        assertEquals(0x23, take());
        assertEquals(0, irr(0));
        assertEquals(0x08, isr(0));
        command(0, EOI);
        assertEquals(0, isr(0));
        assertEquals(-1, take(), "the line is still high, but there was no new edge");
    }

    @Test
    void aLevelInterruptsUntilItsLineFalls() {
        pics.edgeLevelPorts().write(0, 0xFF);
        assertEquals(0xF8, pics.edgeLevelPorts().read(0), "IRQ 0 to 2 are edges always");
        pics.input(5, true);
        assertEquals(0x25, take());
        assertEquals(0x20, irr(0), "the request register follows a level");
        command(0, EOI);
        assertEquals(0x25, take());
        pics.input(5, false);
        command(0, EOI);
        assertEquals(-1, take());
    }

    @Test
    void lowerPriorityWaitsForTheEndAndHigherDoesNot() {
        pulse(4);
        assertEquals(0x24, take());
        pulse(6);
        assertEquals(-1, take());
        pulse(1);
        assertEquals(0x21, take());
        command(0, EOI);
        assertEquals(0x10, isr(0), "a non-specific end is for the highest in service");
        command(0, EOI);
        assertEquals(0x26, take());
    }

    @Test
    void theSlaveComesThroughInputTwoOfTheMaster() {
        pulse(12);
        assertEquals(0x04, irr(0));
        assertEquals(0x2C, take());
        assertEquals(0x04, isr(0));
        assertEquals(0x10, isr(1));
        pulse(8);
        assertEquals(-1, take(), "IR2 of the master is in service");
        command(1, EOI);
        command(0, EOI);
        assertEquals(0x28, take());
    }

    @Test
    void theSlaveOutranksWhatIsBelowInputTwo() {
        pulse(3);
        pulse(15);
        assertEquals(0x2F, take());
        command(1, EOI);
        command(0, EOI);
        assertEquals(0x23, take());
    }

    @Test
    void specialFullyNestedModeLetsTheSlaveInterruptItself() {
        start(0, 0x11, 0x20, 4, 0x11);
        pulse(12);
        assertEquals(0x2C, take());
        pulse(9);
        assertEquals(0x29, take());
        command(1, EOI);
        assertEquals(0x10, isr(1));
    }

    @Test
    void aRequestThatGoesAwayIsSpuriousIrq7() {
        pics.input(3, true);
        assertTrue(pics.intr());
        pics.input(3, false);
        assertFalse(pics.intr());
        assertEquals(0x27, pics.acknowledge());
        assertEquals(0, isr(0), "a spurious interrupt is not in service");
    }

    @Test
    void aSlaveRequestThatGoesAwayDuringTheAcknowledgeIsSpuriousIrq15() {
        pics.edgeLevelPorts().write(1, 0x02);
        pics.input(9, true);
        mask(1, 0xFF); // the slave withdraws, and its INT falls: the master sees nothing
        assertFalse(pics.intr());
        mask(1, 0);
        Pic8259 master = new Pic8259(4, 0), slave = new Pic8259(0, 0);
        master.reset(0x20);
        slave.reset(0x28);
        master.write(1, 0);
        master.input(2, true); // what a slave does that withdraws between the two INTA pulses
        assertEquals(2, master.acknowledge());
        assertEquals(0x2F, slave.vector(slave.acknowledge()));
        master.write(0, 0x0B);
        assertEquals(4, master.read(0), "the master has the cascade in service and needs its end");
    }

    @Test
    void specialMaskModeLetsLowerInterruptsThrough() {
        pulse(2 + 1);
        assertEquals(0x23, take());
        pulse(6);
        assertEquals(-1, take());
        mask(0, 0x08);
        assertEquals(-1, take(), "a mask alone does not help");
        command(0, 0x68);
        assertEquals(0x26, take());
        command(0, EOI);
        assertEquals(0x08, isr(0), "a non-specific end passes over what is masked in this mode");
        command(0, 0x48);
        command(0, EOI);
        assertEquals(0, isr(0));
    }

    @Test
    void specificEndsAndRotation() {
        pulse(5);
        assertEquals(0x25, take());
        command(0, 0xE0 | 5); // rotate on specific end: 5 is the lowest now
        pulse(4);
        pulse(6);
        assertEquals(0x26, take(), "6 is the highest");
        command(0, 0xA0); // rotate on non-specific end: 6 is the lowest
        pulse(6);
        assertEquals(0x24, take());
        command(0, 0x60 | 4);
        assertEquals(0x26, take());
        command(0, 0xC0 | 7); // set priority without an end
        assertEquals(0x40, isr(0));
    }

    @Test
    void automaticEndLeavesNothingInService() {
        start(0, 0x11, 0x20, 4, 3);
        pulse(4);
        assertEquals(0x24, take());
        assertEquals(0, isr(0));
        command(0, 0x80); // and rotate
        pulse(4);
        assertEquals(0x24, take());
        pulse(4);
        pulse(5);
        assertEquals(0x25, take(), "4 was put at the end");
    }

    @Test
    void pollIsAnAcknowledgeByReading() {
        pulse(6);
        command(0, 0x0C);
        assertEquals(0x86, status(0));
        assertEquals(0x40, isr(0));
        assertFalse(pics.intr());
        command(0, EOI);
        command(0, 0x0C);
        assertEquals(0, status(0) & 0x80);
        pulse(9);
        command(1, 0x0C);
        assertEquals(0x81, pics.slavePorts().read(1), "with A0 high too");
        assertFalse(pics.intr());
    }

    @Test
    void theFirstInitializationWordClears() {
        pulse(4);
        take();
        mask(0, 0xAA);
        pics.input(1, false);
        pics.input(1, true);
        start(0, 0x11, 0x40, 4, 1);
        assertEquals(0, pics.masterPorts().read(1));
        assertEquals(0, isr(0));
        assertEquals(0, irr(0), "a line that stays high makes no request");
        pulse(1);
        assertEquals(0x41, take());
    }

    @Test
    void nothingIsAskedBeforeTheSequenceIsComplete() {
        command(0, 0x11);
        pulse(1);
        assertFalse(pics.intr());
        mask(0, 0x50);
        mask(0, 4);
        assertFalse(pics.intr());
        mask(0, 1);
        assertEquals(0x51, take());
    }

    @Test
    void withoutTheFourthWordTheModeIsThatOfAnOlderProcessor() {
        start(0, 0x10 | 0x04, 0x20, 4); // no ICW4: call addresses, 4 bytes apart
        pulse(3);
        assertEquals(0x0C, take());
    }

    @Test
    void aSingleChipHasNoThirdWord() {
        start(0, 0x13, 0x60, 1);
        pulse(1);
        assertEquals(0x61, take());
        assertEquals(0, pics.masterPorts().read(1));
    }

    @Test
    void masksReadBackAndHoldRequests() {
        mask(0, 0xFB);
        pulse(1);
        assertFalse(pics.intr());
        assertEquals(0xFB, pics.masterPorts().read(1));
        mask(0, 0);
        assertEquals(0x21, take());
    }

    @Test
    void aRestoredLevelMakesNoEdge() {
        pics.restore(4, true);
        assertFalse(pics.intr());
        pics.input(4, false);
        pics.input(4, true);
        assertEquals(0x24, take());
    }

    @Test
    void statusReadsWhatWasChosenLast() {
        pulse(4);
        assertEquals(0x10, irr(0));
        assertEquals(0x10, status(0), "still the requests");
        take();
        assertEquals(0x10, isr(0));
        assertEquals(0x10, status(0));
        command(0, 0x68); // OCW3 for the special mask does not touch the choice
        assertEquals(0x10, status(0));
    }
}
