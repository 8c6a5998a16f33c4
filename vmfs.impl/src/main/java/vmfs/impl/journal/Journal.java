package vmfs.impl.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32C;
import vmfs.impl.volume.Extents;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/**
 * The redo log of a volume, which all its hosts share: two records, written in turn. A record has whole sectors and where they belong;
 * its number is one more than that of the other. A commit writes a record, flushes, and then writes the sectors to their places. These
 * are made durable by the flush of the next commit, so that one flush is enough for each: the record that is overwritten then is the last
 * but one. After a crash both records are written to their places again, the older first, which changes nothing if they are there.
 *
 * <p>Record: u32 magic, u32 number of sectors, u64 number of the record, u32 CRC of all behind the header, u32 CRC of the header before it;
 * from 512 on the addresses, u64 each, padded to a sector; then the sectors. Calls come one at a time, under a reservation.
 */
public final class Journal {
    /** "HVJ2". */
    private static final int MAGIC = 0x324A5648, SECTOR = Page.SECTOR, HEADER_CRC = 20;

    private final Extents extents;
    private final long address;
    private final int half;
    /** Number of the newest record. */
    private long sequence;

    /** @param address of its bytes, which are one run; @param bytes in all */
    public Journal(Extents extents, long address, int bytes) {
        this.extents = extents;
        this.address = address;
        this.half = bytes / 2 / SECTOR * SECTOR;
    }

    /** Byte address in the volume. */
    public long address() { return address; }

    /** Sectors that a record has room for. */
    public int capacity() { return (half / SECTOR - 1) * 64 / 65; }

    /** A record. */
    private record Entry(long sequence, SortedMap<Long, byte[]> sectors) {}

    /** The sectors that are committed but perhaps not in their places, by address: for who only reads the volume. */
    public SortedMap<Long, byte[]> waiting() throws IOException {
        SortedMap<Long, byte[]> all = new TreeMap<>();
        sequence = 0;
        for (Entry entry : entries()) {
            all.putAll(entry.sectors);
            sequence = entry.sequence;
        }
        return all;
    }

    /** Writes what is committed to its place, durably. Knows then what other hosts have done. */
    public void replay() throws IOException {
        List<Entry> entries = entries();
        sequence = entries.isEmpty() ? 0 : entries.get(entries.size() - 1).sequence;
        boolean written = false;
        for (Entry entry : entries) {
            if (!entry.sectors.isEmpty()) home(entry.sectors);
            written |= !entry.sectors.isEmpty();
        }
        if (written) extents.flush();
    }

    /** Whether another host has committed since. One read. */
    public boolean moved() throws IOException {
        ByteBuffer header = buffer(SECTOR);
        extents.read(place(sequence + 1), header);
        return headerValid(header.flip()) && header.getLong(8) > sequence;
    }

    /**
     * Makes sectors durable and writes them to their places.
     *
     * @param sectors by address, {@link #capacity} at most; @param dataFirst whether data were written that they refer to
     * @throws BrokenJournalException if it may or may not be committed; any other IOException if nothing was changed
     */
    public void commit(SortedMap<Long, byte[]> sectors, boolean dataFirst) throws IOException {
        ByteBuffer record = record(sequence + 1, sectors);
        try {
            if (dataFirst) extents.flush();
            extents.write(place(sequence + 1), record);
            extents.flush();
        } catch (IOException e) {
            takeBack(e);
            throw e;
        }
        sequence++;
        try {
            try {
                home(sectors);
            } catch (IOException first) {
                home(sectors); // the journal has it, so it must get there
            }
        } catch (IOException e) {
            throw new BrokenJournalException(e.getMessage() + "; what was committed is in the journal and takes effect at the next mount", e);
        }
    }

    /** After a failed flush the sectors of the record before may be lost, too, so they are written again. */
    private void takeBack(IOException why) throws BrokenJournalException {
        try {
            extents.write(place(sequence + 1), buffer(SECTOR));
            extents.flush();
            replay();
        } catch (IOException e) {
            throw new BrokenJournalException(why.getMessage() + "; and that cannot be undone: " + e.getMessage(), e);
        }
    }

    /** Leaves no record that would be written again: for who ends, and other makers of VMFS that do not know this journal. */
    public void clear() throws IOException {
        SortedMap<Long, byte[]> nothing = new TreeMap<>();
        commit(nothing, false);
        commit(nothing, false);
    }

    private long place(long number) { return address + number % 2 * half; }

    private static ByteBuffer buffer(int bytes) { return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN); }

    private static ByteBuffer record(long number, SortedMap<Long, byte[]> sectors) {
        int body = SECTOR + tableBytes(sectors.size());
        ByteBuffer record = buffer(body + sectors.size() * SECTOR);
        record.putInt(0, MAGIC).putInt(4, sectors.size()).putLong(8, number);
        int at = 0;
        for (Map.Entry<Long, byte[]> sector : sectors.entrySet()) {
            record.putLong(SECTOR + at * 8, sector.getKey());
            record.put(body + at * SECTOR, sector.getValue());
            at++;
        }
        record.putInt(16, crc(record, SECTOR, record.limit() - SECTOR));
        record.putInt(HEADER_CRC, crc(record, 0, HEADER_CRC));
        return record;
    }

    private static int tableBytes(int sectors) { return (sectors * 8 + SECTOR - 1) / SECTOR * SECTOR; }

    private static int crc(ByteBuffer bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(from, length));
        return (int) crc.getValue();
    }

    private static boolean headerValid(ByteBuffer header) { return header.getInt(0) == MAGIC && header.getInt(HEADER_CRC) == crc(header, 0, HEADER_CRC); }

    /** The records that are whole, the older first. */
    private List<Entry> entries() throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Entry entry = entry(address + (long) i * half);
            if (entry != null) entries.add(entry);
        }
        entries.sort((a, b) -> Long.compare(a.sequence, b.sequence));
        return entries;
    }

    private Entry entry(long at) throws IOException {
        ByteBuffer header = buffer(SECTOR);
        extents.read(at, header);
        int count = header.getInt(4);
        if (!headerValid(header.flip()) || count < 0 || count > capacity()) return null;
        ByteBuffer body = buffer(tableBytes(count) + count * SECTOR);
        if (count > 0) extents.read(at + SECTOR, body);
        if (header.getInt(16) != crc(body, 0, body.capacity())) return null;
        SortedMap<Long, byte[]> sectors = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            byte[] sector = new byte[SECTOR];
            body.get(tableBytes(count) + i * SECTOR, sector);
            sectors.put(body.getLong(i * 8), sector);
        }
        return new Entry(header.getLong(8), sectors);
    }

    /** Writes sectors to their places, neighbours together, all at once. */
    private void home(SortedMap<Long, byte[]> sectors) throws IOException {
        List<CompletableFuture<BlockResult>> writes = new ArrayList<>();
        List<byte[]> run = new ArrayList<>();
        long start = 0;
        for (Map.Entry<Long, byte[]> sector : sectors.entrySet()) {
            boolean follows = sector.getKey() == start + (long) run.size() * SECTOR && extents.run(start) > (long) run.size() * SECTOR;
            if (!run.isEmpty() && !follows) {
                writes.add(write(start, run));
                run.clear();
            }
            if (run.isEmpty()) start = sector.getKey();
            run.add(sector.getValue());
        }
        if (!run.isEmpty()) writes.add(write(start, run));
        for (CompletableFuture<BlockResult> write : writes) {
            BlockResult result = write.join();
            if (!result.good()) throw new IOException(extents.first().name() + ": metadata cannot be written: " + result);
        }
    }

    private CompletableFuture<BlockResult> write(long at, List<byte[]> run) throws IOException {
        CompletableFuture<BlockResult> done = new CompletableFuture<>();
        if (extents.run(at) == 0) throw new IOException(extents.first().name() + ": the journal has a sector for byte 0x" + Long.toHexString(at) + ", which is out of the volume");
        ByteBuffer bytes = ByteBuffer.allocate(run.size() * SECTOR);
        for (byte[] sector : run) bytes.put(sector);
        extents.submit(BlockOperation.WRITE, at, new BufferTransfer(bytes.flip()), done::complete);
        return done;
    }
}
