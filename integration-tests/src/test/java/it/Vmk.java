package it;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code ./vmk} as a user runs it: a process with its streams, in a home folder of its own. */
final class Vmk implements AutoCloseable {
    /** The checkout. */
    static final Path ROOT = Path.of(System.getProperty("vmk.root")).toAbsolutePath().normalize();
    /** The shipped bundles. */
    static final Path BUNDLES = ROOT.resolve("dist/target/vmk/bundles");
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    /** Keys of a terminal. */
    static final String CTRL_C = "\u0003", CTRL_D = "\u0004", CTRL_BRACKET = "\u001D";

    private final Process process;
    private final StringBuilder out = new StringBuilder();
    private final StringBuilder err = new StringBuilder();
    private final Thread outReader;
    private final Thread errReader;
    /** How far {@link #expect} has read. */
    private int seen;

    /** What a process left. */
    record Result(int status, String out, String err) {}

    private Vmk(ProcessBuilder builder) throws IOException {
        process = builder.start();
        outReader = collect(process.getInputStream(), out);
        errReader = collect(process.getErrorStream(), err);
    }

    /** Starts {@code ./vmk}; standard input stays open until {@link #close} or {@link #endOfInput}. */
    static Vmk start(Path home, String... arguments) throws IOException { return new Vmk(builder(home, command(arguments))); }

    /** Starts it on a terminal of its own; both output streams are that terminal. */
    static Vmk startOnTerminal(Path home, String... arguments) throws IOException {
        List<String> quoted = command(arguments).stream().map(word -> "'" + word + "'").toList();
        ProcessBuilder builder = builder(home, List.of("script", "-qfec", "stty rows 40 cols 150; exec " + String.join(" ", quoted), "/dev/null"));
        builder.environment().put("TERM", "xterm");
        builder.environment().put("SHELL", "/bin/sh");
        return new Vmk(builder);
    }

    /** Starts it where only the programs of one folder are found. */
    static Vmk startWithPath(Path bin, Path home, String... arguments) throws IOException {
        ProcessBuilder builder = builder(home, command(arguments));
        builder.environment().put("PATH", bin.toString());
        return new Vmk(builder);
    }

    /** Starts it with a proxy that does not answer instead of a network. */
    static Vmk startWithDeadProxy(String proxy, Path home, String... arguments) throws IOException {
        ProcessBuilder builder = builder(home, command(arguments));
        builder.environment().put("http_proxy", proxy);
        builder.environment().put("https_proxy", proxy);
        return new Vmk(builder);
    }

    /** Runs it to its end without standard input. */
    static Result run(Path home, String... arguments) throws IOException, InterruptedException {
        try (Vmk vmk = start(home, arguments)) {
            vmk.endOfInput();
            return vmk.end();
        }
    }

    /** Runs {@code ./vmfs} to its end. */
    static Result runVmfs(Path folder, String... arguments) throws IOException, InterruptedException {
        List<String> command = command(arguments);
        command.set(0, ROOT.resolve("vmfs").toString());
        try (Vmk vmfs = new Vmk(builder(folder, command))) {
            vmfs.endOfInput();
            return vmfs.end();
        }
    }

    private static List<String> command(String... arguments) {
        List<String> command = new ArrayList<>(List.of(ROOT.resolve("vmk").toString()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    private static ProcessBuilder builder(Path home, List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command).directory(home.toFile());
        builder.environment().put("VMK_HOME", home.toString());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        return builder;
    }

    private static Thread collect(InputStream stream, StringBuilder text) {
        Thread reader = new Thread(() -> {
            byte[] chunk = new byte[4096];
            try {
                for (int length; (length = stream.read(chunk)) >= 0; ) {
                    synchronized (text) {
                        text.append(new String(chunk, 0, length, StandardCharsets.ISO_8859_1));
                        text.notifyAll();
                    }
                }
            } catch (IOException e) {
                // the process is gone
            }
        });
        reader.setDaemon(true);
        reader.start();
        return reader;
    }

    long pid() { return process.pid(); }

    boolean alive() { return process.isAlive(); }

    Vmk send(String keys) throws IOException {
        process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        return this;
    }

    void endOfInput() throws IOException { process.getOutputStream().close(); }

    /** Waits for a text on standard output after what was expected before. */
    Vmk expect(String text) throws InterruptedException { return expect(text, PATIENCE); }

    Vmk expect(String text, Duration patience) throws InterruptedException {
        textBefore(text, patience);
        return this;
    }

    /** The same. @return what came before it */
    String textBefore(String text) throws InterruptedException { return textBefore(text, PATIENCE); }

    private String textBefore(String text, Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        synchronized (out) {
            for (int at; (at = out.indexOf(text, seen)) < 0; ) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0 || !outReader.isAlive()) throw new AssertionError("\"" + text + "\" did not come after:\n" + out.substring(seen) + "\nand on standard error:\n" + err());
                out.wait(Math.min(left, 200));
            }
            int at = out.indexOf(text, seen);
            String before = out.substring(seen, at);
            seen = at + text.length();
            return before;
        }
    }

    String out() {
        synchronized (out) {
            return out.toString();
        }
    }

    String err() {
        synchronized (err) {
            return err.toString();
        }
    }

    /** Sends a signal by its name, such as TERM. */
    void signal(String name) throws IOException, InterruptedException { new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start().waitFor(); }

    /** Waits for the end. */
    Result end() throws InterruptedException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) throw new AssertionError("does not end; standard output:\n" + out() + "\nstandard error:\n" + err());
        outReader.join();
        errReader.join();
        return new Result(process.exitValue(), out(), err());
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /** A file of the test's own. */
    static Path file(Path folder, String name, byte[] content) {
        try {
            return Files.write(folder.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
