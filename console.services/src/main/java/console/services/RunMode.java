package console.services;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.function.ToIntFunction;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;
import vmkernel.api.vm.VmRegistry;

/**
 * {@code vmk run}: one virtual machine in one shot. COM1 is standard input and output with nothing else mixed in, and the
 * status says how the machine went off.
 */
@Component(service = ToIntFunction.class, property = "vmk.mode=run")
public final class RunMode implements ToIntFunction<List<String>> {
    private static final int USAGE_STATUS = 2;
    private static final int FAILURE_STATUS = 1;

    private final VmRegistry registry;
    private final boolean terminal;
    private final InputStream input;
    private final OutputStream output;
    private final PrintStream messages;
    /** Why standard output could not be written, or null. */
    private volatile String outputFailure;

    @Activate
    public RunMode(@Reference VmRegistry registry, BundleContext context) {
        this(registry, Boolean.parseBoolean(context.getProperty("vmk.stdin.tty")), new FileInputStream(FileDescriptor.in), new FileOutputStream(FileDescriptor.out), System.err);
    }

    RunMode(VmRegistry registry, boolean terminal, InputStream input, OutputStream output, PrintStream messages) {
        this.registry = registry;
        this.terminal = terminal;
        this.input = input;
        this.output = output;
        this.messages = messages;
    }

    @Override
    public int applyAsInt(List<String> arguments) {
        try {
            if (arguments.contains("--help")) {
                output.write(RunOptions.USAGE.getBytes(StandardCharsets.UTF_8));
                return 0;
            }
            return run(RunOptions.parse(arguments));
        } catch (RunOptions.UsageException e) {
            messages.println("vmk run: " + e.getMessage());
            return USAGE_STATUS;
        } catch (VmException | IOException | ExecutionException e) {
            messages.println("vmk run: " + e.getMessage());
            return FAILURE_STATUS;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return FAILURE_STATUS;
        }
    }

    private int run(RunOptions options) throws VmException, IOException, InterruptedException, ExecutionException {
        String name = options.values().get("displayName");
        VirtualMachine machine = registry.register(new VmConfig(Path.of("command line"), options.values()));
        machine.serial(0).attach((bytes, offset, length) -> screen(machine, bytes, offset, length));
        if (options.debugConsole()) machine.debugConsole().attach((bytes, offset, length) -> { messages.write(bytes, offset, length); messages.flush(); });
        try (RawTerminal raw = terminal ? new RawTerminal() : null) {
            long start = System.nanoTime();
            machine.powerOn();
            Thread keys = new Thread(() -> keys(machine), "stdin");
            keys.setDaemon(true);
            keys.start();
            VirtualMachine.PowerOff off = machine.off().get();
            double seconds = (System.nanoTime() - start) / 1e9;
            machine.serial(0).flush();
            if (options.debugConsole()) machine.debugConsole().flush();
            if (raw != null) raw.close();
            if (off.failure() != null) messages.println("vmk run: " + name + ": " + off.failure());
            if (outputFailure != null) messages.println("vmk run: " + name + ": " + outputFailure);
            if (options.cpuStats()) messages.println(statistics(machine.instructions(), seconds));
            return outputFailure != null ? FAILURE_STATUS : off.status();
        }
    }

    static String statistics(long instructions, double seconds) {
        return String.format(Locale.ROOT, "cpu-stats: %d guest instructions, %.3f seconds, %.1f MIPS", instructions, seconds, instructions / seconds / 1e6);
    }

    /** Standard output that cannot be written, as with a closed pipe, ends the run. */
    private void screen(VirtualMachine machine, byte[] bytes, int offset, int length) throws IOException {
        try {
            output.write(bytes, offset, length);
        } catch (IOException e) {
            outputFailure = "standard output cannot be written: " + e.getMessage();
            stop(machine);
            throw e;
        }
    }

    /** The end of standard input does not end the run; Ctrl-] on a terminal does. */
    private void keys(VirtualMachine machine) {
        try {
            if (Keyboard.pump(input, machine.serial(0), terminal)) stop(machine);
        } catch (IOException | InterruptedException e) {
            // nothing more to type
        }
    }

    private void stop(VirtualMachine machine) {
        try {
            machine.powerOff(PowerMode.HARD);
        } catch (VmException e) {
            // it went off by itself meanwhile
        }
    }
}
