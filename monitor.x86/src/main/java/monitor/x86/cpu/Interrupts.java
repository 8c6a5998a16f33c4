package monitor.x86.cpu;

import static monitor.x86.cpu.Cpu.MASK32;

import monitor.x86.cpu.Segments.Descriptor;
import monitor.x86.mmu.GuestFault;

/**
 * Delivery of interrupts and exceptions. Sources: [SDM] 3A 6 Interrupt and Exception Handling, 20.1.4 Interrupt and Exception
 * Handling in Real Mode, 20.3 in Virtual-8086 Mode; [SDM] 2A INT n.
 */
public final class Interrupts {
    /** The CPU has shut down after a triple fault. */
    public static final class Shutdown extends RuntimeException {
        private static final long serialVersionUID = 1;

        Shutdown() { super("triple fault", null, false, false); }
    }

    /** Where an event comes from, and with it which checks apply and what is pushed. */
    private enum Source {
        /** INT n: privilege checks, IOPL in virtual-8086 mode. */
        INT_N,
        /** INT3 and INTO: privilege checks. */
        INT_3,
        /** INT1, and interrupts from outside. */
        EXTERNAL,
        /** Exceptions: some push an error code. */
        EXCEPTION;

        /** EXT of error codes that the delivery causes. */
        int ext() { return this == EXTERNAL || this == EXCEPTION ? 1 : 0; }
    }

    private final Cpu cpu;

    /** How many interrupts and exceptions have been delivered. */
    public long delivered;

    Interrupts(Cpu cpu) { this.cpu = cpu; }

    /**
     * Delivers an exception at {@code cpu.rip}, with what comes of faults on the way: a double fault, or {@link Shutdown}.
     * The address of a page fault is in {@code mmu.cr2} already.
     */
    public void exception(int vector, int errorCode) {
        while (true) {
            try {
                deliver(vector, errorCode, cpu.rip, Source.EXCEPTION);
                return;
            } catch (GuestFault second) {
                cpu.rollback();
                if (vector == GuestFault.DF) throw new Shutdown();
                int next = second.vector();
                boolean doubled = GuestFault.contributory(vector) && GuestFault.contributory(next)
                    || vector == GuestFault.PF && (GuestFault.contributory(next) || next == GuestFault.PF);
                errorCode = doubled ? 0 : second.errorCode();
                vector = doubled ? GuestFault.DF : next;
            }
        }
    }

    /** Delivers an external interrupt or NMI before the instruction at {@code cpu.rip}. Faults on the way are delivered instead. */
    public void external(int vector) {
        cpu.halted = false;
        try {
            deliver(vector, 0, cpu.rip, Source.EXTERNAL);
        } catch (GuestFault fault) {
            cpu.rollback();
            exception(fault.vector(), fault.errorCode());
        }
    }

    /** INT n: {@code next} is saved. Faults leave the instruction restartable. */
    public void software(int vector, long next) { deliver(vector, 0, next, Source.INT_N); }

    /** INT3 and INTO. */
    public void breakpoint(int vector, long next) { deliver(vector, 0, next, Source.INT_3); }

    /** INT1: #DB without checks of the gate's privilege. */
    public void debugTrap(long next) { deliver(GuestFault.DB, 0, next, Source.EXTERNAL); }

    private void deliver(int vector, int errorCode, long returnTo, Source source) {
        delivered++;
        cpu.begin();
        if (cpu.protectedMode()) protectedMode(vector, errorCode, returnTo, source);
        else real(vector, returnTo);
        cpu.commit();
    }

    private void real(int vector, long returnTo) {
        if (4 * vector + 3 > cpu.idtLimit) throw cpu.fault(GuestFault.GP, 0);
        long entry = cpu.mmu.readSystem(cpu.idtBase + 4 * vector & MASK32, 4);
        cpu.push(2, cpu.flags());
        cpu.push(2, cpu.cs.selector);
        cpu.push(2, returnTo);
        cpu.flags(0, Flags.IF | Flags.TF | Flags.AC | Flags.RF);
        cpu.descriptors.paragraphCode((int) (entry >>> 16));
        cpu.rip = entry & 0xFFFF;
    }

    private void protectedMode(int vector, int errorCode, long returnTo, Source source) {
        if (source == Source.INT_N && cpu.virtual8086() && cpu.iopl() < 3) throw cpu.gp();
        int code = vector * 8 + 2 | source.ext();
        if (8 * vector + 7 > cpu.idtLimit) throw cpu.fault(GuestFault.GP, code);
        Descriptor gate = gate(vector);
        boolean known = switch (gate.type()) {
            case 5, 6, 7, 14, 15 -> gate.system();
            default -> false;
        };
        if (!known || source.ext() == 0 && gate.dpl() < cpu.cpl) throw cpu.fault(GuestFault.GP, code);
        if (!gate.present()) throw cpu.fault(GuestFault.NP, code);
        boolean withCode = source == Source.EXCEPTION && GuestFault.hasErrorCode(vector);
        if (gate.type() == 5) {
            Descriptor tss = cpu.tasks.target(gate.gateSelector(), GuestFault.GP, source.ext());
            cpu.tasks.switchTo(tss, Tasks.Cause.INTERRUPT, returnTo, withCode ? errorCode : -1, source.ext());
        } else {
            throughGate(gate, withCode, errorCode, returnTo, source.ext());
        }
    }

    private Descriptor gate(int vector) {
        Descriptor d = new Descriptor();
        d.address = cpu.idtBase + 8 * vector & MASK32;
        d.low = (int) cpu.mmu.readSystem(d.address, 4);
        d.high = (int) cpu.mmu.readSystem(d.address + 4 & MASK32, 4);
        return d;
    }

    private void throughGate(Descriptor gate, boolean withCode, int errorCode, long returnTo, int external) {
        int selector = gate.gateSelector();
        if (Segments.nullSelector(selector)) throw cpu.fault(GuestFault.GP, external);
        Descriptor code = cpu.descriptors.descriptor(selector, GuestFault.GP, external);
        if (!code.code() || code.dpl() > cpu.cpl) throw cpu.fault(GuestFault.GP, selector & 0xFFFC | external);
        if (!code.present()) throw cpu.fault(GuestFault.NP, selector & 0xFFFC | external);
        boolean virtual = cpu.virtual8086();
        boolean inner = !code.conforming() && code.dpl() < cpu.cpl;
        if (virtual && (!inner || code.dpl() != 0)) throw cpu.fault(GuestFault.GP, selector & 0xFFFC | external);
        int bytes = gate.gate32() ? 4 : 2;
        int flags = cpu.flags();
        int oldCode = cpu.cs.selector;
        if (inner) {
            int oldStack = cpu.ss.selector;
            long oldPointer = cpu.r[Cpu.RSP];
            if (virtual) cpu.control &= ~Flags.VM;
            cpu.transfers.innerStack(code.dpl(), bytes * ((virtual ? 9 : 5) + (withCode ? 1 : 0)), external);
            if (virtual) {
                for (int n : new int[] {Cpu.GS, Cpu.FS, Cpu.DS, Cpu.ES}) {
                    cpu.push(bytes, cpu.segments[n].selector);
                    cpu.descriptors.putNull(cpu.segments[n], 0);
                }
            }
            cpu.push(bytes, oldStack);
            cpu.push(bytes, oldPointer);
        }
        cpu.push(bytes, flags);
        cpu.push(bytes, oldCode);
        cpu.push(bytes, returnTo);
        if (withCode) cpu.push(bytes, errorCode);
        if (gate.gateOffset() > code.limit()) throw cpu.fault(GuestFault.GP, external);
        cpu.descriptors.loadCode(selector, code, inner ? code.dpl() : cpu.cpl);
        boolean trap = (gate.type() & 1) != 0;
        cpu.flags(0, Flags.TF | Flags.NT | Flags.RF | Flags.VM | (trap ? 0 : Flags.IF));
        cpu.rip = gate.gateOffset();
    }
}
