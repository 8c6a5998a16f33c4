package vmkernel.core.hardware;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.hardware.DeviceMap;
import vmkernel.api.hardware.DriverProvider;
import vmkernel.api.hardware.DriverProvider.Tag;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciHost;
import vmkernel.core.net.Uplinks;
import vmkernel.core.storage.StoragePaths;

/**
 * The device map: brings the host's devices and the driver services together as both come and go. Configuration is in
 * {@code etc/vmware} below framework property {@code vmk.home}, names are kept in {@code var/devnames.conf}.
 */
@Component(service = DeviceMap.class, immediate = true)
public final class Devices implements DeviceMap {
    private static final Logger LOG = LoggerFactory.getLogger(Devices.class);

    private final DeviceTable table;
    private final DeviceNames names;
    private final BiFunction<Tag, String, DevicePort> ports;
    private final AtomicInteger threadNumber = new AtomicInteger();
    private final ThreadFactory newThread = task -> {
        Thread thread = new Thread(task, "vmk-driver-" + threadNumber.incrementAndGet());
        thread.setDaemon(true);
        return thread;
    };
    private final ExecutorService threads = new ThreadPoolExecutor(0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), newThread);
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, newThread);
    private final Map<String, Map<String, String>> parameters = new ConcurrentHashMap<>();
    /** Both guarded by this. */
    private final TreeMap<PciAddress, HostDevice> devices = new TreeMap<>();
    private final List<LoadedModule> modules = new ArrayList<>();
    /** How long I/O waits for a driver before it fails. */
    private volatile long patienceMillis = 30_000;

    @Activate
    public Devices(BundleContext context, @Reference StoragePaths storage, @Reference Uplinks network) {
        this(home(context), storage, network);
    }

    private Devices(Path home, StoragePaths storage, Uplinks network) {
        this(DeviceTable.of(home.resolve("etc/vmware")), new DeviceNames(home.resolve("var/devnames.conf")), (tag, name) -> switch (tag) {
            case VMHBA -> new StoragePort(storage.adapter(name));
            case VMNIC -> new NetworkPort(network.adapter(name));
        });
    }

    private static Path home(BundleContext context) {
        String home = context.getProperty("vmk.home");
        return Path.of(home == null || home.isBlank() ? "." : home).toAbsolutePath().normalize();
    }

    Devices(DeviceTable table, DeviceNames names, BiFunction<Tag, String, DevicePort> ports) {
        this.table = table;
        this.names = names;
        this.ports = ports;
        clock.setRemoveOnCancelPolicy(true);
    }

    @Deactivate
    void close() {
        snapshot().forEach(device -> device.close("the kernel stops"));
        clock.shutdownNow();
        threads.shutdown();
    }

    // What a device needs.

    DeviceNames names() { return names; }
    Executor threads() { return threads; }
    ScheduledExecutorService clock() { return clock; }
    long patienceMillis() { return patienceMillis; }
    void patienceMillis(long millis) { patienceMillis = millis; }
    DevicePort port(Tag tag, String name) { return ports.apply(tag, name); }
    Map<String, String> parameters(String module) { return parameters.getOrDefault(module, Map.of()); }

    /** The hardware behind a port went; it may come back under the same name. */
    void abandoned(DevicePort port) {
        if (clock.isShutdown()) return;
        clock.schedule(() -> { if (snapshot().stream().noneMatch(device -> device.holds(port))) port.gone(); }, patienceMillis, TimeUnit.MILLISECONDS);
    }

    private synchronized List<HostDevice> snapshot() { return List.copyOf(devices.values()); }

    private synchronized List<LoadedModule> known() { return List.copyOf(modules); }

    // The services.

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindHost(PciHost host) {
        for (PciDevice pci : host.devices()) {
            HostDevice device = new HostDevice(this, pci, table.find(pci.id()));
            synchronized (this) {
                if (devices.putIfAbsent(pci.address(), device) != null) {
                    LOG.error("{}: {} has a device at {}, where there is one already; it is left alone", host.name(), pci.id(), pci.address());
                    continue;
                }
            }
            known().forEach(device::offered);
        }
    }

    void unbindHost(PciHost host) {
        List<HostDevice> leaving;
        synchronized (this) {
            leaving = devices.values().stream().filter(device -> host.devices().contains(device.pci())).toList();
            leaving.forEach(device -> devices.remove(device.pci().address()));
        }
        leaving.forEach(device -> device.close("the hardware of " + host.name() + " went"));
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindDriver(ServiceReference<DriverProvider> reference, DriverProvider provider) {
        Bundle bundle = reference.getBundle();
        Object ranking = reference.getProperty(Constants.SERVICE_RANKING);
        add(new LoadedModule(provider, String.valueOf(reference.getProperty(DriverProvider.MODULE)), bundle.getVersion().toString(), bundle.getLocation(),
            ranking instanceof Integer number ? number : 0, (Long) reference.getProperty(Constants.SERVICE_ID)));
    }

    void unbindDriver(DriverProvider provider) { remove(provider); }

    /** A module comes: it gets the devices that wait for it. */
    void add(LoadedModule module) {
        synchronized (this) {
            modules.add(module);
            modules.sort(null);
        }
        snapshot().forEach(device -> device.offered(module));
        List<HostDevice> all = snapshot();
        if (!all.isEmpty() && all.stream().noneMatch(device -> device.wants(module))) LOG.warn("module {} {}: there is no device for it", module.name(), module.version());
    }

    /** A module goes: its devices wait, or go to another that wants them. */
    void remove(DriverProvider provider) {
        Optional<LoadedModule> leaving;
        synchronized (this) {
            leaving = modules.stream().filter(module -> module.provider() == provider).findFirst();
            leaving.ifPresent(modules::remove);
        }
        leaving.ifPresent(module -> {
            for (HostDevice device : snapshot()) {
                device.withdrawn(module);
                known().forEach(device::offered);
            }
        });
    }

    // The map.

    @Override public List<Device> devices() { return snapshot().stream().map(HostDevice::describe).toList(); }

    @Override
    public List<DeviceMap.Module> modules() {
        return known().stream().sorted(Comparator.comparing(LoadedModule::name)).map(module -> new DeviceMap.Module(module.name(), module.provider().tag(), module.version(), module.source(),
            snapshot().stream().filter(device -> device.uses(module)).map(device -> device.describe().name()).toList(), parameters(module.name()), module.provider().parameters())).toList();
    }

    @Override
    public Optional<Device> find(String nameOrAddress) {
        return devices().stream().filter(device -> device.name().equals(nameOrAddress) || address(nameOrAddress).filter(device.pci().address()::equals).isPresent()).findFirst();
    }

    private static Optional<PciAddress> address(String text) {
        try {
            return Optional.of(PciAddress.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public void configure(String name, Map<String, String> wanted) {
        LoadedModule module = known().stream().filter(any -> any.name().equals(name)).findFirst().orElse(null);
        if (module != null) {
            Map<String, String> help = module.provider().parameters();
            for (String key : wanted.keySet()) {
                if (!help.containsKey(key)) throw new IllegalArgumentException("module " + name + " has no parameter \"" + key + "\"; it has " + (help.isEmpty() ? "none" : String.join(", ", new java.util.TreeSet<>(help.keySet()))));
            }
        }
        parameters.put(name, Map.copyOf(wanted));
        for (HostDevice device : snapshot()) {
            if (module == null || !device.wants(module)) continue;
            device.withdraw("its parameters change");
            known().forEach(device::offered);
        }
    }
}
