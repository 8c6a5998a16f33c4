package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.isa.Insn;

/**
 * Faster forms of near transfers whose target is known to lie inside the code segment (a block is decoded anew when the segment
 * changes), and of POP, LEA and NOP. Everything else of their kind goes through the operations.
 */
final class ControlNodes {
    private ControlNodes() {}

    /** The fast node, or null. */
    static AnyNode create(Cpu cpu, Insn i) {
        return switch (i.row.operation) {
            case "jcc" -> i.target() > cpu.cs.limit ? null : HotNodes.branch(i, next(i));
            case "jmp_rel" -> i.target() > cpu.cs.limit ? null : new FallThrough(i.ip, i.target());
            case "call_rel" -> i.target() > cpu.cs.limit || i.operandSize != 32 ? null : new Call32(i, next(i));
            case "ret" -> i.operandSize != 32 ? null : new Ret32(i);
            case "pop" -> HotShape.of(i) == HotShape.operand('R', 32) ? new Pop32(i) : null;
            case "lea" -> HotShape.operand('R', 32) == (HotShape.of(i) & 15) ? new Lea32(cpu, i) : null;
            case "nop" -> new Nop(i);
            default -> null;
        };
    }

    private static long next(Insn i) { return i.codeBits == 64 ? i.ip + i.length : i.ip + i.length & Cpu.MASK32; }

    /** Goes on at a fixed place: the end of a block that ends for other reasons, or a jump. */
    static final class FallThrough extends Node {
        private final long target;

        FallThrough(long target) { this(target, target); }

        FallThrough(long ip, long target) {
            super(ip);
            this.target = target;
        }

        @Override void exec(Cpu cpu) { cpu.rip = target; }
    }

    private static final class Nop extends Node {
        Nop(Insn i) { super(i); }

        @Override void exec(Cpu cpu) {
            // nothing
        }
    }

    private static final class Call32 extends Node {
        private final long target, next;

        Call32(Insn i, long next) {
            super(i);
            target = i.target();
            this.next = next;
        }

        @Override void exec(Cpu cpu) {
            cpu.push(4, next);
            cpu.rip = target;
        }
    }

    private static final class Ret32 extends Node {
        Ret32(Insn i) { super(i); }

        @Override void exec(Cpu cpu) {
            long target = cpu.top(0, 4);
            if (target > cpu.cs.limit) throw cpu.gp();
            cpu.release(4);
            cpu.rip = target;
        }
    }

    private static final class Pop32 extends Node {
        private final int register;

        Pop32(Insn i) {
            super(i);
            register = i.operands[0].number();
        }

        @Override void exec(Cpu cpu) {
            long value = cpu.pop(4);
            cpu.r[register] = value;
        }
    }

    private static final class Lea32 extends Node.Memory {
        private final int register;

        Lea32(Cpu cpu, Insn i) {
            super(cpu, i);
            register = i.operands[0].number();
        }

        @Override void exec(Cpu cpu) { cpu.r[register] = offset(cpu); }
    }
}
