package vmkernel.core.machine;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.InterruptSink;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.handover.SavedState;
import vmkernel.api.firmware.BootContext;
import vmkernel.api.firmware.BootException;
import vmkernel.api.firmware.Firmware;
import vmkernel.api.monitor.CpuModel;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.Monitor;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.monitor.VcpuContext;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;
import vmkernel.api.world.Slice;
import vmkernel.core.files.HostVolumes;
import vmkernel.core.memory.PagePool;
import vmkernel.core.net.Networks;
import vmkernel.core.net.Uplinks;
import vmkernel.core.storage.StoragePaths;

/**
 * A kernel whose monitor, devices and firmware do what a test says: the guest is a Java lambda. The board passes interrupts of
 * line 0 to 15 on as INTR with vector 0x20 plus line.
 */
final class FakePc implements AutoCloseable {
    static final long MB = 1 << 20;

    /** What the guest does in one turn. */
    interface Guest {
        Vcpu.Exit run(Slice slice, FakeVcpu vcpu) throws Throwable;
    }

    /** Runs until it is kicked, as a guest that loops with interrupts off. */
    static final Guest LOOP = (slice, vcpu) -> {
        while (!slice.expired()) {
            vcpu.instructions++;
            Thread.onSpinWait();
        }
        return Vcpu.Exit.STOPPED;
    };
    static final Guest HALT = (slice, vcpu) -> Vcpu.Exit.HALTED;

    final ThreadScheduler scheduler = new ThreadScheduler();
    final PagePool memory = new PagePool(64 * MB);
    final StoragePaths storage = new StoragePaths();
    final Uplinks uplinks = new Uplinks();
    final HostVolumes volumes;
    final Networks networks;
    final Path home;
    final Registry registry;
    final FakeMonitor monitor = new FakeMonitor("fake");
    final FakeDevices devices = new FakeDevices();
    final FakeFirmware firmware = new FakeFirmware();
    volatile Guest guest = HALT;

    FakePc(Path home) {
        this.home = home;
        networks = new Networks(uplinks, home);
        volumes = new HostVolumes(home, storage);
        registry = new Registry(memory, storage, volumes, networks, home, "");
        registry.bindScheduler(scheduler);
        registry.bindMonitor(monitor, Map.of());
        registry.bindDevices(devices, Map.of());
        registry.bindFirmware(firmware, Map.of());
    }

    @Override
    public void close() {
        registry.close();
        volumes.close();
    }

    /** A machine without a file. @param keysAndValues more of its configuration */
    Machine vm(String name, String... keysAndValues) throws VmException {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("displayName", name);
        values.put("memsize", "8");
        for (int i = 0; i < keysAndValues.length; i += 2) values.put(keysAndValues[i], keysAndValues[i + 1]);
        return (Machine) registry.register(new VmConfig(home.resolve(name + ".vmx"), values));
    }

    /** As {@link #vm}, and on. */
    Machine running(String name, Guest program, String... keysAndValues) throws VmException {
        guest = program;
        Machine machine = vm(name, keysAndValues);
        machine.powerOn();
        return machine;
    }

    /** Waits for what is to come; it is an error if it does not. */
    static void await(BooleanSupplier condition) {
        for (long end = System.nanoTime() + 20_000_000_000L; !condition.getAsBoolean(); Thread.onSpinWait()) {
            if (System.nanoTime() > end) throw new AssertionError("waited for in vain");
        }
    }

    /** Nothing is reserved, admitted or open. */
    boolean idle() { return memory.reservedBytes() == 0 && scheduler.count() == 0 && devices.open.get() == 0 && monitor.open.get() == 0; }

    final class FakeVcpu implements Vcpu {
        final VcpuContext context;
        private final FakeMonitor owner;
        private final Guest program = guest;
        volatile boolean kicked;
        volatile long instructions;
        volatile Throwable failure;

        FakeVcpu(VcpuContext context, FakeMonitor owner) {
            this.context = context;
            this.owner = owner;
        }

        @Override
        public Exit run(Slice slice) {
            try {
                return program.run(slice, this);
            } catch (Throwable e) {
                throw FakePc.<RuntimeException>sneaky(e);
            }
        }

        @Override public void kick() { kicked = true; }
        @Override public CpuState save() { return CpuState.reset(); }
        @Override public long instructions() { return instructions; }
        @Override public Throwable failure() { return failure; }
        @Override public String describe() { return "EIP=0000FFF0"; }
        @Override public void close() { owner.open.decrementAndGet(); }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> RuntimeException sneaky(Throwable e) throws T { throw (T) e; }

    final class FakeMonitor implements Monitor {
        private final String name;
        final AtomicInteger open = new AtomicInteger();
        volatile RuntimeException failing;
        volatile FakeVcpu last;

        FakeMonitor(String name) { this.name = name; }

        @Override public String name() { return name; }
        @Override public boolean supports(CpuModel model) { return true; }

        @Override
        public Vcpu create(VcpuContext context, CpuState state) {
            if (failing != null) throw failing;
            open.incrementAndGet();
            return last = new FakeVcpu(context, this);
        }
    }

    /** Where a device does something of a test's. */
    interface Step {
        void run(DeviceContext context);
    }

    final class FakeDevices implements VirtualDeviceProvider {
        final AtomicInteger open = new AtomicInteger();
        final List<String> log = new CopyOnWriteArrayList<>();
        /** What the interrupt controller was told. */
        final List<String> lines = new CopyOnWriteArrayList<>();
        volatile Set<String> types = Set.of("440bx", "uart", "debugcon", "debugexit");
        volatile Step onCreate = context -> {};
        volatile Step onReset = context -> {};
        volatile boolean powerButton;
        volatile DeviceContext board;
        volatile DeviceContext uart;

        @Override public Set<String> types() { return types; }

        @Override
        public VirtualDevice create(String type, DeviceContext context, Optional<SavedState> state) {
            log.add("create " + type + " " + context.prefix());
            if (type.equals("440bx")) board(context); else if (type.equals("uart")) uart = context;
            onCreate.run(context);
            open.incrementAndGet();
            return new VirtualDevice() {
                @Override
                public void reset() {
                    log.add("reset " + type);
                    onReset.run(context);
                }

                @Override public SavedState save() { return SavedState.none("fake/" + type); }

                @Override public boolean requestShutdown() { return powerButton; }

                @Override
                public void close() {
                    log.add("close " + type);
                    open.decrementAndGet();
                }
            };
        }

        private void board(DeviceContext context) {
            board = context;
            context.serveInterrupts(new InterruptSink() {
                private int pending = -1;

                @Override
                public void line(int line, boolean level) {
                    lines.add("line " + line + (level ? " up" : " down"));
                    if (level) pending = line;
                    context.cpus().interruptRequest(0, pending >= 0);
                }

                @Override public void restore(int line, boolean level) { lines.add("restore " + line + (level ? " up" : " down")); }

                @Override
                public int acknowledge(int cpu) {
                    int vector = pending < 0 ? 0xFF : 0x20 + pending;
                    pending = -1;
                    context.cpus().interruptRequest(0, false);
                    return vector;
                }

                @Override public void apicBase(int cpu, long value) {}
                @Override public int taskPriority(int cpu) { return 0; }
                @Override public void taskPriority(int cpu, int priority) {}
            });
        }
    }

    static final class FakeFirmware implements Firmware {
        volatile BootException failing;
        final AtomicInteger boots = new AtomicInteger();

        @Override
        public CpuState boot(BootContext context) throws BootException {
            if (failing != null) throw failing;
            boots.incrementAndGet();
            return CpuState.reset();
        }
    }
}
