package console.services;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.VirtualMachine;

/** Short commands for virtual machines. They print for a person; {@link VmwareCmd} prints for scripts. */
@Component(service = VmCommands.class, property = {"osgi.command.scope=vmk", "osgi.command.function=list", "osgi.command.function=vms",
    "osgi.command.function=register", "osgi.command.function=unregister", "osgi.command.function=create", "osgi.command.function=start",
    "osgi.command.function=stop", "osgi.command.function=reset", "osgi.command.function=console", "osgi.command.function=getstate",
    "osgi.command.function=getconfig", "osgi.command.function=setconfig", "osgi.command.function=__vms"})
public final class VmCommands {
    private final Machines machines;

    @Activate
    public VmCommands(@Reference Machines machines) { this.machines = machines; }

    @Descriptor("list the registered virtual machines")
    public void list() {
        PrintStream out = System.out;
        out.printf("%6s  %-9s  %10s  %6s  %-16s  %s%n", "ID", "STATE", "UPTIME", "MEM/MB", "NAME", "CONFIGURATION");
        for (VirtualMachine machine : machines.registry().machines()) {
            out.printf("%6s  %-9s  %10s  %6s  %-16s  %s%n", machine.id() < 0 ? "-" : machine.id(), Machines.state(machine), uptime(machine.uptime()),
                machine.config().text("memsize", "-"), machine.name(), machine.config().file());
        }
    }

    @Descriptor("list the registered virtual machines")
    public void vms() { list(); }

    @Descriptor("register the virtual machine of a .vmx file")
    public void register(CommandSession session, @Descriptor("path of the .vmx file") String vmx) {
        System.out.println(machines.register(session.currentDir().resolve(vmx)).name() + ": registered");
    }

    @Descriptor("take a virtual machine that is off out of the list; its files stay")
    public void unregister(@Descriptor("name, id or .vmx path") String name) {
        machines.unregister(machines.find(name));
        System.out.println(name + ": unregistered");
    }

    @Descriptor("make and register a virtual machine, such as: create t1 memsize=64 boot.kernel=/boot/vmlinuz \"boot.append=console=ttyS0\"")
    public void create(CommandSession session, @Descriptor("name") String name, @Descriptor("keys of the .vmx file; paths are taken from the current folder") String[] keys) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String pair : keys) {
            int equals = pair.indexOf('=');
            if (equals <= 0) throw new CommandException("create: \"" + pair + "\" is not KEY=VALUE");
            String key = pair.substring(0, equals).trim();
            values.put(key, boot(session.currentDir(), key, pair.substring(equals + 1).trim()));
        }
        VirtualMachine machine = machines.create(name, values);
        System.out.println(machine.name() + ": created, " + machine.config().file());
    }

    /** Boot files are named from where the user is, but the .vmx file lies elsewhere. */
    private static String boot(Path folder, String key, String value) {
        boolean file = key.matches("(?i)boot\\.(kernel|initrd|multiboot|rom|module[0-9]+)");
        return file && !value.isEmpty() ? folder.resolve(value).normalize().toString() : value;
    }

    @Descriptor("power a virtual machine on")
    public void start(@Descriptor("name, id or .vmx path") String name) {
        VirtualMachine machine = machines.find(name);
        machines.start(machine);
        System.out.println(machine.name() + ": on, id " + machine.id());
    }

    @Descriptor("power a virtual machine off: ask the guest, and pull the plug if it cannot be asked")
    public void stop(@Descriptor("name, id or .vmx path") String name) { stop(name, "trysoft"); }

    @Descriptor("power a virtual machine off")
    public void stop(@Descriptor("name, id or .vmx path") String name, @Descriptor("hard, soft or trysoft") String mode) {
        VirtualMachine machine = machines.find(name);
        machines.stop(machine, Machines.mode(mode));
        System.out.println(machine.name() + (Machines.state(machine).equals("on") ? ": the guest was asked to shut down" : ": off"));
    }

    @Descriptor("reset a virtual machine, as its reset button does")
    public void reset(@Descriptor("name, id or .vmx path") String name) { reset(name, PowerMode.HARD.name()); }

    @Descriptor("reset a virtual machine")
    public void reset(@Descriptor("name, id or .vmx path") String name, @Descriptor("hard, soft or trysoft") String mode) {
        VirtualMachine machine = machines.find(name);
        machines.reset(machine, Machines.mode(mode));
        System.out.println(machine.name() + ": reset");
    }

    @Descriptor("attach the terminal to the serial console of a virtual machine; Ctrl-] leaves it")
    public void console(CommandSession session, @Descriptor("name, id or .vmx path") String name) throws Exception {
        VirtualMachine machine = machines.find(name);
        if (machine.id() < 0) throw new CommandException(machine.name() + " is off; \"start " + machine.name() + "\" powers it on");
        if (!SerialConsole.attach(session, machine)) System.out.println("\r\n" + machine.name() + " is off" + (machine.reason().isEmpty() ? "" : ": " + machine.reason()));
    }

    @Descriptor("tell whether a virtual machine is on, off, suspended or stuck, and why")
    public void getstate(@Descriptor("name, id or .vmx path") String name) {
        VirtualMachine machine = machines.find(name);
        System.out.println(Machines.state(machine) + (machine.reason().isEmpty() ? "" : ": " + machine.reason()));
    }

    @Descriptor("show the configuration of a virtual machine")
    public void getconfig(@Descriptor("name, id or .vmx path") String name) {
        machines.find(name).config().values().forEach((key, value) -> System.out.println(key + " = \"" + value + "\""));
    }

    @Descriptor("show a value of the configuration")
    public void getconfig(@Descriptor("name, id or .vmx path") String name, @Descriptor("key") String key) {
        VirtualMachine machine = machines.find(name);
        System.out.println(machine.config().text(key).orElseThrow(() -> new CommandException(machine.name() + ": no key " + key + " in " + machine.config().file())));
    }

    @Descriptor("set a value of the configuration; most take effect at the next power-on")
    public void setconfig(@Descriptor("name, id or .vmx path") String name, @Descriptor("key") String key, @Descriptor("value") String value) {
        machines.configure(machines.find(name), key, value);
    }

    @Descriptor("names of virtual machines, for completion")
    public List<String> __vms() { return machines.registry().machines().stream().map(VirtualMachine::name).toList(); }

    private static String uptime(Duration time) {
        return time.isZero() ? "-" : String.format("%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
    }
}
