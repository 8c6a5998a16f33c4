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
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountContext;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumeSpace;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;

/** A volume that is mounted. */
final class VmfsVolume implements MountedVolume {
    private static final Logger LOG = LoggerFactory.getLogger(VmfsVolume.class);
    private static final int CACHE_BYTES = 32 << 20;

    private static final String SCHEMA = "vmfs.impl/volume";
    private static final int VERSION = 1;

    private final Geometry geometry;
    private final Metadata metadata;
    private final Names names = new Names();
    private final FileData data;
    private final String readOnly;
    /** By handle. Guarded by this. */
    private final Map<Integer, VmfsFile> files = new TreeMap<>();
    /** Of files that the predecessor had open and nobody has taken up yet. Guarded by this. */
    private final Map<Integer, Handle> inherited = new TreeMap<>();
    private int handles;
    /** Tasks that wait for the device. Guarded by this. */
    private int tasks;

    /** An open file as a successor needs it. */
    private record Handle(String path, VmFile.Mode mode, int address, int generation) { }

    /** @param readOnly why */
    private VmfsVolume(Extents extents, Geometry geometry, Metadata metadata, MountContext context, String readOnly) {
        this.geometry = geometry;
        this.metadata = metadata;
        this.readOnly = readOnly;
        data = new FileData(extents, task -> later(context, task));
    }

    static VmfsVolume mount(Extents extents, MountContext context, Optional<SavedState> state) throws IOException {
        Metadata metadata = new MetadataCache(extents, CACHE_BYTES);
        Geometry geometry = Geometry.read(extents, metadata);
        VmfsVolume volume = new VmfsVolume(extents, geometry, metadata, context, whyReadOnly(extents, geometry, context));
        if (state.isPresent()) volume.inherit(StateRecord.loading(state.get(), SCHEMA, VERSION));
        return volume;
    }

    private static String whyReadOnly(Extents extents, Geometry geometry, MountContext context) {
        if (geometry.generation() == Generation.VMFS6) return "VMFS-6 is only read";
        if (extents.readOnly()) return "its device is write-protected";
        return context.readOnly() ? "it was mounted so" : "this release only reads";
    }

    private void later(MountContext context, Runnable task) {
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

    /** The volume as somebody sees it. */
    private Walk walk() { return new Walk(geometry, metadata, names::find); }

    @Override public String uuid() { return geometry.header().uuid().toString(); }
    @Override public String label() { return geometry.header().label(); }
    @Override public String type() { return type(geometry.generation(), geometry.header().minor()); }
    @Override public Optional<String> readOnly() { return Optional.ofNullable(readOnly); }

    static String type(Generation generation, int minor) { return "VMFS-" + generation.major() + "." + minor; }

    @Override
    public VolumeSpace space() throws IOException {
        long free = geometry.fileBlocks().free(metadata);
        return new VolumeSpace((int) geometry.blockBytes(), geometry.blocks() * geometry.blockBytes(), free * geometry.blockBytes(), geometry.descriptors().total(),
            geometry.descriptors().free(metadata));
    }

    @Override
    public FileStatus status(String path) throws IOException {
        Walk.Place place = walk().existing(path, false);
        return status(place.name(), place.descriptor());
    }

    FileStatus status(String name, FileDescriptor file) {
        long id = (long) file.generation() << 32 | file.address() & 0xFFFFFFFFL;
        long allocated = file.form() == FileDescriptor.CONTENT ? 0 : file.blocks() * file.blockBytes();
        return new FileStatus(name, id, type(file.type()), file.length(), allocated, file.links(), file.mode() & 07777, file.uid(), file.gid(), file.modified(), file.changed(),
            file.accessed());
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
        Walk walk = walk();
        FileDescriptor directory = walk.existing(path, true).descriptor();
        if (!geometry.isDirectory(directory)) throw new NotDirectoryException(path);
        List<FileStatus> all = new ArrayList<>();
        new Directory(geometry, metadata, directory).forEach(item -> all.add(status(walk, item)));
        return all;
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
        if (mode == VmFile.Mode.WRITE) throw refusal(path);
        FileDescriptor file = walk().existing(path, true).descriptor();
        if (geometry.isDirectory(file)) throw new FileSystemException(path, null, "is a directory");
        if (file.type() == FileDescriptor.RDM) throw new FileSystemException(path, null, "is a raw LUN's entry and has no data; use the LUN");
        OpenFile open = new OpenFile(geometry, metadata, file);
        synchronized (this) {
            return opened(open, path, mode, ++handles);
        }
    }

    private VmfsFile opened(OpenFile open, String path, VmFile.Mode mode, int handle) {
        VmfsFile file = new VmfsFile(this, open, path, mode, handle);
        files.put(handle, file);
        return file;
    }

    synchronized void closed(VmfsFile file) { files.remove(file.handle()); }

    @Override
    public String target(String path) throws IOException {
        Walk walk = walk();
        FileDescriptor link = walk.existing(path, false).descriptor();
        if (link.type() != FileDescriptor.SYMLINK) throw new NotLinkException(path);
        return walk.target(link);
    }

    @Override
    public List<String> locks(String path) throws IOException {
        walk().existing(path, true);
        return List.of();
    }

    private AccessDeniedException refusal(String path) { return new AccessDeniedException(path, null, "volume " + geometry.name() + " can only be read: " + readOnly); }

    @Override public VmFile create(String path, int mode) throws IOException { throw refusal(path); }
    @Override public void mkdir(String path, int mode) throws IOException { throw refusal(path); }
    @Override public void symlink(String path, String target) throws IOException { throw refusal(path); }
    @Override public void link(String existing, String path) throws IOException { throw refusal(path); }
    @Override public void rename(String from, String to) throws IOException { throw refusal(from); }
    @Override public void delete(String path) throws IOException { throw refusal(path); }
    @Override public void chmod(String path, int mode) throws IOException { throw refusal(path); }
    @Override public void chown(String path, int uid, int gid) throws IOException { throw refusal(path); }
    @Override public void times(String path, long modified, long accessed) throws IOException { throw refusal(path); }
    @Override public void label(String label) throws IOException { throw refusal("/"); }

    @Override
    public synchronized void quiesce(Duration limit) throws TimeoutException {
        long end = System.nanoTime() + limit.toNanos();
        try {
            for (long left; tasks > 0; wait(left / 1_000_000 + 1)) {
                left = end - System.nanoTime();
                if (left <= 0) throw new TimeoutException("volume " + geometry.name() + ": " + tasks + " requests wait for its device");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TimeoutException("volume " + geometry.name() + ": interrupted");
        }
    }

    @Override
    public synchronized SavedState save() {
        StateRecord state = StateRecord.saving();
        Map<Integer, Handle> all = new TreeMap<>(inherited);
        files.forEach((handle, file) -> all.put(handle, new Handle(file.path(), file.mode(), file.descriptor().address(), file.descriptor().generation())));
        state.exchange("handles", all.keySet().stream().mapToLong(Integer::longValue).toArray());
        all.forEach((handle, file) -> exchange(state.child("file" + handle), file));
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
    public synchronized VmFile reopen(int handle) throws IOException {
        Handle file = inherited.get(handle);
        if (file == null) throw new IOException("volume " + geometry.name() + ": no file with handle " + handle + " was open");
        FileDescriptor descriptor = geometry.descriptor(metadata, file.address, 0);
        if (descriptor.generation() != file.generation) throw new NoSuchFileException(file.path, null, "is gone");
        VmFile reopened = opened(new OpenFile(geometry, metadata, descriptor), file.path, file.mode, handle);
        inherited.remove(handle);
        return reopened;
    }

    @Override
    public void close() {
        List<VmfsFile> open;
        synchronized (this) {
            open = new ArrayList<>(files.values());
        }
        open.forEach(VmfsFile::close);
    }
}
