package devices.pc.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;

import devices.pc.TestMachine;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class DebugPortsHandoverTest {
    @Nested
    class Console extends DeviceHandover {
        Console() { super("debugcon"); }

        @Override
        protected List<String> goldenStates() { return List.of("debugcon-1.state"); }

        @Override
        void verify(TestMachine pc) {
            assertEquals(0xE9, pc.in(0xE9));
            pc.streams.get("debugcon").drain();
            int before = pc.streams.get("debugcon").output.length();
            pc.out(0xE9, 'x');
            assertEquals("x", pc.streams.get("debugcon").output.substring(before));
        }

        @Test
        void outputThatWaitsIsSent() {
            TestMachine pc = new TestMachine(1, 1 << 20);
            pc.add("debugcon", "debugcon");
            pc.streams.get("debugcon").full = true;
            pc.out(0xE9, 'a', 'b');
            pc.handOver();
            pc.out(0xE9, 'c');
            pc.streams.get("debugcon").drain();
            assertEquals("abc", pc.streams.get("debugcon").output.toString());
        }
    }

    @Nested
    class Exit extends DeviceHandover {
        Exit() { super("debugexit"); }

        @Override
        void verify(TestMachine pc) {
            pc.out(0xF4, 7);
            assertEquals(7, pc.debugExit);
        }
    }
}
