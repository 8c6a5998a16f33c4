package devices.pc.serial;

import static devices.pc.TestMachine.MILLI;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The UART against its datasheet, and as Linux's 8250 driver looks at it. */
class Uart16550Test {
    private static final int DATA = 0x3F8, IER = 0x3F9, IIR = 0x3FA, LCR = 0x3FB, MCR = 0x3FC, LSR = 0x3FD, MSR = 0x3FE, SCR = 0x3FF;

    private final TestMachine pc = new TestMachine(1, 16 << 20);
    private TestMachine.Stream stream;

    @BeforeEach
    void plug() {
        pc.add("uart", "serial0");
        stream = pc.streams.get("serial0");
        pc.out(LCR, 3);
        pc.out(MCR, 0x0B);
    }

    private boolean irq() { return pc.lines[4]; }

    @Test
    void bytesGoOutAndComeIn() {
        assertEquals(0x60, pc.in(LSR));
        pc.out(DATA, 'h', 'i');
        assertEquals("hi", stream.output.toString());
        assertEquals(0x60, pc.in(LSR));
        stream.type("ok");
        assertEquals(0x61, pc.in(LSR));
        assertEquals('o', pc.in(DATA));
        assertEquals('k', pc.in(DATA));
        assertEquals(0x60, pc.in(LSR));
    }

    @Test
    void portsAndInterruptsOfTheFourPorts() {
        int[] bases = {0x3F8, 0x2F8, 0x3E8, 0x2E8}, irqs = {4, 3, 4, 3};
        TestMachine machine = new TestMachine(1, 16 << 20);
        for (int i = 0; i < 4; i++) {
            machine.add("uart", "serial" + i);
            machine.out(bases[i] + 4, 8);
            machine.out(bases[i] + 1, 2);
            assertTrue(machine.lines[irqs[i]]);
            machine.in(bases[i] + 2);
            assertFalse(machine.lines[irqs[i]]);
        }
        assertThrows(IllegalArgumentException.class, () -> machine.add("uart", "serial4"));
        assertThrows(IllegalArgumentException.class, () -> machine.add("uart", "parallel0"));
    }

    @Test
    void linuxFindsA16550A() {
        pc.out(IER, 0);
        assertEquals(0, pc.in(IER) & 0x0F);
        pc.out(IER, 0x0F);
        assertEquals(0x0F, pc.in(IER) & 0x0F);
        pc.out(IER, 0);
        pc.out(MCR, 0x1A); // loop, OUT2, RTS
        assertEquals(0x90, pc.in(MSR) & 0xF0);
        pc.out(MCR, 0);
        pc.out(LCR, 0xBF);
        assertTrue(pc.in(IIR) != 0, "no 16650's EFR here");
        pc.out(LCR, 0);
        pc.out(IIR, 1);
        assertEquals(0xC0, pc.in(IIR) & 0xC0);
        pc.out(LCR, 0x80);
        assertTrue(pc.in(IIR) != 0);
        pc.out(LCR, 0);
        pc.out(IIR, 0x21);
        assertEquals(0xC1, pc.in(IIR), "no 16750's 64-byte FIFO");
        pc.out(IER, 0x40);
        assertEquals(0, pc.in(IER), "no XScale's UUE");
        pc.out(SCR, 0xA5);
        assertEquals(0xA5, pc.in(SCR));
    }

    @Test
    void theDivisorIsBehindTheLatchBit() {
        pc.out(LCR, 0x83);
        pc.out(DATA, 0x34);
        pc.out(IER, 0x12);
        assertEquals(0x34, pc.in(DATA));
        assertEquals(0x12, pc.in(IER));
        assertEquals("", stream.output.toString());
        pc.out(LCR, 3);
        assertEquals(0, pc.in(IER));
    }

    @Test
    void enablingTheTransmitterInterruptsAtOnceAndAgain() {
        pc.out(IER, 2);
        assertTrue(irq());
        assertEquals(0x02, pc.in(IIR));
        assertFalse(irq(), "reading the identification clears it");
        assertEquals(0x01, pc.in(IIR));
        pc.out(IER, 0);
        pc.out(IER, 2);
        assertTrue(irq(), "Linux tests exactly this");
        pc.out(DATA, 'x');
        assertTrue(irq(), "and empty again");
    }

    @Test
    void aBusyStreamKeepsTheTransmitterBusy() {
        stream.full = true;
        pc.out(IIR, 1);
        pc.out(IER, 2);
        pc.in(IIR);
        for (int i = 0; i < 16; i++) pc.out(DATA, 'a' + i);
        assertEquals(0, pc.in(LSR) & 0x60);
        assertFalse(irq());
        stream.drain();
        assertEquals("abcdefghijklmnop", stream.output.toString());
        assertEquals(0x60, pc.in(LSR) & 0x60);
        assertTrue(irq());
    }

    @Test
    void receivedDataInterruptsAtTheTriggerLevel() {
        pc.out(IIR, 0x81); // 8 bytes
        pc.out(IER, 1);
        stream.type("1234567");
        assertFalse(irq());
        stream.type("8");
        assertTrue(irq());
        assertEquals(0xC4, pc.in(IIR));
        pc.in(DATA);
        assertFalse(irq());
    }

    @Test
    void bytesBelowTheTriggerLevelTimeOut() {
        pc.out(LCR, 0x83);
        pc.out(DATA, 1); // 115200 baud
        pc.out(IER, 0);
        pc.out(LCR, 3);
        pc.out(IIR, 0xC1);
        pc.out(IER, 1);
        stream.type("ab");
        pc.advance(300_000);
        assertFalse(irq());
        pc.advance(100_000);
        assertTrue(irq(), "four characters of 86.8 microseconds");
        assertEquals(0xCC, pc.in(IIR));
        assertEquals('a', pc.in(DATA));
        assertFalse(irq());
        pc.advance(MILLI);
        assertTrue(irq());
        assertEquals('b', pc.in(DATA));
        pc.advance(MILLI);
        assertFalse(irq());
    }

    @Test
    void moreInputThanTheFifoWaitsInTheStream() {
        pc.out(IIR, 0xC1);
        stream.type("0123456789abcdefghijklmnopqrstuvwxyz");
        StringBuilder all = new StringBuilder();
        while ((pc.in(LSR) & 1) != 0) all.append((char) pc.in(DATA));
        assertEquals("0123456789abcdefghijklmnopqrstuvwxyz", all.toString());
        assertEquals(0, pc.in(LSR) & 2);
    }

    @Test
    void interruptsComeInTheirOrder() {
        pc.out(MCR, 0x18);
        pc.out(IIR, 0);
        pc.out(DATA, 1, 2); // the second overruns the first in the loop
        pc.out(MCR, 0x1A); // RTS: delta CTS
        pc.out(IER, 0x0F);
        assertEquals(0x06, pc.in(IIR));
        assertEquals(0x63, pc.in(LSR));
        assertEquals(0x04, pc.in(IIR));
        assertEquals(2, pc.in(DATA));
        assertEquals(0x02, pc.in(IIR));
        assertEquals(0x00, pc.in(IIR));
        assertEquals(0x10, pc.in(MSR) & 0x10);
        assertEquals(0x01, pc.in(IIR));
    }

    @Test
    void theLoopConnectsModemOutputsToInputs() {
        pc.out(MCR, 0x10);
        pc.in(MSR);
        int[][] wires = {{1, 0x22}, {2, 0x11}, {8, 0x88}};
        for (int[] wire : wires) {
            pc.out(MCR, 0x10 | wire[0]);
            assertEquals(wire[1], pc.in(MSR));
            pc.out(MCR, 0x10);
            assertEquals(wire[1] & 0x0F, pc.in(MSR));
        }
        pc.out(MCR, 0x14);
        assertEquals(0x40, pc.in(MSR));
        pc.out(MCR, 0x10);
        assertEquals(0x04, pc.in(MSR), "the trailing edge of RI");
        pc.out(DATA, 'z');
        assertEquals("", stream.output.toString());
        assertEquals('z', pc.in(DATA));
    }

    @Test
    void aLoopedFifoOverruns() {
        pc.out(MCR, 0x10);
        pc.out(IIR, 1);
        for (int i = 0; i < 17; i++) pc.out(DATA, i);
        assertEquals(0x63, pc.in(LSR));
        assertEquals(0x61, pc.in(LSR), "reading clears the error");
        for (int i = 0; i < 16; i++) assertEquals(i, pc.in(DATA));
        assertEquals(0x60, pc.in(LSR));
    }

    @Test
    void out2GatesTheInterrupt() {
        pc.out(MCR, 3);
        pc.out(IER, 2);
        assertFalse(irq());
        pc.out(MCR, 0x0B);
        assertTrue(irq());
    }

    @Test
    void theTerminalIsReady() {
        assertEquals(0xB0, pc.in(MSR));
    }

    @Test
    void clearingAndTogglingTheFifosEmptiesThem() {
        pc.out(IIR, 1);
        stream.type("abc");
        pc.out(IIR, 3);
        assertEquals(0x60, pc.in(LSR));
        stream.type("abc");
        pc.out(IIR, 0);
        assertEquals(0x60, pc.in(LSR));
        stream.full = true;
        pc.out(DATA, 'x');
        assertEquals(0, pc.in(LSR) & 0x20);
        pc.out(IIR, 1);
        assertEquals(0x20, pc.in(LSR) & 0x20);
        stream.drain();
        assertEquals("", stream.output.toString());
    }

    @Test
    void shortCharactersLoseTheirHighBits() {
        pc.out(LCR, 0);
        pc.out(DATA, 0xFF);
        assertEquals(0x1F, stream.output.charAt(0));
    }

    @Test
    void inputFromBeforeTheResetIsThere() {
        TestMachine machine = new TestMachine(1, 16 << 20);
        machine.streams.put("serial0", new TestMachine.Stream());
        machine.streams.get("serial0").type("early");
        machine.add("uart", "serial0");
        machine.out(DATA, 'x');
        assertEquals("x", machine.streams.get("serial0").output.toString(), "8N1 from the start");
        assertEquals('e', machine.in(DATA));
    }
}
