package firmware.bios.tables;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing run of little-endian values, as every table of a PC is made of. One thread. */
public final class Bytes {
    private byte[] data = new byte[256];
    private int length;

    /** Bytes so far. */
    public int length() { return length; }

    public Bytes u8(long value) { return value(value, 1); }

    public Bytes u16(long value) { return value(value, 2); }

    public Bytes u32(long value) { return value(value, 4); }

    public Bytes u64(long value) { return value(value, 8); }

    private Bytes value(long value, int bytes) {
        reserve(bytes);
        for (int i = 0; i < bytes; i++) data[length++] = (byte) (value >>> (8 * i));
        return this;
    }

    public Bytes bytes(byte[] bytes) {
        reserve(bytes.length);
        System.arraycopy(bytes, 0, data, length, bytes.length);
        length += bytes.length;
        return this;
    }

    /** Text in Latin-1 without an end mark. */
    public Bytes text(String text) { return bytes(text.getBytes(StandardCharsets.ISO_8859_1)); }

    /** Text in a field of fixed width, filled up with spaces. @throws IllegalArgumentException if it does not fit */
    public Bytes text(String text, int width) {
        if (text.length() > width) throw new IllegalArgumentException(text + " is longer than " + width);
        return text(text + " ".repeat(width - text.length()));
    }

    public Bytes zeros(int count) { return bytes(new byte[count]); }

    /** Zeros up to the next multiple of {@code alignment}. */
    public Bytes align(int alignment) { return zeros(Math.floorMod(-length, alignment)); }

    /** Replaces a value written earlier. */
    public Bytes set(int offset, int bytes, long value) {
        for (int i = 0; i < bytes; i++) data[offset + i] = (byte) (value >>> (8 * i));
        return this;
    }

    /** Sets the byte at {@code at} so that the {@code count} bytes from {@code first} add up to 0 modulo 256. */
    public Bytes checksum(int at, int first, int count) {
        data[at] = 0;
        int sum = 0;
        for (int i = 0; i < count; i++) sum += data[first + i];
        data[at] = (byte) -sum;
        return this;
    }

    /** A copy of what there is. */
    public byte[] toArray() { return Arrays.copyOf(data, length); }

    private void reserve(int more) {
        if (length + more > data.length) data = Arrays.copyOf(data, Math.max(data.length * 2, length + more));
    }
}
