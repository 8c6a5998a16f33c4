package devices.pc.input;

/** Keyboard scan codes: what the keyboard controller makes of set 2 so that software sees set 1. */
final class ScanCodes {
    static final int RELEASE = 0xF0, EXTENDED = 0xE0, RELEASED = 0x80;

    private static final String TABLE =
            "ff43413f3d3b3c58644442403e0f2959" + "65382a701d10025a66712c1f1e11035b"
            + "672e2d201205045c68392f211413065d" + "693130232215075e6a7232241608095f"
            + "6b332517180b0a606c34352627190c61" + "6d7328741a0d626e3a361c1b752b6376"
            + "55567778797a0e7b7c4f7d4b477e7f6f" + "5253504c4d480145574e514a37494654"
            + "8081824154";

    private static final byte[] TO_SET1 = table();

    private ScanCodes() {}

    /** The controller's translation of one byte; codes above the table stay. */
    static int toSet1(int code) { return TO_SET1[code] & 0xFF; }

    private static byte[] table() {
        byte[] table = new byte[256];
        for (int i = 0; i < 256; i++) {
            table[i] = (byte) (2 * i < TABLE.length() ? Integer.parseInt(TABLE.substring(2 * i, 2 * i + 2), 16) : i);
        }
        return table;
    }
}
