package devices.pc;

import java.lang.ref.Cleaner;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import vmkernel.api.device.BackdoorHandler;
import vmkernel.api.device.ByteStream;
import vmkernel.api.device.CpuPins;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.InterruptSink;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.PciHandler;
import vmkernel.api.device.VirtualDevice;
import vmkernel.api.handover.SavedState;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.net.SwitchPort;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.VmConfig;

/**
 * A machine without CPUs in which devices are tested: buses to poke at, a clock that stands still until it is told to move,
 * and notes of all that devices do to the outside.
 *
 * <pre>TestMachine pc = TestMachine.board(); pc.out(0x43, 0x34); pc.advance(1_000_000); pc.in(0x40)</pre>
 */
public final class TestMachine {
    public static final long MICRO = 1_000, MILLI = 1_000_000, SECOND = 1_000_000_000L;

    public long now = 17 * SECOND;
    public long wallMillis = 1_700_000_000_000L; // at guest time 17 s: 2023-11-14 22:13:20, a Tuesday
    private final long wallOrigin = now;
    public final Pins pins;
    public final Map<String, Stream> streams = new HashMap<>();
    public final Map<String, Integer> misuses = new LinkedHashMap<>();
    public int powerOffs, resets;
    public long debugExit = -1;
    public boolean romAtResetVector;
    public InterruptSink sink;
    private Context sinkOwner;
    public final boolean[] lines = new boolean[24]; // what devices outside of the board drive
    private final List<Set<String>> drivers = java.util.stream.Stream.generate(() -> (Set<String>) new HashSet<String>()).limit(24).toList(); // of each line, by prefix
    private final Place[] pci = new Place[256];
    private final Map<String, Integer> slots = new HashMap<>(); // that were chosen, by prefix
    private final Map<String, Plugged> devices = new LinkedHashMap<>(); // by prefix, in the order of their creation
    /** What {@link DeviceContext#disks} gives to an adapter, by its prefix. */
    public final Map<String, Map<Integer, VirtualDisk>> disks = new HashMap<>();
    /** What {@link DeviceContext#network} gives, by prefix. */
    public final Map<String, SwitchPort> switchPorts = new HashMap<>();
    private final TreeMap<Long, Claim> ports = new TreeMap<>(), memory = new TreeMap<>();
    private final List<Timer> timers = new ArrayList<>();
    private final long memoryBytes;
    public final GuestMemory guestMemory;
    private final GuestClock clock = new GuestClock() {
        @Override
        public long nanos() { return now; }

        @Override
        public long wallMillis() { return wallMillis + Math.floorDiv(now - wallOrigin, MILLI); }
    };

    private record Claim(Context owner, long first, long count, IoHandler handler) {}

    private record Place(Context owner, PciHandler handler) {}

    private record Plugged(String type, Context context, VirtualDevice device) {}

    public TestMachine(int cpus, long memoryBytes) {
        this.pins = new Pins(cpus);
        this.memoryBytes = memoryBytes;
        guestMemory = new Memory(this);
    }

    /** One CPU, 256 MB and a board that was just reset. */
    public static TestMachine board() { return board(1); }

    public static TestMachine board(int cpus) {
        TestMachine machine = new TestMachine(cpus, 256 << 20);
        machine.add("440bx", "board");
        return machine;
    }

    /** Plugs a device in and resets it. */
    public VirtualDevice add(String type, String prefix) {
        return plug(type, prefix, Optional.empty());
    }

    private VirtualDevice plug(String type, String prefix, Optional<SavedState> state) {
        Context context = new Context(prefix);
        VirtualDevice device = new PcDevices().create(type, context, state);
        if (state.isEmpty()) device.reset();
        devices.put(prefix, new Plugged(type, context, device));
        return device;
    }

    public DeviceContext context(String prefix) { return new Context(prefix); }

    public VirtualDevice device(String prefix) { return devices.get(prefix).device; }

    // -- hand-over, as the kernel does it: time and memory stand still, and streams and lines are its own --

    public SavedState save(String prefix) { return device(prefix).save(); }

    /** Closes a device and puts a successor in its place. */
    public VirtualDevice replace(String prefix, Optional<SavedState> state) {
        unplug(prefix);
        return plug(devices.get(prefix).type, prefix, state);
    }

    private void unplug(String prefix) {
        Context context = devices.get(prefix).context;
        devices.get(prefix).device.close();
        ports.values().removeIf(claim -> claim.owner == context);
        memory.values().removeIf(claim -> claim.owner == context);
        timers.removeIf(timer -> timer.owner == context);
        for (int i = 0; i < pci.length; i++) if (pci[i] != null && pci[i].owner == context) pci[i] = null;
        if (sinkOwner == context) sink = null;
    }

    /** Hands one device over. */
    public void handOver(String prefix) { replace(prefix, Optional.of(save(prefix))); }

    /** Hands all of them over at once: all are gone before the first comes back. */
    public void handOver() {
        Map<String, SavedState> states = new LinkedHashMap<>();
        devices.keySet().forEach(prefix -> states.put(prefix, save(prefix)));
        states.keySet().forEach(this::unplug);
        states.forEach((prefix, state) -> plug(devices.get(prefix).type, prefix, Optional.of(state)));
    }

    // -- the buses, as a CPU uses them; nobody there reads as ones --

    public int in(int port) { return (int) access(ports, port, 1, 0, false); }

    public int in16(int port) { return (int) access(ports, port, 2, 0, false); }

    public long in32(int port) { return access(ports, port, 4, 0, false); }

    public void out(int port, int... values) { for (int value : values) access(ports, port, 1, value, true); }

    public void out16(int port, int value) { access(ports, port, 2, value, true); }

    public void out32(int port, long value) { access(ports, port, 4, value, true); }

    public long read(long address) { return access(memory, address, 4, 0, false); }

    public void write(long address, long value) { access(memory, address, 4, value, true); }

    public long access(boolean isMemory, long address, int bytes, long value, boolean write) {
        return access(isMemory ? memory : ports, address, bytes, value, write);
    }

    public boolean claimsPort(int port) { return find(ports, port) != null; }

    public boolean claimsMemory(long address) { return find(memory, address) != null; }

    private static Claim find(TreeMap<Long, Claim> claims, long address) {
        var entry = claims.floorEntry(address);
        return entry != null && address < entry.getValue().first + entry.getValue().count ? entry.getValue() : null;
    }

    /** Accesses that touch several claims are split into bytes, as the kernel's bus does. */
    private long access(TreeMap<Long, Claim> claims, long address, int bytes, long value, boolean write) {
        Claim claim = find(claims, address);
        if (bytes > 1 && (claim == null || address + bytes > claim.first + claim.count)) {
            long result = 0;
            for (int i = 0; i < bytes; i++) result |= access(claims, address + i, 1, value >>> 8 * i & 0xFF, write) << 8 * i;
            return result;
        }
        long mask = bytes == 8 ? -1 : (1L << 8 * bytes) - 1;
        if (claim == null) return mask;
        if (!write) return claim.handler.read(address - claim.first, bytes) & mask;
        claim.handler.write(address - claim.first, bytes, value & mask);
        return 0;
    }

    // -- PCI configuration --

    public long pci(int slot, int function, int register) {
        out32(0xCF8, 0x8000_0000L | slot << 11 | function << 8 | register & 0xFC);
        return in32(0xCFC);
    }

    public void pci(int slot, int function, int register, long value) {
        out32(0xCF8, 0x8000_0000L | slot << 11 | function << 8 | register & 0xFC);
        out32(0xCFC, value);
    }

    // -- time --

    /** Moves time on; timers fire when they are due. */
    public void advance(long nanos) {
        long end = now + nanos;
        for (Timer next = due(end); next != null; next = due(end)) {
            now = Math.max(now, next.at);
            next.fire();
        }
        now = end;
    }

    /** Moves time on while the host does nothing; all timers are late. */
    public void stall(long nanos) {
        now += nanos;
        for (Timer next = due(now); next != null; next = due(now)) next.fire();
    }

    private Timer due(long end) {
        Timer first = null;
        for (Timer timer : timers) if (timer.at <= end && (first == null || timer.at < first.at)) first = timer;
        return first;
    }

    // -- interrupts --

    public boolean intr() { return pins.level[0]; }

    /** INTA of the first CPU. */
    public int acknowledge() { return sink.acknowledge(0); }

    /** The vector of the pending interrupt, or -1 if there is none. */
    public int take() { return intr() ? acknowledge() : -1; }

    /** Takes interrupts with a specific EOI at the 8259s until there are none. @return how many had this vector */
    public int serviceAll(int vector) {
        int count = 0;
        for (int taken = take(); taken >= 0; taken = take()) {
            if (taken == vector) count++;
            if (taken >= 0x70) out(0xA0, 0x20);
            out(0x20, 0x20);
        }
        return count;
    }

    /** Both 8259s as an operating system sets them up: 20h and 28h, everything unmasked. */
    public TestMachine pics() {
        out(0x20, 0x11);
        out(0x21, 0x20, 4, 1);
        out(0xA0, 0x11);
        out(0xA1, 0x28, 2, 1);
        out(0x21, 0);
        out(0xA1, 0);
        return this;
    }

    /** Input pins of the CPUs, and what happened on them. */
    public static final class Pins implements CpuPins {
        public final boolean[] level;
        public final int[] nmis, inits, startups, changes;
        public int ignoreNumericErrors;
        public boolean a20 = true;

        Pins(int cpus) {
            level = new boolean[cpus];
            nmis = new int[cpus];
            inits = new int[cpus];
            changes = new int[cpus];
            startups = new int[cpus];
            java.util.Arrays.fill(startups, -1);
        }

        @Override
        public void interruptRequest(int cpu, boolean on) {
            level[cpu] = on;
            changes[cpu]++;
        }

        @Override
        public void nonMaskable(int cpu) { nmis[cpu]++; }

        @Override
        public void init(int cpu) { inits[cpu]++; }

        @Override
        public void startup(int cpu, int vector) { startups[cpu] = vector; }

        @Override
        public void a20(boolean enabled) { a20 = enabled; }

        @Override
        public void ignoreNumericError(int cpu) { ignoreNumericErrors++; }

        @Override
        public int count() { return level.length; }
    }

    private final class Timer implements GuestTimer {
        private final Context owner;
        private final Runnable callback;
        private long at = Long.MAX_VALUE;

        Timer(Context owner, Runnable callback) {
            this.owner = owner;
            this.callback = callback;
        }

        @Override
        public void at(long guestNanos) { at = guestNanos; }

        @Override
        public void cancel() { at = Long.MAX_VALUE; }

        @Override
        public long deadline() { return at; }

        void fire() {
            at = Long.MAX_VALUE;
            callback.run();
        }
    }

    /** The kernel's end of a character device. */
    public static final class Stream implements ByteStream {
        public final StringBuilder output = new StringBuilder();
        public boolean full;
        private final ArrayDeque<Integer> input = new ArrayDeque<>();
        private Runnable readable = () -> { }, writable = () -> { };

        public void type(String text) {
            for (byte b : text.getBytes(StandardCharsets.ISO_8859_1)) input.add(b & 0xFF);
            readable.run();
        }

        public void drain() {
            full = false;
            writable.run();
        }

        @Override
        public boolean write(int value) {
            if (!full) output.append((char) value);
            return !full;
        }

        @Override
        public int read() { return input.isEmpty() ? -1 : input.remove(); }

        @Override
        public boolean available() { return !input.isEmpty(); }

        @Override
        public void listener(Runnable readable, Runnable writable) {
            this.readable = readable == null ? () -> { } : readable;
            this.writable = writable == null ? () -> { } : writable;
        }
    }

    private final class Context implements DeviceContext {
        private final String prefix;

        Context(String prefix) { this.prefix = prefix; }

        @Override
        public VmConfig config() { return new VmConfig(Path.of("test.vmx"), Map.of()); }

        @Override
        public String prefix() { return prefix; }

        @Override
        public void claimPorts(int first, int count, IoHandler handler) { claim(ports, first, count, handler); }

        @Override
        public void releasePorts(int first, int count) { ports.remove((long) first); }

        @Override
        public void claimMemory(long address, long bytes, IoHandler handler) { claim(memory, address, bytes, handler); }

        @Override
        public void releaseMemory(long address, long bytes) { memory.remove(address); }

        private void claim(TreeMap<Long, Claim> claims, long first, long count, IoHandler handler) {
            for (Claim other : claims.values()) {
                if (first < other.first + other.count && other.first < first + count) throw new IllegalStateException("taken");
            }
            claims.put(first, new Claim(this, first, count, handler));
        }

        @Override
        public InterruptLine interrupt(int line) {
            return new InterruptLine() {
                @Override
                public void set(boolean level) {
                    drive(level);
                    if (sink != null) sink.line(line, lines[line]);
                }

                @Override
                public void restore(boolean level) {
                    drive(level);
                    if (sink != null) sink.restore(line, lines[line]);
                }

                private void drive(boolean level) {
                    if (level) drivers.get(line).add(prefix);
                    else drivers.get(line).remove(prefix);
                    lines[line] = !drivers.get(line).isEmpty();
                }
            };
        }

        @Override
        public int claimPci(int slot, int function, PciHandler handler) {
            int place = slot < 0 ? slots.computeIfAbsent(prefix, any -> free()) : slot;
            if (pci[place << 3 | function] != null) throw new IllegalStateException("taken");
            pci[place << 3 | function] = new Place(this, handler);
            return place;
        }

        private int free() {
            int place = 16;
            while (pci[place << 3] != null) place++;
            return place;
        }

        @Override
        public PciHandler pci(int slot, int function) {
            Place place = pci[slot << 3 | function];
            return place == null ? null : place.handler;
        }

        @Override
        public Map<Integer, VirtualDisk> disks() { return disks.getOrDefault(prefix, Map.of()); }

        @Override
        public SwitchPort network() { return switchPorts.get(prefix); }

        @Override
        public void serveInterrupts(InterruptSink sink) {
            TestMachine.this.sink = sink;
            sinkOwner = this;
        }

        @Override
        public void serveBackdoor(BackdoorHandler handler) { }

        @Override
        public CpuPins cpus() { return pins; }

        @Override
        public GuestMemory memory() { return guestMemory; }

        @Override
        public GuestClock clock() { return clock; }

        @Override
        public GuestTimer timer(Runnable callback) {
            Timer timer = new Timer(this, callback);
            timers.add(timer);
            return timer;
        }

        @Override
        public ByteStream stream(String name) { return streams.computeIfAbsent(name, key -> new Stream()); }

        @Override
        public void execute(Runnable task) { task.run(); }

        @Override
        public void powerOff() { powerOffs++; }

        @Override
        public void reset() { resets++; }

        @Override
        public void debugExit(long value) { debugExit = value; }

        @Override
        public void misuse(String what) { misuses.merge(what, 1, Integer::sum); }
    }

    /** Guest RAM, all zero at first; host pages are touched only where it is used. */
    private static final class Memory implements GuestMemory {
        private static final Cleaner CLEANER = Cleaner.create();
        private static final long FRESH = 32 << 20;

        private final TestMachine machine;
        private final long base;

        Memory(TestMachine machine) {
            this.machine = machine;
            long address = HostMemory.allocate(machine.memoryBytes + PAGE_SIZE);
            CLEANER.register(this, () -> HostMemory.free(address));
            base = address + PAGE_SIZE - 1 & -PAGE_SIZE;
            if (machine.memoryBytes <= FRESH) HostMemory.fill(base, machine.memoryBytes, (byte) 0); // larger ones are fresh pages of the host
        }

        @Override
        public long sizeBytes() { return machine.memoryBytes; }

        @Override
        public long lowMemoryTop() { return machine.memoryBytes; }

        @Override
        public long readableAddress(long ppn) { return ppn >= 0 && ppn < machine.memoryBytes >> PAGE_SHIFT ? base + (ppn << PAGE_SHIFT) : 0; }

        @Override
        public boolean present(long ppn) { return readableAddress(ppn) != 0 || ppn == 0xF_FFFF && machine.romAtResetVector; }

        @Override
        public long writableAddress(long ppn) { return readableAddress(ppn); }

        @Override
        public void watch(long ppn, boolean on) { }

        private boolean ram(long address) { return address >= 0 && address < machine.memoryBytes; }

        @Override
        public void read(long address, byte[] to, int offset, int length) { for (int i = 0; i < length; i++) to[offset + i] = (byte) read(address + i, 1); }

        @Override
        public void write(long address, byte[] from, int offset, int length) { for (int i = 0; i < length; i++) write(address + i, 1, from[offset + i]); }

        @Override
        public long read(long address, int bytes) {
            long value = 0;
            for (int i = 0; i < bytes; i++) value |= (ram(address + i) ? HostMemory.getByte(base + address + i) & 0xFFL : 0xFFL) << 8 * i;
            return value;
        }

        @Override
        public void write(long address, int bytes, long value) {
            for (int i = 0; i < bytes; i++) if (ram(address + i)) HostMemory.putByte(base + address + i, (byte) (value >>> 8 * i));
        }

        @Override
        public boolean compareAndSet(long address, int bytes, long expected, long value) {
            if (!ram(address) || !ram(address + bytes - 1)) return false;
            return bytes == 4 ? HostMemory.compareAndSetInt(base + address, (int) expected, (int) value) : HostMemory.compareAndSetLong(base + address, expected, value);
        }

        @Override
        public void mapRom(long address, byte[] image) { }

        @Override
        public void addListener(PageListener listener) { }

        @Override
        public void removeListener(PageListener listener) { }
    }
}
