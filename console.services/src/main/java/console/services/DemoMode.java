package console.services;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jline.terminal.Terminal;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;

/** {@code vmk demo}: Debian in a virtual machine, from nothing to its shell; or the embedded guest where there is no network. */
@Component(service = ToIntFunction.class, property = "vmk.mode=demo")
public final class DemoMode implements ToIntFunction<List<String>> {
    private static final String DEBIAN = "debian";
    private static final String EMBEDDED = "embedded";

    private final ShellMode shell;
    private final Machines machines;
    private final boolean onTerminal;
    private final Path distribution;
    private final Path var;
    private final PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true);
    private final InputStream in = new FileInputStream(FileDescriptor.in);

    @Activate
    public DemoMode(@Reference ShellMode shell, @Reference Machines machines, BundleContext context) {
        this.shell = shell;
        this.machines = machines;
        this.onTerminal = Boolean.parseBoolean(context.getProperty("vmk.stdin.tty"));
        this.distribution = Path.of(context.getProperty("vmk.dist"));
        this.var = Path.of(context.getProperty("vmk.home")).toAbsolutePath().resolve("var");
    }

    @Override
    public int applyAsInt(List<String> arguments) {
        try {
            VirtualMachine machine = prepare();
            return machine == null ? 1 : show(machine);
        } catch (Exception e) {
            System.err.println("vmk demo: " + ScriptMode.message(e));
            return 1;
        }
    }

    /** @return the machine to show, off; null if there is none and the user has been told */
    private VirtualMachine prepare() throws IOException, InterruptedException, VmException {
        DebianGuest guest = new DebianGuest(var.resolve(DEBIAN), out);
        try {
            guest.prepare();
        } catch (IOException e) {
            System.err.println("vmk demo: " + e.getMessage());
            out.print("Without Debian there is a small guest that comes with this distribution. Start it instead? [Y/n] ");
            out.flush();
            if (!yes()) return null;
            Path elf = distribution.resolve("guests/guest.elf");
            return machines.registry().register(new VmConfig(Path.of(EMBEDDED), Map.of("displayName", EMBEDDED, "memsize", "32", "serial0.present", "TRUE", "boot.multiboot", elf.toString())));
        }
        return machines.registry().find(DEBIAN).orElseGet(() -> debian(guest));
    }

    /** Its .vmx file may be there from an earlier demo that was unregistered. */
    private VirtualMachine debian(DebianGuest guest) {
        Path vmx = var.resolve("vm").resolve(DEBIAN).resolve(DEBIAN + ".vmx");
        return Files.exists(vmx) ? machines.register(vmx) : machines.create(DEBIAN, guest.configuration());
    }

    /** Reads a line; no answer at all is a no. */
    private boolean yes() throws IOException {
        StringBuilder answer = new StringBuilder();
        int key;
        while ((key = in.read()) >= 0 && key != '\n') answer.append((char) key);
        if (key < 0) out.println();
        return key >= 0 && (answer.isEmpty() || answer.toString().trim().toLowerCase(java.util.Locale.ROOT).startsWith("y"));
    }

    private int show(VirtualMachine machine) throws Exception {
        if (machine.id() >= 0) throw new CommandException(machine.name() + " is on already");
        out.println("powering on " + machine.name() + " (" + machine.config().text("memsize", "?") + " MB)");
        if (!onTerminal) {
            machines.start(machine);
            SerialConsole.onStreams(in, out, machine);
            return ended(machine);
        }
        try (Terminal terminal = shell.terminal()) {
            machines.start(machine);
            if (!SerialConsole.onTerminal(terminal, machine)) return ended(machine);
            terminal.writer().println("\r\n" + machine.name() + " stays on. \"console " + machine.name() + "\" comes back to it, \"help\" lists the commands, Ctrl-D ends all.");
            shell.interact(terminal);
            return 0;
        }
    }

    private int ended(VirtualMachine machine) throws Exception {
        VirtualMachine.PowerOff off = machine.off().get();
        out.println("\r\n" + machine.name() + " is off" + (off.failure() == null ? "" : ": " + off.failure()));
        return off.status();
    }
}
