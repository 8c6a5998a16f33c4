package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import vmfs.impl.format.Cluster;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.ResourceHeader;

/**
 * A resource file: where the clusters of one kind of blocks are, and the items in them. It knows the geometry only; what is
 * used and free is asked of a {@link Metadata}. Any thread. [VMFS] sections 5 and 10
 */
public final class ResourceFile {
    private static final int MAX_ITEMS_6 = 31744, MAX_CLUSTERS = 65536;

    private final String name;
    private final Generation generation;
    private final BlockMap map;
    /** Whose items are the headers of this one's clusters; else null. */
    private final ResourceFile parent;
    private final int items, groupClusters, firstGroup, itemBytes, groupBytes, clusters;
    private final long total;

    /** @param length of the file; @param at byte address of the header */
    private ResourceFile(String name, Geometry geometry, BlockMap map, long length, ResourceFile parent, ResourceHeader header, long at) throws IOException {
        this.name = name;
        this.map = map;
        this.parent = parent;
        generation = geometry.generation();
        items = header.items();
        groupClusters = header.clusters();
        firstGroup = header.firstGroup();
        itemBytes = header.itemBytes();
        groupBytes = header.groupBytes();
        total = header.total();
        int maxItems = generation == Generation.VMFS6 ? MAX_ITEMS_6 : Cluster.MAX_ITEMS;
        boolean none = items == 0 && total == 0;
        if (items < 0 || items > maxItems || groupClusters < 1 || groupClusters > MAX_CLUSTERS || firstGroup < ResourceHeader.BYTES || itemBytes < 0 || total < 0
            || items == 0 && !none) throw bad(geometry, at, items + " items of " + itemBytes + " bytes in a cluster, " + groupClusters + " clusters in a group, " + total + " items");
        long expected = groupClusters * ((long) generation.clusterBytes() + (long) items * itemBytes);
        if (parent == null && !none && groupBytes != expected) throw bad(geometry, at + 0x10, "a group of " + groupBytes + " bytes, not " + expected);
        long count = none ? 0 : (total + items - 1) / items;
        if (count > Integer.MAX_VALUE / 2 || parent != null && count > parent.total) throw bad(geometry, at + 0x14, total + " items");
        clusters = (int) count;
        if (parent == null && clusters > 0 && end() > length) throw bad(geometry, at + 0x14, total + " items, which take " + end() + " bytes of a file of " + length);
    }

    /** Bytes of the file that the clusters and items need. */
    private long end() {
        long last = firstGroup + (long) ((clusters - 1) / groupClusters) * groupBytes;
        long inLast = ((clusters - 1) % groupClusters * (long) items + itemsOf(clusters - 1)) * itemBytes;
        return last + (itemBytes == 0 ? (long) ((clusters - 1) % groupClusters + 1) * generation.clusterBytes() : (long) groupClusters * generation.clusterBytes() + inLast);
    }

    private VolumeDamagedException bad(Geometry geometry, long at, String what) { return new VolumeDamagedException(geometry.name(), at, "the header of " + name + " says " + what); }

    static ResourceFile read(String name, Geometry geometry, Metadata metadata, FileDescriptor descriptor, long descriptorAt) throws IOException {
        BlockMap map = new BlockMap(geometry, metadata, descriptor, descriptorAt);
        long at = map.locate(0);
        return new ResourceFile(name, geometry, map, Math.min(descriptor.length(), map.reach() * map.blockBytes()), null, new ResourceHeader(metadata.read(at, ResourceHeader.BYTES)), at);
    }

    /** What is managed in the items of this: the small file blocks of VMFS-6. */
    ResourceFile child(String name, Geometry geometry, Metadata metadata) throws IOException {
        long at = map.locate(new ResourceHeader(metadata.read(map.locate(0), ResourceHeader.BYTES)).child() & 0xFFFFFFFFL);
        return new ResourceFile(name, geometry, map, Long.MAX_VALUE, this, new ResourceHeader(metadata.read(at, ResourceHeader.BYTES)), at);
    }

    /** Such as {@code .fbb.sf}. */
    public String name() { return name; }

    /** Items in a cluster. */
    public int items() { return items; }

    /** Clusters in all; the last one may have fewer items. */
    public int clusters() { return clusters; }

    /** Items in all. */
    public long total() { return total; }

    /** Of an item's data; 0 for file blocks. */
    public int itemBytes() { return itemBytes; }

    /** Items of a cluster. */
    public int itemsOf(int cluster) { return (int) Math.min(items, total - (long) cluster * items); }

    /** Clusters whose headers follow each other on the volume from this one on, as far as one read may go. */
    public int together(int cluster) throws IOException {
        if (parent != null) return 1;
        long first = clusterAt(cluster);
        int count = Math.min(groupClusters - cluster % groupClusters, clusters - cluster);
        count = Math.min(count, (1 << 20) / generation.clusterBytes());
        while (count > 1 && clusterAt(cluster + count - 1) != first + (long) (count - 1) * generation.clusterBytes()) count--;
        return count;
    }

    /** Byte address in the volume of a cluster's header. @throws IOException with the address, if the file is damaged there */
    public long clusterAt(int cluster) throws IOException {
        if (parent != null) return parent.itemAt(cluster / parent.items, cluster % parent.items);
        return map.locate(firstGroup + (long) (cluster / groupClusters) * groupBytes + (long) (cluster % groupClusters) * generation.clusterBytes());
    }

    /** True if there is such an item. */
    public boolean has(int cluster, int item) { return cluster >= 0 && cluster < clusters && item >= 0 && item < itemsOf(cluster); }

    /** Byte address in the volume of an item's data. @param cluster and item as {@link #has} */
    public long itemAt(int cluster, int item) throws IOException {
        long inGroup = (long) groupClusters * generation.clusterBytes() + ((long) (cluster % groupClusters) * items + item) * itemBytes;
        long position = firstGroup + (long) (cluster / groupClusters) * groupBytes + inGroup;
        long at = map.locate(position);
        // sub-blocks of VMFS-3 may begin in one block of this file and end in the next
        if (position % map.blockBytes() + itemBytes > map.blockBytes() && map.locate(position + itemBytes - 1) != at + itemBytes - 1) {
            throw map.damaged("item " + item + " of cluster " + cluster + " of " + name + " is torn in two");
        }
        return at;
    }

    /** A cluster's header, to be read. @param cluster below {@link #clusters} */
    public Cluster cluster(Metadata metadata, int cluster) throws IOException {
        return new Cluster(generation, metadata.read(clusterAt(cluster), generation.clusterBytes()));
    }

    /** Free items, as the clusters say: reads all their headers. */
    public long free(Metadata metadata) throws IOException {
        long free = 0;
        for (int cluster = 0, count; cluster < clusters; cluster += count) {
            count = together(cluster);
            ByteBuffer headers = metadata.read(clusterAt(cluster), count * generation.clusterBytes());
            for (int i = 0; i < count; i++) {
                int claimed = new Cluster(generation, headers.slice(i * generation.clusterBytes(), generation.clusterBytes())).free();
                free += Math.max(0, Math.min(claimed, itemsOf(cluster + i)));
            }
        }
        return free;
    }
}
