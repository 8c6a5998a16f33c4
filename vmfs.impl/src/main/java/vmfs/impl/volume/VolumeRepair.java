package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import vmfs.impl.check.Checker;
import vmfs.impl.check.Repairs;
import vmfs.impl.format.Address;
import vmfs.impl.format.Cluster;
import vmfs.impl.format.DirectoryEntry;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.format.LockSector;
import vmfs.impl.format.Uuid;
import vmfs.impl.journal.Journal;
import vmfs.impl.journal.Ledger;
import vmfs.impl.journal.Transaction;
import vmfs.impl.lock.Heartbeats;
import vmfs.impl.lock.Host;
import vmfs.impl.lock.Lease;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.Progress;
import vmkernel.api.storage.BlockDevice;

/**
 * Mends a volume that nobody has mounted. Each step is a transaction. A volume of another maker has no journal; it gets one as soon as it is
 * known which blocks are free, and what is done until then is of one sector a step. LIMIT: if the journal's own file is damaged,
 * a step that a power cut interrupts may be half done, until the next repair. VMFS-3 and -5.
 */
final class VolumeRepair implements Repairs {
    private static final String FOUND = "lost+found";

    private final Geometry geometry;
    private final Extents extents;
    private final MetadataCache cache;
    private final Writing writing;
    private final Heartbeats heartbeats;
    /** Null as long as there is no journal. */
    private Ledger ledger;
    /** The journal's file cannot be used. */
    private boolean noJournal;

    private VolumeRepair(Extents extents, Geometry geometry, MetadataCache cache, Heartbeats heartbeats) {
        this.extents = extents;
        this.geometry = geometry;
        this.cache = cache;
        this.heartbeats = heartbeats;
        writing = new Writing(geometry, extents, new Allocator(geometry), new SectorWriter(extents), new Names());
    }

    /** Looks through a volume and mends it. */
    static CheckReport run(Extents extents, Lease lease, Progress progress) throws IOException {
        MetadataCache cache = new MetadataCache(extents, VmfsVolume.CACHE_BYTES);
        Geometry geometry = Geometry.read(extents, cache);
        if (geometry.generation() == Generation.VMFS6) throw new IOException("volume " + geometry.name() + " cannot be repaired: VMFS-6 is only read");
        if (extents.readOnly()) throw new IOException("volume " + geometry.name() + " cannot be repaired: its device is write-protected");
        UUID random = UUID.randomUUID();
        Host host = new Host(new Uuid((int) random.getMostSignificantBits(), (int) random.getLeastSignificantBits(), 0, 0), "repair");
        Heartbeats heartbeats = new Heartbeats(extents, geometry.header(), host, lease);
        Optional<String> other = heartbeats.others();
        if (other.isPresent()) throw new IOException("volume " + geometry.name() + " cannot be repaired: " + other.get() + " has it mounted");
        try (BlockDevice.Reservation alone = extents.first().reserve()) {
            VolumeRepair repair = new VolumeRepair(extents, geometry, cache, heartbeats);
            repair.recover();
            CheckReport report = Checker.repair(geometry, cache, repair, progress);
            repair.end();
            List<String> notes = report.notes().stream().filter(note -> !note.contains(host.uuid().toString())).toList();
            return new CheckReport(report.errors(), report.errorCount(), report.repaired(), report.files(), notes);
        }
    }

    /** What was committed when a host died is in its place before anything is looked at. */
    private void recover() throws IOException {
        cache.forget();
        JournalFile.replayUnfinished(writing, heartbeats);
        cache.forget();
        try {
            Optional<Journal> journal = JournalFile.find(extents, geometry, cache);
            if (journal.isPresent()) use(journal.get());
        } catch (VolumeDamagedException e) {
            noJournal = true;
        }
    }

    private void use(Journal journal) throws IOException {
        ledger = new Ledger(extents, cache, journal, why -> { }, this::forget);
        journal.replay();
        cache.forget();
    }

    private void forget() {
        writing.allocator().forget();
        writing.names().forget();
    }

    private void end() throws IOException {
        if (ledger != null) ledger.close();
        heartbeats.release();
    }

    /** What one step changes. */
    @FunctionalInterface
    private interface Step {
        void on(Transaction transaction) throws IOException;
    }

    /** A step that needs a journal, or room. */
    private void step(Step step) throws IOException {
        if (ledger == null && !noJournal) {
            heartbeats.acquire();
            use(JournalFile.open(writing, cache, heartbeats));
        }
        mark(step);
    }

    /** A step of one sector. */
    private void mark(Step step) throws IOException {
        forget();
        if (ledger != null) {
            ledger.change(transaction -> {
                step.on(transaction);
                return null;
            });
            return;
        }
        Transaction transaction = new Transaction(cache, Set.of());
        step.on(transaction);
        for (Map.Entry<Long, byte[]> sector : transaction.changed().entrySet()) extents.write(sector.getKey(), ByteBuffer.wrap(sector.getValue()));
        cache.written(transaction.changed());
        extents.flush();
    }

    private Cluster cluster(Transaction transaction, ResourceFile resource, int number) throws IOException {
        return new Cluster(geometry.generation(), transaction.change(resource.clusterAt(number), geometry.generation().clusterBytes()));
    }

    private static void count(Cluster cluster, int items) {
        cluster.free(cluster.countFree(items));
        int first = 0;
        while (first < items && !cluster.isFree(first)) first++;
        cluster.firstFree(first < items ? first : 0);
    }

    @Override
    public void header(ResourceFile resource, int number, int type) throws IOException {
        int last = type == LockSector.DESCRIPTORS ? lastGeneration(resource, number) : 0;
        mark(transaction -> {
            Cluster cluster = cluster(transaction, resource, number);
            cluster.bytes().put(0, new byte[geometry.generation().clusterBytes()]);
            cluster.lock().type(type);
            cluster.lock().address(resource.clusterAt(number));
            cluster.lock().token(1);
            cluster.number(number);
            cluster.total(resource.itemsOf(number));
            if (last > 0) cluster.lastGeneration(last);
        });
    }

    private int lastGeneration(ResourceFile resource, int number) throws IOException {
        int last = 1;
        for (int item = 0; item < resource.itemsOf(number); item++) {
            FileDescriptor file = new FileDescriptor(geometry.generation(), cache.read(resource.itemAt(number, item), geometry.generation().descriptorBytes()));
            if (file.lock().type() == LockSector.DESCRIPTOR) last = Math.max(last, file.generation());
        }
        return last;
    }

    @Override public void lockAddress(long at) throws IOException { step(transaction -> new LockSector(transaction.change(at, LockSector.BYTES)).address(at)); }

    @Override
    public void recount(ResourceFile resource, int number) throws IOException { mark(transaction -> count(cluster(transaction, resource, number),
        resource.itemsOf(number))); }

    @Override
    public void mark(ResourceFile resource, int index, boolean free) throws IOException {
        int number = index / resource.items();
        Step step = transaction -> {
            Cluster cluster = cluster(transaction, resource, number);
            cluster.free(index % resource.items(), free);
            count(cluster, resource.itemsOf(number));
        };
        if (free) step(step); else mark(step);
    }

    @Override
    public void free(ResourceFile resource, int number, int[] items) throws IOException {
        step(transaction -> {
            Cluster cluster = cluster(transaction, resource, number);
            for (int item : items) cluster.free(item, true);
            count(cluster, resource.itemsOf(number));
        });
    }

    @Override
    public void descriptor(long at, Correction correction) throws IOException {
        step(transaction -> correction.of(new FileDescriptor(geometry.generation(), transaction.change(at, geometry.generation().descriptorBytes()))));
    }

    @Override
    public void lastGeneration(int number, int generation) throws IOException {
        step(transaction -> {
            Cluster cluster = cluster(transaction, geometry.descriptors(), number);
            if (Integer.compareUnsigned(cluster.lastGeneration(), generation) < 0) cluster.lastGeneration(generation);
        });
    }

    @Override public void hole(long where) throws IOException { step(transaction -> address(transaction, where, Address.HOLE)); }

    private static void address(Transaction transaction, long where, int address) throws IOException {
        transaction.change(where / Extents.BLOCK * Extents.BLOCK, Extents.BLOCK).putInt((int) (where % Extents.BLOCK), address);
    }

    @Override
    public void copy(long where, long address) throws IOException {
        long from = geometry.locate(address, where);
        step(transaction -> {
            int type = Address.type(address);
            int fresh = type == Address.FILE_BLOCK ? Address.fileBlock(writing.allocator().fileBlocks(transaction, 1, -1)[0])
                : type == Address.SUB_BLOCK ? writing.allocator().subBlock(transaction) : writing.allocator().pointerBlock(transaction, type);
            long to = geometry.locate(fresh & 0xFFFFFFFFL, where);
            if (type == Address.FILE_BLOCK) {
                ByteBuffer content = ByteBuffer.allocate((int) geometry.blockBytes());
                extents.read(from, content);
                extents.write(to, content.flip());
                transaction.dataWritten();
            } else {
                transaction.put(to, transaction.read(from, type == Address.SUB_BLOCK ? geometry.subBlockBytes() : geometry.generation().pointerBlockBytes()));
            }
            address(transaction, where, fresh);
        });
    }

    /** Writes over an entry of a directory. */
    private void entry(Transaction transaction, FileDescriptor directory, int slot, String name, FileDescriptor target) throws IOException {
        DirectoryEntry entry = new DirectoryEntry(ByteBuffer.allocate(DirectoryEntry.BYTES));
        entry.type(target.type());
        entry.address(target.address());
        entry.generation(target.generation());
        entry.name(name);
        FileEditor editor = FileEditor.of(writing, transaction, directory.address(), 0);
        editor.overwrite((long) slot * DirectoryEntry.BYTES, entry.bytes());
        editor.changedNow();
    }

    @Override
    public void dots(FileDescriptor directory, int slot, FileDescriptor target) throws IOException {
        step(transaction -> entry(transaction, directory, slot, slot == 0 ? "." : "..", target));
    }

    /** The slot that an entry is in now: others may have gone before. */
    private DirectoryItem now(Transaction transaction, FileDescriptor directory, DirectoryItem item) throws IOException {
        Directory content = new Directory(geometry, transaction, geometry.descriptor(transaction, directory.address(), 0));
        for (int slot = Math.min(item.slot(), content.slots() - 1); slot >= 0; slot--) {
            DirectoryItem here = content.item(slot);
            if (here.address() == item.address() && here.generation() == item.generation() && here.type() == item.type() && here.name().equals(item.name())) return here;
        }
        throw new VolumeDamagedException(geometry.name(), item.at(), "the entry " + item.name() + " is not there any more");
    }

    @Override
    public void rename(FileDescriptor directory, DirectoryItem item) throws IOException {
        step(transaction -> {
            DirectoryItem here = now(transaction, directory, item);
            Directory content = new Directory(geometry, transaction, geometry.descriptor(transaction, directory.address(), 0));
            String base = item.name().replace('/', '_').replace("\uFFFD", "_");
            while (base.getBytes(StandardCharsets.UTF_8).length > DirectoryEntry.NAME_BYTES - 16) base = base.substring(0, base.length() - 1);
            String name = base + "~" + here.slot();
            for (int i = 0; content.find(name) != null; i++) name = base + "~" + here.slot() + "." + i;
            entry(transaction, directory, here.slot(), name, geometry.descriptor(transaction, item.address(), item.at()));
        });
    }

    @Override
    public void retype(FileDescriptor directory, DirectoryItem item, FileDescriptor file) throws IOException {
        step(transaction -> entry(transaction, directory, now(transaction, directory, item).slot(), item.name(), file));
    }

    @Override
    public void remove(FileDescriptor directory, DirectoryItem item) throws IOException {
        step(transaction -> DirectoryEditor.of(writing, transaction, directory).remove(now(transaction, directory, item)));
    }

    @Override
    public void found(FileDescriptor file) throws IOException {
        step(transaction -> {
            FileDescriptor root = geometry.descriptor(transaction, Address.ROOT, 0);
            DirectoryItem item = new Directory(geometry, transaction, root).find(FOUND);
            FileDescriptor into = item == null ? makeFound(transaction, root) : geometry.descriptor(transaction, item.address(), item.at());
            DirectoryEditor parent = DirectoryEditor.of(writing, transaction, into);
            parent.add("#" + Integer.toHexString(file.address()), file);
            if (!geometry.isDirectory(file)) return;
            parent.descriptor().links(parent.descriptor().links() + 1);
            if (file.length() >= 2 * DirectoryEntry.BYTES) entry(transaction, file, 1, "..", parent.descriptor());
        });
    }

    private FileDescriptor makeFound(Transaction transaction, FileDescriptor root) throws IOException {
        FileEditor made = FileEditor.create(writing, transaction, FileDescriptor.DIRECTORY, 0700);
        new DirectoryEditor(writing, made).dots(root);
        DirectoryEditor parent = DirectoryEditor.of(writing, transaction, root);
        parent.add(FOUND, made.descriptor());
        parent.descriptor().links(parent.descriptor().links() + 1);
        return made.descriptor();
    }

    @Override
    public void heartbeat(long at) throws IOException {
        step(transaction -> {
            Heartbeat slot = new Heartbeat(transaction.change(at, Heartbeat.BYTES));
            slot.bytes().put(0, new byte[Heartbeat.BYTES]);
            slot.magic(Heartbeat.FREE);
            slot.address(at);
        });
    }
}
