package vmfs.impl.disk;

import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text that tells of what a disk consists [VMDK] section "The Descriptor". Immutable; what is changed keeps all lines that it does not know.
 */
final class Descriptor {
    static final String START = "# Disk DescriptorFile";
    /** No parent; the content id of a disk that was never written. */
    static final int NO_PARENT = 0xFFFFFFFF, NEW = 0xFFFFFFFE;
    static final int MAX_BYTES = 4 << 20;
    private static final Pattern ENTRY = Pattern.compile("([A-Za-z][\\w.:\\-]*)\\s*=\\s*(.*)");
    private static final Pattern ENCODING = Pattern.compile("(?im)^\\s*encoding\\s*=\\s*\"?([^\"\\s]+)");

    private final String file;
    private final Charset charset;
    private final List<String> lines;
    private final List<ExtentLine> extents = new ArrayList<>();
    /** By key in lower case. */
    private final Map<String, String> values = new LinkedHashMap<>();

    /** @param file for messages @param lines without their ends */
    private Descriptor(String file, Charset charset, List<String> lines) throws Damage {
        this.file = file;
        this.charset = charset;
        this.lines = List.copyOf(lines);
        long offset = 0;
        for (String line : lines) {
            read(line.strip(), offset);
            offset += line.getBytes(charset).length + 1;
        }
    }

    /** @param bytes the text; a zero ends it @param at place of the text in the file */
    static Descriptor parse(String file, byte[] bytes, long at) throws Damage {
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) end++;
        String raw = new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
        if (!raw.stripLeading().regionMatches(true, 0, START, 0, START.length())) throw new Damage(file, at, "no descriptor of a virtual disk begins here");
        Charset charset = charset(file, raw, at);
        Descriptor descriptor = new Descriptor(file, charset, new String(bytes, 0, end, charset).lines().toList());
        descriptor.validate(at);
        return descriptor;
    }

    private static Charset charset(String file, String raw, long at) throws Damage {
        Matcher matcher = ENCODING.matcher(raw);
        if (!matcher.find()) return StandardCharsets.UTF_8;
        try {
            Charset named = Charset.forName(matcher.group(1));
            // the patterns above are only found in it if ASCII is ASCII
            if (START.equals(new String(START.getBytes(named), StandardCharsets.US_ASCII))) return named;
        } catch (IllegalCharsetNameException | UnsupportedCharsetException | UnsupportedOperationException e) {
            // told below
        }
        throw new Damage(file, at + matcher.start(1), "the descriptor's encoding " + matcher.group(1) + " is not known");
    }

    private void read(String line, long offset) throws Damage {
        if (line.isEmpty() || line.startsWith("#")) return;
        if (ExtentLine.begins(line)) {
            extents.add(ExtentLine.parse(line).orElseThrow(() -> new Damage(file, offset, "wrong line of an extent: " + shown(line))));
            return;
        }
        Matcher matcher = ENTRY.matcher(line);
        if (!matcher.matches()) throw new Damage(file, offset, "this line of the descriptor is neither an extent nor key=value: " + shown(line));
        values.put(key(matcher.group(1)), unquoted(matcher.group(2).strip()));
    }

    private static String key(String key) { return key.toLowerCase(Locale.ROOT); }

    private static String unquoted(String text) {
        boolean quoted = text.length() > 1 && text.startsWith("\"") && text.endsWith("\"");
        return quoted ? text.substring(1, text.length() - 1) : text;
    }

    private static String shown(String line) { return line.substring(0, Math.min(80, line.length())).replaceAll("\\p{Cntrl}", "?"); }

    private void validate(long at) throws Damage {
        Damage.require(!createType().isEmpty(), file, at, "the descriptor has no createType");
        String version = value("version").orElse("1");
        Damage.require(version.matches("[1-4]"), file, at, "the descriptor's version " + shown(version) + " is not known");
        for (String id : List.of("CID", "parentCID")) {
            String value = value(id).orElse("0");
            Damage.require(value.matches("(?i)(0x)?[0-9a-f]{1,8}"), file, at, id + " of the descriptor is no number: " + shown(value));
        }
        long blocks = 0;
        for (ExtentLine extent : extents) {
            blocks += extent.blocks();
            Damage.require(blocks <= ExtentLine.MAX_BLOCKS, file, at, "the extents of the descriptor are too long");
        }
        Damage.require(blocks > 0, file, at, "the descriptor has no extents");
        Damage.require(parentCid() == NO_PARENT || parentHint().isPresent(), file, at, "the descriptor has a parentCID, but no parentFileNameHint");
    }

    /** A new one. @param values in order; @param database without {@code ddb.} */
    static Descriptor of(String file, Map<String, String> values, List<ExtentLine> extents, Map<String, String> database) throws Damage {
        List<String> lines = new ArrayList<>(List.of(START, "version=1", "encoding=\"UTF-8\""));
        values.forEach((key, value) -> lines.add(entry(key, value)));
        lines.addAll(List.of("", "# Extent description"));
        extents.forEach(extent -> lines.add(extent.toString()));
        lines.addAll(List.of("", "# The Disk Data Base", "#DDB", ""));
        database.forEach((key, value) -> lines.add(entry("ddb." + key, value)));
        return new Descriptor(file, StandardCharsets.UTF_8, lines);
    }

    Optional<String> value(String key) { return Optional.ofNullable(values.get(key(key))); }
    int cid() { return id("CID"); }
    int parentCid() { return id("parentCID"); }

    private int id(String key) { return (int) Long.parseLong(value(key).orElse("ffffffff").toLowerCase(Locale.ROOT).replaceFirst("^0x", ""), 16); }

    String createType() { return value("createType").orElse(""); }
    /** Where the parent is, as it was written. */
    Optional<String> parentHint() { return value("parentFileNameHint").filter(hint -> !hint.isBlank()); }
    List<ExtentLine> extents() { return extents; }
    long blocks() { return extents.stream().mapToLong(ExtentLine::blocks).sum(); }

    /** {@code ddb.*}, with that. */
    Map<String, String> database() {
        Map<String, String> found = new LinkedHashMap<>();
        for (String line : lines) {
            Matcher matcher = ENTRY.matcher(line.strip());
            if (matcher.matches() && key(matcher.group(1)).startsWith("ddb.")) found.put(matcher.group(1), unquoted(matcher.group(2).strip()));
        }
        return found;
    }

    static String hex(int id) { return String.format("%08x", id); }

    /** With another value, in its place or, if there was none, at the end; without the key if the value is null. */
    Descriptor with(String key, String value) throws Damage {
        List<String> changed = new ArrayList<>();
        boolean found = false;
        for (String line : lines) {
            Matcher matcher = ENTRY.matcher(line.strip());
            boolean same = !ExtentLine.begins(line.strip()) && matcher.matches() && key(matcher.group(1)).equals(key(key));
            if (!same) changed.add(line); else if (value != null) changed.add(entry(key, value));
            found |= same;
        }
        if (!found && value != null) changed.add(entry(key, value));
        return new Descriptor(file, charset, changed);
    }

    private static String entry(String key, String value) {
        if (key.endsWith("CID")) return key + "=" + value;
        return key + (key.startsWith("ddb.") ? " = \"" : "=\"") + value + "\"";
    }

    /** With other extents, in the place of the first. */
    Descriptor with(List<ExtentLine> others) throws Damage {
        List<String> changed = new ArrayList<>();
        boolean put = false;
        for (String line : lines) {
            if (!ExtentLine.begins(line.strip())) {
                changed.add(line);
            } else if (!put) {
                others.forEach(extent -> changed.add(extent.toString()));
                put = true;
            }
        }
        return new Descriptor(file, charset, changed);
    }

    byte[] bytes() { return (String.join("\n", lines) + "\n").getBytes(charset); }

    /** Where the eight digits of an id are in the text; -1 if it has fewer, or none. */
    static int digits(byte[] text, String key) {
        Matcher matcher = Pattern.compile("(?im)^\\s*" + key + "\\s*=\\s*([0-9a-f]{8})\\s*$").matcher(new String(text, StandardCharsets.ISO_8859_1));
        return matcher.find() ? matcher.start(1) : -1;
    }

    /** For a place in a file that has room for it. @throws Damage if it has not */
    ByteBuffer padded(int room, long at) throws Damage {
        byte[] text = bytes();
        Damage.require(text.length <= room, file, at, "there is no room for the descriptor: it needs " + text.length + " bytes, and has " + room);
        ByteBuffer image = ByteBuffer.allocate(room).put(text);
        return image.rewind();
    }
}
