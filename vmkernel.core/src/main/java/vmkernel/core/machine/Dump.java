package vmkernel.core.machine;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.function.Supplier;
import vmkernel.api.monitor.Vcpu;

/** Writes down all that is known about a VM that failed. Gets as far as it can, whatever state that is in. */
final class Dump {
    private Dump() {}

    /** @throws Throwable if nothing can be written; whatever it is, the caller has no dump then */
    static Path write(Path home, String name, PoweredMachine machine, String cause, Throwable failure) throws Throwable {
        Path folder = Files.createDirectories(home.resolve("var/dumps"));
        String base = name.replaceAll("[^A-Za-z0-9._-]", "_") + "-" + DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").format(LocalDateTime.now());
        Path file = folder.resolve(base + ".txt");
        for (int i = 2; Files.exists(file); i++) file = folder.resolve(base + "-" + i + ".txt");
        return Files.writeString(file, text(name, machine, cause, failure));
    }

    private static String text(String name, PoweredMachine machine, String cause, Throwable failure) {
        StringBuilder text = new StringBuilder("virtual machine: ").append(name).append(" (world ").append(machine.id()).append(")\n");
        text.append("what happened: ").append(cause).append('\n');
        add(text, "uptime", () -> machine.clock().nanos() / 1_000_000 + " ms");
        add(text, "instructions", () -> machine.cpu().instructions() + " in all, " + machine.cpu().instructionsOfBoot() + " since the last reset");
        add(text, "monitor", () -> machine.engine().name());
        add(text, "java", () -> System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
        if (failure != null) {
            StringWriter stack = new StringWriter();
            failure.printStackTrace(new PrintWriter(stack));
            text.append("\n--- exception\n").append(stack);
        }
        Vcpu vcpu = machine.cpu().vcpu();
        if (vcpu != null) add(text, "\n--- virtual CPU\n", vcpu::describe);
        add(text, "\n--- pins", () -> "events " + Integer.toHexString(machine.cpu().events()) + ", A20 " + machine.cpu().a20());
        add(text, "\n--- misuse of devices", () -> machine.misuses().toString());
        add(text, "\n--- configuration", () -> machine.config().values().toString());
        return text.toString();
    }

    private static void add(StringBuilder text, String label, Supplier<String> part) {
        try {
            text.append(label).append(": ").append(part.get()).append('\n');
        } catch (Throwable e) {
            text.append(label).append(": cannot be told: ").append(e).append('\n');
        }
    }
}
