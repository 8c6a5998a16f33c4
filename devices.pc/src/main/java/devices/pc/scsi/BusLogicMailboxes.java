package devices.pc.scsi;

import devices.pc.scsi.ScsiCommand.Direction;
import devices.pc.scsi.ScsiCommand.Outcome;
import java.util.ArrayDeque;
import java.util.function.BooleanSupplier;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.GuestMemory;

/**
 * The extended mailboxes of a MultiMaster and the 32-bit command control blocks (CCB) in them [MULTIMASTER]. The driver puts
 * CCBs in outgoing mailboxes and rings; ended ones come back in incoming mailboxes, both in turn.
 *
 * <p>LIMIT: linked commands and target mode are refused; the 24-bit mailboxes of the AHA-1542 are not known.
 */
final class BusLogicMailboxes {
    /** CCBs under way at a time, as on a BT-958; further ones stay in their mailboxes. */
    private static final int CCBS = 192;
    private static final int MAILBOX_BYTES = 8, ACTION = 7, CCB_BYTES = 40;
    /** Action codes of outgoing mailboxes, completion codes of incoming ones. */
    private static final int START = 1, ABORT = 2, COMPLETED = 1, ABORTED = 2, NOT_FOUND = 3, COMPLETED_WITH_ERROR = 4;
    /** Operation codes of CCBs. */
    private static final int INITIATOR = 0x00, SCATTERED = 0x02, WITH_RESIDUAL = 0x03, SCATTERED_WITH_RESIDUAL = 0x04, BUS_DEVICE_RESET = 0x81;
    /** Host adapter status. */
    private static final int NORMAL = 0x00, SELECTION_TIMEOUT = 0x11, DATA_RUN = 0x12, INVALID_ACTION = 0x15, INVALID_OPERATION = 0x16,
        INVALID_PARAMETER = 0x1A;
    private static final int MOST_ELEMENTS = 8192;

    private final GuestMemory memory;
    private final ScsiBus bus;
    private final Runnable loaded, freed;
    private final ArrayDeque<Long> unposted = new ArrayDeque<>(); // incoming mailboxes that wait for a free place
    private int count, base, out, in;
    private boolean strict, more;

    /** @param loaded an incoming mailbox was; @param freed an outgoing mailbox was; */
    BusLogicMailboxes(DeviceContext context, Runnable loaded, Runnable freed) {
        memory = context.memory();
        bus = new ScsiBus(context, CCBS, this::ended);
        this.loaded = loaded;
        this.freed = freed;
    }

    ScsiBus bus() { return bus; }

    int count() { return count; }

    int base() { return base; }

    /** Nothing is under way any more, and there are no mailboxes. */
    void reset() {
        bus.forget();
        unposted.clear();
        count = base = out = in = 0;
        strict = more = false;
    }

    void initialize(int count, int base) {
        reset();
        this.count = count;
        this.base = base;
    }

    /** In strict order, looking for CCBs ends at the first empty mailbox, and the next time starts there. */
    void strict(boolean on) { strict = on; }

    void exchange(StateRecord state) {
        count = state.exchange("count", count);
        base = state.exchange("base", base);
        out = state.exchange("out", out);
        in = state.exchange("in", in);
        strict = state.exchange("strict", strict);
        more = state.exchange("more", more);
        long[] waiting = state.exchange("unposted", unposted.stream().mapToLong(Long::longValue).toArray());
        unposted.clear();
        for (long mailbox : waiting) unposted.add(mailbox);
        bus.exchange(state.child("bus"));
    }

    // -- outgoing --

    private long outgoing(int index) { return (base & 0xFFFF_FFFFL) + (long) MAILBOX_BYTES * index; }

    /** Takes all CCBs out of the outgoing mailboxes. */
    void scan() {
        more = false;
        boolean any = false;
        for (int i = 0; i < count && !more; i++) {
            if (bus.busy() >= CCBS || unposted.size() >= count) {
                more = true;
                continue;
            }
            long at = outgoing(out);
            int action = (int) memory.read(at + ACTION, 1);
            if (action == 0 && strict) break;
            out = (out + 1) % count;
            if (action == 0) continue;
            int ccb = (int) memory.read(at, 4);
            memory.write(at + ACTION, 1, 0);
            any = true;
            take(action, ccb);
        }
        if (any) freed.run();
    }

    private void take(int action, int ccb) {
        switch (action) {
            case START -> start(ccb);
            case ABORT -> post(ccb, NORMAL, ScsiCommand.GOOD, bus.abort(command -> command.origin.context() == ccb) > 0 ? ABORTED : NOT_FOUND);
            default -> post(ccb, INVALID_ACTION, ScsiCommand.GOOD, COMPLETED_WITH_ERROR);
        }
    }

    private void start(int address) {
        byte[] ccb = new byte[CCB_BYTES];
        memory.read(address & 0xFFFF_FFFFL, ccb, 0, ccb.length);
        int operation = ccb[0] & 0xFF, target = ccb[0x10] & 0xFF, cdbBytes = ccb[2] & 0xFF;
        boolean known = operation == INITIATOR || operation == SCATTERED || operation == WITH_RESIDUAL || operation == SCATTERED_WITH_RESIDUAL;
        if (operation == BUS_DEVICE_RESET) {
            boolean there = bus.present(target);
            bus.resetTarget(target); // the driver ends its other CCBs by itself
            finish(address, there ? NORMAL : SELECTION_TIMEOUT, ScsiCommand.GOOD);
        } else if (!known) {
            finish(address, INVALID_OPERATION, ScsiCommand.GOOD);
        } else if (cdbBytes == 0 || cdbBytes > 12) {
            finish(address, INVALID_PARAMETER, ScsiCommand.GOOD);
        } else {
            bus.start(command(address, ccb, operation, target, cdbBytes));
        }
    }

    private ScsiCommand command(int address, byte[] ccb, int operation, int target, int cdbBytes) {
        byte[] cdb = new byte[cdbBytes];
        System.arraycopy(ccb, 0x12, cdb, 0, cdbBytes);
        int control = ccb[1] >> 3 & 3;
        Direction direction = switch (control) {
            case 0 -> Direction.EITHER;
            case 1 -> Direction.IN;
            case 2 -> Direction.OUT;
            default -> Direction.NONE;
        };
        ScatterList data = direction == Direction.NONE ? ScatterList.EMPTY : data(ccb, operation);
        int sense = ccb[3] & 0xFF; // 0 means 14 bytes, 1 means none
        int senseBytes = sense == 0 ? 14 : sense == 1 ? 0 : sense;
        ScsiCommand.Origin origin = new ScsiCommand.Origin(address, operation | control << 8, number(ccb, 0x24, 4), senseBytes);
        return new ScsiCommand(target, ccb[0x11] & 0x1F, cdb, direction, data, data.bytes(), origin);
    }

    private ScatterList data(byte[] ccb, int operation) {
        long length = number(ccb, 4, 4), pointer = number(ccb, 8, 4);
        ScatterList list = new ScatterList(operation == INITIATOR || operation == WITH_RESIDUAL ? length : Long.MAX_VALUE);
        if (operation == INITIATOR || operation == WITH_RESIDUAL) {
            list.add(pointer, length);
            return list;
        }
        int elements = (int) Math.min(MOST_ELEMENTS, length / 8);
        byte[] table = new byte[8 * elements];
        memory.read(pointer, table, 0, table.length);
        for (int i = 0; i < table.length && !list.full(); i += 8) list.add(number(table, i + 4, 4), number(table, i, 4));
        return list;
    }

    private static long number(byte[] from, int at, int bytes) {
        long value = 0;
        for (int i = bytes; i-- > 0; ) value = value << 8 | from[at + i] & 0xFF;
        return value;
    }

    // -- incoming --

    private void ended(ScsiCommand command) {
        if (command.outcome == Outcome.ABORTED) return; // who gave it up tells of it
        ScsiCommand.Origin origin = command.origin;
        long ccb = origin.context() & 0xFFFF_FFFFL;
        int operation = origin.flags() & 0xFF, control = origin.flags() >> 8;
        boolean residual = operation == WITH_RESIDUAL || operation == SCATTERED_WITH_RESIDUAL;
        if (residual) memory.write(ccb + 4, 4, command.requested - command.transferred);
        if (command.status == ScsiCommand.CHECK_CONDITION) {
            byte[] sense = command.senseData();
            memory.write(origin.senseAddress(), sense, 0, Math.min(sense.length, origin.senseBytes()));
        }
        boolean tooFew = !residual && (control == 1 || control == 2) && command.status == ScsiCommand.GOOD && command.transferred < command.requested;
        int host = switch (command.outcome) {
            case SELECTION_TIMEOUT -> SELECTION_TIMEOUT;
            case OVERRUN -> DATA_RUN;
            default -> tooFew ? DATA_RUN : NORMAL;
        };
        finish(origin.context(), host, command.status);
        if (more) scan();
    }

    private void finish(int ccb, int host, int target) {
        memory.write((ccb & 0xFFFF_FFFFL) + 0x0E, 2, host | target << 8);
        post(ccb, host, target, host == NORMAL && target == ScsiCommand.GOOD ? COMPLETED : COMPLETED_WITH_ERROR);
    }

    private void post(int ccb, int host, int target, int completion) {
        unposted.add(ccb & 0xFFFF_FFFFL | (long) host << 32 | (long) target << 40 | (long) completion << 56);
        deliver();
    }

    /** Puts what has ended in incoming mailboxes, as far as the driver has emptied them. */
    private void deliver() {
        boolean any = false;
        while (!unposted.isEmpty() && count > 0) {
            long at = outgoing(count + in);
            if (memory.read(at + ACTION, 1) != 0) break;
            memory.write(at, 8, unposted.remove());
            in = (in + 1) % count;
            any = true;
        }
        if (any) loaded.run();
    }

    /** The driver has taken an interrupt, and perhaps emptied mailboxes. */
    void proceed() {
        if (!unposted.isEmpty()) deliver();
        if (more) scan();
    }
}
