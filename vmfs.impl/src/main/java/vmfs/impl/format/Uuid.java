package vmfs.impl.format;

import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names a device, a volume or a host. [VMFS] introduction
 *
 * @param seconds when it was made; @param ticks of a clock of the host; @param random 16 bits; @param mac address of the host, 48 bits, first byte on top
 */
public record Uuid(int seconds, int ticks, int random, long mac) {
    public static final Uuid NONE = new Uuid(0, 0, 0, 0);
    public static final int BYTES = 16;

    private static final Pattern TEXT = Pattern.compile("([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{12})");

    public static Uuid read(ByteBuffer from, int at) {
        long mac = 0;
        for (int i = 0; i < 6; i++) mac = mac << 8 | from.get(at + 10 + i) & 0xFF;
        return new Uuid(from.getInt(at), from.getInt(at + 4), from.getShort(at + 8) & 0xFFFF, mac);
    }

    public void write(ByteBuffer to, int at) {
        to.putInt(at, seconds).putInt(at + 4, ticks).putShort(at + 8, (short) random);
        for (int i = 0; i < 6; i++) to.put(at + 10 + i, (byte) (mac >> 40 - 8 * i));
    }

    /** @throws IllegalArgumentException unless it is {@code 61137dd5-d0727810-7ac2-000c29801686} or the like */
    public static Uuid parse(String text) {
        Matcher m = TEXT.matcher(text.toLowerCase(Locale.ROOT));
        if (!m.matches()) throw new IllegalArgumentException("no UUID as 61137dd5-d0727810-7ac2-000c29801686: " + text);
        return new Uuid(Integer.parseUnsignedInt(m.group(1), 16), Integer.parseUnsignedInt(m.group(2), 16), Integer.parseInt(m.group(3), 16), Long.parseLong(m.group(4), 16));
    }

    @Override public String toString() { return String.format("%08x-%08x-%04x-%012x", seconds, ticks, random, mac); }
}
