package vmfs.impl.volume;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.journal.Journal;
import vmfs.impl.journal.Transaction;
import vmfs.impl.lock.Heartbeats;
import vmfs.impl.mkfs.Formatter;
import vmkernel.api.storage.BlockDevice;

/**
 * Finds the journal of a volume: a hidden file in the root, in one file block. Volumes of other makers do not have it: it is made by
 * the first transaction that it holds itself. Until that is committed and in its place, the heartbeat of the host that does it says where it is.
 */
final class JournalFile {
    private static final int MIN_BYTES = 1 << 16, MAX_BYTES = 1 << 20;

    private JournalFile() { }

    /** The journal of a volume that has one. */
    static Optional<Journal> find(Extents extents, Geometry geometry, Metadata metadata) throws IOException {
        FileDescriptor root = geometry.descriptor(metadata, Address.ROOT, 0);
        DirectoryItem item = new Directory(geometry, metadata, root).find(Formatter.JOURNAL_NAME);
        if (item == null) return Optional.empty();
        FileDescriptor file = new Walk(geometry, metadata, Directory::find).descriptor(item);
        BlockMap blocks = geometry.blocks(metadata, file);
        long at = file.form() == FileDescriptor.FILE_BLOCKS ? blocks.at(0) : -1;
        if (at < 0 || file.length() < MIN_BYTES) throw new VolumeDamagedException(geometry.name(), item.at(), Formatter.JOURNAL_NAME + " is no journal; delete it with another tool");
        return Optional.of(new Journal(extents, at, (int) Math.min(Math.min(file.length(), geometry.blockBytes()), MAX_BYTES)));
    }

    /** The journal of a volume that is only read, if it can have one. */
    static Optional<Journal> forReading(Extents extents, Geometry geometry, Metadata metadata) throws IOException {
        return geometry.generation() == Generation.VMFS6 ? Optional.empty() : find(extents, geometry, metadata);
    }

    /** The journal of a volume that is to be written; made if there is none. What a crash left is in its place. */
    static Journal open(Writing volume, MetadataCache cache, Heartbeats heartbeats) throws IOException {
        try (BlockDevice.Reservation alone = volume.extents().first().reserve()) {
            cache.forget();
            replayUnfinished(volume, heartbeats);
            cache.forget();
            Optional<Journal> there = find(volume.extents(), volume.geometry(), cache);
            if (there.isEmpty()) {
                make(volume, cache, heartbeats);
                cache.forget();
                there = find(volume.extents(), volume.geometry(), cache);
            }
            there.get().replay();
            cache.forget();
            return there.get();
        }
    }

    /** Hosts that died while they made it have noted where it is; it counts if its first record is whole. */
    static void replayUnfinished(Writing volume, Heartbeats heartbeats) throws IOException {
        for (Heartbeat slot : heartbeats.used()) {
            long at = heartbeats.journalNote(slot);
            if (at > 0 && volume.extents().contains(at, MAX_BYTES)) new Journal(volume.extents(), at, MAX_BYTES).replay();
            if (at > 0) heartbeats.noteJournal(slot, 0);
        }
    }

    private static void make(Writing volume, MetadataCache cache, Heartbeats heartbeats) throws IOException {
        Transaction transaction = new Transaction(cache, java.util.Set.of());
        long block = volume.allocator().fileBlocks(transaction, 1, -1)[0];
        long at = block * volume.geometry().blockBytes();
        FileEditor file = FileEditor.create(volume, transaction, FileDescriptor.FILE, 0400);
        file.adopt(block, MAX_BYTES);
        DirectoryEditor.of(volume, transaction, volume.geometry().descriptor(transaction, Address.ROOT, 0)).add(Formatter.JOURNAL_NAME, file.descriptor());
        ByteBuffer zeros = volume.zeros();
        for (long done = 0; done < volume.geometry().blockBytes(); done += zeros.capacity()) volume.extents().write(at + done, zeros.duplicate());
        volume.extents().flush();
        Heartbeat own = heartbeats.own();
        heartbeats.noteJournal(own, at);
        new Journal(volume.extents(), at, MAX_BYTES).commit(transaction.changed(), false);
        volume.extents().flush();
        heartbeats.noteJournal(heartbeats.own(), 0);
        volume.names().forget();
        volume.allocator().forget();
    }
}
