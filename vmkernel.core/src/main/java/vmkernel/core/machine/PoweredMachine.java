package vmkernel.core.machine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.device.CpuPins;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.firmware.BootContext;
import vmkernel.api.firmware.BootException;
import vmkernel.api.firmware.Firmware;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;
import vmkernel.core.memory.Remappable;
import vmkernel.core.vmx.Hardware;

/**
 * A VM while it is on: everything that exists from one power-on to its power-off. {@link #close} takes down whatever has been
 * built so far, so a power-on that fails at any step leaves nothing behind.
 */
final class PoweredMachine implements BootContext, Powered {
    private static final Logger LOG = LoggerFactory.getLogger(PoweredMachine.class);
    private static final long MB = 1 << 20;
    /** Different texts of {@link #misuse} that are counted apart; a guest must not fill the host's memory with them. */
    private static final int MAX_MISUSES = 200;

    private final Machine owner;
    private final Parts parts;
    private final VmConfig config;
    private final Hardware hardware;
    private final DeviceLock lock;
    private final int id;
    private final VirtualCpu cpu;
    private final GuestTimers clock;
    private final PortSpace ports;
    private final Interrupts interrupts = new Interrupts();
    private final PciSlots pci;
    private final CpuPins pins = new Pins();
    private final Devices devices;
    private final Engine engine;
    private final Renewal renewal;
    private final DeviceWork work;
    private final Peripherals peripherals;
    /** Last one first. */
    private final Deque<Runnable> closing = new ArrayDeque<>();
    private final Map<String, Long> misuses = new TreeMap<>();

    private GuestMemory memory;
    private MemorySpace mmio;
    private boolean started;
    private PowerRequest request;
    /** Triple faults in a row that came right after a reset. */
    int earlyShutdowns;

    PoweredMachine(Machine owner, Parts parts, VmConfig config, Hardware hardware, DeviceLock lock) {
        this.owner = owner;
        this.parts = parts;
        this.config = config;
        this.hardware = hardware;
        this.lock = lock;
        id = parts.newId();
        cpu = new VirtualCpu(this, parts.worlds, id, "vmm0:" + hardware.name(), hardware.cpu());
        clock = new GuestTimers(lock, parts.clock);
        work = new DeviceWork(lock, clock, parts.clock, this::broken);
        ports = new PortSpace(lock);
        peripherals = new Peripherals(this, parts);
        pci = new PciSlots(owner.pciSlots());
        devices = new Devices(this, parts.devices, hardware.devices());
        engine = new Engine(this, cpu, parts.monitors);
        renewal = new Renewal(this, parts, devices, engine);
    }

    int id() { return id; }
    VirtualCpu cpu() { return cpu; }
    GuestTimers clock() { return clock; }
    DeviceLock lock() { return lock; }
    Interrupts interrupts() { return interrupts; }
    PciSlots pci() { return pci; }
    CpuPins pins() { return pins; }
    Engine engine() { return engine; }
    Renewal renewal() { return renewal; }
    Peripherals peripherals() { return peripherals; }
    Hardware hardware() { return hardware; }
    SerialStream stream(String name) { return owner.stream(name); }
    @Override public VmConfig config() { return config; }
    @Override public GuestMemory memory() { return memory; }
    @Override public int cpus() { return 1; }
    @Override public PortSpace ports() { return ports; }
    @Override public MemorySpace mmio() { return mmio; }

    /** Builds the machine up to its first instruction. @throws VmException in one line; everything is taken down then */
    void assemble() throws VmException {
        try {
            engine.choose(config.text("monitor").orElse(null));
            List<VirtualDeviceProvider> providers = devices.choose();
            memory = reserve();
            mmio = new MemorySpace(lock, memory, memory instanceof Remappable pages ? pages : (address, bytes) -> {});
            parts.worlds.admit(cpu);
            peripherals.open();
            attach(providers);
            boot();
            synchronized (this) {
                if (request != null && request.kind() == PowerRequest.Kind.BROKEN) throw new VmException(request.what() + ": " + request.failure(), request.failure());
            }
        } catch (VmException e) {
            close();
            throw new VmException(name() + ": " + e.getMessage(), e.getCause());
        } catch (AdmissionException e) {
            close();
            throw new VmException(name() + ": " + e.getMessage());
        } catch (BootException e) {
            close();
            throw new VmException(name() + ": " + e.getMessage(), e.getCause());
        } catch (Throwable e) {
            close();
            throw new VmException(name() + ": cannot be powered on: " + e, e);
        }
    }

    @Override public String name() { return hardware.name(); }

    private GuestMemory reserve() throws VmException, AdmissionException {
        long total = parts.memory.totalBytes();
        if (hardware.memoryBytes() > total) {
            throw new VmException("memsize = \"" + hardware.memoryBytes() / MB + "\": this host has " + total / MB + " MB for virtual machines");
        }
        return parts.memory.create(hardware.memoryBytes());
    }

    private void attach(List<VirtualDeviceProvider> providers) throws VmException {
        lock.enter();
        try {
            devices.attach(providers);
        } finally {
            lock.leave();
        }
    }

    /** From reset state to the vCPU's first instruction; the vCPU is held, and there is none. */
    void boot() throws BootException {
        lock.enter();
        try {
            cpu.resetPins();
            peripherals.reset();
            devices.reset();
        } finally {
            lock.leave();
        }
        Firmware firmware = parts.firmwares.find(any -> true).orElseThrow(() -> new BootException("there is no firmware (is bundle firmware.bios active?)"));
        engine.start(firmware.boot(this));
    }

    /** Lets the guest go for the first time. */
    void start() {
        synchronized (this) {
            started = true;
        }
        goOn();
    }

    /** Lets the guest go; what has been asked for meanwhile is served first. */
    void goOn() {
        go();
        if (pending() != null) serve();
    }

    /** Lets the guest go, unless something has been asked for that is to come first, or is missing. */
    synchronized void go() {
        if (request == null && renewal.waiting() == null) cpu.release();
    }

    /** Asks the guest to shut down; false if no device can tell it. */
    boolean requestShutdown() throws InterruptedException {
        if (!lock.enter(parts.patienceMillis)) return false;
        try {
            return devices.requestShutdown();
        } finally {
            lock.leave();
        }
    }

    /** The VM cannot go on by itself: its vCPU is held and the request is served on a thread of the kernel. Any thread, any lock. */
    void request(PowerRequest wanted) {
        synchronized (this) {
            if (request != null && request.kind().compareTo(wanted.kind()) >= 0) return;
            request = wanted;
            if (!started) return;
            cpu.hold();
        }
        serve();
    }

    private void serve() {
        try {
            parts.executor.execute(() -> owner.serve(this));
        } catch (Throwable e) {
            // no thread or no memory to be had: the VM stands still, and the next power operation comes upon the request
            warn("a power request has to wait", e);
        }
    }

    /** What is to be done now, or null. A stunned machine can go off but not be reset. */
    synchronized PowerRequest takeRequest() {
        if (renewal.waiting() != null && request != null && !request.kind().isEnd()) return null;
        PowerRequest taken = request;
        request = null;
        return taken;
    }

    /** What is asked for and not served as yet, or null. */
    synchronized PowerRequest pending() { return request; }

    /** An exception that is a bug of ours. */
    void broken(String where, Throwable failure) { request(PowerRequest.broken(where + " failed", failure)); }

    void warn(String what, Throwable failure) {
        try {
            LOG.warn("{}: {}", name(), what, failure);
        } catch (Throwable again) {
            // no memory for a message
        }
    }

    @Override public void execute(Runnable task) { work.execute(task); }

    @Override
    public void closeAtPowerOff(Runnable close) {
        lock.enter();
        try {
            closing.push(close);
        } finally {
            lock.leave();
        }
    }

    void misuse(String what) {
        synchronized (misuses) {
            misuses.merge(misuses.containsKey(what) || misuses.size() < MAX_MISUSES ? what : "others", 1L, Long::sum);
        }
    }

    Map<String, Long> misuses() {
        synchronized (misuses) {
            return new TreeMap<>(misuses);
        }
    }

    /** Those that devices told of, and accesses to ports that nobody has. */
    Map<String, Long> allMisuses() {
        Map<String, Long> all = misuses();
        if (ports.unclaimed() != 0) all.put("unclaimed I/O port", ports.unclaimed());
        return all;
    }

    // Replacement of parts, under the power lock.

    /** A part has gone or is waited for; no matter if the machine is about to go off anyway. */
    boolean needsRenewal() {
        PowerRequest asked = pending();
        return (asked == null || !asked.kind().isEnd()) && renewal.due();
    }

    /** Guest time stands still, after all that was due has been done. Under the device lock. */
    void standBy() {
        work.finish();
        clock.stop();
    }

    /** Guest time goes on. Under the device lock. */
    void resume() {
        interrupts.settle();
        clock.start();
    }

    /** Looks on a thread of the kernel what can be done about parts that are missing. */
    void renew() { owner.renew(); }

    /** True when the vCPU and the devices stand still, at the latest after the kernel's patience. */
    boolean standsStill() throws InterruptedException {
        cpu.hold();
        if (!cpu.awaitStill(parts.patienceMillis) || !lock.enter(parts.patienceMillis)) return false;
        lock.leave();
        return true;
    }

    /** Takes everything down that was built. The vCPU stands still or never ran. Never throws. */
    void close() {
        cpu.hold();
        parts.worlds.remove(cpu);
        lock.enter();
        try {
            devices.detach();
            work.close();
            clock.close();
            while (!closing.isEmpty()) close(closing.pop());
        } finally {
            lock.leave();
        }
        cpu.discard();
        if (memory != null) parts.memory.release(memory);
    }

    private void close(Runnable part) {
        try {
            part.run();
        } catch (Throwable e) {
            warn("something failed at power-off", e);
        }
    }

    private final class Pins implements CpuPins {
        @Override public void interruptRequest(int cpuNumber, boolean level) { if (cpuNumber == 0) cpu.interruptRequest(level); }
        @Override public void nonMaskable(int cpuNumber) { if (cpuNumber == 0) cpu.raise(VirtualCpu.NON_MASKABLE); }
        @Override public void init(int cpuNumber) { if (cpuNumber == 0) cpu.raise(VirtualCpu.INIT); }
        @Override public void startup(int cpuNumber, int vector) { if (cpuNumber == 0) cpu.startup(vector); }
        @Override public void a20(boolean enabled) { cpu.gateA20(enabled); }
        @Override public void ignoreNumericError(int cpuNumber) { if (cpuNumber == 0) cpu.acknowledgeNumericError(); }
        @Override public int count() { return 1; }
    }
}
