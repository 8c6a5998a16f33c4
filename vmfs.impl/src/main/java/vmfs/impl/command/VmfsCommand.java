package vmfs.impl.command;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.lang.reflect.Method;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import vmfs.impl.image.Image;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskInfo;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FileStatus.Type;
import vmkernel.api.files.FileSystem;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeExtent;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.tools.Listing;
import vmkernel.api.files.tools.Problems;
import vmkernel.api.files.tools.ProgressBar;
import vmkernel.api.files.tools.Removal;
import vmkernel.api.files.tools.Sizes;
import vmkernel.api.files.tools.TreeCopy;
import vmkernel.api.storage.BlockDevice;

/**
 * {@code vmfs IMAGE COMMAND}: looks into a volume in an image file or partition, and changes it. What only reads opens the image for reading only.
 */
@Command(name = "vmfs", addMethodSubcommands = false, description = "Works on a VMFS volume in an image file or a partition.", sortOptions = false,
    synopsisSubcommandLabel = "COMMAND", footer = {"", "IMAGE is a file or a device, FILE:NUMBER a partition of it; where there is one VMFS partition it is taken.",
        "Extents of one volume have commas between.", "Paths are in the volume. Where a path may be on either side, a colon marks the volume's: vmfs disk.img cp :/vm/a.vmdk ."})
public final class VmfsCommand {
    private final FileSystem kind;
    /** Made when it is needed. */
    private final Supplier<DiskFormats> formats;
    private final WritableByteChannel bytes;
    private final PrintStream out, err;
    private final boolean terminal;
    @Spec
    private CommandSpec command;
    @Option(names = "--help", usageHelp = true, scope = CommandLine.ScopeType.INHERIT, description = "this text")
    private boolean help;
    @Parameters(index = "0", paramLabel = "IMAGE", description = "the volume")
    private String image;

    /** @param terminal whether {@code err} is one */
    VmfsCommand(FileSystem kind, Supplier<DiskFormats> formats, OutputStream out, PrintStream err, boolean terminal) {
        this.kind = kind;
        this.formats = formats;
        this.bytes = Channels.newChannel(out);
        this.out = new PrintStream(new BufferedOutputStream(out, 1 << 16));
        this.err = err;
        this.terminal = terminal;
    }

    /** @return 0 if all is well, 1 after a failure, 2 for a wrong command line */
    int run(String... arguments) {
        CommandLine line = commandLine(arguments);
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)).setUsageHelpWidth(100);
        line.setParameterExceptionHandler((wrong, given) -> {
            String what = wrong instanceof CommandLine.UnmatchedArgumentException unknown ? "\"" + unknown.getUnmatched().get(0) + "\" is not known" : wrong.getMessage().lines().findFirst().orElse("");
            err.println("vmfs: " + what + "; see " + wrong.getCommandLine().getCommandSpec().qualifiedName() + " --help");
            return CommandLine.ExitCode.USAGE;
        });
        line.setExecutionExceptionHandler((failed, where, result) -> {
            // who reads what cat writes may have seen enough
            if (!"Broken pipe".equals(failed.getMessage())) err.println("vmfs: " + Problems.oneLine(failed));
            return CommandLine.ExitCode.SOFTWARE;
        });
        line.setExecutionStrategy(result -> {
            if (!result.hasSubcommand() && !result.isUsageHelpRequested()) throw new ParameterException(line, "a command is missing");
            return new CommandLine.RunLast().execute(result);
        });
        int status = line.execute(arguments);
        out.flush();
        return status;
    }

    /** With the one command that is called, which saves time; with all of them if it is none. */
    private CommandLine commandLine(String... arguments) {
        CommandLine line = new CommandLine(this);
        List<String> words = Arrays.stream(arguments).filter(word -> !word.startsWith("-")).toList();
        List<Method> called = words.size() < 2 ? List.of() : CommandLine.getCommandMethods(VmfsCommand.class, words.get(1));
        for (Method method : called.isEmpty() ? CommandLine.getCommandMethods(VmfsCommand.class, null) : called) line.addSubcommand(method.getName(), method);
        return line;
    }

    private interface Work<T> {
        T on(Volume volume) throws IOException;
    }

    private <T> T with(boolean writing, Work<T> work) throws IOException {
        try (Image opened = Image.open(kind, image, !writing)) {
            Volume volume = opened.mount();
            Optional<String> why = volume.readOnly();
            if (writing && why.isPresent()) throw new IOException(image + ": cannot be written: " + why.get());
            return work.on(volume);
        }
    }

    private ProgressBar bar(String what, boolean bytes) { return new ProgressBar(what, new PrintWriter(err), terminal, bytes); }

    /** Work that is watched, if there is a terminal. */
    private interface Watched<T> {
        T run(Progress progress) throws IOException;
    }

    private <T> T watched(String what, boolean bytes, Watched<T> work) throws IOException {
        if (!terminal) return work.run(Progress.NONE);
        try (ProgressBar bar = bar(what, bytes)) {
            return work.run(bar);
        }
    }

    /** From the root, with the mark of the volume or without. */
    private static String inVolume(String path) {
        String plain = path.replaceFirst("^:+", "");
        return plain.startsWith("/") ? plain : "/" + plain;
    }

    private static List<String> orRoot(List<String> paths) { return paths == null || paths.isEmpty() ? List.of("/") : paths; }

    private static final String PATHS = "paths in the volume";

    @Command(name = "ls", description = "Lists files.")
    int ls(@Option(names = "-l", description = "with type, permissions, links, owner, group, size and time") boolean details, @Option(names = "-a", description = "also the file system's own and those with a dot") boolean all,
        @Option(names = "-R", description = "with folders below") boolean recursive, @Option(names = "-h", description = "sizes with units") boolean human,
        @Parameters(paramLabel = "PATH", description = PATHS + "; none for its root", arity = "0..*") List<String> paths) throws IOException {
        return with(false, volume -> {
            new Listing(all, details, recursive, human).print(orRoot(paths).stream().map(path -> new VolumePath(volume, inVolume(path))).toList(), out);
            return 0;
        });
    }

    @Command(name = "cat", description = "Writes files to the standard output.")
    int cat(@Parameters(paramLabel = "PATH", description = PATHS, arity = "1..*") List<String> paths) throws IOException {
        return with(false, volume -> {
            out.flush();
            for (String path : paths) {
                try (FileChannel file = FileChannel.open(kind.fileSystem(volume).getPath(inVolume(path)))) {
                    for (long at = 0, part; (part = file.transferTo(at, Long.MAX_VALUE, bytes)) > 0; ) at += part;
                }
            }
            return 0;
        });
    }

    @Command(name = "cp", description = "Copies files into the volume, out of it, or within it.",
        footer = {"", "A colon marks paths in the volume: cp -r :/vm .   cp disk.vmdk :/vm/   cp :/a :/b"})
    int cp(@Option(names = {"-r", "-R"}, description = "folders with all that is in them") boolean recursive, @Option(names = "-p", description = "keep times") boolean preserve,
        @Parameters(paramLabel = "FROM... TO", arity = "2..*", hideParamSyntax = true) List<String> paths) throws IOException {
        if (paths.stream().noneMatch(path -> path.startsWith(":"))) throw new ParameterException(command.commandLine().getSubcommands().get("cp"), "no path is in the volume; a colon marks those that are: :" + paths.get(0));
        boolean into = paths.get(paths.size() - 1).startsWith(":");
        return with(into, volume -> watched("copying", true, progress -> {
            List<Path> places = new ArrayList<>();
            java.nio.file.FileSystem files = kind.fileSystem(volume);
            for (String path : paths) places.add(path.startsWith(":") ? files.getPath(inVolume(path)) : Path.of(path));
            new TreeCopy(recursive, preserve, progress).copy(places.subList(0, places.size() - 1), places.get(places.size() - 1));
            return 0;
        }));
    }

    @Command(name = "mv", description = "Renames files, or moves them into a folder.")
    int mv(@Parameters(paramLabel = "FROM... TO", arity = "2..*", hideParamSyntax = true) List<String> paths) throws IOException {
        return with(true, volume -> {
            String to = inVolume(paths.get(paths.size() - 1));
            boolean into = folder(volume, to);
            if (!into && paths.size() > 2) throw new IOException(to + ": is no folder, so it does not take several files");
            for (String path : paths.subList(0, paths.size() - 1)) {
                String from = inVolume(path).replaceFirst("(?<=.)/+$", "");
                volume.rename(from, into ? to.replaceFirst("/*$", "/") + from.substring(from.lastIndexOf('/') + 1) : to);
            }
            return 0;
        });
    }

    private static boolean folder(Volume volume, String path) throws IOException {
        try {
            return volume.status(path).type() == Type.DIRECTORY;
        } catch (java.nio.file.NoSuchFileException e) {
            return false;
        }
    }

    @Command(name = "rm", description = "Deletes files.")
    int rm(@Option(names = {"-r", "-R"}, description = "folders with all that is in them") boolean recursive, @Option(names = "-f", description = "what is not there is no error") boolean force,
        @Parameters(paramLabel = "PATH", description = PATHS, arity = "1..*") List<String> paths) throws IOException {
        return with(true, volume -> {
            for (String path : paths) new Removal(recursive, force).remove(new VolumePath(volume, inVolume(path)));
            return 0;
        });
    }

    @Command(name = "mkdir", description = "Makes folders.")
    int mkdir(@Option(names = "-p", description = "those above, too; what is there is no error") boolean parents,
        @Parameters(paramLabel = "PATH", description = PATHS, arity = "1..*") List<String> paths) throws IOException {
        return with(true, volume -> {
            for (String path : paths) {
                Path folder = kind.fileSystem(volume).getPath(inVolume(path));
                if (parents) java.nio.file.Files.createDirectories(folder); else java.nio.file.Files.createDirectory(folder);
            }
            return 0;
        });
    }

    @Command(name = "df", description = "Tells how much room there is.")
    int df(@Option(names = "-h", description = "sizes with units") boolean human) throws IOException {
        return with(false, volume -> {
            new Listing(false, false, false, human).space(Map.of(volume, image), out);
            return 0;
        });
    }

    @Command(name = "stat", description = "Tells all about files.")
    int stat(@Parameters(paramLabel = "PATH", description = PATHS + "; none for its root", arity = "0..*") List<String> paths) throws IOException {
        return with(false, volume -> {
            for (String path : orRoot(paths)) stat(volume, inVolume(path));
            return 0;
        });
    }

    private void stat(Volume volume, String path) throws IOException {
        FileStatus is = volume.status(path);
        out.println("File:      " + path + (is.type() == Type.SYMLINK ? " -> " + volume.target(path) : ""));
        out.println("Type:      " + is.type().name().toLowerCase(java.util.Locale.ROOT) + ", number " + Long.toHexString(is.id()) + ", links " + is.links());
        out.println("Size:      " + is.length() + " bytes, allocated " + is.allocatedBytes());
        out.printf("Mode:      %04o %s, user %d, group %d%n", is.mode(), Listing.mode(is), is.uid(), is.gid());
        out.println("Modified:  " + Listing.time(is.modified()) + ", changed " + Listing.time(is.changed()) + ", accessed " + Listing.time(is.accessed()));
        for (String holder : volume.locks(path)) out.println("Locked:    " + holder);
    }

    @Command(name = "locks", description = "Tells who has files open; status 0 even if nobody has.")
    int locks(@Parameters(paramLabel = "PATH", description = PATHS + "; none for all of it", arity = "0..*") List<String> paths) throws IOException {
        return with(false, volume -> {
            for (String path : orRoot(paths)) locks(volume, inVolume(path));
            return 0;
        });
    }

    private void locks(Volume volume, String path) throws IOException {
        for (String holder : volume.locks(path)) out.println(path + ": " + holder);
        if (!folder(volume, path)) return;
        for (FileStatus entry : volume.list(path)) locks(volume, (path.endsWith("/") ? path : path + "/") + entry.name());
    }

    @Command(name = "disks", description = "Tells what virtual disks are, or writes what one shows, parents included, to a raw image.")
    int disks(@Option(names = "--raw", paramLabel = "FILE", description = "of the machine, which is made: the content of the one disk that is named") Path raw,
        @Parameters(paramLabel = "PATH", description = "descriptors in the volume", arity = "1..*") List<String> paths) throws IOException {
        if (raw != null && paths.size() != 1) throw new ParameterException(command.commandLine().getSubcommands().get("disks"), "--raw writes one disk");
        return with(false, volume -> {
            for (String path : paths) {
                VolumePath disk = new VolumePath(volume, inVolume(path));
                if (raw != null) watched("writing", true, progress -> new RawExport(formats.get(), progress).write(disk, raw)); else describe(formats.get().info(disk));
            }
            return 0;
        });
    }

    private void describe(DiskInfo disk) {
        out.println(disk.disk().path() + ": " + disk.format() + ", " + Sizes.human(disk.bytes()) + " (" + disk.bytes() + " bytes), " + Sizes.human(disk.allocatedBytes()) + " allocated"
            + disk.parent().map(parent -> ", on " + parent.path()).orElse(""));
    }

    @Command(name = "check", description = "Looks whether the volume is whole. Status 0 if it is, or was mended.")
    int check(@Option(names = "--repair", description = "mend what is not; without it nothing is written") boolean repair) throws IOException {
        try (Image opened = Image.open(kind, image, !repair)) {
            CheckReport report = watched("checking", false, progress -> kind.check(opened.devices(), repair, progress));
            report.notes().forEach(out::println);
            report.errors().forEach(out::println);
            if (report.errorCount() > report.errors().size()) out.println("and " + (report.errorCount() - report.errors().size()) + " more");
            out.println(image + ": " + report.files() + " files, " + (report.errorCount() == 0 ? "clean" : report.errorCount() + " errors" + (repair ? ", " + report.repaired() + " repaired" : "; check --repair mends them")));
            return report.clean() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
        }
    }

    @Command(name = "mkfs", description = "Makes an empty volume.")
    int mkfs(@Option(names = "-b", paramLabel = "SIZE", description = "of a block: 1m, with vmfs3 also 2m, 4m and 8m") String block, @Option(names = "-S", paramLabel = "LABEL", description = "its name; if nothing is said that of the file") String label,
        @Option(names = "--type", paramLabel = "TYPE", defaultValue = "vmfs5", description = "vmfs5 (if nothing is said) or vmfs3") String type,
        @Option(names = "--size", paramLabel = "SIZE", description = "make the image file, or make it longer, first") String size,
        @Option(names = "--force", description = "even if there is a volume, which is lost") boolean force) throws IOException {
        long blockBytes = size("-b", block);
        if (blockBytes > Integer.MAX_VALUE) throw new ParameterException(command.commandLine().getSubcommands().get("mkfs"), "-b " + block + " is too much");
        long bytes = size("--size", size);
        if (bytes > 0) lengthen(Path.of(image), bytes);
        try (Image blank = Image.blank(kind, image)) {
            if (blank.devices().size() != 1) throw new IOException(image + ": one device is needed");
            BlockDevice device = blank.devices().get(0);
            Optional<VolumeExtent> before = force ? Optional.empty() : existing(device);
            if (before.isPresent()) throw new IOException(device.name() + ": has a " + before.get().type() + " volume \"" + before.get().label() + "\"; --force gives it up");
            watched("formatting", true, progress -> {
                kind.format(device, new FormatOptions(type, label == null ? name() : label, (int) blockBytes), progress);
                return null;
            });
            return 0;
        }
    }

    /** Of the image, without what comes after a dot. */
    private String name() {
        String name = Image.files(image).get(0).getFileName().toString();
        return name.indexOf('.') > 0 ? name.substring(0, name.indexOf('.')) : name;
    }

    /** Damage is no reason to keep a volume. */
    private Optional<VolumeExtent> existing(BlockDevice device) {
        try {
            return kind.probe(device);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private long size(String option, String text) {
        try {
            return text == null ? 0 : Sizes.parse(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine().getSubcommands().get("mkfs"), option + ": " + e.getMessage());
        }
    }

    private static void lengthen(Path file, long bytes) throws IOException {
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            if (made.length() > bytes) throw new IOException(file + ": has " + made.length() + " bytes already, which is more than " + bytes);
            made.setLength(bytes);
        }
    }
}
