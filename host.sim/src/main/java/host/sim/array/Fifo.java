package host.sim.array;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A queue of 32-bit words with a bound, for any number of threads at both ends, without locks and without garbage: the command and
 * the reply FIFO of the board. Each cell has the turn at which it may be filled or emptied, so a thread that won a place never meets
 * another one there.
 */
final class Fifo {
    private static final int STRIDE = 8; // cells on cache lines of their own
    private static final long WORD = 0xFFFF_FFFFL;

    private final int mask;
    /** In turn: the turn of a cell, then its word. */
    private final AtomicLongArray cells;
    private final AtomicLong head = new AtomicLong(), tail = new AtomicLong();

    /** @param capacity a power of two */
    Fifo(int capacity) {
        mask = capacity - 1;
        cells = new AtomicLongArray(capacity * STRIDE);
        for (int i = 0; i < capacity; i++) cells.set(i * STRIDE, i);
    }

    /** @return false if it is full */
    boolean offer(int word) {
        while (true) {
            long at = tail.get();
            int cell = ((int) at & mask) * STRIDE;
            long turn = cells.getAcquire(cell);
            if (turn == at) {
                if (!tail.compareAndSet(at, at + 1)) continue;
                cells.setPlain(cell + 1, word & WORD);
                cells.set(cell, at + 1); // fully ordered: whoever goes to sleep after looking here is seen asleep by the caller
                return true;
            }
            if (turn < at) {
                if (at - head.get() > mask) return false;
                Thread.yield(); // there is room, but who took what was in this cell has been interrupted half-way
            }
        }
    }

    /** The oldest word, zero-extended; -1 if there is none. */
    long poll() {
        while (true) {
            long at = head.get();
            int cell = ((int) at & mask) * STRIDE;
            long turn = cells.getAcquire(cell);
            if (turn == at + 1) {
                if (!head.compareAndSet(at, at + 1)) continue;
                long word = cells.getPlain(cell + 1);
                cells.setRelease(cell, at + mask + 1);
                return word;
            }
            if (turn < at + 1) return -1;
        }
    }

    boolean isEmpty() {
        long at = head.get();
        return cells.get(((int) at & mask) * STRIDE) < at + 1;
    }

    /** How many there are, or were a moment ago. */
    int size() { return (int) Math.max(0, tail.get() - head.get()); }
}
