package vmkernel.core.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.Partition;
import vmkernel.api.storage.Storage;

/** The host's disks and the ways to them. */
@Component(service = {Storage.class, StoragePaths.class})
public final class StoragePaths implements Storage {
    private static final Logger LOG = LoggerFactory.getLogger(StoragePaths.class);
    /** {@code vmhba0:1:0} or {@code vmhba0:1:0:2}. */
    static final Pattern NAME = Pattern.compile("vmhba\\d+:\\d+:\\d+(:\\d+)?");

    private final Map<String, HostAdapter> adapters = new ConcurrentSkipListMap<>();
    private final Claims claims = new Claims();
    private final IoThreads threads = new IoThreads();
    private final Delays delays;
    /** By {@link RawFile#identity}. Guarded by itself. */
    private final Map<Object, OpenFile> files = new HashMap<>();
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final List<MachineDisk> machineDisks = new CopyOnWriteArrayList<>();

    private static final class OpenFile {
        final RawFile file;
        final Unit unit;
        int users;

        OpenFile(RawFile file, Unit unit) {
            this.file = file;
            this.unit = unit;
        }
    }

    @Activate
    public StoragePaths() { this(Delays.onThread("vmk-disk-timer")); }

    StoragePaths(Delays delays) { this.delays = delays; }

    @Deactivate
    void close() { threads.close(); }

    /** The adapter of this name, such as {@code vmhba0}; made when it is first asked for, and never forgotten. Any thread. */
    public HostAdapter adapter(String name) { return adapters.computeIfAbsent(name, made -> new HostAdapter(made, delays, this::changed)); }

    /** All that were asked for, by name. */
    public List<HostAdapter> adapters() { return List.copyOf(adapters.values()); }

    private void changed() {
        synchronized (this) {
            notifyAll();
        }
        listeners.forEach(Runnable::run);
    }

    /** Units came or went. @param listener called at each change, on any thread; must not wait. @return ends it */
    public Runnable onChange(Runnable listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    /** What a VMFS volume may be on: partitions of that type, and LUNs that have none. Waits for the partition tables, while there is no adapter, too. */
    public List<BlockDevice> forVolumes() {
        List<BlockDevice> places = new ArrayList<>();
        for (HostAdapter adapter : adapters.values()) {
            for (Unit unit : adapter.units()) {
                if (unit.now().blocks() == 0) continue;
                List<Partition> partitions = unit.partitions();
                if (partitions.isEmpty()) places.add(Extent.all(unit));
                for (Partition partition : partitions) if (partition.vmfs()) places.add(unit.extent(partition));
            }
        }
        return places;
    }

    /** Whether there is no such device any more. */
    public boolean gone(BlockDevice device) { return device instanceof Extent extent && extent.unit.gone(); }

    @Override
    public List<BlockDevice> devices() {
        List<BlockDevice> devices = new ArrayList<>();
        for (HostAdapter adapter : adapters.values()) {
            for (Unit unit : adapter.units()) {
                devices.add(Extent.all(unit));
                unit.partitionsNow().forEach(partition -> devices.add(unit.extent(partition)));
            }
        }
        return devices;
    }

    @Override public Optional<BlockDevice> find(String name) { return extent(name).map(extent -> extent); }

    private Optional<Extent> extent(String name) {
        if (!NAME.matcher(name).matches()) return Optional.empty();
        String[] parts = name.split(":");
        HostAdapter adapter = adapters.get(parts[0]);
        if (adapter == null) return Optional.empty();
        String lun = parts[0] + ":" + parts[1] + ":" + parts[2];
        Optional<Unit> unit = adapter.units().stream().filter(known -> known.name().equals(lun)).findFirst();
        if (parts.length == 3 || parts[3].equals("0")) return unit.map(Extent::all);
        return unit.flatMap(found -> found.partitions().stream().filter(partition -> String.valueOf(partition.number()).equals(parts[3])).findFirst().map(found::extent));
    }

    /** The same, and waits for it: its driver may be just starting. */
    Optional<Extent> await(String name, long millis) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (true) {
            Optional<Extent> found = extent(name);
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (found.isPresent() || left <= 0) return found;
            synchronized (this) {
                try {
                    wait(Math.min(left, 100));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return found;
                }
            }
        }
    }

    @Override public void rescan(BlockDevice lun) throws IOException { known(lun).unit.rescan(); }

    @Override
    public AutoCloseable claim(BlockDevice device, String owner, boolean writing) throws IOException {
        Runnable release = claims.claim(known(device), owner, writing);
        return release::run;
    }

    private static Extent known(BlockDevice device) throws IOException {
        if (device instanceof Extent extent) return extent;
        throw new IOException(device.name() + ": is not a device of this host");
    }

    /** A way for a user to a LUN or a partition, which is claimed. @throws IOException in one line */
    Medium open(Extent extent, String owner, boolean writing) throws IOException {
        Runnable release = claims.claim(extent, owner, writing && !extent.readOnly());
        return new Access(extent, owner, !writing, release);
    }

    /** A way for a user to a file, which is claimed. @throws IOException in one line */
    Medium open(Path path, String owner, boolean writing) throws IOException {
        Object identity = RawFile.identity(path);
        synchronized (files) {
            OpenFile open = files.get(identity);
            if (open == null) {
                RawFile file = RawFile.open(path, writing, threads);
                open = new OpenFile(file, Unit.alone(path.toString(), file, delays));
                files.put(identity, open);
            }
            OpenFile opened = open;
            Extent extent = Extent.all(opened.unit);
            try {
                open.users++;
                Runnable release = claims.claim(extent, owner, writing && opened.file.writing());
                return new Access(extent, owner, !writing, () -> {
                    release.run();
                    leave(identity, opened);
                });
            } catch (IOException e) {
                leave(identity, opened);
                throw e;
            }
        }
    }

    private void leave(Object identity, OpenFile open) {
        synchronized (files) {
            if (--open.users > 0) return;
            files.remove(identity, open);
        }
        open.unit.queue().hold();
        try {
            open.file.quiesce(Duration.ofSeconds(2));
        } catch (TimeoutException e) {
            LOG.warn("{}", e.getMessage());
        }
        open.file.close();
        open.unit.queue().gone();
    }

    /**
     * A file that is gone when it is closed, or the process ends, however.
     *
     * @param folder made if it is not there
     */
    Medium scratch(Path folder, String name, long blocks, String owner) throws IOException {
        Files.createDirectories(folder);
        Path path = Files.createTempFile(folder, name, ".REDO");
        try {
            try (java.io.RandomAccessFile file = new java.io.RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(blocks * RawFile.BLOCK);
            }
            return open(path, owner, true);
        } finally {
            Files.deleteIfExists(path);
        }
    }

    /** The disks of the machines that are on. */
    public List<MachineDisk> machineDisks() { return machineDisks; }
}
