package devices.pc.interrupt;

import devices.pc.PcDevice;
import devices.pc.time.TickBacklog;
import java.util.function.Function;
import vmkernel.api.device.CpuPins;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.IoHandler;
import vmkernel.api.handover.StateRecord;

/**
 * The local APIC of one CPU, an xAPIC with version 14h [SDM] 3A chapter 11 (10 in older editions): six LVT entries, timer
 * without TSC deadline, no x2APIC. Registers are dwords on 16-byte boundaries of a 4 KiB page.
 */
public final class LocalApic implements IoHandler {
    /** Delivery modes of the ICR, of LVT entries and of the IOAPIC. */
    static final int FIXED = 0, LOWEST = 1, SMI = 2, NMI = 4, INIT = 5, STARTUP = 6, EXTINT = 7;
    /** The timer counts at this rate before its divider: a front-side bus of 100 MHz. */
    private static final long TICK_NANOS = 10;
    private static final long SHORTEST_NANOS = 10_000;

    // register numbers: offset / 16
    private static final int ID = 0x02, VERSION = 0x03, TPR = 0x08, APR = 0x09, PPR = 0x0A, EOI = 0x0B, LDR = 0x0D, DFR = 0x0E;
    private static final int SVR = 0x0F, ISR = 0x10, TMR = 0x18, IRR = 0x20, ESR = 0x28, ICR_LOW = 0x30, ICR_HIGH = 0x31;
    private static final int LVT_TIMER = 0x32, LVT_THERMAL = 0x33, LVT_PERFORMANCE = 0x34, LVT_LINT0 = 0x35, LVT_LINT1 = 0x36, LVT_ERROR = 0x37;
    private static final int INITIAL_COUNT = 0x38, CURRENT_COUNT = 0x39, DIVIDE = 0x3E;

    private static final int VERSION_VALUE = 5 << 16 | 0x14;
    private static final int SVR_ENABLE = 0x100, SVR_WRITABLE = 0x3FF;
    private static final int MASKED = 0x10000, PERIODIC = 0x20000, LEVEL = 0x8000, REMOTE_IRR = 0x4000;
    private static final int ERROR_SEND_VECTOR = 0x20, ERROR_RECEIVE_VECTOR = 0x40, ERROR_REGISTER = 0x80;
    private static final long BASE_ENABLE = 0x800;
    private static final int[] LVT_WRITABLE = {0x300FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF};

    private final int cpu;
    private final ApicBus bus;
    private final CpuPins pins;
    private final GuestClock clock;
    private final GuestTimer timer;
    private final TickBacklog backlog = new TickBacklog();

    private long base;              // IA32_APIC_BASE
    private int id, tpr, ldr, dfr, svr, esr, errors, icrLow, icrHigh, divide;
    private final int[] lvt = new int[6];
    private final int[] isr = new int[8], tmr = new int[8], irr = new int[8];
    private final boolean[] lint = new boolean[2];
    private boolean externalMessage; // an ExtINT came from the IOAPIC
    private int initialCount;
    private long countAtStart, startNanos; // the timer's count at a guest time, while it runs
    private boolean counting;

    LocalApic(int cpu, ApicBus bus, CpuPins pins, GuestClock clock, Function<Runnable, GuestTimer> timers) {
        this.cpu = cpu;
        this.bus = bus;
        this.pins = pins;
        this.clock = clock;
        this.timer = timers.apply(this::timerExpired);
    }

    /** Power-on. */
    void reset() {
        id = cpu;
        base = 0xFEE0_0000L | BASE_ENABLE | (cpu == 0 ? 0x100 : 0);
        lint[0] = lint[1] = false;
        init();
    }

    /**
     * INIT: all but the id [SDM] 3A 11.4.7.3. The first CPU's LINT0 passes the 8259's interrupts on, which firmware sets up on
     * every PC (virtual wire mode) and which guests that know no APIC rely on.
     */
    void init() {
        tpr = ldr = esr = errors = icrLow = icrHigh = divide = 0;
        dfr = -1;
        svr = 0xFF;
        for (int i = 0; i < 6; i++) lvt[i] = MASKED;
        if (cpu == 0) lvt[LVT_LINT0 - LVT_TIMER] = EXTINT << 8;
        for (int i = 0; i < 8; i++) isr[i] = tmr[i] = irr[i] = 0;
        externalMessage = false;
        stopTimer();
        initialCount = 0;
    }

    void close() { timer.cancel(); }

    void exchange(StateRecord state) {
        base = state.exchange("base", base);
        id = state.exchange("id", id);
        tpr = state.exchange("tpr", tpr);
        ldr = state.exchange("ldr", ldr);
        dfr = state.exchange("dfr", dfr);
        svr = state.exchange("svr", svr);
        esr = state.exchange("esr", esr);
        errors = state.exchange("errors", errors);
        icrLow = state.exchange("icrLow", icrLow);
        icrHigh = state.exchange("icrHigh", icrHigh);
        state.fill("lvt", lvt);
        state.fill("isr", isr);
        state.fill("tmr", tmr);
        state.fill("irr", irr);
        lint[0] = state.exchange("lint0", lint[0]);
        lint[1] = state.exchange("lint1", lint[1]);
        externalMessage = state.exchange("externalMessage", externalMessage);
        exchangeTimer(state);
    }

    private void exchangeTimer(StateRecord state) {
        divide = state.exchange("divide", divide);
        initialCount = state.exchange("initialCount", initialCount);
        countAtStart = state.exchange("countAtStart", countAtStart);
        startNanos = state.exchange("startNanos", startNanos);
        counting = state.exchange("counting", counting);
        backlog.exchange(state, "backlog");
        PcDevice.exchange(state, "timer", timer);
    }

    long base() { return base; }

    /** Physical address of the register page. */
    long address() { return base & 0xF_FFFF_F000L; }

    /** @return true if the APIC changed between on and off or moved */
    boolean base(long value) {
        boolean was = hardwareEnabled();
        long old = address();
        base = value;
        if (was && !hardwareEnabled()) init(); // [SDM] 3A 11.4.3: comes back as after power-up
        return was != hardwareEnabled() || old != address();
    }

    boolean hardwareEnabled() { return (base & BASE_ENABLE) != 0; }

    boolean enabled() { return hardwareEnabled() && (svr & SVR_ENABLE) != 0; }

    int id() { return id; }

    int taskPriority() { return tpr >> 4; }

    void taskPriority(int priority) { tpr = priority << 4 & 0xFF; }

    int processorPriority() {
        int serving = highest(isr);
        int service = serving < 0 ? 0 : serving & 0xF0;
        return (tpr & 0xF0) >= service ? tpr : service;
    }

    /** True if a message with this destination is for this APIC. */
    boolean addressed(int destination, boolean logical) {
        if (destination == 0xFF) return true;
        if (!logical) return destination == id;
        int mine = ldr >>> 24;
        if (dfr >>> 28 == 0xF) return (mine & destination) != 0;
        return mine >> 4 == destination >> 4 && (mine & destination & 0xF) != 0;
    }

    /** Takes a message from the bus. @return false if it is not accepted */
    boolean accept(int mode, int vector, boolean level) {
        switch (mode) {
            case FIXED, LOWEST -> { return enabled() && request(vector, level); }
            case NMI -> pins.nonMaskable(cpu);
            case INIT -> {
                init();
                pins.init(cpu);
            }
            case STARTUP -> pins.startup(cpu, vector);
            case EXTINT -> externalMessage = true;
            default -> { return false; } // LIMIT: no system management mode, so SMI is dropped
        }
        return true;
    }

    /** The CPU has something to acknowledge here. @param external INT of the 8259s */
    boolean interrupts(boolean external) { return deliverable() >= 0 || externalMessage || external && passesExternal(); }

    /** LINT0 is wired to the 8259s, and this is set to take their vector. */
    boolean passesExternal() {
        int entry = lvt[LVT_LINT0 - LVT_TIMER];
        return hardwareEnabled() && (entry & MASKED) == 0 && (entry >> 8 & 7) == EXTINT;
    }

    /** INTA of the CPU: the vector, or -1 if it is an external interrupt, or the spurious vector if there is none at all. */
    int acknowledge(boolean external) {
        int vector = deliverable();
        if (vector >= 0) {
            clear(irr, vector);
            set(isr, vector);
            if (!backlog.isEmpty() && vector == (lvt[0] & 0xFF)) nextTick();
            return vector;
        }
        if (externalMessage || external && passesExternal()) {
            externalMessage = false;
            return -1;
        }
        return svr & 0xFF;
    }

    /** An edge with this vector has not been acknowledged yet. */
    boolean waits(int vector) { return has(irr, vector); }

    /**
     * Drives LINT0 or LINT1. ExtINT is a level that {@link #interrupts} looks at; the other modes act here.
     * LIMIT: the polarity bit is kept and has no effect; both wires of this board are active high.
     */
    void localInput(int pin, boolean level) {
        if (lint[pin] == level) return;
        lint[pin] = level;
        if (level) local(LVT_LINT0 + pin);
    }

    // -- registers --

    /** An aligned dword; bytes and words of it can be read, which P6 processors allow. */
    @Override
    public long read(long offset, int bytes) {
        if ((offset & 0xC) != 0) return 0;
        return (register((int) offset >> 4) & 0xFFFF_FFFFL) >>> 8 * (offset & 3);
    }

    /** Only aligned dwords [SDM] 3A 11.4.1; others are undefined there and dropped here. */
    @Override
    public void write(long offset, int bytes, long value) {
        if ((offset & 0xF) != 0 || bytes < 4) return;
        register((int) offset >> 4, (int) value);
    }

    private int register(int number) {
        return switch (number) {
            case ID -> id << 24;
            case VERSION -> VERSION_VALUE;
            case TPR -> tpr;
            case APR -> arbitrationPriority();
            case PPR -> processorPriority();
            case EOI, CURRENT_COUNT -> number == EOI ? 0 : currentCount();
            case LDR -> ldr;
            case DFR -> dfr;
            case SVR -> svr;
            case ESR -> esr;
            case ICR_LOW -> icrLow;
            case ICR_HIGH -> icrHigh;
            case LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR -> lvt[number - LVT_TIMER];
            case INITIAL_COUNT -> initialCount;
            case DIVIDE -> divide;
            default -> number >= ISR && number < ESR ? bits(number) : illegal();
        };
    }

    private int bits(int number) { return (number < TMR ? isr : number < IRR ? tmr : irr)[number & 7]; }

    private void register(int number, int value) {
        switch (number) {
            case ID -> {
                id = value >>> 24;
                bus.retry();
            }
            case TPR -> tpr = value & 0xFF;
            case EOI -> endOfInterrupt();
            case LDR -> {
                ldr = value & 0xFF00_0000;
                bus.retry();
            }
            case DFR -> {
                dfr = value | 0x0FFF_FFFF;
                bus.retry();
            }
            case SVR -> spurious(value);
            case ESR -> {
                esr = errors;
                errors = 0;
            }
            case ICR_LOW -> command(value & 0xC_CFFF);
            case ICR_HIGH -> icrHigh = value & 0xFF00_0000;
            case LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR -> localVector(number, value);
            case INITIAL_COUNT -> startTimer(value);
            case DIVIDE -> divide(value & 0xB);
            case VERSION, APR, PPR, CURRENT_COUNT -> { } // read only
            default -> { if (number < ISR || number >= ESR) illegal(); }
        }
        bus.changed();
    }

    private void spurious(int value) {
        svr = value & SVR_WRITABLE;
        if ((svr & SVR_ENABLE) != 0) {
            bus.retry();
            return;
        }
        for (int i = 0; i < 6; i++) lvt[i] |= MASKED; // while software-disabled, mask bits are set and stay so
        backlog.clear();
    }

    private void localVector(int number, int value) {
        int index = number - LVT_TIMER;
        if (number == LVT_TIMER) timerExpired();
        int entry = value & LVT_WRITABLE[index] | lvt[index] & REMOTE_IRR;
        if ((svr & SVR_ENABLE) == 0) entry |= MASKED;
        if ((entry & LEVEL) == 0) entry &= ~REMOTE_IRR;
        lvt[index] = entry;
        if (number == LVT_TIMER) {
            if ((entry & MASKED) != 0) backlog.clear();
            scheduleTimer();
        }
        if ((number == LVT_LINT0 || number == LVT_LINT1) && (entry & LEVEL) != 0 && lint[number - LVT_LINT0]) local(number);
    }

    /** An event at a local vector table entry. */
    private void local(int number) {
        int entry = lvt[number - LVT_TIMER];
        if ((entry & MASKED) != 0) return;
        boolean pin = number == LVT_LINT0 || number == LVT_LINT1;
        int mode = number == LVT_TIMER || number == LVT_ERROR ? FIXED : entry >> 8 & 7;
        if (mode == EXTINT) return;
        boolean level = pin && mode == FIXED && (entry & LEVEL) != 0;
        if (level && (entry & REMOTE_IRR) != 0) return;
        if (accept(mode, entry & 0xFF, level) && level) lvt[number - LVT_TIMER] |= REMOTE_IRR;
    }

    private int illegal() {
        error(ERROR_REGISTER);
        return 0;
    }

    private void error(int bit) {
        boolean known = (errors & bit) != 0;
        errors |= bit;
        int entry = lvt[LVT_ERROR - LVT_TIMER];
        if (known || (entry & MASKED) != 0 || !enabled()) return;
        if ((entry & 0xF0) != 0) request(entry & 0xFF, false);
        bus.changed();
    }

    // -- priorities --

    private boolean request(int vector, boolean level) {
        if (vector < 16) {
            error(ERROR_RECEIVE_VECTOR);
            return false;
        }
        set(irr, vector);
        if (level) set(tmr, vector);
        else clear(tmr, vector);
        return true;
    }

    /** The pending vector that is above the processor priority, or -1. */
    private int deliverable() {
        if (!enabled()) return -1;
        int vector = highest(irr);
        return vector >= 0 && (vector & 0xF0) > (processorPriority() & 0xF0) ? vector : -1;
    }

    /** [SDM] 3A 11.6.2.4: of the P6 family; for software that reads it. */
    private int arbitrationPriority() {
        int pending = Math.max(0, highest(irr)) & 0xF0, serving = Math.max(0, highest(isr)) & 0xF0;
        if ((tpr & 0xF0) >= pending && (tpr & 0xF0) > serving) return tpr;
        return Math.max(tpr & 0xF0, Math.max(serving, pending));
    }

    private void endOfInterrupt() {
        int vector = highest(isr);
        if (vector < 0) return;
        clear(isr, vector);
        if (!has(tmr, vector)) return;
        for (int pin = 0; pin < 2; pin++) endLocal(pin, vector);
        bus.endOfInterrupt(vector);
    }

    private void endLocal(int pin, int vector) {
        int index = LVT_LINT0 - LVT_TIMER + pin;
        if ((lvt[index] & REMOTE_IRR) == 0 || (lvt[index] & 0xFF) != vector) return;
        lvt[index] &= ~REMOTE_IRR;
        if (lint[pin]) local(LVT_LINT0 + pin);
    }

    // -- interprocessor interrupts --

    private void command(int value) {
        icrLow = value;
        int mode = value >> 8 & 7, vector = value & 0xFF;
        boolean level = (value & LEVEL) != 0, assertion = (value & 0x4000) != 0;
        if (mode == INIT && level && !assertion) return; // INIT level de-assert: nothing on this family
        if ((mode == FIXED || mode == LOWEST) && vector < 16) {
            error(ERROR_SEND_VECTOR);
            return;
        }
        switch (value >> 18 & 3) {
            case 0 -> bus.send(icrHigh >>> 24, (value & 0x800) != 0, mode, vector, false);
            case 1 -> accept(mode, vector, false);
            case 2 -> bus.broadcast(null, mode, vector);
            default -> bus.broadcast(this, mode, vector);
        }
    }

    // -- timer --

    private long countNanos() {
        int code = divide & 3 | divide >> 1 & 4; // 0 to 6: by 2 to 128, 7: by 1
        return TICK_NANOS << (code + 1 & 7);
    }

    private void startTimer(int count) {
        initialCount = count;
        backlog.clear();
        counting = count != 0;
        countAtStart = count & 0xFFFF_FFFFL;
        startNanos = clock.nanos();
        scheduleTimer();
    }

    private void stopTimer() {
        counting = false;
        backlog.clear();
        timer.cancel();
    }

    private void divide(int value) {
        timerExpired();
        countAtStart = remaining();
        startNanos = clock.nanos();
        divide = value;
        scheduleTimer();
    }

    private int currentCount() {
        timerExpired();
        return (int) remaining();
    }

    private long remaining() { return counting ? Math.max(0, countAtStart - (clock.nanos() - startNanos) / countNanos()) : 0; }

    /** Takes note of the times the counter went through zero up to now. */
    private void timerExpired() {
        long now = clock.nanos(), first = startNanos + countAtStart * countNanos();
        if (!counting || now < first) return;
        long ticks = 1;
        if ((lvt[0] & PERIODIC) != 0) {
            long period = (initialCount & 0xFFFF_FFFFL) * countNanos();
            ticks += (now - first) / period;
            startNanos = first + (ticks - 1) * period;
            countAtStart = initialCount & 0xFFFF_FFFFL;
            backlog.add(ticks, period);
        } else {
            counting = false;
            backlog.add(1, 1);
        }
        scheduleTimer();
        nextTick();
        bus.changed();
    }

    /** A tick becomes a request when the one before was taken. */
    private void nextTick() {
        if ((lvt[0] & MASKED) != 0 || !enabled()) backlog.clear();
        if (!has(irr, lvt[0] & 0xFF) && backlog.take()) local(LVT_TIMER);
    }

    private void scheduleTimer() {
        if (!counting) timer.cancel();
        else timer.at(Math.max(startNanos + countAtStart * countNanos(), clock.nanos() + SHORTEST_NANOS));
    }

    // -- bit sets of 256 vectors --

    private static boolean has(int[] bits, int vector) { return (bits[vector >> 5] >>> (vector & 31) & 1) != 0; }

    private static void set(int[] bits, int vector) { bits[vector >> 5] |= 1 << (vector & 31); }

    private static void clear(int[] bits, int vector) { bits[vector >> 5] &= ~(1 << (vector & 31)); }

    private static int highest(int[] bits) {
        for (int i = 7; i >= 0; i--) if (bits[i] != 0) return i * 32 + 31 - Integer.numberOfLeadingZeros(bits[i]);
        return -1;
    }
}
