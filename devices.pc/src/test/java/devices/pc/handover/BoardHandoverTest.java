package devices.pc.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BoardHandoverTest extends DeviceHandover {
    BoardHandoverTest() { super("board"); }

    @Override
    protected List<String> goldenStates() { return List.of("board-1.state"); }

    /** An operating system starts anew: 100 ticks of the timer, a key, the clock's memory. */
    @Override
    void verify(TestMachine pc) {
        pc.sink.apicBase(0, 0xFEE0_0100L); // off: INTR is the 8259s'
        pc.pics();
        pc.out(0x4D0, 0);
        pc.out(0x4D1, 0);
        pc.out(0x21, 0xFE);
        pc.serviceAll(0x20);
        pc.out(0x43, 0x34);
        pc.out(0x40, 0x9C, 0x2E);
        int ticks = 0;
        for (int i = 0; i < 100; i++) {
            pc.advance(10 * TestMachine.MILLI);
            ticks += pc.serviceAll(0x20);
        }
        assertEquals(100, ticks, 2);
        pc.out(0x64, 0xAD, 0x20);
        while ((pc.in(0x64) & 1) != 0) pc.in(0x60);
        pc.out(0x64, 0xD0);
        assertTrue((pc.in(0x60) & 1) != 0, "the output port holds the CPU in reset");
        pc.out(0x70, 0x50);
        pc.out(0x71, 0xA5);
        assertEquals(0xA5, pc.in(0x71));
    }

    @Test
    void anOldStateGoesOnWhereItWas() {
        TestMachine pc = new BusyGuest(5).pc;
        pc.now += 60 * TestMachine.SECOND; // guest time does not go back
        pc.replace("board", Optional.of(golden("board-1.state")));
        assertEquals(golden("board-1.state"), pc.save("board"), "version 1 is the present version");
        verify(pc);
    }

    @Test
    void timersThatAreLateTickSoonAndEdgesAreNotLost() {
        TestMachine pc = TestMachine.board().pics();
        pc.out(0x43, 0x34);
        pc.out(0x40, 0xA9, 0x04); // 1 ms
        pc.advance(5 * TestMachine.MILLI + 1000);
        assertTrue(pc.intr());
        pc.handOver();
        assertTrue(pc.intr());
        assertEquals(5, pc.serviceAll(0x20));
        assertFalse(pc.intr());
        pc.handOver();
        assertFalse(pc.intr(), "a hand-over made an edge");
        pc.stall(20 * TestMachine.MILLI);
        pc.handOver();
        assertEquals(20, pc.serviceAll(0x20), 1);
    }

    @Test
    void thePowerManagementTimerGoesOn() {
        TestMachine pc = TestMachine.board().pics();
        pc.out(0x21, 0xFB); // IRQ 8 to 15 only
        pc.out(0xB2, 0xF1); // ACPI on
        pc.out16(0x1002, 1); // TMROF_EN
        pc.handOver();
        pc.advance(2_400 * TestMachine.MILLI);
        assertEquals(0x29, pc.take());
    }

    @Test
    void windowsAnswerWhereTheyDid() {
        TestMachine pc = TestMachine.board();
        pc.pci(7, 3, 0x40, 0x2001);
        pc.sink.apicBase(0, 0xFEE1_0900L);
        pc.handOver();
        assertTrue(pc.claimsPort(0x2008) && !pc.claimsPort(0x1008));
        assertTrue(pc.claimsMemory(0xFEE1_0000L) && !pc.claimsMemory(0xFEE0_0000L));
        assertTrue(pc.read(0xFEE1_0030L) == 0x5_0014, "version of the local APIC");
    }
}
