package console.services;

import java.io.IOException;
import java.io.PrintWriter;
import org.apache.felix.service.command.CommandSession;
import org.jline.terminal.Terminal;
import vmkernel.api.files.Progress;
import vmkernel.api.files.tools.Problems;
import vmkernel.api.files.tools.ProgressBar;

/** Work of a command: its trouble becomes the command's, and a bar shows how far it has come. */
interface Watched<T> {
    T run(Progress progress) throws IOException;

    /** @param title in front of the bar @param bytes whether it counts bytes */
    static <T> T run(CommandSession session, String command, String title, boolean bytes, Watched<T> work) {
        // not on System.out, whose channel Gogo's interrupt of a command would close
        Terminal terminal = session.get(SerialConsole.TERMINAL) instanceof Terminal screen ? screen : null;
        try (ProgressBar bar = new ProgressBar(title, terminal != null ? terminal.writer() : new PrintWriter(System.err), terminal != null, bytes)) {
            return plain(command, () -> work.run(bar));
        }
    }

    /** Work that takes no time. */
    interface Plain<T> {
        T run() throws IOException;
    }

    static <T> T plain(String command, Plain<T> work) {
        try {
            return work.run();
        } catch (IOException | java.util.concurrent.CancellationException | UnsupportedOperationException e) {
            throw new CommandException(command + ": " + Problems.oneLine(e));
        }
    }
}
