package vmkernel.core.machine;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.firmware.BootException;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.vm.Console;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;
import vmkernel.api.vm.VmException;
import vmkernel.api.world.ResourceAllocation;
import vmkernel.core.vmx.Hardware;
import vmkernel.core.vmx.Identity;
import vmkernel.core.vmx.VmxFile;

/**
 * A registered VM: its configuration, its power state and what outlives its power cycles. Power operations take turns under
 * one lock; the vCPU never takes it, but hands its requests to a thread of the kernel.
 */
public final class Machine implements VirtualMachine {
    private static final Logger LOG = LoggerFactory.getLogger(Machine.class);
    /** A guest that shuts down this often, each time this soon after its reset, will never get further. */
    private static final int HOPELESS_SHUTDOWNS = 3;
    private static final long EARLY_INSTRUCTIONS = 100_000;

    private final Parts parts;
    private final Registry registry;
    /** Null for a machine without a file. */
    private final Path file;
    private final ReentrantLock power = new ReentrantLock();
    /** The machine went off, or what it is made of is not what it was. */
    private final Condition changed = power.newCondition();
    private final DeviceLock devices = new DeviceLock();
    private final Map<String, SerialStream> streams = new ConcurrentHashMap<>();
    /** PCI slots of its devices, by prefix. Under the device lock. */
    private final Map<String, Integer> pciSlots = new HashMap<>();

    private volatile VmConfig config;
    private volatile String name;
    /** Null while off. Changed under the power lock. */
    private volatile PoweredMachine on;
    private volatile boolean stuck;
    /** Under the power lock. */
    private boolean registered = true;
    private volatile String reason = "";
    private volatile long lastInstructions;
    private volatile CompletableFuture<PowerOff> off = CompletableFuture.completedFuture(new PowerOff(-1, null));

    Machine(Parts parts, Registry registry, Path file, VmConfig config, String name) {
        this.parts = parts;
        this.registry = registry;
        this.file = file;
        this.config = config;
        this.name = name;
    }

    @Override public String name() { return name; }

    @Override
    public int id() {
        PoweredMachine now = on;
        return now == null ? -1 : now.id();
    }

    @Override public VmConfig config() { return config; }

    /** The .vmx file, or null. */
    Path file() { return file; }

    @Override
    public PowerState state() {
        PoweredMachine now = on;
        return now == null ? PowerState.OFF : stuck || now.renewal().waiting() != null ? PowerState.STUCK : PowerState.ON;
    }

    @Override
    public String reason() {
        PoweredMachine now = on;
        if (now == null || stuck) return reason;
        String waiting = now.renewal().waiting();
        return waiting == null ? "" : "stunned: " + waiting;
    }

    /** The machine while it is on, else null. */
    PoweredMachine powered() { return on; }

    @Override
    public void configure(String key, String value) throws VmException {
        power.lock();
        try {
            VmxFile.checkKey(key);
            VmxFile text = file == null ? null : VmxFile.read(file).with(key, value);
            VmConfig changed = text == null ? config.with(key, value) : text.config();
            Hardware hardware = Hardware.of(changed);
            registry.rename(this, hardware.name(), () -> {
                if (key.toLowerCase(java.util.Locale.ROOT).startsWith("sched.cpu.")) allocate(hardware.cpu());
                if (text != null) text.write();
                config = changed;
                name = hardware.name();
            });
        } catch (VmConfigException e) {
            throw new VmException(e.getMessage());
        } catch (IOException e) {
            throw new VmException((file == null ? name : file.toString()) + ": cannot be written: " + e.getMessage(), e);
        } finally {
            power.unlock();
        }
    }

    /** A change of configuration that may fail half-way for reasons of the host. */
    @FunctionalInterface
    interface Change {
        void make() throws VmException, IOException;
    }

    /** What its CPU may have; of the running machine, else as configured. */
    public ResourceAllocation cpuAllocation() {
        PoweredMachine now = on;
        return now == null ? ResourceAllocation.normal() : now.cpu().allocation;
    }

    /**
     * Changes one setting of the CPU of the running machine.
     *
     * @param what min, max, shares or affinity
     * @throws IllegalArgumentException in one line if the text does not fit
     */
    public void allocate(String what, String text) throws VmException {
        power.lock();
        try {
            allocate(Hardware.change(cpuAllocation(), what, text));
        } finally {
            power.unlock();
        }
    }

    /** Memory of the running machine, 0 while off. */
    public long memoryBytes() {
        PoweredMachine now = on;
        return now == null ? 0 : now.memory().sizeBytes();
    }

    /** Host memory that the guest has touched so far. */
    public long touchedBytes() {
        PoweredMachine now = on;
        return now == null ? 0 : parts.memory.touchedBytes(now.memory());
    }

    /** Accesses and settings that real hardware would not have been given, and how often. */
    public Map<String, Long> misuses() {
        PoweredMachine now = on;
        return now == null ? Map.of() : now.allMisuses();
    }

    /** Changes the allocation of the running CPU, if it runs. */
    void allocate(ResourceAllocation allocation) throws VmException {
        PoweredMachine now = on;
        if (now == null) return;
        ResourceAllocation before = now.cpu().allocation;
        now.cpu().allocation = allocation;
        try {
            parts.worlds.reallocate(now.cpu());
        } catch (AdmissionException e) {
            now.cpu().allocation = before;
            throw new VmException(e.getMessage());
        }
    }

    /** Leaves the registry for good. @throws VmException if it is on */
    void unregister(Change change) throws VmException, IOException {
        power.lock();
        try {
            if (on != null) throw new VmException(name + ": is on; power it off first");
            change.make();
            registered = false;
        } finally {
            power.unlock();
        }
    }

    @Override
    public void powerOn() throws VmException {
        power.lock();
        try {
            if (on != null) throw new VmException(name + ": is on already");
            if (!registered) throw new VmException(name + ": is not registered");
            reload();
            settle();
            Hardware hardware = Hardware.of(config);
            PoweredMachine next = new PoweredMachine(this, parts, config, hardware, devices);
            next.assemble();
            off = new CompletableFuture<>();
            reason = "";
            on = next;
            streams.values().forEach(stream -> stream.power(true));
            // what went while it was being built; who unbound it did not wait for this
            if (next.needsRenewal()) next.renewal().renew(System.nanoTime());
            next.start();
            LOG.info("{} is on, world {}", name, next.id());
        } catch (VmConfigException e) {
            throw new VmException(e.getMessage());
        } finally {
            power.unlock();
        }
    }

    /** Takes up what was changed in the file by hand. */
    private void reload() throws VmException, VmConfigException {
        if (file == null) return;
        VmConfig read = VmxFile.read(file).config();
        String newName = Hardware.name(read);
        try {
            registry.rename(this, newName, () -> {
                config = read;
                name = newName;
            });
        } catch (IOException e) {
            throw new VmException(e.getMessage(), e);
        }
    }

    /** Takes up the UUID and the addresses that were made for it, and writes them into the file. */
    private void settle() throws VmConfigException {
        // several processes may have machines without a file at a time, on one network
        VmConfig settled = Identity.settled(config, file == null ? Identity.host() + "\n" + ProcessHandle.current().pid() : Identity.host());
        if (settled == config) return;
        try {
            if (file != null) VmxFile.read(file).with(settled).write();
        } catch (IOException e) {
            LOG.warn("{}: cannot be written: {}; its UUID and network addresses stay as long as the file does not move", file, e.getMessage());
        }
        config = settled;
    }

    @Override
    public void powerOff(PowerMode mode) throws VmException {
        Runnable done = () -> {};
        power.lock();
        try {
            PoweredMachine now = on;
            if (now == null) throw new VmException(name + ": is off already");
            if (mode != PowerMode.HARD) {
                boolean whole = awaitWhole(now);
                if (on != now) return;
                if (!stuck && whole && asked(now)) return;
                if (mode == PowerMode.SOFT) throw new VmException(name + ": the guest cannot be asked to shut down; use a hard stop");
            }
            done = goOff(now, new PowerOff(-1, null), "powered off by the user");
        } finally {
            power.unlock();
            done.run();
        }
    }

    @Override
    public void reset(PowerMode mode) throws VmException {
        Runnable done = () -> {};
        power.lock();
        try {
            PoweredMachine now = on;
            if (now == null) throw new VmException(name + ": is off");
            if (mode == PowerMode.SOFT) throw new VmException(name + ": the guest cannot be asked to restart; use a hard reset");
            if (!awaitWhole(now)) throw new VmException(name + ": is stunned, " + now.renewal().waiting() + "; it cannot be reset now");
            if (on != now) throw new VmException(name + ": is off");
            now.earlyShutdowns = 0;
            done = restart(now);
        } finally {
            power.unlock();
            done.run();
        }
    }

    /** Serves what a running VM asked for. On a thread of the kernel. */
    void serve(PoweredMachine asking) {
        Runnable done = () -> {};
        power.lock();
        try {
            for (PowerRequest request; on == asking && !stuck && (request = asking.takeRequest()) != null; ) done = serve(asking, request);
        } catch (VmException e) {
            LOG.error("{}", e.getMessage());
        } catch (Throwable e) {
            LOG.error("{}: a power operation failed", name, e);
        } finally {
            power.unlock();
            done.run();
        }
    }

    private Runnable serve(PoweredMachine now, PowerRequest request) throws VmException {
        switch (request.kind()) {
            case RESET:
                now.earlyShutdowns = 0;
                return restart(now);
            case SHUTDOWN:
                standStill(now);
                now.earlyShutdowns = now.cpu().instructionsOfBoot() < EARLY_INSTRUCTIONS ? now.earlyShutdowns + 1 : 0;
                if (now.earlyShutdowns >= HOPELESS_SHUTDOWNS) {
                    return fail(now, "triple fault: the guest shut down " + HOPELESS_SHUTDOWNS + " times in a row right after a reset", null);
                }
                LOG.info("{}: triple fault; the machine is reset", name);
                return restart(now);
            case BROKEN:
                return fail(now, request.what(), request.failure());
            default:
                return goOff(now, new PowerOff(request.value(), null), request.what());
        }
    }

    /** Power-off because of a failure, with a dump. */
    private Runnable fail(PoweredMachine now, String what, Throwable failure) throws VmException {
        standStill(now);
        String cause = failure == null ? what : what + ": " + failure;
        String line = cause.lines().findFirst().orElse(what) + "; dump: " + dump(now, cause, failure);
        LOG.error("{}: {}", name, line);
        return goOff(now, new PowerOff(-1, line), line);
    }

    /** The dump file; where none can be written the log has the exception. */
    private String dump(PoweredMachine now, String cause, Throwable failure) {
        try {
            return Dump.write(parts.home, name, now, cause, failure).toString();
        } catch (Throwable e) {
            now.warn("a dump cannot be written of", failure);
            return "none (" + e + ")";
        }
    }

    private static boolean asked(PoweredMachine now) {
        try {
            return now.requestShutdown();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Ends the vCPU's turn. @throws VmException if it does not return, or a device does not; the VM is stuck then */
    private void standStill(PoweredMachine now) throws VmException {
        try {
            if (now.standsStill()) {
                stuck = false;
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        stuck = true;
        reason = "the virtual CPU or a device does not stop (monitor " + now.engine().name() + ")";
        throw new VmException(name + ": " + reason);
    }

    private Runnable restart(PoweredMachine now) throws VmException {
        standStill(now);
        PowerRequest overtaken = now.takeRequest();
        if (overtaken != null && overtaken.kind() == PowerRequest.Kind.BROKEN) return fail(now, overtaken.what(), overtaken.failure());
        now.cpu().discard();
        try {
            now.boot();
        } catch (BootException e) {
            return goOff(now, new PowerOff(-1, e.getMessage()), e.getMessage());
        } catch (Throwable e) {
            return fail(now, "reset failed", e);
        }
        now.go();
        return () -> {};
    }

    /** Takes the machine down; the result completes {@link #off}, after the power lock was given back. */
    private Runnable goOff(PoweredMachine now, PowerOff how, String why) throws VmException {
        standStill(now);
        lastInstructions = now.cpu().instructions();
        now.close();
        streams.values().forEach(stream -> stream.power(false));
        reason = why;
        on = null;
        changed.signalAll();
        LOG.info("{} is off: {}", name, why);
        CompletableFuture<PowerOff> completed = off;
        return () -> completed.complete(how);
    }

    /** Services have come or gone: what this machine ran on is replaced, as far as there are successors. */
    void renew() {
        // one that is being powered on may be waiting for the very bundle that is updated here; it looks for itself in the end
        if (on == null) return;
        long started = System.nanoTime();
        power.lock();
        try {
            PoweredMachine now = on;
            if (now == null || !now.needsRenewal()) return;
            standStill(now);
            if (now.renewal().renew(started)) now.goOn();
            changed.signalAll();
        } catch (VmException e) {
            LOG.error("{}", e.getMessage());
        } finally {
            power.unlock();
        }
    }

    /** Gives a stunned machine a moment: a bundle may be just being updated. False if it is still stunned then. It may be off. */
    private boolean awaitWhole(PoweredMachine now) {
        long left = parts.serviceMillis * 1_000_000;
        try {
            while (on == now && now.renewal().waiting() != null && left > 0) left = changed.awaitNanos(left);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return on != now || now.renewal().waiting() == null;
    }

    @Override public CompletableFuture<PowerOff> off() { return off.copy(); }

    @Override public Console serial(int port) { return stream("serial" + port); }

    @Override public Console debugConsole() { return stream("debugcon"); }

    Map<String, Integer> pciSlots() { return pciSlots; }

    SerialStream stream(String streamName) {
        return streams.computeIfAbsent(streamName, key -> {
            SerialStream stream = new SerialStream(devices, parts.threads);
            stream.power(on != null);
            return stream;
        });
    }

    @Override
    public Duration uptime() {
        PoweredMachine now = on;
        return now == null ? Duration.ZERO : Duration.ofNanos(now.clock().nanos());
    }

    @Override
    public long instructions() {
        PoweredMachine now = on;
        return now == null ? lastInstructions : now.cpu().instructions();
    }

    @Override public String toString() { return name; }
}
