package console.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.Volumes;
import vmkernel.api.files.tools.Listing;
import vmkernel.api.files.tools.Removal;
import vmkernel.api.files.tools.TreeCopy;
import vmkernel.api.proc.ProcTree;
import vmkernel.api.storage.BlockDevice;

/** Files in the shell: those of volumes below /vmfs, nodes of /proc/vmware, and files of the machine below. */
@Component(service = FileCommands.class, property = {"osgi.command.scope=vmk", "osgi.command.function=cat", "osgi.command.function=ls", "osgi.command.function=cp",
    "osgi.command.function=rm", "osgi.command.function=mkdir", "osgi.command.function=mv", "osgi.command.function=vdf"})
public final class FileCommands {
    private static final String PROC = "/proc/vmware";

    private final ProcTree tree;
    private final Volumes volumes;
    private final Places places;

    @Activate
    public FileCommands(@Reference ProcTree tree, @Reference Volumes volumes) {
        this.tree = tree;
        this.volumes = volumes;
        this.places = new Places(volumes);
    }

    @Command(name = "ls", description = "Lists files, volumes (/vmfs) and nodes of /proc/vmware.")
    private static final class Ls {
        @Option(names = "--help", usageHelp = true, description = "this text") private boolean help;
        @Option(names = "-l", description = "with type, permissions, links, owner, group, size and time") private boolean details;
        @Option(names = "-a", description = "also those with a dot, and a file system's own") private boolean all;
        @Option(names = "-R", description = "with folders below") private boolean recursive;
        @Option(names = "-h", description = "sizes with units") private boolean human;
        @Parameters(paramLabel = "PATH", description = "none for the current folder") private List<String> paths = List.of(".");
    }

    @Descriptor("list files, volumes (/vmfs) and nodes of /proc/vmware; -l tells all about them")
    public void ls(CommandSession session, @Descriptor("options and paths") String[] arguments) {
        Arguments.parse(new Ls(), List.of(arguments)).ifPresent(ls -> Watched.plain("ls", () -> {
            List<VolumePath> files = new ArrayList<>();
            for (String path : ls.paths) {
                Optional<List<String>> names = names(path);
                if (names.isPresent()) names.get().forEach(System.out::println); else files.add(places.of(session, path));
            }
            new Listing(ls.all, ls.details, ls.recursive, ls.human).print(files, System.out);
            return null;
        }));
    }

    /** What is in a folder that is in no volume. */
    private Optional<List<String>> names(String path) throws IOException {
        if (inProc(path)) return Optional.of(tree.list(path.substring(PROC.length()).replaceAll("^/+|/+$", "")));
        boolean byLabel = path.matches("/+vmfs/*");
        if (!byLabel && !path.matches("/+vmfs/+volumes/*")) return Optional.empty();
        return Optional.of(volumes.mounted().stream().map(Volumes.Mounted::volume).map(volume -> byLabel ? volume.label() : volume.uuid()).toList());
    }

    private static boolean inProc(String path) { return path.equals(PROC) || path.startsWith(PROC + "/"); }

    @Descriptor("print files and nodes of /proc/vmware, such as /proc/vmware/sched/cpu")
    public void cat(CommandSession session, @Descriptor("paths; none for standard input") String[] paths) {
        Watched.plain("cat", () -> {
            if (paths.length == 0) System.in.transferTo(System.out);
            for (String path : paths) {
                if (inProc(path)) System.out.print(tree.read(path)); else Files.copy(places.path(places.of(session, path)), System.out);
            }
            System.out.flush();
            return null;
        });
    }

    @Command(name = "cp", description = "Copies files between volumes and the machine below.")
    private static final class Cp {
        @Option(names = "--help", usageHelp = true, description = "this text") private boolean help;
        @Option(names = {"-r", "-R"}, description = "folders with all that is in them") private boolean recursive;
        @Option(names = "-p", description = "keep times") private boolean preserve;
        @Parameters(paramLabel = "FROM... TO", arity = "2..*", hideParamSyntax = true) private List<String> paths;
    }

    @Descriptor("copy files between volumes and the machine below; -r copies folders")
    public void cp(CommandSession session, @Descriptor("options, files and where to") String[] arguments) {
        Arguments.parse(new Cp(), List.of(arguments)).ifPresent(cp -> Watched.run(session, "cp", "copying", true, progress -> {
            List<Path> files = new ArrayList<>();
            for (String path : cp.paths) files.add(places.path(places.of(session, path)));
            return new TreeCopy(cp.recursive, cp.preserve, progress).copy(files.subList(0, files.size() - 1), files.get(files.size() - 1));
        }));
    }

    @Command(name = "rm", description = "Deletes files.")
    private static final class Rm {
        @Option(names = "--help", usageHelp = true, description = "this text") private boolean help;
        @Option(names = {"-r", "-R"}, description = "folders with all that is in them") private boolean recursive;
        @Option(names = "-f", description = "what is not there is no error") private boolean force;
        @Parameters(paramLabel = "PATH", arity = "1..*") private List<String> paths;
    }

    @Descriptor("delete files; -r deletes folders")
    public void rm(CommandSession session, @Descriptor("options and paths") String[] arguments) {
        Arguments.parse(new Rm(), List.of(arguments)).ifPresent(rm -> Watched.plain("rm", () -> {
            for (String path : rm.paths) new Removal(rm.recursive, rm.force).remove(places.of(session, path));
            return null;
        }));
    }

    @Command(name = "mkdir", description = "Makes folders.")
    private static final class Mkdir {
        @Option(names = "--help", usageHelp = true, description = "this text") private boolean help;
        @Option(names = "-p", description = "those above, too; what is there is no error") private boolean parents;
        @Parameters(paramLabel = "PATH", arity = "1..*") private List<String> paths;
    }

    @Descriptor("make folders; -p makes those above, too")
    public void mkdir(CommandSession session, @Descriptor("options and paths") String[] arguments) {
        Arguments.parse(new Mkdir(), List.of(arguments)).ifPresent(mkdir -> Watched.plain("mkdir", () -> {
            for (String path : mkdir.paths) {
                Path folder = places.path(places.of(session, path));
                if (mkdir.parents) Files.createDirectories(folder); else Files.createDirectory(folder);
            }
            return null;
        }));
    }

    @Descriptor("rename a file, or move files into a folder, also to another volume")
    public void mv(CommandSession session, @Descriptor("files and where to") String[] paths) {
        if (paths.length < 2) throw new CommandException("mv: FROM and TO are needed");
        Watched.plain("mv", () -> {
            Path to = places.path(places.of(session, paths[paths.length - 1]));
            boolean into = Files.isDirectory(to);
            if (!into && paths.length > 2) throw new IOException(to + ": is no folder, so it does not take several files");
            for (String path : List.of(paths).subList(0, paths.length - 1)) {
                Path from = places.path(places.of(session, path));
                Files.move(from, into ? to.resolve(from.getFileName().toString()) : to, StandardCopyOption.REPLACE_EXISTING);
            }
            return null;
        });
    }

    @Command(name = "vdf", description = "Tells how much room there is on volumes.")
    private static final class Vdf {
        @Option(names = "--help", usageHelp = true, description = "this text") private boolean help;
        @Option(names = "-h", description = "sizes with units") private boolean human;
    }

    @Descriptor("tell how much room there is on volumes; -h: with units")
    public void vdf(@Descriptor("options") String[] arguments) {
        Arguments.parse(new Vdf(), List.of(arguments)).ifPresent(vdf -> Watched.plain("vdf", () -> {
            Map<Volume, String> all = new LinkedHashMap<>();
            for (Volumes.Mounted mounted : volumes.mounted()) {
                all.put(mounted.volume(), "/vmfs/" + mounted.volume().label() + " on " + mounted.devices().stream().map(BlockDevice::name).collect(Collectors.joining(",")));
            }
            new Listing(false, false, false, vdf.human).space(all, System.out);
            return null;
        }));
    }
}
