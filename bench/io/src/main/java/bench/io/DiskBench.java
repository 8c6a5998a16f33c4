package bench.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.Storage;
import vmkernel.api.storage.Transfer;

/**
 * Requests of 4 KiB to a block device, beside the same to its file by a plain FileChannel: at depth 1 the time of a request, at depth
 * 32 requests a second. Rounds of both alternate, so that a busy machine is busy for both.
 */
@Component(service = DiskBench.class, property = {"osgi.command.scope=bench", "osgi.command.function=diskbench"})
public final class DiskBench {
    private static final int BYTES = 4096, DEPTH = 32, ROUNDS = 5;
    private static final long ROUND_NANOS = 1_000_000_000L;
    private static final int[] PLAIN_THREADS = {1, 2, 4};

    private final Storage storage;

    @Activate
    public DiskBench(@Reference Storage storage) { this.storage = storage; }

    /** Where the next request goes; every request of a run asks once, on any thread. */
    private interface Place {
        long next();
    }

    private static Place place(boolean random, long blocks) {
        if (!random) {
            AtomicLong at = new AtomicLong();
            return () -> at.getAndIncrement() % blocks;
        }
        ThreadLocal<SplittableRandom> generator = ThreadLocal.withInitial(() -> new SplittableRandom(Thread.currentThread().getId()));
        return () -> generator.get().nextLong(blocks);
    }

    /** @param name of the device, such as vmhba0:0:0; what is on it is overwritten; @param file behind it, for the comparison; @param megabytes part of it that is used */
    public void diskbench(String name, String file, int megabytes) throws Exception {
        BlockDevice device = storage.find(name).orElseThrow(() -> new IllegalArgumentException("diskbench " + name + ": there is no such device"));
        long blocks = Math.min(device.blocks() * device.blockBytes() / BYTES, megabytes * (1L << 20) / BYTES);
        try (AutoCloseable claim = storage.claim(device, "diskbench", true); FileChannel plain = FileChannel.open(Path.of(file), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            fill(plain, blocks);
            System.out.printf("%d MiB, requests of 4 KiB; medians of %d rounds of %d s%n%n", blocks * BYTES >> 20, ROUNDS, ROUND_NANOS / 1_000_000_000L);
            System.out.println("| | depth 1, device us | plain us | added us | depth 32, device req/s | plain req/s | ratio |");
            System.out.println("|---|---|---|---|---|---|---|");
            for (BlockOperation operation : List.of(BlockOperation.READ, BlockOperation.WRITE)) {
                for (boolean random : new boolean[] {false, true}) compare(device, plain, operation, random, blocks);
            }
        }
    }

    private static void fill(FileChannel file, long blocks) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocateDirect(1 << 20);
        for (long at = 0; at < blocks * BYTES; at += chunk.capacity()) file.write(chunk.clear().limit((int) Math.min(chunk.capacity(), blocks * BYTES - at)), at);
        file.force(false);
    }

    private static void compare(BlockDevice device, FileChannel plain, BlockOperation operation, boolean random, long blocks) throws Exception {
        double[] one = new double[ROUNDS], plainOne = new double[ROUNDS], many = new double[ROUNDS], plainMany = new double[ROUNDS];
        device(device, operation, DEPTH, place(random, blocks)); // warm
        for (int round = 0; round < ROUNDS; round++) {
            plainOne[round] = 1e6 / plain(plain, operation, 1, place(random, blocks));
            one[round] = 1e6 / device(device, operation, 1, place(random, blocks));
            for (int threads : PLAIN_THREADS) plainMany[round] = Math.max(plainMany[round], plain(plain, operation, threads, place(random, blocks)));
            many[round] = device(device, operation, DEPTH, place(random, blocks));
        }
        System.out.printf("| %s %s | %.1f | %.1f | %.1f | %.0f | %.0f | %.2f |%n", random ? "random" : "sequential", operation.name().toLowerCase(), median(one), median(plainOne),
            median(one) - median(plainOne), median(many), median(plainMany), median(many) / median(plainMany));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Requests a second through the kernel. */
    private static double device(BlockDevice device, BlockOperation operation, int depth, Place place) throws InterruptedException {
        int perRequest = BYTES / device.blockBytes();
        Semaphore free = new Semaphore(depth);
        AtomicInteger failed = new AtomicInteger();
        List<Transfer> buffers = new ArrayList<>();
        for (int i = 0; i < depth; i++) buffers.add(new BufferTransfer(ByteBuffer.allocateDirect(BYTES)));
        long start = System.nanoTime();
        long end = start + ROUND_NANOS;
        long count = 0;
        for (; (count & 15) != 0 || System.nanoTime() < end; count++) {
            free.acquire();
            device.submit(operation, place.next() * perRequest, buffers.get((int) (count % depth)), result -> {
                if (!result.good()) failed.incrementAndGet();
                free.release();
            });
        }
        free.acquire(depth);
        if (failed.get() > 0) throw new IllegalStateException(failed + " requests failed");
        return count * 1e9 / (System.nanoTime() - start);
    }

    /** Requests a second by threads that read or write the file. */
    private static double plain(FileChannel file, BlockOperation operation, int threads, Place place) throws InterruptedException {
        AtomicLong count = new AtomicLong();
        List<Thread> running = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> count.addAndGet(plainLoop(file, operation, place, start + ROUND_NANOS)));
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) thread.join();
        return count.get() * 1e9 / (System.nanoTime() - start);
    }

    private static long plainLoop(FileChannel file, BlockOperation operation, Place place, long end) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BYTES);
        long count = 0;
        try {
            for (; (count & 15) != 0 || System.nanoTime() < end; count++) {
                long at = place.next() * BYTES;
                if (operation == BlockOperation.READ) file.read(buffer.clear(), at); else file.write(buffer.clear(), at);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return count;
    }
}
