package vmkernel.core.files;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FileSystem;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeSpace;
import vmkernel.api.handover.SavedState;
import vmkernel.api.storage.BlockDevice;

/**
 * A mounted volume, the kernel's: it outlives the code of its file system. {@link #mount}, {@link #detach} and {@link #unmount} are
 * called one at a time; all else by any thread.
 */
public final class Datastore implements Volume {
    private static final Logger LOG = LoggerFactory.getLogger(Datastore.class);
    private static final Duration QUIESCE_LIMIT = Duration.ofSeconds(2);
    private static final long DRAIN_MILLIS = 10_000;

    private final String id;
    private final List<BlockDevice> devices;
    private final Supplier<Mounting> mountings;
    private final Runnable renamed;
    private final Runnable release;
    private final Gate<MountedVolume> gate;
    private final Set<OpenFile> files = ConcurrentHashMap.newKeySet();
    private final FileCounters counters = new FileCounters();
    // What the code says, for when it is not there.
    private volatile String uuid = "", written = "", type = "";
    private volatile Optional<String> readOnly = Optional.empty();
    /** The label, unless another volume has the same; see {@link HostVolumes}. */
    private volatile String label = "";

    // Of who mounts.
    private FileSystem fileSystem;
    private String kind;
    private MountedVolume code;
    private Mounting mounting;
    private SavedState kept;
    private long heldNanos;

    /**
     * @param id UUID of the logical volume below the file system
     * @param devices of its extents, in their order, claimed
     * @param mountings makes what a mounting has of the kernel
     * @param renamed told when the label on the disk has changed
     * @param release gives the devices back
     */
    Datastore(String id, List<BlockDevice> devices, Supplier<Mounting> mountings, Runnable renamed, Runnable release) {
        this.id = id;
        this.devices = devices;
        this.mountings = mountings;
        this.renamed = renamed;
        this.release = release;
        gate = new Gate<>(devices.get(0).name());
    }

    // The code comes and goes.

    /** Takes the volume into use, or up from a predecessor. @throws IOException in one line; then it is as before */
    void mount(FileSystem by) throws IOException {
        SavedState state = kept;
        if (state != null) {
            try {
                mount(by, Optional.of(state));
                return;
            } catch (IOException | RuntimeException | LinkageError e) {
                LOG.warn("{}: {} does not take over from its predecessor and starts cold: {}", label, by.name(), e.getMessage());
            }
        }
        mount(by, Optional.empty());
    }

    private void mount(FileSystem by, Optional<SavedState> state) throws IOException {
        Mounting next = mountings.get();
        MountedVolume volume;
        try {
            volume = by.mount(devices, next, state);
        } catch (IOException | RuntimeException | LinkageError e) {
            next.close();
            throw e;
        }
        boolean first = kind == null;
        fileSystem = by;
        kind = by.name();
        code = volume;
        mounting = next;
        kept = null;
        uuid = volume.uuid();
        written = volume.label();
        type = volume.type();
        readOnly = volume.readOnly();
        for (OpenFile file : files) file.attach(volume, state.isPresent());
        gate.open(volume);
        files.stream().filter(OpenFile::isClosed).forEach(this::closeLate);
        if (!first) LOG.info("{}: goes on{} after {} ms with {} open files", label, state.isPresent() ? "" : " from the start", (System.nanoTime() - heldNanos) / 1_000_000, files.size());
    }

    /** Was closed while there was no code to do it. */
    private void closeLate(OpenFile file) {
        try {
            close(file);
        } catch (IOException e) {
            LOG.error("{}: {}: {}", label, file.path(), e.getMessage());
        }
    }

    /** The code goes: users wait for its successor, which gets what it leaves. */
    void detach() {
        heldNanos = System.nanoTime();
        if (!gate.close(DRAIN_MILLIS)) LOG.warn("{}: {} has calls that do not end", label, kind);
        try {
            code.quiesce(QUIESCE_LIMIT);
            kept = code.save();
        } catch (TimeoutException | RuntimeException | LinkageError e) {
            kept = null;
            LOG.warn("{}: {} does not stop, so its successor starts cold: {}", label, kind, e.getMessage());
        }
        forget();
        files.forEach(OpenFile::detach);
    }

    /** For good. @param why for who still uses it */
    void unmount(String why) {
        gate.end(why);
        if (code != null) {
            gate.close(DRAIN_MILLIS);
            forget();
        }
        files.clear();
        release.run();
    }

    private void forget() {
        try {
            code.close();
        } catch (RuntimeException | LinkageError e) {
            LOG.error("{}: {} failed while closing", label, kind, e);
        }
        mounting.close();
        code = null;
        mounting = null;
        fileSystem = null;
    }

    /** Null while its code is being replaced. Of who mounts. */
    FileSystem fileSystem() { return fileSystem; }

    String id() { return id; }

    /** Name of its file system. */
    String kind() { return kind; }

    /** Whether the code of its file system is there. */
    public boolean isPresent() { return gate.isOpen(); }

    List<BlockDevice> devices() { return devices; }

    public String deviceNames() { return String.join(" + ", devices.stream().map(BlockDevice::name).toList()); }

    int openFiles() { return files.size(); }

    /** Those that are open. */
    public List<VmFile> files() { return List.copyOf(files); }

    public FileCounters.Values counters() { return counters.values(); }

    // The way in.

    <T> T call(Gate.Call<MountedVolume, T> call) throws IOException { return gate.call(call); }

    void pass(Runnable work, Runnable refused) { gate.pass(now -> work.run(), refused); }

    void leave() { gate.leave(); }

    Progress givingWay(Progress progress) { return gate.givingWay(progress); }

    /** While the code is away there is nothing to wait for: the successor takes the file up and closes it. */
    void close(OpenFile file) throws IOException {
        if (gate.enterNow().isEmpty()) return;
        try {
            file.closeNow();
        } finally {
            files.remove(file);
            gate.leave();
        }
    }

    private VmFile opened(String path, VmFile.Mode mode, VmFile file) {
        OpenFile opened = new OpenFile(this, path, mode, counters, file);
        files.add(opened);
        return opened;
    }

    // The volume.

    @Override public String uuid() { return uuid; }
    @Override public String label() { return label; }
    @Override public String type() { return type; }
    @Override public Optional<String> readOnly() { return readOnly; }

    /** As on the disk; may be that of another volume, too. */
    String written() { return written; }

    void named(String name) { label = name; }

    @Override public VolumeSpace space() throws IOException { return call(MountedVolume::space); }
    @Override public FileStatus status(String path) throws IOException { return call(now -> now.status(path)); }
    @Override public List<FileStatus> list(String path) throws IOException { return call(now -> now.list(path)); }
    @Override public VmFile open(String path, VmFile.Mode mode) throws IOException { return call(now -> opened(path, mode, now.open(path, mode))); }
    @Override public VmFile create(String path, int mode) throws IOException { return call(now -> opened(path, VmFile.Mode.WRITE, now.create(path, mode))); }
    @Override public void mkdir(String path, int mode) throws IOException { gate.act(now -> now.mkdir(path, mode)); }
    @Override public void symlink(String path, String target) throws IOException { gate.act(now -> now.symlink(path, target)); }
    @Override public String target(String path) throws IOException { return call(now -> now.target(path)); }
    @Override public void link(String existing, String path) throws IOException { gate.act(now -> now.link(existing, path)); }
    @Override public void rename(String from, String to) throws IOException { gate.act(now -> now.rename(from, to)); }
    @Override public void delete(String path) throws IOException { gate.act(now -> now.delete(path)); }
    @Override public void chmod(String path, int mode) throws IOException { gate.act(now -> now.chmod(path, mode)); }
    @Override public void chown(String path, int uid, int gid) throws IOException { gate.act(now -> now.chown(path, uid, gid)); }
    @Override public void times(String path, long modified, long accessed) throws IOException { gate.act(now -> now.times(path, modified, accessed)); }
    @Override public List<String> locks(String path) throws IOException { return call(now -> now.locks(path)); }

    @Override
    public void label(String next) throws IOException {
        written = call(now -> {
            now.label(next);
            return now.label();
        });
        renamed.run();
    }

    @Override public String toString() { return label; }
}
