package monitor.x86.isa;

/**
 * A decoded instruction. Immutable, safe to share between threads. All that the prefixes and the mode decide is resolved
 * here: sizes, the segment of the memory operand, RIP-relative addresses, immediates extended to the width of use.
 * Sources: [SDM] 2, 2.1 Instruction Format, 2.2 IA-32e Mode.
 */
public final class Insn {

    /** The row of the table; for undefined encodings a row with operation "ud", beyond 15 bytes one with "too_long" (#GP). */
    public final Row row;
    /** Offset of the first byte in the code segment. */
    public final long ip;
    /** Bytes, 1..15. */
    public final int length;
    /** Effective operand size in bits: 16, 32 or 64. */
    public final int operandSize;
    /** Effective address size in bits: 16, 32 or 64. */
    public final int addressSize;
    /** Size of the code segment it was decoded for: 16, 32 or 64. */
    public final int codeBits;
    /** Segment of the memory operand or of the string source: ES=0 CS=1 SS=2 DS=3 FS=4 GS=5; prefix or default applied. */
    public final int segment;
    /** Was {@link #segment} chosen by a prefix? */
    public final boolean segmentOverridden;
    /** LOCK prefix; true only where it is legal. */
    public final boolean lock;
    /** F3 as REP or REPE (not as a mandatory prefix), the last one of F2 and F3. */
    public final boolean rep;
    /** F2 as REPNE (not as a mandatory prefix), the last one of F2 and F3. */
    public final boolean repne;
    /** Is there a memory operand, described by base, index, scale and disp? */
    public final boolean memory;
    /** Base register 0..15, or -1. */
    public final int base;
    /** Index register 0..15, or -1. */
    public final int index;
    /** Shift of the index, 0..3. */
    public final int scale;
    /**
     * Displacement, sign-extended. With neither base nor index it is the whole address, masked to the address size;
     * RIP-relative addresses are folded into this form. Else base + (index << scale) + disp is to be masked to the address size.
     */
    public final long disp;
    /** Operands in the order of the form. Not to be changed. */
    public final Operand[] operands;
    /** First immediate, zero-extended from the width of its operand; signed displacement of a relative branch; far offset. */
    public final long imm;
    /** Second immediate, or the selector of a far pointer. */
    public final long imm2;
    /** Last opcode byte. */
    public final int opcodeByte;
    /** ModRM byte, 0 without one. */
    public final int modrm;

    Insn(Decoder d, Row row) {
        this.row = row;
        ip = d.ip;
        length = d.length;
        operandSize = d.operandSize;
        addressSize = d.addressSize;
        codeBits = d.codeBits;
        segment = d.segment;
        segmentOverridden = d.segmentPrefix >= 0;
        lock = d.lock;
        rep = d.repeat == 0xf3;
        repne = d.repeat == 0xf2;
        memory = d.memory;
        base = d.base;
        index = d.index;
        scale = d.scale;
        disp = d.disp;
        operands = d.operands;
        imm = d.imm;
        imm2 = d.imm2;
        opcodeByte = d.opcode;
        modrm = d.modrm;
    }

    /** Target offset of a relative branch, masked to the operand size. Only for instructions with a REL operand. */
    public long target() {
        long target = ip + length + imm;
        return operandSize == 64 ? target : target & (1L << operandSize) - 1;
    }

    /** Condition code 0..15 of Jcc, SETcc and CMOVcc: the low four bits of the opcode, [SDM] 1 B.1.4.7. */
    public int condition() {
        return opcodeByte & 15;
    }

    /** The eleven opcode bits that an x87 instruction leaves in FOP, [SDM] 1 8.1.9. */
    public int opcode() {
        return (opcodeByte & 7) << 8 | modrm;
    }

    /** EFLAGS bits that the instruction reads. */
    public int flagsRead() {
        return row.opcodeSpan == 16 ? CONDITION_FLAGS[condition() >> 1] : row.flagsRead;
    }

    private static final int[] CONDITION_FLAGS = {
        Row.OF, Row.CF, Row.ZF, Row.CF | Row.ZF, Row.SF, Row.PF, Row.SF | Row.OF, Row.ZF | Row.SF | Row.OF
    };

    @Override
    public String toString() {
        return Disassembler.format(this);
    }
}
