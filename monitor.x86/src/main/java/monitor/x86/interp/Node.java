package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.SegmentRegister;
import monitor.x86.isa.Insn;

/** One pre-decoded instruction of a block. Belongs to one CPU. */
abstract class Node implements AnyNode {
    /** Offset of the instruction: where a fault leaves {@code rip}. */
    final long ip;

    Node(Insn i) { ip = i.ip; }

    Node(long ip) { this.ip = ip; }

    /** Executes it. The last node of a block sets {@code cpu.rip}; others leave it alone. */
    abstract void exec(Cpu cpu);

    /** True if it keeps {@code cpu.rip} exact by itself, also when it faults. */
    boolean keepsRip() { return false; }

    /** The base of nodes with an operand in memory. */
    abstract static class Memory extends Node {
        private final int base, index, scale;
        private final long disp, mask;
        private final SegmentRegister segment;

        Memory(Cpu cpu, Insn i) {
            super(i);
            base = i.base < 0 ? Cpu.ZERO : i.base;
            index = i.index < 0 ? Cpu.ZERO : i.index;
            scale = i.scale;
            disp = i.disp;
            mask = i.addressSize == 64 ? ~0L : (1L << i.addressSize) - 1;
            segment = cpu.segments[i.segment];
        }

        final long offset(Cpu cpu) { return cpu.r[base] + (cpu.r[index] << scale) + disp & mask; }

        /** Linear address for reading {@code last + 1} bytes. */
        final long readable(Cpu cpu, int last) { return cpu.readable(segment, offset(cpu), last); }

        final long writable(Cpu cpu, int last) { return cpu.writable(segment, offset(cpu), last); }
    }

    /** The base of nodes whose operation does everything itself. */
    abstract static class Whole extends Node {
        final Insn i;

        Whole(Insn i) {
            super(i);
            this.i = i;
        }

        @Override
        final boolean keepsRip() { return true; }
    }
}
