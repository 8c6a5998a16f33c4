package vmfs.impl.disk;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A line of a descriptor that tells of an extent [VMDK].
 *
 * @param access RW, RDONLY or NOACCESS
 * @param blocks that it has of the disk
 * @param type FLAT, VMFS, SPARSE, VMFSSPARSE, SESPARSE, ZERO, ...
 * @param file relative to the descriptor, or absolute; empty for ZERO
 * @param offset of the first block in a flat file, in blocks; -1 if the line has none
 */
record ExtentLine(String access, long blocks, String type, String file, long offset) {
    static final long MAX_BLOCKS = 1L << 46;
    private static final Pattern LINE = Pattern.compile(
        "(RW|RDONLY|NOACCESS)\\s+(\\d{1,15})\\s+(\\w+)(?:\\s+\"([^\"]*)\"(?:\\s+(\\d{1,15}))?.*)?", Pattern.CASE_INSENSITIVE);
    private static final Pattern START = Pattern.compile("(RW|RDONLY|NOACCESS)\\s.*", Pattern.CASE_INSENSITIVE);

    static boolean begins(String line) { return START.matcher(line).matches(); }

    static Optional<ExtentLine> parse(String line) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) return Optional.empty();
        String file = matcher.group(4) == null ? "" : matcher.group(4);
        long offset = matcher.group(5) == null ? -1 : Long.parseLong(matcher.group(5));
        ExtentLine extent = new ExtentLine(upper(matcher.group(1)), Long.parseLong(matcher.group(2)), upper(matcher.group(3)), file, offset);
        boolean whole = extent.blocks > 0 && extent.blocks <= MAX_BLOCKS && extent.offset <= MAX_BLOCKS && extent.file.isEmpty() == extent.type.equals("ZERO");
        return whole ? Optional.of(extent) : Optional.empty();
    }

    private static String upper(String text) { return text.toUpperCase(Locale.ROOT); }

    ExtentLine file(String other) { return new ExtentLine(access, blocks, type, other, offset); }
    ExtentLine blocks(long other) { return new ExtentLine(access, other, type, file, offset); }

    @Override public String toString() { return access + " " + blocks + " " + type + (file.isEmpty() ? "" : " \"" + file + "\"") + (offset < 0 ? "" : " " + offset); }
}
