package vmkernel.core.vmx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The file that lists the registered virtual machines: {@code config "/path/x.vmx"} lines [ESX vm-list]. Other lines are kept.
 * Not thread-safe.
 */
public final class VmList {
    private final LineFile text;

    public VmList(Path file) { text = new LineFile(file); }

    public Path file() { return text.file(); }

    /** The .vmx files, in order. Empty if there is no list as yet. */
    public List<Path> paths() throws IOException { return text.lines().stream().map(VmList::path).flatMap(Optional::stream).toList(); }

    /** Adds a file at the end, unless it is there. */
    public void add(Path vmx) throws IOException { text.change(lines -> !lists(lines, vmx) && lines.add("config \"" + vmx + "\"")); }

    public void remove(Path vmx) throws IOException { text.change(lines -> lines.removeIf(line -> path(line).filter(vmx::equals).isPresent())); }

    private static boolean lists(List<String> lines, Path vmx) { return lines.stream().anyMatch(line -> path(line).filter(vmx::equals).isPresent()); }

    private static Optional<Path> path(String line) {
        String text = line.strip();
        if (!text.startsWith("config")) return Optional.empty();
        int open = text.indexOf('"');
        int close = text.lastIndexOf('"');
        try {
            return open < 0 || close <= open + 1 ? Optional.empty() : Optional.of(Path.of(text.substring(open + 1, close)).toAbsolutePath().normalize());
        } catch (java.nio.file.InvalidPathException e) {
            return Optional.empty();
        }
    }
}
