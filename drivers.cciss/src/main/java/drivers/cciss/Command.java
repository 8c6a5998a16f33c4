package drivers.cciss;

import java.util.concurrent.atomic.AtomicInteger;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockRequest;

/**
 * One command block [CISSR]: header, request, error descriptor, scatter-gather list (of one entry here), and the ErrorInfo behind
 * it. Who changed the phase owns the other fields; the phase carries a generation, which is also in the tag, so that neither a
 * stale completion nor a late thread mistakes one use of the block for the next.
 */
final class Command {
    /** Bytes from one block to the next. */
    static final int SLOT = 0x280;

    /** In nobody's hands: in the free list, or the last answer can be read. */
    static final int IDLE = 0;
    /** Being filled in. Those who stop the driver wait for it to pass. */
    static final int FILLING = 1;
    /** On its way to the controller, which may already be done with it. */
    static final int POSTING = 2;
    /** With the controller. */
    static final int POSTED = 3;
    /** Back, or taken back, and being ended. */
    static final int ENDING = 4;

    private static final int SG_COUNT = 0x01, SG_TOTAL = 0x02, TAG = 0x04, LUN = 0x0C, CDB_LENGTH = 0x14, KIND = 0x15, CDB = 0x18;
    private static final int ERROR_ADDRESS = 0x28, ERROR_LENGTH = 0x30, SG_ADDRESS = 0x34, SG_LENGTH = 0x3C, SG_EXT = 0x40;
    private static final int SIMPLE_QUEUE = 4 << 3, MESSAGE = 1, DIRECTION = 6;

    private static final int ERROR_INFO = 0x240, ERROR_INFO_BYTES = 48;
    private static final int SCSI_STATUS = 0x00, SENSE_LENGTH = 0x01, COMMAND_STATUS = 0x02, RESIDUAL = 0x04, SENSE = 0x10, SENSE_BYTES = 32;

    private static final int PHASE_BITS = 3, PHASE = (1 << PHASE_BITS) - 1, GENERATIONS = 1 << 18;
    private static final int INDEX_SHIFT = 2, INDEX_MASK = 0xFFF, GENERATION_SHIFT = 14;
    /** Commands that a tag can tell apart; its lowest two bits belong to the controller, and all ones means that there is none. */
    static final int MOST = INDEX_MASK;

    private final int index;
    private final long address;
    private final long busAddress;
    private final AtomicInteger state = new AtomicInteger();

    /** Where data go through; null until it is needed. */
    private DmaBuffer data;
    /** Whom it is for; null for the driver's own. */
    BlockRequest request;
    Volume volume;
    /** Bytes of data, and when it was posted first. */
    int bytes;
    long since;
    /** How often it was posted. */
    int attempts;
    /** What the last use came to: the controller's error bit. Of the driver's own commands. */
    boolean error;

    Command(int index, DmaBuffer blocks) {
        this.index = index;
        address = blocks.address() + (long) index * SLOT;
        busAddress = blocks.busAddress() + (long) index * SLOT;
        HostMemory.putLong(address + ERROR_ADDRESS, busAddress + ERROR_INFO);
        HostMemory.putInt(address + ERROR_LENGTH, ERROR_INFO_BYTES);
    }

    int index() { return index; }

    static int indexOf(int tag) { return tag >>> INDEX_SHIFT & INDEX_MASK; }

    int phase() { return state.get() & PHASE; }

    private int generation() { return state.get() >>> PHASE_BITS; }

    /** Starts a use of it. The caller got it from the free list, or it is its own. */
    void begin() { state.set((generation() + 1) % GENERATIONS << PHASE_BITS | FILLING); }

    /** Ends a use of it. */
    void end() {
        request = null;
        volume = null;
        state.set(generation() << PHASE_BITS | IDLE);
    }

    /** Ends a use of the driver's own command; the answer stays. */
    void answered(boolean withError) {
        error = withError;
        end();
    }

    /** Takes it from the controller, if the tag means this use of it. */
    boolean claim(int tag) { return claim(state.get(), tag >>> GENERATION_SHIFT); }

    /** Takes it from the controller; false if it is not there, or not any more. */
    boolean claim() {
        int now = state.get();
        return claim(now, now >>> PHASE_BITS);
    }

    private boolean claim(int seen, int use) {
        for (int now = seen; ; now = state.get()) {
            if (now >>> PHASE_BITS != use || (now & PHASE) != POSTED && (now & PHASE) != POSTING) return false;
            if (state.compareAndSet(now, now & ~PHASE | ENDING)) return true;
        }
    }

    /** As it is told to the controller. */
    int tag() { return generation() << GENERATION_SHIFT | index << INDEX_SHIFT; }

    boolean hasBuffer() { return data != null; }

    void buffer(DmaBuffer buffer) {
        data = buffer;
        HostMemory.putLong(address + SG_ADDRESS, buffer.busAddress());
        HostMemory.putInt(address + SG_EXT, 0);
    }

    /** Where its data are. */
    long dataAddress() { return data.address(); }

    /** Fills the block in. @param length of the data, at most the buffer's */
    void fill(long lun, Cdb cdb, int length) { fill(lun, cdb, length, SIMPLE_QUEUE); }

    /** Fills the block in with a message to the controller's firmware. */
    void fillMessage(long lun, Cdb message) { fill(lun, message, 0, SIMPLE_QUEUE | MESSAGE); }

    private void fill(long lun, Cdb cdb, int length, int kind) {
        bytes = length;
        HostMemory.putByte(address + SG_COUNT, (byte) (length > 0 ? 1 : 0));
        HostMemory.putShort(address + SG_TOTAL, (short) (length > 0 ? 1 : 0));
        HostMemory.putLong(address + LUN, lun);
        HostMemory.putByte(address + CDB_LENGTH, (byte) cdb.bytes());
        HostMemory.putByte(address + KIND, (byte) (kind | cdb.direction() << DIRECTION));
        HostMemory.putLong(address + CDB, Long.reverseBytes(cdb.high()));
        HostMemory.putLong(address + CDB + 8, Long.reverseBytes(cdb.low()));
        HostMemory.putInt(address + SG_LENGTH, length);
    }

    /** Gives it to the controller. */
    void post(Registers registers) {
        int use = state.get() & ~PHASE;
        HostMemory.putLong(address + TAG, tag() & 0xFFFF_FFFFL);
        // a controller that says "error" and writes none must not seem to say that all is well
        HostMemory.putInt(address + ERROR_INFO, 0xFFFF_0000);
        HostMemory.putInt(address + ERROR_INFO + RESIDUAL, 0);
        attempts++;
        state.set(use | POSTING);
        registers.post((int) busAddress);
        // fails if it is already back, which is as well
        state.compareAndSet(use | POSTING, use | POSTED);
    }

    /** Makes the next use out of this one, for another attempt. */
    void again(Registers registers) {
        state.set((generation() + 1) % GENERATIONS << PHASE_BITS | FILLING);
        post(registers);
    }

    int scsiStatus() { return HostMemory.getByte(address + ERROR_INFO + SCSI_STATUS) & 0xFF; }

    int commandStatus() { return HostMemory.getShort(address + ERROR_INFO + COMMAND_STATUS) & 0xFFFF; }

    /** Bytes that were not transferred, unsigned. */
    long residual() { return HostMemory.getInt(address + ERROR_INFO + RESIDUAL) & 0xFFFF_FFFFL; }

    /** Sense key, code and qualifier as in {@link vmkernel.api.storage.BlockResult}, in either format [SPC]; -1 if there is no such data. */
    int sense() {
        int length = Math.min(HostMemory.getByte(address + ERROR_INFO + SENSE_LENGTH) & 0xFF, SENSE_BYTES);
        int format = length == 0 ? 0 : sense(0) & 0x7F;
        if ((format == 0x70 || format == 0x71) && length >= 3) {
            return (sense(2) & 0x0F) << 16 | (length > 12 ? sense(12) << 8 : 0) | (length > 13 ? sense(13) : 0);
        }
        if ((format == 0x72 || format == 0x73) && length >= 4) return (sense(1) & 0x0F) << 16 | sense(2) << 8 | sense(3);
        return -1;
    }

    private int sense(int offset) { return HostMemory.getByte(address + ERROR_INFO + SENSE + offset) & 0xFF; }
}
