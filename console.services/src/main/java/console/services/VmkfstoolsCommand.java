package console.services;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Function;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskInfo;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.VolumeSpace;
import vmkernel.api.files.Volumes;
import vmkernel.api.files.tools.Listing;
import vmkernel.api.files.tools.Sizes;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Storage;

/** {@code vmkfstools}: volumes and virtual disks, with the options of ESX Server 2 and 3 [D20] [AG21] as far as there is such a thing here. */
@Component(service = VmkfstoolsCommand.class, property = {"osgi.command.scope=vmk", "osgi.command.function=vmkfstools"})
public final class VmkfstoolsCommand implements Function {
    private static final String NAME = VmkfstoolsOptions.NAME, DEVICES = "/vmfs/devices/disks/";

    private final Volumes volumes;
    private final Storage storage;
    private final Places places;

    @Activate
    public VmkfstoolsCommand(@Reference Volumes volumes, @Reference Storage storage) {
        this.volumes = volumes;
        this.storage = storage;
        this.places = new Places(volumes);
    }

    @Override
    @Descriptor("make, change and check volumes and virtual disks; vmkfstools --help tells more")
    public Object execute(CommandSession session, List<Object> arguments) {
        Optional<VmkfstoolsOptions> parsed = Arguments.parse(new VmkfstoolsOptions(), arguments.isEmpty() ? List.of("--help") : labelApart(arguments));
        if (parsed.isPresent()) new Run(session, parsed.get()).run();
        return null;
    }

    /** -S is an action, but with -C it says the new volume's label. */
    private static List<Object> labelApart(List<Object> arguments) {
        List<Object> words = new ArrayList<>(arguments);
        if (words.stream().map(String::valueOf).anyMatch(word -> word.startsWith("-C") || word.startsWith("--createfs"))) words.replaceAll(word -> List.of("-S", "--setfsname").contains(String.valueOf(word)) ? "--label" : word);
        return words;
    }

    /** One call. */
    private final class Run {
        private final CommandSession session;
        private final VmkfstoolsOptions given;

        Run(CommandSession session, VmkfstoolsOptions given) {
            this.session = session;
            this.given = given;
        }

        void run() {
            VmkfstoolsOptions.Action action = given.action;
            if (action.createfs != null) createVolume();
            else if (action.label != null) plain(() -> volume(argument("VOLUME")).label(action.label));
            else if (action.queryfs) plain(() -> describe(volume(argument("VOLUME"))));
            else if (action.list) plain(this::listVolume);
            else if (action.check) checkVolume();
            else if (action.scan != null) scan();
            else if (action.lock != null) plain(this::lock);
            else if (action.lockInfo) plain(this::lockInfo);
            else disk(action);
        }

        private void disk(VmkfstoolsOptions.Action action) {
            if (action.create != null) watched("creating", progress -> volumes.disks().create(disk(argument("DISK")), format("zeroedthick"), size("-c", action.create), progress));
            else if (action.clone != null) watched("copying", progress -> volumes.disks().copy(disk(action.clone), disk(argument("TO")), format("zeroedthick"), progress));
            else if (action.export != null) watched("exporting", progress -> volumes.disks().copy(disk(argument("FROM")), disk(action.export), format("2gbsparse"), progress));
            else if (action.extend != null) watched("extending", progress -> volumes.disks().extend(disk(argument("DISK")), size("-X", action.extend), progress));
            else if (action.inflate) watched("inflating", progress -> volumes.disks().inflate(disk(argument("DISK")), progress));
            else if (action.punch) watched("punching", progress -> volumes.disks().punchZeros(disk(argument("DISK")), progress));
            else if (action.rename != null) plain(() -> volumes.disks().rename(disk(action.rename), disk(argument("TO"))));
            else if (action.delete) plain(() -> volumes.disks().delete(disk(argument("DISK"))));
            else if (action.commit) watched("committing", progress -> volumes.disks().commit(disk(argument("REDO")), progress));
            else if (action.query) plain(() -> describe(volumes.disks().info(disk(argument("DISK")))));
            else if (action.geometry) plain(() -> geometry(volumes.disks().info(disk(argument("DISK")))));
            else checkDisk(action.fix);
        }

        private void plain(Step work) { Watched.plain(NAME, () -> { work.run(); return null; }); }

        private void watched(String title, LongStep work) { Watched.run(session, NAME, title, true, progress -> { work.run(progress); return null; }); }

        private String argument(String what) {
            if (given.arguments.size() != 1) throw new CommandException(NAME + ": one " + what + " is needed; see vmkfstools --help");
            return given.arguments.get(0);
        }

        private VolumePath disk(String name) throws IOException { return places.of(session, name); }

        private DiskFormat format(String usual) {
            String name = given.format == null ? usual : given.format;
            return DiskFormat.named(name).orElseThrow(() -> new CommandException(NAME + ": -d " + name + ": no such format; see vmkfstools --help"));
        }

        private long size(String option, String text) {
            try {
                return Sizes.parse(text);
            } catch (IllegalArgumentException e) {
                throw new CommandException(NAME + ": " + option + " " + e.getMessage());
            }
        }

        /** By label, UUID, device or path. */
        private Volume volume(String name) throws IOException {
            Optional<Volume> known = volumes.find(plainName(name));
            return known.isPresent() ? known.get() : volumes.resolve(name.startsWith("/vmfs/") || name.contains(":") ? name : "/vmfs/" + name).volume();
        }

        private static String plainName(String name) { return name.replaceFirst("^" + DEVICES, "").replaceFirst("^/+vmfs/+(?:volumes/+)?([^/]+)/*$", "$1").replaceFirst(":$", ""); }

        private BlockDevice device(String name) {
            return storage.find(plainName(name)).orElseThrow(() -> new CommandException(NAME + ": " + name + ": there is no such device; ls /proc/vmware/scsi lists them"));
        }

        private void createVolume() {
            BlockDevice device = device(argument("DEVICE"));
            long block = given.blockSize == null ? 0 : size("-b", given.blockSize);
            if (block > Integer.MAX_VALUE) throw new CommandException(NAME + ": -b " + given.blockSize + ": is too much");
            FormatOptions options = new FormatOptions(given.action.createfs, given.label == null ? freeLabel() : given.label, (int) block);
            plain(() -> giveUp(device));
            watched("formatting", progress -> volumes.format(device, options, progress));
        }

        /** The first of datastore1, datastore2 and so on that no volume has. */
        private String freeLabel() {
            return IntStream.rangeClosed(1, volumes.mounted().size() + 1).mapToObj(number -> "datastore" + number).filter(label -> volumes.find(label).isEmpty()).findFirst().orElseThrow();
        }

        /** A volume that is there is lost only by --force. */
        private void giveUp(BlockDevice device) throws IOException {
            for (Volumes.Mounted mounted : volumes.mounted()) {
                if (mounted.devices().stream().noneMatch(known -> known.name().equals(device.name()))) continue;
                if (!given.force) throw new IOException(device.name() + ": has volume " + mounted.volume().label() + "; --force gives it up");
                volumes.unmount(mounted.volume());
            }
        }

        private void describe(Volume volume) throws IOException {
            VolumeSpace space = volume.space();
            List<String> devices = volumes.mounted().stream().filter(mounted -> mounted.volume() == volume).flatMap(mounted -> mounted.devices().stream()).map(BlockDevice::name).toList();
            System.out.println(volume.type() + " file system spanning " + devices.size() + " partition" + (devices.size() == 1 ? "" : "s") + ".");
            System.out.println("File system label (if any): " + volume.label());
            System.out.println("Mode: public" + volume.readOnly().map(why -> " READ ONLY (" + why + ")").orElse(""));
            System.out.println("Capacity " + amount(space.bytes(), space.blockBytes()) + ", " + amount(space.freeBytes(), space.blockBytes()) + " avail");
            System.out.println("Files (max/free): " + space.files() + "/" + space.freeFiles());
            System.out.println("UUID: " + volume.uuid());
            System.out.println("Partitions spanned:");
            devices.forEach(device -> System.out.println("\t" + device));
        }

        private String amount(long bytes, int blockBytes) { return given.human ? Sizes.human(bytes) : bytes + " (" + bytes / blockBytes + " file blocks * " + blockBytes + ")"; }

        private void listVolume() throws IOException {
            String name = argument("VOLUME");
            VolumePath place = name.matches("/+vmfs/+(volumes/+)?[^/]+/+.+") ? places.of(session, name) : new VolumePath(volume(name), "/");
            describe(place.volume());
            System.out.println();
            new Listing(true, true, false, given.human).print(List.of(place), System.out);
        }

        private void checkVolume() {
            String name = argument("VOLUME");
            BlockDevice device = Watched.plain(NAME, () -> storage.find(plainName(name)).orElse(null));
            BlockDevice checked = device != null ? device : Watched.plain(NAME, () -> firstDevice(volume(name)));
            CheckReport report = Watched.run(session, NAME, "checking", false, progress -> volumes.check(checked, given.repair, progress));
            report.notes().forEach(System.out::println);
            report.errors().forEach(System.out::println);
            if (report.errorCount() > report.errors().size()) System.out.println("and " + (report.errorCount() - report.errors().size()) + " more");
            System.out.println(checked.name() + ": " + report.files() + " files, " + report.errorCount() + " errors" + (given.repair ? ", " + report.repaired() + " repaired" : ""));
            if (!report.clean()) throw new CommandException(NAME + ": " + checked.name() + ": " + (report.errorCount() - report.repaired()) + " errors are left" + (given.repair ? "" : "; --repair mends them"));
        }

        private BlockDevice firstDevice(Volume volume) throws IOException {
            return volumes.mounted().stream().filter(mounted -> mounted.volume() == volume).flatMap(mounted -> mounted.devices().stream()).findFirst()
                .orElseThrow(() -> new IOException(volume.label() + ": is not mounted any more"));
        }

        private void scan() {
            List<BlockDevice> luns = storage.devices().stream().filter(device -> device.name().matches(java.util.regex.Pattern.quote(given.action.scan) + ":\\d+:\\d+")).toList();
            if (luns.isEmpty()) throw new CommandException(NAME + ": " + given.action.scan + ": there is no such adapter with disks");
            plain(() -> {
                for (BlockDevice lun : luns) storage.rescan(lun);
                volumes.rescan();
            });
        }

        private void lock() throws IOException {
            BlockOperation operation = switch (given.action.lock) {
                case "reserve" -> BlockOperation.RESERVE;
                case "release" -> BlockOperation.RELEASE;
                case "lunreset", "targetreset", "busreset" -> throw new IOException("-L " + given.action.lock + ": resets are the driver's own: vmkload_mod -u MODULE, then vmkload_mod MODULE");
                default -> throw new IOException("-L " + given.action.lock + ": reserve and release are known");
            };
            BlockDevice device = device(argument("DEVICE"));
            CompletableFuture<BlockResult> end = new CompletableFuture<>();
            device.submit(operation, 0, null, end::complete);
            BlockResult result = end.join();
            if (!result.good()) throw new IOException(device.name() + ": " + given.action.lock + ": " + result);
        }

        private void lockInfo() throws IOException {
            VolumePath file = places.of(session, argument("FILE"));
            List<String> holders = file.volume().locks(file.path());
            if (holders.isEmpty()) System.out.println(file + ": is not locked");
            holders.forEach(holder -> System.out.println(file + ": " + holder));
        }

        private void describe(DiskInfo disk) {
            System.out.println(disk.disk() + ": " + disk.format() + ", " + Sizes.human(disk.bytes()) + " (" + disk.bytes() + " bytes), " + Sizes.human(disk.allocatedBytes()) + " allocated");
            System.out.printf("CID %08x%s%n", disk.cid(), disk.parent().map(parent -> String.format(", parent %s with CID %08x", parent, disk.parentCid())).orElse(""));
            System.out.println("Files: " + disk.files().stream().map(VolumePath::toString).collect(Collectors.joining(", ")));
        }

        private void geometry(DiskInfo disk) {
            Map<String, String> is = disk.database();
            String cylinders = is.get("ddb.geometry.cylinders");
            if (cylinders == null) throw new CommandException(NAME + ": " + disk.disk() + ": its descriptor tells no geometry");
            System.out.println("Geometry information C/H/S is " + cylinders + "/" + is.get("ddb.geometry.heads") + "/" + is.get("ddb.geometry.sectors"));
        }

        private void checkDisk(String what) {
            if (!what.equals("check")) throw new CommandException(NAME + ": -x " + what + ": check is known; disks are not repaired");
            String name = argument("DISK");
            List<String> problems = Watched.run(session, NAME, "checking", true, progress -> volumes.disks().check(disk(name), progress));
            problems.forEach(System.out::println);
            if (!problems.isEmpty()) throw new CommandException(NAME + ": " + name + ": " + problems.size() + " problems");
            System.out.println("Disk is error free");
        }
    }

    private interface Step {
        void run() throws IOException;
    }

    private interface LongStep {
        void run(Progress progress) throws IOException;
    }
}
