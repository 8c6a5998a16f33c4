package vmkernel.core.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FileSystem;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountContext;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeExtent;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.files.VolumeSpace;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** A file system whose volumes are in memory, in {@link Disks}, and which its devices only name. It notes what the kernel does wrong. */
public final class FakeFileSystem implements FileSystem {
    /** What is on the devices: it outlives the file systems. */
    public static final class Disks {
        final Map<String, VolumeExtent> extents = new ConcurrentHashMap<>();
        final Map<String, Contents> volumes = new ConcurrentHashMap<>();
        final List<String> wrong = new ArrayList<>();

        /** Makes a volume on devices. */
        public Contents make(String uuid, String label, String... devices) {
            for (int i = 0; i < devices.length; i++) extents.put(devices[i], new VolumeExtent(uuid, i == 0 ? label : "", "FAKE-1", i, devices.length));
            Contents contents = new Contents(label);
            volumes.put(uuid, contents);
            return contents;
        }

        public synchronized List<String> wrong() { return List.copyOf(wrong); }

        synchronized void wrong(String what) { wrong.add(what); }
    }

    /** A volume. */
    public static final class Contents {
        volatile String label;
        final Map<String, byte[]> files = new ConcurrentHashMap<>();
        /** Handles that write or share. */
        final Map<String, List<Integer>> locks = new HashMap<>();
        volatile long room = Long.MAX_VALUE;

        Contents(String label) { this.label = label; }

        public byte[] file(String path) { return files.get(path); }

        /** Bytes of a file that can be written. */
        public void room(long bytes) { room = bytes; }

        public void write(String path, byte[] data) { files.put(path, data); }
    }

    private final Disks disks;
    volatile boolean refusesState, hangs, refusesMount;
    /** UUID of a volume that it does not mount. */
    volatile String refused;
    volatile Mount last;

    public FakeFileSystem(Disks disks) { this.disks = disks; }

    /** A file system and formats of disks that were started. */
    public record Service(HostVolumes volumes, FakeFileSystem fileSystem, DiskFormats formats) {
        public void stop() {
            volumes.unbindFileSystem(fileSystem);
            volumes.unbindFormats(formats);
        }
    }

    /** Starts them for those in other packages; when it returns the volumes of devices that are there are mounted. */
    public static Service start(HostVolumes volumes, Disks disks, DiskFormats formats) {
        Service service = new Service(volumes, new FakeFileSystem(disks), formats);
        volumes.bindFileSystem(service.fileSystem);
        volumes.bindFormats(formats);
        volumes.rescan();
        return service;
    }

    @Override public String name() { return "FAKE"; }
    @Override public Optional<VolumeExtent> probe(BlockDevice device) { return Optional.ofNullable(disks.extents.get(device.name())); }

    @Override
    public MountedVolume mount(List<BlockDevice> extents, MountContext context, Optional<SavedState> state) throws IOException {
        if (refusesMount) throw new IOException("byte 4096: is damaged");
        if (refusesState && state.isPresent()) throw new IOException("the state is not understood");
        VolumeExtent extent = disks.extents.get(extents.get(0).name());
        if (extent.uuid().equals(refused)) throw new IOException("byte 4096: is damaged");
        if (extents.size() != extent.extents()) disks.wrong("mounted on " + extents);
        return last = new Mount(extent, disks.volumes.get(extent.uuid()), context, state);
    }

    @Override public void format(BlockDevice device, FormatOptions options, Progress progress) { disks.make("uuid of " + device.name(), options.label(), device.name()); }
    @Override public CheckReport check(List<BlockDevice> extents, boolean repair, Progress progress) { return new CheckReport(List.of(), 0, 0, extents.size(), List.of()); }
    @Override public java.nio.file.FileSystem fileSystem(Volume volume) { throw new UnsupportedOperationException(); }

    /** A mounted one. */
    final class Mount implements MountedVolume {
        private final VolumeExtent extent;
        private final Contents contents;
        final MountContext context;
        private final Map<Integer, File> open = new TreeMap<>();
        private final Map<Integer, String> left = new TreeMap<>();
        private int handles;
        private int inside;
        private boolean quiesced, closed;

        Mount(VolumeExtent extent, Contents contents, MountContext context, Optional<SavedState> state) {
            this.extent = extent;
            this.contents = contents;
            this.context = context;
            if (state.isEmpty()) return;
            StateRecord record = StateRecord.loading(state.get(), "fake", 1);
            handles = record.exchange("handles", 0);
            for (String line : record.exchange("open", "").lines().toList()) left.put(Integer.parseInt(line.split(" ", 2)[0]), line.split(" ", 2)[1]);
        }

        private synchronized void enter() {
            if (quiesced || closed) disks.wrong("a call after its end");
            inside++;
        }

        private synchronized void leave() { inside--; }

        @Override
        public synchronized void quiesce(Duration limit) throws TimeoutException {
            if (hangs) throw new TimeoutException("it hangs");
            if (inside > 0) disks.wrong("quiesced with " + inside + " calls inside");
            quiesced = true;
        }

        @Override
        public synchronized SavedState save() {
            StateRecord record = StateRecord.saving();
            record.exchange("handles", handles);
            StringBuilder text = new StringBuilder();
            open.forEach((handle, file) -> text.append(handle).append(' ').append(file.mode).append(' ').append(file.path).append('\n'));
            record.exchange("open", text.toString());
            return record.saved("fake", 1);
        }

        @Override
        public synchronized void close() {
            if (!quiesced) List.copyOf(open.values()).forEach(File::close);
            closed = true;
        }

        @Override
        public synchronized VmFile reopen(int handle) throws IOException {
            String line = left.remove(handle);
            if (line == null) throw new IOException("there is no file of handle " + handle);
            File file = new File(line.split(" ", 2)[1], VmFile.Mode.valueOf(line.split(" ", 2)[0]), handle);
            open.put(handle, file);
            return file;
        }

        @Override public String uuid() { return extent.uuid(); }
        @Override public String label() { return contents.label; }
        @Override public String type() { return extent.type(); }
        @Override public Optional<String> readOnly() { return context.readOnly() ? Optional.of("a device is write-protected") : Optional.empty(); }
        @Override public VolumeSpace space() { return new VolumeSpace(512, 1 << 20, 1 << 19, 100, 50); }
        @Override public FileStatus status(String path) throws IOException { return new FileStatus(path, 1, FileStatus.Type.FILE, data(path).length, 0, 1, 0600, 0, 0, 0, 0, 0); }
        @Override public List<FileStatus> list(String path) { return List.of(); }

        private byte[] data(String path) throws IOException {
            byte[] data = contents.files.get(path);
            if (data == null) throw new NoSuchFileException(path, null, "no such file");
            return data;
        }

        @Override
        public synchronized VmFile open(String path, VmFile.Mode mode) throws IOException {
            enter();
            try {
                data(path);
                File file = new File(path, mode, ++handles);
                List<Integer> locks = contents.locks.computeIfAbsent(path, made -> new ArrayList<>());
                if (mode == VmFile.Mode.WRITE && !locks.isEmpty()) throw new FileLockedException(path, "is open for writing on host fake");
                if (mode != VmFile.Mode.READ) locks.add(mode == VmFile.Mode.WRITE ? file.handle : -file.handle);
                open.put(file.handle, file);
                return file;
            } finally {
                leave();
            }
        }

        @Override
        public VmFile create(String path, int mode) throws IOException {
            if (contents.files.putIfAbsent(path, new byte[0]) != null) throw new FileAlreadyExistsException(path, null, "is there already");
            return open(path, VmFile.Mode.WRITE);
        }

        @Override public void mkdir(String path, int mode) {}
        @Override public void symlink(String path, String target) {}
        @Override public String target(String path) { return ""; }
        @Override public void link(String existing, String path) {}
        @Override public void rename(String from, String to) throws IOException { contents.files.put(to, data(from)); contents.files.remove(from); }
        @Override public void delete(String path) throws IOException { data(path); contents.files.remove(path); }
        @Override public void chmod(String path, int mode) {}
        @Override public void chown(String path, int uid, int gid) {}
        @Override public void times(String path, long modified, long accessed) {}
        @Override public void label(String label) { contents.label = label; }
        @Override public synchronized List<String> locks(String path) { return contents.locks.getOrDefault(path, List.of()).stream().map(handle -> "handle " + handle).toList(); }

        final class File implements VmFile {
            private final String path;
            private final Mode mode;
            private final int handle;

            File(String path, Mode mode, int handle) {
                this.path = path;
                this.mode = mode;
                this.handle = handle;
            }

            private interface Work<T> {
                T run() throws IOException;
            }

            private <T> T inside(Work<T> work) throws IOException {
                enter();
                try {
                    return work.run();
                } finally {
                    leave();
                }
            }

            @Override public String path() { return path; }
            @Override public Mode mode() { return mode; }
            @Override public int handle() { return handle; }
            @Override public FileStatus status() throws IOException { return inside(() -> Mount.this.status(path)); }
            @Override public long length() throws IOException { return inside(() -> (long) data(path).length); }

            @Override
            public int read(long position, ByteBuffer to) throws IOException {
                return inside(() -> {
                    byte[] data = data(path);
                    int bytes = (int) Math.max(0, Math.min(to.remaining(), data.length - position));
                    to.put(data, (int) position, bytes);
                    return bytes;
                });
            }

            @Override
            public void write(long position, ByteBuffer from) throws IOException {
                inside(() -> {
                    synchronized (contents) {
                        byte[] data = data(path);
                        if (position + from.remaining() > contents.room) throw new VolumeFullException(path, "no space left");
                        if (position + from.remaining() > data.length) contents.files.put(path, data = Arrays.copyOf(data, (int) position + from.remaining()));
                        from.get(data, (int) position, from.remaining());
                        return null;
                    }
                });
            }

            @Override public void truncate(long length) throws IOException { inside(() -> contents.files.put(path, Arrays.copyOf(data(path), (int) length))); }

            @Override
            public void allocate(long position, long length, Progress progress) throws IOException {
                inside(() -> {
                    for (long at = 0; at < length; at++) progress.at(at, length);
                    return null;
                });
            }

            @Override public void punch(long position, long length) {}
            @Override public long nextData(long position) { return position; }
            @Override public long nextHole(long position) throws IOException { return length(); }
            @Override public void flush() throws IOException { inside(() -> null); }

            @Override
            public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
                enter();
                BlockResult result = BlockResult.GOOD;
                try {
                    if (data != null) result = transfer(operation, block, data);
                } catch (IOException e) {
                    result = BlockResult.READ_ERROR;
                }
                leave();
                done.accept(result);
            }

            private BlockResult transfer(BlockOperation operation, long block, Transfer data) throws IOException {
                byte[] bytes = data(path);
                if ((block << 9) + data.bytes() > bytes.length) return BlockResult.OUT_OF_RANGE;
                if (operation == BlockOperation.WRITE && (block << 9) + data.bytes() > contents.room) return BlockResult.NO_SPACE;
                long memory = HostMemory.allocate(data.bytes());
                try {
                    if (operation == BlockOperation.READ) {
                        HostMemory.write(memory, bytes, (int) block << 9, data.bytes());
                        data.copyFrom(0, memory, data.bytes());
                    } else {
                        data.copyTo(0, memory, data.bytes());
                        HostMemory.read(memory, bytes, (int) block << 9, data.bytes());
                    }
                } finally {
                    HostMemory.free(memory);
                }
                return BlockResult.GOOD;
            }

            @Override
            public void close() {
                synchronized (Mount.this) {
                    if (open.remove(handle) == null) return;
                    contents.locks.getOrDefault(path, List.of()).removeIf(one -> Math.abs(one) == handle);
                }
            }
        }
    }
}
