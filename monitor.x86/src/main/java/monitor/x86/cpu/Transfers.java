package monitor.x86.cpu;

import static monitor.x86.cpu.Cpu.MASK32;

import monitor.x86.cpu.Segments.Descriptor;
import monitor.x86.mmu.GuestFault;

/**
 * Control transfers to other segments: far jumps, calls and returns, IRET, SYSENTER and SYSEXIT. Sources: [SDM] 2A CALL, JMP,
 * RET, IRET, SYSENTER, SYSEXIT; [SDM] 3A 5.8 Privilege Level Checking when Transferring Program Control.
 *
 * <p>Each either completes or leaves everything as it was (see {@link Cpu#begin}). {@code cpu.rip} is the offset of the
 * instruction on entry and the target on return; {@code next} is the offset of the following instruction.
 */
public final class Transfers {
    private final Cpu cpu;

    Transfers(Cpu cpu) { this.cpu = cpu; }

    private GuestFault fault(int vector, int selector) { return cpu.fault(vector, selector & 0xFFFC); }

    // ---- JMP

    public void jump(int selector, long offset, long next) {
        cpu.begin();
        if (cpu.paragraphs()) {
            if (offset > cpu.cs.limit) throw cpu.gp();
            cpu.descriptors.paragraphCode(selector);
            cpu.rip = offset;
        } else {
            jumpProtected(selector, offset, next);
        }
        cpu.commit();
    }

    private void jumpProtected(int selector, long offset, long next) {
        if (Segments.nullSelector(selector)) throw cpu.gp();
        Descriptor d = cpu.descriptors.descriptor(selector, GuestFault.GP, 0);
        if (!d.system()) {
            jumpCode(selector, d, offset);
            return;
        }
        switch (d.type()) {
            case 1, 9 -> {
                checkGate(d, selector);
                if (!d.present()) throw fault(GuestFault.NP, selector);
                cpu.tasks.switchTo(d, Tasks.Cause.JUMP, next, -1, 0);
            }
            case 5 -> cpu.tasks.switchTo(taskGate(d, selector), Tasks.Cause.JUMP, next, -1, 0);
            case 4, 12 -> {
                checkGate(d, selector);
                if (!d.present()) throw fault(GuestFault.NP, selector);
                if (Segments.nullSelector(d.gateSelector())) throw cpu.gp();
                Descriptor code = cpu.descriptors.descriptor(d.gateSelector(), GuestFault.GP, 0);
                if (!code.code() || code.conforming() && code.dpl() > cpu.cpl || !code.conforming() && code.dpl() != cpu.cpl) {
                    throw fault(GuestFault.GP, d.gateSelector());
                }
                enter(d.gateSelector(), code, d.gateOffset(), cpu.cpl);
            }
            default -> throw fault(GuestFault.GP, selector);
        }
    }

    private void jumpCode(int selector, Descriptor d, long offset) {
        checkCode(d, selector);
        enter(selector, d, offset, cpu.cpl);
    }

    /** A code segment as the direct target of a jump or call. */
    private void checkCode(Descriptor d, int selector) {
        boolean allowed = d.code() && (d.conforming() ? d.dpl() <= cpu.cpl : (selector & 3) <= cpu.cpl && d.dpl() == cpu.cpl);
        if (!allowed) throw fault(GuestFault.GP, selector);
    }

    private void checkGate(Descriptor d, int selector) {
        if (d.dpl() < Math.max(cpu.cpl, selector & 3)) throw fault(GuestFault.GP, selector);
    }

    private Descriptor taskGate(Descriptor d, int selector) {
        checkGate(d, selector);
        if (!d.present()) throw fault(GuestFault.NP, selector);
        return cpu.tasks.target(d.gateSelector(), GuestFault.GP, 0);
    }

    /** Enters a code segment whose privileges are right: presence and limit. */
    private void enter(int selector, Descriptor d, long offset, int cpl) {
        if (!d.present()) throw fault(GuestFault.NP, selector);
        if (offset > d.limit()) throw cpu.gp();
        cpu.descriptors.loadCode(selector, d, cpl);
        cpu.rip = offset;
    }

    // ---- CALL

    /** @param bytes operand size: 2 or 4 */
    public void call(int selector, long offset, int bytes, long next) {
        cpu.begin();
        if (cpu.paragraphs()) {
            if (offset > cpu.cs.limit) throw cpu.gp();
            cpu.push(bytes, cpu.cs.selector);
            cpu.push(bytes, next);
            cpu.descriptors.paragraphCode(selector);
            cpu.rip = offset;
        } else {
            callProtected(selector, offset, bytes, next);
        }
        cpu.commit();
    }

    private void callProtected(int selector, long offset, int bytes, long next) {
        if (Segments.nullSelector(selector)) throw cpu.gp();
        Descriptor d = cpu.descriptors.descriptor(selector, GuestFault.GP, 0);
        if (!d.system()) {
            checkCode(d, selector);
            if (!d.present()) throw fault(GuestFault.NP, selector);
            cpu.push(bytes, cpu.cs.selector);
            cpu.push(bytes, next);
            enter(selector, d, offset, cpu.cpl);
            return;
        }
        switch (d.type()) {
            case 1, 9 -> {
                checkGate(d, selector);
                if (!d.present()) throw fault(GuestFault.NP, selector);
                cpu.tasks.switchTo(d, Tasks.Cause.CALL, next, -1, 0);
            }
            case 5 -> cpu.tasks.switchTo(taskGate(d, selector), Tasks.Cause.CALL, next, -1, 0);
            case 4, 12 -> callGate(d, selector, next);
            default -> throw fault(GuestFault.GP, selector);
        }
    }

    private void callGate(Descriptor gate, int selector, long next) {
        checkGate(gate, selector);
        if (!gate.present()) throw fault(GuestFault.NP, selector);
        int target = gate.gateSelector();
        if (Segments.nullSelector(target)) throw cpu.gp();
        Descriptor code = cpu.descriptors.descriptor(target, GuestFault.GP, 0);
        if (!code.code() || code.dpl() > cpu.cpl) throw fault(GuestFault.GP, target);
        if (!code.present()) throw fault(GuestFault.NP, target);
        int bytes = gate.gate32() ? 4 : 2;
        if (code.conforming() || code.dpl() == cpu.cpl) {
            cpu.push(bytes, cpu.cs.selector);
            cpu.push(bytes, next);
            enter(target, code, gate.gateOffset(), cpu.cpl);
            return;
        }
        int count = gate.gateCount();
        long[] parameters = new long[count];
        for (int i = 0; i < count; i++) parameters[i] = cpu.top(i * bytes, bytes);
        int oldStack = cpu.ss.selector;
        long oldPointer = cpu.r[Cpu.RSP];
        int oldCode = cpu.cs.selector;
        innerStack(code.dpl(), (4 + count) * bytes, 0);
        cpu.push(bytes, oldStack);
        cpu.push(bytes, oldPointer);
        for (int i = count - 1; i >= 0; i--) cpu.push(bytes, parameters[i]);
        cpu.push(bytes, oldCode);
        cpu.push(bytes, next);
        enter(target, code, gate.gateOffset(), code.dpl());
    }

    /**
     * Switches to the stack that the TSS has for an inner level; CPL becomes that level.
     *
     * @param room bytes that are going to be pushed; #SS(selector) if they lie outside the segment
     */
    void innerStack(int level, int room, int external) {
        boolean wide = (cpu.tr.access & 8) != 0;
        int at = wide ? 4 + 8 * level : 2 + 4 * level;
        if (at + (wide ? 5 : 3) > cpu.tr.limit) throw cpu.fault(GuestFault.TS, cpu.tr.selector & 0xFFFC | external);
        long pointer = cpu.mmu.readSystem(cpu.tr.base + at & MASK32, wide ? 4 : 2);
        int selector = (int) cpu.mmu.readSystem(cpu.tr.base + at + (wide ? 4 : 2) & MASK32, 2);
        if (Segments.nullSelector(selector)) throw cpu.fault(GuestFault.TS, selector & 0xFFFC | external);
        cpu.descriptors.loadStack(selector, level, GuestFault.TS, external);
        cpu.cpl(level);
        cpu.r[Cpu.RSP] = wide ? pointer : cpu.r[Cpu.RSP] & ~0xFFFFL | pointer;
        if (!wide && cpu.stackMask == MASK32) cpu.r[Cpu.RSP] = pointer;
        long lowest = cpu.r[Cpu.RSP] - room & cpu.stackMask;
        if (lowest < cpu.ss.writeLow || lowest + room - 1 > cpu.ss.writeHigh) throw cpu.fault(GuestFault.SS, selector & 0xFFFC | external);
    }

    // ---- RET

    /** @param extra bytes to release from the stack besides the address */
    public void farReturn(int bytes, int extra) {
        cpu.begin();
        long offset = cpu.top(0, bytes);
        int selector = (int) cpu.top(bytes, bytes) & 0xFFFF;
        if (cpu.paragraphs()) {
            if (offset > cpu.cs.limit) throw cpu.gp();
            cpu.release(2 * bytes + extra);
            cpu.descriptors.paragraphCode(selector);
            cpu.rip = offset;
        } else {
            returnProtected(selector, offset, 2 * bytes, extra, bytes);
        }
        cpu.commit();
    }

    /** Common end of RETF and IRET: {@code above} bytes lie below the outer stack pointer. */
    private void returnProtected(int selector, long offset, int above, int extra, int bytes) {
        if (Segments.nullSelector(selector)) throw cpu.gp();
        Descriptor code = cpu.descriptors.descriptor(selector, GuestFault.GP, 0);
        int level = selector & 3;
        boolean allowed = code.code() && level >= cpu.cpl && (code.conforming() ? code.dpl() <= level : code.dpl() == level);
        if (!allowed) throw fault(GuestFault.GP, selector);
        if (!code.present()) throw fault(GuestFault.NP, selector);
        if (level == cpu.cpl) {
            enter(selector, code, offset, level);
            cpu.release(above + extra);
            return;
        }
        long pointer = cpu.top(above + extra, bytes);
        int stack = (int) cpu.top(above + extra + bytes, bytes) & 0xFFFF;
        if (Segments.nullSelector(stack)) throw cpu.gp();
        Descriptor d = cpu.descriptors.descriptor(stack, GuestFault.GP, 0);
        cpu.descriptors.checkStack(d, level, GuestFault.GP, 0);
        enter(selector, code, offset, level);
        cpu.descriptors.markAccessed(d);
        cpu.descriptors.put(cpu.ss, stack, d);
        cpu.stackChanged();
        if (cpu.stackMask == MASK32) cpu.r[Cpu.RSP] = pointer + extra & MASK32;
        else cpu.stackPointer(pointer + extra);
        cpu.descriptors.dropPrivileged();
    }

    // ---- IRET

    public void interruptReturn(int bytes, long next) {
        cpu.begin();
        if (!cpu.protectedMode()) returnReal(bytes);
        else if (cpu.virtual8086()) returnFromVirtual(bytes);
        else if ((cpu.control & Flags.NT) != 0) cpu.tasks.returnToPrevious(next);
        else returnProtected(bytes);
        cpu.nmiBlocked = false;
        cpu.commit();
        cpu.attend();
    }

    private void returnReal(int bytes) {
        long offset = cpu.top(0, bytes);
        int selector = (int) cpu.top(bytes, bytes) & 0xFFFF;
        int flags = (int) cpu.top(2 * bytes, bytes);
        if (offset > cpu.cs.limit) throw cpu.gp();
        cpu.release(3 * bytes);
        cpu.descriptors.paragraphCode(selector);
        cpu.rip = offset;
        cpu.flags(flags, bytes == 2 ? 0xFFFF : 0x25_7FD5);
    }

    private void returnFromVirtual(int bytes) {
        if (cpu.iopl() < 3) throw cpu.gp();
        long offset = cpu.top(0, bytes);
        int selector = (int) cpu.top(bytes, bytes) & 0xFFFF;
        int flags = (int) cpu.top(2 * bytes, bytes);
        if (offset > cpu.cs.limit) throw cpu.gp();
        cpu.release(3 * bytes);
        cpu.descriptors.paragraphCode(selector);
        cpu.rip = offset;
        cpu.flags(flags, (bytes == 2 ? 0xFFFF : 0x25_7FD5) & ~Flags.IOPL);
    }

    private void returnProtected(int bytes) {
        long offset = cpu.top(0, bytes);
        int selector = (int) cpu.top(bytes, bytes) & 0xFFFF;
        int flags = (int) cpu.top(2 * bytes, bytes);
        if (bytes == 4 && (flags & Flags.VM) != 0 && cpu.cpl == 0) {
            returnToVirtual(offset, selector, flags);
            return;
        }
        int mask = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT | (bytes == 4 ? Flags.RF | Flags.AC | Flags.ID : 0);
        if (cpu.cpl <= cpu.iopl()) mask |= Flags.IF;
        if (cpu.cpl == 0) mask |= Flags.IOPL;
        returnProtected(selector, offset, 3 * bytes, 0, bytes);
        cpu.flags(flags, mask);
    }

    private void returnToVirtual(long offset, int selector, int flags) {
        long[] frame = new long[6]; // ESP SS ES DS FS GS
        for (int i = 0; i < 6; i++) frame[i] = cpu.top(12 + 4 * i, 4);
        if ((offset & 0xFFFF_0000L) != 0) throw cpu.gp();
        cpu.flags(flags);
        cpu.cpl(3);
        cpu.descriptors.paragraphCode(selector);
        int[] order = {Cpu.SS, Cpu.ES, Cpu.DS, Cpu.FS, Cpu.GS};
        for (int i = 0; i < 5; i++) cpu.descriptors.paragraph(cpu.segments[order[i]], (int) frame[i + 1]);
        cpu.stackChanged();
        cpu.r[Cpu.RSP] = frame[0];
        cpu.rip = offset;
    }

    // ---- SYSENTER, SYSEXIT

    public static final int SYSENTER_CS = 0x174, SYSENTER_ESP = 0x175, SYSENTER_EIP = 0x176;

    private static final int FLAT = SegmentRegister.PRESENT | SegmentRegister.NOT_SYSTEM | SegmentRegister.BIG | SegmentRegister.GRANULAR | SegmentRegister.ACCESSED;

    private long msr(int number) { return cpu.msrs.getOrDefault(number, 0L); }

    public void systemEnter() {
        int selector = (int) msr(SYSENTER_CS) & 0xFFFC;
        if (!cpu.protectedMode() || selector == 0) throw cpu.gp();
        cpu.flags(0, Flags.VM | Flags.IF | Flags.RF);
        flatCode(selector, 0);
        flatStack(selector + 8, 0);
        cpu.r[Cpu.RSP] = msr(SYSENTER_ESP) & MASK32;
        cpu.rip = msr(SYSENTER_EIP) & MASK32;
    }

    public void systemExit() {
        int selector = (int) msr(SYSENTER_CS) & 0xFFFC;
        if (!cpu.protectedMode() || selector == 0 || cpu.cpl != 0) throw cpu.gp();
        flatCode(selector + 16 | 3, 3);
        flatStack(selector + 24 | 3, 3);
        cpu.r[Cpu.RSP] = cpu.r[Cpu.RCX] & MASK32;
        cpu.rip = cpu.r[Cpu.RDX] & MASK32;
    }

    private void flatCode(int selector, int level) {
        cpu.cs.set(selector, 0, MASK32, FLAT | SegmentRegister.CODE | SegmentRegister.READABLE | level << 5);
        cpu.cpl(level);
        cpu.codeChanged();
    }

    private void flatStack(int selector, int level) {
        cpu.ss.set(selector, 0, MASK32, FLAT | SegmentRegister.WRITABLE | level << 5);
        cpu.stackChanged();
    }
}
