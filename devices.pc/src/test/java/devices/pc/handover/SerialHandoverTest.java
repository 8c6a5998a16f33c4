package devices.pc.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SerialHandoverTest extends DeviceHandover {
    SerialHandoverTest() { super("serial0"); }

    @Override
    protected List<String> goldenStates() { return List.of("serial0-1.state"); }

    @Override
    void verify(TestMachine pc) {
        TestMachine.Stream stream = pc.streams.get("serial0");
        stream.drain();
        pc.out(0x3FB, 3);
        pc.out(0x3FC, 0x0B);
        pc.out(0x3FA, 0);
        while ((pc.in(0x3FD) & 1) != 0) pc.in(0x3F8);
        int before = stream.output.length();
        pc.out(0x3F8, 'o', 'k');
        assertEquals("ok", stream.output.substring(before));
        stream.type("!");
        assertEquals('!', pc.in(0x3F8));
    }

    @Test
    void anOldStateGoesOnWhereItWas() {
        TestMachine pc = new BusyGuest(5).pc;
        pc.streams.get("serial0").full = true;
        pc.replace("serial0", Optional.of(golden("serial0-1.state")));
        assertEquals(golden("serial0-1.state"), pc.save("serial0"), "version 1 is the present version");
        verify(pc);
    }

    @Test
    void whatArrivedWhileNobodyWasThereIsReceived() {
        TestMachine pc = TestMachine.board().pics();
        pc.add("uart", "serial0");
        pc.out(0x3FC, 0x0B);
        pc.out(0x3F9, 1);
        var state = pc.save("serial0");
        pc.device("serial0").close(); // no listener
        pc.streams.get("serial0").type("x");
        pc.replace("serial0", Optional.of(state));
        assertEquals(0x24, pc.take());
        assertEquals('x', pc.in(0x3F8));
    }

    @Test
    void outputThatWaitsIsSent() {
        TestMachine pc = TestMachine.board();
        pc.add("uart", "serial0");
        TestMachine.Stream stream = pc.streams.get("serial0");
        stream.full = true;
        pc.out(0x3FA, 1);
        pc.out(0x3F8, 'a', 'b', 'c');
        pc.handOver();
        assertTrue(stream.output.isEmpty());
        stream.drain();
        assertEquals("abc", stream.output.toString());
    }
}
