package host.sim.array;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 5, unit = TimeUnit.MINUTES)
class FifoTest {
    @Test
    void wordsComeOutInOrderAndNoMoreGoInThanFit() {
        Fifo fifo = new Fifo(4);
        for (int round = 0; round < 10; round++) {
            assertEquals(-1, fifo.poll());
            for (int word = 0; word < 4; word++) assertTrue(fifo.offer(word - 2));
            assertFalse(fifo.offer(9));
            for (int word = 0; word < 4; word++) assertEquals(word - 2 & 0xFFFF_FFFFL, fifo.poll());
            assertTrue(fifo.isEmpty());
        }
    }

    /** Several threads take; one of them may be interrupted in the middle of it while the others go round and round. */
    @Test
    void whileThereIsRoomEverythingIsTaken() throws Exception {
        int words = 200_000, takers = 4, most = 2; // in a queue for twice as many
        Fifo fifo = new Fifo(2 * most);
        Semaphore room = new Semaphore(most);
        AtomicLong sum = new AtomicLong();
        AtomicReference<String> trouble = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < takers; i++) {
            threads.add(new Thread(() -> {
                for (long word = 0; word != 0xFFFF_FFFFL; ) {
                    word = fifo.poll();
                    if (word < 0) {
                        Thread.yield();
                    } else {
                        if (word != 0xFFFF_FFFFL) sum.addAndGet(word);
                        room.release();
                    }
                }
            }));
        }
        threads.forEach(Thread::start);
        for (int word = 0; word < words + takers; word++) {
            room.acquire();
            if (!fifo.offer(word < words ? word : -1)) trouble.set("word " + word + " was refused");
        }
        for (Thread thread : threads) thread.join();
        assertNull(trouble.get());
        assertEquals((words - 1L) * words / 2, sum.get());
    }
}
