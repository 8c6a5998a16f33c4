package vmkernel.api.storage;

/**
 * How a block request ended.
 *
 * @param sense of a CHECK_CONDITION: sense key in bits 23:16, additional sense code in 15:8, qualifier in 7:0 [SPC]; else 0
 */
public record BlockResult(Status status, int sense) {
    public static final BlockResult GOOD = new BlockResult(Status.GOOD, 0), TIMEOUT = new BlockResult(Status.TIMEOUT, 0), GONE = new BlockResult(Status.GONE, 0),
        CONFLICT = new BlockResult(Status.RESERVATION_CONFLICT, 0);
    /** Unrecovered read error; write error; not enough space (allocation failed while writing); write protected; block address out of range. */
    public static final BlockResult READ_ERROR = check(0x03, 0x11, 0), WRITE_ERROR = check(0x03, 0x0C, 0), NO_SPACE = check(0x07, 0x27, 0x07),
        WRITE_PROTECTED = check(0x07, 0x27, 0), OUT_OF_RANGE = check(0x05, 0x21, 0), HARDWARE_ERROR = check(0x04, 0x44, 0);

    public enum Status {
        GOOD,
        /** The device says what is wrong, in {@link #sense}. Not worth a retry. */
        CHECK_CONDITION,
        /** Another host has reserved the unit. The kernel tries again, within a bound. */
        RESERVATION_CONFLICT,
        /** The adapter took too long or lost the command. The kernel tries again, within a bound. */
        TIMEOUT,
        /** There is no such unit any more. */
        GONE
    }

    public static BlockResult check(int key, int code, int qualifier) { return new BlockResult(Status.CHECK_CONDITION, key << 16 | code << 8 | qualifier); }

    public boolean good() { return status == Status.GOOD; }

    @Override
    public String toString() {
        return switch (status) {
            case CHECK_CONDITION -> String.format("sense %x/%02x/%02x", sense >> 16, sense >> 8 & 0xFF, sense & 0xFF);
            case RESERVATION_CONFLICT -> "another host has reserved it and does not let go of it";
            default -> status.name().toLowerCase(java.util.Locale.ROOT);
        };
    }
}
