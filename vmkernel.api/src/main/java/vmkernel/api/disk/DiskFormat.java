package vmkernel.api.disk;

import java.util.Locale;
import java.util.Optional;

/** How a virtual disk is laid down in files, by the names of {@code createType} in its descriptor [VMDK] and of vmkfstools -d. */
public enum DiskFormat {
    /** Flat on VMFS; all of it allocated and zeroed. */
    VMFS("vmfs", "zeroedthick", "eagerzeroedthick", "thick"),
    /** Flat on VMFS; blocks are given when they are first written. */
    VMFS_THIN("vmfs", "thin"),
    /** One file that has its descriptor, grown as it is written. */
    MONOLITHIC_SPARSE("monolithicSparse"),
    /** A descriptor, and one file with all blocks. */
    MONOLITHIC_FLAT("monolithicFlat"),
    /** As monolithicSparse, in pieces of less than 2 GiB. */
    TWO_GB_SPARSE("twoGbMaxExtentSparse", "2gbsparse"),
    TWO_GB_FLAT("twoGbMaxExtentFlat"),
    /** Compressed, written once from front to end: for export. */
    STREAM_OPTIMIZED("streamOptimized"),
    /** A redo log over a parent (COWD). */
    VMFS_SPARSE("vmfsSparse"),
    /** A space-efficient redo log; only read. */
    SE_SPARSE("seSparse"),
    /** No descriptor: the blocks alone. */
    RAW("raw");

    private final String createType;
    private final String[] names;

    DiskFormat(String createType, String... names) {
        this.createType = createType;
        this.names = names;
    }

    /** As in the descriptor. */
    public String createType() { return createType; }

    /** By createType or by a name of vmkfstools, in any case; {@code vmfs} is thick. */
    public static Optional<DiskFormat> named(String name) {
        for (DiskFormat format : values()) {
            for (String known : format.names) if (known.equalsIgnoreCase(name)) return Optional.of(format);
            if (format.createType.equalsIgnoreCase(name)) return Optional.of(format);
        }
        return Optional.empty();
    }

    @Override public String toString() { return names.length == 0 ? createType : names[0].toLowerCase(Locale.ROOT); }
}
