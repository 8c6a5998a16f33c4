package vmkernel.core.machine;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.firmware.Firmware;
import vmkernel.api.monitor.Monitor;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;
import vmkernel.api.vm.VmException;
import vmkernel.api.vm.VmRegistry;
import vmkernel.api.world.WorldScheduler;
import vmkernel.core.files.HostVolumes;
import vmkernel.core.memory.PagePool;
import vmkernel.core.net.Networks;
import vmkernel.core.storage.StoragePaths;
import vmkernel.core.vmx.Hardware;
import vmkernel.core.vmx.VmList;
import vmkernel.core.vmx.VmxFile;

/**
 * The registered VMs, and the services that they run on. The list is the file {@code var/vm-list} below framework property
 * {@code vmk.home} (default: the working directory), or the one that {@code vmk.vmlist} names.
 */
@Component(service = {VmRegistry.class, Registry.class})
public final class Registry implements VmRegistry {
    private static final Logger LOG = LoggerFactory.getLogger(Registry.class);

    private final Parts parts;
    private final VmList list;
    private final Runnable deaf;
    /** In order of registration. Guarded by itself, as is the list. */
    private final List<Machine> machines = new ArrayList<>();

    @Activate
    public Registry(BundleContext context, @Reference PagePool memory, @Reference StoragePaths storage, @Reference HostVolumes volumes,
        @Reference Networks networks) {
        this(memory, storage, volumes, networks, Path.of(text(context, "vmk.home", ".")), text(context, "vmk.vmlist", ""));
    }

    private static String text(BundleContext context, String key, String otherwise) {
        String value = context.getProperty(key);
        return value == null || value.isBlank() ? otherwise : value;
    }

    Registry(PagePool memory, StoragePaths storage, HostVolumes volumes, Networks networks, Path home, String vmList) {
        Path root = home.toAbsolutePath().normalize();
        parts = new Parts(memory, storage, volumes, networks, root);
        list = new VmList(vmList.isEmpty() ? root.resolve("var/vm-list") : Path.of(vmList).toAbsolutePath());
        load();
        deaf = volumes.onChange(this::renew);
    }

    /** A VM whose file is broken stays in the list and is not among the machines; the log says why. */
    private void load() {
        List<Path> paths;
        try {
            paths = list.paths();
        } catch (IOException e) {
            LOG.error("{}: cannot be read: {}", list.file(), e.getMessage());
            return;
        }
        for (Path path : paths) {
            try {
                add(machine(path, VmxFile.read(path).config()));
            } catch (VmConfigException | VmException e) {
                LOG.warn("not available: {}", e.getMessage());
            }
        }
    }

    @Deactivate
    void close() {
        deaf.run();
        for (Machine machine : snapshot()) {
            if (machine.state() == PowerState.OFF) continue;
            try {
                machine.powerOff(PowerMode.HARD);
            } catch (VmException e) {
                LOG.warn("{}", e.getMessage());
            }
        }
        parts.close();
    }

    // The services.

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC)
    void bindScheduler(WorldScheduler scheduler) { parts.worlds.bind(scheduler); }

    void unbindScheduler(WorldScheduler scheduler) { parts.worlds.unbind(scheduler); }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindMonitor(Monitor monitor, Map<String, Object> properties) {
        parts.monitors.add(monitor, properties);
        renew();
    }

    void unbindMonitor(Monitor monitor) {
        parts.monitors.remove(monitor);
        renew();
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindDevices(VirtualDeviceProvider provider, Map<String, Object> properties) {
        parts.devices.add(provider, properties);
        renew();
    }

    void unbindDevices(VirtualDeviceProvider provider) {
        parts.devices.remove(provider);
        renew();
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindFirmware(Firmware firmware, Map<String, Object> properties) { parts.firmwares.add(firmware, properties); }

    void unbindFirmware(Firmware firmware) { parts.firmwares.remove(firmware); }

    /** The running machines look whether they lost something, or can have what they miss. The old code lives as long as this takes. */
    private void renew() {
        for (Machine machine : snapshot()) machine.renew();
    }

    Parts parts() { return parts; }

    // The machines.

    private List<Machine> snapshot() {
        synchronized (machines) {
            return List.copyOf(machines);
        }
    }

    @Override public List<VirtualMachine> machines() { return List.copyOf(snapshot()); }

    /** Those that are on, by world id. */
    public Map<Integer, Machine> running() {
        Map<Integer, Machine> running = new LinkedHashMap<>();
        for (Machine machine : snapshot()) {
            int id = machine.id();
            if (id >= 0) running.put(id, machine);
        }
        return running;
    }

    /** What the scheduler knows about all worlds. */
    public List<WorldScheduler.Usage> usage() { return parts.worlds.usage(); }

    /** Physical CPUs, 0 without a scheduler. */
    public int physicalCpus() {
        WorldScheduler scheduler = parts.worlds.scheduler();
        return scheduler == null ? 0 : scheduler.physicalCpus();
    }

    @Override
    public Optional<VirtualMachine> find(String nameOrPath) {
        List<Machine> all = snapshot();
        for (Machine machine : all) if (machine.name().equals(nameOrPath)) return Optional.of(machine);
        for (Machine machine : all) if (machine.id() >= 0 && String.valueOf(machine.id()).equals(nameOrPath)) return Optional.of(machine);
        try {
            Path path = Path.of(nameOrPath).toAbsolutePath().normalize();
            for (Machine machine : all) if (path.equals(machine.file())) return Optional.of(machine);
        } catch (java.nio.file.InvalidPathException e) {
            // not a path, then
        }
        return Optional.empty();
    }

    @Override
    public VirtualMachine register(Path vmx) throws VmException {
        Path file = vmx.toAbsolutePath().normalize();
        try {
            VmConfig config = VmxFile.read(file).config();
            Hardware.of(config);
            synchronized (machines) {
                Machine machine = machine(file, config);
                add(machine);
                try {
                    list.add(file);
                } catch (IOException e) {
                    machines.remove(machine);
                    throw new VmException(list.file() + ": cannot be written: " + e.getMessage(), e);
                }
                return machine;
            }
        } catch (VmConfigException e) {
            throw new VmException(e.getMessage());
        }
    }

    @Override
    public VirtualMachine register(VmConfig config) throws VmException {
        try {
            Hardware.of(config);
            Machine machine = machine(null, config);
            add(machine);
            return machine;
        } catch (VmConfigException e) {
            throw new VmException(e.getMessage());
        }
    }

    private Machine machine(Path file, VmConfig config) throws VmConfigException { return new Machine(parts, this, file, config, Hardware.name(config)); }

    private void add(Machine machine) throws VmException {
        synchronized (machines) {
            for (Machine other : machines) {
                if (machine.file() != null && machine.file().equals(other.file())) throw new VmException(machine.file() + ": is registered already");
            }
            requireUnused(machine, machine.name());
            machines.add(machine);
        }
    }

    private void requireUnused(Machine machine, String name) throws VmException {
        for (Machine other : machines) {
            if (other == machine || !other.name().equals(name)) continue;
            throw new VmException(machine.config().file() + ": displayName \"" + name + "\" is used already by " + (other.file() == null ? "another machine" : other.file()));
        }
    }

    @Override
    public void unregister(VirtualMachine machine) throws VmException {
        if (!(machine instanceof Machine known) || !snapshot().contains(known)) throw new VmException(machine.name() + ": is not registered");
        try {
            known.unregister(() -> {
                synchronized (machines) {
                    if (known.file() != null) list.remove(known.file());
                    machines.remove(known);
                }
            });
        } catch (IOException e) {
            throw new VmException(list.file() + ": cannot be written: " + e.getMessage(), e);
        }
    }

    /** Makes a change after which the machine has this name, unless another has it. */
    void rename(Machine machine, String name, Machine.Change change) throws VmException, IOException {
        synchronized (machines) {
            requireUnused(machine, name);
            change.make();
        }
    }
}
