package console.services;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Function;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.vm.VirtualMachine;

/** {@code vmware-cmd} as of ESX Server 2.x [SAPI]: prints {@code verb(arguments) = value}, or the value alone with {@code -q}. */
@Component(service = VmwareCmd.class, property = {"osgi.command.scope=vmk", "osgi.command.function=vmware-cmd"})
public final class VmwareCmd implements Function {
    static final String USAGE = """
        usage: vmware-cmd [-q] -l
               vmware-cmd [-q] -s register CFG | -s unregister CFG
               vmware-cmd [-q] CFG|NAME getstate | start | stop [hard|soft|trysoft] | reset [hard|soft|trysoft] |
                          getconfig KEY | setconfig KEY VALUE | getid | getpid | getuptime | getconfigfile |
                          getproductinfo product|platform|build|majorversion|minorversion
        """;

    private final Machines machines;
    private final BundleContext context;

    @Activate
    public VmwareCmd(@Reference Machines machines, BundleContext context) {
        this.machines = machines;
        this.context = context;
    }

    @Override
    @Descriptor("VMware's command for virtual machines; vmware-cmd -h tells more")
    public Object execute(CommandSession session, List<Object> arguments) {
        List<String> words = new ArrayList<>(arguments.stream().map(String::valueOf).toList());
        boolean quiet = false;
        while (!words.isEmpty() && List.of("-q", "-v").contains(words.get(0))) quiet |= words.remove(0).equals("-q");
        switch (words.isEmpty() ? "-h" : words.get(0)) {
            case "-h", "--help" -> System.out.print(USAGE);
            case "-l" -> machines.registry().machines().forEach(machine -> System.out.println(machine.config().file()));
            case "-s" -> tell(quiet, words.subList(1, words.size()), server(session.currentDir(), words.subList(1, words.size())));
            default -> {
                if (words.size() < 2) throw new CommandException("vmware-cmd " + words.get(0) + ": what to do with it is missing; see vmware-cmd -h");
                tell(quiet, words.subList(1, words.size()), machine(machine(session, words.get(0)), words.subList(1, words.size())));
            }
        }
        return null;
    }

    private VirtualMachine machine(CommandSession session, String name) {
        return machines.registry().find(name).orElseGet(() -> machines.find(name.endsWith(".vmx") ? session.currentDir().resolve(name).normalize().toString() : name));
    }

    private static void tell(boolean quiet, List<String> words, String value) {
        System.out.println(quiet ? value : words.get(0) + "(" + String.join(" ", words.subList(1, words.size())) + ") = " + value);
    }

    private String server(Path folder, List<String> words) {
        String verb = words.isEmpty() ? "" : words.get(0);
        switch (verb) {
            case "register" -> machines.register(folder.resolve(argument(words, "CFG")));
            case "unregister" -> machines.unregister(machines.find(argument(words, "CFG")));
            default -> throw new CommandException("vmware-cmd -s " + verb + ": register and unregister are known; see vmware-cmd -h");
        }
        return "1";
    }

    private String machine(VirtualMachine machine, List<String> words) {
        return switch (words.get(0)) {
            case "getstate" -> Machines.state(machine);
            case "start" -> { machines.start(machine); yield "1"; }
            case "stop" -> { machines.stop(machine, Machines.mode(words.size() > 1 ? words.get(1) : "trysoft")); yield "1"; }
            case "reset" -> { machines.reset(machine, Machines.mode(words.size() > 1 ? words.get(1) : "trysoft")); yield "1"; }
            case "getconfig" -> machine.config().text(argument(words, "KEY")).orElse("");
            case "setconfig" -> {
                if (words.size() != 3) throw new CommandException("vmware-cmd setconfig: KEY and VALUE are needed");
                machines.configure(machine, words.get(1), words.get(2));
                yield "1";
            }
            case "getid" -> Integer.toString(machine.id());
            case "getpid" -> machine.id() < 0 ? "-1" : Long.toString(ProcessHandle.current().pid());
            case "getuptime" -> Long.toString(machine.uptime().toSeconds());
            case "getconfigfile" -> machine.config().file().toString();
            case "getproductinfo" -> product(argument(words, "product, platform, build, majorversion or minorversion"));
            default -> throw new CommandException("vmware-cmd: \"" + words.get(0) + "\" is not known; see vmware-cmd -h");
        };
    }

    private String product(String what) {
        if (what.equals("product")) return "vmk";
        Version version = context.getBundle().getVersion();
        return switch (what) {
            case "platform" -> System.getProperty("os.name") + " " + System.getProperty("os.arch");
            case "build" -> version.toString();
            case "majorversion" -> Integer.toString(version.getMajor());
            case "minorversion" -> Integer.toString(version.getMinor());
            default -> throw new CommandException("vmware-cmd getproductinfo " + what + ": product, platform, build, majorversion and minorversion are known");
        };
    }

    private static String argument(List<String> words, String what) {
        if (words.size() != 2) throw new CommandException("vmware-cmd " + words.get(0) + ": " + what + " is needed");
        return words.get(1);
    }
}
