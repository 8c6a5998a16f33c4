package vmfs.impl.disk;

import java.nio.ByteBuffer;

/**
 * How the tables of a sparse file say where its grains are. All places and lengths in blocks of 512 bytes, places in the file.
 *
 * @param blocks that the extent has of the disk
 * @param grainBlocks of a grain, the least that is allocated
 * @param tableEntries of a table
 * @param directory place of the directory, which says where the tables are; @param redundant that of its copy, 0 if there is none
 * @param first place where a grain may be
 * @param compressed whether grains take as much room as they need
 * @param tables place of the tables of {@link Coding#SE}; else 0
 */
record Shape(long blocks, int grainBlocks, int tableEntries, Coding coding, long directory, long redundant, long first, boolean compressed, long tables) {
    static final int MAX_GRAIN_BLOCKS = 8192, MAX_TABLE_ENTRIES = 4096, MAX_TABLES = 1 << 22;

    /** How an entry is written, and what it means. */
    enum Coding {
        /** A place, 0 for none. */
        PLAIN,
        /** The same, and 1 for a grain of zeros. */
        WITH_ZEROS,
        /** Of seSparse: a kind in the high four bits. */
        SE
    }

    int entryBytes() { return coding == Coding.SE ? Long.BYTES : Integer.BYTES; }
    int tableBlocks() { return blocksOf((long) tableEntries * entryBytes()); }
    long grains() { return (blocks + grainBlocks - 1) / grainBlocks; }
    int tableCount() { return (int) ((grains() + tableEntries - 1) / tableEntries); }
    int directoryBlocks() { return blocksOf((long) tableCount() * entryBytes()); }

    static int blocksOf(long bytes) { return (int) ((bytes + Layer.BLOCK - 1) / Layer.BLOCK); }

    long raw(ByteBuffer table, int index) { return coding == Coding.SE ? table.getLong(index * Long.BYTES) : Integer.toUnsignedLong(table.getInt(index * Integer.BYTES)); }

    /** Where a table is. @return 0 if there is none, below 0 for an entry that means nothing */
    long tablePlace(long raw) {
        if (coding != Coding.SE || raw == 0) return raw;
        return raw >>> 32 == 0x10000000L ? tables + (raw & 0xFFFFFFFFL) * tableBlocks() : GrainMap.BAD;
    }

    /** Where a grain is, or one of {@link GrainMap}'s constants. */
    long grainPlace(long raw) {
        if (raw == 0) return GrainMap.HOLE;
        if (coding == Coding.WITH_ZEROS && raw == 1) return GrainMap.ZERO;
        if (coding != Coding.SE) return raw >= first ? raw : GrainMap.BAD;
        // [VMDK] seSparse: 1 unmapped by the guest, 2 zeros, 3 allocated: its number has its high 12 bits below the kind
        return switch ((int) (raw >>> 60)) {
            case 1, 2 -> GrainMap.ZERO;
            case 3 -> {
                long number = raw >>> 48 & 0xFFF | (raw & 0xFFFFFFFFFFFFL) << 12;
                yield number < ExtentLine.MAX_BLOCKS / grainBlocks ? first + number * grainBlocks : GrainMap.BAD;
            }
            default -> GrainMap.BAD;
        };
    }

    /** Blocks of a grain that belong to the disk; the last one may have fewer. */
    long used(long grain) { return Math.min(grainBlocks, blocks - grain * grainBlocks); }
}
