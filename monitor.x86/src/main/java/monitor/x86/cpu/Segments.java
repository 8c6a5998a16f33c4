package monitor.x86.cpu;

import static monitor.x86.cpu.Cpu.MASK32;

import monitor.x86.mmu.GuestFault;

/**
 * Descriptors and loads of segment registers. Sources: [SDM] 3A 3.4.5 Segment Descriptors, 3.5 System Descriptor Types, 5.6
 * Privilege Level Checking; [SDM] 2B MOV.
 */
public final class Segments {
    private final Cpu cpu;

    Segments(Cpu cpu) { this.cpu = cpu; }

    /** A descriptor as read from memory. */
    public static final class Descriptor {
        public int selector;
        public long address;
        public int low, high;

        /** Type, S, DPL, P in bits 7:0 and AVL, L, D/B, G in bits 15:12. */
        public int access() { return high >>> 8 & 0xF0FF; }

        public int type() { return high >>> 8 & 0xF; }

        public boolean system() { return (high & 0x1000) == 0; }

        public boolean code() { return (high & 0x1800) == 0x1800; }

        public boolean conforming() { return (high & 0x1C00) == 0x1C00; }

        public int dpl() { return high >>> 13 & 3; }

        public boolean present() { return (high & 0x8000) != 0; }

        public long base() { return (low >>> 16 | (high & 0xFF) << 16 | high & 0xFF00_0000) & MASK32; }

        public long limit() {
            long limit = low & 0xFFFF | high & 0xF_0000;
            return (high & 0x80_0000) != 0 ? limit << 12 | 0xFFF : limit;
        }

        /** Of gates. */
        public int gateSelector() { return low >>> 16; }

        public long gateOffset() { return (type() & 8) != 0 ? (low & 0xFFFF | high & 0xFFFF_0000) & MASK32 : low & 0xFFFF; }

        public boolean gate32() { return (type() & 8) != 0; }

        public int gateCount() { return high & 0x1F; }

        public boolean availableTss() { return system() && (type() == 1 || type() == 9); }
    }

    /** True for selectors 0 to 3. */
    public static boolean nullSelector(int selector) { return (selector & 0xFFFC) == 0; }

    /**
     * Reads the descriptor of a selector; {@code vector}(selector) if it is outside its table.
     *
     * @param external 1 if an event outside the program is being delivered (EXT of the error code)
     */
    public Descriptor descriptor(int selector, int vector, int external) {
        boolean local = (selector & 4) != 0;
        long base = local ? cpu.ldtr.base : cpu.gdtBase;
        long limit = local ? cpu.ldtr.usable() ? cpu.ldtr.limit : -1 : cpu.gdtLimit;
        if ((selector | 7) > limit) throw cpu.fault(vector, selector & 0xFFFC | external);
        Descriptor d = new Descriptor();
        d.selector = selector;
        d.address = base + (selector & 0xFFF8) & MASK32;
        d.low = (int) cpu.mmu.readSystem(d.address, 4);
        d.high = (int) cpu.mmu.readSystem(d.address + 4 & MASK32, 4);
        return d;
    }

    /** The descriptor, or null if the selector is null or outside its table (LAR, LSL, VERR, VERW ask, they do not fault). */
    public Descriptor lookUp(int selector) {
        boolean local = (selector & 4) != 0;
        long limit = local ? cpu.ldtr.usable() ? cpu.ldtr.limit : -1 : cpu.gdtLimit;
        return nullSelector(selector) || (selector | 7) > limit ? null : descriptor(selector, GuestFault.GP, 0);
    }

    /** Sets the accessed bit in memory. */
    void markAccessed(Descriptor d) {
        if ((d.high & 0x100) != 0) return;
        d.high |= 0x100;
        cpu.mmu.writeSystem(d.address + 5 & MASK32, 1, d.high >>> 8 & 0xFF);
    }

    /** Sets or clears the busy bit of a TSS in memory. */
    void markBusy(Descriptor d, boolean busy) {
        d.high = busy ? d.high | 0x200 : d.high & ~0x200;
        cpu.mmu.writeSystem(d.address + 5 & MASK32, 1, d.high >>> 8 & 0xFF);
    }

    /** Puts a descriptor into a segment register. */
    void put(SegmentRegister register, int selector, Descriptor d) { register.set(selector, d.base(), d.limit(), d.access()); }

    /** Puts a null selector: unusable. */
    void putNull(SegmentRegister register, int selector) { register.set(selector, 0, 0, SegmentRegister.UNUSABLE); }

    /** Loads ES, SS, DS, FS or GS as MOV and POP do. */
    public void load(int number, int selector) {
        SegmentRegister register = cpu.segments[number];
        if (cpu.paragraphs()) paragraph(register, selector);
        else if (number == Cpu.SS) loadStack(selector, cpu.cpl, GuestFault.GP, 0);
        else loadData(register, selector, GuestFault.GP, 0);
        if (number == Cpu.SS) cpu.stackChanged();
    }

    /** Real and virtual-8086 mode. In real mode the limit stays what it was ("unreal mode" lives from that). */
    void paragraph(SegmentRegister register, int selector) {
        selector &= 0xFFFF;
        if (cpu.virtual8086()) {
            register.set(selector, (long) selector << 4, 0xFFFF, 0xF3);
        } else {
            int big = register.usable() ? register.access & (SegmentRegister.BIG | SegmentRegister.GRANULAR) : 0;
            register.set(selector, (long) selector << 4, register.usable() ? register.limit : 0xFFFF, 0x93 | big);
        }
    }

    void loadStack(int selector, int cpl, int vector, int external) {
        if (nullSelector(selector)) throw cpu.fault(vector, (vector == GuestFault.TS ? selector & 0xFFFC : 0) | external);
        Descriptor d = descriptor(selector, vector, external);
        checkStack(d, cpl, vector, external);
        markAccessed(d);
        put(cpu.ss, selector, d);
        cpu.stackChanged();
    }

    /** What SS may be loaded with: writable data of exactly this privilege. */
    void checkStack(Descriptor d, int cpl, int vector, int external) {
        int code = d.selector & 0xFFFC | external;
        boolean writableData = !d.system() && !d.code() && (d.type() & SegmentRegister.WRITABLE) != 0;
        if ((d.selector & 3) != cpl || d.dpl() != cpl || !writableData) throw cpu.fault(vector, code);
        if (!d.present()) throw cpu.fault(GuestFault.SS, code);
    }

    void loadData(SegmentRegister register, int selector, int vector, int external) {
        if (nullSelector(selector)) {
            putNull(register, selector);
            return;
        }
        Descriptor d = descriptor(selector, vector, external);
        int code = selector & 0xFFFC | external;
        boolean readable = !d.system() && (!d.code() || (d.type() & SegmentRegister.READABLE) != 0);
        if (!readable || !d.conforming() && d.dpl() < Math.max(cpu.cpl, selector & 3)) throw cpu.fault(vector, code);
        if (!d.present()) throw cpu.fault(GuestFault.NP, code);
        markAccessed(d);
        put(register, selector, d);
    }

    /** Loads CS with a checked code descriptor at a privilege level. */
    void loadCode(int selector, Descriptor d, int cpl) {
        markAccessed(d);
        put(cpu.cs, selector & 0xFFFC | cpl, d);
        cpu.cpl(cpl);
        cpu.codeChanged();
    }

    /** Loads CS in real or virtual-8086 mode, where it is as writable as the others. */
    void paragraphCode(int selector) {
        SegmentRegister cs = cpu.cs;
        if (cpu.virtual8086()) cs.set(selector & 0xFFFF, (long) (selector & 0xFFFF) << 4, 0xFFFF, 0xF3);
        else cs.set(selector & 0xFFFF, (long) (selector & 0xFFFF) << 4, cs.limit, 0x93 | cs.access & (SegmentRegister.BIG | SegmentRegister.GRANULAR));
        cpu.codeChanged();
    }

    /** On a return to an outer level, data segments that the outer level may not use become null, [SDM] 3A 5.8.6. */
    void dropPrivileged() {
        for (int n : new int[] {Cpu.ES, Cpu.DS, Cpu.FS, Cpu.GS}) {
            SegmentRegister s = cpu.segments[n];
            boolean conforming = (s.access & (SegmentRegister.CODE | SegmentRegister.CONFORMING)) == (SegmentRegister.CODE | SegmentRegister.CONFORMING);
            if (s.usable() && !conforming && s.dpl() < cpu.cpl) putNull(s, 0);
        }
    }

    /** LLDT. */
    public void loadLocalTable(int selector) {
        if (nullSelector(selector)) {
            putNull(cpu.ldtr, selector);
            return;
        }
        if ((selector & 4) != 0) throw cpu.fault(GuestFault.GP, selector & 0xFFFC);
        Descriptor d = descriptor(selector, GuestFault.GP, 0);
        if (!d.system() || d.type() != 2) throw cpu.fault(GuestFault.GP, selector & 0xFFFC);
        if (!d.present()) throw cpu.fault(GuestFault.NP, selector & 0xFFFC);
        put(cpu.ldtr, selector, d);
    }

    /** LTR. */
    public void loadTask(int selector) {
        if (nullSelector(selector)) throw cpu.gp();
        if ((selector & 4) != 0) throw cpu.fault(GuestFault.GP, selector & 0xFFFC);
        Descriptor d = descriptor(selector, GuestFault.GP, 0);
        if (!d.availableTss()) throw cpu.fault(GuestFault.GP, selector & 0xFFFC);
        if (!d.present()) throw cpu.fault(GuestFault.NP, selector & 0xFFFC);
        markBusy(d, true);
        put(cpu.tr, selector, d);
    }

    /** VERR (write false), VERW (write true): may the current code use the segment? */
    public boolean verify(int selector, boolean write) {
        Descriptor d = lookUp(selector);
        if (d == null || d.system()) return false;
        boolean privileged = d.dpl() < Math.max(cpu.cpl, selector & 3);
        if (write) return !d.code() && (d.type() & SegmentRegister.WRITABLE) != 0 && !privileged;
        return (!d.code() || (d.type() & SegmentRegister.READABLE) != 0) && (d.conforming() || !privileged);
    }

    /** LAR, LSL: the descriptor if it is of a kind that they may see, else null. */
    public Descriptor inspect(int selector, boolean forLimit) {
        Descriptor d = lookUp(selector);
        if (d == null) return null;
        if (d.system()) {
            int kinds = forLimit ? 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11 : 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;
            if ((kinds >>> d.type() & 1) == 0) return null;
        }
        return d.conforming() && !d.system() || d.dpl() >= Math.max(cpu.cpl, selector & 3) ? d : null;
    }
}
