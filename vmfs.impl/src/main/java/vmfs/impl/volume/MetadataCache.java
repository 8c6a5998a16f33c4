package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;

/**
 * What is committed on a volume, of which a bounded part is kept in memory. It is as on the devices: who writes metadata there tells
 * it by {@link #written}, and {@link #forget} what others may have written. Any thread.
 */
public final class MetadataCache implements Metadata {
    private static final int PAGE = 16384, MAX_BYTES = 16 << 20;

    private final Extents extents;
    private final int maxPages;
    /** By number, the one that was wanted last at the end. A page is never changed. Guarded by this. */
    private final Map<Long, byte[]> pages = new LinkedHashMap<>(64, 0.75f, true);
    /** Of what was written or forgotten: what was read meanwhile may be older. Guarded by this. */
    private long changes;

    /** @param maxBytes of memory, such as 32 MiB */
    public MetadataCache(Extents extents, int maxBytes) {
        this.extents = extents;
        maxPages = Math.max(1, maxBytes / PAGE);
    }

    @Override
    public ByteBuffer read(long address, int bytes) throws IOException {
        if (bytes < 0 || bytes > MAX_BYTES || !extents.contains(address, bytes)) {
            throw new VolumeDamagedException(extents.volume().toString(), address, bytes + " bytes are wanted there, the volume has " + extents.bytes());
        }
        int first = (int) (address % PAGE);
        if (first + bytes <= PAGE) return view(page(address / PAGE), first, bytes);
        return bytes <= 4 * PAGE ? view(joined(address, bytes), 0, bytes) : view(straight(address, bytes), 0, bytes);
    }

    private static ByteBuffer view(byte[] page, int first, int bytes) {
        return ByteBuffer.wrap(page, first, bytes).slice().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    private byte[] page(long number) throws IOException {
        while (true) {
            long before;
            synchronized (this) {
                byte[] page = pages.get(number);
                if (page != null) return page;
                before = changes;
            }
            byte[] page = device(number * PAGE, (int) Math.min(PAGE, extents.bytes() - number * PAGE));
            synchronized (this) {
                if (before != changes) continue;
                pages.put(number, page);
                if (pages.size() > maxPages) pages.remove(pages.keySet().iterator().next());
                return page;
            }
        }
    }

    private byte[] joined(long address, int bytes) throws IOException {
        byte[] all = new byte[bytes];
        for (int done = 0, part; done < bytes; done += part) {
            int first = (int) ((address + done) % PAGE);
            part = Math.min(PAGE - first, bytes - done);
            System.arraycopy(page((address + done) / PAGE), first, all, done, part);
        }
        return all;
    }

    /** Large reads do not push out what is kept. */
    private byte[] straight(long address, int bytes) throws IOException {
        long begin = address / Extents.BLOCK * Extents.BLOCK;
        long end = (address + bytes + Extents.BLOCK - 1) / Extents.BLOCK * Extents.BLOCK;
        byte[] all = device(begin, (int) (end - begin));
        return begin == address ? all : Arrays.copyOfRange(all, (int) (address - begin), (int) (address - begin) + bytes);
    }

    private byte[] device(long address, int bytes) throws IOException {
        byte[] data = new byte[bytes];
        extents.read(address, ByteBuffer.wrap(data));
        return data;
    }

    /** Sectors of 512 bytes, by address, are on the devices now. */
    public synchronized void written(SortedMap<Long, byte[]> sectors) {
        changes++;
        long number = -1;
        byte[] page = null;
        for (Map.Entry<Long, byte[]> sector : sectors.entrySet()) {
            if (sector.getKey() / PAGE != number) {
                number = sector.getKey() / PAGE;
                byte[] old = pages.get(number);
                page = old == null ? null : old.clone();
                if (page != null) pages.put(number, page);
            }
            if (page != null) System.arraycopy(sector.getValue(), 0, page, (int) (sector.getKey() % PAGE), sector.getValue().length);
        }
    }

    /** What is there may have changed without {@link #written}. */
    public synchronized void forget(long address, long bytes) {
        changes++;
        if (bytes / PAGE > pages.size()) pages.keySet().removeIf(page -> page >= address / PAGE && page * PAGE < address + bytes);
        else for (long page = address / PAGE; page * PAGE < address + bytes; page++) pages.remove(page);
    }

    /** Everything may have changed. */
    public synchronized void forget() {
        changes++;
        pages.clear();
    }
}
