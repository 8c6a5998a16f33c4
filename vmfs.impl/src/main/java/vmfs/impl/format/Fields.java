package vmfs.impl.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** What all structures on disk share: little endian, texts padded with zeros. */
final class Fields {
    private Fields() { }

    /** The structure that begins at the buffer's position. @throws IllegalArgumentException if there are fewer bytes */
    static ByteBuffer of(ByteBuffer buffer, int bytes) {
        if (buffer.remaining() < bytes) throw new IllegalArgumentException(buffer.remaining() + " bytes where " + bytes + " are needed");
        return buffer.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    static String text(ByteBuffer bytes, int at, int length) {
        byte[] text = new byte[length];
        bytes.get(at, text);
        int end = 0;
        while (end < length && text[end] != 0) end++;
        return new String(text, 0, end, StandardCharsets.UTF_8);
    }

    /** @throws IllegalArgumentException if it is too long; there is always a zero after it */
    static void text(ByteBuffer bytes, int at, int length, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        if (utf8.length >= length) throw new IllegalArgumentException("longer than " + (length - 1) + " bytes: " + text);
        bytes.put(at, java.util.Arrays.copyOf(utf8, length));
    }
}
