package console.services;

import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is said to {@code vmkfstools}. */
@Command(name = VmkfstoolsOptions.NAME, description = "Makes and changes volumes and virtual disks.", sortOptions = false, footer = {"",
    "Volumes: /vmfs/LABEL, LABEL, UUID or a device. Devices: vmhba0:0:0:1 (adapter, target, LUN, partition; 0 is the whole LUN).",
    "Disks: /vmfs/LABEL/vm/disk.vmdk, LABEL:disk.vmdk, vmhba0:0:0:1:disk.vmdk, or a file of the machine below.",
    "Formats: zeroedthick (if nothing is said), eagerzeroedthick, thin, 2gbsparse, monolithicSparse, monolithicFlat, twoGbMaxExtentFlat, streamOptimized, raw."})
final class VmkfstoolsOptions {
    static final String NAME = "vmkfstools";

    @ArgGroup(multiplicity = "1") Action action;
    @Option(names = {"-b", "--blocksize"}, paramLabel = "SIZE", description = "with -C: of a file block, 1m to 8m") String blockSize;
    @Option(names = {"-d", "--diskformat"}, paramLabel = "FORMAT", description = "with -c, -i and -e") String format;
    @Option(names = "--label", hidden = true) String label;
    @Option(names = {"-h", "--human-readable"}, description = "with -P and -l: sizes with units") boolean human;
    @Option(names = "--repair", description = "with --check: mend what is wrong") boolean repair;
    @Option(names = "--force", description = "with -C: even if there is a volume, which is lost") boolean force;
    @Option(names = {"-H", "--help"}, usageHelp = true, description = "this text") boolean help;
    @Parameters(paramLabel = "ARGUMENT") List<String> arguments = List.of();

    /** One of them. */
    static final class Action {
        @Option(names = {"-C", "--createfs"}, paramLabel = "TYPE", description = "make a volume, vmfs5 or vmfs3: -C vmfs5 [-b 1m] [-S LABEL] DEVICE") String createfs;
        @Option(names = {"-P", "--queryfs", "--querypartitions"}, description = "tell about a volume: -P [-h] VOLUME") boolean queryfs;
        @Option(names = {"-l", "--list"}, description = "tell about a volume and list its files: -l VOLUME") boolean list;
        @Option(names = "--check", description = "look whether a volume is whole: --check [--repair] VOLUME") boolean check;
        @Option(names = {"-s", "--scan"}, paramLabel = "ADAPTER", description = "look again for volumes on an adapter's disks: -s vmhba0") String scan;
        @Option(names = {"-L", "--lock"}, paramLabel = "WHAT", description = "reserve or release a LUN: -L reserve DEVICE") String lock;
        @Option(names = {"-c", "--createvirtualdisk", "--createfile"}, paramLabel = "SIZE", description = "make a disk: -c 10g [-d FORMAT] DISK") String create;
        @Option(names = {"-i", "--clonevirtualdisk", "--importfile"}, paramLabel = "FROM", description = "copy a disk: -i FROM [-d FORMAT] TO") String clone;
        @Option(names = {"-e", "--exportfile"}, paramLabel = "TO", description = "copy a disk as 2gbsparse: -e TO [-d FORMAT] FROM") String export;
        @Option(names = {"-X", "--extendvirtualdisk"}, paramLabel = "SIZE", description = "make a disk longer: -X SIZE DISK") String extend;
        @Option(names = {"-j", "--inflatedisk"}, description = "give a thin disk all its blocks: -j DISK") boolean inflate;
        @Option(names = {"-K", "--punchzero"}, description = "give back blocks of a thin disk that are zeros: -K DISK") boolean punch;
        @Option(names = {"-E", "--renamevirtualdisk"}, paramLabel = "FROM", description = "rename a disk with its files: -E FROM TO") String rename;
        @Option(names = {"-U", "--deletevirtualdisk"}, description = "delete a disk with its files: -U DISK") boolean delete;
        @Option(names = {"-m", "--commit"}, description = "write a redo log into its parent: -m REDO") boolean commit;
        @Option(names = {"-q", "--query", "--queryrdm"}, description = "tell what a disk is: -q DISK") boolean query;
        @Option(names = {"-g", "--geometry"}, description = "tell the geometry of a disk: -g DISK") boolean geometry;
        @Option(names = {"-x", "--fix"}, paramLabel = "check", description = "look whether a disk is sound: -x check DISK") String fix;
        @Option(names = {"-D", "--lockinfo"}, description = "tell who has a file: -D FILE") boolean lockInfo;
        @Option(names = {"-S", "--setfsname"}, paramLabel = "LABEL", description = "rename a volume: -S LABEL VOLUME; or with -C") String label;
    }
}
