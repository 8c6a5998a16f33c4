package drivers.e100;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import vmkernel.api.net.MacAddress;

/** Frames that can be told apart. */
final class Frames {
    private Frames() {}

    /** The same for the same number. */
    static byte[] frame(MacAddress to, int bytes, int number) {
        byte[] frame = new byte[bytes];
        new Random(number).nextBytes(frame);
        System.arraycopy(to.bytes(), 0, frame, 0, 6);
        frame[14] = (byte) (number >> 8);
        frame[15] = (byte) number;
        return frame;
    }

    /** With numbers from 0 on. */
    static List<byte[]> frames(MacAddress to, int count, int bytes) {
        List<byte[]> frames = new ArrayList<>();
        for (int i = 0; i < count; i++) frames.add(frame(to, bytes, i));
        return frames;
    }

    /** Of a frame made here: 16 bits. */
    static int number(byte[] frame) { return (frame[14] & 0xFF) << 8 | frame[15] & 0xFF; }
}
