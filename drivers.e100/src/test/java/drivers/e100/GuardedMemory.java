package drivers.e100;

import java.util.ArrayList;
import java.util.List;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.memory.HostMemory;

/** Memory for DMA, with guard bytes around each buffer that nobody may change. */
final class GuardedMemory {
    private static final byte GUARD = (byte) 0xA5;
    private static final int GUARD_BYTES = 4096;

    private final long memory;
    private final long first, end;
    private final List<Buffer> buffers = new ArrayList<>();
    private long next;

    private record Buffer(long address, long busAddress, int bytes) implements DmaBuffer {
        @Override
        public void close() {}
    }

    /** @param memory address of bus address 0; @param first bus address of what can be given out */
    GuardedMemory(long memory, long first, long bytes) {
        this.memory = memory;
        this.first = first;
        end = first + bytes;
        next = first;
    }

    synchronized DmaBuffer allocate(int bytes, int alignment) {
        long bus = (next + GUARD_BYTES + alignment - 1) / alignment * alignment;
        long after = bus + bytes + GUARD_BYTES;
        if (after > end) throw new IllegalStateException("no memory left for a DMA buffer of " + bytes + " bytes");
        HostMemory.fill(memory + next, after - next, GUARD);
        HostMemory.fill(memory + bus, bytes, (byte) 0);
        next = after;
        Buffer buffer = new Buffer(memory + bus, bus, bytes);
        buffers.add(buffer);
        return buffer;
    }

    synchronized List<DmaBuffer> buffers() { return List.copyOf(buffers); }

    /** @throws AssertionError if somebody wrote outside the buffers */
    synchronized void check() {
        long at = first;
        for (Buffer buffer : buffers) {
            guarded(at, buffer.busAddress);
            at = buffer.busAddress + buffer.bytes;
        }
        guarded(at, next);
    }

    private void guarded(long from, long to) {
        for (long bus = from; bus < to; bus++) {
            if (HostMemory.getByte(memory + bus) != GUARD) throw new AssertionError("written outside the buffers, at " + Long.toHexString(bus) + "; buffers: " + buffers);
        }
    }

    /** The driver is detached. */
    synchronized void takeBack() {
        check();
        buffers.clear();
        next = first;
    }
}
