package vmkernel.core.vmx;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

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
    public void add(Path vmx) throws IOException { change(lines -> !lists(lines, vmx) && lines.add("config \"" + vmx + "\"")); }

    public void remove(Path vmx) throws IOException { change(lines -> lines.removeIf(line -> path(line).filter(vmx::equals).isPresent())); }

    private static boolean lists(List<String> lines, Path vmx) { return lines.stream().anyMatch(line -> path(line).filter(vmx::equals).isPresent()); }

    /** Makes a change that says whether it changed anything; one at a time among all processes that use this list. */
    private void change(Predicate<List<String>> change) throws IOException {
        Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
        Path lock = folder.resolve("." + file.getFileName() + ".lock");
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE); FileLock held = channel.lock()) {
            List<String> lines = lines();
            if (change.test(lines)) AtomicFile.write(file, lines.isEmpty() ? new byte[0] : (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        }
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
}
