package vmkernel.core.net;

import java.util.ArrayList;
import java.util.List;

/** A bounded queue of frames. Not thread-safe; takes no memory for a frame. */
final class FrameQueue {
    private final byte[][] ring;
    private int first;
    private int count;

    /** @param capacity a power of two */
    FrameQueue(int capacity) { ring = new byte[capacity][]; }

    boolean isEmpty() { return count == 0; }

    int size() { return count; }

    /** False if it is full. */
    boolean add(byte[] frame) {
        if (count == ring.length) return false;
        ring[first + count++ & ring.length - 1] = frame;
        return true;
    }

    /** Puts a frame before all others; false if it is full. */
    boolean addFirst(byte[] frame) {
        if (count == ring.length) return false;
        first = first - 1 & ring.length - 1;
        ring[first] = frame;
        count++;
        return true;
    }

    /** Removes the first ones, in order. */
    List<byte[]> take(int most) {
        int taken = Math.min(most, count);
        List<byte[]> frames = new ArrayList<>(taken);
        for (int i = 0; i < taken; i++) {
            frames.add(ring[first]);
            ring[first] = null;
            first = first + 1 & ring.length - 1;
        }
        count -= taken;
        return frames;
    }

    /** Empties it. @return how many there were */
    int clear() {
        int had = count;
        java.util.Arrays.fill(ring, null);
        count = 0;
        return had;
    }
}
