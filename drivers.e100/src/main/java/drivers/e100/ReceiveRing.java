package drivers.e100;

import java.util.ArrayList;
import java.util.List;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.memory.HostMemory;

/**
 * The receive frame area: a ring of descriptors (RFDs), each with its frame behind it, whose links never change. The one that
 * was emptied last has EL, where the receive unit stops for want of resources; it is moved along with every frame that is
 * taken out. Nothing that the device wrote is used as an address or as a length unchecked. Any thread. [8255x] 6.4.3.
 */
final class ReceiveRing {
    private static final int STATUS = 0, LINK = 4, RBD = 8, COUNT = 12, DATA = 16;
    private static final int SLOT_BYTES = 1536, ALIGNMENT = 16;
    private static final int MIN_FRAME = 14, MAX_FRAME = 1518;
    /** The first dword: status in its low half, control in its high half. */
    private static final int COMPLETE = 0x8000, OK = 0x2000, END_OF_LIST = 0x8000_0000;
    private static final int COUNT_BITS = 0x3FFF;

    private final long memory;
    private final long bus;
    private final int slots;
    private int next;
    private boolean closed;
    private long frames, bytes, errors;

    ReceiveRing(DmaBuffer buffer, int slots) {
        memory = buffer.address();
        bus = buffer.busAddress();
        this.slots = slots;
        for (int i = 0; i < slots; i++) {
            HostMemory.putInt(slot(i) + LINK, (int) (bus + (long) SLOT_BYTES * ((i + 1) % slots)));
            HostMemory.putInt(slot(i) + RBD, -1);
            HostMemory.putInt(slot(i) + COUNT, MAX_FRAME << 16);
        }
        HostMemory.putInt(slot(slots - 1) + STATUS, END_OF_LIST);
    }

    static DmaBuffer memory(PciDevice device, int slots) { return device.allocate(slots * SLOT_BYTES, ALIGNMENT); }

    /** How many descriptors are complete, from the first that was not taken out. */
    synchronized int complete() {
        int count = 0;
        while (!closed && count < slots && (HostMemory.getIntAcquire(slot(next + count & slots - 1) + STATUS) & COMPLETE) != 0) count++;
        return count;
    }

    /** Takes out as many; those that came in damaged are left out. */
    synchronized List<byte[]> take(int count) {
        List<byte[]> taken = count == 0 ? List.of() : new ArrayList<>(count);
        for (int i = 0; i < count && !closed; i++) {
            byte[] frame = frame(slot(next));
            recycle(next);
            next = next + 1 & slots - 1;
            if (frame != null) taken.add(frame);
        }
        return taken;
    }

    /** Null if it came in damaged. */
    private byte[] frame(long rfd) {
        int status = HostMemory.getIntAcquire(rfd + STATUS);
        int length = HostMemory.getInt(rfd + COUNT) & COUNT_BITS;
        if ((status & OK) == 0 || length < MIN_FRAME || length > MAX_FRAME) {
            errors++;
            return null;
        }
        byte[] frame = new byte[length];
        HostMemory.read(rfd + DATA, frame, 0, length);
        frames++;
        bytes += length;
        return frame;
    }

    /** First this one ends the list, then the one before does not. */
    private void recycle(int number) {
        HostMemory.putInt(slot(number) + COUNT, MAX_FRAME << 16);
        HostMemory.putIntRelease(slot(number) + STATUS, END_OF_LIST);
        long before = slot(number - 1 & slots - 1) + STATUS;
        int old;
        do old = HostMemory.getIntAcquire(before); while (!HostMemory.compareAndSetInt(before, old, old & ~END_OF_LIST));
    }

    /** Where the unit begins when all was taken out. */
    synchronized long nextBusAddress() { return bus + (long) next * SLOT_BYTES; }

    synchronized long frames() { return frames; }

    synchronized long bytes() { return bytes; }

    /** Descriptors with errors; only if the chip is told to keep such frames, or is broken. */
    synchronized long errors() { return errors; }

    synchronized void exchange(StateRecord state) {
        frames = state.exchange("frames", frames);
        bytes = state.exchange("bytes", bytes);
        errors = state.exchange("errors", errors);
    }

    /** Its memory is not touched any more. */
    synchronized void close() { closed = true; }

    private long slot(int number) { return memory + (long) number * SLOT_BYTES; }
}
