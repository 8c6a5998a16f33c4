package host.sim.bus;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;

/**
 * What the hardware file says of one device, or of a part of one: the lines whose keys begin alike, such as
 * {@code pci.002:04.0.}; keys are given without that. Keys are case-insensitive. It remembers what was asked for, so that the rest
 * can be reported. Any thread.
 */
public final class Settings {
    private static final String UNITS = "KMGT";

    private final Map<String, Value> values;
    private final String prefix;
    private final String name;
    private final Set<String> asked;

    /** @param place file and line, for messages */
    public record Value(String key, String text, String place) {}

    /** @param name of the file, for messages about what it does not say */
    public Settings(String name, Collection<Value> lines) {
        this(name, "", new TreeMap<>(), new ConcurrentSkipListSet<>());
        for (Value line : lines) values.put(line.key.toLowerCase(Locale.ROOT), line);
    }

    /** For tests: keys and values in turn. */
    public static Settings of(String... keysAndValues) {
        List<Value> lines = new java.util.ArrayList<>();
        for (int i = 0; i < keysAndValues.length; i += 2) lines.add(new Value(keysAndValues[i], keysAndValues[i + 1], "line " + (i / 2 + 1)));
        return new Settings("settings", lines);
    }

    private Settings(String name, String prefix, Map<String, Value> values, Set<String> asked) {
        this.name = name;
        this.prefix = prefix;
        this.values = values;
        this.asked = asked;
    }

    /** The settings of a part: {@code under("unit0.")}. */
    public Settings under(String part) { return new Settings(name, prefix + part.toLowerCase(Locale.ROOT), values, asked); }

    /** First parts, up to a dot, of the keys here that begin with a text: {@code unit0}, {@code unit1}. Sorted. */
    public Set<String> parts(String start) {
        Set<String> parts = new TreeSet<>();
        String wanted = prefix + start.toLowerCase(Locale.ROOT);
        for (String key : values.keySet()) if (key.startsWith(wanted)) parts.add(key.substring(prefix.length()).split("\\.", 2)[0]);
        return parts;
    }

    public boolean has(String key) { return values.containsKey(full(key)); }

    public String text(String key, String otherwise) {
        Value value = values.get(full(key));
        asked.add(full(key));
        return value == null ? otherwise : value.text;
    }

    /** @throws HardwareException if there is no such line */
    public String text(String key) throws HardwareException {
        String text = text(key, null);
        if (text == null) throw new HardwareException(name + ": " + prefix + key + " is missing");
        return text;
    }

    /** Decimal, or hexadecimal with 0x. */
    public long number(String key, long otherwise, long least, long most) throws HardwareException {
        String text = text(key, null);
        if (text == null) return otherwise;
        try {
            long value = Long.decode(text.strip());
            if (value >= least && value <= most) return value;
        } catch (NumberFormatException e) {
            // told below
        }
        throw wrong(key, "a number from " + least + " to " + most + " is needed");
    }

    /** A number of bytes; K, M, G and T multiply by powers of 1024. */
    public long bytes(String key, long otherwise) throws HardwareException {
        String text = text(key, null);
        if (text == null) return otherwise;
        String digits = text.strip().toUpperCase(Locale.ROOT);
        if (digits.endsWith("B")) digits = digits.substring(0, digits.length() - 1);
        int unit = digits.isEmpty() ? -1 : UNITS.indexOf(digits.charAt(digits.length() - 1));
        if (unit >= 0) digits = digits.substring(0, digits.length() - 1);
        try {
            long value = Math.multiplyExact(Long.parseLong(digits.strip()), 1L << 10 * (unit + 1));
            if (value > 0) return value;
        } catch (NumberFormatException | ArithmeticException e) {
            // told below
        }
        throw wrong(key, "a size such as 512M or 8G is needed");
    }

    public boolean flag(String key, boolean otherwise) throws HardwareException {
        String text = text(key, null);
        if (text == null) return otherwise;
        switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "true", "yes", "on", "1": return true;
            case "false", "no", "off", "0": return false;
            default: throw wrong(key, "TRUE or FALSE is needed");
        }
    }

    /** A message about the value of a key: file and line, key, value, what is wrong with it. */
    public HardwareException wrong(String key, String what) {
        Value value = values.get(full(key));
        return new HardwareException((value == null ? name : value.place) + ": " + prefix + key + (value == null ? "" : " = \"" + value.text + "\"") + ": " + what);
    }

    /** Lines here that nobody asked for, which are mistakes most likely. */
    public List<Value> unknown() {
        return values.entrySet().stream().filter(entry -> entry.getKey().startsWith(prefix) && !asked.contains(entry.getKey())).map(Map.Entry::getValue).toList();
    }

    private String full(String key) { return prefix + key.toLowerCase(Locale.ROOT); }
}
