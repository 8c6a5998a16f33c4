package vmkernel.core.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** An adapter of the host and its LUNs, above drivers that come, go and fail. */
@Timeout(120)
class HostAdapterTest {
    private static final int BLOCKS = 4096;

    private final HeldDelays delays = new HeldDelays();
    private final StoragePaths storage = new StoragePaths(delays);
    private final HostAdapter adapter = storage.adapter("vmhba0");
    private final FakeAdapter.Platter platter = new FakeAdapter.Platter(BLOCKS);

    private FakeAdapter attach(int depth, int maxBytes) {
        FakeAdapter driver = new FakeAdapter(platter, depth, maxBytes);
        adapter.attached(driver);
        return driver;
    }

    private BlockDevice lun() { return storage.find("vmhba0:1:0").orElseThrow(); }

    private static ByteBuffer random(int blocks, long seed) {
        byte[] bytes = new byte[blocks * FakeAdapter.BLOCK];
        new Random(seed).nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
    }

    private static List<BlockResult> write(BlockDevice device, long block, int blocks) { return start(device, BlockOperation.WRITE, block, random(blocks, block)); }

    private static List<BlockResult> start(BlockDevice device, BlockOperation operation, long block, ByteBuffer data) {
        List<BlockResult> results = java.util.Collections.synchronizedList(new ArrayList<>());
        device.submit(operation, block, data == null ? null : new BufferTransfer(data), results::add);
        return results;
    }

    @Test
    void aLargeRequestIsDividedAndPutTogether() throws IOException {
        FakeAdapter driver = attach(4, 8 * FakeAdapter.BLOCK);
        ByteBuffer data = random(100, 1);
        lun().write(17, data);
        assertEquals(13, driver.submitted());
        ByteBuffer back = ByteBuffer.allocateDirect(100 * FakeAdapter.BLOCK);
        lun().read(17, back);
        assertEquals(data, back);
        lun().flush();
        assertEquals(27, driver.submitted());
        assertEquals(List.of(), driver.broken());
    }

    @Test
    void noMoreThanTheQueueDepthIsAtTheAdapter() {
        FakeAdapter driver = attach(3, 1 << 20);
        driver.immediate = false;
        List<List<BlockResult>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) all.add(write(lun(), i, 1));
        assertEquals(3, driver.held.size());
        driver.release(100);
        all.forEach(results -> assertEquals(List.of(BlockResult.GOOD), results));
        assertEquals(3, driver.most);
        assertEquals(List.of(), driver.broken());
    }

    @Test
    void requestsOutsideTheUnitEndWithACheckCondition() {
        FakeAdapter driver = attach(4, 1 << 20);
        assertEquals(List.of(BlockResult.OUT_OF_RANGE), write(lun(), BLOCKS - 1, 2));
        assertEquals(List.of(BlockResult.OUT_OF_RANGE), write(lun(), -1, 1));
        assertEquals(List.of(BlockResult.OUT_OF_RANGE), write(lun(), Long.MAX_VALUE, 1));
        assertEquals(List.of(BlockResult.GOOD), write(lun(), BLOCKS - 1, 1));
        assertEquals(1, driver.submitted());
        IOException told = assertThrows(IOException.class, () -> lun().read(BLOCKS, ByteBuffer.allocate(512)));
        assertEquals("vmhba0:1:0: read at block 4096: sense 5/21/00", told.getMessage());
    }

    @Test
    void aTimeoutIsRepeatedWithinABound() {
        FakeAdapter driver = attach(4, 1 << 20);
        driver.fate = number -> number < 3 ? BlockResult.TIMEOUT : null;
        List<BlockResult> results = write(lun(), 5, 1);
        for (int i = 0; i < 3; i++) {
            assertTrue(results.isEmpty());
            assertEquals(1, delays.pass());
        }
        assertEquals(List.of(BlockResult.GOOD), results);
        assertEquals(1, platter.writes[5]);
        driver.fate = number -> BlockResult.TIMEOUT;
        delays.millis.clear();
        results = write(lun(), 5, 1);
        while (delays.pass() > 0) assertTrue(delays.millis.size() <= RequestQueue.RETRIES);
        assertEquals(List.of(BlockResult.TIMEOUT), results);
        assertEquals(List.of(50L, 100L, 200L, 400L, 800L), delays.millis);
    }

    @Test
    void aCheckConditionIsNotRepeated() {
        FakeAdapter driver = attach(4, 1 << 20);
        driver.fate = number -> BlockResult.READ_ERROR;
        assertEquals(List.of(BlockResult.READ_ERROR), start(lun(), BlockOperation.READ, 0, ByteBuffer.allocate(512)));
        assertEquals(1, driver.submitted());
    }

    /** Each request is divided into four pieces; whichever of the pieces fails, its request fails and no other. */
    @Test
    void theNthFailureFailsItsRequestAndNoOther() {
        for (int failing = 0; failing < 20; failing++) {
            FakeAdapter driver = attach(2, 2 * FakeAdapter.BLOCK);
            int number = failing;
            driver.fate = submitted -> submitted == number ? BlockResult.WRITE_ERROR : null;
            List<BlockResult> results = new ArrayList<>();
            for (int i = 0; i < 5; i++) results.addAll(write(lun(), i * 8L, 8));
            assertEquals(5, results.size());
            assertEquals(1, results.stream().filter(result -> result.equals(BlockResult.WRITE_ERROR)).count(), "failure " + failing);
            assertEquals(4, results.stream().filter(BlockResult::good).count());
            adapter.hold();
            adapter.detached();
        }
    }

    @Test
    void requestsWaitWhileThereIsNoDriverAndGoInOrder() {
        FakeAdapter first = attach(8, 1 << 20);
        first.immediate = false;
        List<List<BlockResult>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) all.add(write(lun(), i, 1));
        adapter.hold();
        first.quiesce(Duration.ofSeconds(1));
        adapter.detached();
        for (int i = 5; i < 10; i++) all.add(write(lun(), i, 1));
        all.forEach(results -> assertTrue(results.isEmpty()));
        FakeAdapter second = new FakeAdapter(platter, 100, 1 << 20);
        second.immediate = false;
        adapter.attached(second);
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L), second.held.stream().map(BlockRequest::block).toList());
        second.release(10);
        all.forEach(results -> assertEquals(List.of(BlockResult.GOOD), results));
        assertEquals(List.of(), first.broken());
    }

    @Test
    void whatADriverLosesIsRepeatedAndWhatItSaysLateIsNotHeard() {
        FakeAdapter first = attach(8, 8 * FakeAdapter.BLOCK);
        first.immediate = false;
        List<BlockResult> results = write(lun(), 0, 8);
        adapter.hold();
        adapter.detached();
        FakeAdapter second = attach(1, 2 * FakeAdapter.BLOCK); // and it takes less at a time
        assertEquals(List.of(BlockResult.GOOD), results);
        assertEquals(4, second.submitted());
        first.held.get(0).complete(BlockResult.WRITE_ERROR);
        first.held.get(0).giveBack();
        assertEquals(List.of(BlockResult.GOOD), results);
        assertEquals(4, second.submitted());
        assertEquals(List.of(), second.broken());
    }

    @Test
    void withoutASuccessorEverythingEnds() {
        FakeAdapter first = attach(2, 1 << 20);
        BlockDevice lun = lun();
        first.immediate = false;
        List<List<BlockResult>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) all.add(write(lun, i, 1));
        adapter.hold();
        adapter.detached();
        adapter.gone();
        all.add(write(lun, 6, 1));
        all.forEach(results -> assertEquals(List.of(BlockResult.GONE), results));
        assertTrue(storage.find("vmhba0:1:0").isEmpty());
        attach(2, 1 << 20);
        assertEquals(List.of(BlockResult.GOOD), write(lun, 6, 1));
    }

    @Test
    void unitsComeGoAndChangeTheirSize() {
        FakeAdapter driver = attach(1, 1 << 20);
        BlockDevice lun = lun();
        driver.units = List.of(FakeAdapter.unit(1, 0, 100), FakeAdapter.unit(2, 3, 10));
        adapter.unitsChanged();
        assertEquals(100, lun.blocks());
        assertEquals(List.of(BlockResult.OUT_OF_RANGE), write(lun, 100, 1));
        assertEquals(List.of("vmhba0:1:0", "vmhba0:2:3"), storage.devices().stream().map(BlockDevice::name).toList());
        driver.immediate = false;
        List<BlockResult> atAdapter = write(lun, 0, 1);
        List<BlockResult> waiting = write(lun, 1, 1);
        driver.units = List.of(FakeAdapter.unit(2, 3, 10));
        adapter.unitsChanged();
        assertEquals(List.of(BlockResult.GONE), waiting);
        assertTrue(atAdapter.isEmpty(), "the adapter still has it");
        driver.release(1);
        assertEquals(List.of(BlockResult.GOOD), atAdapter);
        assertEquals(List.of(BlockResult.GONE), write(lun, 0, 1));
    }

    /** Both always have something to do and the adapter takes one at a time: who has twice the shares gets twice as much. */
    @Test
    void sharesDivideAFullAdapter() {
        FakeAdapter driver = attach(1, 1 << 20);
        driver.immediate = false;
        Unit unit = ((Extent) lun()).unit;
        DiskShare normal = unit.join("a");
        DiskShare high = unit.join("b");
        high.shares(DiskShare.HIGH);
        int[] done = new int[2];
        Random random = new Random(7);
        for (int i = 0; i < 16; i++) {
            again(normal, random, 0, done);
            again(high, random, 1, done);
        }
        driver.release(3000);
        double ratio = (double) done[1] / done[0];
        assertTrue(ratio > 1.9 && ratio < 2.1, "1:" + ratio);
        high.shares(DiskShare.NORMAL);
        int[] before = done.clone();
        driver.release(3000);
        ratio = (double) (done[1] - before[1]) / (done[0] - before[0]);
        assertTrue(ratio > 0.95 && ratio < 1.05, "after the change 1:" + ratio);
    }

    /** Requests of 4 KB at random places, one after another. */
    private void again(DiskShare share, Random random, int who, int[] done) {
        Extent extent = (Extent) lun();
        extent.submit(share, BlockOperation.READ, random.nextInt(BLOCKS - 8), new BufferTransfer(ByteBuffer.allocate(8 * 512)), result -> {
            done[who]++;
            again(share, random, who, done);
        });
    }

    @Test
    void whoPausesCannotCatchUp() {
        FakeAdapter driver = attach(1, 1 << 20);
        driver.immediate = false;
        Unit unit = ((Extent) lun()).unit;
        DiskShare first = unit.join("a");
        DiskShare second = unit.join("b");
        int[] done = new int[2];
        for (int i = 0; i < 4; i++) again(first, new Random(i), 0, done);
        driver.release(1000);
        for (int i = 0; i < 4; i++) again(second, new Random(i), 1, done);
        driver.release(100);
        assertTrue(done[1] > 40 && done[1] < 60, done[1] + " of 100");
    }

    @Test
    void sequentialRequestsMayGoInARowOfEight() {
        FakeAdapter driver = attach(1, 1 << 20);
        driver.immediate = false;
        Extent extent = (Extent) lun();
        DiskShare[] both = {extent.unit.join("a"), extent.unit.join("b")};
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            for (int who = 0; who < 2; who++) {
                int me = who;
                extent.submit(both[who], BlockOperation.READ, who * 3000L + i * 8, new BufferTransfer(ByteBuffer.allocate(4096)), result -> order.add(me));
            }
        }
        driver.release(32);
        int changes = 0;
        for (int i = 1; i < order.size(); i++) if (!order.get(i).equals(order.get(i - 1))) changes++;
        assertEquals(3, changes, order.toString());
    }

    @Test
    void aRequestThatIsWithdrawnNeverGetsToTheAdapter() {
        FakeAdapter driver = attach(1, 1 << 20);
        driver.immediate = false;
        write(lun(), 0, 1);
        Extent extent = (Extent) lun();
        AtomicReference<BlockResult> end = new AtomicReference<>();
        extent.submit(extent.unit.join("a"), BlockOperation.WRITE, 1, new BufferTransfer(random(1, 1)), new Asker() {
            @Override public void ended(BlockResult result) { end.set(result); }
            @Override public boolean withdrawn() { return true; }
        });
        driver.release(5);
        assertEquals(BlockResult.GONE, end.get());
        assertEquals(1, driver.submitted());
    }

    /**
     * Four threads write and read back blocks of their own while the driver is changed again and again: sometimes it gives back, sometimes
     * it forgets. Each request ends once, and each block has what was written last.
     */
    @Test
    void aDriverIsReplacedUnderLoadWithoutLossOrRepetition() throws Exception {
        for (long seed = 1; seed <= 3; seed++) {
            AtomicReference<FakeAdapter> driver = new AtomicReference<>(attach(8, 4 * FakeAdapter.BLOCK));
            AtomicInteger running = new AtomicInteger(4);
            List<String> wrong = java.util.Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) threads.add(new Thread(worker(new Random(seed * 100 + i), i, wrong, running)));
            threads.forEach(Thread::start);
            Random random = new Random(seed);
            while (running.get() > 0) change(driver, random);
            for (Thread thread : threads) thread.join();
            assertEquals(List.of(), wrong, "seed " + seed);
            assertEquals(List.of(), driver.get().broken());
            assertFalse(platter.data.length == 0);
        }
    }

    private void change(AtomicReference<FakeAdapter> driver, Random random) {
        FakeAdapter old = driver.get();
        old.immediate = random.nextBoolean();
        for (int i = random.nextInt(20); i > 0; i--) {
            Thread.yield();
            old.release(1);
        }
        adapter.hold();
        boolean forgets = random.nextInt(4) == 0;
        if (!forgets) old.quiesce(Duration.ofSeconds(1));
        adapter.detached();
        assertEquals(List.of(), old.broken());
        driver.set(attach(1 + random.nextInt(16), (1 + random.nextInt(8)) * FakeAdapter.BLOCK));
        delays.pass();
    }

    private Runnable worker(Random random, int number, List<String> wrong, AtomicInteger running) {
        return () -> {
            int own = BLOCKS / 4;
            try {
                for (int i = 0; i < 300; i++) {
                    int blocks = 1 + random.nextInt(16);
                    long at = (long) number * own + random.nextInt(own - blocks);
                    ByteBuffer data = random(blocks, random.nextLong());
                    lun().write(at, data);
                    ByteBuffer back = ByteBuffer.allocate(data.capacity());
                    lun().read(at, back);
                    if (!java.util.Arrays.equals(data.array(), back.array())) wrong.add("block " + at + " is not what was written");
                    if (i % 10 == 0) lun().flush();
                }
            } catch (IOException | RuntimeException e) {
                wrong.add(e.toString());
            } finally {
                running.decrementAndGet();
            }
        };
    }

    @Test
    void blocksThatAreInUseCannotBeTakenByAWriter() throws Exception {
        attach(1, 1 << 20);
        AutoCloseable claim = storage.claim(lun(), "virtual machine web", true);
        IOException told = assertThrows(IOException.class, () -> storage.claim(lun(), "another", false));
        assertEquals("vmhba0:1:0: is in use by virtual machine web; two users get along only if both just read", told.getMessage());
        claim.close();
        AutoCloseable reader = storage.claim(lun(), "a", false);
        storage.claim(lun(), "b", false).close();
        storage.claim(lun(), "c", false);
        reader.close();
        reader.close();
        assertThrows(IOException.class, () -> storage.claim(lun(), "d", true));
    }

    @Test
    void countersTellWhatEachUserDid() throws IOException {
        attach(4, 1024);
        lun().write(0, random(8, 1));
        lun().read(0, ByteBuffer.allocate(2048));
        lun().flush();
        DiskShare host = ((Extent) lun()).unit.shares().get(0);
        assertEquals("host", host.owner());
        assertEquals(new DiskCounters.Values(2, 4, 1, 1, 3, 0, 0), host.counters().values());
        assertArrayEquals(new int[] {4, 0, 0}, ((Extent) lun()).unit.queue().load());
    }
}
