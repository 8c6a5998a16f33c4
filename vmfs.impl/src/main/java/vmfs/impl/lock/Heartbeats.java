package vmfs.impl.lock;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import vmfs.impl.format.FsHeader;
import vmfs.impl.format.Generation;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.format.Uuid;
import vmfs.impl.volume.Extents;
import vmkernel.api.storage.BlockDevice;

/**
 * Signs of life of all hosts of a volume, and this host's own. They are read from and written to the device past every cache.
 * Any thread. [VMFS] sections 3 and 13
 */
public final class Heartbeats {
    private static final int SLOTS_AT_ONCE = 256, JOURNAL_NOTE = 0x140;

    private final Extents extents;
    private final FsHeader header;
    private final Host host;
    private final Lease lease;
    /** Own slot: byte address, and generation; 0 if there is none. */
    private long address, generation;
    /** Slots whose pulse is watched, by address. Guarded by this. */
    private final Map<Long, Seen> watched = new HashMap<>();

    private record Seen(long generation, long pulse, long since) {}

    public Heartbeats(Extents extents, FsHeader header, Host host, Lease lease) {
        this.extents = extents;
        this.header = header;
        this.host = host;
        this.lease = lease;
    }

    public Lease lease() { return lease; }

    /** Byte address of the own slot, and its generation: who has a lock notes both in it. */
    public synchronized long address() { return address; }
    public synchronized long generation() { return generation; }
    public Uuid host() { return host.uuid(); }

    /** Goes on with the slot of the predecessor of this code. */
    public synchronized void resume(long ownAddress, long ownGeneration) {
        address = ownAddress;
        generation = ownGeneration;
    }

    /** All slots that are in use. */
    public List<Heartbeat> used() throws IOException {
        List<Heartbeat> used = new ArrayList<>();
        int slots = extents.generation().heartbeats();
        for (int first = 0; first < slots; first += SLOTS_AT_ONCE) {
            ByteBuffer part = ByteBuffer.allocate(SLOTS_AT_ONCE * Heartbeat.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            extents.read(extents.generation().heartbeat(first), part);
            for (int i = 0; i < SLOTS_AT_ONCE; i++) {
                Heartbeat slot = new Heartbeat(part.slice(i * Heartbeat.BYTES, Heartbeat.BYTES));
                if (slot.magic() == Heartbeat.USED) used.add(slot);
            }
        }
        return used;
    }

    /**
     * Waits until it is known of all hosts that do not keep to this project's journal whether they live: up to a lease, if there are some.
     *
     * @return why the volume can only be read; empty if all of them are dead
     */
    public Optional<String> foreign() throws IOException {
        List<Heartbeat> others = used();
        others.removeIf(slot -> Host.ours(slot.bytes()) && (!slot.owner().equals(host.uuid()) || Host.gone(slot.bytes())));
        return firstAlive(others).map(slot -> slot.owner().equals(host.uuid()) ? "another process has it mounted as this host, " + name(slot) : name(slot) + " has it mounted and works with another journal");
    }

    /** The same for all other hosts. @return who has the volume mounted; empty if nobody has */
    public Optional<String> others() throws IOException {
        List<Heartbeat> others = used();
        others.removeIf(slot -> Host.ours(slot.bytes()) && Host.gone(slot.bytes()));
        return firstAlive(others).map(Heartbeats::name);
    }

    private Optional<Heartbeat> firstAlive(List<Heartbeat> slots) throws IOException {
        long end = lease.time().millis() + lease.millis();
        while (!slots.isEmpty()) {
            for (Heartbeat before : slots) {
                Heartbeat now = read(before.address());
                if (now.magic() == Heartbeat.USED && (now.pulse() != before.pulse() || now.generation() != before.generation())) return Optional.of(now);
            }
            long left = end - lease.time().millis();
            if (left <= 0) break;
            sleep(Math.min(left, lease.pulseMillis() / 3 + 1));
        }
        return Optional.empty();
    }

    private void sleep(long millis) throws IOException {
        try {
            lease.time().sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for the pulse of another host", e);
        }
    }

    /** Takes a slot: that of this host's previous life, or a free one. @throws IOException if there is none */
    public synchronized void acquire() throws IOException {
        try (BlockDevice.Reservation alone = extents.first().reserve()) {
            Heartbeat slot = free();
            slot.magic(Heartbeat.USED);
            slot.generation(slot.generation() + 1);
            slot.owner(host.uuid());
            slot.journal(0);
            slot.major(header.major());
            slot.minor(header.minor());
            slot.lockImplementation(0);
            slot.host(shorter(host.name()));
            host.note(slot.bytes());
            beat(slot);
            write(slot);
            // the generation is not used again, whatever happens: locks that are on stable storage name it
            extents.flush();
            resume(slot.address(), slot.generation());
        }
    }

    private static String shorter(String name) {
        String text = name.replaceAll("[^ -~]", "?");
        return text.substring(0, Math.min(text.length(), 45));
    }

    private Heartbeat free() throws IOException {
        for (Heartbeat slot : used()) if (slot.owner().equals(host.uuid())) return slot;
        int slots = extents.generation().heartbeats();
        int first = Math.floorMod(host.uuid().hashCode(), slots);
        for (int i = 0; i < slots; i++) {
            Heartbeat slot = read(extents.generation().heartbeat((first + i) % slots));
            if (slot.magic() == Heartbeat.USED) continue;
            slot.address(extents.generation().heartbeat((first + i) % slots));
            return slot;
        }
        for (Heartbeat slot : used()) if (Host.ours(slot.bytes()) && Host.gone(slot.bytes()) && slot.address() != address) return slot;
        throw new IOException("all " + slots + " heartbeats of the volume are in use");
    }

    /** Changes with every pulse. */
    private void beat(Heartbeat slot) { slot.pulse(Math.max(slot.pulse() + 1, System.nanoTime() / 1000)); }

    /** The own slot as it is on the device. */
    public synchronized Heartbeat own() throws IOException { return read(address); }

    /** Where a host that makes the volume's journal has put it; 0 if it does not, or is of another make. */
    public long journalNote(Heartbeat slot) { return Host.ours(slot.bytes()) ? slot.bytes().getLong(JOURNAL_NOTE) : 0; }

    /** Notes where the journal is that is being made, durably. Under a reservation. */
    public void noteJournal(Heartbeat slot, long at) throws IOException {
        slot.bytes().putLong(JOURNAL_NOTE, at);
        write(slot);
        extents.flush();
    }

    /** Slots of hosts that are dead and did not keep to this project's journal. After {@link #foreign}. */
    public List<Heartbeat> abandoned() throws IOException {
        List<Heartbeat> all = used();
        all.removeIf(slot -> Host.ours(slot.bytes()) || slot.address() == address);
        return all;
    }

    /** Shows that this host lives. @return why it does not any more; empty if all is well */
    public synchronized Optional<String> pulse() throws IOException {
        if (address == 0) return Optional.empty();
        try (BlockDevice.Reservation alone = extents.first().reserve()) {
            Heartbeat slot = read(address);
            if (slot.magic() != Heartbeat.USED || slot.generation() != generation || !slot.owner().equals(host.uuid())) {
                return Optional.of("another host took this one for dead, since its pulse stood still for " + lease.millis() / 1000 + " s; mount the volume again");
            }
            beat(slot);
            write(slot);
            return Optional.empty();
        }
    }

    /** Gives the slot back. */
    public synchronized void release() throws IOException {
        if (address == 0) return;
        try (BlockDevice.Reservation alone = extents.first().reserve()) {
            Heartbeat slot = read(address);
            if (slot.generation() == generation && slot.owner().equals(host.uuid())) end(slot);
        }
        address = 0;
    }

    /** Ends a host's life, under a reservation: the slot is free, and all locks of its holder are stale. */
    public void end(Heartbeat slot) throws IOException {
        slot.magic(Heartbeat.FREE);
        slot.generation(slot.generation() + 1);
        slot.owner(Uuid.NONE);
        slot.journal(0);
        slot.host("");
        slot.bytes().put(Heartbeat.BYTES / 2, new byte[Heartbeat.BYTES / 2]);
        write(slot);
        extents.flush();
    }

    /**
     * Whether who noted a slot in a lock still lives. A host whose pulse stood still for a lease is dead from then on: its slot is taken away.
     * Under a reservation, if {@code breaking}.
     */
    public synchronized boolean alive(long slotAddress, long slotGeneration, boolean breaking) throws IOException {
        long index = slotAddress - Generation.HEARTBEATS;
        if (index < 0 || index % Heartbeat.BYTES != 0 || index / Heartbeat.BYTES >= extents.generation().heartbeats()) return false;
        if (slotAddress == address) return slotGeneration == generation;
        Heartbeat slot = read(slotAddress);
        if (slot.magic() != Heartbeat.USED || slot.generation() != slotGeneration) return false;
        Seen seen = watched.get(slotAddress);
        long now = lease.time().millis();
        if (seen == null || seen.generation != slotGeneration || seen.pulse != slot.pulse()) {
            watched.put(slotAddress, new Seen(slotGeneration, slot.pulse(), now));
            return true;
        }
        if (now - seen.since < lease.millis()) return true;
        if (breaking) end(slot);
        return false;
    }

    /** For people. */
    public String name(long slotAddress, Uuid owner) throws IOException {
        if (owner.equals(host.uuid())) return "this host";
        Heartbeat slot = read(slotAddress);
        return slot.owner().equals(owner) ? name(slot) : "host " + owner;
    }

    private static String name(Heartbeat slot) { return "host " + (slot.host().isBlank() ? slot.owner().toString() : slot.host() + " (" + slot.owner() + ")"); }

    private Heartbeat read(long at) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Heartbeat.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        extents.read(at, bytes);
        return new Heartbeat(bytes.flip());
    }

    private void write(Heartbeat slot) throws IOException { extents.write(slot.address(), slot.bytes().duplicate().clear()); }
}
