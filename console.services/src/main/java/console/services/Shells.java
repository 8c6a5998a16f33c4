package console.services;

import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import org.apache.felix.gogo.jline.Builtin;
import org.apache.felix.gogo.jline.Converters;
import org.apache.felix.gogo.jline.Posix;
import org.apache.felix.gogo.jline.Procedural;
import org.apache.felix.gogo.jline.Shell;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.threadio.ThreadIO;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Gogo with the commands of its JLine shell. That bundle is not started, because its activator takes the terminal and the
 * standard streams whether anyone wants a shell or not; here they belong to whoever asks for a session.
 */
@Component(service = Shells.class)
public final class Shells {
    /** Our commands first, so that "start" starts a virtual machine and not a bundle. */
    static final String SCOPE = "vmk:gogo:felix:osgi";

    private final CommandProcessor processor;
    private final BundleContext context;
    private final Shell shell;
    private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

    @Activate
    public Shells(@Reference CommandProcessor processor, @Reference ThreadIO threads, BundleContext context) {
        this.processor = processor;
        this.context = context;
        this.shell = new Shell(new Context(), processor, threads, null);
        registrations.add(context.registerService(Converter.class, new Converters(context.getBundle(0).getBundleContext()), null));
        register(new Builtin(), "format", "getopt", "new", "set", "tac", "type", "jobs", "fg", "bg", "keymap", "setopt", "unsetopt", "complete",
            "history", "widget", "__files", "__directories", "__usage_completion");
        register(new Procedural(), "each", "if", "not", "throw", "try", "until", "while", "break", "continue");
        register(new Posix(processor), "cat", "echo", "grep", "sort", "sleep", "cd", "pwd", "ls", "less", "watch", "nano", "tail", "head", "clear", "wc", "date");
        register(shell, "gosh", "sh", "source", "help");
    }

    @Deactivate
    void close() { registrations.forEach(ServiceRegistration::unregister); }

    private void register(Object target, String... functions) {
        Dictionary<String, Object> properties = new Hashtable<>();
        properties.put(CommandProcessor.COMMAND_SCOPE, "gogo");
        properties.put(CommandProcessor.COMMAND_FUNCTION, functions);
        @SuppressWarnings("unchecked")
        Class<Object> type = (Class<Object>) target.getClass();
        registrations.add(context.registerService(type, target, properties));
    }

    CommandSession session(InputStream in, OutputStream out, OutputStream err) {
        CommandSession session = processor.createSession(in, out, err);
        session.put(Shell.VAR_SCOPE, SCOPE);
        session.currentDir(Path.of("").toAbsolutePath());
        session.put("default", (Function) (user, words) -> { throw new CommandException(words.get(0) + ": there is no such command; \"help\" lists them"); });
        return session;
    }

    Shell shell() { return shell; }

    private final class Context implements Shell.Context {
        @Override
        public String getProperty(String name) { return context.getProperty(name.equals("gosh.home") ? "vmk.dist" : name); }

        @Override
        public void exit() { shell.stop(); }
    }
}
