package host.sim.array;

import host.sim.bus.BusMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * One command as the board fetches it from memory [CISS] 3: header, request block, error descriptor, scatter-gather list; and how it
 * ends. A worker uses one object for all its commands, so that a command costs no garbage. Everything that a driver wrote is
 * untrusted: addresses are checked by the bus, lists have a bound.
 */
final class Command {
    /** Values of the command status in the error information. */
    static final int SUCCESS = 0, TARGET_STATUS = 1, UNDERRUN = 2, OVERRUN = 3, INVALID = 4, HARDWARE_ERROR = 6, ABORTED = 8, ABORT_FAILED = 9, UNSOLICITED_ABORT = 10;
    static final int TYPE_COMMAND = 0, TYPE_MESSAGE = 1;
    /** Directions, from the host's memory and into it. */
    static final int NO_DATA = 0, WRITE = 1, READ = 2;
    private static final int SCSI_CHECK_CONDITION = 2, SCSI_BUSY = 8, SCSI_RESERVATION_CONFLICT = 0x18;

    private static final int SG_IN_LIST = 1, TAG = 4, LUN = 12, CDB_LENGTH = 0x14, TYPE = 0x15, CDB = 0x18, ERROR_ADDRESS = 0x28, ERROR_LENGTH = 0x30, SG = 0x34;
    private static final int SG_BYTES = 16, CHAIN = 0x8000_0000, MOST_SEGMENTS = 4096, ERROR_BYTES = 48, SENSE_AT = 16;

    private final BusMemory memory;
    private final byte[] header = new byte[SG];
    private final ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    private final byte[] entry = new byte[SG_BYTES], error = new byte[ERROR_BYTES];
    private final ByteBuffer entryFields = ByteBuffer.wrap(entry).order(ByteOrder.LITTLE_ENDIAN);
    private long[] addresses = new long[32];
    private int[] lengths = new int[32];
    private int segments;
    private long dataBytes;

    private int commandStatus, scsiStatus;
    private Sense sense;
    private long moved;

    Command(BusMemory memory) { this.memory = memory; }

    /** Fetches the command block. @return false if it is not in memory, so that there is nothing to answer to */
    boolean fetch(long address) {
        if (!memory.read(address, header, 0, SG)) return false;
        segments = 0;
        dataBytes = moved = 0;
        commandStatus = scsiStatus = SUCCESS;
        sense = null;
        if (!gather(address + SG, header[SG_IN_LIST] & 0xFF)) fail(INVALID);
        return true;
    }

    /** True if it cannot be executed as it is; {@link #finish} tells. */
    boolean malformed() { return commandStatus != SUCCESS; }

    /** Follows the list and its chain blocks; pieces that adjoin in memory become one. */
    private boolean gather(long at, int count) {
        int left = count, hops = 0;
        while (left-- > 0) {
            if (!memory.read(at, entry, 0, SG_BYTES)) return false;
            long address = entryFields.getLong(0);
            int length = entryFields.getInt(8), extension = entryFields.getInt(12);
            at += SG_BYTES;
            if ((extension & CHAIN) != 0) {
                left = Integer.divideUnsigned(length, SG_BYTES);
                at = address;
                if (++hops > MOST_SEGMENTS || left > MOST_SEGMENTS) return false;
            } else if (length < 0 || !add(address, length)) {
                return false;
            }
        }
        return true;
    }

    private boolean add(long address, int length) {
        if (length == 0) return true;
        dataBytes += length;
        int last = segments - 1;
        if (last >= 0 && addresses[last] + lengths[last] == address && lengths[last] + length > 0) {
            lengths[last] += length;
            return true;
        }
        if (segments == MOST_SEGMENTS) return false;
        if (segments == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * segments);
            lengths = Arrays.copyOf(lengths, 2 * segments);
        }
        addresses[segments] = address;
        lengths[segments++] = length;
        return true;
    }

    // what was asked

    long tag() { return fields.getLong(TAG); }

    int type() { return header[TYPE] & 7; }

    int direction() { return header[TYPE] >> 6 & 3; }

    /** The 8 bytes of the address of who it is for. */
    long lun() { return fields.getLong(LUN); }

    int cdbLength() { return header[CDB_LENGTH] & 0xFF; }

    int opcode() { return cdb(0); }

    int cdb(int index) { return header[CDB + index] & 0xFF; }

    /** Big-endian fields of the CDB. */
    int cdb16(int index) { return cdb(index) << 8 | cdb(index + 1); }

    int cdb32(int index) { return cdb16(index) << 16 | cdb16(index + 2); }

    long cdb64(int index) { return (long) cdb32(index) << 32 | cdb32(index + 4) & 0xFFFF_FFFFL; }

    /** The tag that an abort message is about: 8 little-endian bytes. */
    long cdbTag(int index) { return fields.getLong(CDB + index); }

    /** Bytes of memory in its list. */
    long dataBytes() { return dataBytes; }

    int segments() { return segments; }

    int segmentBytes(int index) { return lengths[index]; }

    /** The first bytes of a segment; null if it is not in memory. */
    ByteBuffer segment(int index, int bytes) { return memory.slice(addresses[index], bytes); }

    // how it ends

    /** Sends data to the host: as much of it as there is room for in the list. */
    void reply(byte[] data, int length) {
        if (direction() != READ && length > 0) {
            fail(INVALID);
            return;
        }
        int done = 0;
        for (int i = 0; i < segments && done < length; i++) {
            int part = Math.min(lengths[i], length - done);
            if (!memory.write(addresses[i], data, done, part)) {
                fail(HARDWARE_ERROR);
                return;
            }
            done += part;
        }
        moved = done;
        if (done < length) fail(OVERRUN);
    }

    /** Tells how many bytes went between the host and the medium. */
    void moved(long bytes) { moved = bytes; }

    void fail(int status) { commandStatus = status; }

    void check(Sense why) {
        sense = why;
        target(SCSI_CHECK_CONDITION);
    }

    void busy() { target(SCSI_BUSY); }

    void reserved() { target(SCSI_RESERVATION_CONFLICT); }

    private void target(int status) {
        scsiStatus = status;
        commandStatus = TARGET_STATUS;
    }

    /** Writes the error information if there is any. @return the word for the reply FIFO: the tag, and bit 1 if it did not end well */
    int finish() {
        long residual = dataBytes - moved;
        if (commandStatus == SUCCESS && residual > 0) commandStatus = UNDERRUN;
        int word = (int) tag() & ~3;
        if (commandStatus == SUCCESS) return word;
        Arrays.fill(error, (byte) 0);
        error[0] = (byte) scsiStatus;
        error[2] = (byte) commandStatus;
        for (int i = 0; i < 4; i++) error[4 + i] = (byte) (residual >>> 8 * i);
        if (sense != null) {
            byte[] bytes = sense.bytes();
            error[1] = (byte) bytes.length;
            System.arraycopy(bytes, 0, error, SENSE_AT, bytes.length);
        }
        int room = (int) Math.min(ERROR_BYTES, fields.getInt(ERROR_LENGTH) & 0xFFFF_FFFFL);
        memory.write(fields.getLong(ERROR_ADDRESS), error, 0, room);
        return word | 2;
    }
}
