package drivers.cciss;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import drivers.cciss.Bench.Request;
import drivers.cciss.FakeArray.Disk;
import drivers.cciss.FakeArray.Fault;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciId;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;

class ControllerTest {
    private final FakeArray array = new FakeArray();
    private final Bench bench = new Bench(array);
    private final Random random = new Random(1);

    @AfterEach
    void theHardwareHasNothingToComplainAbout() {
        assertEquals(List.of(), array.trouble());
        array.free();
    }

    private Disk attached() throws DriverException {
        Disk disk = array.disk(0, 4096);
        bench.attach();
        return disk;
    }

    private String refusal() {
        String message = assertThrows(DriverException.class, bench::attach).getMessage();
        assertFalse(message.contains("\n"), message);
        assertFalse(array.master(), "the controller is left without access to memory");
        return message;
    }

    // ---- attaching

    @Test
    void volumesAreTargetsByTheirNumber() throws Exception {
        array.disk(0, 1000);
        array.disk(1, 2000).readOnly = true;
        array.disk(7, 3000, 4096);
        bench.attach();
        assertEquals(List.of(unit(0, 1000, 512, false), unit(1, 2000, 512, true), unit(7, 3000, 4096, false)), bench.driver.units());
    }

    private static LogicalUnit unit(int target, long blocks, int blockBytes, boolean readOnly) {
        return new LogicalUnit(target, 0, blocks, blockBytes, readOnly, "COMPAQ", "LOGICAL VOLUME", "2.58");
    }

    @Test
    void aFailedVolumeIsListedWithoutBlocksAndComesBackByItself() throws Exception {
        Disk failed = array.disk(0, 1000);
        failed.failed = true;
        array.disk(1, 1000);
        bench.attach();
        assertEquals(0, bench.driver.units().get(0).blocks());
        assertEquals(BlockResult.HARDWARE_ERROR, bench.read(0, 0, 1).result());
        assertEquals(BlockResult.GOOD, bench.read(1, 0, 1).result());
        failed.failed = false;
        bench.pass(11_000);
        assertEquals(1000, bench.driver.units().get(0).blocks());
        assertEquals(1, bench.unitChanges);
        assertEquals(BlockResult.GOOD, bench.read(0, 0, 1).result());
    }

    @Test
    void aReservationIsTheHostsAndAConflictIsTold() throws Exception {
        Disk disk = attached();
        assertEquals(BlockResult.GOOD, bench.submit(BlockOperation.RESERVE, 0).result());
        assertTrue(disk.reserved);
        assertEquals(BlockResult.GOOD, bench.submit(BlockOperation.RESERVE, 0).result());
        assertEquals(BlockResult.GOOD, bench.submit(BlockOperation.RELEASE, 0).result());
        assertFalse(disk.reserved);
        disk.reservedByAnother = true;
        assertEquals(BlockResult.CONFLICT, bench.submit(BlockOperation.RESERVE, 0).result());
        disk.reservedByAnother = false;
        disk.attention = 0x062900; // after a reset
        assertEquals(BlockResult.GOOD, bench.submit(BlockOperation.RESERVE, 0).result());
        assertEquals(4L, bench.driver.statistics().get("reservations"));
        assertEquals(1L, bench.driver.statistics().get("reservation conflicts"));
        assertEquals(1L, bench.driver.statistics().get("retries")); // the unit attention
        assertEquals(0L, bench.driver.statistics().get("errors"));
    }

    @Test
    void aUnitAttentionDoesNotDisturbTheSearch() throws Exception {
        array.disk(0, 1000).attention = 0x062900;
        bench.attach();
        assertEquals(1000, bench.driver.units().get(0).blocks());
    }

    @Test
    void everyBoardHasItsInterruptBit() throws Exception {
        int[][] boards = {{0x0E11, 0xB060, 0x0E11, 0x4070}, {0x0E11, 0xB178, 0x0E11, 0x4080}, {0x0E11, 0xB178, 0x0E11, 0x4082},
            {0x0E11, 0xB178, 0x0E11, 0x4083}, {0x0E11, 0x0046, 0x0E11, 0x4091}, {0x0E11, 0x0046, 0x0E11, 0x409A}, {0x0E11, 0x0046, 0x0E11, 0x409B},
            {0x0E11, 0x0046, 0x0E11, 0x409C}, {0x0E11, 0x0046, 0x0E11, 0x409D}, {0x103C, 0x3220, 0x103C, 0x3225}, {0x103C, 0x3230, 0x103C, 0x3234}};
        for (int[] board : boards) {
            FakeArray other = new FakeArray(new PciId(board[0], board[1], board[2], board[3], 0x010400, 0));
            assertTrue(new CcissModule().matches(other.id()), other.id().toString());
            other.disk(0, 100);
            Bench at = new Bench(other).attach();
            assertEquals(0, other.mask);
            assertEquals(BlockResult.GOOD, at.read(0, 0, 1).result(), other.id().toString());
            at.driver.close();
            assertEquals(other.interruptBit, other.mask);
            assertEquals(List.of(), other.trouble());
            other.free();
        }
        assertFalse(new CcissModule().matches(new PciId(0x8086, 0x1229, 0, 0, 0x020000, 8)));
    }

    @Test
    void firmwareIsWaitedForButNotForEver() throws Exception {
        array.readyAfter = 200;
        attached();
        bench.driver.close();
        array.scratchpad = 0x1234;
        assertTrue(refusal().startsWith("the firmware is not ready after 30 s (scratchpad 00001234)"));
        bench.parameters.put("ready", "2");
        assertTrue(refusal().startsWith("the firmware is not ready after 2 s"));
    }

    @Test
    void aControllerThatIsNoneIsToldInOneLine() {
        array.signature = 0x12345678;
        assertTrue(refusal().contains("no signature (12345678)"));
        array.signature = 'C' | 'I' << 8 | 'S' << 16 | 'S' << 24;
        array.supported = 4;
        assertTrue(refusal().contains("does not know the simple transport"));
        array.supported = 6;
        array.doorbellStuck = true;
        assertTrue(refusal().contains("does not take its configuration over"));
        array.doorbellStuck = false;
        array.active = 0;
        array.refuses = true;
        assertTrue(refusal().contains("refuses the simple transport"));
        array.refuses = false;
        array.tableOffset = 0x1000 - 0x40;
        assertTrue(refusal().contains("outside the controller"));
        array.tableOffset = 0x400;
        array.tableRegister = 0x0C;
        assertTrue(refusal().contains("outside the controller"));
        array.tableRegister = 0x14;
        array.buffersLeft = 2;
        assertEquals("no DMA memory left", refusal());
    }

    @Test
    void aGoneControllerIsToldInOneLine() {
        array.gone = true;
        assertTrue(refusalOfOneGone().contains("registers in memory space"));
    }

    private String refusalOfOneGone() { return assertThrows(DriverException.class, bench::attach).getMessage(); }

    @Test
    void parametersAreChecked() throws Exception {
        bench.parameters.put("depth", "5");
        bench.parameters.put("maxkb", "16");
        attached();
        assertEquals(5, bench.driver.queueDepth());
        assertEquals(16384, bench.driver.maxBytes());
        bench.parameters.put("depth", "none");
        assertEquals("cciss depth=none: a number from 1 to 1024 is needed", assertThrows(DriverException.class, bench::attach).getMessage());
        for (String name : bench.parameters.keySet()) assertTrue(new CcissModule().parameters().containsKey(name));
    }

    @Test
    void theTableBoundsTheDepth() throws Exception {
        array.maxCommands = 10;
        attached();
        assertEquals(8, bench.driver.queueDepth());
    }

    // ---- requests

    @Test
    void whatIsWrittenIsReadAtAnyPlaceAndLength() throws Exception {
        Disk disk = attached();
        byte[] all = new byte[4096 * 512];
        for (int i = 0; i < 500; i++) {
            int blocks = 1 + random.nextInt(128), block = random.nextInt(4096 - blocks + 1);
            if (random.nextBoolean()) {
                byte[] data = Bench.random(random, blocks);
                assertEquals(BlockResult.GOOD, bench.write(0, block, data).result());
                System.arraycopy(data, 0, all, block * 512, data.length);
            } else {
                Request read = bench.read(0, block, blocks);
                assertEquals(BlockResult.GOOD, read.result());
                assertArrayEquals(java.util.Arrays.copyOfRange(all, block * 512, (block + blocks) * 512), read.bytes());
            }
        }
        for (int block = 0; block < 4096; block++) assertArrayEquals(java.util.Arrays.copyOfRange(all, block * 512, block * 512 + 512), disk.block(block));
    }

    @Test
    void largeVolumesTakeSixteenBytes() throws Exception {
        long blocks = 6L << 32;
        Disk disk = array.disk(3, blocks);
        bench.attach();
        assertEquals(blocks, bench.driver.units().get(0).blocks());
        for (long block : new long[] {0, 0xFFFF_FFFFL - 1, 0xFFFF_FFFFL, 0x1_0000_0000L, blocks - 2}) {
            byte[] data = Bench.random(random, 2);
            assertEquals(BlockResult.GOOD, bench.write(3, block, data).result());
            assertArrayEquals(data, bench.read(3, block, 2).bytes());
            assertArrayEquals(java.util.Arrays.copyOf(data, 512), disk.block(block));
        }
        assertEquals(BlockResult.OUT_OF_RANGE, bench.read(3, blocks - 1, 2).result());
    }

    @Test
    void aFlushSynchronizesTheCache() throws Exception {
        attached();
        assertEquals(BlockResult.GOOD, bench.flush(0).result());
        assertEquals(0x35, array.seen.get(array.seen.size() - 1).cdb[0]);
    }

    @Test
    void whatCannotBeNeverReachesTheController() throws Exception {
        array.disk(1, 100).readOnly = true;
        bench.attach();
        int seen = array.seen.size();
        assertEquals(BlockResult.GONE, bench.read(5, 0, 1).result());
        assertEquals(BlockResult.WRITE_PROTECTED, bench.write(1, 0, new byte[512]).result());
        assertEquals(BlockResult.OUT_OF_RANGE, bench.read(1, 100, 1).result());
        assertEquals(BlockResult.OUT_OF_RANGE, bench.read(1, -1, 1).result());
        assertEquals(BlockResult.OUT_OF_RANGE, bench.read(1, Long.MAX_VALUE, 1).result());
        assertEquals(BlockResult.GOOD, bench.read(1, 7, 0).result());
        assertEquals(BlockResult.HARDWARE_ERROR, bench.submit(new Request(BlockOperation.READ, 1, 0, 2, ByteBuffer.allocate(512))).result(), "too little room");
        assertEquals(seen, array.seen.size());
    }

    @Test
    void requestsBeyondTheDepthWaitForTheirTurn() throws Exception {
        bench.parameters.put("depth", "4");
        Disk disk = attached();
        array.held = true;
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 20; i++) requests.add(bench.write(0, i, Bench.random(random, 1)));
        assertEquals(4, array.waiting.size());
        while (requests.stream().anyMatch(r -> r.result() == null)) {
            array.run();
            array.pump();
        }
        for (int i = 0; i < 20; i++) assertArrayEquals(requests.get(i).bytes(), disk.block(i));
        assertTrue(requests.stream().allMatch(r -> r.endings() == 1));
    }

    @Test
    void buffersAreTakenWhenTheyAreNeededAndFewWillDo() throws Exception {
        array.buffersLeft = 5; // blocks, questions, the first buffer, and two more
        attached();
        assertEquals(2, array.buffersLeft);
        bench.read(0, 0, 1);
        bench.read(0, 1, 1);
        assertEquals(2, array.buffersLeft, "one at a time needs one buffer");
        array.held = true;
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 50; i++) requests.add(bench.read(0, i, 1));
        assertEquals(3, array.waiting.size());
        while (requests.stream().anyMatch(r -> r.result() == null)) {
            array.run();
            assertTrue(array.pump());
        }
        assertTrue(bench.driver.statistics().get("waits for memory") > 0);
    }

    // ---- errors

    @Test
    void everyErrorHasItsResult() throws Exception {
        attached();
        Object[][] cases = {
            {Fault.status(0), BlockResult.GOOD},
            {Fault.check(3, 0x11, 0), BlockResult.READ_ERROR},
            {Fault.check(4, 0x44, 0), BlockResult.HARDWARE_ERROR},
            {Fault.check(2, 4, 3), BlockResult.check(2, 4, 3)},
            {Fault.check(0xB, 0x47, 1), BlockResult.check(0xB, 0x47, 1)},
            {Fault.check(1, 0x17, 0), BlockResult.GOOD}, // recovered
            {Fault.check(5, 0x25, 0), BlockResult.GONE},
            {new Fault(1, 2, 0, new byte[] {0x72, 7, 0x27, 7, 0, 0, 0, 0}), BlockResult.NO_SPACE}, // descriptor format
            {new Fault(1, 2, 0, new byte[0]), BlockResult.HARDWARE_ERROR}, // no sense
            {new Fault(1, 2, 0, new byte[] {0x70, 0, 3}), BlockResult.check(3, 0, 0)}, // short sense
            {new Fault(1, 2, 0, new byte[200]), BlockResult.HARDWARE_ERROR}, // no sense format, and longer than it can be
            {new Fault(1, 8, 0, new byte[0]), BlockResult.TIMEOUT}, // busy
            {new Fault(1, 0x28, 0, new byte[0]), BlockResult.TIMEOUT}, // queue full
            {new Fault(1, 0, 0, new byte[0]), BlockResult.TIMEOUT},
            {new Fault(2, 0, 0, new byte[0]), BlockResult.GOOD}, // underrun of nothing
            {new Fault(2, 0, 512, new byte[0]), BlockResult.TIMEOUT},
            {new Fault(2, 2, 512, FakeArray.fixed(3, 0x11, 0)), BlockResult.READ_ERROR},
            {Fault.status(3), BlockResult.HARDWARE_ERROR}, // overrun
            {Fault.status(4), BlockResult.HARDWARE_ERROR}, // invalid
            {Fault.status(5), BlockResult.TIMEOUT}, {Fault.status(6), BlockResult.TIMEOUT}, {Fault.status(7), BlockResult.TIMEOUT}, // protocol, hardware, lost
            {Fault.status(8), BlockResult.TIMEOUT}, {Fault.status(9), BlockResult.TIMEOUT}, {Fault.status(10), BlockResult.TIMEOUT}, // aborted
            {Fault.status(11), BlockResult.TIMEOUT}, {Fault.status(12), BlockResult.TIMEOUT}, {Fault.status(0x7777), BlockResult.TIMEOUT}};
        for (Object[] one : cases) {
            array.faults = posted -> (Fault) one[0];
            Request request = bench.read(0, 0, 2);
            assertEquals(one[1], request.result(), one[0].toString());
            assertEquals(1, request.endings());
        }
        array.faults = posted -> null;
        assertEquals(BlockResult.GOOD, bench.read(0, 0, 2).result());
        assertEquals(0, bench.driver.statistics().get("in flight"));
    }

    @Test
    void anErrorThatTheControllerDoesNotExplainIsNoSuccess() throws Exception {
        attached();
        array.held = true;
        Request request = bench.read(0, 0, 1);
        array.complete(array.waiting.poll().tag | 2);
        array.pump();
        assertEquals(BlockResult.TIMEOUT, request.result());
    }

    @Test
    void aUnitAttentionIsAnsweredByAnotherAttempt() throws Exception {
        Disk disk = attached();
        disk.attention = 0x062900;
        byte[] data = Bench.random(random, 3);
        assertEquals(BlockResult.GOOD, bench.write(0, 5, data).result());
        assertArrayEquals(data, bench.read(0, 5, 3).bytes());
        assertEquals(1, bench.driver.statistics().get("retries"));
        array.faults = posted -> Fault.check(6, 0x29, 0);
        assertEquals(BlockResult.check(6, 0x29, 0), bench.read(0, 0, 1).result(), "but not for ever");
    }

    @Test
    void aVolumeThatGrewIsSeenAtTheUnitAttention() throws Exception {
        Disk small = attached();
        array.disks.remove(small);
        array.disk(0, 9000).attention = 0x062A09;
        assertEquals(BlockResult.GOOD, bench.read(0, 0, 1).result());
        bench.pass(1100);
        assertEquals(9000, bench.driver.units().get(0).blocks());
        assertEquals(1, bench.unitChanges);
    }

    @Test
    void volumesThatComeAndGoAreSeen() throws Exception {
        attached();
        array.disk(2, 77);
        bench.pass(11_000);
        assertEquals(2, bench.driver.units().size());
        array.disks.remove(0);
        bench.pass(11_000);
        assertEquals(List.of(2), bench.driver.units().stream().map(LogicalUnit::target).toList());
        assertEquals(2, bench.unitChanges);
        assertEquals(BlockResult.GONE, bench.read(0, 0, 1).result());
        bench.pass(60_000);
        assertEquals(2, bench.unitChanges);
    }

    @Test
    void tagsThatMeanNothingAreCounted() throws Exception {
        attached();
        array.faults = posted -> Fault.TWICE;
        assertEquals(1, bench.read(0, 0, 1).endings());
        for (int tag : new int[] {0, 4, 0x7FFF_FFFC, 0x0000_3FF8, 0xFFFF_FFFD}) array.complete(tag);
        array.pump();
        assertEquals(6, bench.driver.statistics().get("invalid tags"));
        array.faults = posted -> null;
        assertEquals(BlockResult.GOOD, bench.read(0, 0, 1).result());
    }

    @Test
    void aControllerThatGivesTagsWithoutEndIsGivenUp() throws Exception {
        attached();
        for (int i = 0; i < 20_000; i++) array.complete(0x1000_0000 + 4 * i);
        while (array.pump()) Thread.onSpinWait();
        assertEquals(1, bench.failures.size());
        assertTrue(bench.failures.get(0).startsWith("the controller completes commands that it was not given"));
    }

    // ---- time

    @Test
    void aCommandThatTakesTooLongIsAborted() throws Exception {
        attached();
        array.faults = posted -> Fault.LOST;
        Request lost = bench.read(0, 0, 1), other = bench.read(0, 1, 1);
        bench.pass(29_000);
        assertNull(lost.result());
        bench.pass(4_000);
        assertEquals(BlockResult.TIMEOUT, lost.result());
        assertEquals(BlockResult.TIMEOUT, other.result());
        assertEquals(2, bench.driver.statistics().get("aborts"));
        assertEquals(List.of(), bench.failures);
        array.faults = posted -> null;
        assertEquals(BlockResult.GOOD, bench.read(0, 0, 1).result());
    }

    @Test
    void aCommandThatCannotBeAbortedFailsTheController() throws Exception {
        attached();
        array.abortsWork = false;
        array.faults = posted -> posted.cdb[5] == 0 ? Fault.LOST : null;
        Request lost = bench.read(0, 0, 1);
        bench.pass(25_000);
        array.faults = posted -> Fault.LOST;
        Request young = bench.read(0, 1, 1);
        bench.pass(12_000);
        assertEquals(List.of("a command that was aborted after 30 s did not come back"), bench.failures);
        Request late = bench.read(0, 2, 1);
        assertEquals(0, late.endings(), "held until the kernel closes the driver");
        bench.driver.close();
        assertEquals(BlockResult.TIMEOUT, lost.result(), "counts as an attempt");
        assertTrue(young.givenBack());
        assertTrue(late.givenBack());
        assertEquals(1, array.resets);
        assertFalse(array.master());
    }

    @Test
    void aControllerWhoseHeartStopsIsReported() throws Exception {
        attached();
        bench.parameters.clear();
        bench.pass(60_000);
        assertEquals(List.of(), bench.failures);
        bench.driver.close();
        bench.parameters.put("rescan", "0");
        bench.attach();
        bench.pass(5_000);
        bench.pass(29_000, false);
        assertEquals(List.of(), bench.failures);
        bench.pass(3_000, false);
        assertEquals(List.of("controller lockup: no heartbeat for 30 s"), bench.failures);
        bench.pass(60_000, false);
        assertEquals(1, bench.failures.size());
    }

    @Test
    void aHeartThatNeverBeatSaysNothing() throws Exception {
        bench.parameters.put("rescan", "0");
        attached();
        bench.pass(300_000, false);
        assertEquals(List.of(), bench.failures);
    }

    @Test
    void aControllerThatIsPulledIsReported() throws Exception {
        attached();
        array.held = true;
        Request request = bench.read(0, 0, 1);
        array.gone = true;
        bench.pass(2_000);
        assertEquals(List.of("the controller does not answer any more"), bench.failures);
        bench.driver.close();
        assertTrue(request.givenBack());
    }

    @Test
    void aControllerThatDoesNotAnswerQuestionsIsReported() throws Exception {
        attached();
        bench.meanwhile = () -> array.heartbeat++; // no interrupts
        bench.pass(11_000);
        assertEquals(List.of("the controller did not answer REPORT LOGICAL within 30 s"), bench.failures);
        bench.driver.close();
        assertEquals(1, array.resets);
    }

    // ---- stopping

    @Test
    void quiescingWaitsForWhatIsInFlightAndGivesBackTheRest() throws Exception {
        bench.parameters.put("depth", "2");
        attached();
        array.held = true;
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 5; i++) requests.add(bench.read(0, i, 1));
        bench.meanwhile = () -> {
            array.run();
            array.pump();
        };
        bench.driver.quiesce(Duration.ofSeconds(1));
        bench.driver.quiesce(Duration.ofSeconds(1));
        for (int i = 0; i < 5; i++) {
            if (i < 2) assertEquals(BlockResult.GOOD, requests.get(i).result()); else assertTrue(requests.get(i).givenBack());
        }
        assertEquals(4, array.mask, "interrupts are masked");
        Request late = bench.read(0, 0, 1);
        assertTrue(late.givenBack());
        int seen = array.seen.size();
        bench.pass(100_000);
        assertEquals(seen, array.seen.size(), "nothing happens by itself");
        bench.driver.close();
        assertEquals(0, array.resets);
    }

    @Test
    void quiescingGivesUpAtItsLimit() throws Exception {
        attached();
        array.held = true;
        Request request = bench.read(0, 0, 1);
        bench.meanwhile = () -> {};
        String message = assertThrows(TimeoutException.class, () -> bench.driver.quiesce(Duration.ofMillis(100))).getMessage();
        assertEquals("1 commands are in flight after 100 ms", message);
        assertThrows(TimeoutException.class, () -> bench.driver.quiesce(Duration.ofMillis(100)));
        assertEquals(0, request.endings());
        bench.driver.close();
        assertTrue(request.givenBack());
        assertEquals(1, array.resets);
    }

    @Test
    void closingWritesTheCacheUnlessASuccessorTakesOver() throws Exception {
        attached();
        bench.driver.close();
        assertEquals(1, array.cacheFlushes);
        assertEquals(0, array.resets);
        assertFalse(array.master());
        bench.attach();
        bench.driver.quiesce(Duration.ofSeconds(1));
        SavedState state = bench.driver.save();
        bench.driver.close();
        assertEquals(1, array.cacheFlushes);
        int seen = array.seen.size();
        bench.attach(Optional.of(state));
        assertEquals(seen + 1, array.seen.size(), "one question: which volumes");
        assertEquals(BlockResult.GOOD, bench.read(0, 0, 1).result());
    }

    @Test
    void aSuccessorLooksAgainIfTheVolumesAreOthers() throws Exception {
        attached();
        bench.driver.quiesce(Duration.ofSeconds(1));
        SavedState state = bench.driver.save();
        bench.driver.close();
        array.disk(1, 50);
        bench.attach(Optional.of(state));
        assertEquals(2, bench.driver.units().size());
        bench.driver.close();
        array.disks.remove(0);
        array.disk(0, 5000); // the same number, but larger: seen soon
        array.disks.remove(0);
        array.disk(1, 50);
        bench.attach(Optional.of(state));
        bench.pass(2_000);
        assertEquals(List.of(5000L, 50L), bench.driver.units().stream().map(LogicalUnit::blocks).toList());
    }

    @Test
    void aStateThatIsDamagedOrOfSomebodyElseIsRefusedInOneLine() throws Exception {
        array.disk(0, 100);
        for (SavedState state : List.of(new SavedState("drivers.cciss", 1, new byte[] {0, 0}), SavedState.none("devices.pc/uart"))) {
            String message = assertThrows(DriverException.class, () -> bench.attach(Optional.of(state))).getMessage();
            assertFalse(message.contains("\n"), message);
        }
    }
}
