package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;

/** The 53C1030 as a driver sees it. */
class LsiLogicTest {
    private static final int TASK_MANAGEMENT = 1, EVENTS = 7;
    private static final int READ = 1, WRITE = 2, HEADER = 0;

    private final TestMachine pc = TestMachine.board();
    private final FakeDisk disk = new FakeDisk(4096).filled(1), other = new FakeDisk(100_000 / 512).filled(2);
    private final LsiDriver driver = plug();

    private LsiDriver plug() {
        pc.disks.put("scsi0", Map.of(0, disk, 3, other));
        pc.add("lsilogic", "scsi0");
        return new LsiDriver(pc);
    }

    /** Brings it up and takes the first unit attention. */
    private LsiDriver started() {
        driver.start();
        for (int target : new int[] {0, 3}) driver.expectSense(driver.command(target, "000000000000", false, 0), 0x062900);
        return driver;
    }

    // -- the chip --

    @Test
    void itIsFoundOnThePciBus() {
        assertEquals(0x0030_1000L, pc.pci(LsiDriver.SLOT, 0, 0));
        assertEquals(0x0100_0001L, pc.pci(LsiDriver.SLOT, 0, 8), "a SCSI controller, revision 1 (B0)");
        pc.pci(LsiDriver.SLOT, 0, 0x14, 0xFFFF_FFFFL);
        assertEquals(0xFFFE_0000L, pc.pci(LsiDriver.SLOT, 0, 0x14), "128 KiB of registers");
        assertEquals(0x100, pc.pci(LsiDriver.SLOT, 0, 0x3C) & 0xFF00, "INTA#");
    }

    @Test
    void portsAndMemoryShowTheSameRegisters() {
        assertEquals(driver.in(LsiDriver.DOORBELL), pc.in32(LsiDriver.PORT));
        assertEquals(1, driver.state(), "ready");
        assertEquals(0, pc.read(LsiDriver.BAR1 + 0x1_0000));
    }

    @Test
    void factsComeByTheDoorbell() {
        ByteBuffer facts = driver.facts();
        assertEquals(0x0102, facts.getShort(0));
        assertEquals(3, facts.get(3));
        assertEquals(0x11, facts.getInt(8));
        assertEquals(0, facts.getShort(0x0E));
        assertEquals(32, facts.getShort(0x1A), "request frame in dwords");
        assertEquals(256, facts.getShort(0x24), "credits");
        assertEquals(16, facts.get(0x2E), "devices");
        ByteBuffer port = driver.byDoorbell(LsiDriver.message(12, 5, 7));
        assertEquals(1, port.get(0x15), "SCSI");
        assertEquals(7, port.getShort(0x18), "own id");
        assertEquals(8, port.getShort(0x1A), "initiator");
        assertEquals(7, driver.byDoorbell(LsiDriver.message(12, 5, 7).put(6, (byte) 1)).getShort(0x0E), "there is no second port");
    }

    @Test
    void theDoorbellInterruptsUnlessMasked() {
        driver.out(LsiDriver.MASK, 8);
        assertFalse(driver.line());
        driver.out(LsiDriver.DOORBELL, 0x4203_0000L);
        assertTrue(driver.line());
        driver.out(LsiDriver.STATUS, 0);
        assertFalse(driver.line());
    }

    @Test
    void messagesThatAreNotKnownAreRefused() {
        driver.start();
        for (int function : new int[] {0x09, 0x12, 0x15, 0x16, 0x77}) {
            driver.post(1, LsiDriver.message(48, function, 5));
            assertEquals(1, driver.reply().status(), "function " + function);
        }
    }

    @Test
    void aDiagnosticResetNeedsTheKeys() {
        driver.start();
        driver.out(LsiDriver.DIAGNOSTIC, 4);
        assertEquals(2, driver.state());
        for (int key : new int[] {0xFF, 4, 0xB, 2, 7, 0xD}) driver.out(LsiDriver.SEQUENCE, key);
        assertEquals(0x80, driver.in(LsiDriver.DIAGNOSTIC));
        driver.out(LsiDriver.DIAGNOSTIC, 0x84);
        assertEquals(1, driver.state());
        assertEquals(0x20, driver.in(LsiDriver.DIAGNOSTIC), "it tells that it was reset");
    }

    @Test
    void aMessageUnitResetForgetsEverything() {
        started();
        driver.post(1, driver.io(1, 0, "28000000000000000100", false, LsiDriver.DATA, 512));
        assertEquals(1, disk.pending.size());
        driver.out(LsiDriver.DOORBELL, 0x40L << 24);
        assertEquals(1, driver.state());
        assertEquals(1, disk.aborts);
        assertEquals(0, driver.in(LsiDriver.STATUS));
        driver.start();
        assertEquals(List.of(), driver.replies());
    }

    @Test
    void withoutBusMasteringNothingIsFetched() {
        started();
        pc.pci(LsiDriver.SLOT, 0, 0x04, 3);
        driver.post(1, driver.io(1, 0, "000000000000", false, 0, 0));
        assertEquals(List.of(), driver.replies());
    }

    // -- configuration pages --

    @Test
    void pagesHaveHeadersAndContent() {
        driver.start();
        ByteBuffer reply = driver.config(HEADER, 3, 0, 0, 0);
        assertEquals(0, reply.getShort(0x0E));
        assertEquals(3, reply.get(0x15), "dwords");
        driver.config(READ, 3, 0, 0, 12);
        assertEquals(0x207F_0A00, (int) pc.guestMemory.read(LsiDriver.DATA + 4, 4), "wide, offset 127, 25 ns");
        driver.config(READ, 9, 0, 0, 76);
        assertEquals("53C1030", new String(driver.data(76), 4, 7, StandardCharsets.US_ASCII));
        assertEquals(0x22, driver.config(HEADER, 3, 9, 0, 0).getShort(0x0E), "no such page");
        assertEquals(0x21, driver.config(HEADER, 8, 0, 0, 0).getShort(0x0E), "no RAID volumes");
        assertEquals(0x20, driver.config(WRITE, 3, 0, 0, 12).getShort(0x0E), "it cannot be written");
    }

    @Test
    void devicesNegotiateWhatIsAskedFor() {
        driver.start();
        driver.config(READ, 4, 0, 3, 12);
        assertEquals(0x207F_0A00, (int) pc.guestMemory.read(LsiDriver.DATA + 4, 4));
        pc.guestMemory.write(LsiDriver.DATA + 4, 4, 0x000F_190F); // narrow, offset 15, 100 ns, and what the devices cannot
        assertEquals(0, driver.config(WRITE, 4, 1, 3, 16).getShort(0x0E));
        driver.config(READ, 4, 0, 3, 12);
        assertEquals(0x000F_1900, (int) pc.guestMemory.read(LsiDriver.DATA + 4, 4));
        driver.config(READ, 4, 0, 0, 12);
        assertEquals(0x207F_0A00, (int) pc.guestMemory.read(LsiDriver.DATA + 4, 4), "the other one is as it was");
        driver.config(READ, 4, 0, 5, 12);
        assertEquals(0, pc.guestMemory.read(LsiDriver.DATA + 4, 4), "nobody there");
    }

    @Test
    void eventsAreTurnedOn() {
        driver.start();
        driver.post(1, LsiDriver.message(12, EVENTS, 0x77).put(0, (byte) 1));
        ByteBuffer event = driver.reply().frame();
        assertEquals(0x0A, event.getInt(0x14));
        assertEquals(1, event.getInt(0x1C));
        driver.post(2, LsiDriver.message(0x34, TASK_MANAGEMENT, 2).put(5, (byte) 4));
        List<LsiDriver.Reply> replies = driver.replies();
        assertEquals(4, replies.get(0).frame().getInt(0x14), "the bus was reset");
        assertEquals(0x77, replies.get(0).context());
        assertEquals(0, replies.get(1).status());
    }

    // -- SCSI --

    @Test
    void dataGoBothWays() {
        started();
        driver.post(1, driver.io(1, 0, "28000000000500000200", false, LsiDriver.DATA, 1024));
        assertFalse(driver.line());
        disk.endAll();
        assertTrue(driver.line());
        assertTrue(driver.reply().plain());
        assertFalse(driver.line());
        assertArrayEquals(Arrays.copyOfRange(disk.content, 5 * 512, 7 * 512), driver.data(1024));
        driver.post(2, driver.io(2, 3, "2A000000000100000200", true, LsiDriver.DATA, 1024));
        other.endAll();
        assertEquals(2, driver.reply().context());
        assertArrayEquals(driver.data(1024), Arrays.copyOfRange(other.content, 512, 3 * 512));
    }

    @Test
    void manyRequestsEndInAnyOrderWithOneInterrupt() {
        started();
        for (int i = 0; i < 100; i++) driver.post(i, driver.io(i, 0, String.format("2800%08x00000100", i), false, LsiDriver.DATA + i * 512, 512));
        assertEquals(100, disk.pending.size());
        while (!disk.pending.isEmpty()) disk.end(disk.pending.get(disk.pending.size() * 2 / 3), BlockResult.GOOD);
        assertEquals(100, driver.replies().stream().filter(LsiDriver.Reply::plain).map(LsiDriver.Reply::context).distinct().count());
        assertArrayEquals(Arrays.copyOf(disk.content, 100 * 512), driver.data(100 * 512));
    }

    @Test
    void listsAreScatteredAndChained() {
        started();
        byte[] expected = Arrays.copyOf(disk.content, 2048);
        ByteBuffer message = driver.io(1, 0, "28000000000000000400", false, 0, 2048);
        driver.chain(message);
        driver.post(1, message);
        disk.endAll();
        assertTrue(driver.reply().plain());
        assertArrayEquals(expected, driver.data(2048));
    }

    @Test
    void aListThatLoopsIsRefused() {
        started();
        ByteBuffer message = driver.io(1, 0, "28000000000000000400", false, 0, 2048).put(2, (byte) (0x30 / 4));
        message.putInt(0x30, 0x3000_0000 | 8).putInt(0x34, 0x5_0000);
        driver.pc.guestMemory.write(0x5_0000, 4, 0x3000_0000 | 8);
        driver.pc.guestMemory.write(0x5_0004, 4, 0x5_0000);
        driver.post(1, message);
        assertEquals(3, driver.reply().status());
    }

    @Test
    void nobodyAnswersAtOtherTargets() {
        started();
        assertEquals(0x43, driver.command(5, "000000000000", false, 0).status());
        assertEquals(0x43, driver.command(7, "000000000000", false, 0).status());
        assertEquals(0x42, driver.command(16, "000000000000", false, 0).status());
        driver.post(1, driver.io(1, 0, "000000000000", false, 0, 0).put(1, (byte) 1));
        assertEquals(0x41, driver.reply().status());
    }

    @Test
    void dataThatDoNotFitAreTold() {
        started();
        LsiDriver.Reply reply = driver.command(0, "120000002400", false, 100);
        assertEquals(0x45, reply.status(), "36 bytes only");
        assertEquals(36, reply.transferred());
        reply = driver.command(0, "120000002400", false, 20);
        assertEquals(0x44, reply.status());
        assertEquals(20, reply.transferred());
        driver.post(1, driver.io(1, 0, "28000000000000000400", false, LsiDriver.DATA, 1024));
        disk.endAll();
        assertEquals(0x44, driver.reply().status());
    }

    @Test
    void errorsOfTheHostBecomeSenseData() {
        started();
        Map<BlockResult, Integer> senses = Map.of(BlockResult.READ_ERROR, 0x031100, BlockResult.NO_SPACE, 0x072707, BlockResult.TIMEOUT, 0x044400);
        senses.forEach((result, sense) -> {
            driver.post(1, driver.io(1, 0, "28000000000000000100", false, LsiDriver.DATA, 512));
            disk.end(result);
            driver.expectSense(driver.reply(), sense);
        });
        driver.post(1, driver.io(1, 0, "28000000000000000100", false, LsiDriver.DATA, 512));
        disk.end(BlockResult.GONE);
        assertEquals(0x43, driver.reply().status());
    }

    @Test
    void anAbortedCommandEndsBeforeTheAbort() {
        started();
        driver.post(1, driver.io(1, 0, "28000000000000000100", false, LsiDriver.DATA, 512));
        driver.post(2, driver.io(2, 0, "28000000000000000100", false, LsiDriver.DATA, 512));
        driver.post(3, LsiDriver.message(0x34, TASK_MANAGEMENT, 3).put(5, (byte) 1).putInt(0x30, 2));
        List<LsiDriver.Reply> replies = driver.replies();
        assertEquals(2, replies.get(0).context());
        assertEquals(0x48, replies.get(0).status());
        assertEquals(3, replies.get(1).context());
        assertEquals(1, replies.get(1).frame().getInt(0x14), "one was ended");
        disk.endAll();
        assertEquals(1, driver.reply().context());
    }

    @Test
    void resetsGiveEverythingUpAndAreAnnounced() {
        started();
        driver.post(1, driver.io(1, 0, "28000000000000000100", false, LsiDriver.DATA, 512));
        driver.post(2, driver.io(2, 3, "28000000000000000100", false, LsiDriver.DATA, 512));
        ByteBuffer reset = LsiDriver.message(0x34, TASK_MANAGEMENT, 3).put(5, (byte) 3);
        driver.sendByDoorbell(reset);
        assertEquals(1, driver.in(LsiDriver.STATUS) & 1, "the doorbell is free again");
        driver.out(LsiDriver.STATUS, 0);
        assertEquals(List.of(1, 3), driver.replies().stream().map(LsiDriver.Reply::context).toList(), "its reply does not come by the doorbell");
        driver.expectSense(driver.command(0, "000000000000", false, 0), 0x062903);
        driver.post(3, reset.put(5, (byte) 4));
        assertEquals(List.of(2, 3), driver.replies().stream().map(LsiDriver.Reply::context).toList());
        driver.expectSense(driver.command(3, "000000000000", false, 0), 0x062902);
        assertEquals(0x43, byFifo(reset.put(5, (byte) 3).put(0, (byte) 9)).status(), "nobody there");
    }

    private LsiDriver.Reply byFifo(ByteBuffer message) {
        driver.post(9, message);
        return driver.reply();
    }

    @Test
    void repliesWaitForFrames() {
        started();
        for (int i = 0; i < 80; i++) driver.post(i, driver.io(i, 9, "000000000000", false, 0, 0)); // 64 frames are there
        assertEquals(80, driver.replies().size());
    }

    @Test
    void moreThanTheCreditsGetTaskSetFull() {
        started();
        for (int i = 0; i < 257; i++) driver.post(i, driver.io(i, 0, "28000000000000000100", false, LsiDriver.DATA, 512));
        assertEquals(256, disk.pending.size());
        assertEquals(0x28, driver.reply().scsiStatus());
    }

    @Test
    void aForcedWriteIsFlushed() {
        started();
        driver.post(1, driver.io(1, 0, "2A080000000100000100", true, LsiDriver.DATA, 512));
        disk.end(BlockResult.GOOD);
        assertEquals(List.of(), driver.replies());
        disk.end(BlockResult.GOOD);
        assertTrue(driver.reply().plain());
        assertEquals(List.of(BlockOperation.WRITE, BlockOperation.FLUSH), disk.history);
    }

    @Test
    void anAdapterWithoutDisksIsAnAdapter() {
        TestMachine bare = TestMachine.board();
        bare.add("vmxlsilogic", "scsi0");
        LsiDriver alone = new LsiDriver(bare).start();
        assertEquals(0x43, alone.command(0, "000000000000", false, 0).status());
    }
}
