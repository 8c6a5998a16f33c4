package vmkernel.core.proc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import vmkernel.api.proc.ProcNode;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Partition;
import vmkernel.core.storage.DiskCounters;
import vmkernel.core.storage.DiskShare;
import vmkernel.core.storage.HostAdapter;
import vmkernel.core.storage.MachineDisk;
import vmkernel.core.storage.StoragePaths;
import vmkernel.core.storage.Unit;

/** The nodes of disks: {@code scsi/vmhbaN/T:L} of a LUN, {@code scsi/vmhbaN/stats} of a driver, {@code vm/ID/disk/NAME} of a machine's disk. */
final class StorageNodes {
    private static final String COUNTERS = String.format("%10s %10s %10s %10s %10s %8s %9s", "KBread", "KBwritten", "reads", "writes", "cmds", "aborts", "busResets");

    private final StoragePaths storage;

    StorageNodes(StoragePaths storage) { this.storage = storage; }

    List<ProcNode> nodes() {
        List<ProcNode> nodes = new ArrayList<>();
        for (HostAdapter adapter : storage.adapters()) {
            String at = "scsi/" + adapter.name() + "/";
            nodes.add(new TextNode(at + "stats", () -> counters(adapter.statistics())));
            for (Unit unit : adapter.units()) nodes.add(new TextNode(at + unit.name().substring(adapter.name().length() + 1), () -> lun(unit)));
        }
        for (MachineDisk disk : storage.machineDisks()) nodes.add(machineDisk("vm/" + disk.machine() + "/disk/" + disk.label(), disk));
        return nodes;
    }

    /** One to a line. */
    static String counters(Map<String, Long> counters) {
        StringBuilder text = new StringBuilder();
        counters.forEach((name, value) -> text.append(String.format(Locale.ROOT, "%-24s %d%n", name, value)));
        return text.toString();
    }

    private static String lun(Unit unit) {
        LogicalUnit now = unit.now();
        int[] load = unit.load();
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "Vendor: %-8s  Model: %-16s  Rev: %-4s%n", now.vendor().strip(), now.model().strip(), now.revision().strip()));
        text.append(String.format(Locale.ROOT, "Type:   Direct-Access%s%n", now.readOnly() ? ", write-protected" : ""));
        text.append(String.format(Locale.ROOT, "Size:   %d MB%n", now.blocks() * now.blockBytes() >> 20));
        text.append(String.format(Locale.ROOT, "Queue depth: %d, active %d, queued %d%n%n", load[0], load[1], load[2]));
        text.append(String.format(Locale.ROOT, "Block size: %d%nNum blocks: %d%n%n", now.blockBytes(), now.blocks()));
        text.append(String.format("%4s %12s %12s %10s  %s%n", "num", "Start", "Size", "MB", "Type"));
        for (Partition partition : unit.partitionsNow()) {
            text.append(String.format(Locale.ROOT, "%4d %12d %12d %10d  %s%n", partition.number(), partition.first(), partition.blocks(),
                partition.blocks() * now.blockBytes() >> 20, partition.type()));
        }
        text.append(String.format("%n%-24s %6s %s%n", "user", "shares", COUNTERS));
        for (DiskShare share : unit.shares()) text.append(String.format(Locale.ROOT, "%-24s %6d %s%n", share.owner(), share.shares(), values(share.counters())));
        return text.append(String.format("%nPaths:%n  %s%n", unit.name())).toString();
    }

    private static String values(DiskCounters counters) {
        DiskCounters.Values now = counters.values();
        return String.format(Locale.ROOT, "%10d %10d %10d %10d %10d %8d %9d", now.kbRead(), now.kbWritten(), now.reads(), now.writes(), now.commands(), now.aborts(), now.busResets());
    }

    private static ProcNode machineDisk(String path, MachineDisk disk) {
        return new TextNode(path, () -> String.format("%8s %s%n%8d %s%n", "shares", COUNTERS, disk.share().shares(), values(disk.counters())), written -> {
            try {
                disk.share().shares(DiskShare.parse(written));
            } catch (IllegalArgumentException e) {
                throw new IOException("/proc/vmware/" + path + ": " + e.getMessage());
            }
        });
    }
}
