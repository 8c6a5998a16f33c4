package host.sim.array;

/** Why a logical volume does not do what it was told: sense key, additional sense code and its qualifier [SPC] 4.5. */
enum Sense {
    /** Not ready, cause not reportable. */
    NOT_READY(0x02, 0x04, 0x00),
    UNRECOVERED_READ(0x03, 0x11, 0x00),
    WRITE_ERROR(0x03, 0x0C, 0x00),
    INVALID_OPERATION_CODE(0x05, 0x20, 0x00),
    OUT_OF_RANGE(0x05, 0x21, 0x00),
    INVALID_FIELD(0x05, 0x24, 0x00),
    NO_SUCH_UNIT(0x05, 0x25, 0x00),
    /** Bus device reset: unit attention. */
    RESET(0x06, 0x29, 0x00),
    WRITE_PROTECTED(0x07, 0x27, 0x00),
    /** Space allocation failed. */
    NO_SPACE(0x07, 0x27, 0x07);

    final int key, code, qualifier;

    Sense(int key, int code, int qualifier) {
        this.key = key;
        this.code = code;
        this.qualifier = qualifier;
    }

    /** Fixed format of 18 bytes. */
    byte[] bytes() {
        byte[] sense = new byte[18];
        sense[0] = 0x70;
        sense[2] = (byte) key;
        sense[7] = 10; // bytes that follow
        sense[12] = (byte) code;
        sense[13] = (byte) qualifier;
        return sense;
    }
}
