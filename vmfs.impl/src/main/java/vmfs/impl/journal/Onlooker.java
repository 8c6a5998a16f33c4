package vmfs.impl.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import vmfs.impl.volume.Metadata;
import vmfs.impl.volume.MetadataCache;

/**
 * Metadata of a volume that this host only reads. What is committed but perhaps not in its place is taken from the journal, and read anew
 * when another host commits. LIMIT: changes by makers of VMFS that do not know this journal are seen after the next mount.
 */
public final class Onlooker implements Committed {
    private static final int MAX_REPEATS = 100;

    private final MetadataCache cache;
    private final Optional<Journal> journal;
    /** Guarded by this. */
    private final Map<Long, Page> waiting = new HashMap<>();
    private final Metadata image;
    private boolean first = true;
    private volatile long epoch;

    /** @param journal empty if the volume has none */
    public Onlooker(MetadataCache cache, Optional<Journal> journal) {
        this.cache = cache;
        this.journal = journal;
        image = new Overlay(cache, waiting);
    }

    @Override public long epoch() { return epoch; }

    @Override
    public synchronized <T> T look(Look<T> reader) throws IOException {
        if (journal.isEmpty()) return reader.on(cache);
        for (int i = 0; i < MAX_REPEATS; i++) {
            if (first || journal.get().moved()) catchUp();
            T result;
            try {
                result = reader.on(image);
            } catch (IOException e) {
                if (!journal.get().moved()) throw e;
                continue;
            }
            if (!journal.get().moved()) return result;
        }
        throw new IOException("other hosts change the volume all the time; try again");
    }

    private void catchUp() throws IOException {
        cache.forget();
        waiting.clear();
        for (Map.Entry<Long, byte[]> sector : journal.get().waiting().entrySet()) lay(sector.getKey(), sector.getValue());
        first = false;
        epoch++;
    }

    private void lay(long address, byte[] sector) throws IOException {
        long number = address / Page.BYTES;
        Page page = waiting.get(number);
        if (page == null) {
            page = new Page(new byte[Page.BYTES], 0);
            ByteBuffer below = cache.read(number * Page.BYTES, Page.BYTES);
            below.get(page.bytes);
            waiting.put(number, page);
        }
        System.arraycopy(sector, 0, page.bytes, (int) (address % Page.BYTES), sector.length);
    }
}
