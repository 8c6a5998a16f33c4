package monitor.x86.isa;

/**
 * One operand of a decoded instruction. Immutable; shared between instructions.
 *
 * @param kind   where the value lives
 * @param width  bits. Registers and immediates: the bits that take part (XMM: 32 or 64 for scalar operands, 128 else).
 *               Memory: 8 to 128, 80 for an x87 extended or BCD value, 16 + operand size for a far pointer, and 0 where
 *               the instruction itself knows (LEA, INVLPG, environments and save areas, hints).
 * @param number register number: GPR 0..15 (AX CX DX BX SP BP SI DI R8..), GPR_HIGH 0..3 (AH CH DH BH), SEG 0..5 (ES CS SS
 *               DS FS GS), CR and DR 0..15, MMX 0..7, XMM 0..15, ST 0..7; IMM: 0 = {@link Insn#imm}, 1 = {@link Insn#imm2}; else 0
 */
public record Operand(Kind kind, int width, int number) {

    /** The places an operand can live in. */
    public enum Kind {
        /** General register, its low {@code width} bits. */ GPR,
        /** Bits 8..15 of AX, CX, DX or BX. */ GPR_HIGH,
        /** Memory at the address that {@link Insn} describes. */ MEM,
        /** Immediate: {@link Insn#imm} or {@link Insn#imm2}, zero-extended from {@code width} bits. */ IMM,
        /** Displacement of a relative branch; see {@link Insn#target()}. */ REL,
        /** Immediate far pointer: offset in {@link Insn#imm}, selector in {@link Insn#imm2}. */ FAR_POINTER,
        /** Segment register. */ SEG,
        /** Control register. */ CR,
        /** Debug register. */ DR,
        /** MMX register. */ MMX,
        /** SSE register. */ XMM,
        /** x87 register, relative to the top of the stack. */ ST,
        /** String source, {@link Insn#segment}:rSI. */ STRING_SRC,
        /** String destination, ES:rDI. */ STRING_DST
    }

    /** Is it in memory at the ModRM (or moffs) address? */
    public boolean inMemory() {
        return kind == Kind.MEM;
    }

    private static final int NUMBERS = 16;
    private static final int WIDTHS = 17;
    private static final Operand[] ALL = all();

    private static Operand[] all() {
        Kind[] kinds = Kind.values();
        Operand[] all = new Operand[kinds.length * WIDTHS * NUMBERS];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Operand(kinds[i / (WIDTHS * NUMBERS)], i / NUMBERS % WIDTHS * 8, i % NUMBERS);
        }
        return all;
    }

    /** The shared operand of these components; width 0..128 in steps of 8, number 0..15. */
    static Operand of(Kind kind, int width, int number) {
        return ALL[(kind.ordinal() * WIDTHS + (width >> 3)) * NUMBERS + number];
    }
}
