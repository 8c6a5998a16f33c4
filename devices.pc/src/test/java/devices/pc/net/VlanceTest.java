package devices.pc.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.ReceiveFilter;

class VlanceTest {
    private static final int IDON = 0x100, TINT = 0x200, RINT = 0x400, MISS = 0x1000, BABL = 0x4000, INTR = 0x80;

    private final TestMachine pc = TestMachine.board();
    private final PcnetDriver driver = new PcnetDriver(pc);
    private final Wire wire = driver.wire;

    /** A frame for an address with so many bytes; its contents tell them from each other. */
    static byte[] frame(String destination, int bytes) {
        byte[] frame = new byte[bytes];
        new Random(bytes).nextBytes(frame);
        System.arraycopy(MacAddress.parse(destination).bytes(), 0, frame, 0, 6);
        frame[12] = 8; // IPv4
        frame[13] = 0;
        return frame;
    }

    static byte[] frame(int bytes) { return frame(Wire.ADDRESS.toString(), bytes); }

    /** As it is on the wire. */
    private static byte[] withFcs(byte[] frame) {
        byte[] padded = Arrays.copyOf(frame, Math.max(60, frame.length));
        CRC32 crc = new CRC32();
        crc.update(padded);
        byte[] all = Arrays.copyOf(padded, padded.length + 4);
        for (int i = 0; i < 4; i++) all[padded.length + i] = (byte) (crc.getValue() >>> 8 * i);
        return all;
    }

    private boolean line() { return pc.lines[19]; }

    // -- what a driver looks for --

    @Test
    void driversFindAnAm79C970A() {
        assertEquals(0x2000_1022, pc.pci(16, 0, 0));
        assertEquals(0x0200_0010, pc.pci(16, 0, 8));
        assertEquals(0xFF06_0100, (int) pc.pci(16, 0, 0x3C));
        pc.pci(16, 0, 0x10, 0xFFFF_FFFFL);
        assertEquals(0xFFFF_FFE1, (int) pc.pci(16, 0, 0x10));
        pc.pci(16, 0, 0x14, 0xFFFF_FFFFL);
        assertEquals(0xFFFF_FFE0, (int) pc.pci(16, 0, 0x14));
        driver.enable();
        assertEquals(4, driver.csr(0));
        pc.out16(PcnetDriver.PORTS + 0x12, 88);
        assertEquals(88, pc.in16(PcnetDriver.PORTS + 0x12));
        assertEquals(0x262_1003, driver.csr(88) | driver.csr(89) << 16);
    }

    @Test
    void theAddressIsInItsPromAndInTheRegisters() {
        byte[] prom = new byte[16];
        for (int i = 0; i < 16; i++) prom[i] = (byte) pc.in(PcnetDriver.PORTS + i);
        assertArrayEquals(Wire.ADDRESS.bytes(), Arrays.copyOf(prom, 6));
        assertEquals('W', prom[14]);
        assertEquals('W', prom[15]);
        int sum = 0;
        for (int i = 0; i < 16; i++) if (i != 12 && i != 13) sum += prom[i] & 0xFF;
        assertEquals(sum, prom[12] & 0xFF | (prom[13] & 0xFF) << 8);
        for (int i = 0; i < 3; i++) assertEquals(pc.in16(PcnetDriver.PORTS + 2 * i), driver.csr(12 + i));
        pc.out(PcnetDriver.PORTS, 0xAA);
        assertEquals(0x00, pc.in(PcnetDriver.PORTS), "read only");
        driver.bcr(2, 0x102);
        pc.out(PcnetDriver.PORTS, 0xAA);
        assertEquals(0xAA, pc.in(PcnetDriver.PORTS), "APROMWE");
    }

    @Test
    void aDwordWrittenToRdpMakesTheRegistersDwords() {
        assertEquals(0, driver.bcr(18) & 0x80);
        assertEquals(0xFFFF_FFFFL, pc.in32(PcnetDriver.PORTS + 0x1C), "nothing there");
        driver.makeWide();
        assertEquals(0x80, driver.bcr(18) & 0x80);
        assertEquals(0x1003, driver.csr(88));
        pc.in32(PcnetDriver.PORTS + 0x18); // S_RESET
        assertEquals(0x80, driver.bcr(18) & 0x80, "stays until H_RESET");
        driver.wire.arrive(frame(60));
        driver.start();
        wire.arrive(frame(100));
        assertEquals(1, driver.receive().size());
        pc.device("ethernet0").reset();
        driver.enable();
        driver.wide = false;
        assertEquals(0x1003, driver.csr(88));
    }

    @Test
    void registersAreInMemoryToo() {
        long at = PcnetDriver.MEMORY & 0xFFFF_FFFFL;
        pc.access(true, at + 0x12, 2, 88, true);
        assertEquals(0x1003, pc.access(true, at + 0x10, 2, 0, false));
        assertEquals(0x5000, pc.access(true, at, 2, 0, false));
    }

    @Test
    void registersOfTheSetUpAreWrittenWhileItRests() {
        driver.csr(8, 0x1234);
        assertEquals(0x1234, driver.csr(8));
        driver.start();
        driver.csr(8, 0x5678);
        assertEquals(0, driver.csr(8), "as the block says");
        driver.csr(5, 1);
        assertEquals(1, driver.csr(5) & 1, "suspended");
        driver.csr(8, 0x5678);
        assertEquals(0x5678, driver.csr(8));
        assertEquals(0x302, driver.csr(58));
        assertEquals(0x302, driver.bcr(20));
        assertEquals(0xFFF8, driver.csr(76));
        assertEquals(0xFFF8, driver.csr(72));
        assertEquals(0x2000, driver.csr(24) | driver.csr(25) << 16);
    }

    @Test
    void theLinkIsInBcr4() {
        assertEquals(0x80C0, driver.bcr(4));
        wire.link = LinkState.DOWN;
        assertEquals(0x00C0, driver.bcr(4));
    }

    // -- start and stop --

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void framesGoOutAndIn(int style) {
        driver.style = style;
        driver.start();
        assertEquals(0x01F3, driver.csr(0), "IDON INTR IENA RXON TXON STRT INIT");
        assertTrue(line());
        driver.csr(0, 0x140);
        assertFalse(line());
        for (int i = 0; i < 20; i++) {
            byte[] out = frame("ff:ff:ff:ff:ff:ff", 60 + i), in = frame(14 + i);
            driver.send(out);
            assertEquals(i + 1, wire.sent.size());
            assertArrayEquals(out, wire.sent.get(i));
            assertEquals(0x300, driver.transmitFlags(i % 8) & 0xFF00);
            wire.arrive(in);
            assertEquals(0x0600 | INTR, driver.csr(0) & 0xFF80);
            assertTrue(line());
            driver.csr(0, 0x640);
            assertFalse(line());
            List<byte[]> received = driver.receive();
            assertEquals(1, received.size());
            assertArrayEquals(withFcs(in), received.get(0));
            assertEquals(style == 0 ? 0x300 : 0x340, driver.receivedFlags.get(i));
        }
        assertEquals(Wire.ADDRESS, wire.own);
        assertEquals(ReceiveFilter.OWN, wire.filter);
    }

    @Test
    void shortAddressesAreExtendedByTheUpperByteOfTheBlocksAddress() {
        driver.style = 0;
        driver.prepare();
        driver.csr(2, 0x0F00); // the block, and all that it points to, is at 0F000000h now
        byte[] low = new byte[0x30000];
        pc.guestMemory.read(0, low, 0, low.length);
        pc.guestMemory.write(0x0F00_0000, low, 0, low.length);
        driver.csr(0, 1);
        driver.csr(0, 2);
        wire.arrive(frame(60));
        assertEquals(0x8000, driver.receiveFlags(0) & 0x8000, "not down there");
        assertEquals(0x0300, pc.guestMemory.read(0x0F00_2002, 2) & 0xFF00);
    }

    @Test
    void stopEndsEverythingAndStartGoesOn() {
        driver.start();
        driver.send(frame(60));
        driver.csr(0, 4);
        assertEquals(4, driver.csr(0));
        assertFalse(line());
        wire.arrive(frame(60));
        driver.send(frame(61));
        assertEquals(1, wire.sent.size());
        assertEquals(0, driver.receive().size());
        driver.csr(0, 0x42);
        assertEquals(2, wire.sent.size(), "what was queued goes out");
        wire.arrive(frame(62));
        assertEquals(1, driver.receive().size());
    }

    @Test
    void readingTheResetRegisterStops() {
        driver.start();
        driver.bcr(9, 1);
        pc.in16(PcnetDriver.PORTS + 0x14);
        assertEquals(4, driver.csr(0));
        assertEquals(0x0115, driver.csr(4));
        assertEquals(1, driver.bcr(9), "BCRs stay");
    }

    @Test
    void theReceiverAndTheTransmitterCanBeLeftOff() {
        driver.mode = 1;
        driver.start();
        assertEquals(0x10, driver.csr(0) & 0x30);
        driver.mode = 2;
        driver.start();
        assertEquals(0x20, driver.csr(0) & 0x30);
        driver.send(frame(60));
        assertTrue(wire.sent.isEmpty());
    }

    @Test
    void withoutBusMasteringItWaits() {
        pc.pci(16, 0, 4, 3);
        driver.start();
        assertEquals(0, driver.csr(0) & (IDON | 0x30));
        pc.pci(16, 0, 4, 7);
        assertEquals(IDON | 0x30, driver.csr(0) & (IDON | 0x30));
        assertTrue(line());
    }

    // -- transmit --

    @Test
    void buffersAreGathered() {
        driver.start();
        byte[] whole = frame(300);
        driver.queuePart(Arrays.copyOfRange(whole, 0, 14), 0x8200);
        driver.queuePart(Arrays.copyOfRange(whole, 14, 15), 0x8000);
        driver.queuePart(Arrays.copyOfRange(whole, 15, 300), 0x8100);
        driver.demand();
        assertArrayEquals(whole, wire.sent.get(0));
        for (int i = 0; i < 3; i++) assertEquals(0, driver.transmitFlags(i) & 0xC000);
    }

    @Test
    void oneDemandSendsAllInOneGo() {
        driver.start();
        for (int i = 0; i < 5; i++) driver.queue(frame(100 + i));
        driver.demand();
        assertEquals(List.of(5), wire.batches);
        for (int i = 0; i < 5; i++) assertEquals(100 + i, wire.sent.get(i).length);
    }

    @Test
    void shortFramesArePaddedIfAskedFor() {
        driver.start();
        driver.send(frame(20));
        assertEquals(20, wire.sent.get(0).length);
        driver.csr(4, 0x0915);
        driver.send(frame(20));
        assertArrayEquals(Arrays.copyOf(frame(20), 60), wire.sent.get(1));
    }

    @Test
    void aCheckSequenceOfTheDriversIsNotPartOfTheFrame() {
        driver.mode = 8; // DXMTFCS
        driver.start();
        driver.send(withFcs(frame(100)));
        assertArrayEquals(frame(100), wire.sent.get(0));
        driver.queue(frame(100), 0x2000); // ADD_FCS
        driver.demand();
        assertArrayEquals(frame(100), wire.sent.get(1));
    }

    @Test
    void aMissingBufferTurnsTheTransmitterOff() {
        driver.start();
        driver.csr(0, 0x140);
        driver.queuePart(frame(60), 0x8200);
        driver.demand();
        assertTrue(wire.sent.isEmpty());
        assertEquals(0x4200, driver.transmitFlags(0));
        assertEquals(0x30, driver.transmitErrors(0) & 0x3F, "BUFF and UFLO");
        assertEquals(TINT, driver.csr(0) & (TINT | 0x10));
        driver.start();
        driver.csr(3, 0x40); // DXSUFLO
        driver.queuePart(frame(60), 0x8200);
        driver.demand();
        assertEquals(0x10, driver.csr(0) & 0x10);
        driver.send(frame(60));
        assertEquals(1, wire.sent.size());
    }

    @Test
    void aBufferThatStartsNoFrameIsPassedOver() {
        driver.start();
        driver.queuePart(frame(60), 0x8100);
        driver.send(frame(61));
        assertEquals(61, wire.sent.get(0).length);
        assertEquals(0x100, driver.transmitFlags(0));
    }

    @Test
    void framesThatAreTooLongBabble() {
        driver.start();
        driver.send(frame(1514));
        assertEquals(0, driver.csr(0) & BABL);
        driver.send(frame(1518));
        assertEquals(BABL, driver.csr(0) & BABL);
        driver.send(frame(1600));
        assertEquals(2, wire.sent.size());
    }

    @Test
    void thereIsNoCarrierWithoutALink() {
        driver.start();
        wire.link = LinkState.DOWN;
        driver.send(frame(60));
        assertTrue(wire.sent.isEmpty());
        assertEquals(0x4300, driver.transmitFlags(0));
        assertEquals(2, driver.transmitErrors(0), "LCAR");
    }

    @Test
    void framesWithoutADemandAreFoundByPolling() {
        driver.start();
        pc.advance(TestMachine.SECOND);
        driver.queue(frame(60));
        for (int i = 0; i < 33 && wire.sent.isEmpty(); i++) pc.advance(TestMachine.MILLI);
        assertEquals(1, wire.sent.size());
        for (int i = 0; i < 10; i++) {
            driver.queue(frame(61));
            pc.advance(2 * TestMachine.MILLI);
        }
        assertEquals(11, wire.sent.size(), "one that polls is polled for");
        driver.csr(4, 0x1115); // TXDPOLL
        driver.queue(frame(62));
        pc.advance(TestMachine.SECOND);
        assertEquals(11, wire.sent.size());
        driver.demand();
        assertEquals(12, wire.sent.size());
    }

    // -- receive --

    @Test
    void manyFramesMakeOneInterrupt() {
        driver.start();
        driver.csr(0, 0x140);
        int before = pc.pins.changes[0];
        wire.arrive(frame(60), frame(61), frame(62));
        assertEquals(3, driver.receive().size());
        assertTrue(pc.pins.changes[0] - before <= 1);
    }

    @Test
    void longFramesFillSeveralBuffers() {
        driver.bufferBytes = 128;
        driver.start();
        wire.arrive(frame(600));
        assertEquals(0x0200, driver.receiveFlags(0) & 0x8300);
        assertEquals(0, driver.receiveFlags(1) & 0x8300);
        assertArrayEquals(withFcs(frame(600)), driver.receive().get(0));
    }

    @Test
    void aFrameThatFindsNoFurtherBufferIsCut() {
        driver.bufferBytes = 128;
        driver.start();
        for (int i = 2; i < 8; i++) driver.takeReceive(i);
        wire.arrive(frame(600));
        assertEquals(0x4400, driver.receiveFlags(1) & 0xFF00, "ERR and BUFF");
    }

    @Test
    void paddingIsStrippedIfAskedFor() {
        driver.start();
        driver.csr(4, 0x0515); // ASTRP_RCV
        byte[] frame = frame(60);
        frame[12] = 0;
        frame[13] = 10; // a length
        wire.arrive(frame, frame(60));
        List<byte[]> received = driver.receive();
        assertArrayEquals(Arrays.copyOf(frame, 24), received.get(0));
        assertArrayEquals(withFcs(frame(60)), received.get(1));
    }

    @Test
    void framesForAFullRingWaitInOrderAndAreMissedOnlyWhenManyDo() {
        driver.start();
        driver.csr(0, 0x140);
        for (int i = 0; i < 300; i++) wire.arrive(frame(100 + i));
        assertEquals(MISS, driver.csr(0) & MISS);
        int missed = driver.csr(112);
        assertEquals(300 - 8 - 256, missed);
        int next = 100;
        for (int round = 0; next < 400 - missed; round++) {
            assertTrue(round < 300);
            for (byte[] frame : driver.receive()) assertEquals(next++ + 4, frame.length);
            if (round % 2 == 0) pc.advance(TestMachine.MILLI);
            else driver.csr(0, 0x1440); // as a driver does when it has emptied its ring
        }
        assertEquals(264, next - 100);
    }

    // -- addresses --

    private int heard(String destination) {
        wire.arrive(frame(destination, 60));
        return driver.receive().size();
    }

    @Test
    void onlyWhatIsForUsIsHeard() {
        driver.start();
        assertEquals(1, heard(Wire.ADDRESS.toString()));
        assertEquals(1, heard("ff:ff:ff:ff:ff:ff"));
        assertEquals(0, heard("00:50:56:12:34:57"));
        assertEquals(0, heard("01:00:5e:00:00:01"));
        assertEquals(List.of(0x340, 0x310), driver.receivedFlags);
        driver.mode = 0x4000 | 0x2000; // DRCVBC, DRCVPA
        driver.start();
        assertEquals(0, heard("ff:ff:ff:ff:ff:ff"));
        assertEquals(0, heard(Wire.ADDRESS.toString()));
        driver.mode = 0x8000; // PROM
        driver.start();
        assertEquals(1, heard("00:50:56:12:34:57"));
        assertTrue(wire.filter.promiscuous());
    }

    /** The hash as Linux's driver computes it: CRC-32, least significant bit first, and no complement at the end. */
    private static int hash(byte[] address) {
        int crc = -1;
        for (int i = 0; i < 6; i++) {
            crc ^= address[i] & 0xFF;
            for (int bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ ((crc & 1) != 0 ? 0xEDB8_8320 : 0);
        }
        return crc >>> 26;
    }

    @Test
    void multicastsAreFilteredByTheirHash() {
        MacAddress group = MacAddress.parse("01:00:5e:00:00:fb");
        driver.multicasts = 1L << hash(group.bytes());
        driver.start();
        assertTrue(wire.filter.allMulticast());
        assertEquals(1, heard(group.toString()));
        assertEquals(0x320, driver.receivedFlags.get(0));
        Random random = new Random(7);
        for (int i = 0; i < 200; i++) {
            MacAddress other = new MacAddress(0x0100_5E00_0000L | random.nextInt(1 << 23));
            assertEquals(driver.multicasts >>> hash(other.bytes()) & 1, heard(other.toString()));
        }
    }

    // -- interrupts --

    @Test
    void masksAndTheEnableBitKeepInterruptsBack() {
        driver.start(0x02);
        assertEquals(INTR | IDON, driver.csr(0) & (INTR | IDON));
        assertFalse(line(), "IENA is off");
        driver.csr(0, 0x40);
        assertTrue(line());
        driver.csr(3, IDON);
        assertFalse(line());
        wire.arrive(frame(60));
        assertTrue(line());
        driver.csr(3, IDON | RINT);
        assertFalse(line());
        assertEquals(0, driver.csr(0) & INTR);
        assertEquals(RINT | IDON, driver.csr(0) & (RINT | IDON));
        driver.csr(4, 0x80 | 0x115); // UINTCMD
        assertTrue(line());
        assertEquals(0x40, driver.csr(4) & 0xC0);
        driver.csr(4, 0x40 | 0x115);
        assertFalse(line());
        driver.csr(4, 0x111); // TXSTRT unmasked
        driver.csr(3, 0x5F00);
        driver.send(frame(60));
        assertTrue(line());
    }

    @Test
    void transmitInterruptsCanBeRare() {
        driver.start();
        driver.csr(0, 0x140);
        driver.csr(5, 0x8000); // TOKINTD
        driver.send(frame(60));
        assertEquals(0, driver.csr(0) & TINT);
        driver.csr(5, 0x4000); // LTINTEN
        driver.send(frame(60));
        assertEquals(0, driver.csr(0) & TINT);
        driver.queue(frame(60), 0x1000);
        driver.demand();
        assertEquals(TINT, driver.csr(0) & TINT);
    }

    // -- suspend, loop --

    @Test
    void whileSuspendedNothingMovesAndNothingIsLost() {
        driver.start();
        driver.csr(5, 1);
        driver.send(frame(60));
        wire.arrive(frame(70), frame(71));
        pc.advance(TestMachine.SECOND);
        assertTrue(wire.sent.isEmpty());
        assertEquals(0, driver.receive().size());
        driver.csr(15, 0x8000);
        driver.csr(5, 0);
        assertTrue(wire.filter.promiscuous());
        assertEquals(1, wire.sent.size());
        assertEquals(2, driver.receive().size());
    }

    @Test
    void inTheLoopFramesComeBackAndTheWireIsCutOff() {
        driver.mode = 0x44;
        driver.start();
        driver.send(frame(100));
        wire.arrive(frame(60));
        assertTrue(wire.sent.isEmpty());
        List<byte[]> received = driver.receive();
        assertEquals(1, received.size());
        assertArrayEquals(withFcs(frame(100)), received.get(0));
    }

    // -- hand-over, and what drivers must not do --

    @Test
    void framesThatWaitAreHandedOver() {
        driver.start();
        for (int i = 0; i < 20; i++) wire.arrive(frame(100 + i));
        pc.handOver();
        wire.arrive(frame(120));
        int next = 100;
        for (int round = 0; round < 10; round++) {
            for (byte[] frame : driver.receive()) assertEquals(next++ + 4, frame.length);
            pc.advance(TestMachine.MILLI);
            pc.handOver();
        }
        assertEquals(121, next);
    }

    @Test
    void ringsOutsideOfMemoryDoNoHarm() {
        driver.start();
        driver.csr(0, 4);
        for (int number : new int[] {24, 25, 30, 31}) driver.csr(number, 0xF000);
        driver.csr(76, 0);
        driver.csr(78, 0); // 65536 descriptors of ones: ready for ever
        driver.csr(0, 0x42);
        driver.demand();
        wire.arrive(frame(60));
        pc.advance(TestMachine.SECOND);
        driver.csr(5, 1);
        driver.csr(47, 0xFFFF); // polls as often as it can
        driver.csr(5, 0);
        pc.advance(100 * TestMachine.MILLI);
        assertTrue(wire.sent.isEmpty(), "frames of one byte");
        assertEquals(0x10, driver.csr(0) & 0x10);
    }
}
