package vmkernel.api.hardware;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Place of a PCI function of the host. Its text is that of devnames.conf: bus of three decimal digits, slot of two, function: {@code 002:04.0}. */
public record PciAddress(int bus, int slot, int function) implements Comparable<PciAddress> {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,3})[:.](\\d{1,2})(?:\\.(\\d))?");

    public PciAddress {
        if (bus < 0 || bus > 255 || slot < 0 || slot > 31 || function < 0 || function > 7) {
            throw new IllegalArgumentException("PCI address " + bus + ":" + slot + "." + function + ": bus 0 to 255, slot 0 to 31, function 0 to 7 are needed");
        }
    }

    /** @throws IllegalArgumentException in one line, if the text is not bus:slot.function */
    public static PciAddress parse(String text) {
        Matcher matcher = TEXT.matcher(text.strip());
        if (!matcher.matches()) throw new IllegalArgumentException("PCI address \"" + text + "\": bus:slot.function in decimal, such as 2:4.0, is needed");
        return new PciAddress(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3)));
    }

    @Override
    public int compareTo(PciAddress other) { return Integer.compare(number(), other.number()); }

    private int number() { return bus << 8 | slot << 3 | function; }

    @Override public String toString() { return String.format("%03d:%02d.%d", bus, slot, function); }
}
