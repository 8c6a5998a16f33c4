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

    final int target, lun;
    final byte[] cdb;
    final int cdbBytes;
    final Direction direction;
    final ScatterList data;
    /** Bytes that the guest asked for; the residual is what is missing of them. */
    final int requested;

    // -- the adapter's notes for its answer --

    /** Name of the command between the guest's driver and the adapter. */
    final int context;
    /** What else the adapter has to remember: its own format. */
    final int flags;
    /** Where sense data go in guest memory, and how many bytes at most; 0 if the driver fetches them by itself. */
    final long senseAddress;
    final int senseBytes;

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

    ScsiCommand(int target, int lun, byte[] cdb, Direction direction, ScatterList data, int requested, int context, int flags, long senseAddress, int senseBytes) {
        this.target = target;
        this.lun = lun;
        this.cdbBytes = cdb.length;
        this.cdb = cdb.length == CDB_BYTES ? cdb : Arrays.copyOf(cdb, CDB_BYTES);
        this.direction = direction;
        this.data = data;
        this.requested = requested;
        this.context = context;
        this.flags = flags;
        this.senseAddress = senseAddress;
        this.senseBytes = senseBytes;
    }

    /** One that an adapter before this one gave to the kernel, which has its data: what is left is its end. */
    ScsiCommand(StateRecord state) {
        this(state.exchange("target", 0), state.exchange("lun", 0), new byte[Math.min(CDB_BYTES, Math.max(0, state.exchange("cdbBytes", 0)))], Direction.NONE, ScatterList.EMPTY,
            state.exchange("requested", 0), state.exchange("context", 0), state.exchange("flags", 0), state.exchange("senseAddress", 0L), state.exchange("senseBytes", 0));
        tag = state.exchange("tag", 0L);
        moving = state.exchange("moving", 0);
        transferred = state.exchange("transferred", 0);
        flush = state.exchange("flush", false);
        if (state.exchange("overrun", false)) outcome = Outcome.OVERRUN;
    }

    void save(StateRecord state) {
        state.exchange("target", target);
        state.exchange("lun", lun);
        state.exchange("cdbBytes", cdbBytes);
        state.exchange("requested", requested);
        state.exchange("context", context);
        state.exchange("flags", flags);
        state.exchange("senseAddress", senseAddress);
        state.exchange("senseBytes", senseBytes);
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
