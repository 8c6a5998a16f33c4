package monitor.x86.ops;

import static monitor.x86.cpu.Cpu.RAX;
import static monitor.x86.cpu.Cpu.RBP;
import static monitor.x86.cpu.Cpu.RBX;
import static monitor.x86.cpu.Cpu.RCX;
import static monitor.x86.cpu.Cpu.RDX;
import static monitor.x86.cpu.Cpu.RSP;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;
import monitor.x86.isa.Insn;
import monitor.x86.mmu.GuestFault;
import monitor.x86.ops.Operation.Shape;

/** Jumps, calls, returns, interrupts, the stack, and exchanges of registers with memory. Source: [SDM] 2, by mnemonic. */
public final class Control {
    private Control() {}

    /** Offset of the following instruction. */
    static long next(Cpu cpu, Insn i) { return i.codeBits == 64 ? i.ip + i.length : i.ip + i.length & Cpu.MASK32; }

    private static int operandBytes(Insn i) { return i.operandSize >> 3; }

    // ---- near transfers

    @Operation(value = "jmp_rel", shape = Shape.WHOLE)
    public static void jmpRel(Cpu cpu, Insn i) { cpu.jump(i.target()); }

    @Operation(value = "jmp_ind", shape = Shape.WHOLE)
    public static void jmpInd(Cpu cpu, Insn i) { cpu.jump(cpu.operand(i, 0)); }

    @Operation(value = "jcc", shape = Shape.WHOLE)
    public static void jcc(Cpu cpu, Insn i) { branch(cpu, i, cpu.condition(i.condition())); }

    private static void branch(Cpu cpu, Insn i, boolean taken) {
        if (taken) cpu.jump(i.target());
        else cpu.rip = next(cpu, i);
    }

    @Operation(value = "loop", shape = Shape.WHOLE)
    public static void loop(Cpu cpu, Insn i) { loop(cpu, i, true); }

    @Operation(value = "loope", shape = Shape.WHOLE)
    public static void loope(Cpu cpu, Insn i) { loop(cpu, i, cpu.zf()); }

    @Operation(value = "loopne", shape = Shape.WHOLE)
    public static void loopne(Cpu cpu, Insn i) { loop(cpu, i, !cpu.zf()); }

    private static void loop(Cpu cpu, Insn i, boolean condition) {
        long count = Flags.zeroExtend(i.addressSize, cpu.r[RCX] - 1);
        branch(cpu, i, count != 0 && condition);
        cpu.set(i.addressSize, RCX, count);
    }

    @Operation(value = "jcxz", shape = Shape.WHOLE)
    public static void jcxz(Cpu cpu, Insn i) { branch(cpu, i, cpu.get(i.addressSize, RCX) == 0); }

    @Operation(value = "call_rel", shape = Shape.WHOLE)
    public static void callRel(Cpu cpu, Insn i) { call(cpu, i, i.target()); }

    @Operation(value = "call_ind", shape = Shape.WHOLE)
    public static void callInd(Cpu cpu, Insn i) { call(cpu, i, cpu.operand(i, 0)); }

    private static void call(Cpu cpu, Insn i, long target) {
        if (target > cpu.cs.limit) throw cpu.gp();
        cpu.push(operandBytes(i), next(cpu, i));
        cpu.rip = target;
    }

    @Operation(value = "ret", shape = Shape.WHOLE)
    public static void ret(Cpu cpu, Insn i) { ret(cpu, i, 0); }

    @Operation(value = "ret_imm", shape = Shape.WHOLE)
    public static void retImm(Cpu cpu, Insn i) { ret(cpu, i, (int) i.imm); }

    private static void ret(Cpu cpu, Insn i, int extra) {
        cpu.jump(cpu.top(0, operandBytes(i)));
        cpu.release(operandBytes(i) + extra);
    }

    // ---- far transfers

    @Operation(value = "jmp_far", shape = Shape.WHOLE)
    public static void jmpFar(Cpu cpu, Insn i) { cpu.transfers.jump((int) i.imm2, i.imm, next(cpu, i)); }

    @Operation(value = "jmp_far_ind", shape = Shape.WHOLE)
    public static void jmpFarInd(Cpu cpu, Insn i) { cpu.transfers.jump(farSelector(cpu, i), cpu.read(i, 0, operandBytes(i)), next(cpu, i)); }

    @Operation(value = "call_far", shape = Shape.WHOLE)
    public static void callFar(Cpu cpu, Insn i) { cpu.transfers.call((int) i.imm2, i.imm, operandBytes(i), next(cpu, i)); }

    @Operation(value = "call_far_ind", shape = Shape.WHOLE)
    public static void callFarInd(Cpu cpu, Insn i) {
        cpu.transfers.call(farSelector(cpu, i), cpu.read(i, 0, operandBytes(i)), operandBytes(i), next(cpu, i));
    }

    private static int farSelector(Cpu cpu, Insn i) { return (int) cpu.read(i, operandBytes(i), 2); }

    @Operation(value = "retf", shape = Shape.WHOLE)
    public static void retf(Cpu cpu, Insn i) { cpu.transfers.farReturn(operandBytes(i), 0); }

    @Operation(value = "retf_imm", shape = Shape.WHOLE)
    public static void retfImm(Cpu cpu, Insn i) { cpu.transfers.farReturn(operandBytes(i), (int) i.imm); }

    @Operation(value = "iret", shape = Shape.WHOLE)
    public static void iret(Cpu cpu, Insn i) { cpu.transfers.interruptReturn(operandBytes(i), next(cpu, i)); }

    @Operation(value = "sysenter", shape = Shape.WHOLE)
    public static void sysenter(Cpu cpu, Insn i) { cpu.transfers.systemEnter(); }

    @Operation(value = "sysexit", shape = Shape.WHOLE)
    public static void sysexit(Cpu cpu, Insn i) { cpu.transfers.systemExit(); }

    @Operation(value = "int3", shape = Shape.WHOLE)
    public static void int3(Cpu cpu, Insn i) { cpu.interrupts.breakpoint(GuestFault.BP, next(cpu, i)); }

    @Operation(value = "int1", shape = Shape.WHOLE)
    public static void int1(Cpu cpu, Insn i) { cpu.interrupts.debugTrap(next(cpu, i)); }

    @Operation(value = "int_imm", shape = Shape.WHOLE)
    public static void intImm(Cpu cpu, Insn i) { cpu.interrupts.software((int) i.imm, next(cpu, i)); }

    @Operation(value = "into", shape = Shape.WHOLE)
    public static void into(Cpu cpu, Insn i) {
        if (cpu.of()) cpu.interrupts.breakpoint(GuestFault.OF, next(cpu, i));
        else cpu.rip = next(cpu, i);
    }

    @Operation(value = "ud", shape = Shape.WHOLE)
    public static void ud(Cpu cpu, Insn i) { throw cpu.ud(); }

    @Operation(value = "too_long", shape = Shape.WHOLE)
    public static void tooLong(Cpu cpu, Insn i) { throw cpu.gp(); }

    @Operation(value = "rsm", shape = Shape.WHOLE)
    public static void rsm(Cpu cpu, Insn i) { throw cpu.ud(); } // there is no system management mode to return from

    @Operation(value = "bound", shape = Shape.WHOLE)
    public static void bound(Cpu cpu, Insn i) {
        int bytes = operandBytes(i);
        long index = Flags.signExtend(i.operandSize, cpu.operand(i, 0));
        long lower = Flags.signExtend(i.operandSize, cpu.read(i, 0, bytes));
        if (index < lower) throw cpu.fault(GuestFault.BR);
        long upper = Flags.signExtend(i.operandSize, cpu.read(i, bytes, bytes));
        if (index > upper) throw cpu.fault(GuestFault.BR);
    }

    // ---- stack

    @Operation("push")
    public static void push(Cpu cpu, int width, long value) { cpu.push(width >> 3, value); }

    @Operation(value = "pop", shape = Shape.WHOLE)
    public static void pop(Cpu cpu, Insn i) {
        long before = cpu.r[RSP];
        long value = cpu.pop(operandBytes(i));
        try {
            cpu.operand(i, 0, value); // the address of a memory operand is computed with the new stack pointer
        } catch (GuestFault fault) {
            cpu.r[RSP] = before;
            throw fault;
        }
    }

    @Operation(value = "pusha", shape = Shape.WHOLE)
    public static void pusha(Cpu cpu, Insn i) {
        int bytes = operandBytes(i);
        long sp = cpu.r[RSP];
        // the lowest first: if that can be written, or faults, nothing has changed
        cpu.begin();
        for (int n = 0; n < 8; n++) cpu.push(bytes, n == RSP ? sp : cpu.r[n]);
        cpu.commit();
    }

    @Operation(value = "popa", shape = Shape.WHOLE)
    public static void popa(Cpu cpu, Insn i) {
        int bytes = operandBytes(i);
        // a fault leaves the registers that were loaded before it, as CPUs do; the stack pointer is changed last
        for (int n = 7; n >= 0; n--) {
            long value = cpu.top((7 - n) * bytes, bytes);
            if (n != RSP) cpu.set(i.operandSize, n, value);
        }
        cpu.release(8 * bytes);
    }

    @Operation(value = "enter", shape = Shape.WHOLE)
    public static void enter(Cpu cpu, Insn i) {
        int bytes = operandBytes(i);
        int level = (int) i.imm2 & 31;
        long base = cpu.r[RBP];
        cpu.begin();
        cpu.push(bytes, base);
        long frame = cpu.r[RSP];
        for (int n = 1; n < level; n++) {
            base = base - bytes & cpu.stackMask;
            cpu.push(bytes, cpu.read(cpu.ss, base, bytes));
        }
        if (level > 0) cpu.push(bytes, frame);
        cpu.stackPointer(cpu.r[RSP] - i.imm);
        // the manual wants the page of the new stack pointer to be writable
        cpu.mmu.probeWrite(cpu.writable(cpu.ss, cpu.r[RSP] & cpu.stackMask, bytes - 1), bytes);
        cpu.commit();
        cpu.set(i.operandSize, RBP, frame);
    }

    @Operation(value = "leave", shape = Shape.WHOLE)
    public static void leave(Cpu cpu, Insn i) {
        int bytes = operandBytes(i);
        long base = cpu.r[RBP] & cpu.stackMask;
        long value = cpu.read(cpu.ss, base, bytes);
        cpu.stackPointer(base + bytes);
        cpu.set(i.operandSize, RBP, value);
    }

    @Operation(value = "pushf", shape = Shape.WHOLE)
    public static void pushf(Cpu cpu, Insn i) {
        if (cpu.virtual8086() && cpu.iopl() < 3) throw cpu.gp();
        cpu.push(operandBytes(i), cpu.flags() & ~(Flags.RF | Flags.VM));
    }

    @Operation(value = "popf", shape = Shape.WHOLE)
    public static void popf(Cpu cpu, Insn i) {
        boolean virtual = cpu.virtual8086();
        if (virtual && cpu.iopl() < 3) throw cpu.gp();
        int mask = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT;
        if (operandBytes(i) != 2) mask |= Flags.AC | Flags.ID;
        if (cpu.cpl <= cpu.iopl() || virtual) mask |= Flags.IF;
        if (cpu.cpl == 0) mask |= Flags.IOPL;
        int flags = (int) cpu.pop(operandBytes(i));
        cpu.flags(flags, mask | (operandBytes(i) != 2 ? Flags.RF : 0) & ~flags); // POPF clears RF
        if (operandBytes(i) != 2) cpu.control &= ~Flags.RF;
    }

    // ---- exchanges

    @Operation(value = "xchg", shape = Shape.WHOLE)
    public static void xchg(Cpu cpu, Insn i) {
        long first = cpu.update(i, 0);
        long second = cpu.operand(i, 1);
        cpu.operand(i, 0, second);
        cpu.operand(i, 1, first);
    }

    @Operation(value = "xadd", shape = Shape.WHOLE)
    public static void xadd(Cpu cpu, Insn i) {
        long first = cpu.update(i, 0);
        long second = cpu.operand(i, 1);
        long sum = Alu.add(cpu, i.operands[0].width(), first, second);
        if (i.operands[0].inMemory()) { // its address may depend on the register
            cpu.operand(i, 0, sum);
            cpu.operand(i, 1, first);
        } else {
            cpu.operand(i, 1, first);
            cpu.operand(i, 0, sum);
        }
    }

    @Operation(value = "cmpxchg", shape = Shape.WHOLE)
    public static void cmpxchg(Cpu cpu, Insn i) {
        int width = i.operands[0].width();
        long current = cpu.update(i, 0);
        long accumulator = cpu.get(width, RAX);
        long replacement = cpu.operand(i, 1);
        // memory is written in any case [SDM] 2A CMPXCHG
        if (current == accumulator) {
            cpu.operand(i, 0, replacement);
        } else {
            cpu.operand(i, 0, current);
            cpu.set(width, RAX, current);
        }
        cpu.subtracted(width, accumulator, current, accumulator - current);
    }

    @Operation(value = "cmpxchg8b", shape = Shape.WHOLE)
    public static void cmpxchg8b(Cpu cpu, Insn i) {
        // LIMIT: CMPXCHG16B comes with long mode
        long current = cpu.update(cpu.segments[i.segment], cpu.offset(i), 8);
        long expected = cpu.r[RDX] << 32 | cpu.get(32, RAX);
        boolean equal = current == expected;
        cpu.write(i, 0, 8, equal ? cpu.r[RCX] << 32 | cpu.get(32, RBX) : current);
        if (!equal) {
            cpu.set(32, RAX, current);
            cpu.set(32, RDX, current >>> 32);
        }
        int flags = cpu.arithmetic() & ~Flags.ZF;
        cpu.arithmetic(equal ? flags | Flags.ZF : flags);
    }

    // ---- addresses and accumulators

    @Operation(value = "lea", shape = Shape.WHOLE)
    public static void lea(Cpu cpu, Insn i) { cpu.operand(i, 0, cpu.offset(i)); }

    @Operation(value = "xlat", shape = Shape.WHOLE)
    public static void xlat(Cpu cpu, Insn i) {
        long offset = Flags.zeroExtend(i.addressSize, cpu.r[RBX] + (cpu.r[RAX] & 0xFF));
        cpu.set(8, RAX, cpu.read(cpu.segments[i.segment], offset, 1));
    }

    @Operation(value = "cbw", shape = Shape.WHOLE)
    public static void cbw(Cpu cpu, Insn i) { cpu.set(i.operandSize, RAX, Flags.signExtend(i.operandSize >> 1, cpu.r[RAX])); }

    @Operation(value = "cwd", shape = Shape.WHOLE)
    public static void cwd(Cpu cpu, Insn i) { cpu.set(i.operandSize, RDX, Flags.signExtend(i.operandSize, cpu.r[RAX]) >> 63); }

    @Operation(value = "nop", shape = Shape.WHOLE)
    public static void nop(Cpu cpu, Insn i) {
        // hints and NOPs do not touch their operand
    }

    @Operation(value = "pause", shape = Shape.WHOLE)
    public static void pause(Cpu cpu, Insn i) { Thread.onSpinWait(); }

    @Operation(value = "prefetch", shape = Shape.WHOLE)
    public static void prefetch(Cpu cpu, Insn i) {
        // a hint: faults are suppressed, caches are not modelled
    }
}
