package vmfs.impl.check;

import java.io.IOException;
import java.nio.ByteBuffer;
import vmfs.impl.format.Cluster;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LockSector;
import vmfs.impl.volume.Geometry;
import vmfs.impl.volume.Metadata;
import vmfs.impl.volume.ResourceFile;
import vmfs.impl.volume.VolumeDamagedException;

/** Looks at the headers of the clusters of a resource file: are they what they should be, and which items do they say are in use. */
final class Clusters {
    private final Geometry geometry;
    private final Metadata metadata;
    private final Findings findings;
    private final Repairs repairs;
    private final Usage usage;
    private final ResourceFile resource;
    private final int type;

    /** @param type as in {@link LockSector#type} */
    Clusters(Geometry geometry, Metadata metadata, Findings findings, Repairs repairs, Usage usage, int type) {
        this.geometry = geometry;
        this.metadata = metadata;
        this.findings = findings;
        this.repairs = repairs;
        this.usage = usage;
        this.type = type;
        resource = usage.resource;
    }

    void check(Count count) throws IOException {
        int bytes = geometry.generation().clusterBytes();
        for (int cluster = 0, together; cluster < resource.clusters(); cluster += together) {
            together = 1;
            try {
                together = resource.together(cluster);
                long at = resource.clusterAt(cluster);
                ByteBuffer headers = metadata.read(at, together * bytes);
                for (int i = 0; i < together; i++) check(cluster + i, at + (long) i * bytes, new Cluster(geometry.generation(), headers.slice(i * bytes, bytes)));
            } catch (VolumeDamagedException e) {
                findings.error(resource.name(), e.address(), e.what());
                usage.unknown.set(cluster, cluster + together);
            }
            count.done(together);
        }
    }

    private void check(int number, long at, Cluster cluster) throws IOException {
        String where = resource.name() + " cluster " + number;
        // clusters that were never used are zero
        if (geometry.generation() == Generation.VMFS6 && cluster.lock().type() == 0) return;
        int items = resource.itemsOf(number);
        if (cluster.lock().type() != type || cluster.number() != number || cluster.total() != items) {
            String what = cluster.lock().type() != type ? "no header of a cluster is there" : "its header says that it is cluster " + cluster.number() + " of "
                + cluster.total() + " items, not " + items;
            usage.unknown.set(number);
            // found anew from what files have, after which lost items are found in the next round
            findings.error(where, at, what, Findings.Stage.MARK, "gets a new header, everything in it is taken for used", () -> repairs.header(resource,
                number, type));
            return;
        }
        if (cluster.lock().address() != at) {
            findings.error(where, at + 4, "its lock says that it is at byte 0x" + Long.toHexString(cluster.lock().address()), Findings.Stage.CORRECT,
                "is corrected", () -> repairs.lockAddress(at));
        }
        if (!bitPerItem()) {
            if (cluster.free() == 0) usage.used.set(usage.index(number, 0), usage.index(number, 0) + items); else usage.unknown.set(number);
            return;
        }
        int free = cluster.countFree(items);
        for (int item = 0; item < items; item++) if (!cluster.isFree(item)) usage.used.set(usage.index(number, item));
        if (cluster.free() != free) {
            findings.error(where, at, "counts " + cluster.free() + " free items, " + free + " are", Findings.Stage.MARK, "is counted anew",
                () -> repairs.recount(resource, number));
        }
    }

    /** File blocks of VMFS-6 have two bits each, whose meaning is only known if all are in use. */
    private boolean bitPerItem() { return geometry.generation() != Generation.VMFS6 || type != LockSector.FILE_BLOCKS; }
}
