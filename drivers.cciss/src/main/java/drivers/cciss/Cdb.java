package drivers.cciss;

/**
 * A command descriptor block: its 16 bytes as two big-endian numbers, and which way data go. SCSI's own [SPC] [SBC], and those
 * of the controller [CISSR].
 *
 * @param name for messages
 */
record Cdb(String name, int bytes, int direction, long high, long low) {
    /** As in the command block. */
    static final int NONE = 0, TO_DEVICE = 1, FROM_DEVICE = 2;

    private static final long LAST_SHORT_BLOCK = 0xFFFF_FFFFL;

    static Cdb read(long block, int blocks) { return transfer("READ", 0x28, 0x88, FROM_DEVICE, block, blocks); }

    static Cdb write(long block, int blocks) { return transfer("WRITE", 0x2A, 0x8A, TO_DEVICE, block, blocks); }

    /** With 10 bytes where these suffice, else with 16. */
    private static Cdb transfer(String name, long op10, long op16, int direction, long block, int blocks) {
        if (block + blocks - 1 > LAST_SHORT_BLOCK) return new Cdb(name, 16, direction, op16 << 56 | block >>> 16, block << 48 | (long) blocks << 16);
        return new Cdb(name, 10, direction, op10 << 56 | block << 16 | blocks >>> 8, (long) blocks << 56);
    }

    static Cdb synchronizeCache() { return new Cdb("SYNCHRONIZE CACHE", 10, NONE, 0x35L << 56, 0); }

    static Cdb reserve() { return new Cdb("RESERVE", 6, NONE, 0x16L << 56, 0); }

    static Cdb release() { return new Cdb("RELEASE", 6, NONE, 0x17L << 56, 0); }

    static Cdb testUnitReady() { return new Cdb("TEST UNIT READY", 6, NONE, 0, 0); }

    static Cdb inquiry(int length) { return new Cdb("INQUIRY", 6, FROM_DEVICE, 0x12L << 56 | (long) length << 24, 0); }

    static Cdb readCapacity10() { return new Cdb("READ CAPACITY(10)", 10, FROM_DEVICE, 0x25L << 56, 0); }

    static Cdb readCapacity16(int length) { return new Cdb("READ CAPACITY(16)", 16, FROM_DEVICE, 0x9E10L << 48, (long) length << 16); }

    /** All pages, without block descriptors. */
    static Cdb modeSense6(int length) { return new Cdb("MODE SENSE", 6, FROM_DEVICE, 0x1A083FL << 40 | (long) length << 24, 0); }

    static Cdb reportLogical(int length) { return new Cdb("REPORT LOGICAL", 12, FROM_DEVICE, 0xC2L << 56 | length >>> 16, (long) length << 48); }

    /** BMIC: status of a volume. */
    static Cdb volumeStatus(int volume, int length) {
        return new Cdb("BMIC volume status", 10, FROM_DEVICE, 0x26L << 56 | (volume & 0xFFL) << 48 | 0x12 << 8 | length >>> 8, (long) length << 56);
    }

    /** BMIC: writes the controller's cache to its disks. */
    static Cdb flushCache(int length) { return new Cdb("BMIC flush cache", 10, TO_DEVICE, 0x27L << 56 | 0xC2 << 8 | length >>> 8, (long) length << 56); }

    /** The message that aborts the command with a tag, which stands in bytes 4 to 11 as it does in the command's header. */
    static Cdb abort(int tag) { return new Cdb("abort", 12, NONE, Integer.reverseBytes(tag) & 0xFFFF_FFFFL, 0); }
}
