package console.services;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Process;
import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.InputFlag;
import org.jline.terminal.Attributes.LocalFlag;
import org.jline.terminal.Attributes.OutputFlag;
import org.jline.terminal.Terminal;
import org.jline.utils.NonBlockingInputStream;
import vmkernel.api.vm.VirtualMachine;

/** A person or a script at the serial port of a virtual machine, until Ctrl-] or until the machine goes off. */
final class SerialConsole {
    /** Session variable that holds the terminal; absent in scripts. */
    static final String TERMINAL = ".terminal";
    private static final int POLL_MILLIS = 20;
    /** Keys that follow one another faster than this belong together. */
    private static final int BURST_MILLIS = 5;

    private SerialConsole() {}

    /** Where keys come from. */
    private interface Keys {
        /** Waits a moment for keys: their number, 0 if there are none. The end of a file of keys is no key. */
        int read(byte[] chunk) throws IOException, InterruptedException;
    }

    /** @return true if the user left, false if the machine went off */
    static boolean attach(CommandSession session, VirtualMachine machine) throws IOException, InterruptedException {
        if (session.get(TERMINAL) instanceof Terminal terminal) return onTerminal(terminal, machine);
        return onStreams(session.getKeyboard(), Process.Utils.current().out(), machine);
    }

    /** For scripts: Ctrl-] leaves here too, the end of the input does not. */
    static boolean onStreams(InputStream in, OutputStream out, VirtualMachine machine) throws IOException, InterruptedException {
        return converse(machine, out, chunk -> {
            int length = Math.min(in.available(), chunk.length);
            if (length > 0) return in.read(chunk, 0, length);
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            return 0;
        });
    }

    /** In raw mode: every key but Ctrl-] is the guest's, Ctrl-C included. */
    static boolean onTerminal(Terminal terminal, VirtualMachine machine) throws IOException, InterruptedException {
        Attributes saved = terminal.enterRawMode();
        Attributes raw = new Attributes(terminal.getAttributes());
        raw.setLocalFlag(LocalFlag.ISIG, false);
        raw.setLocalFlag(LocalFlag.IEXTEN, false);
        raw.setInputFlag(InputFlag.IXON, false);
        raw.setOutputFlag(OutputFlag.OPOST, false);
        terminal.setAttributes(raw);
        try {
            // only now: who reads this may type anything at once
            terminal.writer().print("the serial console of " + machine.name() + "; Ctrl-] leaves it\r\n");
            terminal.flush();
            NonBlockingInputStream keys = (NonBlockingInputStream) terminal.input();
            return converse(machine, terminal.output(), chunk -> burst(keys, chunk));
        } finally {
            terminal.setAttributes(saved);
        }
    }

    /**
     * Everything that comes in one go, in one piece: a guest that gets the escape sequence of a key, or a terminal's answer, with
     * gaps in it takes it for single keys.
     */
    private static int burst(NonBlockingInputStream keys, byte[] chunk) throws IOException {
        int length = 0;
        int key = keys.read(POLL_MILLIS);
        while (key >= 0) {
            chunk[length++] = (byte) key;
            key = length < chunk.length ? keys.read(BURST_MILLIS) : -1;
        }
        return length;
    }

    private static boolean converse(VirtualMachine machine, OutputStream screen, Keys keys) throws IOException, InterruptedException {
        CompletableFuture<VirtualMachine.PowerOff> off = machine.off();
        AutoCloseable output = machine.serial(0).attach((bytes, offset, length) -> {
            screen.write(bytes, offset, length);
            screen.flush();
        });
        byte[] chunk = new byte[Keyboard.CHUNK_BYTES];
        try {
            while (!off.isDone()) {
                int length = keys.read(chunk);
                int end = Keyboard.indexOfEscape(chunk, length);
                machine.serial(0).send(chunk, 0, end);
                if (end < length) return true;
            }
            machine.serial(0).flush();
            return false;
        } finally {
            close(output);
        }
    }

    private static void close(AutoCloseable output) {
        try {
            output.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
