package vmfs.impl.format;

/**
 * An address of a block as files have it: a number of 32 bits (64 on VMFS-6, except that of a descriptor) whose low three bits say
 * what it points to. 0 is a hole. [VMFS] sections 6 and 10
 */
public final class Address {
    public static final int HOLE = 0, FILE_BLOCK = 1, SUB_BLOCK = 2, POINTER_BLOCK = 3, DESCRIPTOR = 4, POINTER_BLOCK_2 = 5, JOURNAL_BLOCK = 6, LARGE_FILE_BLOCK = 7;
    /** Of the root directory's descriptor, in every volume. */
    public static final int ROOT = 4;
    /** Small file blocks in a large one, and in a cluster, of VMFS-6. */
    public static final int SMALL_IN_LARGE = 512;

    private static final int COW_BLOCK = 1 << 4, TBZ_BLOCK = 1 << 5, COW_OTHER = 1 << 5;

    private Address() { }

    public static int type(long address) { return (int) address & 7; }

    /** Number of a file block in the volume; of a large one of VMFS-6 its first small block's. */
    public static long block(Generation generation, long address) {
        if (generation != Generation.VMFS6) return address >>> 6 & 0x3FFFFFF;
        long cluster = address >>> 15 & 0x7FFFFFFF;
        return type(address) == LARGE_FILE_BLOCK ? cluster * SMALL_IN_LARGE : cluster * SMALL_IN_LARGE + (address >>> 51);
    }

    /** Reads as zeros, whatever is on the disk. */
    public static boolean toBeZeroed(Generation generation, long address) {
        int type = type(address);
        if (type != FILE_BLOCK && type != LARGE_FILE_BLOCK) return false;
        return generation == Generation.VMFS6 ? (address >>> 7 & 0xFF) != 0 : (address & TBZ_BLOCK) != 0;
    }

    /** The block belongs to another file too, and is copied before it is written. VMFS-3 and -5. */
    public static boolean copyOnWrite(long address) { return (address & (type(address) == FILE_BLOCK ? COW_BLOCK : COW_OTHER)) != 0; }

    /** Cluster of a sub-block, pointer block, descriptor or journal block in its resource file. */
    public static int cluster(Generation generation, long address) {
        if (type(address) == DESCRIPTOR) return (int) (address >>> 6 & 0xFFFF);
        if (generation != Generation.VMFS6) return (int) (address >>> 6 & 0x3FFFFF);
        // 36 bits; a cluster number beyond 31 bits is out of every volume's range
        return type(address) == JOURNAL_BLOCK ? (int) (address >>> 3 & 0x1FFF) : (int) Math.min(address >>> 6 & 0xFFFFFFFFFL, Integer.MAX_VALUE);
    }

    /** Its place in the cluster. */
    public static int item(Generation generation, long address) {
        int type = type(address);
        if (type == DESCRIPTOR) return (int) (address >>> 22 & 0x3FF);
        if (generation == Generation.VMFS6) return type == JOURNAL_BLOCK ? (int) (address >>> 26 & 0x3F) : (int) (address >>> 56);
        int low = (int) (address >>> 28 & 15);
        return type == SUB_BLOCK ? low | (int) (address >>> 3 & 3) << 4 : low;
    }

    /** Of a file block of VMFS-3 or -5. @param block below 2^26 */
    public static int fileBlock(long block) { return (int) block << 6 | FILE_BLOCK; }

    /** Of a sub-block of VMFS-3 (16 a cluster) or -5. @param item below 64 */
    public static int subBlock(int cluster, int item) { return (item & 15) << 28 | cluster << 6 | item >> 4 << 3 | SUB_BLOCK; }

    /** Of a pointer block of VMFS-3 or -5. @param item below 16 */
    public static int pointerBlock(int cluster, int item) { return item << 28 | cluster << 6 | POINTER_BLOCK; }

    /** Of a pointer block to pointer blocks of VMFS-5. @param item below 16 */
    public static int pointerBlock2(int cluster, int item) { return item << 28 | cluster << 6 | POINTER_BLOCK_2; }

    /** Of a descriptor, in all generations. @param cluster below 65536; @param item below 1024 */
    public static int descriptor(int cluster, int item) { return item << 22 | cluster << 6 | DESCRIPTOR; }
}
