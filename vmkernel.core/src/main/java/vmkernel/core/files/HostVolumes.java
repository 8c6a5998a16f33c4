package vmkernel.core.files;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileSystem;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeExtent;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.Volumes;
import vmkernel.api.storage.BlockDevice;
import vmkernel.core.storage.StoragePaths;

/**
 * The host's volumes. A thread of its own looks for them whenever units come or go; what mounts, unmounts and replaces does so one at
 * a time. Below framework property {@code vmk.home} the folder {@code var/hosts} says who this host is.
 */
@Component(service = {Volumes.class, HostVolumes.class}, immediate = true)
public final class HostVolumes implements Volumes {
    private static final Logger LOG = LoggerFactory.getLogger(HostVolumes.class);
    private static final Pattern UNDER_VMFS = Pattern.compile("/+vmfs/+(?:volumes/+)?([^/]+)(.*)"), BRACKETS = Pattern.compile("\\[([^\\]]+)\\]\\s*(.*)"),
        DEVICE = Pattern.compile("(vmhba\\d+:\\d+:\\d+:\\d+):(.*)"), COLON = Pattern.compile("([^/:]+):(.*)");

    private final StoragePaths storage;
    private final HostFolder folder = new HostFolder();
    private final HostDisks disks = new HostDisks();
    private final HostIdentity identity;
    private final AtomicInteger threadNumber = new AtomicInteger();
    private final ThreadFactory newThread = task -> {
        Thread thread = new Thread(task, "vmk-files-" + threadNumber.incrementAndGet());
        thread.setDaemon(true);
        return thread;
    };
    private final ExecutorService threads = new ThreadPoolExecutor(0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), newThread);
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, newThread);
    private final Mounting.Host host;
    private final Runnable deaf;
    private final List<FileSystem> fileSystems = new CopyOnWriteArrayList<>();
    private volatile DiskFormats formats;
    /** By the time they were mounted. */
    private final List<Datastore> mounted = new CopyOnWriteArrayList<>();

    private final Searches searches = new Searches(threads, this::look);
    private volatile boolean closed;
    /** How long who asks for a volume waits for it, in case the host is just starting; after which time a missing successor is told. */
    private volatile long patienceMillis = 2000, successorMillis = 30_000;
    /** Time that machines go on without code that their disks need: as long as it takes to replace it. */
    private volatile long stunMillis = 2000;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

    /** Held by who mounts, unmounts or replaces. What follows is guarded by it. */
    private final ReentrantLock changes = new ReentrantLock();
    /** Whose disks are open; null if none's. */
    private DiskFormats serving;
    /** UUIDs of volumes that are to stay unmounted. */
    private final Set<String> leftOut = new HashSet<>();
    /** What was said of a volume or a device, so that it is said once. */
    private final Map<String, String> told = new HashMap<>();
    /** {@link System#nanoTime} at which code went last; read by any thread. */
    private volatile long away = System.nanoTime();

    /** A device and its part in a volume. */
    private record Found(BlockDevice device, VolumeExtent extent, FileSystem fileSystem) {}

    @Activate
    public HostVolumes(BundleContext context, @Reference StoragePaths storage) { this(home(context), storage); }

    private static Path home(BundleContext context) {
        String home = context.getProperty("vmk.home");
        return Path.of(home == null || home.isBlank() ? "." : home).toAbsolutePath().normalize();
    }

    /** @param home folder of the installation */
    public HostVolumes(Path home, StoragePaths storage) {
        this.storage = storage;
        identity = new HostIdentity(home.resolve("var/hosts"));
        clock.setRemoveOnCancelPolicy(true);
        host = new Mounting.Host(identity, clock, threads);
        deaf = storage.onChange(searches::ask);
    }

    void patienceMillis(long millis) { patienceMillis = millis; }

    /** For tests. */
    public void stunMillis(long millis) { stunMillis = millis; }

    // For those whose disks are in files.

    /** What has gone that disks in files need, in words; empty if all is there, or has not been away for long. */
    public Optional<String> missing() {
        if (System.nanoTime() - away < TimeUnit.MILLISECONDS.toNanos(stunMillis)) return Optional.empty();
        for (Datastore volume : mounted) if (!volume.isPresent()) return Optional.of("the file system of " + volume);
        return disks.everPresent() && !disks.isPresent() ? Optional.of("the formats of virtual disks") : Optional.empty();
    }

    /** @param listener told, on a thread of the kernel, when something has been missing for a while, and when it is back @return ends it */
    public Runnable onChange(Runnable listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    private void tellIfMissing() {
        away = System.nanoTime();
        clock.schedule(() -> threads.execute(() -> { if (missing().isPresent()) listeners.forEach(Runnable::run); }), stunMillis, TimeUnit.MILLISECONDS);
    }

    @Deactivate
    public void close() {
        closed = true;
        searches.close();
        deaf.run();
        changes.lock();
        try {
            detachDisks();
            for (Datastore volume : mounted) unmount(volume, "the host stops");
        } finally {
            changes.unlock();
        }
        clock.shutdownNow();
        threads.shutdown();
        identity.close();
    }

    // The services.

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindFileSystem(FileSystem fileSystem) {
        fileSystems.add(fileSystem);
        searches.ask();
    }

    /** Returns when nothing of ours is in its code any more. */
    void unbindFileSystem(FileSystem fileSystem) {
        changes.lock();
        try {
            fileSystems.remove(fileSystem);
            List<Datastore> orphans = mounted.stream().filter(volume -> volume.fileSystem() == fileSystem).toList();
            if (orphans.isEmpty() || closed) return;
            detachDisks();
            orphans.forEach(Datastore::detach);
            String names = String.join(", ", orphans.stream().map(Datastore::label).toList());
            LOG.info("{} has gone: {} {} for its successor", fileSystem.name(), names, orphans.size() == 1 ? "waits" : "wait");
            tellIfMissing();
            tellLate(orphans, fileSystem.name());
        } finally {
            changes.unlock();
        }
    }

    private void tellLate(List<Datastore> orphans, String kind) {
        clock.schedule(() -> {
            for (Datastore volume : orphans) {
                if (mounted.contains(volume) && !volume.isPresent()) {
                    LOG.error("{}: there has been no {} for {} s; whoever uses it waits on, until bundle vmfs.impl or another that has it is started", volume, kind, successorMillis / 1000);
                }
            }
        }, successorMillis, TimeUnit.MILLISECONDS);
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
    void bindFormats(DiskFormats service) {
        formats = service;
        searches.ask();
    }

    /** Returns when nothing of ours is in its code any more. */
    void unbindFormats(DiskFormats service) {
        changes.lock();
        try {
            if (formats == service) formats = null; // else its successor is there already
            if (serving != service) return;
            detachDisks();
            tellIfMissing();
        } finally {
            changes.unlock();
        }
        searches.ask();
    }

    private void detachDisks() {
        if (serving != null) disks.detach();
        serving = null;
    }

    // Looking for volumes.

    private void look() {
        changes.lock();
        try {
            if (closed) return;
            for (Datastore volume : mounted) {
                if (volume.devices().stream().anyMatch(storage::gone)) unmount(volume, "a device of the volume is gone");
            }
            takeUp();
            mountAll();
        } catch (RuntimeException | LinkageError e) {
            LOG.error("the search for volumes failed", e);
        } finally {
            changes.unlock();
        }
    }

    /** Volumes whose code went get that of a successor, and disks as soon as all is there that they need. */
    private void takeUp() {
        for (Datastore volume : mounted) {
            for (FileSystem fileSystem : fileSystems) {
                if (volume.isPresent() || !fileSystem.name().equals(volume.kind())) continue;
                try {
                    volume.mount(fileSystem);
                    name(volume);
                } catch (IOException | RuntimeException | LinkageError e) {
                    LOG.error("{}: {} cannot take over: {}", volume, fileSystem.name(), e.getMessage());
                }
            }
        }
        DiskFormats now = formats;
        if (now == null || serving != null && serving != now) return;
        serving = now;
        disks.attach(now);
        if (!listeners.isEmpty()) threads.execute(() -> listeners.forEach(Runnable::run));
    }

    private void mountAll() {
        for (Map.Entry<String, TreeMap<Long, Found>> volume : probe().entrySet()) {
            if (leftOut.contains(volume.getKey())) continue;
            Found first = volume.getValue().firstEntry().getValue();
            if (volume.getValue().size() < first.extent.extents()) {
                tell(volume.getKey(), "volume " + volume.getKey() + ": " + volume.getValue().size() + " of its " + first.extent.extents() + " devices are there; it waits for the others");
                continue;
            }
            try {
                mount(List.copyOf(volume.getValue().values()));
            } catch (IOException | RuntimeException | LinkageError e) {
                tell(volume.getKey(), "volume " + volume.getKey() + " on " + first.device.name() + " cannot be mounted: " + (e.getMessage() == null ? e.toString() : e.getMessage()));
            }
        }
    }

    private void tell(String about, String what) {
        if (!what.equals(told.put(about, what))) LOG.warn("{}", what);
    }

    /** Devices of volumes that are not mounted, by UUID and place in the volume. */
    private Map<String, TreeMap<Long, Found>> probe() {
        Map<String, TreeMap<Long, Found>> volumes = new LinkedHashMap<>();
        if (fileSystems.isEmpty()) return volumes;
        for (BlockDevice device : storage.forVolumes()) {
            if (on(device).isPresent()) continue;
            probe(device).ifPresent(found -> {
                Found other = volumes.computeIfAbsent(found.extent.uuid(), uuid -> new TreeMap<>()).putIfAbsent(found.extent.first(), found);
                if (other != null) tell(device.name(), device.name() + " has the same part of volume " + found.extent.uuid() + " as " + other.device.name() + "; it is left alone");
            });
        }
        return volumes;
    }

    private Optional<Found> probe(BlockDevice device) {
        for (FileSystem fileSystem : fileSystems) {
            try {
                Optional<VolumeExtent> extent = fileSystem.probe(device);
                if (extent.isPresent()) return Optional.of(new Found(device, extent.get(), fileSystem));
            } catch (IOException | RuntimeException | LinkageError e) {
                tell(device.name(), device.name() + ": is not looked at: " + e.getMessage());
            }
        }
        return Optional.empty();
    }

    private void mount(List<Found> extents) throws IOException {
        Found first = extents.get(0);
        List<BlockDevice> devices = extents.stream().map(Found::device).toList();
        boolean readOnly = devices.stream().anyMatch(BlockDevice::readOnly);
        if (mounted.stream().anyMatch(other -> other.id().equals(first.extent.uuid()))) throw new IOException("another volume has the same UUID");
        Runnable release = claim(devices, "volume " + (first.extent.label().isEmpty() ? first.extent.uuid() : first.extent.label()), !readOnly);
        // found again by the code that fails, which has no volume as yet
        Datastore[] made = new Datastore[1];
        made[0] = new Datastore(first.extent.uuid(), devices, () -> new Mounting(host, readOnly, why -> threads.execute(() -> failed(made[0], why))), this::nameAll, release);
        try {
            made[0].mount(first.fileSystem);
        } catch (IOException | RuntimeException | LinkageError e) {
            release.run();
            throw e;
        }
        name(made[0]);
        mounted.add(made[0]);
        told.remove(first.extent.uuid());
        LOG.info("{}: {} on {} is mounted{}", made[0], made[0].type(), made[0].deviceNames(), made[0].readOnly().map(why -> " for reading: " + why).orElse(""));
    }

    private Runnable claim(List<BlockDevice> devices, String owner, boolean writing) throws IOException {
        List<AutoCloseable> claims = new ArrayList<>();
        Runnable release = () -> claims.forEach(HostVolumes::release);
        try {
            for (BlockDevice device : devices) claims.add(storage.claim(device, owner, writing));
        } catch (IOException e) {
            release.run();
            throw e;
        }
        return release;
    }

    private static void release(AutoCloseable claim) {
        try {
            claim.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Two volumes of one label: the second one gets a number. One without a label goes by its UUID. */
    private void name(Datastore volume) {
        String wanted = volume.written().isEmpty() ? volume.uuid() : volume.written();
        String name = wanted;
        for (int i = 1; taken(name, volume); i++) name = wanted + " (" + i + ")";
        volume.named(name);
    }

    private boolean taken(String name, Datastore volume) { return mounted.stream().anyMatch(other -> other != volume && other.label().equals(name)); }

    private void nameAll() {
        changes.lock();
        try {
            mounted.forEach(this::name);
        } finally {
            changes.unlock();
        }
    }

    private void failed(Datastore volume, String why) {
        changes.lock();
        try {
            if (!mounted.contains(volume)) return;
            LOG.error("{}: {}; it is unmounted", volume, why);
            unmount(volume, why);
        } finally {
            changes.unlock();
        }
    }

    private void unmount(Datastore volume, String why) {
        mounted.remove(volume);
        volume.unmount(why);
        LOG.info("{}: is unmounted: {}", volume, why);
    }

    // Asking for volumes.

    /** Those that are mounted, in the order of that. */
    public List<Datastore> datastores() { return mounted; }

    @Override
    public List<Mounted> mounted() {
        awaitFirstSearch(() -> false);
        return mounted.stream().sorted(Comparator.comparing(Datastore::label)).map(volume -> new Mounted(volume, volume.devices(), volume.openFiles())).toList();
    }

    @Override
    public Optional<Volume> find(String name) {
        awaitFirstSearch(() -> now(name).isPresent());
        return now(name).map(volume -> volume);
    }

    private Optional<Datastore> now(String name) {
        return mounted.stream().filter(volume -> volume.label().equals(name) || volume.uuid().equals(name) || volume.devices().get(0).name().equals(name)).findFirst();
    }

    private Optional<Datastore> on(BlockDevice device) { return mounted.stream().filter(volume -> volume.devices().stream().anyMatch(known -> known.name().equals(device.name()))).findFirst(); }

    /** While the host is just starting, its volumes are waited for. */
    private void awaitFirstSearch(BooleanSupplier enough) { searches.await(() -> enough.getAsBoolean() || searches.settled() && ready(), patienceMillis); }

    /** There is something to search, and to do it with. */
    private boolean ready() { return !fileSystems.isEmpty() && storage.adapters().stream().anyMatch(adapter -> !adapter.units().isEmpty()); }

    @Override
    public VolumePath resolve(String path) throws IOException {
        for (Pattern pattern : List.of(UNDER_VMFS, BRACKETS, DEVICE, COLON)) {
            Matcher matcher = pattern.matcher(path);
            if (matcher.matches()) return new VolumePath(named(matcher.group(1)), inside(matcher.group(2)));
        }
        try {
            return new VolumePath(folder, Path.of(path).toAbsolutePath().normalize().toString());
        } catch (java.nio.file.InvalidPathException e) {
            throw new IOException(path + ": is no path: " + e.getReason());
        }
    }

    private static String inside(String rest) { return rest.startsWith("/") ? rest : "/" + rest; }

    private Volume named(String name) throws IOException {
        Optional<Volume> found = find(name);
        if (found.isPresent()) return found.get();
        List<String> names = mounted.stream().map(Datastore::label).sorted().toList();
        throw new IOException("there is no volume " + name + "; " + (names.isEmpty() ? "none is mounted" : "there is " + String.join(", ", names)));
    }

    // Changing them.

    @Override
    public void format(BlockDevice device, FormatOptions options, Progress progress) throws IOException {
        Runnable release = claim(List.of(device), "a new file system", true);
        try {
            anyFileSystem().format(device, options, progress);
        } finally {
            release.run();
        }
        rescan();
    }

    private FileSystem anyFileSystem() throws IOException {
        awaitFirstSearch(() -> false);
        return fileSystems.stream().findFirst().orElseThrow(() -> new IOException("there is no file system (is bundle vmfs.impl active?)"));
    }

    @Override
    public CheckReport check(BlockDevice device, boolean repair, Progress progress) throws IOException {
        anyFileSystem();
        List<Found> extents;
        Runnable release;
        changes.lock();
        try {
            Optional<Datastore> volume = on(device);
            if (volume.isPresent()) unmountUnused(volume.get(), "it is being checked");
            extents = extents(device);
            release = claim(extents.stream().map(Found::device).toList(), "a check of its file system", repair);
        } finally {
            changes.unlock();
        }
        try {
            return extents.get(0).fileSystem.check(extents.stream().map(Found::device).toList(), repair, progress);
        } finally {
            release.run();
            searches.now();
        }
    }

    private List<Found> extents(BlockDevice device) throws IOException {
        Found found = probe(device).orElseThrow(() -> new IOException(device.name() + ": there is no file system that is known"));
        TreeMap<Long, Found> all = new TreeMap<>(Map.of(found.extent.first(), found));
        if (found.extent.extents() > 1) all.putAll(probe().getOrDefault(found.extent.uuid(), new TreeMap<>()));
        if (all.size() < found.extent.extents()) throw new IOException(device.name() + ": " + all.size() + " of the volume's " + found.extent.extents() + " devices are there; all are needed");
        return List.copyOf(all.values());
    }

    private void unmountUnused(Datastore volume, String why) throws IOException {
        int open = volume.openFiles();
        if (open > 0) throw new IOException(volume + ": has " + open + " open file" + (open == 1 ? "" : "s") + ", such as " + volume.files().get(0).path() + "; close them first, or power off who uses them");
        unmount(volume, why);
    }

    @Override
    public void rescan() {
        changes.lock();
        try {
            leftOut.clear();
            told.clear();
        } finally {
            changes.unlock();
        }
        searches.now();
    }

    @Override
    public void unmount(Volume volume) throws IOException {
        changes.lock();
        try {
            if (!(volume instanceof Datastore known) || !mounted.contains(known)) throw new IOException(volume.label() + ": is not mounted");
            unmountUnused(known, "somebody asked for it");
            leftOut.add(known.id());
        } finally {
            changes.unlock();
        }
    }

    @Override
    public java.nio.file.FileSystem fileSystem(Volume volume) throws IOException {
        changes.lock();
        try {
            FileSystem by = volume instanceof Datastore known ? known.fileSystem() : null;
            if (by == null) throw new IOException(volume.label() + ": its file system is not there just now");
            return by.fileSystem(volume);
        } finally {
            changes.unlock();
        }
    }

    @Override
    public DiskFormats disks() throws IOException {
        awaitFirstSearch(disks::isPresent);
        if (!disks.everPresent()) throw new IOException("there are no formats of virtual disks (is bundle vmfs.impl active?)");
        return disks;
    }
}
