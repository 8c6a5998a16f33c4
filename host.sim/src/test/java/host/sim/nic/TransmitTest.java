package host.sim.nic;

import static host.sim.nic.TestDriver.EL;
import static host.sim.nic.TestDriver.frame;
import static host.sim.nic.TestDriver.simplified;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TransmitTest {
    @Test
    void aFrameInTheBlockItselfIsSent() {
        try (TestDriver driver = new TestDriver()) {
            byte[] frame = frame("ff:ff:ff:ff:ff:ff", 300);
            assertEquals(0xA000, driver.run(4, simplified(frame)));
            assertArrayEquals(frame, driver.wire.frame(0));
        }
    }
}
