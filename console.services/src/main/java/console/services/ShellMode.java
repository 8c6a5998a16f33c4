package console.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.apache.felix.gogo.jline.Shell;
import org.apache.felix.service.command.CommandSession;
import org.jline.reader.LineReader;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.vm.VirtualMachine;

/** {@code vmk}: the service console on a terminal, with completion and history. Without a terminal, standard input is a script. */
@Component(service = {ToIntFunction.class, ShellMode.class}, property = "vmk.mode=shell")
public final class ShellMode implements ToIntFunction<List<String>> {
    private final Shells shells;
    private final ScriptMode scripts;
    private final Machines machines;
    private final BundleContext context;

    @Activate
    public ShellMode(@Reference Shells shells, @Reference(target = "(vmk.mode=script)") ToIntFunction<List<String>> scripts, @Reference Machines machines, BundleContext context) {
        this.shells = shells;
        this.scripts = (ScriptMode) scripts;
        this.machines = machines;
        this.context = context;
    }

    @Override
    public int applyAsInt(List<String> arguments) {
        try {
            if (!Boolean.parseBoolean(context.getProperty("vmk.stdin.tty"))) return scripts.runStandardInput();
            try (Terminal terminal = terminal()) {
                terminal.writer().println("vmk service console. \"help\" lists the commands; Ctrl-D leaves.");
                interact(terminal);
            }
            return 0;
        } catch (Exception e) {
            System.err.println("vmk: the shell ended: " + ScriptMode.message(e));
            return 1;
        }
    }

    Terminal terminal() throws IOException {
        return TerminalBuilder.builder().name("vmk").system(true).nativeSignals(true).signalHandler(Terminal.SignalHandler.SIG_IGN).build();
    }

    /** Reads and does commands until the user leaves. */
    void interact(Terminal terminal) throws Exception {
        Path var = Path.of(context.getProperty("vmk.home"), "var");
        Files.createDirectories(var);
        try (CommandSession session = shells.session(terminal.input(), terminal.output(), terminal.output())) {
            session.put(SerialConsole.TERMINAL, terminal);
            session.put(LineReader.HISTORY_FILE, var.resolve("history"));
            shells.shell().gosh(session, new String[] {"--login", "--nohistory", "--noshutdown"});
        }
        String running = machines.registry().machines().stream().filter(machine -> machine.id() >= 0).map(VirtualMachine::name).collect(Collectors.joining(", "));
        if (!running.isEmpty()) terminal.writer().println("powering off " + running);
        terminal.flush();
    }
}
