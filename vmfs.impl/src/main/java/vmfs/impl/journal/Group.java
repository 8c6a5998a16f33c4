package vmfs.impl.journal;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;

/** Transactions that become durable together. Guarded by the lock of the {@link Ledger}; not changed any more once it is sealed. */
final class Group {
    final TreeMap<Long, Page> pages = new TreeMap<>();
    final Set<Long> freed = new HashSet<>();
    boolean dataWritten;
    private int sectors;
    private boolean done;
    private IOException failure;

    /** What is changed here is newer. */
    void add(Transaction transaction) {
        for (long[] range : transaction.forgottenPages()) {
            var gone = pages.subMap(range[0], range[1]);
            for (Page page : gone.values()) sectors -= page.sectors();
            gone.clear();
        }
        transaction.pages().forEach((number, page) -> {
            Page old = pages.put(number, page);
            if (old != null) {
                sectors -= old.sectors();
                page.changed |= old.changed;
            }
            sectors += page.sectors();
        });
        freed.addAll(transaction.freedBlocks());
        dataWritten |= transaction.needsData();
    }

    boolean empty() { return pages.isEmpty() && freed.isEmpty() && !dataWritten; }

    int sectors() { return sectors; }

    void end(IOException why) {
        if (done) return;
        done = true;
        failure = why;
    }

    boolean done() { return done; }

    /** @throws IOException if it came to nothing */
    void result() throws IOException {
        if (failure != null) throw new IOException(failure.getMessage(), failure);
    }
}
