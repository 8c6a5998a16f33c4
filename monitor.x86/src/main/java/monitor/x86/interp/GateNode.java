package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Note;

/** A check that comes before an instruction: of privilege and mode, or whether the FPU or SIMD registers may be used. */
abstract class GateNode extends Node {
    final Node node;
    /** Asked once: this is on the path of every floating-point instruction. */
    private final boolean keepsRip;

    private GateNode(Insn i, Node node) {
        super(i);
        this.node = node;
        keepsRip = node.keepsRip();
    }

    /** The node with the gates that its row asks for, the first check outermost. */
    static Node wrap(Insn i, Node node) {
        Node gated = node;
        if (i.row.has(Note.X87)) gated = i.row.has(Note.NOWAIT) ? new X87(i, gated) : new WaitingX87(i, gated);
        if (i.row.has(Note.MMX)) gated = new Mmx(i, gated);
        if (i.row.has(Note.SSE) || i.row.has(Note.SSE2)) gated = new Sse(i, gated);
        if (i.row.has(Note.CPL0)) gated = new Supervisor(i, gated);
        if (i.row.has(Note.PM)) gated = new ProtectedMode(i, gated);
        return gated;
    }

    @Override
    final boolean keepsRip() { return keepsRip; }

    /** For the checks, which may fault. */
    final void enter(Cpu cpu) {
        if (keepsRip) cpu.rip = ip;
    }

    private static final class ProtectedMode extends GateNode {
        ProtectedMode(Insn i, Node node) { super(i, node); }

        @Override
        void exec(Cpu cpu) {
            enter(cpu);
            if (cpu.paragraphs()) throw cpu.ud();
            node.exec(cpu);
        }
    }

    private static final class Supervisor extends GateNode {
        Supervisor(Insn i, Node node) { super(i, node); }

        @Override
        void exec(Cpu cpu) {
            enter(cpu);
            cpu.needSupervisor();
            node.exec(cpu);
        }
    }

    private static final class X87 extends GateNode {
        X87(Insn i, Node node) { super(i, node); }

        @Override
        void exec(Cpu cpu) {
            enter(cpu);
            cpu.needFpu();
            node.exec(cpu);
            cpu.fpuErrorCleared();
        }
    }

    /** An x87 instruction that delivers pending errors first. */
    private static final class WaitingX87 extends GateNode {
        WaitingX87(Insn i, Node node) { super(i, node); }

        @Override
        void exec(Cpu cpu) {
            enter(cpu);
            cpu.needFpu();
            if (cpu.fpu.pending()) cpu.fpuError();
            node.exec(cpu);
            cpu.fpuErrorCleared();
        }
    }

    private static final class Mmx extends GateNode {
        private final boolean enters, loads, stores;

        Mmx(Insn i, Node node) {
            super(i, node);
            enters = !i.row.operation.equals("emms");
            stores = i.memory && i.operands[0].inMemory();
            loads = i.memory && !stores;
        }

        @Override
        void exec(Cpu cpu) {
            enter(cpu);
            cpu.needMmx();
            // A load comes before the change of the x87 state, a store in the middle of it: that is seen when they fault.
            if (stores) cpu.fpu.clearTop();
            else if (enters && !loads) cpu.fpu.enterMmx();
            node.exec(cpu);
            if (enters) cpu.fpu.enterMmx();
        }
    }

    private static final class Sse extends GateNode {
        Sse(Insn i, Node node) { super(i, node); }

        @Override
        void exec(Cpu cpu) {
            enter(cpu);
            cpu.needSse();
            node.exec(cpu);
        }
    }
}
