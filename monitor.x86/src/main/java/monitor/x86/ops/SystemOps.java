package monitor.x86.ops;

import static monitor.x86.cpu.Cpu.MASK32;
import static monitor.x86.cpu.Cpu.RAX;
import static monitor.x86.cpu.Cpu.RBX;
import static monitor.x86.cpu.Cpu.RCX;
import static monitor.x86.cpu.Cpu.RDX;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Debug;
import monitor.x86.cpu.Features;
import monitor.x86.cpu.Flags;
import monitor.x86.cpu.Segments.Descriptor;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Operand;
import monitor.x86.ops.Operation.Shape;

/** Segments, tables, control registers, ports and the rest that an operating system uses. Source: [SDM] 2, by mnemonic. */
public final class SystemOps {
    private SystemOps() {}

    // ---- segment registers

    @Operation(value = "mov_from_seg", shape = Shape.WHOLE)
    public static void movFromSeg(Cpu cpu, Insn i) { cpu.operand(i, 0, cpu.operand(i, 1)); }

    @Operation(value = "mov_to_seg", shape = Shape.WHOLE)
    public static void movToSeg(Cpu cpu, Insn i) {
        int number = i.operands[0].number();
        if (number == Cpu.CS) throw cpu.ud();
        cpu.descriptors.load(number, (int) cpu.operand(i, 1));
        if (number == Cpu.SS) shadow(cpu);
    }

    /** After a load of SS the next instruction is not interrupted, so that it can load the stack pointer. */
    private static void shadow(Cpu cpu) {
        cpu.ssShadow = true;
        cpu.attend();
    }

    @Operation(value = "push_seg", shape = Shape.WHOLE)
    public static void pushSeg(Cpu cpu, Insn i) {
        int bytes = i.operandSize >> 3;
        long selector = cpu.operand(i, 0);
        if (bytes == 2) {
            cpu.push(2, selector);
            return;
        }
        // a 32-bit push of a selector writes 16 bits and leaves the upper half of the slot as it was, as Intel's CPUs do
        long sp = cpu.r[Cpu.RSP] - bytes & cpu.stackMask;
        cpu.write(cpu.ss, sp, 2, selector);
        cpu.stackPointer(sp);
    }

    @Operation(value = "pop_seg", shape = Shape.WHOLE)
    public static void popSeg(Cpu cpu, Insn i) {
        int number = i.operands[0].number();
        int bytes = i.operandSize >> 3;
        long mask = cpu.stackMask;
        int selector = (int) cpu.top(0, bytes) & 0xFFFF;
        cpu.descriptors.load(number, selector);
        cpu.r[Cpu.RSP] = cpu.r[Cpu.RSP] & ~mask | cpu.r[Cpu.RSP] + bytes & mask;
        if (number == Cpu.SS) shadow(cpu);
    }

    @Operation(value = "lds", shape = Shape.WHOLE)
    public static void lds(Cpu cpu, Insn i) { farPointer(cpu, i, Cpu.DS); }

    @Operation(value = "les", shape = Shape.WHOLE)
    public static void les(Cpu cpu, Insn i) { farPointer(cpu, i, Cpu.ES); }

    @Operation(value = "lss", shape = Shape.WHOLE)
    public static void lss(Cpu cpu, Insn i) { farPointer(cpu, i, Cpu.SS); }

    @Operation(value = "lfs", shape = Shape.WHOLE)
    public static void lfs(Cpu cpu, Insn i) { farPointer(cpu, i, Cpu.FS); }

    @Operation(value = "lgs", shape = Shape.WHOLE)
    public static void lgs(Cpu cpu, Insn i) { farPointer(cpu, i, Cpu.GS); }

    private static void farPointer(Cpu cpu, Insn i, int segment) {
        int bytes = i.operandSize >> 3;
        long offset = cpu.read(i, 0, bytes);
        int selector = (int) cpu.read(i, bytes, 2);
        cpu.descriptors.load(segment, selector);
        cpu.operand(i, 0, offset);
    }

    @Operation(value = "arpl", shape = Shape.WHOLE)
    public static void arpl(Cpu cpu, Insn i) {
        long selector = cpu.operand(i, 0); // written, and checked for it, only if it changes
        long caller = cpu.operand(i, 1) & 3;
        boolean raise = (selector & 3) < caller;
        if (raise) cpu.operand(i, 0, selector & ~3 | caller);
        zero(cpu, raise);
    }

    private static void zero(Cpu cpu, boolean set) { cpu.arithmetic(set ? cpu.arithmetic() | Flags.ZF : cpu.arithmetic() & ~Flags.ZF); }

    @Operation(value = "lar", shape = Shape.WHOLE)
    public static void lar(Cpu cpu, Insn i) {
        Descriptor d = cpu.descriptors.inspect((int) cpu.operand(i, 1) & 0xFFFF, false);
        if (d != null) cpu.operand(i, 0, d.high & 0xF0_FF00);
        zero(cpu, d != null);
    }

    @Operation(value = "lsl", shape = Shape.WHOLE)
    public static void lsl(Cpu cpu, Insn i) {
        Descriptor d = cpu.descriptors.inspect((int) cpu.operand(i, 1) & 0xFFFF, true);
        if (d != null) cpu.operand(i, 0, d.limit());
        zero(cpu, d != null);
    }

    @Operation("verr")
    public static void verr(Cpu cpu, int width, long selector) { zero(cpu, cpu.descriptors.verify((int) selector, false)); }

    @Operation("verw")
    public static void verw(Cpu cpu, int width, long selector) { zero(cpu, cpu.descriptors.verify((int) selector, true)); }

    // ---- descriptor tables and task register

    @Operation("sldt")
    public static long sldt(Cpu cpu, int width) { return cpu.ldtr.selector; }

    @Operation("str")
    public static long str(Cpu cpu, int width) { return cpu.tr.selector; }

    @Operation("lldt")
    public static void lldt(Cpu cpu, int width, long selector) { cpu.descriptors.loadLocalTable((int) selector); }

    @Operation("ltr")
    public static void ltr(Cpu cpu, int width, long selector) { cpu.descriptors.loadTask((int) selector); }

    @Operation(value = "sgdt", shape = Shape.WHOLE)
    public static void sgdt(Cpu cpu, Insn i) { storeTable(cpu, i, cpu.gdtLimit, cpu.gdtBase); }

    @Operation(value = "sidt", shape = Shape.WHOLE)
    public static void sidt(Cpu cpu, Insn i) { storeTable(cpu, i, cpu.idtLimit, cpu.idtBase); }

    private static void storeTable(Cpu cpu, Insn i, int limit, long base) {
        cpu.probeWrite(i, 6);
        cpu.write(i, 0, 2, limit);
        cpu.write(i, 2, 4, base); // all 32 bits with either operand size, as CPUs since the 386 do
    }

    @Operation(value = "lgdt", shape = Shape.WHOLE)
    public static void lgdt(Cpu cpu, Insn i) {
        int limit = (int) cpu.read(i, 0, 2);
        cpu.gdtBase = tableBase(cpu, i);
        cpu.gdtLimit = limit;
    }

    @Operation(value = "lidt", shape = Shape.WHOLE)
    public static void lidt(Cpu cpu, Insn i) {
        int limit = (int) cpu.read(i, 0, 2);
        cpu.idtBase = tableBase(cpu, i);
        cpu.idtLimit = limit;
    }

    private static long tableBase(Cpu cpu, Insn i) { return cpu.read(i, 2, 4) & (i.operandSize == 16 ? 0xFF_FFFFL : MASK32); }

    // ---- control and debug registers

    @Operation("smsw")
    public static long smsw(Cpu cpu, int width) { return cpu.cr0; }

    @Operation("lmsw")
    public static void lmsw(Cpu cpu, int width, long value) { cpu.cr0(cpu.cr0 & ~0xEL | value & 0xF); }

    @Operation("clts")
    public static void clts(Cpu cpu, int width) { cpu.cr0(cpu.cr0 & ~Cpu.CR0_TS); }

    @Operation(value = "mov_from_cr", shape = Shape.WHOLE)
    public static void movFromCr(Cpu cpu, Insn i) {
        cpu.operand(i, 0, switch (i.operands[1].number()) {
            case 0 -> cpu.cr0;
            case 2 -> cpu.mmu.cr2;
            case 3 -> cpu.cr3;
            case 4 -> cpu.cr4;
            default -> throw cpu.ud();
        });
    }

    @Operation(value = "mov_to_cr", shape = Shape.WHOLE)
    public static void movToCr(Cpu cpu, Insn i) {
        long value = cpu.operand(i, 1);
        switch (i.operands[0].number()) {
            case 0 -> cpu.cr0(value);
            case 2 -> cpu.mmu.cr2 = value;
            case 3 -> cpu.cr3(value);
            case 4 -> cpu.cr4(value);
            default -> throw cpu.ud();
        }
    }

    @Operation(value = "mov_from_dr", shape = Shape.WHOLE)
    public static void movFromDr(Cpu cpu, Insn i) {
        Operand debug = i.operands[1];
        if (debug.number() > 7) throw cpu.ud();
        cpu.operand(i, 0, Debug.read(cpu, debug.number()));
    }

    @Operation(value = "mov_to_dr", shape = Shape.WHOLE)
    public static void movToDr(Cpu cpu, Insn i) {
        Operand debug = i.operands[0];
        if (debug.number() > 7) throw cpu.ud();
        Debug.write(cpu, debug.number(), cpu.operand(i, 1));
    }

    @Operation(value = "invlpg", shape = Shape.WHOLE)
    public static void invlpg(Cpu cpu, Insn i) { cpu.mmu.flush(cpu.segments[i.segment].base + cpu.offset(i) & MASK32); }

    @Operation("invd")
    public static void invd(Cpu cpu, int width) {
        // caches are not modelled: memory is always coherent
    }

    @Operation("wbinvd")
    public static void wbinvd(Cpu cpu, int width) {
        // caches are not modelled
    }

    @Operation(value = "clflush", shape = Shape.WHOLE)
    public static void clflush(Cpu cpu, Insn i) { cpu.read(i, 0, 1); }

    @Operation("fence")
    public static void fence(Cpu cpu, int width) {
        // memory is accessed in order
    }

    // ---- identification, time, MSRs

    @Operation("cpuid")
    public static void cpuid(Cpu cpu, int width) {
        int[] leaf = Features.leaf(cpu, (int) cpu.r[RAX], (int) cpu.r[RCX]);
        cpu.set(32, RAX, leaf[0]);
        cpu.set(32, RBX, leaf[1]);
        cpu.set(32, RCX, leaf[2]);
        cpu.set(32, RDX, leaf[3]);
    }

    @Operation("rdtsc")
    public static void rdtsc(Cpu cpu, int width) {
        if ((cpu.cr4 & Cpu.CR4_TSD) != 0 && cpu.cpl != 0) throw cpu.gp();
        long tsc = cpu.tsc();
        cpu.set(32, RAX, tsc);
        cpu.set(32, RDX, tsc >>> 32);
    }

    @Operation("rdpmc")
    public static void rdpmc(Cpu cpu, int width) { throw cpu.gp(); } // no performance counters

    @Operation("rdmsr")
    public static void rdmsr(Cpu cpu, int width) {
        long value = Features.readMsr(cpu, (int) cpu.r[RCX]);
        cpu.set(32, RAX, value);
        cpu.set(32, RDX, value >>> 32);
    }

    @Operation("wrmsr")
    public static void wrmsr(Cpu cpu, int width) {
        Features.writeMsr(cpu, (int) cpu.r[RCX], cpu.get(32, RAX) | cpu.get(32, RDX) << 32);
    }

    // ---- interrupts and ports

    @Operation("cli")
    public static void cli(Cpu cpu, int width) {
        if (cpu.cpl > cpu.iopl()) throw cpu.gp();
        cpu.control &= ~Flags.IF;
    }

    @Operation("sti")
    public static void sti(Cpu cpu, int width) {
        if (cpu.cpl > cpu.iopl()) throw cpu.gp();
        if ((cpu.control & Flags.IF) != 0) return;
        cpu.control |= Flags.IF;
        cpu.stiShadow = true;
        cpu.attend();
    }

    @Operation("hlt")
    public static void hlt(Cpu cpu, int width) {
        cpu.halted = true;
        cpu.attend();
    }

    @Operation("in")
    public static long in(Cpu cpu, int width, long port) {
        int number = (int) port & 0xFFFF;
        if (number == 0x5658 || number == 0x5659) return backdoor(cpu, width, number);
        return cpu.in(number, width >> 3);
    }

    /** VMware's backdoor: the port reads and writes general registers; privileges do not matter. */
    private static long backdoor(Cpu cpu, int width, int port) {
        int[] order = {RAX, RBX, RCX, RDX, Cpu.RSI, Cpu.RDI, Cpu.RBP};
        int[] values = new int[7];
        for (int n = 0; n < 7; n++) values[n] = (int) cpu.r[order[n]];
        if (width != 32 || !cpu.context.backdoor(port, values)) return cpu.in(port, width >> 3);
        for (int n = 1; n < 7; n++) cpu.set(32, order[n], values[n]);
        return values[0];
    }

    @Operation(value = "out", shape = Shape.WHOLE)
    public static void out(Cpu cpu, Insn i) {
        cpu.out((int) cpu.operand(i, 0) & 0xFFFF, i.operands[1].width() >> 3, cpu.operand(i, 1));
    }

    // ---- SYSCALL and its kind: 64-bit mode only, which this CPU does not have

    @Operation(value = "syscall", shape = Shape.WHOLE)
    public static void syscall(Cpu cpu, Insn i) { throw cpu.ud(); }

    @Operation(value = "sysret", shape = Shape.WHOLE)
    public static void sysret(Cpu cpu, Insn i) { throw cpu.ud(); }

    @Operation(value = "swapgs", shape = Shape.WHOLE)
    public static void swapgs(Cpu cpu, Insn i) { throw cpu.ud(); }
}
