package devices.pc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The board as a guest first meets it. */
class BoardSmokeTest {
    @Test
    void ticksComeThroughThe8259AndTheFirstCpusLint0() {
        TestMachine pc = TestMachine.board().pics();
        pc.out(0x43, 0x34);
        pc.out(0x40, 1193182 / 100 & 0xFF, 1193182 / 100 >> 8);
        pc.serviceAll(0x20);
        int ticks = 0;
        for (int i = 0; i < 1000; i++) {
            pc.advance(TestMachine.MILLI);
            ticks += pc.serviceAll(0x20);
        }
        assertTrue(ticks >= 99 && ticks <= 101, "100 Hz: " + ticks);
    }

    @Test
    void lateTicksAreDeliveredOneAfterAnother() {
        TestMachine pc = TestMachine.board().pics();
        pc.out(0x43, 0x34);
        pc.out(0x40, 1193182 / 100 & 0xFF, 1193182 / 100 >> 8);
        pc.serviceAll(0x20);
        pc.stall(TestMachine.SECOND);
        assertEquals(100, pc.serviceAll(0x20), 1);
    }

    @Test
    void theHostBridgeAndThePowerFunctionAreFound() {
        TestMachine pc = TestMachine.board();
        assertEquals(0x7192_8086L, pc.pci(0, 0, 0));
        assertEquals(0x7110_8086L, pc.pci(7, 0, 0));
        assertEquals(0x7113_8086L, pc.pci(7, 3, 0));
        assertEquals(0xFFFF_FFFFL, pc.pci(3, 0, 0));
    }
}
