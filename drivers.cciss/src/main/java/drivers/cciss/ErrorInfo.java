package drivers.cciss;

import vmkernel.api.storage.BlockResult;

/** What the command status of an ErrorInfo means [CISSR]. */
final class ErrorInfo {
    static final int GOOD = 0, TARGET = 1, UNDERRUN = 2, OVERRUN = 3, INVALID = 4, PROTOCOL = 5, HARDWARE = 6, LOST = 7, ABORTED = 8, ABORT_FAILED = 9,
        UNSOLICITED_ABORT = 0xA, TIMEOUT = 0xB, UNABORTABLE = 0xC;

    private static final int CHECK_CONDITION = 0x02, RESERVATION_CONFLICT = 0x18; // SCSI status
    private static final int RECOVERED = 1, NOT_READY = 2, UNIT_ATTENTION = 6; // sense keys
    private static final int NO_SUCH_UNIT = 0x0525_00;

    private ErrorInfo() {}

    /** How a request goes on. @param doubtful the volume may not be any more what it was */
    record Verdict(BlockResult result, boolean again, boolean doubtful) {
        private static final Verdict FINE = new Verdict(BlockResult.GOOD, false, false), RETRY = new Verdict(BlockResult.TIMEOUT, false, false),
            BROKEN = new Verdict(BlockResult.HARDWARE_ERROR, false, true), GONE = new Verdict(BlockResult.GONE, false, true),
            RESERVED = new Verdict(BlockResult.CONFLICT, false, false);
    }

    /** Judges a command that came back with the error bit. */
    static Verdict judge(Command command) {
        return switch (command.commandStatus()) {
            case GOOD -> Verdict.FINE;
            case TARGET -> target(command);
            // data that a request wants and that did not come; the command is worth another attempt
            case UNDERRUN -> command.scsiStatus() != 0 ? target(command) : command.residual() == 0 ? Verdict.FINE : Verdict.RETRY;
            // the volume is gone, or what it was asked is not what it can do
            case OVERRUN, INVALID -> Verdict.BROKEN;
            // PROTOCOL, HARDWARE, LOST, ABORTED, ABORT_FAILED, UNSOLICITED_ABORT, TIMEOUT, UNABORTABLE, and what nobody has heard of
            default -> Verdict.RETRY;
        };
    }

    private static Verdict target(Command command) {
        if (command.scsiStatus() == 0) return Verdict.RETRY;
        if (command.scsiStatus() == RESERVATION_CONFLICT) return Verdict.RESERVED;
        if (command.scsiStatus() != CHECK_CONDITION) return Verdict.RETRY; // busy, queue full
        int sense = command.sense();
        if (sense < 0) return Verdict.BROKEN;
        if (sense == NO_SUCH_UNIT) return Verdict.GONE;
        BlockResult result = BlockResult.check(sense >> 16, sense >> 8 & 0xFF, sense & 0xFF);
        return switch (sense >> 16) {
            case RECOVERED -> Verdict.FINE;
            case UNIT_ATTENTION -> new Verdict(result, true, true);
            case NOT_READY -> new Verdict(result, false, true);
            default -> new Verdict(result, false, false);
        };
    }
}
