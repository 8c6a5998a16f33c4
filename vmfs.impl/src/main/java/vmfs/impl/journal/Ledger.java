package vmfs.impl.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import vmfs.impl.volume.Extents;
import vmfs.impl.volume.Metadata;
import vmfs.impl.volume.MetadataCache;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.storage.BlockDevice;

/**
 * The metadata of a mounted volume and all changes of them. An operation is applied to the image in memory, under one lock, and joins the open
 * group; then it waits until the group is committed, by the first of those who wait. Meanwhile others join the next group. A group that
 * fails takes the next one with it, since that was built on it; the image is read anew then.
 *
 * <p>The device is reserved from the first operation of a group until there is none left, so that what was read stays true. Whoever
 * reads or begins a group looks whether another host has committed, and forgets all if so. Any thread.
 */
public final class Ledger implements Committed {
    /** How long other hosts wait for one that is busy, at least. */
    private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final int MAX_REPEATS = 3, MAX_YIELDS = 20;

    private final Extents extents;
    private final MetadataCache cache;
    private final Journal journal;
    private final Consumer<String> broken;
    private final Runnable forgotten;
    private final ReentrantLock lock = new ReentrantLock();
    /** A group came to its end. */
    private final Condition ended = lock.newCondition();
    /** What is not in its place yet, newest. The groups have the same pages. */
    private final Map<Long, Page> pending = new HashMap<>();
    private final Metadata image;
    private final Set<Long> unsettled = new HashSet<>();
    /** Takes operations; null if there is none. */
    private Group open;
    private boolean committingNow;
    private BlockDevice.Reservation reservation;
    private long reservedSince;
    private String readOnly;
    private volatile long epoch;

    /** What changes metadata. It may run more than once; only the last counts, the others' transactions are undone. */
    public interface Change<T> { T on(Transaction transaction) throws IOException; }

    /**
     * @param journal whose records are in their places
     * @param broken told once, when the volume cannot be written any more: why
     * @param forgotten called when what is derived from metadata has to be forgotten, under the lock
     */
    public Ledger(Extents extents, MetadataCache cache, Journal journal, Consumer<String> broken, Runnable forgotten) {
        this.extents = extents;
        this.cache = cache;
        this.journal = journal;
        this.broken = broken;
        this.forgotten = forgotten;
        image = new Overlay(cache, pending);
    }

    @Override public long epoch() { return epoch; }

    /** Byte address of the journal. */
    public long journalAddress() { return journal.address(); }

    /** Sectors that one transaction can change. */
    public int capacity() { return journal.capacity(); }

    @Override
    public <T> T look(Look<T> reader) throws IOException {
        lock.lock();
        try {
            for (int i = 0; reservation == null && i < MAX_REPEATS; i++) {
                catchUp();
                T result;
                try {
                    result = reader.on(image);
                } catch (IOException e) {
                    if (!journal.moved()) throw e;
                    continue;
                }
                if (!journal.moved()) return result;
            }
            if (reservation != null) return reader.on(image);
            try (BlockDevice.Reservation alone = extents.first().reserve()) {
                catchUp();
                return reader.on(image);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Reads what nobody but this host changes, since it has the file's lock. */
    public ByteBuffer read(long address, int bytes) throws IOException {
        lock.lock();
        try {
            return image.read(address, bytes);
        } finally {
            lock.unlock();
        }
    }

    /** If another host has committed, what is in memory is old; the host may also have died before all was in its place. */
    private void catchUp() throws IOException {
        if (!journal.moved()) return;
        if (reservation != null) {
            journal.replay();
        } else {
            try (BlockDevice.Reservation alone = extents.first().reserve()) {
                journal.replay();
            }
        }
        forget();
    }

    private void forget() {
        cache.forget();
        epoch++;
        forgotten.run();
    }

    /** Applies a change and waits until it is durable. What throws has changed nothing. */
    public <T> T change(Change<T> operation) throws IOException {
        while (true) {
            Group group;
            T result = null;
            boolean joined = false;
            lock.lock();
            try {
                group = join();
                if (group.sectors() < capacity() / 2) {
                    Transaction transaction = new Transaction(image, unsettled);
                    boolean waits = !unsettled.isEmpty();
                    try {
                        result = attempt(operation, transaction, group);
                        joined = fits(transaction, group);
                        if (joined) add(transaction, group); else transaction.undo();
                    } catch (VolumeFullException e) {
                        if (!waits) throw e; // else what is given back can be used after the commit
                    }
                }
            } finally {
                lock.unlock();
            }
            commit(group);
            if (joined) {
                group.result();
                return result;
            }
        }
    }

    private <T> T attempt(Change<T> operation, Transaction transaction, Group group) throws IOException {
        try {
            T result = operation.on(transaction);
            transaction.trim();
            return result;
        } catch (IOException | RuntimeException | Error e) {
            transaction.undo();
            if (group.empty()) end(group, null);
            throw e;
        }
    }

    private boolean fits(Transaction transaction, Group group) throws IOException {
        int sectors = transaction.sectors();
        if (sectors + group.sectors() <= capacity()) return true;
        if (sectors <= capacity()) return false;
        transaction.undo();
        if (group.empty()) end(group, null);
        throw new IOException(extents.first().name() + ": one step changes " + sectors + " sectors of metadata, the journal takes " + capacity());
    }

    private void add(Transaction transaction, Group group) {
        for (long[] range : transaction.forgottenPages()) {
            for (long number = range[0]; number < range[1]; number++) pending.remove(number);
            cache.forget(range[0] * Page.BYTES, (range[1] - range[0]) * Page.BYTES);
        }
        group.add(transaction);
        pending.putAll(transaction.pages());
        unsettled.addAll(transaction.freedBlocks());
    }

    /** The group that takes operations; there is a reservation, and the image is true. */
    private Group join() throws IOException {
        while (true) {
            if (readOnly != null) throw new IOException(readOnly);
            if (open != null) return open;
            if (!committingNow || System.nanoTime() - reservedSince < TURN_NANOS) break;
            ended.awaitUninterruptibly();
        }
        if (reservation == null) {
            reservation = extents.first().reserve();
            reservedSince = System.nanoTime();
            try {
                catchUp();
            } catch (IOException e) {
                release();
                throw e;
            }
        }
        open = new Group();
        return open;
    }

    /** Returns when the group is at its end. One of those who wait for it commits it, when that before is. */
    private void commit(Group group) {
        // who is about to join the group is let in
        for (int i = 0; i < MAX_YIELDS && lock.hasQueuedThreads(); i++) Thread.yield();
        lock.lock();
        try {
            while (committingNow && !group.done()) ended.awaitUninterruptibly();
            if (group.done()) return;
            if (open == group) open = null;
            committingNow = true;
        } finally {
            lock.unlock();
        }
        write(group);
    }

    private void write(Group group) {
        IOException failure = null;
        SortedMap<Long, byte[]> sectors = sectors(group);
        try {
            if (!sectors.isEmpty()) journal.commit(sectors, group.dataWritten);
            else if (group.dataWritten) extents.flush();
        } catch (IOException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            failure = new BrokenJournalException(extents.first().name() + ": " + e, e);
        }
        lock.lock();
        try {
            committingNow = false;
            ended.signalAll();
            if (failure == null) cache.written(sectors);
            end(group, failure);
        } finally {
            lock.unlock();
        }
    }

    private static SortedMap<Long, byte[]> sectors(Group group) {
        SortedMap<Long, byte[]> sectors = new TreeMap<>();
        group.pages.forEach((number, page) -> page.changed(number * Page.BYTES, sectors));
        return sectors;
    }

    /** A group came to its end. Others may have joined the next one, which then goes on, or fails with it. */
    private void end(Group group, IOException failure) {
        group.end(failure);
        if (open == group) open = null;
        if (failure == null) {
            group.pages.forEach(pending::remove);
            unsettled.removeAll(group.freed);
        } else {
            if (open != null) open.end(failure);
            open = null;
            pending.clear();
            unsettled.clear();
            forget();
            if (failure instanceof BrokenJournalException) stop(failure.getMessage());
        }
        if (open == null && !committingNow) release();
    }

    private void release() {
        BlockDevice.Reservation held = reservation;
        reservation = null;
        if (held == null) return;
        try {
            held.close();
        } catch (IOException e) {
            stop(extents.first().name() + ": the reservation cannot be given back: " + e.getMessage());
        }
    }

    /** No changes from now on. @param why one line */
    public void stop(String why) {
        lock.lock();
        try {
            if (readOnly != null) return;
            readOnly = why;
        } finally {
            lock.unlock();
        }
        broken.accept(why);
    }

    /** Nothing waits, and the journal has nothing that would be written again. */
    public void close() throws IOException {
        lock.lock();
        try (BlockDevice.Reservation alone = extents.first().reserve()) {
            while (committingNow) ended.awaitUninterruptibly();
            if (readOnly != null) return;
            catchUp();
            journal.clear();
        } finally {
            lock.unlock();
        }
    }
}
