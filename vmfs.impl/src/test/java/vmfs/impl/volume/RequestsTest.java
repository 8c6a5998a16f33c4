package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.VmfsTools;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** Requests of virtual disks to files, and changes that share flushes. */
class RequestsTest {
    private static final int MIB = 1 << 20;

    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private RecordingDisk disk;
    private MountedVolume volume;

    @BeforeEach
    void format() throws IOException {
        RamDisk fresh = RamDisk.of(600L * MIB);
        vmfs.format(fresh, new FormatOptions("vmfs5", "test", 0), Progress.NONE);
        disk = new RecordingDisk(fresh);
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
    }

    @AfterEach
    void theVolumeIsWhole() throws IOException {
        volume.close();
        VmfsTools.requireWhole(disk.now());
        assertEquals(List.of(), vmfs.check(List.of(disk.now()), false, Progress.NONE).errors());
    }

    private static BlockResult submit(VmFile file, BlockOperation operation, long block, ByteBuffer data) {
        CompletableFuture<BlockResult> done = new CompletableFuture<>();
        file.submit(operation, block, data == null ? null : new BufferTransfer(data), done::complete);
        return done.join();
    }

    @ParameterizedTest
    @ValueSource(ints = {5000, 8192, 3 * MIB + 700, 40 * MIB})
    void holesAreFilledByTheFirstWriteToThem(int length) throws IOException {
        byte[] model = new byte[(length + 511) / 512 * 512];
        Random random = new Random(length);
        try (VmFile file = volume.create("/thin", 0600)) {
            file.truncate(length);
            for (int i = 0; i < 100; i++) {
                int block = random.nextInt(model.length / 512), blocks = 1 + random.nextInt(Math.min(64, model.length / 512 - block));
                byte[] data = new byte[blocks * 512];
                if (random.nextBoolean()) {
                    random.nextBytes(data);
                    assertEquals(BlockResult.GOOD, submit(file, BlockOperation.WRITE, block, ByteBuffer.wrap(data)));
                    System.arraycopy(data, 0, model, block * 512, data.length);
                    Arrays.fill(model, length, model.length, (byte) 0);
                } else {
                    assertEquals(BlockResult.GOOD, submit(file, BlockOperation.READ, block, ByteBuffer.wrap(data)));
                    assertArrayEquals(Arrays.copyOfRange(model, block * 512, block * 512 + data.length), data, "request " + i);
                }
                if (i % 50 == 0) assertEquals(BlockResult.GOOD, submit(file, BlockOperation.FLUSH, 0, null));
            }
            assertEquals(BlockResult.OUT_OF_RANGE, submit(file, BlockOperation.WRITE, model.length / 512, ByteBuffer.allocate(512)));
            assertEquals(length, file.length());
        }
        volume.close();
        VmfsTools.withImage(disk.now(), image -> assertArrayEquals(Arrays.copyOf(model, length), VmfsTools.cat(image, "/thin")));
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
    }

    @Test
    void aWriteToAHoleOfAFullVolumeEndsWithNoSpace() throws IOException {
        try (VmFile thin = volume.create("/thin", 0600); VmFile rest = volume.create("/rest", 0600)) {
            thin.truncate(100 * MIB);
            rest.allocate(0, volume.space().freeBytes(), Progress.NONE);
            assertEquals(BlockResult.NO_SPACE, submit(thin, BlockOperation.WRITE, 7, ByteBuffer.allocate(512)));
            rest.truncate(0);
            assertEquals(BlockResult.GOOD, submit(thin, BlockOperation.WRITE, 7, ByteBuffer.allocate(512)));
        }
    }

    @Test
    void blocksThatAreThereAreWrittenWithoutAChangeOfMetadata() throws IOException {
        try (VmFile thick = volume.create("/thick", 0600)) {
            thick.allocate(0, 10 * MIB, Progress.NONE);
            int before = disk.events().size();
            for (int i = 0; i < 100; i++) assertEquals(BlockResult.GOOD, submit(thick, BlockOperation.WRITE, i * 8, ByteBuffer.allocate(4096)));
            for (int i = 0; i < 100; i++) thick.write(i * 4096, ByteBuffer.allocate(4096));
            assertEquals(200, disk.events().size() - before);
        }
    }

    @Test
    void aStreamOfSmallPiecesIsFewChanges() throws IOException {
        try (VmFile log = volume.create("/log", 0600)) {
            long before = flushes();
            for (int i = 0; i < 10_000; i++) log.write(i * 100L, ByteBuffer.wrap(new byte[100]));
            assertEquals(1_000_000, log.length());
            assertTrue(flushes() - before <= 2, "flushes: " + (flushes() - before));
        }
    }

    private long flushes() { return disk.events().stream().filter(event -> event.bytes() == null).count(); }

    @Test
    void oneChangeNeedsOneFlush() throws IOException {
        long before = flushes();
        for (int i = 0; i < 10; i++) volume.mkdir("/dir" + i, 0700);
        assertEquals(10, flushes() - before);
    }

    @Test
    void changesOfManyThreadsShareFlushes() throws Exception {
        long before = flushes();
        List<Throwable> errors = new CopyOnWriteArrayList<>();
        List<Thread> threads = new CopyOnWriteArrayList<>();
        // a flush takes until all others wait for it
        disk.flushing(() -> {
            while (threads.stream().anyMatch(thread -> thread != Thread.currentThread() && thread.getState() == Thread.State.RUNNABLE)) Thread.onSpinWait();
        });
        for (int i = 0; i < 8; i++) threads.add(new Thread(() -> makeAndDelete("/" + Thread.currentThread().getName(), errors)));
        threads.forEach(Thread::start);
        for (Thread thread : threads) thread.join();
        disk.flushing(() -> { });
        assertEquals(List.of(), errors);
        assertTrue(flushes() - before < 60, "160 changes, flushes: " + (flushes() - before));
    }

    private void makeAndDelete(String path, List<Throwable> errors) {
        try {
            for (int i = 0; i < 10; i++) {
                volume.mkdir(path, 0700);
                volume.delete(path);
            }
        } catch (IOException | RuntimeException e) {
            errors.add(e);
        }
    }
}
