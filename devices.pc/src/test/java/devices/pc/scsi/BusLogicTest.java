package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import vmkernel.api.storage.BlockResult;

/** The BT-958 as a driver sees it. */
class BusLogicTest {
    private static final int START = 1, ABORT = 2, BOXES = 16;

    private final TestMachine pc = TestMachine.board();
    private final FakeDisk disk = new FakeDisk(4096).filled(1), other = new FakeDisk(200).filled(2);
    private final BusDriver driver = plug();

    private BusDriver plug() {
        pc.disks.put("scsi0", Map.of(0, disk, 11, other));
        pc.add("buslogic", "scsi0");
        return new BusDriver(pc, BOXES);
    }

    private BusDriver started() {
        driver.start();
        for (int target : new int[] {0, 11}) driver.expectSense(driver.command(target, "000000000000", 3, 0), 1, 0x062900);
        return driver;
    }

    private ByteBuffer read(int number, int block) {
        return driver.io(number, 3, 0, String.format("2800%08x00000100", block), 1, BusDriver.DATA + 512 * number, 512);
    }

    // -- the adapter --

    @Test
    void itIsFoundOnThePciBus() {
        assertEquals(0x1040_104BL, pc.pci(BusDriver.SLOT, 0, 0));
        assertEquals(0x0100_0001L, pc.pci(BusDriver.SLOT, 0, 8));
        assertEquals(driver.in(BusDriver.CONTROL), pc.access(true, 0xE000_0000L, 1, 0, false), "its memory shows the same registers");
        assertEquals(0x80, driver.in(BusDriver.GEOMETRY));
    }

    @Test
    void itTellsWhatItIs() {
        driver.reset();
        assertEquals("AA50", text(driver.command(0x04)));
        assertEquals("7", text(driver.command(0x84)));
        assertEquals("B", text(driver.command(0x85)));
        assertEquals("958  ", text(driver.command(0x8B, 5)));
        assertEquals(7, driver.command(0x0B)[2]);
        assertArrayEquals(new byte[] {1, 0, 0, 0, 0, 0, 0, 0}, driver.command(0x0A));
        assertArrayEquals(new byte[] {0, 0, 0, 1, 0, 0, 0, 0}, driver.command(0x23));
        assertArrayEquals(new byte[] {1, 8}, driver.command(0x24));
        assertEquals('E', driver.command(0x8D, 14)[0]);
        assertEquals("07B", text(Arrays.copyOfRange(driver.command(0x8D, 14), 10, 13)));
        assertEquals('B', driver.command(0x0D, 34)[17]);
        assertEquals(7, driver.command(0x91, 64, 64)[14], "the SCSI id in the configuration");
        assertArrayEquals(new byte[] {0x5A}, driver.command(0x1F, 0x5A));
        assertEquals(0, driver.command(0x81, 4, 0, 0, 0x10, 0).length);
        assertEquals(4, driver.command(0x0D, 34)[4], "mailboxes");
    }

    private static String text(byte[] answer) { return new String(answer, StandardCharsets.US_ASCII); }

    @Test
    void commandsThatAreNotKnownAreRefused() {
        driver.reset();
        for (int command : new int[] {0x01, 0x1A, 0x33, 0x83, 0xA0, 0xFF}) assertNull(driver.command(command), "command " + command);
        assertEquals(0x30, driver.in(BusDriver.CONTROL) & 0x30);
        assertEquals(4, driver.command(0x04).length, "and it goes on");
        assertNull(driver.command(0x81, 0, 0, 0, 0, 0), "no mailboxes");
        assertNull(driver.command(0x91, 200, 100), "beyond its memory");
    }

    @Test
    void itsMemoryKeepsWhatIsStored() {
        driver.reset();
        driver.command(0x90, 10, 3, 1, 2, 3);
        assertArrayEquals(new byte[] {0, 1, 2, 3, 0}, driver.command(0x91, 9, 5));
    }

    @Test
    void theIsaPortsMoveAndCanBeTurnedOff() {
        driver.reset();
        assertTrue(pc.claimsPort(0x330));
        assertEquals(driver.in(BusDriver.CONTROL), pc.in(0x330));
        assertEquals(0, driver.command(0x86)[0]);
        driver.out(BusDriver.DATA_PORT, 0x95);
        driver.out(BusDriver.DATA_PORT, 2);
        assertEquals(0, driver.in(BusDriver.INTERRUPT), "without an interrupt");
        assertFalse(pc.claimsPort(0x330));
        assertTrue(pc.claimsPort(0x230));
        driver.out(BusDriver.DATA_PORT, 0x95);
        driver.out(BusDriver.DATA_PORT, 6);
        assertFalse(pc.claimsPort(0x230));
        assertEquals(6, driver.command(0x86)[0]);
    }

    @Test
    void aSecondAdapterHasNoIsaPorts() {
        pc.add("vmxbuslogic", "scsi1");
        pc.pci(BusDriver.SLOT + 1, 0, 0x10, 0x2100);
        pc.pci(BusDriver.SLOT + 1, 0, 0x04, 7);
        pc.out(0x2101, 0x86);
        assertEquals(6, pc.in(0x2101));
    }

    @Test
    void commandsInterruptUnlessThatIsTurnedOff() {
        driver.reset();
        driver.out(BusDriver.DATA_PORT, 0);
        assertTrue(driver.line());
        assertEquals(0x84, driver.in(BusDriver.INTERRUPT));
        driver.out(BusDriver.CONTROL, 0x20);
        assertFalse(driver.line());
        driver.command(0x25, 0);
        driver.out(BusDriver.DATA_PORT, 0);
        assertFalse(driver.line());
        assertEquals(0x84, driver.in(BusDriver.INTERRUPT), "it can be polled");
    }

    @Test
    void resetsForgetEverything() {
        started();
        driver.put(1, START, read(1, 0));
        driver.ring();
        driver.out(BusDriver.CONTROL, 0x40);
        assertEquals(0x80, driver.in(BusDriver.CONTROL), "diagnostics are active");
        assertEquals(0x30, driver.in(BusDriver.CONTROL));
        assertEquals(1, disk.aborts);
        driver.start();
        assertEquals(List.of(), driver.mail());
        driver.expectSense(driver.command(0, "000000000000", 3, 0), 1, 0x062902);
    }

    // -- SCSI --

    @Test
    void dataGoBothWays() {
        started();
        driver.put(1, START, driver.io(1, 0, 0, "28000000000500000200", 1, BusDriver.DATA, 1024));
        driver.ring();
        assertFalse(driver.line());
        disk.endAll();
        assertTrue(driver.line());
        assertEquals(0x81, driver.in(BusDriver.INTERRUPT));
        assertEquals(List.of(new BusDriver.Mail(BusDriver.ccb(1), 0, 0, 1)), driver.mail());
        assertFalse(driver.line());
        assertArrayEquals(Arrays.copyOfRange(disk.content, 5 * 512, 7 * 512), driver.data(1024));
        driver.put(2, START, driver.io(2, 0, 11, "0A0000010200", 2, BusDriver.DATA, 1024));
        driver.ring();
        other.endAll();
        assertEquals(1, driver.mail().get(0).completion());
        assertArrayEquals(driver.data(1024), Arrays.copyOfRange(other.content, 512, 3 * 512));
    }

    @Test
    void aScatteredListAndAResidual() {
        started();
        pc.guestMemory.write(0x5_0000, 4, 100);
        pc.guestMemory.write(0x5_0004, 4, BusDriver.DATA);
        pc.guestMemory.write(0x5_0008, 4, 924);
        pc.guestMemory.write(0x5_000C, 4, BusDriver.DATA + 0x3000);
        driver.put(1, START, driver.io(1, 4, 0, "28000000000000000100", 1, 0x5_0000, 16));
        driver.ring();
        disk.endAll();
        assertEquals(new BusDriver.Mail(BusDriver.ccb(1), 0, 0, 1), driver.mail().get(0));
        assertEquals(512, driver.residual(1));
        assertArrayEquals(Arrays.copyOf(disk.content, 100), driver.data(100));
        byte[] rest = new byte[412];
        pc.guestMemory.read(BusDriver.DATA + 0x3000, rest, 0, 412);
        assertArrayEquals(Arrays.copyOfRange(disk.content, 100, 512), rest);
    }

    @Test
    void oneRingStartsAllAndTheyEndInAnyOrder() {
        started();
        for (int i = 0; i < BOXES; i++) driver.put(i, START, read(i, i));
        driver.ring();
        assertEquals(BOXES, disk.pending.size());
        for (int i = BOXES; i-- > 0; ) disk.end(disk.pending.get(i * 2 / 3), BlockResult.GOOD);
        assertTrue(driver.line());
        assertEquals(BOXES, driver.mail().stream().map(BusDriver.Mail::ccb).distinct().count());
        assertFalse(driver.line(), "one interrupt for all");
        assertArrayEquals(Arrays.copyOf(disk.content, BOXES * 512), driver.data(BOXES * 512));
    }

    @Test
    void aMailboxThatIsLoadedBehindTheDriversBackIsToldOfAgain() {
        started();
        driver.put(1, START, read(1, 1));
        driver.put(2, START, read(2, 2));
        driver.ring();
        disk.end(BlockResult.GOOD);
        driver.in(BusDriver.INTERRUPT);
        disk.end(BlockResult.GOOD);
        driver.out(BusDriver.CONTROL, 0x20);
        assertTrue(driver.line());
        assertEquals(2, driver.mail().size());
        assertFalse(driver.line());
    }

    @Test
    void incomingMailboxesThatAreFullWait() {
        started();
        for (int i = 0; i < BOXES; i++) driver.put(i, START, read(i, i));
        driver.ring();
        disk.endAll();
        for (int i = 0; i < BOXES; i++) driver.put(BOXES + i, START, read(i, i));
        driver.ring();
        disk.endAll(); // nobody has emptied a mailbox
        assertEquals(BOXES, driver.mail().size());
        driver.out(BusDriver.CONTROL, 0x20); // what drivers do next
        assertEquals(BOXES, driver.mail().size());
    }

    @Test
    void inStrictOrderAnEmptyMailboxEndsTheSearch() {
        started();
        driver.command(0x8F, 1);
        driver.put(1, 0, read(1, 0));
        driver.put(2, START, read(2, 0));
        driver.ring();
        assertEquals(0, disk.pending.size());
        driver.command(0x8F, 0);
        driver.ring();
        assertEquals(1, disk.pending.size());
    }

    @Test
    void nobodyAnswersAtOtherTargets() {
        started();
        assertEquals(new BusDriver.Mail(BusDriver.ccb(1), 0x11, 0, 4), driver.command(5, "000000000000", 3, 0));
        assertEquals(0x11, driver.command(7, "000000000000", 3, 0).host());
        assertEquals(0x11, driver.command(200, "000000000000", 3, 0).host());
    }

    @Test
    void whatIsNotACommandIsTold() {
        started();
        driver.put(1, START, driver.io(1, 0x55, 0, "000000000000", 3, 0, 0));
        driver.put(2, 7, driver.io(2, 0, 0, "000000000000", 3, 0, 0));
        driver.put(3, START, driver.io(3, 0, 0, "00000000000000000000000000", 3, 0, 0)); // 13 bytes
        driver.ring();
        assertEquals(List.of(0x16, 0x15, 0x1A), driver.mail().stream().map(BusDriver.Mail::host).toList());
    }

    @Test
    void lengthsAreCheckedWhereThatIsAsked() {
        started();
        driver.put(1, START, driver.io(1, 0, 0, "120000002400", 0, BusDriver.DATA, 100));
        driver.put(2, START, driver.io(2, 0, 0, "120000002400", 1, BusDriver.DATA, 100));
        driver.put(3, START, driver.io(3, 3, 0, "120000002400", 1, BusDriver.DATA, 100));
        driver.put(4, START, driver.io(4, 3, 0, "120000002400", 1, BusDriver.DATA, 20));
        driver.ring();
        assertEquals(List.of(0, 0x12, 0, 0x12), driver.mail().stream().map(BusDriver.Mail::host).toList());
        assertEquals(64, driver.residual(3));
    }

    @Test
    void anAbortEndsTheCommandOrTellsThatThereIsNone() {
        started();
        driver.put(1, START, read(1, 0));
        driver.put(1, ABORT, null);
        driver.put(9, ABORT, null);
        driver.ring();
        assertEquals(List.of(2, 3), driver.mail().stream().map(BusDriver.Mail::completion).toList());
        assertEquals(0, disk.pending.size());
    }

    @Test
    void aBusDeviceResetGivesUpWhatTheTargetHas() {
        started();
        driver.put(1, START, read(1, 0));
        driver.put(2, START, driver.io(2, 0x81, 0, "", 3, 0, 0));
        driver.put(3, START, driver.io(3, 0x81, 5, "", 3, 0, 0));
        driver.ring();
        assertEquals(List.of(new BusDriver.Mail(BusDriver.ccb(2), 0, 0, 1), new BusDriver.Mail(BusDriver.ccb(3), 0x11, 0, 4)), driver.mail());
        assertEquals(0, disk.pending.size());
        driver.expectSense(driver.command(0, "000000000000", 3, 0), 1, 0x062903);
    }

    @Test
    void aResetOfTheBusIsSeen() {
        started();
        driver.out(BusDriver.CONTROL, 0x10);
        assertEquals(0x88, driver.in(BusDriver.INTERRUPT));
        driver.out(BusDriver.CONTROL, 0x20);
        driver.expectSense(driver.command(11, "000000000000", 3, 0), 1, 0x062902);
    }

    @Test
    void outgoingMailboxesThatAreFreeInterruptIfAsked() {
        started();
        driver.out(BusDriver.DATA_PORT, 5);
        driver.out(BusDriver.DATA_PORT, 1);
        driver.put(1, START, read(1, 0));
        driver.ring();
        assertEquals(0x82, driver.in(BusDriver.INTERRUPT));
    }

    @Test
    void senseDataAreKeptForADriverThatAsksForThem() {
        started();
        driver.put(1, START, driver.io(1, 3, 0, "FF0000000000", 3, 0, 0).put(3, (byte) 1));
        driver.ring();
        assertEquals(2, driver.mail().get(0).target());
        assertEquals(0, driver.command(0, "030000001200", 1, 18).target());
        assertEquals(0x20, driver.data(18)[12]);
    }

    @Test
    void moreThanItsCcbsWaitInTheirMailboxes() {
        BusDriver many = new BusDriver(pc, 250).start();
        many.command(0, "000000000000", 3, 0);
        for (int i = 0; i < 250; i++) many.put(i, START, many.io(i, 3, 0, "28000000000000000100", 1, BusDriver.DATA, 512));
        many.ring();
        assertEquals(192, disk.pending.size());
        disk.endAll();
        assertEquals(250, many.mail().size());
    }
}
