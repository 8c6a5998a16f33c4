package host.sim.array;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The controller itself as a unit, at the address of zeros: what it says of itself and of its volumes, and the commands of its
 * management interface, BMIC [CISS] 4, 5. Any thread.
 */
final class Controller {
    static final String FIRMWARE = "2.36";

    private static final int TEST_UNIT_READY = 0x00, REQUEST_SENSE = 0x03, INQUIRY = 0x12, BMIC_READ = 0x26, BMIC_WRITE = 0x27, REPORT_LOGICAL = 0xC2, REPORT_PHYSICAL = 0xC3;
    private static final int IDENTIFY_DRIVE = 0x10, IDENTIFY_CONTROLLER = 0x11, DRIVE_STATUS = 0x12, SENSE_SUBSYSTEM = 0x66, FLUSH_CACHE = 0xC2;
    private static final int RAID_CONTROLLER = 0x0C, LUN_BYTES = 8, BMIC_BYTES = 512;

    private final Board board;
    private final LogicalVolume[] volumes;

    /** @param volumes in the order in which they are reported */
    Controller(Board board, LogicalVolume[] volumes) {
        this.board = board;
        this.volumes = volumes;
    }

    void execute(Command command) {
        switch (command.opcode()) {
            case TEST_UNIT_READY -> { }
            case REQUEST_SENSE -> reply(command, Arrays.copyOf(new byte[] {0x70, 0, 0, 0, 0, 0, 0, 10}, 18), command.cdb(4));
            case INQUIRY -> inquiry(command);
            case REPORT_LOGICAL -> reply(command, logical(), command.cdb32(6));
            case REPORT_PHYSICAL -> reply(command, physical(command.cdb(1)), command.cdb32(6));
            case BMIC_READ -> read(command, command.cdb(6));
            case BMIC_WRITE -> {
                if (command.cdb(6) == FLUSH_CACHE) flush(command);
                else command.check(Sense.INVALID_FIELD);
            }
            default -> command.check(Sense.INVALID_OPERATION_CODE);
        }
    }

    private static void reply(Command command, byte[] data, int allocated) {
        command.reply(data, allocated < 0 ? data.length : Math.min(data.length, allocated));
    }

    private void inquiry(Command command) {
        if ((command.cdb(1) & 1) != 0 && command.cdb(2) == 0) reply(command, new byte[] {RAID_CONTROLLER, 0, 0, 1, 0}, command.cdb16(3));
        else if ((command.cdb(1) & 1) != 0 || command.cdb(2) != 0) command.check(Sense.INVALID_FIELD);
        else reply(command, LogicalVolume.inquiry(RAID_CONTROLLER, board, board.product.toUpperCase(java.util.Locale.ROOT)), command.cdb16(3));
    }

    private byte[] logical() {
        ByteBuffer list = ByteBuffer.allocate(8 + LUN_BYTES * volumes.length).putInt(LUN_BYTES * volumes.length).putInt(0).order(ByteOrder.LITTLE_ENDIAN);
        for (LogicalVolume volume : volumes) list.putInt(volume.number() | LogicalVolume.MODE).putInt(0);
        return list.array();
    }

    /** LIMIT: the disks behind the volumes are not simulated; the list is empty. @param format that is asked for, which the answer repeats */
    private static byte[] physical(int format) {
        byte[] list = new byte[8];
        list[4] = (byte) format;
        return list;
    }

    private void read(Command command, int what) {
        LogicalVolume volume = volume(command.cdb(1));
        byte[] data = switch (what) {
            case IDENTIFY_CONTROLLER -> identify();
            case IDENTIFY_DRIVE -> volume == null ? null : volume.identify();
            case DRIVE_STATUS -> volume == null ? null : volume.status();
            case SENSE_SUBSYSTEM -> new byte[BMIC_BYTES];
            default -> null;
        };
        if (data == null) command.check(Sense.INVALID_FIELD);
        else reply(command, data, command.cdb16(7));
    }

    private LogicalVolume volume(int number) {
        for (LogicalVolume volume : volumes) if (volume.number() == number) return volume;
        return null;
    }

    /** Number of volumes, signature of the configuration, revisions of the firmware that runs and of that in ROM. */
    private byte[] identify() {
        ByteBuffer data = ByteBuffer.allocate(BMIC_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        data.put((byte) volumes.length).putInt(Arrays.stream(volumes).mapToInt(LogicalVolume::number).sum() + 1);
        data.put(FIRMWARE.getBytes(StandardCharsets.US_ASCII)).put(FIRMWARE.getBytes(StandardCharsets.US_ASCII)).put((byte) 1);
        data.position(22).putInt(board.boardId());
        return data.array();
    }

    private void flush(Command command) {
        for (LogicalVolume volume : volumes) {
            Sense sense = volume.flush();
            if (sense != null) command.check(sense);
        }
        command.moved(command.dataBytes()); // parameters that nobody needs
    }

    /** Puts a text with spaces behind it. */
    static void text(byte[] data, int at, int length, String text) {
        Arrays.fill(data, at, at + length, (byte) ' ');
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, data, at, Math.min(length, bytes.length));
    }
}
