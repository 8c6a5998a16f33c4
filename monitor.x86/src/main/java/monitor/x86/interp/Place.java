package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;
import monitor.x86.cpu.SegmentRegister;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Note;
import monitor.x86.isa.Operand;

/** Where an operand of a generic node lives. Values are zero-extended to the operand's width. */
abstract class Place {
    abstract long get(Cpu cpu);

    /** The value of a place that is going to be written: faults as the write would. */
    long update(Cpu cpu) { return get(cpu); }

    void set(Cpu cpu, long value) { throw new IllegalStateException("not a place to write to"); }

    static Place of(Cpu cpu, Insn i, int k) {
        Operand o = i.operands[k];
        int n = o.number();
        return switch (o.kind()) {
            case GPR -> new Register(o.width(), n);
            case GPR_HIGH -> new High(n);
            case MEM -> k == 0 && i.row.has(Note.BITSTRING) ? new BitString(cpu, i) : new InMemory(cpu, i, o.width());
            case IMM -> new Immediate(n == 0 ? i.imm : i.imm2);
            case SEG -> new Segment(n);
            case MMX -> new Mmx(n, o.width());
            case XMM -> new Xmm(n, o.width());
            default -> throw new IllegalArgumentException(i.row + ": operand " + o);
        };
    }

    private static final class Register extends Place {
        private final int width, number;

        Register(int width, int number) {
            this.width = width;
            this.number = number;
        }

        @Override long get(Cpu cpu) { return cpu.get(width, number); }

        @Override void set(Cpu cpu, long value) { cpu.set(width, number, value); }
    }

    private static final class High extends Place {
        private final int number;

        High(int number) { this.number = number; }

        @Override long get(Cpu cpu) { return cpu.r[number] >>> 8 & 0xFF; }

        @Override void set(Cpu cpu, long value) { cpu.r[number] = cpu.r[number] & ~0xFF00L | (value & 0xFF) << 8; }
    }

    private static class InMemory extends Place {
        final Insn i;
        final SegmentRegister segment;
        final int bytes;

        InMemory(Cpu cpu, Insn i, int width) {
            this.i = i;
            this.segment = cpu.segments[i.segment];
            this.bytes = width >> 3;
        }

        long offset(Cpu cpu) { return cpu.offset(i); }

        @Override long get(Cpu cpu) { return cpu.read(segment, offset(cpu), bytes); }

        @Override long update(Cpu cpu) { return cpu.update(segment, offset(cpu), bytes); }

        @Override void set(Cpu cpu, long value) { cpu.write(segment, offset(cpu), bytes, value); }
    }

    /** The word of a bit string that a register's bit offset falls into [SDM] 2A BT. */
    private static final class BitString extends InMemory {
        private final int register, width;

        BitString(Cpu cpu, Insn i) {
            super(cpu, i, i.operands[0].width());
            register = i.operands[1].number();
            width = i.operands[0].width();
        }

        @Override long offset(Cpu cpu) {
            long bit = Flags.signExtend(width, cpu.r[register]);
            return Flags.zeroExtend(i.addressSize, cpu.offset(i) + (bit >> Integer.numberOfTrailingZeros(width)) * bytes);
        }
    }

    private static final class Immediate extends Place {
        private final long value;

        Immediate(long value) { this.value = value; }

        @Override long get(Cpu cpu) { return value; }
    }

    private static final class Segment extends Place {
        private final int number;

        Segment(int number) { this.number = number; }

        @Override long get(Cpu cpu) { return cpu.segments[number].selector; }
    }

    private static final class Mmx extends Place {
        private final int number, width;

        Mmx(int number, int width) {
            this.number = number;
            this.width = width;
        }

        @Override long get(Cpu cpu) { return Flags.zeroExtend(width, cpu.fpu.mmx(number)); }

        @Override void set(Cpu cpu, long value) { cpu.fpu.mmx(number, Flags.zeroExtend(width, value)); }
    }

    /** The low part of an XMM register; the rest stays. */
    private static final class Xmm extends Place {
        private final int at, width;

        Xmm(int number, int width) {
            at = 2 * number;
            this.width = width;
        }

        @Override long get(Cpu cpu) { return Flags.zeroExtend(width, cpu.sse.xmm[at]); }

        @Override void set(Cpu cpu, long value) {
            cpu.sse.xmm[at] = width == 32 ? cpu.sse.xmm[at] & ~Cpu.MASK32 | value & Cpu.MASK32 : value;
        }
    }
}
