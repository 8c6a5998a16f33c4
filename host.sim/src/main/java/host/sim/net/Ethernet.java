package host.sim.net;

import java.util.Arrays;
import java.util.zip.CRC32;

/** Frames as they are on the wire [802.3] 3: sizes in bytes without the frame check sequence. */
public final class Ethernet {
    public static final int HEADER = 14, SHORTEST = 60, LONGEST = 1518, LONGEST_UNTAGGED = 1514, CHECK_SEQUENCE = 4;

    private Ethernet() {}

    /** The frame, filled up with zeros to what the wire needs. */
    public static byte[] padded(byte[] frame) { return frame.length >= SHORTEST ? frame : Arrays.copyOf(frame, SHORTEST); }

    /** The frame check sequence, first byte on the wire in bits 7:0. */
    public static int checkSequence(byte[] frame, int length) {
        CRC32 crc = new CRC32();
        crc.update(frame, 0, length);
        return (int) crc.getValue();
    }

    /** Whether a frame of a size can be on the wire at all. */
    public static boolean fits(int length) { return length >= HEADER && length <= LONGEST; }
}
