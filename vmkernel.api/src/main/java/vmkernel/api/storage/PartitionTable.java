package vmkernel.api.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * Reads the partition table of a disk: an MBR with its extended partition [MBR], or a GPT [UEFI] 5.3, whose second copy is read
 * where the first is damaged. What cannot be right (outside the disk, empty, a chain that does not end) is left out.
 */
public final class PartitionTable {
    private static final int SIGNATURE = 0xAA55, PROTECTIVE = 0xEE;
    /** As many as Linux looks at. */
    private static final int MAX_LOGICAL = 124;
    private static final long GPT_SIGNATURE = 0x5452_4150_2049_4645L; // "EFI PART"
    private static final int MAX_GPT_ENTRIES = 1024, MAX_GPT_ENTRY = 1024;

    private final BlockDevice disk;
    private final List<Partition> found = new ArrayList<>();

    private PartitionTable(BlockDevice disk) { this.disk = disk; }

    /** @return in the order of the table; empty if there is none @throws IOException in one line if the disk cannot be read or a GPT is damaged */
    public static List<Partition> read(BlockDevice disk) throws IOException {
        PartitionTable table = new PartitionTable(disk);
        if (disk.blocks() > 1) table.read();
        return table.found;
    }

    private void read() throws IOException {
        ByteBuffer sector = blocks(0, 1);
        if (!tableIn(sector)) return;
        for (int i = 0; i < 4; i++) {
            if (type(sector, i) == PROTECTIVE) {
                readGpt();
                return;
            }
        }
        for (int i = 0; i < 4; i++) if (!extended(type(sector, i))) add(i + 1, sector, i, 0);
        for (int i = 0; i < 4; i++) if (extended(type(sector, i))) readLogical(start(sector, i));
    }

    private ByteBuffer blocks(long block, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(count * disk.blockBytes()).order(ByteOrder.LITTLE_ENDIAN);
        disk.read(block, buffer);
        return buffer;
    }

    /** The boot sector of a file system ends with the same signature: flags other than 00 and 80 tell that it is no table. */
    private static boolean tableIn(ByteBuffer sector) {
        if ((sector.getShort(510) & 0xFFFF) != SIGNATURE) return false;
        for (int i = 0; i < 4; i++) if ((sector.get(446 + 16 * i) & 0x7F) != 0) return false;
        return true;
    }

    private static int type(ByteBuffer sector, int entry) { return sector.get(446 + 16 * entry + 4) & 0xFF; }

    private static long start(ByteBuffer sector, int entry) { return sector.getInt(446 + 16 * entry + 8) & 0xFFFF_FFFFL; }

    private static long size(ByteBuffer sector, int entry) { return sector.getInt(446 + 16 * entry + 12) & 0xFFFF_FFFFL; }

    private static boolean extended(int type) { return type == 0x05 || type == 0x0F || type == 0x85; }

    private void add(int number, ByteBuffer sector, int entry, long base) {
        if (type(sector, entry) != 0) add(number, base + start(sector, entry), size(sector, entry), String.format("%02x", type(sector, entry)));
    }

    private void add(int number, long first, long blocks, String type) {
        if (first > 0 && blocks > 0 && first <= disk.blocks() - blocks) found.add(new Partition(number, first, blocks, type));
    }

    /** A chain of tables: the first entry is a partition, relative to its table; the second the next table, relative to the first one. */
    private void readLogical(long extendedStart) throws IOException {
        Set<Long> seen = new HashSet<>();
        long table = extendedStart;
        for (int number = 5; number < 5 + MAX_LOGICAL && table > 0 && table < disk.blocks() && seen.add(table); number++) {
            ByteBuffer sector = blocks(table, 1);
            if (!tableIn(sector)) return;
            add(number, sector, 0, table);
            if (!extended(type(sector, 1))) return;
            table = extendedStart + start(sector, 1);
        }
    }

    private void readGpt() throws IOException {
        if (readGpt(1) || readGpt(disk.blocks() - 1)) return;
        throw new IOException(disk.name() + ": the GPT and its copy are damaged; there are no partitions until it is repaired");
    }

    /** @return false if there is no sound table */
    private boolean readGpt(long at) throws IOException {
        ByteBuffer header = blocks(at, 1);
        int headerBytes = header.getInt(12);
        if (header.getLong(0) != GPT_SIGNATURE || headerBytes < 92 || headerBytes > disk.blockBytes() || header.getLong(24) != at) return false;
        int sum = header.getInt(16);
        header.putInt(16, 0);
        if (sum != crc(header, headerBytes)) return false;
        long entriesAt = header.getLong(72);
        int count = header.getInt(80);
        int entryBytes = header.getInt(84);
        if (count < 1 || count > MAX_GPT_ENTRIES || entryBytes < 128 || entryBytes > MAX_GPT_ENTRY) return false;
        int length = (count * entryBytes + disk.blockBytes() - 1) / disk.blockBytes();
        if (entriesAt < 1 || entriesAt > disk.blocks() - length) return false;
        ByteBuffer entries = blocks(entriesAt, length);
        if (header.getInt(88) != crc(entries, count * entryBytes)) return false;
        for (int i = 0; i < count; i++) addGpt(i + 1, entries, i * entryBytes);
        return true;
    }

    private void addGpt(int number, ByteBuffer entries, int at) {
        long first = entries.getLong(at + 32);
        long last = entries.getLong(at + 40);
        if (entries.getLong(at) == 0 && entries.getLong(at + 8) == 0 || last < first) return;
        add(number, first, last - first + 1, guid(entries, at));
    }

    /** The first three fields are little-endian, the rest is in order [UEFI] appendix A. */
    private static String guid(ByteBuffer from, int at) {
        StringBuilder text = new StringBuilder(String.format("%08x-%04x-%04x-", from.getInt(at), from.getShort(at + 4) & 0xFFFF, from.getShort(at + 6) & 0xFFFF));
        for (int i = 8; i < 16; i++) text.append(i == 10 ? "-" : "").append(String.format("%02x", from.get(at + i) & 0xFF));
        return text.toString();
    }

    private static int crc(ByteBuffer of, int length) {
        CRC32 crc = new CRC32();
        crc.update(of.array(), 0, length);
        return (int) crc.getValue();
    }
}
