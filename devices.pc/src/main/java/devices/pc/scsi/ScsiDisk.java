package devices.pc.scsi;

import devices.pc.scsi.ScsiCommand.Direction;
import devices.pc.scsi.ScsiCommand.Outcome;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.VirtualDisk;

/**
 * A SCSI disk [SPC], [SBC] on a disk of the kernel. It answers by itself what is not about the medium; reads and writes go to the
 * kernel with the guest's own memory, so no byte is copied here. Under the VM's device lock.
 *
 * <p>LIMIT: all tasks are simple ones, whatever their attribute; the control mode page says that they are reordered.
 */
final class ScsiDisk {
    static final int POWER_ON = 0x062900, BUS_RESET = 0x062902, DEVICE_RESET = 0x062903; // unit attentions
    private static final int NO_SENSE = 0, NOT_READY = 0x020400, INVALID_OPCODE = 0x052000, OUT_OF_RANGE = 0x052100, INVALID_FIELD = 0x052400;
    private static final int NO_SUCH_UNIT = 0x052500, INVALID_PARAMETER = 0x052600, LIST_LENGTH = 0x051A00, SAVING_UNSUPPORTED = 0x053900,
        WRITE_PROTECTED = 0x072700;
    private static final int MOST_BYTES = 32 << 20; // of one command
    private static final int STANDARD_INQUIRY_BYTES = 36;
    private static final int WRITE_CACHE = 0x04, CACHE_PAGE = 0x08;

    private final ScsiBus bus;
    private final VirtualDisk disk;
    private final String serial;
    private final byte[] name = new byte[28]; // vendor, model and revision

    private int attention;      // unit attention that waits for a command
    private int kept;           // sense of the last command, for a driver that asks for it
    private boolean writeCache; // writes may end before they are on stable storage

    /** @param serial number for the vital product data */
    ScsiDisk(ScsiBus bus, VirtualDisk disk, String serial) {
        this.bus = bus;
        this.disk = disk;
        this.serial = serial;
        LogicalUnit unit = disk.unit();
        text(name, 0, 8, unit.vendor());
        text(name, 8, 16, unit.model());
        text(name, 24, 4, unit.revision());
    }

    private static void text(byte[] to, int at, int length, String value) {
        Arrays.fill(to, at, at + length, (byte) ' ');
        byte[] bytes = value.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, to, at, Math.min(length, bytes.length));
    }

    VirtualDisk device() { return disk; }

    void powerOn() {
        attention = NO_SENSE;
        reset(POWER_ON);
    }

    /** @param attention what the next command is told, unless it has yet to be told of the power-on */
    void reset(int attention) {
        if (this.attention != POWER_ON) this.attention = attention;
        kept = NO_SENSE;
        writeCache = true;
    }

    void keep(int sense) { kept = sense; }

    void exchange(StateRecord state) {
        attention = state.exchange("attention", attention);
        kept = state.exchange("kept", kept);
        writeCache = state.exchange("writeCache", writeCache);
    }

    /** Begins a command; its end is told to the bus, now or later. */
    void start(ScsiCommand command) {
        byte[] cdb = command.cdb;
        switch (cdb[0] & 0xFF) { // these three are answered in any state, and by units that are not there
            case 0x03 -> requestSense(command);
            case 0x12 -> inquiry(command);
            case 0xA0 -> reportUnits(command);
            default -> {
                int sense = command.lun != 0 ? NO_SUCH_UNIT : attention;
                if (command.lun == 0) attention = 0;
                kept = NO_SENSE;
                if (sense != 0) check(command, sense);
                else execute(command, cdb);
            }
        }
    }

    private void execute(ScsiCommand command, byte[] cdb) {
        switch (cdb[0] & 0xFF) {
            case 0x00 -> { // TEST UNIT READY
                if (disk.blocks() > 0) good(command);
                else check(command, NOT_READY);
            }
            case 0x08 -> read(command, number(cdb, 1, 3) & 0x1F_FFFF, shortCount(cdb));
            case 0x0A -> write(command, number(cdb, 1, 3) & 0x1F_FFFF, shortCount(cdb), 0);
            case 0x28 -> read(command, number(cdb, 2, 4), number(cdb, 7, 2));
            case 0x2A -> write(command, number(cdb, 2, 4), number(cdb, 7, 2), cdb[1]);
            case 0xA8 -> read(command, number(cdb, 2, 4), number(cdb, 6, 4));
            case 0xAA -> write(command, number(cdb, 2, 4), number(cdb, 6, 4), cdb[1]);
            case 0x88 -> read(command, number(cdb, 2, 8), number(cdb, 10, 4));
            case 0x8A -> write(command, number(cdb, 2, 8), number(cdb, 10, 4), cdb[1]);
            case 0x2E -> write(command, number(cdb, 2, 4), number(cdb, 7, 2), FUA); // WRITE AND VERIFY
            case 0x2F -> verify(command, number(cdb, 2, 4), number(cdb, 7, 2));
            case 0xAF -> verify(command, number(cdb, 2, 4), number(cdb, 6, 4));
            case 0x8F -> verify(command, number(cdb, 2, 8), number(cdb, 10, 4));
            case 0x35 -> synchronize(command, number(cdb, 2, 4), number(cdb, 7, 2));
            case 0x91 -> synchronize(command, number(cdb, 2, 8), number(cdb, 10, 4));
            case 0x1B -> { // START STOP UNIT: stopping puts everything in its place, and the disk starts again by itself
                if ((cdb[4] & 1) == 0) flush(command);
                else good(command);
            }
            case 0x25 -> readCapacity10(command);
            case 0x9E -> {
                if ((cdb[1] & 0x1F) == 0x10) readCapacity16(command);
                else check(command, INVALID_FIELD);
            }
            case 0x1A -> modeSense(command, (int) number(cdb, 4, 1), false);
            case 0x5A -> modeSense(command, (int) number(cdb, 7, 2), true);
            case 0x15 -> modeSelect(command, (int) number(cdb, 4, 1), false);
            case 0x55 -> modeSelect(command, (int) number(cdb, 7, 2), true);
            case 0x01, 0x0B, 0x2B -> good(command);             // REZERO UNIT, SEEK
            case 0x16, 0x17, 0x56, 0x57 -> good(command);       // RESERVE, RELEASE: there is one initiator
            case 0x1D -> { // SEND DIAGNOSTIC: the default self-test only
                if ((cdb[1] & 0x04) != 0) good(command);
                else check(command, INVALID_FIELD);
            }
            default -> check(command, INVALID_OPCODE);
        }
    }

    // -- the medium --

    private static final int FUA = 0x08;

    private static long shortCount(byte[] cdb) { return cdb[4] == 0 ? 256 : cdb[4] & 0xFF; }

    private void read(ScsiCommand command, long block, long count) { move(command, BlockOperation.READ, block, count); }

    private void write(ScsiCommand command, long block, long count, int flags) {
        command.flush = (flags & FUA) != 0 || !writeCache;
        if (disk.readOnly()) check(command, WRITE_PROTECTED);
        else move(command, BlockOperation.WRITE, block, count);
    }

    private void move(ScsiCommand command, BlockOperation operation, long block, long count) {
        int refusal = refusal(block, count);
        if (refusal != 0) {
            check(command, refusal);
            return;
        }
        int room = command.room(operation == BlockOperation.READ ? Direction.IN : Direction.OUT) / disk.blockBytes();
        if (room < count) command.outcome = Outcome.OVERRUN;
        command.moving = (int) Math.min(room, count) * disk.blockBytes();
        if (command.moving == 0) bus.end(command);
        else bus.submit(command, operation, block, command.data.transfer(bus.memory(), command.moving));
    }

    /** Why these blocks cannot be had, or 0. */
    private int refusal(long block, long count) {
        if (block < 0 || block > disk.blocks() || count > disk.blocks() - block) return OUT_OF_RANGE;
        return count * disk.blockBytes() > MOST_BYTES ? INVALID_FIELD : 0;
    }

    /** Reads the blocks and gives the bytes to nobody. */
    private void verify(ScsiCommand command, long block, long count) {
        int refusal = (command.cdb[1] & 0x06) != 0 ? INVALID_FIELD : refusal(block, count); // no comparison with data of the host
        int bytes = (int) count * disk.blockBytes();
        if (refusal != 0) check(command, refusal);
        else if (count == 0) good(command);
        else bus.submit(command, BlockOperation.READ, block, ScatterList.nowhere(bytes).transfer(bus.memory(), bytes));
    }

    private void synchronize(ScsiCommand command, long block, long count) {
        if (block < 0 || block > disk.blocks() || count > disk.blocks() - block) check(command, OUT_OF_RANGE);
        else flush(command);
    }

    private void flush(ScsiCommand command) {
        command.flush = false;
        bus.submit(command, BlockOperation.FLUSH, 0, null);
    }

    /** A request of a command has ended. */
    void completed(ScsiCommand command, BlockResult result) {
        switch (result.status()) {
            case GOOD -> {
                command.transferred += command.moving;
                command.moving = 0;
                if (command.flush) flush(command);
                else bus.end(command);
            }
            case CHECK_CONDITION -> check(command, result.sense());
            case TIMEOUT -> check(command, BlockResult.HARDWARE_ERROR.sense());
            case GONE -> {
                command.outcome = Outcome.SELECTION_TIMEOUT;
                bus.end(command);
            }
        }
    }

    // -- what it is --

    private void inquiry(ScsiCommand command) {
        byte[] cdb = command.cdb;
        boolean vital = (cdb[1] & 1) != 0;
        if ((cdb[1] & 2) != 0 || !vital && cdb[2] != 0) {
            check(command, INVALID_FIELD);
            return;
        }
        byte[] data = vital ? vitalProductData(cdb[2] & 0xFF) : standardInquiry();
        if (data == null) {
            check(command, INVALID_FIELD);
            return;
        }
        if (command.lun != 0) data[0] = 0x7F; // no such unit
        answer(command, data, (int) number(cdb, 3, 2));
    }

    private byte[] standardInquiry() {
        byte[] data = new byte[STANDARD_INQUIRY_BYTES];
        data[2] = 0x05; // SPC-3
        data[3] = 0x12; // LUNs are numbered hierarchically; the format of this
        data[4] = (byte) (data.length - 5);
        data[7] = 0x32; // wide, synchronous, queues commands
        System.arraycopy(name, 0, data, 8, name.length);
        return data;
    }

    private byte[] vitalProductData(int page) {
        ByteBuffer data = ByteBuffer.allocate(128);
        data.position(4);
        switch (page) {
            case 0x00 -> data.put(new byte[] {0, (byte) 0x80, (byte) 0x83, (byte) 0xB0});
            case 0x80 -> data.put(serial.getBytes(StandardCharsets.US_ASCII));
            case 0x83 -> { // vendor, model and serial number, in ASCII, of the unit
                byte[] number = serial.getBytes(StandardCharsets.US_ASCII);
                data.put((byte) 0x02).put((byte) 0x01).put((byte) 0).put((byte) (24 + number.length));
                data.put(name, 0, 24).put(number);
            }
            case 0xB0 -> { // block limits: the most that one command moves
                data.putInt(0).putInt(MOST_BYTES / disk.blockBytes());
                data.position(64);
            }
            default -> { return null; }
        }
        data.put(1, (byte) page).putShort(2, (short) (data.position() - 4));
        return Arrays.copyOf(data.array(), data.position());
    }

    private void reportUnits(ScsiCommand command) {
        long room = number(command.cdb, 6, 4);
        if (room < 16) {
            check(command, INVALID_FIELD);
            return;
        }
        byte[] data = new byte[16]; // unit 0
        data[3] = 8;
        answer(command, data, room);
    }

    private void requestSense(ScsiCommand command) {
        int sense = command.lun != 0 ? NO_SUCH_UNIT : kept != 0 ? kept : attention;
        if (command.lun == 0 && kept == 0) attention = 0;
        kept = NO_SENSE;
        answer(command, ScsiCommand.senseData(sense), number(command.cdb, 4, 1));
    }

    private void readCapacity10(ScsiCommand command) {
        ByteBuffer data = ByteBuffer.allocate(8);
        data.putInt((int) Math.min(0xFFFF_FFFFL, Math.max(0, disk.blocks() - 1))).putInt(disk.blockBytes());
        if ((command.cdb[8] & 1) == 0 && number(command.cdb, 2, 4) != 0) check(command, INVALID_FIELD);
        else answer(command, data.array(), data.capacity());
    }

    private void readCapacity16(ScsiCommand command) {
        ByteBuffer data = ByteBuffer.allocate(32);
        data.putLong(Math.max(0, disk.blocks() - 1)).putInt(disk.blockBytes());
        if ((command.cdb[14] & 1) == 0 && number(command.cdb, 2, 8) != 0) check(command, INVALID_FIELD);
        else answer(command, data.array(), number(command.cdb, 10, 4));
    }

    // -- mode pages --

    private void modeSense(ScsiCommand command, int room, boolean ten) {
        int control = command.cdb[2] >> 6 & 3, page = command.cdb[2] & 0x3F, subpage = command.cdb[3] & 0xFF;
        boolean all = page == 0x3F && (subpage == 0 || subpage == 0xFF);
        if (control == 3) {
            check(command, SAVING_UNSUPPORTED);
            return;
        }
        ByteBuffer data = ByteBuffer.allocate(128);
        data.position(ten ? 8 : 4);
        boolean described = (command.cdb[1] & 0x08) == 0;
        if (described) data.putInt((int) Math.min(0xFF_FFFF, disk.blocks())).putInt(disk.blockBytes());
        int before = data.position();
        if (all || page == 0x01 && subpage == 0) modePage(data, 0x01, 12, 2, control == 1 ? 0 : 0xC0); // errors: reassigns by itself
        if (all || page == CACHE_PAGE && subpage == 0) modePage(data, CACHE_PAGE, 20, 2, control == 1 || control == 2 || writeCache ? WRITE_CACHE : 0);
        if (all || page == 0x0A && subpage == 0) modePage(data, 0x0A, 12, 3, control == 1 ? 0 : 0x10); // control: commands are reordered
        if (data.position() == before) {
            check(command, INVALID_FIELD);
            return;
        }
        int length = data.position(), device = (disk.readOnly() ? 0x80 : 0) | 0x10, descriptor = described ? 8 : 0; // write protection; FUA is known
        if (ten) data.putShort(0, (short) (length - 2)).put(3, (byte) device).putShort(6, (short) descriptor);
        else data.put(0, (byte) (length - 1)).put(2, (byte) device).put(3, (byte) descriptor);
        answer(command, Arrays.copyOf(data.array(), length), room);
    }

    /** A page of which one byte is not zero. */
    private static void modePage(ByteBuffer to, int page, int length, int at, int value) {
        int start = to.position();
        to.put(start, (byte) page).put(start + 1, (byte) (length - 2)).put(start + at, (byte) value);
        to.position(start + length);
    }

    /** The write cache can be turned off: then writes end when they are on stable storage. Everything else stays as it is. */
    private void modeSelect(ScsiCommand command, int length, boolean ten) {
        if ((command.cdb[1] & 1) != 0) {
            check(command, INVALID_FIELD); // nothing can be saved
            return;
        }
        byte[] list = command.room(Direction.OUT) == 0 ? new byte[0] : command.data.read(bus.memory(), length);
        command.transferred = list.length;
        int header = ten ? 8 : 4;
        if (length == 0) {
            good(command);
            return;
        }
        if (list.length < header) {
            check(command, LIST_LENGTH);
            return;
        }
        int first = header + (int) (ten ? number(list, 6, 2) : list[3] & 0xFF); // behind the block descriptor
        int cache = writeCacheOf(list, first);
        if (cache < 0) {
            check(command, INVALID_PARAMETER);
            return;
        }
        boolean turnedOff = writeCache && cache == 0;
        writeCache = cache != 0;
        if (turnedOff) flush(command);
        else good(command);
    }

    /** The write cache bit as a list of mode pages leaves it, 0 or not; -1 if the list is wrong. */
    private int writeCacheOf(byte[] list, int first) {
        int cache = writeCache ? WRITE_CACHE : 0;
        int at = first;
        while (at + 2 <= list.length) {
            int page = list[at] & 0x3F, length = list[at + 1] & 0xFF;
            if (page != 0x01 && page != CACHE_PAGE && page != 0x0A || length == 0 || at + 2 + length > list.length) return -1;
            if (page == CACHE_PAGE) cache = list[at + 2] & WRITE_CACHE;
            at += 2 + length;
        }
        return at == list.length ? cache : -1;
    }

    // -- ends --

    private void good(ScsiCommand command) { bus.end(command); }

    private void check(ScsiCommand command, int sense) {
        command.check(sense);
        bus.end(command);
    }

    /** Data for the driver, as many as it asked for and has room for. */
    private void answer(ScsiCommand command, byte[] data, long wanted) {
        int length = (int) Math.min(data.length, wanted);
        int room = command.room(Direction.IN);
        if (room < length) command.outcome = Outcome.OVERRUN;
        command.transferred = command.data.write(bus.memory(), data, Math.min(length, room));
        bus.end(command);
    }

    private static long number(byte[] from, int at, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) value = value << 8 | from[at + i] & 0xFF;
        return value;
    }
}
