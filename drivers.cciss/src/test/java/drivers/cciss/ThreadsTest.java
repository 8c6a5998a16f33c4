package drivers.cciss;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import drivers.cciss.Bench.Request;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;

/** Several threads submit while hardware completes on its own and drivers are replaced, gently or not. */
class ThreadsTest {
    private static final int SUBMITTERS = 3, BLOCKS = 512, CHANGES = 40, LEAST = 200;

    private final FakeArray array = new FakeArray();
    private final Bench upcalls = new Bench(array);
    private final AtomicReference<Throwable> trouble = new AtomicReference<>();
    private volatile Controller driver;
    private volatile boolean done;

    /** A request that wakes its thread, and that counts how it ended. */
    private static final class Waited extends Request {
        private final CountDownLatch ended = new CountDownLatch(1);

        Waited(BlockOperation operation, long block, int blocks, ByteBuffer data) { super(operation, 0, block, blocks, data); }

        @Override
        public void complete(BlockResult result) {
            super.complete(result);
            ended.countDown();
        }

        @Override
        public void giveBack() {
            super.giveBack();
            ended.countDown();
        }
    }

    @Test
    void nothingIsLostOrDoneTwiceWhileDriversComeAndGo() throws Exception {
        array.disk(0, SUBMITTERS * BLOCKS);
        array.held = true;
        upcalls.parameters.put("depth", "2"); // fewer than submitters, so that some wait
        driver = Controller.attach(array, upcalls, Optional.empty(), Time.HOST);
        Thread hardware = start(this::hardware);
        List<Thread> submitters = new ArrayList<>();
        AtomicInteger finished = new AtomicInteger();
        for (int i = 0; i < SUBMITTERS; i++) {
            int first = i * BLOCKS;
            submitters.add(start(() -> submit(first, new Random(first), finished)));
        }
        assertTimeoutPreemptively(Duration.ofMinutes(2), () -> {
            Random random = new Random(7);
            for (int i = 0; i < CHANGES; i++) {
                int before = finished.get();
                while (finished.get() < before + 3 && trouble.get() == null) Thread.onSpinWait();
                replace(random.nextInt(3) != 0);
            }
            while (finished.get() < LEAST && trouble.get() == null) Thread.onSpinWait();
            done = true;
            for (Thread thread : submitters) thread.join();
            hardware.interrupt();
            hardware.join();
        });
        driver.close();
        if (trouble.get() != null) throw new AssertionError(trouble.get());
        assertEquals(List.of(), array.trouble());
        array.free();
    }

    private Thread start(Runnable work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable e) {
                trouble.compareAndSet(null, e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private void hardware() {
        while (!Thread.currentThread().isInterrupted()) {
            array.run();
            array.pump();
            LockSupport.parkNanos(20_000);
        }
    }

    private void replace(boolean gently) throws DriverException {
        Controller old = driver;
        Optional<SavedState> state = Optional.empty();
        if (gently) {
            try {
                old.quiesce(Duration.ofSeconds(20));
                state = Optional.of(old.save());
            } catch (TimeoutException e) {
                throw new AssertionError(e);
            }
        }
        old.close();
        array.takeMemoryBack();
        if (state.isEmpty()) array.reset();
        driver = Controller.attach(array, upcalls, state, Time.HOST);
    }

    /** Writes and reads its own blocks, and knows what must be there. */
    private void submit(int first, Random random, AtomicInteger finished) {
        byte[] expected = new byte[BLOCKS * 512];
        while (!done && trouble.get() == null) {
            int blocks = 1 + random.nextInt(16), block = random.nextInt(BLOCKS - blocks);
            byte[] data = new byte[blocks * 512];
            boolean write = random.nextBoolean();
            if (write) {
                random.nextBytes(data);
                System.arraycopy(data, 0, expected, block * 512, data.length);
            }
            perform(write ? BlockOperation.WRITE : BlockOperation.READ, first + block, blocks, data);
            if (!write) assertArrayEquals(java.util.Arrays.copyOfRange(expected, block * 512, (block + blocks) * 512), data);
            finished.incrementAndGet();
        }
    }

    /** As the kernel does: what is given back is submitted again, to whoever is there. */
    private void perform(BlockOperation operation, int block, int blocks, byte[] data) {
        for (;;) {
            Waited request = new Waited(operation, block, blocks, ByteBuffer.wrap(data));
            driver.submit(request);
            try {
                request.ended.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            assertEquals(1, request.endings());
            if (request.result() != null) {
                assertEquals(BlockResult.GOOD, request.result());
                return;
            }
            LockSupport.parkNanos(50_000);
        }
    }
}
