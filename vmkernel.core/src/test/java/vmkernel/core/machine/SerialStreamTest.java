package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.vm.Console;

@Timeout(60)
class SerialStreamTest {
    private final DeviceLock device = new DeviceLock();
    private final SerialStream stream = new SerialStream(device, task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });

    /** Keeps what it gets. */
    private static final class Collector implements Console.Output {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override public synchronized void write(byte[] from, int offset, int length) { bytes.write(from, offset, length); }

        synchronized byte[] bytes() { return bytes.toByteArray(); }

        String text() { return new String(bytes(), StandardCharsets.ISO_8859_1); }
    }

    private boolean guestWrites(int value) {
        device.enter();
        try {
            return stream.write(value);
        } finally {
            device.leave();
        }
    }

    private void guestWrites(String text) { text.chars().forEach(c -> assertTrue(guestWrites(c))); }

    private int guestReads() {
        device.enter();
        try {
            return stream.read();
        } finally {
            device.leave();
        }
    }

    @Test
    void outputReachesEveryoneInOrderWithWhatWasBefore() throws Exception {
        guestWrites("before ");
        Collector first = new Collector();
        Collector second = new Collector();
        stream.attach(first);
        guestWrites("between ");
        stream.attach(second);
        guestWrites("after");
        stream.flush();
        assertEquals("before between after", first.text());
        assertEquals("before between after", second.text());
    }

    @Test
    void theLast64KilobytesAreKept() throws Exception {
        byte[] all = new byte[SerialStream.KEPT + 5000];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) (i * 31 >> 3);
            assertTrue(guestWrites(all[i] & 0xFF));
        }
        Collector late = new Collector();
        stream.attach(late);
        stream.flush();
        assertArrayEquals(java.util.Arrays.copyOfRange(all, 5000, all.length), late.bytes());
    }

    @Test
    void nobodyAttachedNeverHoldsTheGuestUp() {
        for (int i = 0; i < 3 * SerialStream.KEPT; i++) assertTrue(guestWrites('x'));
    }

    @Test
    void aSlowOutputMakesTheGuestsPortWaitAndNothingElse() throws Exception {
        Semaphore allowed = new Semaphore(0);
        CountDownLatch blocked = new CountDownLatch(1);
        Collector got = new Collector();
        stream.attach((bytes, offset, length) -> {
            blocked.countDown();
            allowed.acquireUninterruptibly();
            got.write(bytes, offset, length);
        });
        Semaphore room = new Semaphore(0);
        device.enter();
        stream.listener(null, () -> {
            assertTrue(device.heldHere());
            room.release();
        });
        device.leave();
        int sent = 0;
        guestWrites(sent++ & 0xFF);
        blocked.await();
        while (guestWrites(sent & 0xFF)) sent++;
        assertEquals(SerialStream.KEPT + 1, sent, "one byte is on its way, a buffer waits");
        assertFalse(guestWrites(0));
        assertEquals(0, room.availablePermits());
        allowed.release(1000);
        room.acquire();
        for (int i = 0; i < 1000; i++, sent++) assertTrue(guestWrites(sent & 0xFF));
        stream.flush();
        byte[] bytes = got.bytes();
        assertEquals(sent, bytes.length);
        for (int i = 0; i < sent; i++) assertEquals((byte) i, bytes[i]);
        assertEquals(0, room.availablePermits(), "told more than once");
    }

    @Test
    void aSlowOutputThatDetachesLetsTheGuestGoOn() throws Exception {
        Semaphore never = new Semaphore(0);
        AutoCloseable slow = stream.attach((bytes, offset, length) -> never.acquireUninterruptibly());
        Semaphore room = new Semaphore(0);
        device.enter();
        stream.listener(null, room::release);
        device.leave();
        while (guestWrites('x')) Thread.onSpinWait();
        slow.close();
        room.acquire();
        assertTrue(guestWrites('y'));
        stream.flush();
    }

    @Test
    void anOutputThatFailsIsDetachedAlone() throws Exception {
        Collector good = new Collector();
        stream.attach((bytes, offset, length) -> {
            throw new IOException("broken pipe");
        });
        stream.attach((bytes, offset, length) -> {
            throw new IllegalStateException("bug");
        });
        stream.attach(good);
        for (int i = 0; i < 2 * SerialStream.KEPT; i++) while (!guestWrites('x')) Thread.onSpinWait();
        stream.flush();
        assertEquals(2 * SerialStream.KEPT, good.bytes().length);
    }

    @Test
    void aDetachedOutputGetsNothingMore() throws Exception {
        Collector got = new Collector();
        AutoCloseable attached = stream.attach(got);
        guestWrites("one");
        stream.flush();
        attached.close();
        attached.close();
        guestWrites("two");
        stream.flush();
        assertEquals("one", got.text());
    }

    @Test
    void inputWaitsUntilTheGuestTakesIt() throws Exception {
        stream.power(true);
        AtomicInteger told = new AtomicInteger();
        device.enter();
        stream.listener(told::incrementAndGet, null);
        device.leave();
        int total = 3 * SerialStream.QUEUED + 17;
        byte[] input = new byte[total];
        for (int i = 0; i < total; i++) input[i] = (byte) i;
        Thread sender = new Thread(() -> {
            try {
                stream.send(input, 0, total);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        sender.start();
        while (sender.getState() != Thread.State.WAITING) Thread.onSpinWait();
        assertTrue(told.get() > 0);
        for (int i = 0; i < total; i++) {
            int value;
            while ((value = guestReads()) < 0) Thread.onSpinWait();
            assertEquals(i & 0xFF, value);
        }
        sender.join();
        assertEquals(-1, guestReads());
        assertFalse(stream.available());
    }

    @Test
    void aSenderIsReleasedWhenTheVmGoesOffAndOldInputIsGone() throws Exception {
        stream.power(true);
        Thread sender = new Thread(() -> {
            try {
                stream.send(new byte[3 * SerialStream.QUEUED], 0, 3 * SerialStream.QUEUED);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        sender.start();
        while (sender.getState() != Thread.State.WAITING) Thread.onSpinWait();
        stream.power(false);
        // what the sender still has fills the queue of a machine that is off, and then goes nowhere
        sender.join();
        stream.power(true);
        stream.power(false);
        stream.power(true);
        assertEquals(-1, guestReads());
    }

    @Test
    void inputSentBeforePowerOnIsThereAtPowerOn() throws Exception {
        stream.send("root\n".getBytes(StandardCharsets.US_ASCII), 0, 5);
        stream.power(true);
        StringBuilder got = new StringBuilder();
        for (int value; (value = guestReads()) >= 0; ) got.append((char) value);
        assertEquals("root\n", got.toString());
    }

    @Test
    void aWaitingSenderCanBeInterrupted() throws Exception {
        stream.power(true);
        CountDownLatch interrupted = new CountDownLatch(1);
        Thread sender = new Thread(() -> {
            try {
                stream.send(new byte[SerialStream.QUEUED + 1], 0, SerialStream.QUEUED + 1);
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
        });
        sender.start();
        while (sender.getState() != Thread.State.WAITING) Thread.onSpinWait();
        sender.interrupt();
        interrupted.await();
    }

    @Test
    void manyBytesAreCheap() throws Exception {
        Collector got = new Collector();
        stream.attach(got);
        long start = System.nanoTime();
        int total = 1_000_000;
        for (int i = 0; i < total; i++) while (!guestWrites('x')) Thread.onSpinWait();
        stream.flush();
        long took = System.nanoTime() - start;
        assertEquals(total, got.bytes().length);
        assertTrue(took < 10_000_000_000L, "took " + took / 1_000_000 + " ms");
    }
}
