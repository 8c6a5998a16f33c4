package host.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Other programs, and this one as another process. */
final class Commands {
    record Outcome(int exit, String output) {}

    private Commands() {}

    /** Runs a program, with standard error in the output, and waits for it. */
    static Outcome run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectInput(Path.of("/dev/null").toFile()).start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(60, TimeUnit.SECONDS)) throw new IOException(String.join(" ", command) + " does not end");
            return new Outcome(process.exitValue(), output);
        } catch (InterruptedException e) {
            throw new IOException(e);
        } finally {
            process.destroyForcibly();
        }
    }

    /** The same, which has to go well. */
    static String mustRun(String... command) throws IOException {
        Outcome outcome = run(command);
        if (outcome.exit != 0) throw new IOException(String.join(" ", command) + ": " + outcome.output);
        return outcome.output;
    }

    static boolean works(String... command) {
        try {
            return run(command).exit == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** The words that run a class of the tests in a Java of its own. */
    static List<String> java(Class<?> main, String... arguments) {
        List<String> words = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+IgnoreUnrecognizedVMOptions",
            "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow", "-cp", System.getProperty("java.class.path"), main.getName()));
        words.addAll(List.of(arguments));
        return words;
    }

    static boolean root() { return "root".equals(System.getProperty("user.name")); }
}
