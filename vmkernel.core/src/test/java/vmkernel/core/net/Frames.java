package vmkernel.core.net;

import java.util.ArrayList;
import java.util.List;
import vmkernel.api.net.MacAddress;

/** Frames for tests. */
final class Frames {
    static final MacAddress A = MacAddress.parse("00:50:56:00:00:0a"), B = MacAddress.parse("00:50:56:00:00:0b"), C = MacAddress.parse("00:50:56:00:00:0c"),
        FAR = MacAddress.parse("00:11:22:33:44:55"), GROUP = MacAddress.parse("01:00:5e:00:00:01");

    private Frames() {}

    /** A frame of 64 bytes with a number in it. */
    static byte[] frame(MacAddress to, MacAddress from, int number) {
        byte[] frame = new byte[64];
        System.arraycopy(to.bytes(), 0, frame, 0, 6);
        System.arraycopy(from.bytes(), 0, frame, 6, 6);
        for (int i = 0; i < 4; i++) frame[14 + i] = (byte) (number >>> 8 * i);
        return frame;
    }

    static int number(byte[] frame) {
        int number = 0;
        for (int i = 0; i < 4; i++) number |= (frame[14 + i] & 0xFF) << 8 * i;
        return number;
    }

    static List<Integer> numbers(List<byte[]> frames) { return frames.stream().map(Frames::number).toList(); }

    static List<byte[]> frames(MacAddress to, MacAddress from, int first, int count) {
        List<byte[]> frames = new ArrayList<>();
        for (int i = 0; i < count; i++) frames.add(frame(to, from, first + i));
        return frames;
    }
}
