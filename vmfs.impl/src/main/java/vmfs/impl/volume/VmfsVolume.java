package vmfs.impl.volume;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.FsHeader;
import vmfs.impl.format.Generation;
import vmfs.impl.journal.Committed;
import vmfs.impl.journal.Onlooker;
import vmfs.impl.lock.Lease;
import vmfs.impl.mkfs.Formatter;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountContext;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumeSpace;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;

/** A volume that is mounted. VMFS-6, and what another kind of host uses, is only read. Any thread. */
final class VmfsVolume implements MountedVolume {
    private static final Logger LOG = LoggerFactory.getLogger(VmfsVolume.class);
    static final int CACHE_BYTES = 32 << 20;

    private static final String SCHEMA = "vmfs.impl/volume";
    private static final int VERSION = 1;

    private final Extents extents;
    private final Geometry geometry;
    private final MountContext context;
    private final Committed committed;
    private final Names names;
    private final FileData data;
    /** Why it is only read; null if it is written. */
    private volatile String readOnly;
    /** Null if it is only read from the beginning. */
    private final Access access;
    private volatile String label;
    /** Files are opened and closed one after another, so that the lock on disk fits what is open. Taken before this. */
    private final Object opening = new Object();
    /** By handle. Guarded by this. */
    private final Map<Integer, VmfsFile> files = new TreeMap<>();
    /** By address of the descriptor. Changed under this, looked at by all. */
    private final Map<Integer, Shared> open = new ConcurrentHashMap<>();
    /** Of files that the predecessor had open and nobody has taken up yet. Guarded by this. */
    private final Map<Integer, Handle> inherited = new TreeMap<>();
    private int handles;
    /** Tasks that wait for the device. Guarded by this. */
    private int tasks;
    private boolean quiesced;

    /** An open file as a successor needs it. */
    private record Handle(String path, VmFile.Mode mode, int address, int generation) { }

    /** A file and how often it is open on this host. */
    private static final class Shared {
        final OpenFile file;
        int handles, sharers;

        Shared(OpenFile file) { this.file = file; }
    }

    private VmfsVolume(Extents extents, Geometry geometry, MountContext context, Names names, Access access, Committed committed, String readOnly) {
        this.extents = extents;
        this.geometry = geometry;
        this.context = context;
        this.names = names;
        this.access = access;
        this.committed = committed;
        this.readOnly = readOnly;
        label = geometry.header().label();
        data = new FileData(extents, this::later, () -> access == null || access.fresh(), () -> requireWritable(geometry.name()));
    }

    static VmfsVolume mount(Extents extents, MountContext context, Optional<SavedState> state, Lease lease) throws IOException {
        MetadataCache cache = new MetadataCache(extents, CACHE_BYTES);
        Geometry geometry = Geometry.read(extents, cache);
        StateRecord inherited = state.isPresent() ? StateRecord.loading(state.get(), SCHEMA, VERSION) : null;
        String why = whyReadOnly(extents, geometry, context);
        Names names = new Names();
        Access access = null;
        if (why == null) {
            Access.Attempt attempt = Access.open(extents, geometry, cache, names, context, lease, inherited);
            access = attempt.access();
            why = attempt.refusal();
        }
        Committed committed = access != null ? access.ledger() : new Onlooker(cache, JournalFile.forReading(extents, geometry, cache));
        VmfsVolume volume = new VmfsVolume(extents, geometry, context, names, access, committed, why);
        volume.label = committed.look(metadata -> new FsHeader(metadata.read(Generation.FS_HEADER, FsHeader.BYTES))).label();
        if (access != null) {
            access.writer().openHere(volume::openHere);
            access.beat(volume::lost);
        }
        if (inherited != null) volume.inherit(inherited);
        return volume;
    }

    private static String whyReadOnly(Extents extents, Geometry geometry, MountContext context) {
        if (geometry.generation() == Generation.VMFS6) return "VMFS-6 is only read";
        if (extents.readOnly()) return "its device is write-protected";
        return context.readOnly() ? "it was mounted so" : null;
    }

    /** It cannot be written any more. */
    private void lost(String why) {
        readOnly = why;
        LOG.error("volume {}: {}", label, why);
        context.failed("volume " + label + ": " + why);
    }

    private void later(Runnable task) {
        synchronized (this) {
            tasks++;
        }
        context.after(0, () -> {
            try {
                task.run();
            } finally {
                synchronized (this) {
                    tasks--;
                    notifyAll();
                }
            }
        });
    }

    FileData data() { return data; }

    private Walk walk(Metadata metadata) { return new Walk(geometry, metadata, names::find); }

    @Override public String uuid() { return geometry.header().uuid().toString(); }
    @Override public String label() { return label; }
    @Override public String type() { return type(geometry.generation(), geometry.header().minor()); }
    @Override public Optional<String> readOnly() { return Optional.ofNullable(readOnly); }

    static String type(Generation generation, int minor) { return "VMFS-" + generation.major() + "." + minor; }

    @Override
    public VolumeSpace space() throws IOException {
        return committed.look(metadata -> {
            long free = access != null ? access.writing().allocator().freeBlocks(metadata) : geometry.fileBlocks().free(metadata);
            return new VolumeSpace((int) geometry.blockBytes(), geometry.blocks() * geometry.blockBytes(), free * geometry.blockBytes(), geometry.descriptors().total(),
                geometry.descriptors().free(metadata));
        });
    }

    @Override
    public FileStatus status(String path) throws IOException {
        return committed.look(metadata -> {
            Walk.Place place = walk(metadata).existing(path, false);
            return status(place.name(), place.descriptor());
        });
    }

    FileStatus status(String name, FileDescriptor file) {
        long id = (long) file.generation() << 32 | file.address() & 0xFFFFFFFFL;
        long allocated = file.form() == FileDescriptor.CONTENT ? 0 : file.blocks() * file.blockBytes();
        FileStatus.Type type = name.equals(Formatter.JOURNAL_NAME) ? FileStatus.Type.SYSTEM : type(file.type());
        return new FileStatus(name, id, type, Math.max(file.length(), written(file)), allocated, file.links(), file.mode() & 07777, file.uid(), file.gid(), file.modified(),
            file.changed(), file.accessed());
    }

    /** How long a file is with what somebody on this host has written and not flushed; 0 if nobody has. */
    private long written(FileDescriptor file) {
        Shared shared = open.get(file.address());
        FileWriter writer = shared == null || shared.file.generation() != file.generation() ? null : shared.file.writer();
        return writer == null ? 0 : writer.length();
    }

    private static FileStatus.Type type(int type) {
        return switch (type) {
            case FileDescriptor.DIRECTORY -> FileStatus.Type.DIRECTORY;
            case FileDescriptor.SYMLINK -> FileStatus.Type.SYMLINK;
            case FileDescriptor.SYSTEM -> FileStatus.Type.SYSTEM;
            case FileDescriptor.RDM -> FileStatus.Type.RDM;
            default -> FileStatus.Type.FILE;
        };
    }

    @Override
    public List<FileStatus> list(String path) throws IOException {
        return committed.look(metadata -> {
            Walk walk = walk(metadata);
            FileDescriptor directory = walk.existing(path, true).descriptor();
            if (!geometry.isDirectory(directory)) throw new NotDirectoryException(path);
            List<FileStatus> all = new ArrayList<>();
            new Directory(geometry, metadata, directory).forEach(item -> all.add(status(walk, item)));
            return all;
        });
    }

    /** A file that is damaged does not keep the others from being seen; all that is known is what its directory says. */
    private FileStatus status(Walk walk, DirectoryItem item) throws IOException {
        try {
            return status(item.name(), walk.descriptor(item));
        } catch (VolumeDamagedException e) {
            LOG.warn("{}: {}", item.name(), e.getMessage());
            return new FileStatus(item.name(), (long) item.generation() << 32 | item.address() & 0xFFFFFFFFL, type(item.type()), 0, 0, 0, 0, 0, 0, 0, 0, 0);
        }
    }

    @Override
    public VmFile open(String path, VmFile.Mode mode) throws IOException {
        if (mode == VmFile.Mode.WRITE) requireWritable(path);
        synchronized (opening) {
            FileDescriptor file = committed.look(metadata -> walk(metadata).existing(path, true).descriptor());
            if (geometry.isDirectory(file)) throw new FileSystemException(path, null, "is a directory");
            if (file.type() == FileDescriptor.RDM) throw new FileSystemException(path, null, "is a raw LUN's entry and has no data; use the LUN");
            boolean locking = mode == VmFile.Mode.WRITE || mode == VmFile.Mode.SHARE && readOnly == null;
            if (locking && !(mode == VmFile.Mode.SHARE && sharedAlready(file))) file = access.writer().open(path, mode);
            return opened(file, path, mode, 0);
        }
    }

    /** Whether somebody on this host has a file open and locked. @param address of its descriptor */
    private synchronized boolean openHere(int address) {
        Shared shared = open.get(address);
        return shared != null && (shared.file.writer() != null || shared.sharers > 0) || inherited.values().stream().anyMatch(file -> file.address == address);
    }

    /** Whether this host has it open for sharing, so that the lock is there. */
    private synchronized boolean sharedAlready(FileDescriptor file) {
        Shared shared = open.get(file.address());
        return shared != null && shared.sharers > 0 && shared.file.generation() == file.generation();
    }

    /** @param handle 0 for a new one */
    private synchronized VmfsFile opened(FileDescriptor file, String path, VmFile.Mode mode, int handle) throws IOException {
        Shared shared = open.get(file.address());
        if (shared == null || shared.file.generation() != file.generation()) {
            Metadata pointers = access == null ? (address, bytes) -> committed.look(metadata -> metadata.read(address, bytes)) : access.ledger()::read;
            shared = new Shared(new OpenFile(geometry, pointers, file, committed.epoch()));
            open.put(file.address(), shared);
        }
        shared.file.changed(file, committed.epoch());
        if (mode == VmFile.Mode.WRITE) shared.file.writer(new FileWriter(access.writing(), access.writer(), shared.file, path));
        shared.handles++;
        if (mode == VmFile.Mode.SHARE) shared.sharers++;
        VmfsFile opened = new VmfsFile(this, shared.file, path, mode, handle != 0 ? handle : ++handles);
        files.put(opened.handle(), opened);
        return opened;
    }

    /** A file that others may be writing is as it is now. */
    void refresh(OpenFile file, String path) throws IOException {
        if (file.writer() != null) return;
        FileDescriptor now = committed.look(metadata -> geometry.descriptor(metadata, file.address(), 0));
        if (now.generation() != file.generation()) throw new NoSuchFileException(path, null, "was deleted");
        file.changed(now, committed.epoch());
    }

    /** A handle is not used any more. */
    void closed(VmfsFile handle) throws IOException {
        synchronized (opening) {
            boolean last;
            synchronized (this) {
                if (quiesced) return;
                files.remove(handle.handle());
                Shared shared = open.values().stream().filter(one -> one.file == handle.file()).findFirst().orElse(null);
                if (shared != null && --shared.handles == 0) open.remove(handle.file().address(), shared);
                last = handle.mode() == VmFile.Mode.SHARE && shared != null && --shared.sharers == 0;
            }
            OpenFile file = handle.file();
            if (access == null) return;
            if (handle.mode() == VmFile.Mode.WRITE) {
                FileWriter writer = file.writer();
                try {
                    if (writer != null) writer.close(readOnly == null);
                } finally {
                    file.writer(null);
                }
            } else if (last && readOnly == null) {
                access.writer().close(handle.path(), file.address(), file.generation(), VmFile.Mode.SHARE, null);
            }
        }
    }

    void flush() throws IOException { extents.flush(); }

    @Override
    public String target(String path) throws IOException {
        return committed.look(metadata -> {
            Walk walk = walk(metadata);
            FileDescriptor link = walk.existing(path, false).descriptor();
            if (link.type() != FileDescriptor.SYMLINK) throw new NotLinkException(path);
            return walk.target(link);
        });
    }

    @Override
    public List<String> locks(String path) throws IOException {
        FileDescriptor file = committed.look(metadata -> walk(metadata).existing(path, true).descriptor());
        return access == null ? List.of() : access.locks().who(file.lock(), false);
    }

    void requireWritable(String path) throws IOException {
        if (access != null) access.refresh();
        if (readOnly != null) throw new AccessDeniedException(path, null, "volume " + label + " can only be read: " + readOnly);
    }

    private VolumeWriter writer(String path) throws IOException {
        requireWritable(path);
        return access.writer();
    }

    @Override
    public VmFile create(String path, int mode) throws IOException {
        synchronized (opening) {
            return opened(writer(path).create(path, mode), path, VmFile.Mode.WRITE, 0);
        }
    }

    @Override public void mkdir(String path, int mode) throws IOException { writer(path).mkdir(path, mode); }
    @Override public void symlink(String path, String target) throws IOException { writer(path).symlink(path, target); }
    @Override public void link(String existing, String path) throws IOException { writer(existing).link(existing, path); }
    @Override public void rename(String from, String to) throws IOException { writer(from).rename(from, to); }
    @Override public void delete(String path) throws IOException { writer(path).delete(path); }

    @Override
    public void chmod(String path, int mode) throws IOException {
        writer(path).attributes(path, file -> file.descriptor().mode(file.descriptor().mode() & ~07777 | mode & 07777));
    }

    @Override
    public void chown(String path, int uid, int gid) throws IOException {
        writer(path).attributes(path, file -> {
            file.descriptor().uid(uid);
            file.descriptor().gid(gid);
        });
    }

    @Override
    public void times(String path, long modified, long accessed) throws IOException {
        writer(path).attributes(path, file -> {
            file.descriptor().modified(modified);
            file.descriptor().accessed(accessed);
        });
    }

    @Override
    public void label(String newLabel) throws IOException {
        Formatter.requireLabel("volume " + label, newLabel);
        writer("/").label(newLabel);
        label = newLabel;
    }

    @Override
    public void quiesce(Duration limit) throws TimeoutException {
        long end = System.nanoTime() + limit.toNanos();
        List<VmfsFile> writing;
        synchronized (this) {
            if (quiesced) return;
            writing = new ArrayList<>(files.values());
        }
        try {
            for (VmfsFile file : writing) if (file.mode() == VmFile.Mode.WRITE && readOnly == null) file.flush();
        } catch (IOException e) {
            LOG.error("volume {}: {}", label, e.getMessage());
        }
        synchronized (this) {
            await(end);
            quiesced = true;
        }
        if (access != null) access.pause();
    }

    private void await(long end) throws TimeoutException {
        try {
            for (long left; tasks > 0; wait(left / 1_000_000 + 1)) {
                left = end - System.nanoTime();
                if (left <= 0) throw new TimeoutException("volume " + label + ": " + tasks + " requests wait for its device");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TimeoutException("volume " + label + ": interrupted");
        }
    }

    @Override
    public synchronized SavedState save() {
        StateRecord state = StateRecord.saving();
        Map<Integer, Handle> all = new TreeMap<>(inherited);
        files.forEach((handle, file) -> all.put(handle, new Handle(file.path(), file.mode(), file.file().address(), file.file().generation())));
        state.exchange("handles", all.keySet().stream().mapToLong(Integer::longValue).toArray());
        all.forEach((handle, file) -> exchange(state.child("file" + handle), file));
        if (access != null) access.save(state);
        return state.saved(SCHEMA, VERSION);
    }

    private void inherit(StateRecord state) {
        for (long handle : state.exchange("handles", new long[0])) {
            inherited.put((int) handle, exchange(state.child("file" + handle), new Handle("", VmFile.Mode.READ, 0, 0)));
            handles = Math.max(handles, (int) handle);
        }
    }

    private static Handle exchange(StateRecord state, Handle file) {
        return new Handle(state.exchange("path", file.path), VmFile.Mode.valueOf(state.exchange("mode", file.mode.name())), state.exchange("address", file.address),
            state.exchange("generation", file.generation));
    }

    @Override
    public VmFile reopen(int handle) throws IOException {
        Handle file;
        synchronized (this) {
            file = inherited.get(handle);
        }
        if (file == null) throw new IOException("volume " + label + ": no file with handle " + handle + " was open");
        FileDescriptor descriptor = committed.look(metadata -> geometry.descriptor(metadata, file.address, 0));
        if (descriptor.generation() != file.generation) throw new NoSuchFileException(file.path, null, "is gone");
        if (file.mode == VmFile.Mode.WRITE) {
            requireWritable(file.path);
            if (!access.locks().holds(descriptor.lock(), VmFile.Mode.WRITE)) throw new FileLockedException(file.path, "was taken away from this host meanwhile");
        }
        VmfsFile reopened = opened(descriptor, file.path, file.mode, handle);
        synchronized (this) {
            inherited.remove(handle);
        }
        return reopened;
    }

    @Override
    public void close() {
        List<VmfsFile> all;
        synchronized (this) {
            all = new ArrayList<>(files.values());
            if (quiesced) {
                all.forEach(VmfsFile::forsake);
                return;
            }
        }
        for (VmfsFile file : all) {
            try {
                file.close();
            } catch (IOException e) {
                LOG.error("volume {}: {}: {}", label, file.path(), e.getMessage());
            }
        }
        if (access != null) access.close(readOnly == null);
    }
}
