package vmkernel.core.vmx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;

/**
 * The text of a .vmx file: {@code key = "value"} lines, {@code #} comments, empty lines. Immutable. What is not changed stays
 * byte for byte as it was: unknown keys, order, comments, spacing, line ends. Keys are case-insensitive. In a quoted value
 * {@code |XX} is the character with that hexadecimal code, so that quotes and line ends can be written; a value without quotes is
 * taken as it stands.
 */
public final class VmxFile {
    /** More than any configuration needs; a disk image given by mistake is not read into memory. */
    private static final long MAX_BYTES = 1 << 20;

    private final Path file;
    private final Charset charset;
    private final List<Line> lines;

    /**
     * @param text the line without its line feed
     * @param key as spelled, or null if the line sets nothing
     * @param from,to where the value stands in the text, with its quotes
     */
    private record Line(String text, String key, String value, int from, int to) {}

    private VmxFile(Path file, Charset charset, List<Line> lines) {
        this.file = file;
        this.charset = charset;
        this.lines = lines;
    }

    /** Reads a file. @throws VmConfigException in one line: {@code file:line: what is wrong}, or why it cannot be read */
    public static VmxFile read(Path file) throws VmConfigException {
        byte[] bytes;
        try {
            if (!Files.isRegularFile(file)) throw new VmConfigException(file + ": " + (Files.exists(file) ? "is not a file" : "no such file"));
            if (Files.size(file) > MAX_BYTES) throw new VmConfigException(file + ": larger than 1 MB; is it a .vmx file?");
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new VmConfigException(file + ": no such file");
        } catch (IOException e) {
            throw new VmConfigException(file + ": cannot be read: " + e.getMessage());
        }
        try {
            return parse(file, StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString(), StandardCharsets.UTF_8);
        } catch (CharacterCodingException e) {
            // files older than UTF-8: one byte is one character, and goes back as it came
            return parse(file, new String(bytes, StandardCharsets.ISO_8859_1), StandardCharsets.ISO_8859_1);
        }
    }

    /** Parses a text. @throws VmConfigException in one line: {@code file:line: what is wrong} */
    public static VmxFile parse(Path file, String text) throws VmConfigException { return parse(file, text, StandardCharsets.UTF_8); }

    private static VmxFile parse(Path file, String text, Charset charset) throws VmConfigException {
        List<Line> lines = new ArrayList<>();
        Map<String, Integer> seen = new LinkedHashMap<>();
        for (String line : text.split("\n", -1)) {
            int number = lines.size() + 1;
            Line parsed;
            try {
                parsed = line(line);
            } catch (VmConfigException e) {
                throw new VmConfigException(file + ":" + number + ": " + e.getMessage());
            }
            lines.add(parsed);
            if (parsed.key == null) continue;
            Integer before = seen.putIfAbsent(parsed.key.toLowerCase(Locale.ROOT), number);
            if (before != null) throw new VmConfigException(file + ":" + number + ": " + parsed.key + " is set already on line " + before);
        }
        return new VmxFile(file, charset, lines);
    }

    private static Line line(String text) throws VmConfigException {
        int at = skipBlanks(text, 0);
        if (at == text.length() || text.charAt(at) == '#') return new Line(text, null, null, 0, 0);
        int start = at;
        while (at < text.length() && keyCharacter(text.charAt(at))) at++;
        String key = text.substring(start, at);
        at = skipBlanks(text, at);
        if (key.isEmpty() || at == text.length() || text.charAt(at) != '=') throw broken(text, "key = \"value\" is needed");
        at = skipBlanks(text, at + 1);
        if (at < text.length() && text.charAt(at) == '"') return quoted(text, key, at);
        int end = text.indexOf('#', at);
        if (end < 0) end = text.length();
        while (end > at && blank(text.charAt(end - 1))) end--;
        String value = text.substring(at, end);
        if (value.isEmpty()) throw broken(text, "the value of " + key + " is missing");
        if (value.indexOf('"') >= 0) throw broken(text, "a quote within the value of " + key + "; it is written |22");
        return new Line(text, key, value, at, end);
    }

    private static Line quoted(String text, String key, int open) throws VmConfigException {
        int close = text.indexOf('"', open + 1);
        if (close < 0) throw broken(text, "the value of " + key + " has no closing quote");
        int after = skipBlanks(text, close + 1);
        if (after < text.length() && text.charAt(after) != '#') throw broken(text, "text after the closing quote; a quote within a value is written |22");
        return new Line(text, key, decode(text.substring(open + 1, close)), open, close + 1);
    }

    private static VmConfigException broken(String text, String what) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < text.length() && i < 60; i++) shown.append(text.charAt(i) < ' ' ? '?' : text.charAt(i));
        return new VmConfigException(what + ": " + shown.toString().strip() + (text.length() > 60 ? "..." : ""));
    }

    private static boolean blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

    private static boolean keyCharacter(char c) { return c > ' ' && c != '=' && c != '"' && c != '#' && c != 0x7F; }

    private static int skipBlanks(String text, int at) {
        while (at < text.length() && blank(text.charAt(at))) at++;
        return at;
    }

    private static String decode(String text) {
        if (text.indexOf('|') < 0) return text;
        StringBuilder value = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int code = c == '|' && i + 2 < text.length() ? hex(text.charAt(i + 1)) << 4 | hex(text.charAt(i + 2)) : -1;
            if (code >= 0) i += 2;
            value.append(code >= 0 ? (char) code : c);
        }
        return value.toString();
    }

    /** -1 (all ones, so that a union with it is negative) if it is no hexadecimal digit. */
    private static int hex(char c) { return c < 128 ? Character.digit(c, 16) : -1; }

    private static String encode(String value) {
        StringBuilder text = new StringBuilder("\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '|' || c < ' ' || c == 0x7F) text.append('|').append(String.format("%02X", (int) c)); else text.append(c);
        }
        return text.append('"').toString();
    }

    public Path file() { return file; }

    public VmConfig config() {
        Map<String, String> values = new LinkedHashMap<>();
        for (Line line : lines) if (line.key != null) values.put(line.key, line.value);
        return new VmConfig(file, values);
    }

    /** The same text with one value changed in its place, or a line added at the end. @throws VmConfigException if it is no key */
    public VmxFile with(String key, String value) throws VmConfigException {
        checkKey(key);
        List<Line> changed = new ArrayList<>(lines);
        String encoded = encode(value);
        for (int i = 0; i < changed.size(); i++) {
            Line line = changed.get(i);
            if (line.key == null || !line.key.equalsIgnoreCase(key)) continue;
            String text = line.text.substring(0, line.from) + encoded + line.text.substring(line.to);
            changed.set(i, new Line(text, line.key, value, line.from, line.from + encoded.length()));
            return new VmxFile(file, charset, changed);
        }
        String text = key + " = " + encoded;
        Line line = new Line(text, key, value, text.length() - encoded.length(), text.length());
        int last = changed.size() - 1;
        if (changed.get(last).text.isEmpty()) {
            changed.add(last, line);
        } else {
            changed.add(line);
            changed.add(new Line("", null, null, 0, 0));
        }
        return new VmxFile(file, charset, changed);
    }

    /** The same text with the values of a configuration, where they differ. */
    public VmxFile with(VmConfig changed) throws VmConfigException {
        VmxFile text = this;
        VmConfig before = config();
        for (String key : changed.keys()) if (!changed.text(key).equals(before.text(key))) text = text.with(key, changed.text(key, ""));
        return text;
    }

    /** @throws VmConfigException if this cannot be a key */
    public static void checkKey(String key) throws VmConfigException {
        if (key.isEmpty() || !key.chars().allMatch(c -> keyCharacter((char) c))) throw new VmConfigException("\"" + key + "\" is not a key");
    }

    /** The whole text. */
    public String text() { return String.join("\n", lines.stream().map(Line::text).toList()); }

    /** Writes it to its file, which is the old or the new one whenever this ends. */
    public void write() throws IOException {
        String text = text();
        Charset as = charset.newEncoder().canEncode(text) ? charset : StandardCharsets.UTF_8;
        AtomicFile.write(file, text.getBytes(as));
    }
}
