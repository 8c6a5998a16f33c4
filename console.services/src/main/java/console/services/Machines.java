package console.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmException;
import vmkernel.api.vm.VmRegistry;

/** What the commands do with virtual machines, with errors that fit a shell. Holds no state of its own. */
@Component(service = Machines.class)
public final class Machines {
    private final VmRegistry registry;
    private final Path folder;

    @Activate
    public Machines(@Reference VmRegistry registry, BundleContext context) {
        this.registry = registry;
        this.folder = Path.of(context.getProperty("vmk.home")).toAbsolutePath().resolve("var/vm");
    }

    VmRegistry registry() { return registry; }

    /** By display name, world id or path of the .vmx file. */
    VirtualMachine find(String name) {
        return registry.find(name).orElseThrow(() -> new CommandException("no virtual machine " + name + " is registered; \"list\" shows those that are"));
    }

    VirtualMachine register(Path vmx) {
        return attempt(() -> registry.register(vmx.toAbsolutePath().normalize()));
    }

    void unregister(VirtualMachine machine) { attempt(() -> { registry.unregister(machine); return null; }); }

    /** Powers on, unless another process has it on. */
    void start(VirtualMachine machine) {
        Path vmx = machine.config().file();
        PowerLock lock = machine.id() < 0 && Files.isRegularFile(vmx) ? PowerLock.take(machine.name(), vmx) : null;
        try {
            attempt(() -> { machine.powerOn(); return null; });
        } catch (CommandException e) {
            if (lock != null) lock.release();
            throw e;
        }
        if (lock != null) machine.off().whenComplete((off, failure) -> lock.release());
    }

    void stop(VirtualMachine machine, PowerMode mode) { attempt(() -> { machine.powerOff(mode); return null; }); }

    void reset(VirtualMachine machine, PowerMode mode) { attempt(() -> { machine.reset(mode); return null; }); }

    void configure(VirtualMachine machine, String key, String value) {
        if (key.isBlank() || key.contains("=") || key.contains("\"")) throw new CommandException("\"" + key + "\" is no key of a .vmx file");
        attempt(() -> { machine.configure(key, text(key, value)); return null; });
    }

    /**
     * Writes a new .vmx file below the folder of virtual machines and registers it; leaves nothing behind if that fails.
     *
     * @param keys what differs from a machine with 256 MB and a serial port
     */
    VirtualMachine create(String name, Map<String, String> keys) {
        if (!name.matches("[A-Za-z0-9_][A-Za-z0-9_. -]*")) throw new CommandException("create: \"" + name + "\" is no name: letters, digits and _ . - are");
        if (registry.find(name).isPresent()) throw new CommandException("create: a virtual machine " + name + " is registered already");
        Map<String, String> values = new LinkedHashMap<>();
        values.put("config.version", "6");
        values.put("virtualHW.version", "3");
        values.put("displayName", name);
        values.put("guestOS", "other");
        values.put("memsize", "256");
        values.put("serial0.present", "TRUE");
        keys.forEach((key, value) -> {
            values.keySet().removeIf(key::equalsIgnoreCase);
            values.put(key, text(key, value));
        });
        Path home = folder.resolve(name);
        Path vmx = home.resolve(name + ".vmx");
        try {
            Files.createDirectories(folder);
            Files.createDirectory(home);
            Files.writeString(vmx, values.entrySet().stream().map(entry -> entry.getKey() + " = \"" + entry.getValue() + "\"\n").collect(Collectors.joining()));
        } catch (IOException e) {
            throw new CommandException("create: " + (Files.exists(home) ? home + " exists already" : home + " cannot be made: " + e.getMessage()));
        }
        try {
            return register(vmx);
        } catch (CommandException e) {
            remove(vmx, home);
            throw e;
        }
    }

    private static void remove(Path... paths) {
        try {
            for (Path path : paths) Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new CommandException("create: " + e.getMessage() + " cannot be removed");
        }
    }

    private static String text(String key, String value) {
        if (value.contains("\"") || value.contains("\n")) throw new CommandException(key + ": a value in a .vmx file holds neither quotes nor line ends");
        return value;
    }

    /** @param word hard, soft or trysoft */
    static PowerMode mode(String word) {
        for (PowerMode mode : PowerMode.values()) if (mode.name().equalsIgnoreCase(word)) return mode;
        throw new CommandException("\"" + word + "\" is no way to stop or reset: hard, soft and trysoft are");
    }

    /** The state in vmware-cmd's words. */
    static String state(VirtualMachine machine) { return machine.state().name().toLowerCase(java.util.Locale.ROOT); }

    private interface Operation<T> {
        T run() throws VmException;
    }

    private static <T> T attempt(Operation<T> operation) {
        try {
            return operation.run();
        } catch (VmException e) {
            throw new CommandException(e.getMessage());
        }
    }
}
