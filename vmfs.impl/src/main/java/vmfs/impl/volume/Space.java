package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import vmfs.impl.format.Cluster;
import vmfs.impl.format.Generation;
import vmfs.impl.journal.Transaction;

/** Takes and gives back items of a resource file. It remembers which clusters are full, so that nobody looks there again. Under the lock of the ledger. */
final class Space {
    private static final short UNKNOWN = -1;

    private final Generation generation;
    private final String volume;
    private final ResourceFile resource;
    /** Free items of each cluster, as far as they are known. Never more than are free. */
    private final short[] free;
    /** Where the last item was taken. */
    private int hint;

    Space(Geometry geometry, ResourceFile resource) {
        this.generation = geometry.generation();
        this.volume = geometry.name();
        this.resource = resource;
        free = new short[resource.clusters()];
        forget();
    }

    ResourceFile resource() { return resource; }

    /** Another host may have taken and given back. */
    void forget() { Arrays.fill(free, UNKNOWN); }

    /** Free items in all. What is not known is read, many clusters at once. */
    long count(Metadata metadata) throws IOException {
        long sum = 0;
        for (int cluster = 0; cluster < free.length; cluster++) {
            if (free[cluster] == UNKNOWN) learn(metadata, cluster);
            sum += free[cluster];
        }
        return sum;
    }

    private void learn(Metadata metadata, int first) throws IOException {
        int count = resource.together(first);
        ByteBuffer headers = metadata.read(resource.clusterAt(first), count * generation.clusterBytes());
        for (int i = 0; i < count; i++) {
            int claimed = new Cluster(generation, headers.slice(i * generation.clusterBytes(), generation.clusterBytes())).free();
            free[first + i] = (short) Math.max(0, Math.min(claimed, resource.itemsOf(first + i)));
        }
    }

    /** A cluster that has free items, from the one where the last was taken; -1 if there is none. @param from how many of them are left out */
    int search(Transaction transaction, int from) throws IOException {
        for (int i = from; i < free.length; i++) {
            int cluster = (int) ((hint + (long) i) % free.length);
            if (free[cluster] == UNKNOWN) free[cluster] = (short) resource.cluster(transaction, cluster).free();
            if (free[cluster] > 0) return i;
        }
        return -1;
    }

    /** The cluster that {@link #search} found. */
    int cluster(int found) { return (int) ((hint + (long) found) % free.length); }

    /** Searching begins here. */
    void hint(int cluster) { hint = cluster; }

    /** Takes the first free item. @return its number in the resource file; -1 if all are taken */
    long take(Transaction transaction) throws IOException {
        for (int found = -1; (found = search(transaction, found + 1)) >= 0; ) {
            int cluster = cluster(found);
            Cluster header = resource.cluster(transaction, cluster);
            for (int item = 0; item < resource.itemsOf(cluster); item++) {
                if (!header.isFree(item)) continue;
                hint = cluster;
                mark(transaction, cluster, item, false);
                return (long) cluster * resource.items() + item;
            }
        }
        return -1;
    }

    /** The header of a cluster, to be changed. */
    Cluster change(Transaction transaction, int cluster) throws IOException {
        Cluster header = new Cluster(generation, transaction.change(resource.clusterAt(cluster), generation.clusterBytes()));
        header.lock().token(header.lock().token() + 1);
        return header;
    }

    /** Notes that an item is free, or taken. @throws VolumeDamagedException if it was so before */
    void mark(Transaction transaction, int cluster, int item, boolean nowFree) throws IOException {
        Cluster header = change(transaction, cluster);
        if (header.isFree(item) == nowFree) {
            throw new VolumeDamagedException(volume, resource.clusterAt(cluster), "item " + item + " of cluster " + cluster + " of " + resource.name() + " is " + (nowFree ? "given back, but free" : "taken twice"));
        }
        transaction.onUndo(() -> free[cluster] = UNKNOWN);
        header.free(item, nowFree);
        header.free(header.free() + (nowFree ? 1 : -1));
        if (nowFree && (header.free() == 1 || item < header.firstFree())) header.firstFree(item);
        if (!nowFree && item == header.firstFree()) header.firstFree(next(header, item, resource.itemsOf(cluster)));
        free[cluster] = (short) header.free();
    }

    private static int next(Cluster header, int after, int items) {
        for (int item = after + 1; item < items; item++) if (header.isFree(item)) return item;
        return 0;
    }
}
