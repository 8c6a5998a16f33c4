package monitor.x86.interp;

import monitor.x86.isa.Insn;
import monitor.x86.isa.Operand;

/** The places and widths of an instruction's operands as a number: four bits for each operand. */
final class HotShape {
    private static final int NONE = 15;

    private HotShape() {}

    /** @param place R for a general register (not AH to BH), M for memory, I for an immediate */
    static int operand(char place, int width) {
        int kind = place == 'R' ? 1 : place == 'M' ? 2 : 3;
        return kind | (width == 8 ? 0 : width == 16 ? 4 : width == 32 ? 8 : 12);
    }

    static int of(Insn i) {
        int shape = 0;
        for (int k = 0; k < i.operands.length; k++) shape |= operand(i.operands[k]) << 4 * k;
        return shape;
    }

    private static int operand(Operand o) {
        return switch (o.kind()) {
            case GPR -> operand('R', o.width());
            case MEM -> operand('M', o.width());
            case IMM -> operand('I', o.width());
            default -> NONE;
        };
    }
}
