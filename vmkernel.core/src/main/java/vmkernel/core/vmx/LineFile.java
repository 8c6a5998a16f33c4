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
import java.util.function.Predicate;

/** A text file that several hosts change line by line without losing each other's changes. Not thread-safe. */
public final class LineFile {
    private final Path file;

    public LineFile(Path file) { this.file = file; }

    public Path file() { return file; }

    /** All lines; none if there is no such file. */
    public List<String> lines() throws IOException {
        try {
            return new ArrayList<>(new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList());
        } catch (NoSuchFileException e) {
            return new ArrayList<>();
        }
    }

    /** Makes a change that says whether it changed anything; one at a time among all processes that use this file. */
    public void change(Predicate<List<String>> change) throws IOException {
        Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
        Path lock = folder.resolve("." + file.getFileName() + ".lock");
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE); FileLock held = channel.lock()) {
            List<String> lines = lines();
            if (change.test(lines)) AtomicFile.write(file, lines.isEmpty() ? new byte[0] : (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }
}
