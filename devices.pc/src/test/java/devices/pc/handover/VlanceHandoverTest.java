package devices.pc.handover;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import devices.pc.TestMachine;
import devices.pc.net.PcnetDriver;
import devices.pc.net.Wire;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VlanceHandoverTest extends DeviceHandover {
    VlanceHandoverTest() { super("ethernet0"); }

    @Override
    protected List<String> goldenStates() { return List.of("ethernet0-1.state"); }

    /** A driver starts anew, and a frame goes out and comes in. */
    @Override
    void verify(TestMachine pc) {
        PcnetDriver driver = PcnetDriver.of(pc);
        driver.start();
        byte[] frame = new byte[100];
        System.arraycopy(Wire.ADDRESS.bytes(), 0, frame, 0, 6);
        frame[12] = 8;
        driver.send(frame);
        assertArrayEquals(frame, driver.wire.sent.get(driver.wire.sent.size() - 1));
        driver.wire.arrive(frame);
        assertEquals(1, driver.receive().size());
    }

    @Test
    void anOldStateGoesOnWhereItWas() {
        TestMachine pc = new BusyGuest(5).pc;
        pc.replace("ethernet0", Optional.of(golden("ethernet0-1.state")));
        assertEquals(golden("ethernet0-1.state"), pc.save("ethernet0"), "version 1 is the present version");
        verify(pc);
    }
}
