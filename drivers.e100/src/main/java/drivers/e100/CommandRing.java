package drivers.e100;

import vmkernel.api.handover.StateRecord;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.memory.HostMemory;

/**
 * The command list: a ring of blocks for the command unit, each with room for a frame, whose links never change. Blocks are
 * put, then announced together: the last of them has S, at which the unit will rest, S is taken off the last one before
 * them, and the unit is told to go on. Nothing needs to be done for a block that the unit has finished, so who puts blocks
 * looks for finished ones by the way, and interrupts are asked for only so often that a full ring gets room again in time.
 * Under the adapter's command lock. [8255x] 6.4.2.
 */
final class CommandRing {
    private static final int STATUS = 0, LINK = 4, PARAMETERS = 8, TBD_ARRAY = 8, BYTES = 12, DATA = 16;
    private static final int SLOT_BYTES = 1536, ALIGNMENT = 16;
    /** The first dword: status in its low half, command in its high half. */
    private static final int COMPLETE = 0x8000, SUSPEND = 0x4000_0000, INTERRUPT = 0x2000_0000;
    private static final int ADDRESS = 0x0001_0000, CONFIGURE = 0x0002_0000, MULTICAST = 0x0003_0000, TRANSMIT = 0x0004_0000;
    /** No array of buffers: the frame follows the block, all of it. */
    private static final int SIMPLIFIED = -1, END_OF_FRAME = 0x8000;
    private static final int MIN_FRAME = 60, MAX_FRAME = 1518, MIN_GIVEN = 14;
    /** The unit begins with these while the next ones are copied. */
    private static final int ANNOUNCED_TOGETHER = 16;
    /** Blocks that frames leave free, so that a filter can be set at any time; and the one at which the unit rests. */
    private static final int RESERVED = 4, RESTING_PLACE = 1;
    private static final int INTERRUPTS_IN_A_RING = 4;
    /** How much of a frame is in the chip before it goes to the wire. The last step is more than any frame. */
    private static final int THRESHOLD_BYTES = 8, THRESHOLD_STEP = 0x20, MAX_THRESHOLD = 0xE0;

    private final Csr csr;
    private final long memory;
    private final long bus;
    private final int slots;
    private int threshold = THRESHOLD_STEP;
    private boolean started;
    /** How many blocks were ever put, announced, found finished. */
    private long put, announced, finished;
    private long frames, bytes, refused;

    CommandRing(Csr csr, DmaBuffer buffer, int slots) {
        this.csr = csr;
        this.slots = slots;
        memory = buffer.address();
        bus = buffer.busAddress();
        for (int i = 0; i < slots; i++) HostMemory.putInt(slot(i) + LINK, (int) (bus + (long) SLOT_BYTES * ((i + 1) % slots)));
    }

    static DmaBuffer memory(PciDevice device, int slots) { return device.allocate(slots * SLOT_BYTES, ALIGNMENT); }

    /** Whether a frame can be put, of those there is room for. */
    boolean takesFrame() { return room() > RESERVED; }

    /** How many blocks can be put. */
    int room() { return slots - RESTING_PLACE - (int) (put - finished); }

    boolean empty() { return put == finished; }

    /** Blocks that the unit has not finished. */
    int outstanding() { return (int) (put - finished); }

    long finished() { return finished; }

    /** Frames of a size that no Ethernet has: they are counted instead of sent. */
    long refused() { return refused; }

    long frames() { return frames; }

    long bytes() { return bytes; }

    /** In bytes. */
    int threshold() { return threshold * THRESHOLD_BYTES; }

    /** More of each frame waits in the chip before it is sent. @return false if it was all of it already */
    boolean raiseThreshold() {
        if (threshold == MAX_THRESHOLD) return false;
        threshold += THRESHOLD_STEP;
        return true;
    }

    /** Counters, and what was learnt. */
    void exchange(StateRecord state) {
        frames = state.exchange("frames", frames);
        bytes = state.exchange("bytes", bytes);
        refused = state.exchange("refused", refused);
        threshold = Math.max(THRESHOLD_STEP, Math.min(state.exchange("threshold", threshold), MAX_THRESHOLD));
    }

    /** Puts a frame; there is room. */
    void frame(byte[] frame) throws DriverException {
        if (frame.length < MIN_GIVEN || frame.length > MAX_FRAME) {
            refused++;
            return;
        }
        long block = slot(put);
        HostMemory.putInt(block + TBD_ARRAY, SIMPLIFIED);
        HostMemory.putInt(block + BYTES, threshold << 16 | END_OF_FRAME | Math.max(frame.length, MIN_FRAME));
        HostMemory.write(block + DATA, frame, 0, frame.length);
        if (frame.length < MIN_FRAME) HostMemory.fill(block + DATA + frame.length, MIN_FRAME - frame.length, (byte) 0); // not what was sent before
        frames++;
        bytes += frame.length;
        put(TRANSMIT);
    }

    void configure(byte[] bytes) throws DriverException {
        HostMemory.write(slot(put) + PARAMETERS, bytes, 0, bytes.length);
        put(CONFIGURE);
    }

    void address(byte[] address) throws DriverException {
        HostMemory.write(slot(put) + PARAMETERS, address, 0, address.length);
        put(ADDRESS);
    }

    /** @param addresses of groups, one after another */
    void multicast(byte[] addresses) throws DriverException {
        HostMemory.putShort(slot(put) + PARAMETERS, (short) addresses.length);
        HostMemory.write(slot(put) + PARAMETERS + 2, addresses, 0, addresses.length);
        put(MULTICAST);
    }

    private void put(int command) throws DriverException {
        int interrupt = (put & slots / INTERRUPTS_IN_A_RING - 1) == 0 ? INTERRUPT : 0;
        HostMemory.putInt(slot(put) + STATUS, command | interrupt);
        put++;
        if (put - announced == ANNOUNCED_TOGETHER) announce();
    }

    /** Hands what was put to the unit. */
    void announce() throws DriverException {
        if (announced == put) return;
        long first = announced;
        long last = slot(put - 1) + STATUS;
        HostMemory.putInt(last, HostMemory.getInt(last) | SUSPEND);
        announced = put;
        if (started) {
            clear(slot(first - 1) + STATUS, SUSPEND);
            csr.command(Csr.CU_RESUME);
        } else {
            started = true;
            csr.command(Csr.CU_START, bus(first));
        }
    }

    /** The unit may write the other half meanwhile. Orders what was written before, too. */
    private static void clear(long address, int bits) {
        int old;
        do old = HostMemory.getIntAcquire(address); while (!HostMemory.compareAndSetInt(address, old, old & ~bits));
    }

    /** Looks for blocks that the unit has finished. */
    void reap() {
        while (finished != announced && (HostMemory.getIntAcquire(slot(finished) + STATUS) & COMPLETE) != 0) finished++;
    }

    private long slot(long number) { return memory + (number & slots - 1) * SLOT_BYTES; }

    private long bus(long number) { return bus + (number & slots - 1) * SLOT_BYTES; }
}
