package devices.pc.interrupt;

import devices.pc.bus.ByteChip;
import devices.pc.time.TickLine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import vmkernel.api.device.CpuPins;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.InterruptSink;
import vmkernel.api.device.IoHandler;
import vmkernel.api.handover.StateRecord;

/**
 * The board's interrupt wiring: every line goes to the 8259 pair and to the IOAPIC at the same time, whichever of them the
 * guest uses; both end at the CPUs' local APICs, and at INTR where one is turned off. Global system interrupts 0 to 15 are
 * ISA, 16 to 19 are the PCI lines PIRQA# to PIRQD#, repeated up to 23.
 */
public final class InterruptFabric implements InterruptSink {
    private static final int ISA = 16, NO_ROUTE = -1;
    private static final long APIC_BYTES = 0x1000;
    /** Where the board decodes the IOAPIC. */
    public static final long IO_APIC_ADDRESS = 0xFEC0_0000L;

    private final DeviceContext context;
    private final CpuPins pins;
    private final PicPair pic = new PicPair(this::settle);
    private final ApicBus bus = new ApicBus(this::settle);
    private final IoApic ioApic = new IoApic(bus);
    private final List<LocalApic> apics = new ArrayList<>();
    private final List<Long> pages = new ArrayList<>(); // register pages claimed for local APICs
    private final int[] asserted = new int[IoApic.PINS];  // how many drive each line
    private final Wire[] outside = new Wire[IoApic.PINS]; // what the kernel's lines drive
    private final Wire[] inside = new Wire[IoApic.PINS];  // what the board's chips drive
    private final int[] route = {NO_ROUTE, NO_ROUTE, NO_ROUTE, NO_ROUTE}; // ISA IRQ of PIRQA# to PIRQD#
    private final boolean[] requested;
    private Runnable acknowledged = () -> { };

    /** Claims the IOAPIC's and the local APICs' addresses; the ports are the board's. */
    public InterruptFabric(DeviceContext context) {
        this.context = context;
        this.pins = context.cpus();
        for (int cpu = 0; cpu < pins.count(); cpu++) apics.add(new LocalApic(cpu, bus, pins, context.clock(), context::timer));
        requested = new boolean[pins.count()];
        bus.connect(apics, ioApic);
        for (int line = 0; line < IoApic.PINS; line++) {
            outside[line] = new Wire(line);
            inside[line] = new Wire(line);
        }
        context.claimMemory(IO_APIC_ADDRESS, APIC_BYTES, ioApic);
    }

    public void reset() {
        pic.reset();
        ioApic.reset();
        for (LocalApic apic : apics) apic.reset();
        for (int i = 0; i < route.length; i++) route[i] = NO_ROUTE;
        for (int cpu = 0; cpu < requested.length; cpu++) request(cpu, false); // whatever a board before this one left there
        claimPages();
        settle();
    }

    public void close() { apics.forEach(LocalApic::close); }

    /** The wires of the board's chips are part of it, so that none of them need drive its line again. */
    public void exchange(StateRecord state) {
        pic.exchange(state.child("pic"));
        ioApic.exchange(state.child("ioApic"));
        for (int cpu = 0; cpu < apics.size(); cpu++) exchange(cpu, state.child("cpu" + cpu));
        exchange(state, "inside", inside);
        exchange(state, "outside", outside);
        state.fill("route", route);
        long[] claimed = state.exchange("apicPages", pages.stream().mapToLong(Long::longValue).toArray());
        if (state.loading()) claimPages(Arrays.stream(claimed).boxed().toList());
    }

    private void exchange(int cpu, StateRecord state) {
        apics.get(cpu).exchange(state);
        boolean level = state.exchange("intr", requested[cpu]);
        if (state.loading()) request(cpu, level);
    }

    /** Levels of wires, a bit for each line. The controllers have them in their own state. */
    private static void exchange(StateRecord state, String name, Wire[] wires) {
        int levels = 0;
        for (int line = 0; line < wires.length; line++) if (wires[line].level) levels |= 1 << line;
        levels = state.exchange(name, levels);
        for (int line = 0; line < wires.length; line++) wires[line].count((levels >> line & 1) != 0);
    }

    /** Told after each interrupt acknowledge: late timer ticks may follow. */
    public void whenAcknowledged(Runnable task) { acknowledged = task; }

    /** The board's own driver of a line, besides those outside; the line is asserted while any of them asserts. */
    public InterruptLine wire(int line) { return inside[line]; }

    /** IRQ 0 for the interval timer. */
    public TickLine tickLine() { return new Irq0(); }

    public ByteChip masterPorts() { return pic.masterPorts(); }

    public ByteChip slavePorts() { return pic.slavePorts(); }

    public ByteChip edgeLevelPorts() { return pic.edgeLevelPorts(); }

    /** Connects a PCI line to an ISA interrupt. @param pirq 0 for PIRQA# @param irq or -1 for none */
    public void route(int pirq, int irq) {
        int before = route[pirq];
        route[pirq] = irq;
        if (before >= 0) pic.input(before, isaLevel(before));
        if (irq >= 0) pic.input(irq, isaLevel(irq));
        settle();
    }

    /** A pulse on the board's NMI line, which is LINT1 of each local APIC. */
    public void nonMaskable() {
        for (int cpu = 0; cpu < apics.size(); cpu++) {
            LocalApic apic = apics.get(cpu);
            if (!apic.hardwareEnabled()) pins.nonMaskable(cpu);
            apic.localInput(1, true);
            apic.localInput(1, false);
        }
        settle();
    }

    /** INIT of all CPUs by the chipset: keyboard controller, port 92h, port CF9h. */
    public void init() {
        for (int cpu = 0; cpu < apics.size(); cpu++) {
            apics.get(cpu).init();
            pins.init(cpu);
        }
        settle();
    }

    @Override
    public void line(int line, boolean level) { outside[line].set(level); }

    @Override
    public void restore(int line, boolean level) { outside[line].restore(level); }

    @Override
    public int acknowledge(int cpu) {
        LocalApic apic = apics.get(cpu);
        int vector = apic.hardwareEnabled() ? apic.acknowledge(pic.intr()) : -1;
        if (vector < 0) vector = pic.acknowledge();
        settle();
        acknowledged.run();
        return vector;
    }

    @Override
    public void apicBase(int cpu, long value) {
        if (apics.get(cpu).base(value)) claimPages();
        settle();
    }

    @Override
    public int taskPriority(int cpu) { return apics.get(cpu).taskPriority(); }

    @Override
    public void taskPriority(int cpu, int priority) {
        apics.get(cpu).taskPriority(priority);
        settle();
    }

    private void changed(int line) {
        boolean level = asserted[line] > 0;
        if (line < ISA) {
            pic.input(line, isaLevel(line));
            if (line != 2) ioApic.input(line == 0 ? 2 : line, level);
        } else {
            ioApic.input(line, level);
            int irq = route[line & 3];
            if (irq >= 0) pic.input(irq, isaLevel(irq));
        }
        settle();
    }

    private void restored(int line) {
        if (line < ISA) {
            pic.restore(line, isaLevel(line));
            if (line != 2) ioApic.restore(line == 0 ? 2 : line, asserted[line] > 0);
        } else {
            ioApic.restore(line, asserted[line] > 0);
            int irq = route[line & 3];
            if (irq >= 0) pic.restore(irq, isaLevel(irq));
        }
    }

    /** An ISA input of the 8259s: the ISA line, or a PCI line that is routed to it. */
    private boolean isaLevel(int irq) {
        if (asserted[irq] > 0) return true;
        for (int line = ISA; line < IoApic.PINS; line++) if (asserted[line] > 0 && route[line & 3] == irq) return true;
        return false;
    }

    /** Brings the outputs in line with the inputs. */
    private void settle() {
        boolean external = pic.intr();
        ioApic.input(0, external);
        for (int cpu = 0; cpu < requested.length; cpu++) {
            LocalApic apic = apics.get(cpu);
            apic.localInput(0, external);
            boolean level = apic.hardwareEnabled() ? apic.interrupts(external) : external;
            if (level != requested[cpu]) request(cpu, level);
        }
    }

    private void request(int cpu, boolean level) {
        requested[cpu] = level;
        pins.interruptRequest(cpu, level);
    }

    private boolean externalReachesCpu() {
        if (!ioApic.masked(0)) return true;
        for (LocalApic apic : apics) if (!apic.hardwareEnabled() || apic.passesExternal()) return true;
        return false;
    }

    private boolean waitsInApic(int vector) {
        for (LocalApic apic : apics) if (apic.waits(vector)) return true;
        return false;
    }

    /** Claims a page for each address at which some local APIC answers. */
    private void claimPages() {
        claimPages(apics.stream().filter(LocalApic::hardwareEnabled).map(LocalApic::address).distinct().toList());
    }

    private void claimPages(List<Long> wanted) {
        for (long page : pages) context.releaseMemory(page, APIC_BYTES);
        pages.clear();
        for (long page : wanted) claimPage(page);
    }

    private void claimPage(long address) {
        try {
            context.claimMemory(address, APIC_BYTES, new Window(address));
            pages.add(address);
        } catch (IllegalStateException e) {
            context.misuse("local APIC moved onto another device");
        }
    }

    /**
     * A page at which the accessing CPU finds its own local APIC.
     * LIMIT: accesses do not say which CPU they come from, so all are the first CPU's; one CPU is what the machine has today.
     */
    private final class Window implements IoHandler {
        private final long address;

        Window(long address) { this.address = address; }

        @Override
        public long read(long offset, int bytes) {
            LocalApic apic = apics.get(0);
            return apic.hardwareEnabled() && apic.address() == address ? apic.read(offset, bytes) : -1;
        }

        @Override
        public void write(long offset, int bytes, long value) {
            LocalApic apic = apics.get(0);
            if (apic.hardwareEnabled() && apic.address() == address) apic.write(offset, bytes, value);
        }
    }

    /** One of the drivers of a line. */
    private final class Wire implements InterruptLine {
        private final int line;
        private boolean level;

        Wire(int line) { this.line = line; }

        @Override
        public void set(boolean level) {
            if (this.level == level) return;
            count(level);
            changed(line);
        }

        @Override
        public void restore(boolean level) {
            count(level);
            restored(line);
        }

        private void count(boolean level) {
            if (this.level == level) return;
            this.level = level;
            asserted[line] += level ? 1 : -1;
        }
    }

    /** IRQ 0 with what the interval timer must know of its way. */
    private final class Irq0 implements TickLine {
        private final InterruptLine wire = wire(0);

        @Override
        public void set(boolean level) { wire.set(level); }

        @Override
        public boolean waits() {
            return pic.waits(0) && externalReachesCpu() || !ioApic.masked(2) && waitsInApic(ioApic.vector(2));
        }

        @Override
        public boolean wanted() { return !pic.masked(0) && externalReachesCpu() || !ioApic.masked(2); }
    }
}
