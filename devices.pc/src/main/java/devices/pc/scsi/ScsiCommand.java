package devices.pc.scsi;

import java.util.Arrays;
import vmkernel.api.handover.StateRecord;

/** One SCSI command on its way from an adapter to a target and back. Under the VM's device lock. */
final class ScsiCommand {
    static final int GOOD = 0x00, CHECK_CONDITION = 0x02, TASK_SET_FULL = 0x28; // status bytes [SAM] 5.3
    private static final int CDB_BYTES = 16, SENSE_BYTES = 18;

    /** What the bus made of it. */
    enum Outcome {
        /** The target gave a status. */
        STATUS,
        /** No target answers. */
        SELECTION_TIMEOUT,
        /** The target gave a status, and it had more data than the adapter had room for. */
        OVERRUN,
        /** Given up, by an abort or a reset. */
        ABORTED
    }

    /** Where data may go. */
    enum Direction { NONE, IN, OUT, EITHER }

    /**
     * What the adapter has to know for its answer.
     *
     * @param context name of the command between the guest's driver and the adapter
     * @param flags what else the adapter wants to remember, in its own format
     * @param senseAddress where sense data go in guest memory
     * @param senseBytes how many at most; 0 if the driver fetches them by itself
     */
    record Origin(int context, int flags, long senseAddress, int senseBytes) {}

    final int target, lun;
    final byte[] cdb;
    final int cdbBytes;
    final Direction direction;
    final ScatterList data;
    /** Bytes that the guest asked for; the residual is what is missing of them. */
    final int requested;
    final Origin origin;

    // -- on its way --

    /** Name between the bus and the kernel. */
    long tag;
    /** Bytes that the present request moves; {@link #transferred} when it has ended well. */
    int moving;
    /** The disk's cache is flushed before the command ends. */
    boolean flush;

    // -- its end --

    Outcome outcome = Outcome.STATUS;
    int status;
    /** Sense key in bits 23:16, code in 15:8, qualifier in 7:0. */
    int sense;
    int transferred;

    ScsiCommand(int target, int lun, byte[] cdb, Direction direction, ScatterList data, int requested, Origin origin) {
        this.target = target;
        this.lun = lun;
        this.cdbBytes = cdb.length;
        this.cdb = cdb.length == CDB_BYTES ? cdb : Arrays.copyOf(cdb, CDB_BYTES);
        this.direction = direction;
        this.data = data;
        this.requested = requested;
        this.origin = origin;
    }

    /** One that an adapter before this one gave to the kernel, which has its data: what is left is its end. */
    static ScsiCommand underWay(StateRecord state) {
        byte[] cdb = new byte[Math.max(0, Math.min(CDB_BYTES, state.exchange("cdbBytes", 0)))];
        int context = state.exchange("context", 0), flags = state.exchange("flags", 0), senseBytes = state.exchange("senseBytes", 0);
        Origin origin = new Origin(context, flags, state.exchange("senseAddress", 0L), senseBytes);
        int target = state.exchange("target", 0), requested = state.exchange("requested", 0);
        ScsiCommand command = new ScsiCommand(target, 0, cdb, Direction.NONE, ScatterList.EMPTY, requested, origin);
        command.tag = state.exchange("tag", 0L);
        command.moving = state.exchange("moving", 0);
        command.transferred = state.exchange("transferred", 0);
        command.flush = state.exchange("flush", false);
        if (state.exchange("overrun", false)) command.outcome = Outcome.OVERRUN;
        return command;
    }

    void save(StateRecord state) {
        state.exchange("cdbBytes", cdbBytes);
        state.exchange("context", origin.context);
        state.exchange("flags", origin.flags);
        state.exchange("senseAddress", origin.senseAddress);
        state.exchange("senseBytes", origin.senseBytes);
        state.exchange("target", target);
        state.exchange("requested", requested);
        state.exchange("tag", tag);
        state.exchange("moving", moving);
        state.exchange("transferred", transferred);
        state.exchange("flush", flush);
        state.exchange("overrun", outcome == Outcome.OVERRUN);
    }

    /** Room for data of the target, or data for it: none if the driver said that they go the other way. */
    int room(Direction wanted) { return direction == wanted || direction == Direction.EITHER ? data.bytes() : 0; }

    void check(int sense) {
        outcome = Outcome.STATUS;
        status = CHECK_CONDITION;
        this.sense = sense;
    }

    /** Sense data of a check condition. */
    byte[] senseData() { return senseData(sense); }

    /** Fixed format [SPC] 4.5.3. */
    static byte[] senseData(int sense) {
        byte[] data = new byte[SENSE_BYTES];
        data[0] = 0x70; // current error
        data[2] = (byte) (sense >> 16 & 0xF);
        data[7] = SENSE_BYTES - 8;
        data[12] = (byte) (sense >> 8);
        data[13] = (byte) sense;
        return data;
    }
}
