package bench.io;

import static bench.io.Requests.DEPTH;
import static bench.io.Requests.ROUNDS;
import static bench.io.Requests.ROUND_NANOS;
import static bench.io.Requests.good;
import static bench.io.Requests.measure;
import static bench.io.Requests.median;
import static bench.io.Requests.place;
import static bench.io.Requests.ratio;
import static bench.io.Requests.together;

import bench.io.Requests.Place;
import bench.io.Requests.Rate;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
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
 * 32 requests a second and what one costs, beside the best of several numbers of plain threads. Rounds of both alternate, so that a
 * busy machine is busy for both; the processor time is the same on a busy machine, more or less.
 */
@Component(service = DiskBench.class, property = {"osgi.command.scope=bench", "osgi.command.function=diskbench"})
public final class DiskBench {
    private static final int BYTES = 4096;
    private static final int[] PLAIN_THREADS = {1, 2, 4};

    private final Storage storage;

    @Activate
    public DiskBench(@Reference Storage storage) { this.storage = storage; }

    /** @param name of the device, such as vmhba0:0:0; what is on it is overwritten; @param file behind it, for the comparison; @param megabytes part of it that is used */
    public void diskbench(String name, String file, int megabytes) throws Exception {
        BlockDevice device = storage.find(name).orElseThrow(() -> new IllegalArgumentException("diskbench " + name + ": there is no such device"));
        if (device.blockBytes() != 512) throw new IllegalArgumentException("diskbench " + name + ": has blocks of " + device.blockBytes() + " bytes; 512 are needed");
        long blocks = Math.min(device.blocks() * device.blockBytes() / BYTES, megabytes * (1L << 20) / BYTES);
        try (AutoCloseable claim = storage.claim(device, "diskbench", true); FileChannel plain = FileChannel.open(Path.of(file), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            fill(plain, blocks);
            System.out.printf("%d MiB, requests of 4 KiB; medians of %d rounds of %d s%n%n", blocks * BYTES >> 20, ROUNDS, ROUND_NANOS / 1_000_000_000L);
            System.out.println("| | depth 1, device us | plain us | added us | depth 32, device req/s | plain req/s | ratio | device, CPU us a request | plain CPU us | device by one thread req/s |");
            System.out.println("|---|---|---|---|---|---|---|---|---|---|");
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
        List<Rate> one = new ArrayList<>(), plainOne = new ArrayList<>(), many = new ArrayList<>(), plainMany = new ArrayList<>(), byOneThread = new ArrayList<>();
        measure(end -> together(device::submit, operation, BYTES, DEPTH, place(random, blocks), end)); // warm
        for (int round = 0; round < ROUNDS; round++) {
            plainOne.add(measure(end -> plain(plain, operation, 1, place(random, blocks), end)));
            one.add(measure(end -> byOneThread(device, operation, 1, place(random, blocks), end)));
            List<Rate> all = new ArrayList<>();
            for (int threads : PLAIN_THREADS) all.add(measure(end -> plain(plain, operation, threads, place(random, blocks), end)));
            plainMany.add(Collections.max(all, Comparator.comparing(Rate::perSecond)));
            many.add(measure(end -> together(device::submit, operation, BYTES, DEPTH, place(random, blocks), end)));
            byOneThread.add(measure(end -> byOneThread(device, operation, DEPTH, place(random, blocks), end)));
        }
        double micros = 1e6 / median(one, Rate::perSecond), plainMicros = 1e6 / median(plainOne, Rate::perSecond);
        System.out.printf("| %s %s | %.1f | %.1f | %.1f | %.0f | %.0f | %.2f | %.2f | %.2f | %.0f |%n", random ? "random" : "sequential", operation.name().toLowerCase(Locale.ROOT),
            micros, plainMicros, micros - plainMicros, median(many, Rate::perSecond), median(plainMany, Rate::perSecond), ratio(many, plainMany),
            median(many, Rate::cpuMicros), median(plainMany, Rate::cpuMicros), median(byOneThread, Rate::perSecond));
    }

    /** The same, all by one thread, which sleeps when there are as many as the depth. */
    private static long byOneThread(BlockDevice device, BlockOperation operation, int depth, Place place, long endNanos) throws InterruptedException {
        int perRequest = BYTES / 512;
        Semaphore free = new Semaphore(depth);
        AtomicInteger failed = new AtomicInteger();
        List<Transfer> buffers = new ArrayList<>();
        for (int i = 0; i < depth; i++) buffers.add(new BufferTransfer(ByteBuffer.allocateDirect(BYTES)));
        long count = 0;
        for (; (count & 15) != 0 || System.nanoTime() < endNanos; count++) {
            free.acquire();
            device.submit(operation, place.next() * perRequest, buffers.get((int) (count % depth)), result -> {
                if (!result.good()) failed.incrementAndGet();
                free.release();
            });
        }
        free.acquire(depth);
        return good(failed, count);
    }

    /** Threads that read or write the file. */
    private static long plain(FileChannel file, BlockOperation operation, int threads, Place place, long endNanos) throws InterruptedException {
        AtomicLong count = new AtomicLong();
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> count.addAndGet(plainLoop(file, operation, place, endNanos)));
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) thread.join();
        return count.get();
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
