package vmfs.impl.volume;

import java.io.IOException;
import vmfs.impl.format.Address;
import vmfs.impl.format.Cluster;
import vmfs.impl.format.Generation;
import vmfs.impl.journal.Transaction;
import vmkernel.api.files.VolumeFullException;

/** Free blocks of all kinds, and free descriptors. VMFS-3 and -5. Under the lock of the ledger. */
final class Allocator {
    private final Geometry geometry;
    private final Space fileBlocks, subBlocks, pointerBlocks, pointerBlocks2, descriptors;

    Allocator(Geometry geometry) {
        this.geometry = geometry;
        fileBlocks = new Space(geometry, geometry.fileBlocks());
        subBlocks = new Space(geometry, geometry.subBlocks());
        pointerBlocks = new Space(geometry, geometry.pointerBlocks());
        pointerBlocks2 = geometry.pointerBlocks2() == null ? null : new Space(geometry, geometry.pointerBlocks2());
        descriptors = new Space(geometry, geometry.descriptors());
    }

    /** Another host has changed the volume, or what was kept in memory came to nothing. */
    void forget() {
        fileBlocks.forget();
        subBlocks.forget();
        pointerBlocks.forget();
        if (pointerBlocks2 != null) pointerBlocks2.forget();
        descriptors.forget();
    }

    /** File blocks that are free. */
    long freeBlocks(Metadata metadata) throws IOException { return fileBlocks.count(metadata); }

    /** A new descriptor: address, and the generation that it has to have. */
    record NewDescriptor(int address, int generation) { }

    NewDescriptor descriptor(Transaction transaction) throws IOException {
        long number = take(transaction, descriptors, "files");
        int cluster = (int) (number / geometry.descriptors().items());
        Cluster header = descriptors.change(transaction, cluster);
        header.lastGeneration(header.lastGeneration() + 1);
        return new NewDescriptor(Address.descriptor(cluster, (int) (number % geometry.descriptors().items())), header.lastGeneration());
    }

    /** Whether a sub-block is left: they are few, and file blocks do as well. */
    boolean hasSubBlock(Transaction transaction) throws IOException { return subBlocks.search(transaction, 0) >= 0; }

    int subBlock(Transaction transaction) throws IOException {
        long number = take(transaction, subBlocks, "sub-blocks");
        return Address.subBlock((int) (number / geometry.subBlocks().items()), (int) (number % geometry.subBlocks().items()));
    }

    /** @param type POINTER_BLOCK or POINTER_BLOCK_2 */
    int pointerBlock(Transaction transaction, int type) throws IOException {
        Space space = type == Address.POINTER_BLOCK ? pointerBlocks : pointerBlocks2;
        long number = take(transaction, space, "pointer blocks");
        int cluster = (int) (number / space.resource().items()), item = (int) (number % space.resource().items());
        return type == Address.POINTER_BLOCK ? Address.pointerBlock(cluster, item) : Address.pointerBlock2(cluster, item);
    }

    private long take(Transaction transaction, Space space, String what) throws IOException {
        long number = space.take(transaction);
        if (number < 0) throw full(what);
        return number;
    }

    private VolumeFullException full(String what) { return new VolumeFullException(null, "no " + what + " left on " + geometry.name()); }

    /**
     * Takes file blocks, neighbours where there are some.
     *
     * @param after a block that they had better follow; -1 if none @return their numbers in the volume, as many as wanted
     */
    long[] fileBlocks(Transaction transaction, int count, long after) throws IOException {
        long[] blocks = new long[count];
        int items = geometry.fileBlocks().items();
        if (after >= 0 && after + 1 < geometry.fileBlocks().total()) fileBlocks.hint((int) ((after + 1) / items));
        int taken = 0, cluster = 0;
        for (int found = -1; taken < count && (found = fileBlocks.search(transaction, found + 1)) >= 0; ) {
            cluster = fileBlocks.cluster(found);
            int first = taken == 0 && after >= 0 && (after + 1) / items == cluster ? (int) ((after + 1) % items) : 0;
            taken = takeFrom(transaction, cluster, first, blocks, taken);
            if (first > 0) taken = takeFrom(transaction, cluster, 0, blocks, taken);
        }
        if (taken < count) throw full("space");
        fileBlocks.hint(cluster);
        return blocks;
    }

    private int takeFrom(Transaction transaction, int cluster, int first, long[] blocks, int taken) throws IOException {
        int items = geometry.fileBlocks().items();
        Cluster header = geometry.fileBlocks().cluster(transaction, cluster);
        int count = taken;
        for (int item = first; item < geometry.fileBlocks().itemsOf(cluster) && count < blocks.length; item++) {
            long number = (long) cluster * items + item;
            if (!header.isFree(item) || transaction.reserved(number)) continue;
            fileBlocks.mark(transaction, cluster, item, false);
            header = geometry.fileBlocks().cluster(transaction, cluster);
            blocks[count++] = number;
        }
        return count;
    }

    /** Whether a file block is not free. */
    boolean taken(Metadata metadata, int address) throws IOException {
        long block = Address.block(geometry.generation(), address & 0xFFFFFFFFL);
        int items = geometry.fileBlocks().items();
        return !geometry.fileBlocks().cluster(metadata, (int) (block / items)).isFree((int) (block % items));
    }

    /** Gives back what an address points to. */
    void free(Transaction transaction, int address) throws IOException {
        int type = Address.type(address);
        if (type == Address.FILE_BLOCK) {
            long block = Address.block(Generation.VMFS5, address);
            fileBlocks.mark(transaction, (int) (block / geometry.fileBlocks().items()), (int) (block % geometry.fileBlocks().items()), true);
            transaction.freed(block);
            return;
        }
        Space space = switch (type) {
            case Address.SUB_BLOCK -> subBlocks;
            case Address.POINTER_BLOCK -> pointerBlocks;
            case Address.POINTER_BLOCK_2 -> pointerBlocks2;
            case Address.DESCRIPTOR -> descriptors;
            default -> throw new IllegalArgumentException("0x" + Integer.toHexString(address));
        };
        space.mark(transaction, Address.cluster(Generation.VMFS5, address), Address.item(Generation.VMFS5, address), true);
    }
}
