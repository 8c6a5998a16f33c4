package firmware.bios.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Programs that nobody here wrote, as judges of what we make. */
public final class Tools {
    private Tools() {}

    /** Runs it in a folder; what it printed. Fails if it is missing, hangs or gives another status than 0. */
    public static String run(Path folder, String debianPackage, String... command) throws IOException, InterruptedException {
        return run(0, folder, debianPackage, command);
    }

    /** The same for a program that ends with {@code status}. */
    public static String run(int status, Path folder, String debianPackage, String... command) throws IOException, InterruptedException {
        Path log = folder.resolve("tool.log");
        Process process;
        try {
            process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(log.toFile())
                    .redirectInput(Path.of("/dev/null").toFile()).start();
        } catch (IOException e) {
            return fail(command[0] + " is missing: install the Debian package " + debianPackage + " (./vmk test does that)", e);
        }
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            fail(String.join(" ", command) + " hangs");
        }
        String output = Files.readString(log, StandardCharsets.ISO_8859_1);
        assertEquals(status, process.exitValue(), () -> String.join(" ", command) + ":\n" + output);
        return output;
    }
}
