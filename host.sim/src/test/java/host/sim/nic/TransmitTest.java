package host.sim.nic;

import static host.sim.nic.TestDriver.BLOCK;
import static host.sim.nic.TestDriver.BUFFERS;
import static host.sim.nic.TestDriver.EL;
import static host.sim.nic.TestDriver.S;
import static host.sim.nic.TestDriver.SF;
import static host.sim.nic.TestDriver.frame;
import static host.sim.nic.TestDriver.simplified;
import static host.sim.nic.TestDriver.transmit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The transmit command. */
class TransmitTest {
    private static final int TRANSMIT = 4, SENT = 0xA000, NO_INSERTION = 0x0010;
    private static final byte[] BROADCAST = frame("ff:ff:ff:ff:ff:ff", 300);

    private TestDriver driver = new TestDriver();

    @AfterEach
    void powerOff() { driver.close(); }

    private void is(String model) {
        driver.close();
        driver = new TestDriver(model);
    }

    /** A buffer descriptor. */
    private void descriptor(int address, int buffer, int size, boolean last) {
        driver.dword(address, buffer);
        driver.dword(address + 4, size | (last ? 0x10000 : 0));
    }

    @Test
    void aFrameInTheBlockItselfIsSent() {
        assertEquals(SENT, driver.run(TRANSMIT, simplified(BROADCAST)));
        assertArrayEquals(BROADCAST, driver.wire.frame(0));
    }

    @Test
    void aFrameInSeveralBuffersIsGathered() {
        driver.bytes(BUFFERS, Arrays.copyOfRange(BROADCAST, 10, 110));
        driver.bytes(BUFFERS + 0x1001, Arrays.copyOfRange(BROADCAST, 110, 300));
        descriptor(0x3000, BUFFERS, 100, false);
        descriptor(0x3008, BUFFERS + 0x1001, 190, true);
        assertEquals(SENT, driver.run(TRANSMIT | SF, transmit(0x3000, 10, 2, Arrays.copyOf(BROADCAST, 10))));
        assertArrayEquals(BROADCAST, driver.wire.frame(0), "ten bytes in the block, then both buffers");
    }

    @Test
    void theListOfBuffersEndsAtItsNumberOrAtEl() {
        driver.bytes(BUFFERS, BROADCAST);
        for (int i = 0; i < 3; i++) descriptor(0x3000 + 8 * i, BUFFERS + 100 * i, 100, i == 1);
        driver.run(TRANSMIT | SF, transmit(0x3000, 0, 1));
        driver.run(TRANSMIT | SF, transmit(0x3000, 0, 3));
        assertEquals(100, driver.wire.frame(0).length);
        assertEquals(200, driver.wire.frame(1).length);
    }

    @Test
    void anExtendedBlockHasItsFirstTwoDescriptorsInside() {
        driver.configure(6, 0x22);
        driver.bytes(BUFFERS, BROADCAST);
        descriptor(0x3000, BUFFERS + 200, 100, true);
        byte[] block = transmit(0x3000, 0, 3, new byte[16]);
        block(block, 8, BUFFERS, 150);
        block(block, 16, BUFFERS + 150, 50);
        assertEquals(SENT, driver.run(TRANSMIT | SF, block));
        assertArrayEquals(BROADCAST, driver.wire.frame(0));
    }

    private static void block(byte[] bytes, int at, int buffer, int size) {
        for (int i = 0; i < 4; i++) {
            bytes[at + i] = (byte) (buffer >> 8 * i);
            bytes[at + 4 + i] = (byte) (size >> 8 * i);
        }
    }

    @Test
    void the82557KnowsNoExtendedBlocks() {
        is("82557");
        driver.configure(6, 0x22);
        driver.bytes(BUFFERS, BROADCAST);
        descriptor(0x3000, BUFFERS, 300, true);
        driver.run(TRANSMIT | SF, transmit(0x3000, 0, 1, new byte[16]));
        assertArrayEquals(BROADCAST, driver.wire.frame(0));
    }

    @Test
    void shortFramesArePaddedUnlessConfiguredOtherwise() {
        byte[] frame = frame("ff:ff:ff:ff:ff:ff", 42);
        driver.run(TRANSMIT, simplified(frame));
        driver.configure(18, 0xF0);
        driver.run(TRANSMIT, simplified(frame));
        assertArrayEquals(Arrays.copyOf(frame, 60), driver.wire.frame(0));
        assertArrayEquals(frame, driver.wire.frame(1));
    }

    @Test
    void theSourceAddressIsInsertedIfConfigured() {
        driver.configure(10, 0x26);
        driver.run(TRANSMIT, simplified(BROADCAST));
        assertArrayEquals(TestDriver.MAC.bytes(), Arrays.copyOfRange(driver.wire.frame(0), 6, 12));
    }

    @Test
    void aCheckSequenceOfTheDriversOwnMustBeRight() {
        CRC32 crc = new CRC32();
        crc.update(BROADCAST);
        byte[] whole = Arrays.copyOf(BROADCAST, 304);
        for (int i = 0; i < 4; i++) whole[300 + i] = (byte) (crc.getValue() >> 8 * i);
        driver.run(TRANSMIT | NO_INSERTION, simplified(whole));
        whole[303] ^= 1;
        driver.run(TRANSMIT | NO_INSERTION, simplified(whole));
        driver.run(TRANSMIT, simplified(frame("ff:ff:ff:ff:ff:ff", 64)));
        assertArrayEquals(BROADCAST, driver.wire.frame(0));
        assertEquals(64, driver.wire.frame(1).length, "no station would have taken the second");
    }

    @Test
    void whatIsTooLongForAnyStationIsCompletedButNobodyGetsIt() {
        assertEquals(SENT, driver.run(TRANSMIT, simplified(frame("ff:ff:ff:ff:ff:ff", 1519))));
        assertEquals(SENT, driver.run(TRANSMIT, simplified(new byte[0])));
        assertEquals(SENT, driver.run(TRANSMIT, simplified(frame("ff:ff:ff:ff:ff:ff", 1518))));
        assertEquals(1518, driver.wire.frame(0).length);
    }

    @Test
    void aBufferOutsideMemoryIsAnUnderrunAndTheListGoesOn() {
        descriptor(0x3000, 0x7FFF_0000, 100, true);
        driver.block(BLOCK, TRANSMIT | SF, BLOCK + 0x800, transmit(0x3000, 0, 1));
        driver.block(BLOCK + 0x800, TRANSMIT | EL, 0, simplified(BROADCAST));
        driver.command(0x10, BLOCK);
        assertArrayEquals(BROADCAST, driver.wire.frame(0));
        assertEquals(0x9000, driver.word(BLOCK));
    }

    @Test
    void framesComeOutInTheOrderOfTheList() {
        int count = 100;
        for (int i = 0; i < count; i++) {
            driver.bytes(BUFFERS + i * 64, frame("ff:ff:ff:ff:ff:ff", 60));
            driver.bytes(BUFFERS + i * 64 + 50, new byte[] {(byte) i});
            descriptor(0x8000 + 8 * i, BUFFERS + i * 64, 60, true);
            driver.block(0x4000 + 32 * i, TRANSMIT | SF | (i == count - 1 ? EL : 0), 0x4000 + 32 * (i + 1), transmit(0x8000 + 8 * i, 0, 1));
        }
        driver.command(0x10, 0x4000);
        for (int i = 0; i < count; i++) assertEquals(i, driver.wire.frame(i)[50]);
    }

    /** As every driver does it: S on the new block, then off the one before, then a resume. */
    @Test
    void blocksAppendedWhileTheUnitRunsAreNeverMissedOrRepeated() {
        int ring = 64, total = 200_000;
        driver.block(0x4000 + 64 * (ring - 1), S, 0x4000);
        driver.command(0x10, 0x4000 + 64 * (ring - 1));
        for (int i = 0; i < total; i++) {
            int slot = 0x4000 + 64 * (i % ring), before = 0x4000 + 64 * ((i + ring - 1) % ring), after = 0x4000 + 64 * ((i + 1) % ring);
            if (i >= ring - 1) driver.awaitDone(slot);
            driver.block(slot, TRANSMIT | S, after, numbered(i));
            driver.word(before + 2, driver.word(before + 2) & ~S);
            driver.out(2, 1, 0x20);
        }
        driver.wire.frame(total - 1);
        for (int i = 0; i < total; i++) {
            byte[] frame = driver.wire.frame(i);
            assertEquals(i, frame[14] & 0xFF | (frame[15] & 0xFF) << 8 | (frame[16] & 0xFF) << 16);
        }
        driver.awaitCommandUnit(1);
        assertEquals(total, driver.wire.count());
    }

    private static byte[] numbered(int n) {
        byte[] frame = new byte[17];
        for (int i = 0; i < 3; i++) frame[14 + i] = (byte) (n >> 8 * i);
        return simplified(frame);
    }

    @Test
    void inLoopbackFramesComeBackAndDoNotLeave() {
        driver.configure(10, 0x6E);
        driver.listen(2);
        driver.run(TRANSMIT, simplified(BROADCAST));
        driver.awaitDone(TestDriver.rfd(0));
        assertArrayEquals(BROADCAST, driver.received(0));
        assertEquals(0, driver.wire.count());
    }
}
