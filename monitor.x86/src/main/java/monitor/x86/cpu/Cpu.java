package monitor.x86.cpu;

import java.util.TreeMap;
import monitor.x86.fpu.Fpu;
import monitor.x86.fpu.Sse;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Operand;
import monitor.x86.mmu.GuestFault;
import monitor.x86.mmu.Mmu;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.VcpuContext;

/**
 * The state of a running virtual CPU and the accesses that every operation is made of. Source: [SDM] 3A 2 System Architecture
 * Overview.
 *
 * <p>It extends {@link Flags} because every arithmetic instruction touches them: one object, one load less on the hottest path.
 * One thread at a time; {@link #attend} may be called by any.
 */
public final class Cpu extends Flags implements Mmu.CodeListener {
    public static final int RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7;
    public static final int ES = CpuState.ES, CS = CpuState.CS, SS = CpuState.SS, DS = CpuState.DS, FS = CpuState.FS, GS = CpuState.GS;
    /** Index of a register that is always zero: the base or index that an address does not have. */
    public static final int ZERO = 16;
    public static final long MASK32 = 0xFFFF_FFFFL;

    public static final long CR0_PE = 1, CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_ET = 0x10, CR0_NE = 0x20, CR0_WP = 0x10000, CR0_AM = 0x40000,
        CR0_NW = 0x2000_0000, CR0_CD = 0x4000_0000, CR0_PG = 0x8000_0000L;
    public static final long CR4_VME = 1, CR4_PVI = 2, CR4_TSD = 4, CR4_DE = 8, CR4_PSE = 0x10, CR4_PAE = 0x20, CR4_MCE = 0x40, CR4_PGE = 0x80,
        CR4_PCE = 0x100, CR4_OSFXSR = 0x200, CR4_OSXMMEXCPT = 0x400;
    private static final long CR4_KNOWN = CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    private static final int WRITABLE_FLAGS = TF | IF | DF | IOPL | NT | RF | AC | ID;

    /** rAX to r15, and a zero. The upper halves are zero outside of 64-bit mode. */
    public final long[] r = new long[17];
    /** Offset of the current instruction, or of the next one between two instructions. */
    public long rip;
    /** EFLAGS without the arithmetic flags; bit 1 is set. Changed through {@link #flags}. */
    public int control = 2;
    /** Current privilege level; 0 in real mode, 3 in virtual-8086 mode. */
    public int cpl;

    public final SegmentRegister[] segments = new SegmentRegister[6];
    public final SegmentRegister cs, ss;
    public final SegmentRegister ldtr = new SegmentRegister(6);
    public final SegmentRegister tr = new SegmentRegister(7);
    public long gdtBase, idtBase;
    public int gdtLimit, idtLimit;

    public long cr0, cr3, cr4;
    public final long[] debug = new long[8];
    /** MSRs that only hold a value. */
    public final TreeMap<Integer, Long> msrs = new TreeMap<>();
    public long tscOffset;

    /** Mask of the stack pointer: 16 or 32 bits by SS.B. */
    public long stackMask = 0xFFFF;
    /** Width of code, 16 or 32, by CS.D. */
    public int codeBits = 16;

    public boolean halted, waitForStartup, stiShadow, ssShadow, nmiBlocked;
    /** A debug trap to be delivered after the instruction: bits for DR6. */
    public int debugTrap;
    private long codeBase = -1, codeLimit = -1;
    /** Counts changes of CS that change what code means: its size, base or limit. */
    public long codeEpoch;

    /** Not 0 when the CPU has to look up from executing blocks. */
    public volatile int attention = 1;

    public final GuestFault fault = new GuestFault();
    public final VcpuContext context;
    public final Mmu mmu;
    public final Fpu fpu = new Fpu();
    public final Sse sse = new Sse();
    public final Segments descriptors = new Segments(this);
    public final Transfers transfers = new Transfers(this);
    public final Interrupts interrupts = new Interrupts(this);
    public final Tasks tasks = new Tasks(this);

    /** FERR# may be asserted. */
    private boolean numericError;

    private final Checkpoint checkpoint = new Checkpoint();
    private final Mmu.CodeListener code;

    /** @param code told when decoded code changes, on the CPU's thread */
    public Cpu(VcpuContext context, Mmu.CodeListener code) {
        this.context = context;
        this.code = code;
        for (int i = 0; i < 6; i++) segments[i] = new SegmentRegister(i);
        cs = segments[CS];
        ss = segments[SS];
        mmu = new Mmu(context, fault, this);
    }

    // ---- attention

    @Override
    public void attend() { attention = 1; }

    @Override
    public void codeWritten(long physical, int length) { code.codeWritten(physical, length); }

    // ---- general registers

    public long get(int width, int number) { return zeroExtend(width, r[number]); }

    /** Writes a general register: 8 and 16 bits leave the rest, 32 bits clear the upper half. */
    public void set(int width, int number, long value) {
        switch (width) {
            case 8 -> r[number] = r[number] & ~0xFFL | value & 0xFF;
            case 16 -> r[number] = r[number] & ~0xFFFFL | value & 0xFFFF;
            case 32 -> r[number] = value & MASK32;
            default -> r[number] = value;
        }
    }

    // ---- modes

    public boolean protectedMode() { return (cr0 & CR0_PE) != 0; }

    public boolean virtual8086() { return (control & VM) != 0; }

    /** Real or virtual-8086 mode: segments are made of paragraphs. */
    public boolean paragraphs() { return !protectedMode() || virtual8086(); }

    public int iopl() { return control >>> 12 & 3; }

    /** Sets CPL, and with it the rights of memory accesses. */
    public void cpl(int level) {
        if (level == cpl) return;
        cpl = level;
        mmu.user(level == 3);
        attention = 1;
    }

    /** To be called after CS was changed: what depends on its size, base and limit. */
    public void codeChanged() {
        int bits = cs.big() ? 32 : 16;
        if (bits == codeBits && cs.base == codeBase && cs.limit == codeLimit) return;
        codeBits = bits;
        codeBase = cs.base;
        codeLimit = cs.limit;
        codeEpoch++;
        attention = 1;
    }

    /** To be called after SS was changed. */
    public void stackChanged() { stackMask = ss.big() ? MASK32 : 0xFFFF; }

    // ---- flags

    /** The whole EFLAGS. */
    public int flags() { return control | arithmetic(); }

    /** Sets all of EFLAGS as given, without any check. */
    public void flags(int value) {
        arithmetic(value);
        control = value & (WRITABLE_FLAGS | VM) | 2;
        if ((control & (TF | IF | RF)) != 0) attention = 1;
    }

    /** Sets the flags of {@code mask}, as far as they exist. */
    public void flags(int value, int mask) { flags(flags() & ~mask | value & mask); }

    public boolean direction() { return (control & DF) != 0; }

    // ---- faults

    public GuestFault fault(int vector) { return fault.of(vector, 0); }

    public GuestFault fault(int vector, int errorCode) { return fault.of(vector, errorCode); }

    /** #GP(0). */
    public GuestFault gp() { return fault.of(GuestFault.GP, 0); }

    public GuestFault ud() { return fault.of(GuestFault.UD, 0); }

    /** An x87 error is pending and a waiting instruction has come: #MF; where CR0.NE is clear FERR# and, without IGNNE#, a freeze until an interrupt. */
    public void fpuError() {
        if ((cr0 & CR0_NE) != 0) throw fault(GuestFault.MF);
        numericError = true;
        context.numericError(true);
        if (!context.ignoreNumericError()) throw fault(GuestFault.FREEZE);
    }

    /** After an instruction that may have cleared the pending x87 error: FERR# goes away with it. */
    public void fpuErrorCleared() {
        if (!numericError || fpu.pending()) return;
        numericError = false;
        context.numericError(false);
    }

    /** An unmasked SIMD exception. */
    public GuestFault simdError() { return fault((cr4 & CR4_OSXMMEXCPT) != 0 ? GuestFault.XM : GuestFault.UD); }

    /** What x87 instructions need, [SDM] 3A 2.5 table 2-2. */
    public void needFpu() {
        if ((cr0 & (CR0_EM | CR0_TS)) != 0) throw fault(GuestFault.NM);
    }

    /** FWAIT heeds TS only together with MP. */
    public void needWait() {
        if ((cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) throw fault(GuestFault.NM);
        if (fpu.pending()) fpuError();
    }

    /** What MMX instructions need, [SDM] 2 table 24-? as for x87, but EM is #UD; pending x87 errors come first. */
    public void needMmx() {
        if ((cr0 & CR0_EM) != 0) throw ud();
        if ((cr0 & CR0_TS) != 0) throw fault(GuestFault.NM);
        if (fpu.pending()) fpuError();
    }

    /** What SSE instructions need, [SDM] 3A 13.1. */
    public void needSse() {
        if ((cr0 & CR0_EM) != 0 || (cr4 & CR4_OSFXSR) == 0) throw ud();
        if ((cr0 & CR0_TS) != 0) throw fault(GuestFault.NM);
    }

    /** Before an instruction is carried out that needs CPL 0. */
    public void needSupervisor() {
        if (cpl != 0) throw gp();
    }

    // ---- memory by segment

    /** Linear address for a read of {@code last + 1} bytes, or #GP(0) or #SS(0). */
    public long readable(SegmentRegister segment, long offset, int last) {
        if (offset < segment.readLow || offset + last > segment.readHigh) throw limit(segment);
        long linear = offset + segment.base & MASK32;
        if ((control & AC) != 0) align(linear, last);
        return linear;
    }

    /** The same for a write, or for a read that a write follows. */
    public long writable(SegmentRegister segment, long offset, int last) {
        if (offset < segment.writeLow || offset + last > segment.writeHigh) throw limit(segment);
        long linear = offset + segment.base & MASK32;
        if ((control & AC) != 0) align(linear, last);
        return linear;
    }

    private GuestFault limit(SegmentRegister segment) { return fault(segment.number == SS ? GuestFault.SS : GuestFault.GP, 0); }

    /** Alignment check, [SDM] 3A 6.15 interrupt 17. */
    private void align(long linear, int last) {
        if ((linear & last) != 0 && cpl == 3 && (cr0 & CR0_AM) != 0 && (last & last + 1) == 0) throw fault(GuestFault.AC, 0);
    }

    public long read(SegmentRegister segment, long offset, int bytes) { return mmu.read(readable(segment, offset, bytes - 1), bytes); }

    public void write(SegmentRegister segment, long offset, int bytes, long value) {
        mmu.write(writable(segment, offset, bytes - 1), bytes, value);
    }

    public long update(SegmentRegister segment, long offset, int bytes) { return mmu.update(writable(segment, offset, bytes - 1), bytes); }

    /** Offset of the memory operand. */
    public long offset(Insn i) {
        long offset = i.disp;
        if (i.base >= 0) offset += r[i.base];
        if (i.index >= 0) offset += r[i.index] << i.scale;
        return zeroExtend(i.addressSize, offset);
    }

    /** Reads the memory operand, or {@code at} bytes behind its start. */
    public long read(Insn i, int at, int bytes) {
        return read(segments[i.segment], zeroExtend(i.addressSize, offset(i) + at), bytes);
    }

    public void write(Insn i, int at, int bytes, long value) {
        write(segments[i.segment], zeroExtend(i.addressSize, offset(i) + at), bytes, value);
    }

    /** Faults as a write of {@code bytes} bytes to the memory operand would; at most a page. */
    public void probeWrite(Insn i, int bytes) {
        mmu.probeWrite(writable(segments[i.segment], offset(i), bytes - 1), bytes);
    }

    /** Faults as a read of {@code bytes} bytes of the memory operand would. */
    public void probeRead(Insn i, int bytes) {
        mmu.probeRead(readable(segments[i.segment], offset(i), bytes - 1), bytes);
    }

    // ---- operands of instructions that do everything themselves

    private int bytes(Operand o) { return o.width() >> 3; }

    /** Value of operand {@code k}, zero-extended. */
    public long operand(Insn i, int k) {
        Operand o = i.operands[k];
        return switch (o.kind()) {
            case GPR -> get(o.width(), o.number());
            case GPR_HIGH -> r[o.number()] >>> 8 & 0xFF;
            case MEM -> read(segments[i.segment], offset(i), bytes(o));
            case IMM -> o.number() == 0 ? i.imm : i.imm2;
            case SEG -> segments[o.number()].selector;
            default -> throw new IllegalArgumentException(o.toString());
        };
    }

    /** The same for an operand that is going to be written: faults as the write would. */
    public long update(Insn i, int k) {
        Operand o = i.operands[k];
        return o.inMemory() ? update(segments[i.segment], offset(i), bytes(o)) : operand(i, k);
    }

    /** Writes operand {@code k}. */
    public void operand(Insn i, int k, long value) {
        Operand o = i.operands[k];
        switch (o.kind()) {
            case GPR -> set(o.width(), o.number(), value);
            case GPR_HIGH -> r[o.number()] = r[o.number()] & ~0xFF00L | (value & 0xFF) << 8;
            case MEM -> write(segments[i.segment], offset(i), bytes(o), value);
            default -> throw new IllegalArgumentException(o.toString());
        }
    }

    // ---- stack

    /** Pushes 2, 4 or 8 bytes; rSP changes only if the write succeeds. */
    public void push(int bytes, long value) {
        long sp = r[RSP] - bytes & stackMask;
        write(ss, sp, bytes, value);
        stackPointer(sp);
    }

    public long pop(int bytes) {
        long value = top(0, bytes);
        release(bytes);
        return value;
    }

    /** Value at {@code at} bytes above the top of the stack, without popping. */
    public long top(int at, int bytes) { return read(ss, r[RSP] + at & stackMask, bytes); }

    /** Moves the stack pointer up. */
    public void release(int bytes) { stackPointer(r[RSP] + bytes); }

    public void stackPointer(long value) { r[RSP] = r[RSP] & ~stackMask | value & stackMask; }

    // ---- transfers within the code segment

    /** Jumps to an offset of the current code segment, or #GP(0). */
    public void jump(long offset) {
        if (offset > cs.limit) throw gp();
        rip = offset;
    }

    // ---- ports

    /** May the current code use these ports? [SDM] 1 19.5. */
    public void needPorts(int port, int bytes) {
        if (!protectedMode() || cpl <= iopl() && !virtual8086()) return;
        if ((tr.access & 0xF) < 9 || tr.limit < 103) throw gp();
        long map = mmu.readSystem(tr.base + 102 & MASK32, 2);
        long at = map + (port >>> 3);
        if (at + 1 > tr.limit) throw gp();
        long bits = mmu.readSystem(tr.base + at & MASK32, 2) >>> (port & 7);
        if ((bits & (1 << bytes) - 1) != 0) throw gp();
    }

    public long in(int port, int bytes) {
        needPorts(port, bytes);
        Debug.port(this, port, bytes);
        return zeroExtend(8 * bytes, context.ports().read(port, bytes));
    }

    public void out(int port, int bytes, long value) {
        needPorts(port, bytes);
        Debug.port(this, port, bytes);
        context.ports().write(port, bytes, zeroExtend(8 * bytes, value));
    }

    // ---- control registers

    /** MOV CR0, LMSW, CLTS: checks, takes effect, [SDM] 3A 2.5. */
    public void cr0(long value) {
        value = value & 0xE005_003FL | CR0_ET;
        if ((value & CR0_PG) != 0 && (value & CR0_PE) == 0 || (value & CR0_NW) != 0 && (value & CR0_CD) == 0) throw gp();
        long changed = cr0 ^ value;
        if ((changed & value & CR0_PG) != 0 && (cr4 & CR4_PAE) != 0 && !mmu.loadPdptes(cr3)) throw gp();
        cr0 = value;
        if ((changed & (CR0_PG | CR0_WP)) != 0) mmu.control(cr0, cr3, cr4);
    }

    public void cr3(long value) {
        if ((cr4 & CR4_PAE) != 0 && (cr0 & CR0_PG) != 0 && !mmu.loadPdptes(value)) throw gp();
        cr3 = value & MASK32;
        mmu.control(cr0, cr3, cr4);
    }

    public void cr4(long value) {
        if ((value & ~CR4_KNOWN) != 0) throw gp();
        long changed = cr4 ^ value;
        boolean reload = (changed & (CR4_PAE | CR4_PSE | CR4_PGE)) != 0;
        if (reload && (value & CR4_PAE) != 0 && (cr0 & CR0_PG) != 0 && !mmu.loadPdptes(cr3)) throw gp();
        cr4 = value;
        if (reload) mmu.control(cr0, cr3, cr4);
    }

    public long tsc() {
        long nanos = context.clock().nanos();
        long hertz = context.tscHertz();
        return (hertz == 1_000_000_000 ? nanos : Math.multiplyHigh(nanos, hertz) == 0 && nanos < Long.MAX_VALUE / hertz
            ? nanos * hertz / 1_000_000_000 : nanos / 1_000_000_000 * hertz) + tscOffset;
    }

    // ---- all or nothing

    /**
     * Remembers segments, stack pointer, instruction pointer and flags: if a fault comes before {@link #commit}, they are taken
     * back, so that an operation of many steps (far calls, interrupts) can be restarted.
     */
    public void begin() { checkpoint.take(this); }

    public void commit() { checkpoint.active = false; }

    /** Called where faults are caught. */
    public void rollback() {
        if (checkpoint.active) checkpoint.restore(this);
    }

    private static final class Checkpoint {
        private final SegmentRegister[] segments = new SegmentRegister[6];
        private boolean active;
        private long rsp, rip;
        private int flags, cpl;

        Checkpoint() {
            for (int i = 0; i < 6; i++) segments[i] = new SegmentRegister(i);
        }

        void take(Cpu cpu) {
            for (int i = 0; i < 6; i++) segments[i].set(cpu.segments[i]);
            rsp = cpu.r[RSP];
            rip = cpu.rip;
            flags = cpu.flags();
            cpl = cpu.cpl;
            active = true;
        }

        void restore(Cpu cpu) {
            active = false;
            for (int i = 0; i < 6; i++) cpu.segments[i].set(segments[i]);
            cpu.r[RSP] = rsp;
            cpu.rip = rip;
            cpu.flags(flags);
            cpu.cpl(cpl);
            cpu.codeChanged();
            cpu.stackChanged();
        }
    }

    // ---- state

    /** Takes over a whole state. */
    public void load(CpuState s) {
        System.arraycopy(s.registers, 0, r, 0, 16);
        rip = s.rip;
        for (int i = 0; i < 6; i++) segments[i].set(s.segments[i]);
        ldtr.set(s.ldtr);
        tr.set(s.tr);
        gdtBase = s.gdtr.base();
        gdtLimit = s.gdtr.limit();
        idtBase = s.idtr.base();
        idtLimit = s.idtr.limit();
        cr0 = s.cr0 | CR0_ET;
        cr3 = s.cr3;
        cr4 = s.cr4;
        mmu.cr2 = s.cr2;
        System.arraycopy(s.debug, 0, debug, 0, 8);
        msrs.clear();
        msrs.putAll(s.msrs);
        tscOffset = s.tscOffset;
        fpu.load(s);
        sse.load(s);
        halted = s.halted;
        waitForStartup = s.waitForStartup;
        stiShadow = s.stiShadow;
        ssShadow = s.ssShadow;
        nmiBlocked = s.nmiBlocked;
        control = 2;
        flags((int) s.rflags);
        cpl(!protectedMode() ? 0 : virtual8086() ? 3 : ss.dpl());
        codeChanged();
        stackChanged();
        mmu.a20(context.a20());
        mmu.control(cr0, cr3, cr4);
        if (s.pdptes != null) mmu.pdptes(s.pdptes);
        else if ((cr0 & CR0_PG) != 0 && (cr4 & CR4_PAE) != 0) mmu.loadPdptes(cr3);
        Debug.arm(this);
        debugTrap = s.pendingDebug;
        numericError = fpu.pending(); // maybe it is not asserted as yet; then it is taken back once too often, which does nothing
        attention = 1;
    }

    public CpuState save() {
        CpuState s = new CpuState();
        System.arraycopy(r, 0, s.registers, 0, 16);
        s.rip = rip;
        s.rflags = flags() & MASK32;
        for (int i = 0; i < 6; i++) s.segments[i] = segments[i].save();
        s.ldtr = ldtr.save();
        s.tr = tr.save();
        s.gdtr = new CpuState.Table(gdtBase, gdtLimit);
        s.idtr = new CpuState.Table(idtBase, idtLimit);
        s.cr0 = cr0;
        s.cr2 = mmu.cr2;
        s.cr3 = cr3;
        s.cr4 = cr4;
        if ((cr0 & CR0_PG) != 0 && (cr4 & CR4_PAE) != 0) s.pdptes = mmu.pdptes();
        System.arraycopy(debug, 0, s.debug, 0, 8);
        s.pendingDebug = debugTrap | mmu.breakHits;
        s.msrs.putAll(msrs);
        s.tscOffset = tscOffset;
        fpu.save(s);
        sse.save(s);
        s.halted = halted;
        s.waitForStartup = waitForStartup;
        s.stiShadow = stiShadow;
        s.ssShadow = ssShadow;
        s.nmiBlocked = nmiBlocked;
        return s;
    }
}
