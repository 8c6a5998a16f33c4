package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Note;

/** Checks that come before an instruction: its privilege and mode, and whether the FPU or SIMD registers may be used. */
final class GateNode extends Node {
    private final Node node;
    private final boolean cpl0, protectedMode, x87, mmx, sse, waits, entersMmx, loads, stores;

    private GateNode(Insn i, Node node) {
        super(i);
        this.node = node;
        cpl0 = i.row.has(Note.CPL0);
        protectedMode = i.row.has(Note.PM);
        x87 = i.row.has(Note.X87);
        mmx = i.row.has(Note.MMX);
        sse = i.row.has(Note.SSE) || i.row.has(Note.SSE2);
        waits = x87 && !i.row.has(Note.NOWAIT);
        entersMmx = mmx && !i.row.operation.equals("emms");
        stores = i.memory && i.operands[0].inMemory();
        loads = i.memory && !stores;
    }

    static Node wrap(Insn i, Node node) {
        boolean gated = i.row.has(Note.CPL0) || i.row.has(Note.PM) || i.row.has(Note.X87) || i.row.has(Note.MMX) || i.row.has(Note.SSE) || i.row.has(Note.SSE2);
        return gated ? new GateNode(i, node) : node;
    }

    @Override
    boolean keepsRip() { return node.keepsRip(); }

    @Override
    void exec(Cpu cpu) {
        if (keepsRip()) cpu.rip = ip;
        if (protectedMode && cpu.paragraphs()) throw cpu.ud();
        if (cpl0 && cpu.cpl != 0) throw cpu.gp();
        if (sse) cpu.needSse();
        if (mmx) cpu.needMmx();
        if (x87) cpu.needFpu();
        if (waits && cpu.fpu.pending()) cpu.fpuError();
        if (entersMmx) {
            // A load comes before the change of the x87 state, a store in the middle of it: that is seen when they fault.
            if (stores) cpu.fpu.clearTop();
            else if (!loads) cpu.fpu.enterMmx();
        }
        node.exec(cpu);
        if (x87) cpu.fpuErrorCleared();
        if (entersMmx) cpu.fpu.enterMmx();
    }
}
