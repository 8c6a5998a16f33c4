package bench.io;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.Transfer;

/** Requests to whatever has blocks, for a while, and how many and how dear they were. */
final class Requests {
    static final int DEPTH = 32, ROUNDS = 5;
    static final long ROUND_NANOS = 1_000_000_000L;

    private Requests() { }

    /** What takes requests: a block device, a file, a virtual disk. */
    interface Target {
        /** @param block in blocks of 512 bytes */
        void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done);
    }

    /** Where the next request goes; every request of a run asks once, on any thread. */
    interface Place {
        long next();
    }

    static Place place(boolean random, long blocks) {
        if (!random) {
            AtomicLong at = new AtomicLong();
            return () -> at.getAndIncrement() % blocks;
        }
        ThreadLocal<SplittableRandom> generator = ThreadLocal.withInitial(() -> new SplittableRandom(Thread.currentThread().getId()));
        return () -> generator.get().nextLong(blocks);
    }

    /** Requests a second, and what one costs all processors together, in microseconds. */
    record Rate(double perSecond, double cpuMicros) {}

    /** What starts requests until it is over, and waits for the last. */
    interface Load {
        /** @return requests that were done */
        long run(long endNanos) throws InterruptedException;
    }

    static Rate measure(Load load) throws InterruptedException {
        long cpu = cpuNanos(), start = System.nanoTime();
        long count = load.run(start + ROUND_NANOS);
        long wall = System.nanoTime() - start;
        return new Rate(count * 1e9 / wall, (cpuNanos() - cpu) / 1e3 / count);
    }

    /** Of this process; to 10 ms. */
    private static long cpuNanos() { return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos(); }

    /** Of the pairs of each round, as a neighbour's load changes from round to round. */
    static double ratio(List<Rate> ours, List<Rate> others) {
        double[] ratios = new double[ours.size()];
        for (int i = 0; i < ratios.length; i++) ratios[i] = ours.get(i).perSecond / others.get(i).perSecond;
        Arrays.sort(ratios);
        return ratios[ratios.length / 2];
    }

    static double median(List<Rate> rates, ToDoubleFunction<Rate> what) { return rates.stream().mapToDouble(what).sorted().toArray()[rates.size() / 2]; }

    /**
     * As many at a time as the depth is, each started by the end of another, as a guest's adapter and the file system do.
     *
     * @param bytes of a request, which the places count in
     */
    static long together(Target target, BlockOperation operation, int bytes, int depth, Place place, long endNanos) throws InterruptedException {
        int perRequest = bytes / 512;
        CountDownLatch over = new CountDownLatch(depth);
        AtomicInteger failed = new AtomicInteger();
        LongAdder count = new LongAdder();
        for (int i = 0; i < depth; i++) {
            Transfer buffer = new BufferTransfer(ByteBuffer.allocateDirect(bytes));
            target.submit(operation, place.next() * perRequest, buffer, new Consumer<>() {
                @Override
                public void accept(BlockResult result) {
                    if (!result.good()) failed.incrementAndGet();
                    count.increment();
                    if (System.nanoTime() < endNanos) target.submit(operation, place.next() * perRequest, buffer, this); else over.countDown();
                }
            });
        }
        over.await();
        return good(failed, count.sum());
    }

    static long good(AtomicInteger failed, long count) {
        if (failed.get() > 0) throw new IllegalStateException(failed + " requests failed");
        return count;
    }
}
