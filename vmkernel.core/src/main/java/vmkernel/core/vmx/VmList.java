package vmkernel.core.vmx;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The file that lists the registered virtual machines: {@code config "/path/x.vmx"} lines [ESX vm-list]. Other lines are kept.
 * Not thread-safe.
 */
public final class VmList {
    private final Path file;

    public VmList(Path file) { this.file = file; }

    public Path file() { return file; }

    /** The .vmx files, in order. Empty if there is no list as yet. */
    public List<Path> paths() throws IOException { return lines().stream().map(VmList::path).flatMap(Optional::stream).toList(); }

    /** Adds a file at the end, unless it is there. */
    public void add(Path vmx) throws IOException {
        List<String> lines = lines();
        if (lines.stream().anyMatch(line -> path(line).filter(vmx::equals).isPresent())) return;
        lines.add("config \"" + vmx + "\"");
        write(lines);
    }

    public void remove(Path vmx) throws IOException {
        List<String> lines = lines();
        if (lines.removeIf(line -> path(line).filter(vmx::equals).isPresent())) write(lines);
    }

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

    private List<String> lines() throws IOException {
        try {
            return new ArrayList<>(new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList());
        } catch (NoSuchFileException e) {
            return new ArrayList<>();
        }
    }

    private void write(List<String> lines) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        AtomicFile.write(file, lines.isEmpty() ? new byte[0] : (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
