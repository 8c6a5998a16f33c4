package devices.pc.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import org.junit.jupiter.api.Test;

class DebugPortsTest {
    private final TestMachine pc = new TestMachine(1, 16 << 20);

    @Test
    void theConsoleTellsThatItIsThereAndTakesBytes() {
        pc.add("debugcon", "debugcon");
        assertEquals(0xE9, pc.in(0xE9));
        pc.out(0xE9, 'o', 'k');
        assertEquals("ok", pc.streams.get("debugcon").output.toString());
    }

    @Test
    void outputThatCannotBeTakenNowIsKept() {
        pc.add("debugcon", "debugcon");
        TestMachine.Stream stream = pc.streams.get("debugcon");
        pc.out(0xE9, 'a');
        stream.full = true;
        pc.out(0xE9, 'b', 'c');
        stream.drain();
        pc.out(0xE9, 'd');
        assertEquals("abcd", stream.output.toString());
        assertTrue(pc.misuses.isEmpty());
    }

    @Test
    void theExitTakesBytesWordsAndDwords() {
        pc.add("debugexit", "debugexit");
        pc.out(0xF4, 0x31);
        assertEquals(0x31, pc.debugExit);
        pc.out16(0xF4, 0x1234);
        assertEquals(0x1234, pc.debugExit);
        pc.out32(0xF4, 0xFFFF_FFFEL);
        assertEquals(0xFFFF_FFFEL, pc.debugExit);
        assertEquals(0, pc.in(0xF4));
    }
}
