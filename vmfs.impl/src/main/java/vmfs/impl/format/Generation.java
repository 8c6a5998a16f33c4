package vmfs.impl.format;

/** The generations of VMFS, and what of the layout depends on them. Sizes in bytes. [VMFS] sections 1, 2, 7 and 10 */
public enum Generation {
    VMFS3(3, 512), VMFS5(5, 512), VMFS6(6, 4096);

    /** Of the file system's header; of the heartbeats; addresses in the volume. */
    public static final long FS_HEADER = 0x200000, HEARTBEATS = 0x300000;
    /** The region of heartbeats. */
    private static final int HEARTBEAT_BYTES = 0x100000;

    private final int major, sectorBytes;

    Generation(int major, int sectorBytes) {
        this.major = major;
        this.sectorBytes = sectorBytes;
    }

    /** By the major version of the LVM header; null if it is none of these. */
    public static Generation of(int major) {
        for (Generation generation : values()) if (generation.major == major) return generation;
        return null;
    }

    public int major() { return major; }

    /** What metadata are aligned to; a lock sector and a meta sector have this size. */
    public int sectorBytes() { return sectorBytes; }

    public int descriptorBytes() { return this == VMFS6 ? 8192 : 2048; }

    /** Of the header of a resource cluster. */
    public int clusterBytes() { return 2 * sectorBytes; }

    public int heartbeats() { return this == VMFS6 ? 1024 : HEARTBEAT_BYTES / 512; }

    /** Address of a host's heartbeat in the volume. */
    public long heartbeat(int slot) { return HEARTBEATS + (long) slot * sectorBytes; }

    /** Of an address of a block: u32 or u64. */
    public int addressBytes() { return this == VMFS6 ? 8 : 4; }

    /** Addresses in a file descriptor. */
    public int descriptorAddresses() { return this == VMFS6 ? 320 : 256; }

    public int pointerBlockBytes() { return this == VMFS6 ? 65536 : 4096; }

    /** Addresses in a pointer block. */
    public int pointerBlockAddresses() { return pointerBlockBytes() / addressBytes(); }

    /** Where the addresses are in a file descriptor; where the content of a file that is kept in its descriptor is. */
    public int addressesOffset() { return this == VMFS6 ? 5632 : 1024; }

    public int contentOffset() { return this == VMFS6 ? 4608 : 1024; }

    /** Bytes of a file that its descriptor has room for. */
    public int contentBytes() { return this == VMFS6 ? 3584 : 1024; }

    /** Where the first group of clusters begins in the file of descriptors, and in every resource file of VMFS-3 and -5. */
    public static final int FIRST_GROUP = 0x10000;

    /**
     * Where the file of descriptors begins in the volume: the first thing that must be known to find all others.
     *
     * @param blockBytes of a file block
     */
    public long descriptorFile(long blockBytes) {
        if (this == VMFS6) return ((long) sectorBytes << 10) + 0x3fffff & ~0xfffffL;
        return Math.max(1, 0x400000 / blockBytes) * blockBytes;
    }
}
