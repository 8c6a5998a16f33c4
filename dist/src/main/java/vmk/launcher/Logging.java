package vmk.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.ConsoleHandler;
import java.util.logging.FileHandler;
import java.util.logging.Filter;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Where the log goes: var/log/vmkernel.0 of a host. A one-shot run has none, as its user is told what matters in one line;
 * {@code VMK_OPTS=-Dvmk.log=INFO} puts it on standard error.
 */
final class Logging {
    private static final int FILE_BYTES = 4 << 20;
    private static final int FILES = 4;

    private Logging() {}

    /** What File Install says of a jar that cannot be used, as one line, and once: no stack, no second list of requirements. */
    private static final class DriversFolder implements Filter {
        private static final String FILE_INSTALL = "fileinstall";

        private String last = "";

        @Override
        public boolean isLoggable(LogRecord entry) {
            if (entry.getThrown() == null || !String.valueOf(entry.getLoggerName()).endsWith(FILE_INSTALL)) return true;
            String reason = String.valueOf(entry.getThrown().getMessage()).lines().findFirst().orElse("").replaceFirst(" Unresolved requirements: .*", "");
            entry.setMessage(entry.getMessage() + ": " + reason);
            entry.setThrown(null);
            boolean again = last.equals(entry.getMessage());
            last = entry.getMessage();
            return !again;
        }
    }

    /** @param host true for a long-lived host */
    static void configure(boolean host) {
        LogManager.getLogManager().reset();
        Logger root = Logger.getLogger("");
        String wanted = System.getProperty("vmk.log");
        root.setLevel(wanted != null ? Level.parse(wanted) : host ? Level.INFO : Level.OFF);
        if (!host && wanted == null) return;
        Handler handler = host ? file() : new ConsoleHandler();
        handler.setFormatter(new Line());
        handler.setLevel(Level.ALL);
        handler.setFilter(new DriversFolder());
        root.addHandler(handler);
    }

    private static Handler file() {
        try {
            Path folder = Path.of(System.getProperty("vmk.home"), "var", "log");
            Files.createDirectories(folder);
            return new FileHandler(folder.resolve("vmkernel.%g").toString(), FILE_BYTES, FILES, true);
        } catch (IOException e) {
            System.err.println("vmk: no log is kept: " + e);
            return new ConsoleHandler();
        }
    }

    /** One line for a record, with the stack of what was thrown below it. */
    private static final class Line extends Formatter {
        @Override
        public String format(LogRecord entry) {
            String name = entry.getLoggerName() == null ? "" : entry.getLoggerName();
            StringBuilder text = new StringBuilder(String.format("%1$tF %1$tT.%1$tL %2$-7s %3$s: %4$s%n",
                entry.getMillis(), entry.getLevel().getName(), name.substring(name.lastIndexOf('.') + 1), formatMessage(entry)));
            if (entry.getThrown() != null) {
                text.append("    ").append(entry.getThrown()).append(System.lineSeparator());
                for (StackTraceElement element : entry.getThrown().getStackTrace()) text.append("        at ").append(element).append(System.lineSeparator());
            }
            return text.toString();
        }
    }
}
