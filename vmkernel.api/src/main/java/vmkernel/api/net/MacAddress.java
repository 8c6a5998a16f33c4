package vmkernel.api.net;

/** An Ethernet address: 48 bits, the first byte on the wire in bits 47:40. */
public record MacAddress(long bits) {
    public static final MacAddress BROADCAST = new MacAddress(0xFFFF_FFFF_FFFFL);

    public MacAddress {
        if (bits >>> 48 != 0) throw new IllegalArgumentException("a MAC address has 48 bits");
    }

    /** The six bytes at an offset: 0 for the destination of a frame, 6 for its source. */
    public static MacAddress at(byte[] frame, int offset) { return new MacAddress(bits(frame, offset)); }

    /** The same as a number, for those who compare many. */
    public static long bits(byte[] frame, int offset) {
        long bits = 0;
        for (int i = 0; i < 6; i++) bits = bits << 8 | frame[offset + i] & 0xFF;
        return bits;
    }

    /** @throws IllegalArgumentException in one line, if it is not six hexadecimal bytes with colons or dashes */
    public static MacAddress parse(String text) {
        if (!text.strip().matches("(?i)[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}")) throw new IllegalArgumentException("MAC address \"" + text + "\": six hexadecimal bytes such as 00:50:56:00:00:01 are needed");
        long bits = 0;
        for (String part : text.strip().split("[:-]")) bits = bits << 8 | Integer.parseInt(part, 16);
        return new MacAddress(bits);
    }

    /** Multicast or broadcast. */
    public boolean group() { return (bits & 0x0100_0000_0000L) != 0; }

    public byte[] bytes() {
        byte[] bytes = new byte[6];
        for (int i = 0; i < 6; i++) bytes[i] = (byte) (bits >>> 8 * (5 - i));
        return bytes;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (byte part : bytes()) text.append(text.isEmpty() ? "" : ":").append(String.format("%02x", part));
        return text.toString();
    }
}
