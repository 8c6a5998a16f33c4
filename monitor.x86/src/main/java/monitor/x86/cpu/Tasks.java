package monitor.x86.cpu;

import static monitor.x86.cpu.Cpu.MASK32;

import monitor.x86.cpu.Segments.Descriptor;
import monitor.x86.mmu.GuestFault;

/** Hardware task switches. Source: [SDM] 3A 7 Task Management, above all 7.3 Task Switching and table 7-1. */
public final class Tasks {
    public enum Cause { JUMP, CALL, INTERRUPT, RETURN }

    /** Offsets in the 32-bit TSS [SDM] 3A figure 7-2, and in the 16-bit one, figure 7-10. */
    private static final int CR3 = 28, EIP = 32, EFLAGS = 36, REGISTERS = 40, SEGMENTS = 72, LDT = 96, TRAP = 100;
    private static final int IP16 = 14, FLAGS16 = 16, REGISTERS16 = 18, SEGMENTS16 = 34, LDT16 = 42;

    private final Cpu cpu;

    Tasks(Cpu cpu) { this.cpu = cpu; }

    /** The TSS that a task gate names. */
    Descriptor target(int selector, int vector, int external) {
        int code = selector & 0xFFFC | external;
        if (Segments.nullSelector(selector) || (selector & 4) != 0) throw cpu.fault(vector, code);
        Descriptor d = cpu.descriptors.descriptor(selector, vector, external);
        if (!d.availableTss()) throw cpu.fault(vector, code);
        if (!d.present()) throw cpu.fault(GuestFault.NP, code);
        return d;
    }

    /** IRET with NT: back to the task that the link of the current TSS names. */
    void returnToPrevious(long next) {
        int selector = (int) cpu.mmu.readSystem(cpu.tr.base, 2);
        int code = selector & 0xFFFC;
        if (Segments.nullSelector(selector) || (selector & 4) != 0) throw cpu.fault(GuestFault.TS, code);
        Descriptor d = cpu.descriptors.descriptor(selector, GuestFault.TS, 0);
        if (!d.system() || d.type() != 3 && d.type() != 11) throw cpu.fault(GuestFault.TS, code);
        if (!d.present()) throw cpu.fault(GuestFault.NP, code);
        switchTo(d, Cause.RETURN, next, -1, 0);
    }

    /**
     * Switches. Faults up to the commit point leave the old task as it was; later ones happen in the new task, whose state is
     * then complete as far as it could be loaded.
     *
     * @param errorCode to push on the new task's stack, or -1
     */
    void switchTo(Descriptor tss, Cause cause, long next, int errorCode, int external) {
        boolean wide = (tss.type() & 8) != 0;
        if (tss.limit() < (wide ? 103 : 43)) throw cpu.fault(GuestFault.TS, tss.selector & 0xFFFC | external);
        long oldBase = cpu.tr.base, newBase = tss.base();
        boolean oldWide = (cpu.tr.access & 8) != 0;
        Image image = new Image(newBase, wide);
        probe(oldBase, oldWide, newBase, cause);

        if (cause == Cause.JUMP || cause == Cause.RETURN) clearBusy();
        int flags = cpu.flags();
        if (cause == Cause.RETURN) flags &= ~Flags.NT;
        save(oldBase, oldWide, next, flags);
        boolean nested = cause == Cause.CALL || cause == Cause.INTERRUPT;
        if (nested) cpu.mmu.writeSystem(newBase, 2, cpu.tr.selector);
        if (cause != Cause.RETURN) cpu.descriptors.markBusy(tss, true);
        tss.high |= 0x200;

        // the commit point: from here on the new task runs
        cpu.commit();
        cpu.descriptors.put(cpu.tr, tss.selector, tss);
        cpu.cr0 |= Cpu.CR0_TS;
        load(image, nested);
        if (errorCode >= 0) cpu.push(wide ? 4 : 2, errorCode);
        if (cpu.rip > cpu.cs.limit) throw cpu.gp();
        if (image.trap) {
            cpu.debugTrap |= Debug.BT;
            cpu.attend();
        }
    }

    /** Both images must be accessible before anything is written. */
    private void probe(long oldBase, boolean oldWide, long newBase, Cause cause) {
        int first = oldWide ? EIP : IP16;
        int last = oldWide ? SEGMENTS + 24 : SEGMENTS16 + 8;
        boolean user = cpu.cpl == 3;
        if (user) cpu.mmu.user(false);
        try {
            cpu.mmu.probeWrite(oldBase + first & MASK32, last - first);
            if (cause == Cause.CALL || cause == Cause.INTERRUPT) cpu.mmu.probeWrite(newBase, 2);
        } finally {
            if (user) cpu.mmu.user(true);
        }
    }

    private void clearBusy() {
        Descriptor old = cpu.descriptors.descriptor(cpu.tr.selector, GuestFault.TS, 0);
        cpu.descriptors.markBusy(old, false);
    }

    private void save(long base, boolean wide, long next, int flags) {
        if (wide) {
            store(base + EIP, 4, next);
            store(base + EFLAGS, 4, flags);
            for (int i = 0; i < 8; i++) store(base + REGISTERS + 4 * i, 4, cpu.r[i]);
            for (int i = 0; i < 6; i++) store(base + SEGMENTS + 4 * i, 2, cpu.segments[i].selector);
        } else {
            store(base + IP16, 2, next);
            store(base + FLAGS16, 2, flags);
            for (int i = 0; i < 8; i++) store(base + REGISTERS16 + 2 * i, 2, cpu.r[i]);
            for (int i = 0; i < 4; i++) store(base + SEGMENTS16 + 2 * i, 2, cpu.segments[i].selector);
        }
    }

    private void store(long address, int bytes, long value) { cpu.mmu.writeSystem(address & MASK32, bytes, value); }

    /** The new task's state, read before anything of the old task changes. */
    private final class Image {
        final boolean wide, trap;
        final long cr3, eip;
        final int flags, ldt;
        final long[] registers = new long[8];
        final int[] selectors = new int[6];

        Image(long base, boolean wide) {
            this.wide = wide;
            cr3 = wide ? fetch(base + CR3, 4) : 0;
            eip = fetch(base + (wide ? EIP : IP16), wide ? 4 : 2);
            flags = (int) fetch(base + (wide ? EFLAGS : FLAGS16), wide ? 4 : 2);
            for (int i = 0; i < 8; i++) {
                registers[i] = wide ? fetch(base + REGISTERS + 4 * i, 4) : fetch(base + REGISTERS16 + 2 * i, 2) | 0xFFFF_0000L;
            }
            int count = wide ? 6 : 4;
            for (int i = 0; i < count; i++) selectors[i] = (int) fetch(base + (wide ? SEGMENTS + 4 * i : SEGMENTS16 + 2 * i), 2);
            ldt = (int) fetch(base + (wide ? LDT : LDT16), 2);
            trap = wide && (fetch(base + TRAP, 2) & 1) != 0;
        }

        private long fetch(long address, int bytes) { return cpu.mmu.readSystem(address & MASK32, bytes); }
    }

    private void load(Image image, boolean nested) {
        if (image.wide && (cpu.cr0 & Cpu.CR0_PG) != 0) cpu.cr3(image.cr3);
        cpu.rip = image.eip;
        int flags = image.flags | (nested ? Flags.NT : 0);
        cpu.flags(image.wide ? flags : flags & 0xFFFF);
        System.arraycopy(image.registers, 0, cpu.r, 0, 8);
        Debug.leaveTask(cpu);

        // selectors first, so that faults while their descriptors are loaded find the new task's
        for (int i = 0; i < 6; i++) cpu.descriptors.putNull(cpu.segments[i], image.selectors[i]);
        cpu.descriptors.putNull(cpu.ldtr, image.ldt);
        loadLocalTable(image.ldt);
        if (cpu.virtual8086()) loadVirtual(image);
        else loadSegments(image);
    }

    private void loadLocalTable(int selector) {
        if (Segments.nullSelector(selector)) return;
        int code = selector & 0xFFFC;
        if ((selector & 4) != 0) throw cpu.fault(GuestFault.TS, code);
        Descriptor d = cpu.descriptors.descriptor(selector, GuestFault.TS, 0);
        if (!d.system() || d.type() != 2 || !d.present()) throw cpu.fault(GuestFault.TS, code);
        cpu.descriptors.put(cpu.ldtr, selector, d);
    }

    private void loadVirtual(Image image) {
        cpu.cpl(3);
        cpu.descriptors.paragraphCode(image.selectors[Cpu.CS]);
        for (int i = 0; i < 6; i++) {
            if (i != Cpu.CS) cpu.descriptors.paragraph(cpu.segments[i], image.selectors[i]);
        }
        cpu.stackChanged();
    }

    private void loadSegments(Image image) {
        int selector = image.selectors[Cpu.CS];
        int code = selector & 0xFFFC;
        int level = selector & 3;
        cpu.cpl(level);
        if (Segments.nullSelector(selector)) throw cpu.fault(GuestFault.TS, code);
        Descriptor d = cpu.descriptors.descriptor(selector, GuestFault.TS, 0);
        if (!d.code() || (d.conforming() ? d.dpl() > level : d.dpl() != level)) throw cpu.fault(GuestFault.TS, code);
        if (!d.present()) throw cpu.fault(GuestFault.NP, code);
        cpu.descriptors.loadStack(image.selectors[Cpu.SS], level, GuestFault.TS, 0);
        cpu.descriptors.loadCode(selector, d, level);
        for (int n : new int[] {Cpu.DS, Cpu.ES, Cpu.FS, Cpu.GS}) {
            cpu.descriptors.loadData(cpu.segments[n], image.selectors[n], GuestFault.TS, 0);
        }
    }
}
