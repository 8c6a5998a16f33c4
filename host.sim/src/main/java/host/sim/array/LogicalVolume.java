package host.sim.array;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/** A logical volume: what SCSI commands to it mean [SPC], [SBC]. Any thread, several commands at a time. */
final class LogicalVolume implements AutoCloseable {
    static final int BLOCK_BYTES = 512, MODE = 0x4000_0000;
    private static final int HEADS = 255, SECTORS = 63;

    private static final int TEST_UNIT_READY = 0x00, REQUEST_SENSE = 0x03, READ_6 = 0x08, WRITE_6 = 0x0A, INQUIRY = 0x12, RESERVE_6 = 0x16, RELEASE_6 = 0x17, MODE_SENSE_6 = 0x1A, START_STOP = 0x1B,
        READ_CAPACITY_10 = 0x25, READ_10 = 0x28, WRITE_10 = 0x2A, VERIFY_10 = 0x2F, SYNCHRONIZE_CACHE_10 = 0x35, MODE_SENSE_10 = 0x5A, READ_16 = 0x88, WRITE_16 = 0x8A,
        SYNCHRONIZE_CACHE_16 = 0x91, SERVICE_ACTION_IN_16 = 0x9E, READ_12 = 0xA8, WRITE_12 = 0xAA;
    private static final int FORCE_UNIT_ACCESS = 0x08, READ_CAPACITY_16 = 0x10;
    private static final int CACHING_PAGE = 0x08, ALL_PAGES = 0x3F;
    private static final int STATUS_OK = 0, STATUS_FAILED = 1;

    private final int number;
    private final Board board;
    private final String serial;
    private final VolumeFile file;
    private final long blocks;
    /** A reset took the reservation away, and the driver has not been told. */
    private final AtomicBoolean attention = new AtomicBoolean();

    /** @param number of the volume, 0 to 31 @param serial 16 hexadecimal digits, always the same for a volume */
    LogicalVolume(int number, Board board, String serial, VolumeFile file) {
        this.number = number;
        this.board = board;
        this.serial = serial;
        this.file = file;
        this.blocks = file.bytes() / BLOCK_BYTES;
    }

    int number() { return number; }

    long blocks() { return blocks; }

    boolean ready() { return file.ready(); }

    Sense flush() { return file.flush(); }

    /** Of the bus: a reservation is forgotten, which the next command tells [SPC] 5.6. */
    void reset() { if (file.release()) attention.set(true); }

    @Override public void close() { file.close(); }

    /** Whether it goes to the medium: such commands are what faults are about. */
    static boolean transfers(int opcode) {
        return switch (opcode) {
            case READ_6, READ_10, READ_12, READ_16, WRITE_6, WRITE_10, WRITE_12, WRITE_16 -> true;
            default -> false;
        };
    }

    static boolean writes(int opcode) { return opcode == WRITE_6 || opcode == WRITE_10 || opcode == WRITE_12 || opcode == WRITE_16; }

    /** Whether it waits for the medium, for milliseconds perhaps. */
    static boolean slow(Command command) {
        int opcode = command.opcode();
        return opcode == SYNCHRONIZE_CACHE_10 || opcode == SYNCHRONIZE_CACHE_16 || writes(opcode) && forced(command);
    }

    private static boolean forced(Command command) { return command.opcode() != WRITE_6 && (command.cdb(1) & FORCE_UNIT_ACCESS) != 0; }

    void execute(Command command) {
        boolean silent = command.opcode() == INQUIRY || command.opcode() == REQUEST_SENSE;
        if (!silent && attention.get() && attention.compareAndSet(true, false)) command.check(Sense.RESET); else serve(command);
    }

    private void serve(Command command) {
        switch (command.opcode()) {
            case READ_10, WRITE_10 -> transfer(command, command.cdb32(2) & 0xFFFF_FFFFL, command.cdb16(7));
            case READ_16, WRITE_16 -> transfer(command, command.cdb64(2), command.cdb32(10) & 0xFFFF_FFFFL);
            case READ_12, WRITE_12 -> transfer(command, command.cdb32(2) & 0xFFFF_FFFFL, command.cdb32(6) & 0xFFFF_FFFFL);
            case READ_6, WRITE_6 -> transfer(command, command.cdb32(0) & 0x1F_FFFF, command.cdb(4) == 0 ? 256 : command.cdb(4));
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 -> end(command, file.flush());
            case TEST_UNIT_READY, START_STOP -> end(command, file.ready() ? null : Sense.NOT_READY);
            case RESERVE_6 -> { if (!file.reserve()) command.reserved(); }
            case RELEASE_6 -> file.release();
            case VERIFY_10 -> end(command, outside(command.cdb32(2) & 0xFFFF_FFFFL, command.cdb16(7)) ? Sense.OUT_OF_RANGE : null);
            case INQUIRY -> inquiry(command);
            case READ_CAPACITY_10 -> capacity(command);
            case SERVICE_ACTION_IN_16 -> {
                if ((command.cdb(1) & 0x1F) == READ_CAPACITY_16) capacityLong(command);
                else command.check(Sense.INVALID_FIELD);
            }
            case MODE_SENSE_6 -> modeSense(command, 4, command.cdb(4));
            case MODE_SENSE_10 -> modeSense(command, 8, command.cdb16(7));
            // sense data go with the command that failed; there is never any left
            case REQUEST_SENSE -> reply(command, noSense(), command.cdb(4));
            default -> command.check(Sense.INVALID_OPERATION_CODE);
        }
    }

    private static void end(Command command, Sense sense) {
        if (sense != null) command.check(sense);
    }

    private static void reply(Command command, byte[] data, int allocated) { command.reply(data, Math.min(data.length, allocated)); }

    private boolean outside(long block, long count) { return block < 0 || block > blocks || count > blocks - block; }

    /** Between the file and the pieces of memory of the command, without a copy. */
    private void transfer(Command command, long block, long count) {
        boolean write = writes(command.opcode());
        long bytes = count * BLOCK_BYTES;
        if (outside(block, count)) {
            command.check(Sense.OUT_OF_RANGE);
        } else if (bytes > 0 && command.direction() != (write ? Command.WRITE : Command.READ)) {
            command.fail(Command.INVALID);
        } else if (bytes > command.dataBytes()) {
            command.fail(Command.OVERRUN);
        } else {
            move(command, write, block * BLOCK_BYTES, bytes);
        }
    }

    private void move(Command command, boolean write, long position, long bytes) {
        long left = bytes;
        for (int i = 0; left > 0; i++) {
            int part = (int) Math.min(command.segmentBytes(i), left);
            ByteBuffer memory = command.segment(i, part);
            if (memory == null) {
                command.fail(Command.HARDWARE_ERROR);
                return;
            }
            Sense sense = write ? file.write(memory, position) : file.read(memory, position);
            if (sense != null) {
                command.check(sense);
                return;
            }
            position += part;
            left -= part;
        }
        command.moved(bytes);
        if (write && forced(command)) end(command, file.flush());
    }

    // what it says of itself

    private void inquiry(Command command) {
        int allocated = command.cdb16(3);
        if ((command.cdb(1) & 1) == 0) {
            if (command.cdb(2) != 0) command.check(Sense.INVALID_FIELD);
            else reply(command, inquiry(0x00, board, "LOGICAL VOLUME"), allocated);
            return;
        }
        byte[] page = page(command.cdb(2));
        if (page == null) command.check(Sense.INVALID_FIELD);
        else reply(command, page, allocated);
    }

    /** Standard INQUIRY data [SPC] 6.6.2. @param type of device */
    static byte[] inquiry(int type, Board board, String product) {
        byte[] data = new byte[36];
        data[0] = (byte) type;
        data[2] = 4; // SPC-2
        data[3] = 2; // response data format
        data[4] = (byte) (data.length - 5);
        data[7] = 2; // command queuing
        Controller.text(data, 8, 8, board.maker());
        Controller.text(data, 16, 16, product);
        Controller.text(data, 32, 4, Controller.FIRMWARE);
        return data;
    }

    /** Vital product data [SPC] 8.4; C1h and C3h are this family's: geometry and state. */
    private byte[] page(int code) {
        byte[] content = switch (code) {
            case 0x00 -> new byte[] {0x00, (byte) 0x80, (byte) 0x83, (byte) 0xC1, (byte) 0xC3};
            case 0x80 -> serial.getBytes(StandardCharsets.US_ASCII);
            case 0x83 -> identification();
            case 0xC1 -> geometry();
            case 0xC3 -> new byte[] {(byte) (file.ready() ? STATUS_OK : STATUS_FAILED), 0, 0, 0};
            default -> null;
        };
        if (content == null) return null;
        byte[] page = new byte[4 + content.length];
        page[1] = (byte) code;
        page[3] = (byte) content.length;
        System.arraycopy(content, 0, page, 4, content.length);
        return page;
    }

    /** One designator: a name of 16 bytes, NAA 6. */
    private byte[] identification() {
        ByteBuffer designator = ByteBuffer.allocate(20).put(new byte[] {0x01, 0x03, 0x00, 16});
        return designator.putLong(0x6000_508B_1000_0000L | number).putLong(Long.parseUnsignedLong(serial, 16)).array();
    }

    private byte[] geometry() {
        ByteBuffer page = ByteBuffer.allocate(60);
        page.putShort((short) cylinders()).put((byte) HEADS).put((byte) SECTORS);
        page.put((byte) 0); // fault tolerance: none
        return page.array();
    }

    private int cylinders() { return (int) Math.min(0xFFFF, blocks / (HEADS * SECTORS)); }

    /** BMIC "identify logical drive": block size, blocks, geometry, fault tolerance [CISS] 5. */
    byte[] identify() {
        ByteBuffer data = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        data.putShort((short) BLOCK_BYTES).putInt((int) Math.min(blocks, 0xFFFF_FFFFL));
        data.putShort((short) cylinders()).put((byte) HEADS).put((byte) 0).put((byte) 0).put((byte) SECTORS);
        return data.array();
    }

    /** BMIC "drive status": 0 is well, 1 is failed. */
    byte[] status() {
        byte[] data = new byte[512];
        data[0] = (byte) (file.ready() ? STATUS_OK : STATUS_FAILED);
        return data;
    }

    private void capacity(Command command) {
        if (!file.ready()) {
            command.check(Sense.NOT_READY);
            return;
        }
        int last = (int) Math.min(blocks - 1, 0xFFFF_FFFFL);
        reply(command, ByteBuffer.allocate(8).putInt(last).putInt(BLOCK_BYTES).array(), 8);
    }

    private void capacityLong(Command command) {
        if (!file.ready()) {
            command.check(Sense.NOT_READY);
            return;
        }
        int allocated = (int) Math.min(command.cdb32(10) & 0xFFFF_FFFFL, 32);
        reply(command, Arrays.copyOf(ByteBuffer.allocate(12).putLong(blocks - 1).putInt(BLOCK_BYTES).array(), 32), allocated);
    }

    /** Header, and the caching page: there is a write cache, which SYNCHRONIZE CACHE empties; FORCE UNIT ACCESS is obeyed. */
    private void modeSense(Command command, int headerBytes, int allocated) {
        int page = command.cdb(2) & 0x3F;
        if (page != CACHING_PAGE && page != ALL_PAGES && page != 0) {
            command.check(Sense.INVALID_FIELD);
            return;
        }
        byte[] data = new byte[headerBytes + (page == 0 ? 0 : 20)];
        int parameters = (file.writable() ? 0 : 0x80) | 0x10;
        if (headerBytes == 4) {
            data[0] = (byte) (data.length - 1);
            data[2] = (byte) parameters;
        } else {
            data[1] = (byte) (data.length - 2);
            data[3] = (byte) parameters;
        }
        if (page != 0) {
            data[headerBytes] = CACHING_PAGE;
            data[headerBytes + 1] = 18;
            data[headerBytes + 2] = 0x04; // write cache enabled
        }
        reply(command, data, allocated);
    }

    private static byte[] noSense() {
        byte[] data = new byte[18];
        data[0] = 0x70;
        data[7] = 10;
        return data;
    }
}
