package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.SegmentRegister;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Note;
import monitor.x86.isa.Operand;

/** Operands of MMX and XMM width. */
final class Simd {
    private Simd() {}

    /** Base of nodes whose operation works on 64 bits at a time, or on a whole register pair. */
    abstract static class Base extends Node {
        final Insn i;
        final Operand to, from;
        final int width, immediate;
        private final SegmentRegister segment;
        private final boolean aligned;
        /** Values of a memory operand or of MMX registers. */
        private final long[] toBuffer = new long[2], fromBuffer = new long[2];

        Base(Cpu cpu, Insn i) {
            super(i);
            this.i = i;
            to = i.operands[0];
            from = i.operands.length > 1 && i.operands[1].kind() != Operand.Kind.IMM ? i.operands[1] : to;
            width = to.kind() == Operand.Kind.MMX || to.kind() == Operand.Kind.MEM && from.kind() == Operand.Kind.MMX ? 64 : 128;
            immediate = (int) i.imm;
            segment = cpu.segments[i.segment];
            aligned = i.row.has(Note.ALIGN16);
        }

        /** Array and index of the source: {@link #source} first. */
        final long[] source(Cpu cpu) {
            switch (from.kind()) {
                case XMM -> { return cpu.sse.xmm; }
                case MMX -> fromBuffer[0] = cpu.fpu.mmx(from.number());
                case GPR -> fromBuffer[0] = cpu.get(from.width(), from.number());
                default -> {
                    int bytes = from.width() >> 3;
                    long offset = address(cpu, bytes);
                    if (bytes == 16) {
                        long linear = cpu.readable(segment, offset, 15);
                        fromBuffer[0] = cpu.mmu.read64(linear);
                        fromBuffer[1] = cpu.mmu.read64(linear + 8 & Cpu.MASK32);
                    } else {
                        fromBuffer[0] = cpu.read(segment, offset, bytes);
                        fromBuffer[1] = 0;
                    }
                }
            }
            return fromBuffer;
        }

        private long address(Cpu cpu, int bytes) {
            long offset = cpu.offset(i);
            if (aligned && bytes == 16 && (offset + segment.base & 15) != 0) throw cpu.gp();
            return offset;
        }

        final int sourceIndex() { return from.kind() == Operand.Kind.XMM ? 2 * from.number() : 0; }

        final long[] target(Cpu cpu) {
            if (to.kind() == Operand.Kind.XMM) return cpu.sse.xmm;
            if (to.kind() == Operand.Kind.MMX) toBuffer[0] = cpu.fpu.mmx(to.number());
            else if (to.kind() == Operand.Kind.MEM) cpu.mmu.probeWrite(cpu.writable(segment, address(cpu, width >> 3), (width >> 3) - 1), width >> 3);
            return toBuffer;
        }

        final int targetIndex() { return to.kind() == Operand.Kind.XMM ? 2 * to.number() : 0; }

        /** Stores what the operation has left in the array of {@link #target}, where that is not the register file itself. */
        final void store(Cpu cpu) {
            if (to.kind() == Operand.Kind.MMX) {
                cpu.fpu.mmx(to.number(), toBuffer[0]);
            } else if (to.kind() == Operand.Kind.MEM) {
                cpu.write(segment, cpu.offset(i), 8, toBuffer[0]);
                if (width == 128) cpu.write(i, 8, 8, toBuffer[1]);
            }
        }
    }
}
