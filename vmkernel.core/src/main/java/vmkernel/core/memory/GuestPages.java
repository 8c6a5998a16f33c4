package vmkernel.core.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.memory.HostMemory;

/**
 * The physical memory of a PC: a page table from physical page numbers to machine pages. RAM is at 0 to A0000, C0000 to
 * FFFFF, from 1 MB up to {@link #lowMemoryTop} (at most 3 GB), and the rest from 4 GB; as on a PC the RAM behind the display
 * adapter's hole at A0000 is lost. Machine pages come in zeroed chunks of 2 MB when a page of theirs is touched first.
 *
 * <p>An entry of the page table is one long: the host address of the machine page with flags in its low bits. Readers take no
 * lock; whoever changes an entry does.
 */
final class GuestPages implements GuestMemory, Remappable {
    private static final long LOW_TOP = 3L << 30;
    private static final long HIGH_BASE = 4L << 30;
    private static final long HOLE_FIRST = 0xA0000 >> PAGE_SHIFT;
    private static final long HOLE_END = 0xC0000 >> PAGE_SHIFT;

    /** Pages of a leaf of the page table: 4 MB. */
    private static final int LEAF_BITS = 10;
    private static final int LEAF_PAGES = 1 << LEAF_BITS;
    /** Pages of a chunk: 2 MB. */
    private static final int CHUNK_PAGES = 512;
    private static final long CHUNK_BYTES = (long) CHUNK_PAGES << PAGE_SHIFT;

    /** RAM without a machine page as yet. */
    private static final long UNTOUCHED = 1;
    private static final long ROM = 2;
    private static final long WATCHED = 4;
    private static final long DIRTY = 8;
    private static final long FLAGS = PAGE_SIZE - 1;

    private final long size;
    private final long lowTop;
    /** By PPN >>> LEAF_BITS; null where nothing was touched. Set under the lock. */
    private final long[][] table;
    private final List<PageListener> listeners = new CopyOnWriteArrayList<>();
    /** What {@link HostMemory#allocate} gave. */
    private final List<Long> allocations = new ArrayList<>();
    private long touched;
    private boolean freed;

    GuestPages(long bytes) {
        size = bytes;
        lowTop = Math.min(bytes, LOW_TOP);
        long top = Math.max(HIGH_BASE, HIGH_BASE + bytes - lowTop);
        table = new long[(int) (top >>> PAGE_SHIFT + LEAF_BITS)][];
    }

    @Override
    public long sizeBytes() { return size; }

    @Override
    public long lowMemoryTop() { return lowTop; }

    /** Host memory taken so far, in bytes. */
    synchronized long touchedBytes() { return touched; }

    @Override
    public long readableAddress(long ppn) {
        long entry = entry(ppn);
        return (entry & UNTOUCHED) == 0 ? entry & ~FLAGS : touch(ppn) & ~FLAGS;
    }

    @Override
    public long writableAddress(long ppn) {
        long entry = entry(ppn);
        return (entry & FLAGS) == DIRTY ? entry & ~FLAGS : firstWrite(ppn, entry);
    }

    private long firstWrite(long ppn, long entry) {
        if (entry == 0 || (entry & (ROM | WATCHED)) != 0) return 0;
        return dirty(ppn, WATCHED) & ~FLAGS;
    }

    @Override
    public boolean present(long ppn) { return entry(ppn) != 0; }

    private long entry(long ppn) {
        long index = ppn >>> LEAF_BITS;
        if (index >= table.length) return 0;
        long[] leaf = table[(int) index];
        return leaf != null ? leaf[(int) ppn & LEAF_PAGES - 1] : initial(ppn);
    }

    /** What an entry of a PC without ROM is. */
    private long initial(long ppn) {
        long address = ppn << PAGE_SHIFT;
        if (address < lowTop) return ppn >= HOLE_FIRST && ppn < HOLE_END ? 0 : UNTOUCHED;
        return address >= HIGH_BASE && address - HIGH_BASE < size - lowTop ? UNTOUCHED : 0;
    }

    /** Under the lock: the leaf with this page, made if needed. */
    private long[] leaf(long ppn) {
        int index = (int) (ppn >>> LEAF_BITS);
        long[] leaf = table[index];
        if (leaf != null) return leaf;
        leaf = new long[LEAF_PAGES];
        long first = (long) index << LEAF_BITS;
        for (int i = 0; i < LEAF_PAGES; i++) leaf[i] = initial(first + i);
        // readers without the lock must not see the array before its contents
        java.lang.invoke.VarHandle.releaseFence();
        table[index] = leaf;
        return leaf;
    }

    /** Gives the page and its neighbours their machine pages; the new entry. */
    private synchronized long touch(long ppn) {
        long[] leaf = leaf(ppn);
        int index = (int) ppn & LEAF_PAGES - 1;
        if ((leaf[index] & UNTOUCHED) == 0) return leaf[index];
        if (freed) return 0;
        long chunk = pages(CHUNK_PAGES);
        int first = index & -CHUNK_PAGES;
        for (int i = 0; i < CHUNK_PAGES; i++) {
            long entry = leaf[first + i];
            if ((entry & UNTOUCHED) != 0) leaf[first + i] = chunk + ((long) i << PAGE_SHIFT) | entry & ~UNTOUCHED;
        }
        return leaf[index];
    }

    /** Zeroed, page-aligned machine pages. */
    private long pages(int count) {
        long bytes = (long) count << PAGE_SHIFT;
        long allocation = HostMemory.allocate(bytes + PAGE_SIZE);
        allocations.add(allocation);
        touched += bytes;
        long first = allocation + PAGE_SIZE - 1 & -PAGE_SIZE;
        HostMemory.fill(first, bytes, (byte) 0);
        // the zeroes come before the address that leads to them
        java.lang.invoke.VarHandle.releaseFence();
        return first;
    }

    /** Marks RAM as dirty, unless one of the flags in {@code unless} is set: 0 then. The new entry. */
    private synchronized long dirty(long ppn, long unless) {
        if (freed) return 0;
        long[] leaf = leaf(ppn);
        int index = (int) ppn & LEAF_PAGES - 1;
        if ((leaf[index] & UNTOUCHED) != 0) touch(ppn);
        long entry = leaf[index];
        if (entry == 0 || (entry & (ROM | unless)) != 0) return 0;
        return leaf[index] = entry | DIRTY;
    }

    /** True if the page was written to since the last call. Holders of its address are told to ask again. */
    boolean clearDirty(long ppn) {
        synchronized (this) {
            long entry = entry(ppn);
            if ((entry & DIRTY) == 0) return false;
            leaf(ppn)[(int) ppn & LEAF_PAGES - 1] = entry & ~DIRTY;
        }
        unmapped(ppn);
        return true;
    }

    @Override
    public void watch(long ppn, boolean on) {
        synchronized (this) {
            long entry = entry(ppn);
            if (entry == 0 || on == ((entry & WATCHED) != 0)) return;
            leaf(ppn)[(int) ppn & LEAF_PAGES - 1] = entry ^ WATCHED;
        }
        if (on) unmapped(ppn);
    }

    @Override
    public void mapRom(long address, byte[] image) {
        if ((address & FLAGS) != 0) throw new IllegalArgumentException("ROM at " + Long.toHexString(address) + " is not page-aligned");
        long first = address >>> PAGE_SHIFT;
        long count = image.length + FLAGS >>> PAGE_SHIFT;
        if (address < 0 || first + count > (long) table.length << LEAF_BITS) throw new IllegalArgumentException("ROM at " + Long.toHexString(address) + " is out of range");
        for (long i = 0; i < count; i++) {
            int offset = (int) (i << PAGE_SHIFT);
            rom(first + i, image, offset, Math.min(PAGE_SIZE, image.length - offset));
            unmapped(first + i);
        }
    }

    private synchronized void rom(long ppn, byte[] image, int offset, int length) {
        if (freed) return;
        long[] leaf = leaf(ppn);
        int index = (int) ppn & LEAF_PAGES - 1;
        // a ROM that is put there again, as at each reset, takes the pages of the one before
        long page = (leaf[index] & ROM) != 0 ? leaf[index] & ~FLAGS : pages(1);
        HostMemory.fill(page, PAGE_SIZE, (byte) 0xFF);
        HostMemory.write(page, image, offset, length);
        leaf[index] = page | ROM | leaf[index] & WATCHED;
    }

    @Override
    public void addListener(PageListener listener) { listeners.add(listener); }

    @Override
    public void removeListener(PageListener listener) { listeners.remove(listener); }

    private void unmapped(long ppn) {
        for (PageListener listener : listeners) listener.unmapped(ppn);
    }

    @Override
    public void remapped(long address, long bytes) {
        if (listeners.isEmpty()) return;
        for (long ppn = address >>> PAGE_SHIFT; ppn <= address + bytes - 1 >>> PAGE_SHIFT; ppn++) unmapped(ppn);
    }

    @Override
    public long read(long address, int bytes) {
        int offset = (int) (address & FLAGS);
        if (offset + bytes > PAGE_SIZE) return readAcross(address, bytes);
        long page = readableAddress(address >>> PAGE_SHIFT);
        if (page == 0) return bytes == 8 ? -1L : (1L << 8 * bytes) - 1;
        return switch (bytes) {
            case 1 -> HostMemory.getByte(page + offset) & 0xFFL;
            case 2 -> HostMemory.getShort(page + offset) & 0xFFFFL;
            case 4 -> HostMemory.getInt(page + offset) & 0xFFFF_FFFFL;
            case 8 -> HostMemory.getLong(page + offset);
            default -> throw new IllegalArgumentException(bytes + " bytes");
        };
    }

    private long readAcross(long address, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) value |= read(address + i, 1) << 8 * i;
        return value;
    }

    @Override
    public void write(long address, int bytes, long value) {
        int offset = (int) (address & FLAGS);
        if (offset + bytes > PAGE_SIZE) {
            for (int i = 0; i < bytes; i++) write(address + i, 1, value >>> 8 * i);
            return;
        }
        long ppn = address >>> PAGE_SHIFT;
        long entry = entry(ppn);
        if ((entry & FLAGS) != DIRTY && (entry == 0 || (entry = dirty(ppn, 0)) == 0)) return;
        long to = (entry & ~FLAGS) + offset;
        switch (bytes) {
            case 1 -> HostMemory.putByte(to, (byte) value);
            case 2 -> HostMemory.putShort(to, (short) value);
            case 4 -> HostMemory.putInt(to, (int) value);
            case 8 -> HostMemory.putLong(to, value);
            default -> throw new IllegalArgumentException(bytes + " bytes");
        }
        if ((entry & WATCHED) != 0) written(address, bytes);
    }

    @Override
    public void read(long address, byte[] to, int offset, int length) {
        java.util.Objects.checkFromIndexSize(offset, length, to.length);
        while (length > 0) {
            int inPage = (int) (address & FLAGS);
            int part = Math.min(length, PAGE_SIZE - inPage);
            long page = readableAddress(address >>> PAGE_SHIFT);
            if (page == 0) java.util.Arrays.fill(to, offset, offset + part, (byte) 0xFF); else HostMemory.read(page + inPage, to, offset, part);
            address += part;
            offset += part;
            length -= part;
        }
    }

    @Override
    public void write(long address, byte[] from, int offset, int length) {
        java.util.Objects.checkFromIndexSize(offset, length, from.length);
        while (length > 0) {
            int inPage = (int) (address & FLAGS);
            int part = Math.min(length, PAGE_SIZE - inPage);
            long ppn = address >>> PAGE_SHIFT;
            long entry = entry(ppn) == 0 ? 0 : dirty(ppn, 0);
            if (entry != 0) {
                HostMemory.write((entry & ~FLAGS) + inPage, from, offset, part);
                if ((entry & WATCHED) != 0) written(address, part);
            }
            address += part;
            offset += part;
            length -= part;
        }
    }

    @Override
    public boolean compareAndSet(long address, int bytes, long expected, long value) {
        if (bytes != 4 && bytes != 8 || (address & bytes - 1) != 0) {
            throw new IllegalArgumentException(bytes + " bytes at " + Long.toHexString(address) + ": 4 or 8 aligned bytes are needed");
        }
        long ppn = address >>> PAGE_SHIFT;
        long entry = entry(ppn);
        if (entry == 0 || (entry & ROM) != 0) return false;
        if ((entry & (DIRTY | UNTOUCHED)) != DIRTY && (entry = dirty(ppn, 0)) == 0) return false;
        long at = (entry & ~FLAGS) + (address & FLAGS);
        boolean done = bytes == 4 ? HostMemory.compareAndSetInt(at, (int) expected, (int) value) : HostMemory.compareAndSetLong(at, expected, value);
        if (done && (entry & WATCHED) != 0) written(address, bytes);
        return done;
    }

    private void written(long address, int length) {
        for (PageListener listener : listeners) listener.written(address, length);
    }

    /** Gives everything back. Later accesses find no memory; addresses given out earlier must not be used. */
    synchronized void free() {
        freed = true;
        for (int i = 0; i < table.length; i++) if (table[i] != null) table[i] = new long[LEAF_PAGES];
        for (long allocation : allocations) HostMemory.free(allocation);
        allocations.clear();
        touched = 0;
    }
}
