package vmkernel.api.files.tools;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers of bytes as people write them: with k, m, g or t for powers of 1024. */
public final class Sizes {
    private static final Pattern WRITTEN = Pattern.compile("(\\d{1,15})([kmgt]?)(?:i?b)?", Pattern.CASE_INSENSITIVE);
    private static final String UNITS = "KMGTPE";

    private Sizes() {}

    /** @param text such as {@code 10g}, {@code 512M} or {@code 4096} @throws IllegalArgumentException in one line, if it is none */
    public static long parse(String text) {
        Matcher written = WRITTEN.matcher(text.strip());
        if (!written.matches()) throw new IllegalArgumentException("\"" + text + "\" is no size; give one such as 4096, 512m or 10g");
        int shift = 10 * (UNITS.indexOf(written.group(2).toUpperCase(Locale.ROOT)) + (written.group(2).isEmpty() ? 0 : 1));
        long number = Long.parseLong(written.group(1));
        if (number > Long.MAX_VALUE >> shift) throw new IllegalArgumentException("\"" + text + "\" is too much");
        return number << shift;
    }

    /** In at most five characters, such as {@code 1.5G}, {@code 100M} or {@code 512}. */
    public static String human(long bytes) {
        if (bytes < 1024) return Long.toString(bytes);
        double value = bytes;
        int unit = -1;
        // what would be rounded to 1024 is one of the next unit
        for (; value >= 1023.5; unit++) value /= 1024;
        return String.format(Locale.ROOT, value < 9.95 ? "%.1f%c" : "%.0f%c", value, UNITS.charAt(unit));
    }
}
