package vmfs.impl.mkfs;

import java.io.IOException;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LockSector;
import vmfs.impl.format.LvmHeader;

/**
 * What a volume of a size consists of, and where: counts and order as ESX has them. All system files are in one run of blocks from the
 * volume's beginning, but that the root directory is behind the first block of the descriptors. [VMFS] sections 2 and 5
 *
 * @param extents physical ones of 256 MiB; @param blockBytes of a file block; @param descriptorStart block where the file of descriptors begins
 * @param secondLevel null on VMFS-3
 */
record Plan(Generation generation, int extents, int blockBytes, int descriptorStart, Layout fileBlocks, Layout descriptors, Layout pointers, Layout subBlocks, Layout secondLevel) {
    static final int MIB = 1 << 20;
    /** Of the file that has the journal, in one block. */
    static final int JOURNAL_BYTES = MIB;
    /** From this size on ESX makes larger clusters. LIMIT: where exactly is not known; every size can be read. */
    private static final long BIG_MIB = 100 * 1024;
    /**
     * Above this .fbb.sf has larger clusters, since it would have more blocks than its descriptor has addresses, and readers need it before they can
     * read pointer blocks. LIMIT: what ESX does there is not known.
     */
    private static final long HUGE_BLOCKS = 50L << 20;
    private static final int MAX_EXTENTS = 1 << 18, MAX_EXTENTS_3 = 1 << 13;

    /** @param bytes of the device @throws IOException in one line, if it is too small or too large */
    static Plan of(String device, Generation generation, int blockBytes, long bytes) throws IOException {
        long extents = (bytes - LvmHeader.DATA) / LvmHeader.EXTENT_BYTES;
        if (bytes < LvmHeader.DATA + LvmHeader.EXTENT_BYTES) throw new IOException(device + ": has " + bytes / MIB + " MiB; a VMFS volume takes at least 273 MiB");
        boolean three = generation == Generation.VMFS3;
        if (three && extents > MAX_EXTENTS_3) throw new IOException(device + ": has " + bytes / MIB + " MiB; VMFS-3 takes devices of 2 TiB at most; use VMFS-5");
        extents = Math.min(extents, MAX_EXTENTS);
        long mib = extents * (LvmHeader.EXTENT_BYTES / MIB);
        long blocks = extents * (LvmHeader.EXTENT_BYTES / blockBytes);
        boolean big = !three && mib >= BIG_MIB;
        int clusters = three ? 32 : 64;
        Layout fileBlocks = new Layout(LockSector.FILE_BLOCKS, blocks > HUGE_BLOCKS ? 400 : 200, clusters, 0, blocks);
        Layout descriptors = new Layout(LockSector.DESCRIPTORS, big ? 200 : 32, clusters, 2048, Math.min(mib / 4, three ? 30720 : 130000));
        Layout pointers = new Layout(LockSector.POINTER_BLOCKS, 16, clusters, 4096, Math.min(Math.max(1, mib / 512), three ? 61440 : 64512));
        Layout subBlocks = new Layout(LockSector.SUB_BLOCKS, three ? 16 : big ? 64 : 32, clusters, three ? 0x10000 : 0x2000, Math.min(mib, three ? 3968 : 32000));
        Layout second = three ? null : new Layout(LockSector.POINTER_BLOCKS_2, 16, clusters, 4096, Math.min(Math.max(1, mib / 512), 256));
        return new Plan(generation, (int) extents, blockBytes, (int) (generation.descriptorFile(blockBytes) / blockBytes), fileBlocks, descriptors, pointers, subBlocks, second);
    }

    long volumeBytes() { return extents * LvmHeader.EXTENT_BYTES; }

    private int blocksOf(Layout layout) { return (int) ((layout.fileBytes() + blockBytes - 1) / blockBytes); }

    int root() { return descriptorStart + 1; }

    /** The blocks of the file of descriptors; the others' are one run each. */
    long[] descriptorBlocks() {
        long[] blocks = run(fileBlockRun() + blocksOf(fileBlocks) - 1, blocksOf(descriptors));
        blocks[0] = descriptorStart;
        return blocks;
    }

    private int fileBlockRun() { return root() + 1; }

    long[] fileBlockBlocks() { return run(fileBlockRun(), blocksOf(fileBlocks)); }

    private int pointerRun() { return fileBlockRun() + blocksOf(fileBlocks) + blocksOf(descriptors) - 1; }

    long[] pointerBlocks() { return run(pointerRun(), blocksOf(pointers)); }

    private int subBlockRun() { return pointerRun() + blocksOf(pointers); }

    long[] subBlockBlocks() { return run(subBlockRun(), blocksOf(subBlocks)); }

    private int secondRun() { return subBlockRun() + blocksOf(subBlocks); }

    long[] secondBlocks() { return run(secondRun(), blocksOf(secondLevel)); }

    /** VMFS-5. */
    int systemDirectory() { return secondRun() + blocksOf(secondLevel); }

    int journal() { return generation == Generation.VMFS3 ? secondRun() : systemDirectory() + 1; }

    /** Blocks that are taken, from the first. */
    int used() { return journal() + 1; }

    static long[] run(int first, int count) {
        long[] blocks = new long[count];
        for (int i = 0; i < count; i++) blocks[i] = first + i;
        return blocks;
    }
}
