package console.services;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.felix.gogo.jline.Shell;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Function;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The shell's own commands: help and the way out. */
@Component(service = ConsoleCommands.class, property = {"osgi.command.scope=vmk", "osgi.command.function=help", "osgi.command.function=exit"})
public final class ConsoleCommands {
    private final Shells shells;
    private final BundleContext context;

    @Activate
    public ConsoleCommands(@Reference Shells shells, BundleContext context) {
        this.shells = shells;
        this.context = context;
    }

    @Descriptor("leave the service console; virtual machines that are on are powered off")
    public void exit(CommandSession session) { exit(session, 0); }

    @Descriptor("leave a script with a status")
    public void exit(CommandSession session, @Descriptor("status, 0 if all is well") int status) {
        if (session.get(Shell.VAR_READER) == null) throw new ExitException(status);
        shells.shell().stop();
    }

    @Descriptor("list the commands")
    public void help() {
        Map<String, List<Method>> commands = commands();
        commands.forEach((name, methods) -> System.out.printf("%-12s %s%n", name, descriptor(methods.get(0))));
        System.out.println("\"help COMMAND\" tells its arguments; Gogo's own commands (echo, grep, each, if ...) are there too: gogo:help");
    }

    @Descriptor("tell about a command")
    public void help(CommandSession session, @Descriptor("command") String name) throws Exception {
        List<Method> methods = commands().get(name);
        if (methods == null) {
            if (!(session.get("*:" + name) instanceof Function)) throw new CommandException("help: there is no command " + name + "; \"help\" lists them");
            ((Function) session.get("gogo:help")).execute(session, List.of(name));
            return;
        }
        for (Method method : methods) System.out.println(name + parameters(method) + " - " + descriptor(method));
    }

    /** Methods of the commands in our scope, those with fewer parameters first. */
    private Map<String, List<Method>> commands() {
        Map<String, List<Method>> commands = new TreeMap<>();
        try {
            ServiceReference<?>[] found = context.getAllServiceReferences(null, "(osgi.command.scope=vmk)");
            for (ServiceReference<?> reference : found == null ? new ServiceReference<?>[0] : found) {
                Object service = context.getService(reference);
                Object functions = reference.getProperty("osgi.command.function");
                for (String name : functions instanceof String[] many ? many : new String[] {functions.toString()}) {
                    if (!name.startsWith("__")) commands.put(name, methods(service, name));
                }
                context.ungetService(reference);
            }
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(e);
        }
        return commands;
    }

    private static List<Method> methods(Object service, String name) {
        String wanted = service instanceof Function ? "execute" : name;
        return Arrays.stream(service.getClass().getMethods()).filter(method -> method.getName().equals(wanted) && !method.isBridge())
            .sorted(Comparator.comparing(Method::getParameterCount)).toList();
    }

    private static String descriptor(Method method) {
        Descriptor descriptor = method.getAnnotation(Descriptor.class);
        return descriptor == null ? "" : descriptor.value();
    }

    /** What a user gives after the name, each as its descriptor says. */
    private static String parameters(Method method) {
        return Arrays.stream(method.getParameters()).map(parameter -> parameter.getAnnotation(Descriptor.class)).filter(Objects::nonNull)
            .map(descriptor -> " <" + descriptor.value() + ">").collect(Collectors.joining());
    }
}
