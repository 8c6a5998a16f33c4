package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmfs.impl.format.Address;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.format.Uuid;
import vmfs.impl.journal.Journal;
import vmfs.impl.journal.Ledger;
import vmfs.impl.lock.FileLocks;
import vmfs.impl.lock.Heartbeats;
import vmfs.impl.lock.Host;
import vmfs.impl.lock.Lease;
import vmkernel.api.files.MountContext;
import vmkernel.api.handover.StateRecord;

/** What this host has of a volume that it writes: its heartbeat, its locks, and the journal. Any thread. */
final class Access {
    private static final Logger LOG = LoggerFactory.getLogger(Access.class);
    /** What a dead host of ESX has in its journal if there is nothing left to do. [VMFS] section 9 */
    private static final int IDLE_BYTES = 0x400, IDLE_ZEROS = 0x350;

    private final MountContext context;
    private final Heartbeats heartbeats;
    private final Writing writing;
    private final Ledger ledger;
    private final FileLocks locks;
    private final VolumeWriter writer;
    private Consumer<String> lost = why -> { };
    /** Guarded by this. */
    private Runnable cancel = () -> { };
    private boolean ended;
    private volatile long lastBeat;

    /** @param access null if the volume can only be read @param refusal why; null if it can be written */
    record Attempt(Access access, String refusal) { }

    private Access(MountContext context, Heartbeats heartbeats, Writing writing, Journal journal, MetadataCache cache) {
        this.context = context;
        this.heartbeats = heartbeats;
        this.writing = writing;
        ledger = new Ledger(writing.extents(), cache, journal, this::broken, this::forget);
        locks = new FileLocks(heartbeats);
        writer = new VolumeWriter(writing, ledger, locks);
        lastBeat = heartbeats.lease().time().millis();
    }

    /** Takes a volume for writing, with all that a crash left mended. @param state of the predecessor, or null */
    static Attempt open(Extents extents, Geometry geometry, MetadataCache cache, Names names, MountContext context, Lease lease, StateRecord state) throws IOException {
        Host host = new Host(Uuid.parse(context.hostUuid()), context.hostName());
        Heartbeats heartbeats = new Heartbeats(extents, geometry.header(), host, lease);
        Writing writing = new Writing(geometry, extents, new Allocator(geometry), new SectorWriter(extents), names);
        long inherited = state == null ? 0 : state.exchange("heartbeat", 0L);
        if (inherited != 0) {
            heartbeats.resume(inherited, state.exchange("heartbeatGeneration", 0L));
            Optional<String> gone = heartbeats.pulse();
            if (gone.isPresent()) return new Attempt(null, gone.get());
        } else {
            Optional<String> refusal = heartbeats.foreign();
            if (refusal.isEmpty()) refusal = unfinished(extents, geometry, heartbeats);
            if (refusal.isPresent()) return new Attempt(null, refusal.get());
            heartbeats.acquire();
        }
        try {
            Access access = new Access(context, heartbeats, writing, JournalFile.open(writing, cache, heartbeats), cache);
            access.reclaim();
            return new Attempt(access, null);
        } catch (IOException | RuntimeException e) {
            if (inherited == 0) heartbeats.release();
            throw e;
        }
    }

    /** A journal of ESX can only be replayed by ESX. @return why the volume can only be read, if there is one with something in it */
    private static Optional<String> unfinished(Extents extents, Geometry geometry, Heartbeats heartbeats) throws IOException {
        for (Heartbeat slot : heartbeats.abandoned()) {
            long at = journal(geometry, slot);
            if (at < 0) continue;
            ByteBuffer head = ByteBuffer.allocate(IDLE_BYTES);
            extents.read(at, head);
            for (int i = 0; i < IDLE_ZEROS; i++) {
                if (head.get(i) != 0) return Optional.of("host " + slot.owner() + " died with changes in its journal, which only ESX can finish: mount it there once");
            }
        }
        return Optional.empty();
    }

    /** Byte address of the journal of a host of ESX; -1 if it has none. */
    private static long journal(Geometry geometry, Heartbeat slot) throws IOException {
        return Address.type(slot.journal()) == Address.FILE_BLOCK ? geometry.locate(slot.journal() & 0xFFFFFFFFL, slot.address() + 0x2c) : -1;
    }

    /** Dead hosts of ESX lose their heartbeats, and the blocks of their journals, which no file has. */
    private void reclaim() throws IOException {
        List<Heartbeat> dead = heartbeats.abandoned();
        for (Heartbeat slot : dead) {
            LOG.warn("volume {}: host {} is dead; its heartbeat is given back", writing.geometry().name(), slot.owner());
            ledger.change(transaction -> {
                if (journal(writing.geometry(), slot) >= 0 && writing.allocator().taken(transaction, slot.journal())) writing.allocator().free(transaction, slot.journal());
                return null;
            });
            heartbeats.end(slot);
        }
    }

    Ledger ledger() { return ledger; }

    Writing writing() { return writing; }

    FileLocks locks() { return locks; }

    VolumeWriter writer() { return writer; }

    private void forget() {
        writing.allocator().forget();
        writing.names().forget();
    }

    private void broken(String why) { lost.accept(why); }

    /** Shows from now on that this host lives. @param whenLost told if the volume cannot be written any more */
    void beat(Consumer<String> whenLost) {
        lost = whenLost;
        next();
    }

    private synchronized void next() {
        if (!ended) cancel = context.after(heartbeats.lease().pulseMillis(), this::pulse);
    }

    private void pulse() {
        synchronized (this) {
            if (ended) return;
        }
        if (beaten()) next();
    }

    /** @return false if the volume cannot be written any more */
    private boolean beaten() {
        try {
            Optional<String> gone = heartbeats.pulse();
            if (gone.isPresent()) {
                ledger.stop(gone.get());
                return false;
            }
            lastBeat = heartbeats.lease().time().millis();
            return true;
        } catch (IOException e) {
            LOG.warn("volume {}: no pulse: {}", writing.geometry().name(), e.getMessage());
            if (sinceBeat() <= heartbeats.lease().millis()) return true;
            ledger.stop("its heartbeat cannot be written: " + e.getMessage());
            return false;
        }
    }

    private long sinceBeat() { return heartbeats.lease().time().millis() - lastBeat; }

    /** Whether nobody can have taken this host for dead: data may be written. */
    boolean fresh() { return sinceBeat() < heartbeats.lease().millis() - heartbeats.lease().pulseMillis(); }

    /** Makes sure that nobody has. If the host was stopped for a while, its locks may be others' now. */
    void refresh() {
        if (!fresh()) beaten();
    }

    /** The successor goes on with the heartbeat. */
    synchronized void pause() {
        ended = true;
        cancel.run();
    }

    void save(StateRecord state) {
        state.exchange("heartbeat", heartbeats.address());
        state.exchange("heartbeatGeneration", heartbeats.generation());
    }

    /** @param whole if nothing failed: then the journal is left empty, and the heartbeat is given back */
    void close(boolean whole) {
        pause();
        if (!whole) return;
        try {
            ledger.close();
            heartbeats.release();
        } catch (IOException e) {
            LOG.error("volume {}: {}", writing.geometry().name(), e.getMessage());
        }
    }
}
