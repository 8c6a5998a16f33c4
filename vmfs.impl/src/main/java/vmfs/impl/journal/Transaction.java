package vmfs.impl.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import vmfs.impl.volume.Metadata;

/**
 * Changes of metadata that become durable all together or not at all. It is read as the volume will be afterwards. One thread, under
 * the lock of its {@link Ledger}.
 */
public final class Transaction implements Metadata {
    private final Metadata below;
    private final Set<Long> unsettled;
    private final TreeMap<Long, Page> pages = new TreeMap<>();
    private final Overlay image;
    private final Set<Long> freed = new HashSet<>();
    private final List<long[]> forgotten = new ArrayList<>();
    private final List<Runnable> undo = new ArrayList<>();
    private boolean dataWritten;

    /** @param unsettled file blocks that were given back by what is not durable yet */
    public Transaction(Metadata below, Set<Long> unsettled) {
        this.below = below;
        image = new Overlay(below, pages);
        this.unsettled = unsettled;
    }

    @Override public ByteBuffer read(long address, int bytes) throws IOException { return image.read(address, bytes); }

    /**
     * The bytes to be changed; the sectors that they are in belong to the transaction.
     *
     * @param address of a structure that does not cross a multiple of 4096: a descriptor, the header of a cluster, a pointer block or a sector
     */
    public ByteBuffer change(long address, int bytes) throws IOException {
        int in = (int) (address % Page.BYTES);
        if (in + bytes > Page.BYTES) throw new IllegalArgumentException("0x" + Long.toHexString(address) + ": " + bytes + " bytes are in two pages");
        Page page = pages.get(address / Page.BYTES);
        if (page == null) {
            byte[] bytesNow = new byte[Page.BYTES];
            below.read(address - in, Page.BYTES).get(bytesNow);
            page = new Page(bytesNow, 0);
            pages.put(address / Page.BYTES, page);
        }
        page.mark(in, bytes);
        return ByteBuffer.wrap(page.bytes, in, bytes).slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Writes all of the buffer, at any place. */
    public void put(long address, ByteBuffer from) throws IOException {
        int end = from.limit();
        for (long at = address; from.position() < end; ) {
            int part = (int) Math.min(end - from.position(), Page.BYTES - at % Page.BYTES);
            change(at, part).put(from.limit(from.position() + part));
            from.limit(end);
            at += part;
        }
    }

    /** A file block is given back; its content is not overwritten before that is durable. */
    public void freed(long block) { freed.add(block); }

    /** Whether a file block that is marked free has to be left alone for now. */
    public boolean reserved(long block) { return freed.contains(block) || unsettled.contains(block); }

    /** What is in a range is no metadata any more: changes to it that wait are dropped. Multiples of 4096. */
    public void forget(long address, long bytes) {
        pages.subMap(address / Page.BYTES, (address + bytes) / Page.BYTES).clear();
        forgotten.add(new long[] {address / Page.BYTES, (address + bytes) / Page.BYTES});
    }

    /** Data that this refers to were written past the journal: they are made durable before it is. */
    public void dataWritten() { dataWritten = true; }

    /** Called if the transaction comes to nothing: for what is derived from metadata and kept in memory. */
    public void onUndo(Runnable action) { undo.add(action); }

    /** Sectors that are changed. */
    public int sectors() {
        int sum = 0;
        for (Page page : pages.values()) sum += page.sectors();
        return sum;
    }

    /** Leaves out sectors that are as they were. */
    void trim() throws IOException {
        for (var pages = this.pages.entrySet().iterator(); pages.hasNext(); ) {
            Map.Entry<Long, Page> entry = pages.next();
            ByteBuffer before = below.read(entry.getKey() * Page.BYTES, Page.BYTES);
            if (entry.getValue().trim(before) == 0) pages.remove();
        }
    }

    /** The sectors that are changed, by address. */
    public SortedMap<Long, byte[]> changed() {
        SortedMap<Long, byte[]> sectors = new TreeMap<>();
        pages.forEach((number, page) -> page.changed(number * Page.BYTES, sectors));
        return sectors;
    }

    void undo() { for (int i = undo.size() - 1; i >= 0; i--) undo.get(i).run(); }

    boolean empty() { return pages.isEmpty() && freed.isEmpty() && !dataWritten; }

    TreeMap<Long, Page> pages() { return pages; }

    Set<Long> freedBlocks() { return freed; }

    List<long[]> forgottenPages() { return forgotten; }

    boolean needsData() { return dataWritten; }
}
