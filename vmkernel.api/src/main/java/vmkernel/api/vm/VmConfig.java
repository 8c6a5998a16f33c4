package vmkernel.api.vm;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An immutable .vmx configuration: {@code key = "value"} lines, keys case-insensitive, unknown keys and their order kept.
 * Values are typed when asked for.
 */
public final class VmConfig {
    private final Path file;
    private final Map<String, Entry> entries;

    private record Entry(String key, String value) {}

    /** @param file where relative paths in it start from and what messages name; need not exist */
    public VmConfig(Path file, Map<String, String> values) {
        this.file = file;
        this.entries = new LinkedHashMap<>();
        values.forEach((key, value) -> entries.put(key.toLowerCase(java.util.Locale.ROOT), new Entry(key, value)));
    }

    public Path file() { return file; }

    /** Keys as spelled in the file, in its order. */
    public List<String> keys() { return entries.values().stream().map(Entry::key).toList(); }

    public Optional<String> text(String key) {
        return Optional.ofNullable(entries.get(key.toLowerCase(java.util.Locale.ROOT))).map(Entry::value);
    }

    public String text(String key, String otherwise) { return text(key).orElse(otherwise); }

    /** TRUE or FALSE in any case. @throws VmConfigException if it is something else */
    public boolean flag(String key, boolean otherwise) throws VmConfigException {
        String value = text(key).orElse(null);
        if (value == null) return otherwise;
        if (value.equalsIgnoreCase("true")) return true;
        if (value.equalsIgnoreCase("false")) return false;
        throw new VmConfigException(file + ": " + key + " = \"" + value + "\": TRUE or FALSE is needed");
    }

    /** @throws VmConfigException if it is not a decimal number within the bounds */
    public int number(String key, int otherwise, int min, int max) throws VmConfigException {
        String value = text(key).orElse(null);
        if (value == null) return otherwise;
        try {
            int number = Integer.parseInt(value.trim());
            if (number >= min && number <= max) return number;
        } catch (NumberFormatException e) {
            // told below
        }
        throw new VmConfigException(file + ": " + key + " = \"" + value + "\": a number from " + min + " to " + max + " is needed");
    }

    /** A path, resolved against the folder of the .vmx file. */
    public Optional<Path> path(String key) { return text(key).map(this::resolve); }

    /** Resolves a path as the configuration's own paths are resolved. */
    public Path resolve(String path) {
        Path folder = file.toAbsolutePath().getParent();
        return folder == null ? Path.of(path) : folder.resolve(path).normalize();
    }

    /** A copy in which {@code key} has this value, in its old place or at the end. */
    public VmConfig with(String key, String value) {
        Map<String, String> values = values();
        String spelled = entries.containsKey(key.toLowerCase(java.util.Locale.ROOT)) ? entries.get(key.toLowerCase(java.util.Locale.ROOT)).key() : key;
        values.put(spelled, value);
        return new VmConfig(file, values);
    }

    /** All entries, in order, keys as spelled. A new, mutable map. */
    public Map<String, String> values() {
        Map<String, String> values = new LinkedHashMap<>();
        entries.values().forEach(entry -> values.put(entry.key(), entry.value()));
        return values;
    }
}
