package devices.pc.scsi;

import devices.pc.scsi.ScsiCommand.Direction;
import devices.pc.scsi.ScsiCommand.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.GuestMemory;

/**
 * What the firmware of the 53C1030 does with messages [MPI Messages]: says what it is, carries SCSI commands to the bus and their ends
 * back, manages tasks. An IOC of one port, which is an initiator on one bus. LIMIT: no target mode, and no new firmware.
 */
final class LsiFirmware {
    /** Of a request, also what is read of it. */
    static final int FRAME_BYTES = 128;
    /** Functions. */
    private static final int SCSI_IO = 0x00, TASK_MANAGEMENT = 0x01, IOC_INIT = 0x02, IOC_FACTS = 0x03, CONFIG = 0x04, PORT_FACTS = 0x05,
        PORT_ENABLE = 0x06, EVENT_NOTIFICATION = 0x07, EVENT_ACK = 0x08;
    /** IOCStatus values. */
    private static final int SUCCESS = 0, INVALID_FUNCTION = 0x01, INVALID_SGL = 0x03, INVALID_FIELD = 0x07, INVALID_STATE = 0x08,
        CONFIG_INVALID_ACTION = 0x20, CONFIG_INVALID_TYPE = 0x21, CONFIG_INVALID_PAGE = 0x22, INVALID_BUS = 0x41, INVALID_TARGET = 0x42,
        DEVICE_NOT_THERE = 0x43, DATA_OVERRUN = 0x44, DATA_UNDERRUN = 0x45, TASK_TERMINATED = 0x48;
    /** Of SCSIState in replies. */
    private static final int AUTOSENSE_VALID = 0x01, NO_SCSI_STATUS = 0x04, TERMINATED = 0x08;
    private static final int ABORT_TASK = 1, ABORT_TASK_SET = 2, TARGET_RESET = 3, RESET_BUS = 4, UNIT_RESET = 5, CLEAR_TASK_SET = 6, QUERY_TASK = 7;
    private static final int TASK_COMPLETE = 0x00, TASK_NOT_SUPPORTED = 0x04, TASK_SUCCEEDED = 0x08;
    private static final int EVENT_IOC_BUS_RESET = 0x04, EVENT_CHANGE = 0x0A, CONTINUATION = 0x80;
    private static final int MPI_VERSION = 0x0102, FIRMWARE_VERSION = 0x0103_2920, PRODUCT = 0x0102; // SCSI initiator on a 53C1030 B0
    private static final int DEFAULT_REPLY = 20, DEFAULT_REPLY_FRAME = 128;

    private final GuestMemory memory;
    private final LsiLogic chip;
    private final ScsiBus bus;
    private final LsiPages pages;
    private int initiatorKind, replyFrameBytes, framesHigh, senseHigh, eventContext;
    private boolean events;

    LsiFirmware(DeviceContext context, LsiLogic chip) {
        this.chip = chip;
        memory = context.memory();
        bus = new ScsiBus(context, LsiLogic.CREDITS, this::ended);
        pages = new LsiPages(bus);
    }

    void powerOn() { bus.powerOn(); }

    void close() { bus.close(); }

    /** All messages are forgotten, and nobody has initialized the IOC. */
    void unitReset() {
        bus.forget();
        initiatorKind = framesHigh = senseHigh = eventContext = 0;
        replyFrameBytes = DEFAULT_REPLY_FRAME;
        events = false;
    }

    /** After {@link #unitReset}. */
    void hardReset() {
        pages.reset();
        bus.resetBus();
    }

    void exchange(StateRecord state) {
        initiatorKind = state.exchange("initiatorKind", initiatorKind);
        replyFrameBytes = state.exchange("replyFrameBytes", replyFrameBytes);
        framesHigh = state.exchange("framesHigh", framesHigh);
        senseHigh = state.exchange("senseHigh", senseHigh);
        eventContext = state.exchange("eventContext", eventContext);
        events = state.exchange("events", events);
        pages.exchange(state.child("config"));
        bus.exchange(state.child("bus"));
    }

    /** Who initialized the IOC, as the doorbell shows it. */
    int initiatorKind() { return initiatorKind; }

    int replyFrameBytes() { return replyFrameBytes; }

    /** Frames of requests and replies are all within the same 4 GiB. */
    long frameAddress(int low) { return (long) framesHigh << 32 | low & 0xFFFF_FFFFL; }

    // -- messages --

    /** A message that came by the doorbell. @return a reply that goes the same way, or null: that of task management goes by the FIFO */
    ByteBuffer handshake(ByteBuffer message) {
        int function = message.get(3) & 0xFF;
        if (function == TASK_MANAGEMENT && chip.isOperational() && message.capacity() >= 0x34) {
            chip.reply(manageTasks(message).array());
            return null;
        }
        boolean early = function == IOC_FACTS || function == PORT_FACTS || function == IOC_INIT;
        if (!early && !chip.isOperational()) return reply(message, DEFAULT_REPLY, INVALID_STATE);
        return function == SCSI_IO || message.capacity() < leastBytes(function) ? reply(message, DEFAULT_REPLY, INVALID_FUNCTION) : message(message);
    }

    private static int leastBytes(int function) {
        return switch (function) {
            case TASK_MANAGEMENT -> 0x34;
            case IOC_INIT -> 0x18;
            case CONFIG -> 0x1C;
            default -> 0x0C;
        };
    }

    /** @return the reply, or null if it comes later */
    ByteBuffer message(ByteBuffer message) {
        switch (message.get(3) & 0xFF) {
            case SCSI_IO:
                scsiIo(message);
                return null;
            case TASK_MANAGEMENT: return manageTasks(message);
            case IOC_INIT: return initialize(message);
            case IOC_FACTS: return facts(message);
            case CONFIG: return configure(message);
            case PORT_FACTS: return portFacts(message);
            case PORT_ENABLE: return reply(message, DEFAULT_REPLY, (message.get(6) & 0xFF) == 0 ? SUCCESS : INVALID_FIELD).put(6, message.get(6));
            case EVENT_NOTIFICATION: return notifyEvents(message);
            case EVENT_ACK: return reply(message, DEFAULT_REPLY, SUCCESS);
            default: return reply(message, DEFAULT_REPLY, INVALID_FUNCTION);
        }
    }

    /** Begins a reply with what all of them have. */
    private static ByteBuffer reply(ByteBuffer message, int bytes, int status) {
        return reply(message.get(3), message.get(7), message.getInt(8), bytes, status);
    }

    private static ByteBuffer reply(int function, int flags, int context, int bytes, int status) {
        ByteBuffer reply = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return reply.put(2, (byte) (bytes / 4)).put(3, (byte) function).put(7, (byte) flags).putInt(8, context).putShort(0x0E, (short) status);
    }

    private ByteBuffer facts(ByteBuffer message) {
        return reply(message, 0x3C, SUCCESS).putShort(0, (short) MPI_VERSION)
            .put(0x14, (byte) 34)                                           // chain depth
            .put(0x15, (byte) initiatorKind)
            .put(0x16, (byte) 8)                                            // block size in dwords
            .putShort(0x18, (short) LsiLogic.CREDITS)                       // reply queue depth
            .putShort(0x1A, (short) (FRAME_BYTES / 4))
            .putShort(0x1E, (short) PRODUCT)
            .putInt(0x20, framesHigh)
            .putShort(0x24, (short) LsiLogic.CREDITS)
            .put(0x26, (byte) 1)                                            // ports
            .put(0x27, (byte) (events ? 1 : 0))
            .putInt(0x28, senseHigh)
            .putShort(0x2C, (short) replyFrameBytes)
            .put(0x2E, (byte) ScsiBus.TARGETS).put(0x2F, (byte) 1)          // devices, buses
            .putInt(0x38, FIRMWARE_VERSION);
    }

    private ByteBuffer portFacts(ByteBuffer message) {
        int port = message.get(6) & 0xFF;
        ByteBuffer reply = reply(message, 0x28, port == 0 ? SUCCESS : INVALID_FIELD).put(6, (byte) port);
        if (port != 0) return reply;
        return reply.put(0x15, (byte) 0x01)                                 // SCSI
            .putShort(0x16, (short) ScsiBus.TARGETS)
            .putShort(0x18, (short) ScsiBus.ADAPTER_ID)
            .putShort(0x1A, (short) 0x08);                                  // initiator
    }

    private ByteBuffer initialize(ByteBuffer message) {
        int frame = message.getShort(0x0C) & 0xFFFF;
        boolean good = frame >= DEFAULT_REPLY && (message.get(0) & 0xFF) != 0;
        ByteBuffer reply = reply(message, DEFAULT_REPLY, good ? SUCCESS : INVALID_FIELD)
            .put(0, message.get(0)).put(4, message.get(4)).put(5, message.get(5)).put(6, message.get(6));
        if (!good) return reply;
        initiatorKind = message.get(0) & 7;
        replyFrameBytes = frame;
        framesHigh = message.getInt(0x10);
        senseHigh = message.getInt(0x14);
        chip.operational();
        return reply;
    }

    private ByteBuffer notifyEvents(ByteBuffer message) {
        events = (message.get(0) & 1) != 0;
        eventContext = message.getInt(8);
        return event(EVENT_CHANGE, events ? 1 : 0);
    }

    /** One dword of data, and no acknowledgement is wanted. While events are on, the driver's request stays in use. */
    private ByteBuffer event(int event, int data) {
        ByteBuffer reply = reply(EVENT_NOTIFICATION, events ? CONTINUATION : 0, eventContext, 0x20, SUCCESS);
        return reply.putShort(0, (short) 1).putInt(0x14, event).putInt(0x1C, data);
    }

    // -- configuration --

    private ByteBuffer configure(ByteBuffer message) {
        int action = message.get(0) & 0xFF, number = message.get(0x16) & 0xFF, type = LsiPages.typeOf(message.get(0x17)), address = message.getInt(0x18);
        byte[] page = action == 3 || action == 5 ? pages.initial(type, number, address) : pages.current(type, number, address);
        if (page == null) {
            int status = pages.initial(type, 0, 0) == null ? CONFIG_INVALID_TYPE : CONFIG_INVALID_PAGE;
            return reply(message, 0x18, status).put(0, (byte) action).putInt(0x14, message.getInt(0x14));
        }
        ByteBuffer reply = reply(message, 0x18, configure(message, action, type, number, address, page)).put(0, (byte) action);
        for (int i = 0; i < 4; i++) reply.put(0x14 + i, page[i]);
        return reply;
    }

    /** @return IOCStatus */
    private int configure(ByteBuffer message, int action, int type, int number, int address, byte[] page) {
        switch (action) {
            case 0: return SUCCESS; // the header
            case 1, 5, 6: // read what is current, default, in NVRAM
                ScatterList to = pageBuffer(message, page.length);
                if (to == null) return INVALID_SGL;
                to.write(memory, page, page.length);
                return SUCCESS;
            case 2, 4: // write what is current, in NVRAM
                if (!LsiPages.changeable(page)) return CONFIG_INVALID_ACTION;
                ScatterList from = pageBuffer(message, page.length);
                if (from == null) return INVALID_SGL;
                pages.change(type, number, address, from.read(memory, page.length));
                return SUCCESS;
            case 3: // as it was
                pages.restore(type, number, address);
                return SUCCESS;
            default: return CONFIG_INVALID_ACTION;
        }
    }

    private ScatterList pageBuffer(ByteBuffer message, int bytes) { return LsiScatterGather.read(memory, message.array(), 0x1C, 0, bytes); }

    // -- SCSI --

    private void scsiIo(ByteBuffer message) {
        int target = message.get(0) & 0xFF, busNumber = message.get(1) & 0xFF, control = message.getInt(0x14);
        long bytes = message.getInt(0x28) & 0xFFFF_FFFFL;
        byte[] cdb = new byte[Math.min(16, message.get(4) & 0xFF)];
        message.get(0x18, cdb);
        Direction direction = (control & 0x0200_0000) != 0 ? Direction.IN : (control & 0x0100_0000) != 0 ? Direction.OUT : Direction.NONE;
        ScatterList data = direction == Direction.NONE || bytes == 0 ? ScatterList.EMPTY
            : LsiScatterGather.read(memory, message.array(), 0x30, message.get(2) & 0xFF, bytes);
        int lun = (message.get(0x0C) & 0x3F) << 8 | message.get(0x0D) & 0xFF;
        long sense = (long) senseHigh << 32 | message.getInt(0x2C) & 0xFFFF_FFFFL;
        ScsiCommand.Origin origin = new ScsiCommand.Origin(message.getInt(8), message.get(7) & 0xFF, sense, message.get(5) & 0xFF);
        int requested = (int) Math.min(Integer.MAX_VALUE, bytes);
        ScsiCommand command = new ScsiCommand(target, lun, cdb, direction, data == null ? ScatterList.EMPTY : data, requested, origin);
        int refusal = busNumber != 0 ? INVALID_BUS : target >= ScsiBus.TARGETS ? INVALID_TARGET
            : data == null ? INVALID_SGL : cdb.length == 0 ? INVALID_FIELD : SUCCESS;
        if (refusal != SUCCESS) chip.reply(reply(command, refusal, NO_SCSI_STATUS).array());
        else bus.start(command);
    }

    private void ended(ScsiCommand command) {
        boolean plain = command.outcome == Outcome.STATUS && command.status == ScsiCommand.GOOD && command.transferred == command.requested;
        if (plain && command.origin.context() >= 0) {
            chip.contextReply(command.origin.context());
            return;
        }
        int state = switch (command.outcome) {
            case SELECTION_TIMEOUT -> NO_SCSI_STATUS;
            case ABORTED -> NO_SCSI_STATUS | TERMINATED;
            default -> sense(command) > 0 ? AUTOSENSE_VALID : 0;
        };
        chip.reply(reply(command, status(command), state).array());
    }

    private static int status(ScsiCommand command) {
        return switch (command.outcome) {
            case SELECTION_TIMEOUT -> DEVICE_NOT_THERE;
            case OVERRUN -> DATA_OVERRUN;
            case ABORTED -> TASK_TERMINATED;
            case STATUS -> command.transferred < command.requested ? DATA_UNDERRUN : SUCCESS;
        };
    }

    /** Bytes of sense data that the driver gets. */
    private static int sense(ScsiCommand command) {
        return command.status == ScsiCommand.CHECK_CONDITION ? Math.min(command.origin.senseBytes(), command.senseData().length) : 0;
    }

    private ByteBuffer reply(ScsiCommand command, int status, int state) {
        int sense = sense(command);
        ScsiCommand.Origin origin = command.origin;
        if (sense > 0) memory.write(origin.senseAddress(), command.senseData(), 0, sense);
        return reply(SCSI_IO, origin.flags(), origin.context(), 0x24, status)
            .put(0, (byte) command.target).put(4, (byte) command.cdbBytes).put(5, (byte) origin.senseBytes())
            .put(0x0C, (byte) command.status).put(0x0D, (byte) state)
            .putInt(0x14, command.transferred).putInt(0x18, sense);
    }

    private ByteBuffer manageTasks(ByteBuffer message) {
        int target = message.get(0) & 0xFF, type = message.get(5) & 0xFF, context = message.getInt(0x30);
        int status = message.get(1) != 0 ? INVALID_BUS : type == RESET_BUS || bus.present(target) ? SUCCESS
            : target >= ScsiBus.TARGETS ? INVALID_TARGET : DEVICE_NOT_THERE;
        int response = TASK_COMPLETE, count = 0;
        if (status == SUCCESS) {
            switch (type) {
                case ABORT_TASK -> count = bus.abort(command -> command.target == target && command.origin.context() == context);
                case ABORT_TASK_SET, CLEAR_TASK_SET -> count = bus.abort(command -> command.target == target);
                case TARGET_RESET, UNIT_RESET -> count = bus.resetTarget(target);
                case RESET_BUS -> {
                    count = bus.resetBus();
                    if (events) chip.reply(event(EVENT_IOC_BUS_RESET, 0).array());
                }
                case QUERY_TASK -> response = bus.knows(target, context) ? TASK_SUCCEEDED : TASK_COMPLETE;
                default -> {
                    status = INVALID_FIELD;
                    response = TASK_NOT_SUPPORTED;
                }
            }
        }
        return reply(message, 0x18, status).put(0, (byte) target).put(1, message.get(1)).put(4, (byte) response).put(5, (byte) type).putInt(0x14, count);
    }
}
