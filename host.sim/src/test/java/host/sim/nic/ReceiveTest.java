package host.sim.nic;

import static host.sim.nic.TestDriver.BUFFERS;
import static host.sim.nic.TestDriver.EL;
import static host.sim.nic.TestDriver.S;
import static host.sim.nic.TestDriver.SF;
import static host.sim.nic.TestDriver.addresses;
import static host.sim.nic.TestDriver.frame;
import static host.sim.nic.TestDriver.rfd;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The RU: descriptors, filters, and what happens when there is no room. */
class ReceiveTest {
    private static final int FR = 0x40, RNR = 0x10, IDLE = 0, SUSPENDED = 1, NO_RESOURCES = 2, READY = 4;
    private static final int START = 1, RESUME = 2, ABORT = 4, LOAD_HEADER_SIZE = 5, LOAD_BASE = 6, RBD_RESUME = 7;
    private static final String OWN = TestDriver.MAC.toString(), OTHER = "02:00:00:00:00:99", GROUP = "01:00:5e:00:00:05", BROADCAST = "ff:ff:ff:ff:ff:ff";

    private final TestDriver driver = new TestDriver();

    @AfterEach
    void powerOff() { driver.close(); }

    /** Whether a frame gets in, for a list of two descriptors that is new. */
    private boolean gets(byte[] frame) {
        driver.command(ABORT, 0);
        driver.listen(2);
        driver.receive(frame);
        return (driver.word(rfd(0)) & 0x8000) != 0;
    }

    private boolean hears(String destination) { return gets(frame(destination, 100)); }

    private int resourceErrors() {
        driver.dword(0x2000 + 64, 0);
        driver.command(0x40, 0x2000);
        driver.command(0x50, 0);
        TestSlot.await("the counters are dumped", () -> driver.dword(0x2000 + 64) == 0xA005);
        return driver.dword(0x2000 + 4 * 12);
    }

    @Test
    void aFrameFillsTheNextDescriptorAndInterrupts() {
        driver.listen(3);
        byte[] first = frame(OWN, 100), second = frame(BROADCAST, 1514);
        driver.receive(first, second);
        assertArrayEquals(first, driver.received(0));
        assertArrayEquals(second, driver.received(1));
        assertEquals(0xA020, driver.word(rfd(0)));
        assertEquals(0xA022, driver.word(rfd(1)), "not its own address");
        assertEquals(0xC000 | 1514, driver.word(rfd(1) + 12), "EOF, F and the count");
        assertEquals(1536, driver.word(rfd(1) + 14), "the size stays");
        assertEquals(READY, driver.receiveUnit());
        assertEquals(FR, driver.causes());
        assertTrue(driver.slot.raised());
        assertEquals(1514, driver.in(0x14, 2));
    }

    @Test
    void anIdleUnitHearsNothing() {
        driver.receive(frame(OWN, 100));
        assertEquals(0, driver.causes());
        assertEquals(0, resourceErrors());
        driver.listen(2);
        driver.command(ABORT, 0);
        driver.receive(frame(OWN, 100));
        assertEquals(IDLE, driver.receiveUnit());
        assertEquals(0, driver.word(rfd(0)));
    }

    @Test
    void afterTheLastDescriptorFramesAreLostAndCountedAndThatIsToldOnce() {
        driver.listen(2);
        driver.receive(frame(OWN, 100), frame(OWN, 100));
        assertEquals(NO_RESOURCES, driver.receiveUnit());
        assertEquals(FR | RNR, driver.causes());
        driver.out(1, 1, 0xFF);
        driver.receive(frame(OWN, 100), frame(OTHER, 100));
        assertEquals(0, driver.causes());
        assertEquals(1, resourceErrors(), "what the filter keeps out does not count");
        driver.command(RESUME, 0);
        assertEquals(NO_RESOURCES, driver.receiveUnit(), "only a start helps");
        driver.listen(2);
        driver.receive(frame(OWN, 80));
        assertEquals(80, driver.received(0).length);
    }

    @Test
    void aDescriptorWithoutRoomIsNotTouched() {
        driver.listen(3);
        driver.descriptor(1, EL, 0);
        driver.receive(frame(OWN, 100));
        assertEquals(READY, driver.receiveUnit());
        driver.receive(frame(OWN, 101));
        assertEquals(NO_RESOURCES, driver.receiveUnit());
        assertEquals(RNR, driver.causes() & RNR);
        assertEquals(0, driver.dword(rfd(1)) & 0xFFFF);
        assertEquals(0, driver.word(rfd(1) + 12));
        assertEquals(1, resourceErrors());
    }

    @Test
    void aDescriptorThatGetsRoomInTimeIsFilled() {
        driver.listen(3);
        driver.descriptor(1, EL, 0);
        driver.receive(frame(OWN, 100));
        driver.descriptor(1, 0, 1536);
        driver.receive(frame(OWN, 101));
        assertEquals(101, driver.received(1).length);
    }

    @Test
    void anSBitSuspendsAndAResumeGoesOn() {
        driver.listen(3);
        driver.descriptor(0, S, 1536);
        driver.receive(frame(OWN, 100));
        assertEquals(SUSPENDED, driver.receiveUnit());
        assertEquals(FR | RNR, driver.causes());
        driver.receive(frame(OWN, 101));
        driver.command(RESUME, 0);
        assertEquals(READY, driver.receiveUnit());
        driver.receive(frame(OWN, 102));
        assertEquals(102, driver.received(1).length);
        assertEquals(1, resourceErrors());
    }

    @Test
    void aFrameThatIsLargerThanItsBufferIsCutAndInError() {
        driver.listen(2);
        driver.descriptor(0, 0, 64);
        driver.receive(frame(OWN, 100), frame(OWN, 90));
        assertEquals(0x8220, driver.word(rfd(0)));
        assertArrayEquals(Arrays.copyOf(frame(OWN, 100), 64), driver.received(0));
        assertEquals(0, driver.slot.bytes.get(rfd(0) + 16 + 64));
        assertEquals(90, driver.received(1).length);
    }

    @Test
    void listsAreRelativeToTheBase() {
        driver.command(LOAD_BASE, 0x8000);
        driver.descriptor(0, 0, 1536);
        driver.descriptor(1, EL, 1536);
        driver.dword(rfd(0) + 4, rfd(1) - 0x8000);
        driver.command(START, rfd(0) - 0x8000);
        driver.receive(frame(OWN, 100), frame(OWN, 101));
        assertEquals(101, driver.received(1).length);
    }

    @Test
    void aDescriptorOutsideMemoryStopsTheUnit() {
        driver.command(START, 0xF000_0000);
        driver.receive(frame(OWN, 100));
        assertEquals(NO_RESOURCES, driver.receiveUnit());
        driver.command(START, TestSlot.BYTES - 24);
        driver.dword(TestSlot.BYTES - 12, 1536 << 16);
        driver.receive(frame(OWN, 100));
        assertEquals(NO_RESOURCES, driver.receiveUnit());
    }

    // -- filters --

    @Test
    void theFilterLetsOwnAndBroadcastIn() {
        assertTrue(hears(OWN) && hears(BROADCAST));
        assertTrue(!hears(OTHER) && !hears(GROUP));
    }

    @Test
    void promiscuousHearsEverything() {
        driver.configure(15, 0x49);
        assertTrue(hears(OTHER) && hears(GROUP) && hears(BROADCAST) && hears(OWN));
    }

    @Test
    void broadcastsCanBeKeptOut() {
        driver.configure(15, 0x4A);
        assertTrue(!hears(BROADCAST) && hears(OWN));
    }

    @Test
    void multicastSetupChoosesGroups() {
        driver.run(3, addresses(2, GROUP, "33:33:00:00:00:01"));
        assertTrue(hears(GROUP) && hears("33:33:00:00:00:01") && !hears("01:00:5e:00:00:06"));
        driver.run(3, addresses(2));
        assertTrue(!hears(GROUP));
        driver.configure(21, 0x0D);
        assertTrue(hears(GROUP) && !hears(OTHER));
    }

    @Test
    void severalIndividualAddressesUseTheSameFilter() {
        driver.run(3, addresses(2, OTHER));
        assertTrue(!hears(OTHER));
        driver.configure(20, 0x7F);
        assertTrue(hears(OTHER));
    }

    @Test
    void theAddressIsThatOfIaSetupAndAfterAResetThatOfTheEeprom() {
        driver.run(1, addresses(0, "00:11:22:33:44:55"));
        assertTrue(hears("00:11:22:33:44:55") && !hears(OWN));
        driver.out(8, 4, 0);
        assertTrue(hears(OWN) && !hears("00:11:22:33:44:55"));
    }

    // -- sizes --

    @Test
    void shortFramesAreDiscardedUnlessConfiguredOtherwise() {
        assertTrue(!gets(frame(OWN, 59)) && gets(frame(OWN, 60)));
        driver.configure(7, 0x06);
        assertTrue(gets(frame(OWN, 59)));
        assertEquals(0x80A0, driver.word(rfd(0)), "with the bit that tells");
        assertTrue(!gets(new byte[13]) && !gets(new byte[0]));
    }

    @Test
    void longFramesAreTakenIfConfigured() {
        assertTrue(gets(frame(OWN, 1514)) && !gets(frame(OWN, 1515)));
        driver.configure(18, 0xFA);
        assertTrue(gets(frame(OWN, 1518)) && !gets(frame(OWN, 1519)) && !gets(new byte[70_000]));
    }

    @Test
    void theCheckSequenceIsKeptIfConfigured() {
        driver.configure(18, 0xF6);
        byte[] frame = frame(OWN, 100);
        assertTrue(gets(frame));
        CRC32 crc = new CRC32();
        crc.update(driver.received(0), 0, 100);
        assertEquals(104, driver.received(0).length);
        assertEquals((int) crc.getValue(), driver.dword(rfd(0) + 16 + 100));
    }

    @Test
    void paddingIsStrippedIfConfigured() {
        driver.configure(18, 0xF3);
        byte[] frame = frame(OWN, 60);
        frame[12] = 0;
        frame[13] = 10;
        assertTrue(gets(frame));
        assertEquals(24, driver.received(0).length);
        assertEquals(0xA000, driver.word(rfd(0)), "a length, not a type");
    }

    // -- flexible mode --

    /** Buffers of a size behind the first descriptor, the last with EL. */
    private void flexible(int count, int size) {
        driver.descriptor(0, SF, 64);
        driver.descriptor(1, SF | EL, 64);
        driver.dword(rfd(0) + 8, 0x6000);
        for (int i = 0; i < count; i++) {
            driver.dword(0x6000 + 16 * i, 0);
            driver.dword(0x6000 + 16 * i + 4, 0x6000 + 16 * (i + 1));
            driver.dword(0x6000 + 16 * i + 8, BUFFERS + 0x1000 * i);
            driver.dword(0x6000 + 16 * i + 12, size | (i == count - 1 ? EL : 0));
        }
        driver.command(START, rfd(0));
    }

    @Test
    void inFlexibleModeAFrameGoesOnInBuffers() {
        flexible(4, 100);
        byte[] first = frame(OWN, 200), second = frame(OWN, 150);
        driver.receive(first, second);
        assertEquals(64, driver.word(rfd(0) + 12) & 0x3FFF);
        assertEquals(0x4000 | 100, driver.word(0x6000));
        assertEquals(0xC000 | 36, driver.word(0x6010));
        assertArrayEquals(Arrays.copyOfRange(first, 164, 200), driver.bytes(BUFFERS + 0x1000, 36));
        assertEquals(0xC000 | 86, driver.word(0x6020));
        assertArrayEquals(Arrays.copyOfRange(second, 64, 150), driver.bytes(BUFFERS + 0x2000, 86));
        assertEquals(0xA020, driver.word(rfd(1)));
    }

    @Test
    void withoutBuffersTheUnitWaitsForARbdResume() {
        flexible(1, 100);
        driver.receive(frame(OWN, 200));
        assertEquals(0x8220, driver.word(rfd(0)));
        assertEquals(NO_RESOURCES | 8, driver.receiveUnit());
        driver.dword(0x6004, 0x6010);
        driver.dword(0x6014, 0x6020);
        driver.dword(0x6018, BUFFERS);
        driver.dword(0x601C, 1000);
        driver.command(RBD_RESUME, 0);
        driver.receive(frame(OWN, 300));
        assertEquals(0xC000 | 236, driver.word(0x6010));
        assertEquals(0xA020, driver.word(rfd(1)));
    }

    @Test
    void aHeaderDescriptorGetsTheHeaderOnly() {
        driver.listen(2);
        driver.descriptor(0, 0x0010, 1536);
        driver.command(LOAD_HEADER_SIZE, 54);
        driver.receive(frame(OWN, 500));
        assertEquals(54, driver.received(0).length);
        assertEquals(0xA020, driver.word(rfd(0)));
    }

    /** The handler runs on the thread that brings the frames, and makes room while there are more. */
    @Test
    void aDriverThatKeepsUpLosesNothing() {
        int ring = 32, total = 5000;
        int[] seen = {0};
        for (int i = 0; i < ring; i++) driver.descriptor(i, i == ring - 1 ? EL : 0, 1536);
        driver.dword(rfd(ring - 1) + 4, rfd(0));
        driver.slot.handler = () -> {
            driver.out(1, 1, driver.causes());
            while ((driver.word(rfd(seen[0] % ring)) & 0x8000) != 0) {
                int n = seen[0]++ % ring;
                driver.word(rfd(n), 0);
                driver.word(rfd(n) + 2, EL);
                driver.word(rfd((n + ring - 1) % ring) + 2, 0);
            }
        };
        driver.command(START, rfd(0));
        byte[][] frames = new byte[100][];
        Arrays.fill(frames, frame(OWN, 60));
        for (int i = 0; i < total; i += frames.length) driver.receive(frames);
        assertEquals(total, seen[0]);
        assertEquals(0, resourceErrors());
    }
}
