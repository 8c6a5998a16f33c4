package vmkernel.core.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** Other hosts are kept away from a unit. */
@Timeout(60)
class ReservationTest {
    private final HeldDelays delays = new HeldDelays();
    private final StoragePaths storage = new StoragePaths(delays);
    private final HostAdapter adapter = storage.adapter("vmhba0");
    private final FakeAdapter.Platter platter = new FakeAdapter.Platter(64);

    private FakeAdapter attach() {
        FakeAdapter driver = new FakeAdapter(platter, 8, 1 << 20);
        adapter.attached(driver);
        return driver;
    }

    private BlockDevice lun() { return storage.find("vmhba0:1:0").orElseThrow(); }

    private static List<BlockResult> start(BlockDevice device, BlockOperation operation) {
        List<BlockResult> results = new ArrayList<>();
        device.submit(operation, 0, operation.transfers() ? new BufferTransfer(ByteBuffer.allocate(512)) : null, results::add);
        return results;
    }

    @Test
    void theUnitHearsOfTheFirstAndOfTheLast() throws Exception {
        FakeAdapter driver = attach();
        try (BlockDevice.Reservation first = lun().reserve(); BlockDevice.Reservation second = lun().reserve()) {
            assertEquals(List.of(BlockOperation.RESERVE), driver.operations);
        }
        assertEquals(List.of(BlockOperation.RESERVE, BlockOperation.RELEASE), driver.operations);
        assertEquals(List.of(BlockResult.GOOD), start(lun(), BlockOperation.RELEASE));
        assertEquals(2, driver.operations.size());
    }

    @Test
    void whoComesWhileItIsGivenBackGetsItAgain() {
        FakeAdapter driver = attach();
        start(lun(), BlockOperation.RESERVE);
        driver.immediate = false;
        List<BlockResult> release = start(lun(), BlockOperation.RELEASE);
        List<BlockResult> second = start(lun(), BlockOperation.RESERVE);
        List<BlockResult> third = start(lun(), BlockOperation.RESERVE);
        driver.release(1);
        assertEquals(List.of(BlockResult.GOOD), release);
        assertTrue(second.isEmpty());
        driver.release(1);
        assertEquals(List.of(BlockResult.GOOD), second);
        assertEquals(List.of(BlockResult.GOOD), third);
        assertEquals(List.of(BlockOperation.RESERVE, BlockOperation.RELEASE, BlockOperation.RESERVE), driver.operations);
    }

    @Test
    void aConflictIsRepeatedAfterShortPauses() {
        FakeAdapter driver = attach();
        driver.fate = number -> number < 9 ? BlockResult.CONFLICT : null;
        List<BlockResult> results = start(lun(), BlockOperation.RESERVE);
        while (delays.pass() > 0) assertTrue(delays.millis.size() < 10);
        assertEquals(List.of(BlockResult.GOOD), results);
        assertEquals(List.of(1L, 2L, 4L, 8L, 16L, 32L, 64L, 64L, 64L), delays.millis);
    }

    @Test
    void whoDoesNotLetGoIsToldInTheEnd() {
        FakeAdapter driver = attach();
        driver.fate = number -> BlockResult.CONFLICT;
        for (BlockOperation operation : List.of(BlockOperation.RESERVE, BlockOperation.WRITE)) {
            delays.millis.clear();
            List<BlockResult> results = start(lun(), operation);
            while (delays.pass() > 0) assertTrue(delays.millis.size() <= RequestQueue.CONFLICT_RETRIES);
            assertEquals(List.of(BlockResult.CONFLICT), results);
            long millis = delays.millis.stream().mapToLong(Long::longValue).sum();
            assertTrue(millis > 3000 && millis < 10_000, millis + " ms");
        }
        assertEquals("another host has reserved it and does not let go of it", BlockResult.CONFLICT.toString());
        driver.fate = number -> null;
        assertEquals(List.of(BlockResult.GOOD), start(lun(), BlockOperation.RESERVE));
    }

    @Test
    void anotherDriverIsAskedForItBeforeAnythingElse() {
        FakeAdapter driver = attach();
        start(lun(), BlockOperation.RESERVE);
        driver.immediate = false;
        List<BlockResult> write = start(lun(), BlockOperation.WRITE);
        adapter.hold();
        driver.quiesce(Duration.ofSeconds(1));
        adapter.detached();
        FakeAdapter next = attach();
        assertEquals(List.of(BlockOperation.RESERVE), next.operations);
        assertEquals(List.of(BlockResult.GOOD), write);
        assertEquals(2, next.submitted());
    }

    @Test
    void nothingIsWrittenUnderAReservationThatAnotherHostGotMeanwhile() {
        start(attachedAndReserved(), BlockOperation.FLUSH);
        adapter.hold();
        adapter.detached();
        FakeAdapter next = new FakeAdapter(platter, 8, 1 << 20);
        next.fate = number -> number == 0 ? BlockResult.CONFLICT : null;
        adapter.attached(next);
        assertEquals(List.of(BlockResult.CONFLICT), start(lun(), BlockOperation.WRITE));
        assertEquals(List.of(BlockResult.GOOD), start(lun(), BlockOperation.READ));
        assertEquals(List.of(BlockResult.GOOD), start(lun(), BlockOperation.RELEASE));
        assertEquals(List.of(BlockResult.GOOD), start(lun(), BlockOperation.WRITE));
    }

    private BlockDevice attachedAndReserved() {
        attach();
        start(lun(), BlockOperation.RESERVE);
        return lun();
    }
}
