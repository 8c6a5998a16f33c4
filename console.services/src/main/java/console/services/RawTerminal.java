package console.services;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The process's own terminal in raw mode, through {@code stty}: every key goes to the guest, nothing is echoed. It is
 * restored by {@link #close} or when the process ends in any orderly way, signals included. LIMIT: SIGKILL is not orderly.
 */
final class RawTerminal implements AutoCloseable {
    private final String saved;
    private final Thread atExit = new Thread(this::restore, "restore terminal");
    private boolean restored;

    /** @throws IOException if standard input is no terminal */
    RawTerminal() throws IOException {
        saved = stty("-g");
        Runtime.getRuntime().addShutdownHook(atExit);
        stty("raw", "-echo");
    }

    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // the process is ending, and the hook finds nothing left to do
        }
    }

    private synchronized void restore() {
        if (restored) return;
        restored = true;
        try {
            stty(saved);
        } catch (IOException e) {
            System.err.println("vmk: the terminal stays in raw mode: " + e.getMessage());
        }
    }

    private static String stty(String... arguments) throws IOException {
        String[] command = new String[arguments.length + 1];
        command[0] = "stty";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Process process = new ProcessBuilder(command).redirectInput(ProcessBuilder.Redirect.INHERIT).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        try {
            if (process.waitFor() != 0) throw new IOException(output);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted");
        }
        return output;
    }
}
