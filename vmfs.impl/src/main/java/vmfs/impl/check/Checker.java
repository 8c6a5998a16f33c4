package vmfs.impl.check;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.format.LockSector;
import vmfs.impl.volume.Geometry;
import vmfs.impl.volume.Metadata;
import vmfs.impl.volume.ResourceFile;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.Progress;

/** Looks whether a volume is whole. Memory is bounded by a few bits for each block; everything else is read as it is needed. */
public final class Checker {
    private static final int MAX_ROUNDS = 20, MAX_LINES = 1000;

    private final Geometry geometry;
    private final Metadata metadata;
    private final Repairs repairs;
    private final Findings findings = new Findings();
    private final Count count;
    private final Usages usages;

    private Checker(Geometry geometry, Metadata metadata, Repairs repairs, Progress progress) {
        this.geometry = geometry;
        this.metadata = metadata;
        this.repairs = repairs;
        count = new Count(progress);
        usages = new Usages(geometry);
    }

    /** Only looks. @throws IOException in one line if a device fails, or if the volume is so damaged that there is no root */
    public static CheckReport check(Geometry geometry, Metadata metadata, Progress progress) throws IOException {
        Findings found = new Checker(geometry, metadata, null, progress).look();
        return new CheckReport(List.copyOf(found.lines()), found.errors(), 0, found.files(), List.copyOf(found.notes()));
    }

    /** Looks and mends until there is nothing left that can be mended. @param metadata as the repairs leave them */
    public static CheckReport repair(Geometry geometry, Metadata metadata, Repairs repairs, Progress progress) throws IOException {
        List<String> lines = new ArrayList<>();
        long repaired = 0;
        for (int round = 1; ; round++) {
            Findings found = new Checker(geometry, metadata, repairs, round == 1 ? progress : Progress.NONE).look();
            Findings.Mended mended = round < MAX_ROUNDS ? found.repair() : new Findings.Mended(0, List.of());
            repaired += mended.count();
            lines.addAll(mended.lines());
            if (mended.count() > 0) continue;
            lines.addAll(found.lines());
            return new CheckReport(List.copyOf(lines.subList(0, Math.min(lines.size(), MAX_LINES))), repaired + found.errors(), repaired, found.files(),
                List.copyOf(found.notes()));
        }
    }

    private Findings look() throws IOException {
        boolean wide = geometry.generation() == Generation.VMFS6;
        count.more(geometry.fileBlocks().clusters() + geometry.descriptors().clusters() + geometry.subBlocks().clusters());
        heartbeats();
        clusters(usages.fileBlocks, LockSector.FILE_BLOCKS);
        clusters(usages.descriptors, LockSector.DESCRIPTORS);
        clusters(usages.subBlocks, LockSector.SUB_BLOCKS);
        if (usages.pointerBlocks != usages.subBlocks) clusters(usages.pointerBlocks, LockSector.POINTER_BLOCKS);
        if (usages.pointerBlocks2 != null) clusters(usages.pointerBlocks2, LockSector.POINTER_BLOCKS_2);
        if (!wide && geometry.fileBlocks().total() > geometry.blocks()) {
            findings.error(".fbb.sf", Generation.FS_HEADER, "counts " + geometry.fileBlocks().total() + " file blocks in a volume of " + geometry.blocks());
        }
        count.more(usages.descriptors.used.cardinality());
        new Tree(geometry, metadata, findings, repairs, usages, count).check();
        lost(usages.fileBlocks);
        lost(usages.subBlocks);
        if (usages.pointerBlocks != usages.subBlocks) lost(usages.pointerBlocks);
        if (usages.pointerBlocks2 != null) lost(usages.pointerBlocks2);
        return findings;
    }

    private void clusters(Usage usage, int type) throws IOException { new Clusters(geometry, metadata, findings, repairs, usage, type).check(count); }

    /** Who has the volume mounted; the block that is such a host's journal belongs to no file. [VMFS] section 9 */
    private void heartbeats() throws IOException {
        Generation generation = geometry.generation();
        for (int slot = 0; slot < generation.heartbeats(); slot++) {
            long at = generation.heartbeat(slot);
            Heartbeat heartbeat = new Heartbeat(metadata.read(at, Heartbeat.BYTES));
            boolean known = heartbeat.magic() == Heartbeat.FREE || heartbeat.magic() == Heartbeat.USED;
            if (!known || heartbeat.address() != at) {
                String what = known ? "says that it is at byte 0x" + Long.toHexString(heartbeat.address()) : "no heartbeat is there";
                findings.error("heartbeat " + slot, at, what, Findings.Stage.CORRECT, "becomes a free one", () -> repairs.heartbeat(at));
            } else if (heartbeat.magic() == Heartbeat.USED) {
                findings.note("host " + heartbeat.owner() + (heartbeat.host().isEmpty() ? "" : " (" + heartbeat.host() + ")")
                    + " has the volume mounted, or died (heartbeat " + slot + ")");
                int journal = heartbeat.journal() >>> 6;
                if (generation != Generation.VMFS6 && heartbeat.journal() != 0 && journal < geometry.blocks()) usages.fileBlocks.seen.set(journal);
            }
        }
    }

    /** Items that are in use, and nobody has. */
    private void lost(Usage usage) throws IOException {
        ResourceFile resource = usage.resource;
        BitSet lost = (BitSet) usage.used.clone();
        lost.andNot(usage.seen);
        for (int first = lost.nextSetBit(0); first >= 0; ) {
            int cluster = first / resource.items();
            int next = (cluster + 1) * resource.items();
            int[] items = lost.get(first, next).stream().toArray();
            int from = first;
            for (int i = 0; i < items.length; i++) items[i] += from - cluster * resource.items();
            findings.errors(items.length, resource.name() + " cluster " + cluster, resource.clusterAt(cluster), items.length + " lost item"
                + (items.length == 1 ? "" : "s") + " that no file has, the first is "
                + items[0], Findings.Stage.FREE, "freed", () -> repairs.free(resource, cluster, items));
            first = lost.nextSetBit(next);
        }
    }
}
