package vmfs.impl.mkfs;

/**
 * How the items of a resource file are arranged. [VMFS] section 5
 *
 * @param lockType of its clusters, as in {@link vmfs.impl.format.LockSector}
 * @param items in a cluster; @param clusters in a group; @param itemBytes 0 for file blocks, which are elsewhere; @param total items in all
 */
record Layout(int lockType, int items, int clusters, int itemBytes, long total) {
    static final int FIRST_GROUP = 0x10000, CLUSTER_BYTES = 1024;

    /** Of the cluster headers of a group. */
    int headBytes() { return clusters * CLUSTER_BYTES; }

    int groupBytes() { return headBytes() + clusters * items * itemBytes; }

    long groupItems() { return (long) clusters * items; }

    long clusterCount() { return (total + items - 1) / items; }

    long groups() { return (total + groupItems() - 1) / groupItems(); }

    /** Where a group begins in the file. */
    long group(long number) { return FIRST_GROUP + number * groupBytes(); }

    /** Where an item of the first group is in the file. */
    long item(int number) { return FIRST_GROUP + headBytes() + (long) number * itemBytes; }

    /** Of the file: the last group has all its headers, but only the items that there are. */
    long fileBytes() {
        long full = total / groupItems(), rest = total % groupItems();
        return group(full) + (rest == 0 ? 0 : headBytes() + rest * itemBytes);
    }
}
