package console.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.proc.ProcTree;

/** The /proc/vmware tree in the shell. Other paths are files of the host. */
@Component(service = ProcCommands.class, property = {"osgi.command.scope=vmk", "osgi.command.function=cat", "osgi.command.function=ls",
    "osgi.command.function=procset", "osgi.command.function=version"})
public final class ProcCommands {
    private static final String ROOT = "/proc/vmware";

    private final ProcTree tree;
    private final BundleContext context;

    @Activate
    public ProcCommands(@Reference ProcTree tree, BundleContext context) {
        this.tree = tree;
        this.context = context;
    }

    @Descriptor("print nodes of /proc/vmware, such as /proc/vmware/sched/cpu, or files")
    public void cat(CommandSession session, @Descriptor("paths") String[] paths) {
        if (paths.length == 0) attempt(() -> System.in.transferTo(System.out));
        for (String path : paths) {
            if (inTree(path)) System.out.print(attempt(() -> tree.read(path)));
            else attempt(() -> Files.copy(file(session, path), System.out));
        }
        System.out.flush();
    }

    @Descriptor("list a folder of /proc/vmware, or a folder of files")
    public void ls(CommandSession session, @Descriptor("paths; none for the current folder") String[] paths) {
        for (String path : paths.length == 0 ? new String[] {"."} : paths) {
            List<String> names = attempt(() -> inTree(path) ? tree.list(relative(path)) : files(file(session, path)));
            names.forEach(System.out::println);
        }
    }

    @Descriptor("write a value to a node of /proc/vmware, as echo VALUE > NODE did")
    public void procset(@Descriptor("path of the node") String path, @Descriptor("value") String value) {
        attempt(() -> { tree.write(path, value); return null; });
    }

    @Descriptor("print the version of this system and of the Java that runs it")
    public void version() {
        System.out.println("vmk " + context.getBundle().getVersion() + ", Java " + System.getProperty("java.version") + " on " + System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    }

    private static boolean inTree(String path) { return path.equals(ROOT) || path.startsWith(ROOT + "/"); }

    private static Path file(CommandSession session, String path) {
        Path file = session.currentDir().resolve(path);
        if (!Files.exists(file)) throw new CommandException(path + ": there is no such file");
        return file;
    }

    private static List<String> files(Path path) throws IOException {
        if (!Files.isDirectory(path)) return List.of(path.toString());
        try (Stream<Path> files = Files.list(path)) {
            return files.map(file -> file.getFileName() + (Files.isDirectory(file) ? "/" : "")).sorted().toList();
        }
    }

    private static String relative(String path) {
        String below = path.substring(ROOT.length());
        return below.replaceAll("^/+|/+$", "");
    }

    private interface Operation<T> {
        T run() throws IOException;
    }

    private static <T> T attempt(Operation<T> operation) {
        try {
            return operation.run();
        } catch (IOException e) {
            throw new CommandException(e.getMessage());
        }
    }
}
