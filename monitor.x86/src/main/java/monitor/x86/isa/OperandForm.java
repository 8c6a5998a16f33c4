package monitor.x86.isa;

import monitor.x86.isa.Operand.Kind;

/**
 * How one operand of a form is found: the SDM's letter codes ([SDM] 2 A.2), resolved against a decoded instruction.
 * <pre>
 * E  r/m, general register or memory    M  memory only            R  r/m, general register only
 * G  reg field, general register        Z  low opcode bits, general register
 * S C D  reg field: segment, control, debug register              O  absolute address in the code
 * I  immediate   sI  sign-extended      J  relative branch        A  far pointer
 * P  reg field, MMX    Q  r/m, MMX or memory      N  r/m, MMX only
 * V  reg field, XMM    W  r/m, XMM or memory      U  r/m, XMM only
 * X  DS:rSI   Y  ES:rDI    STi  x87 register in r/m    "Rv/Mw"  register or memory of different widths
 * widths: b 8, w 16, d 32, q 64, dq ps pd 128, ss 32, sd 64, v operand size, z 16 or 32, y 32 or 64 (REX.W),
 *         n 32 or 64 (mode), p far pointer in memory, a pair of bounds, s descriptor-table register, i16.. f80 b80 x87
 * </pre>
 */
final class OperandForm {

    private enum Place {
        RM, RM_MMX, RM_XMM, REG, REG_SEG, REG_CR, REG_DR, REG_MMX, REG_XMM, OPCODE, RM_ST, IMM, ONE, REL, FAR, MOFFS, SRC, DST, FIXED
    }

    private static final int V = -1, Z = -2, Y = -3, N = -4, P = -5, A = -6, S = -7;

    private final Place place;
    private final int registerWidth;
    private final int memoryWidth;
    private final Operand fixed;
    final boolean usesRm;
    final boolean memoryAllowed;
    final boolean registerAllowed;
    final boolean usesModrm;
    /** Does it come from an immediate of the encoding? */
    final boolean usesImmediate;

    private OperandForm(Place place, int registerWidth, int memoryWidth, Operand fixed, String letters) {
        this.place = place;
        this.registerWidth = registerWidth;
        this.memoryWidth = memoryWidth;
        this.fixed = fixed;
        usesRm = place == Place.RM || place == Place.RM_MMX || place == Place.RM_XMM || place == Place.RM_ST;
        memoryAllowed = usesRm && "EMQW".contains(letters);
        registerAllowed = usesRm && !letters.equals("M");
        usesModrm = usesRm || place.name().startsWith("REG");
        usesImmediate = place == Place.IMM || place == Place.REL || place == Place.FAR || place == Place.MOFFS;
    }

    static OperandForm parse(String code) {
        int slash = code.indexOf('/');
        if (slash > 0) {
            OperandForm r = parse(code.substring(0, slash));
            return new OperandForm(r.place, r.registerWidth, width(code.substring(slash + 2)), null, "E");
        }
        Operand fixed = fixedOperand(code);
        if (fixed != null) {
            return new OperandForm(Place.FIXED, fixed.width(), 0, fixed, "");
        }
        switch (code) {
            case "rAX": return new OperandForm(Place.FIXED, V, 0, null, "");
            case "eAX": return new OperandForm(Place.FIXED, Z, 0, null, "");
            case "STi": return new OperandForm(Place.RM_ST, 80, 0, null, "STi");
            case "1": return new OperandForm(Place.ONE, 8, 8, null, "");
            case "sIb": return new OperandForm(Place.IMM, V, V, null, "");
            case "Iz": return new OperandForm(Place.IMM, V, V, null, "");
            default:
        }
        String letter = code.substring(0, 1);
        int width = width(code.substring(1));
        return new OperandForm(place(letter), width, width, null, letter);
    }

    private static Place place(String letter) {
        return switch (letter) {
            case "E", "M", "R" -> Place.RM;
            case "G" -> Place.REG;
            case "Z" -> Place.OPCODE;
            case "S" -> Place.REG_SEG;
            case "C" -> Place.REG_CR;
            case "D" -> Place.REG_DR;
            case "O" -> Place.MOFFS;
            case "I" -> Place.IMM;
            case "J" -> Place.REL;
            case "A" -> Place.FAR;
            case "P" -> Place.REG_MMX;
            case "Q", "N" -> Place.RM_MMX;
            case "V" -> Place.REG_XMM;
            case "W", "U" -> Place.RM_XMM;
            case "X" -> Place.SRC;
            case "Y" -> Place.DST;
            default -> throw new IllegalArgumentException("operand letter " + letter);
        };
    }

    private static int width(String code) {
        return switch (code) {
            case "" -> 0;
            case "b" -> 8;
            case "w", "i16" -> 16;
            case "d", "ss", "i32", "f32" -> 32;
            case "q", "sd", "i64", "f64" -> 64;
            case "f80", "b80" -> 80;
            case "dq", "ps", "pd" -> 128;
            case "v" -> V;
            case "z" -> Z;
            case "y" -> Y;
            case "n" -> N;
            case "p" -> P;
            case "a" -> A;
            case "s" -> S;
            default -> throw new IllegalArgumentException("operand width " + code);
        };
    }

    private static Operand fixedOperand(String code) {
        return switch (code) {
            case "AL" -> Operand.of(Kind.GPR, 8, 0);
            case "CL" -> Operand.of(Kind.GPR, 8, 1);
            case "AX" -> Operand.of(Kind.GPR, 16, 0);
            case "DX" -> Operand.of(Kind.GPR, 16, 2);
            case "ST0" -> Operand.of(Kind.ST, 80, 0);
            case "ES" -> Operand.of(Kind.SEG, 16, 0);
            case "CS" -> Operand.of(Kind.SEG, 16, 1);
            case "SS" -> Operand.of(Kind.SEG, 16, 2);
            case "DS" -> Operand.of(Kind.SEG, 16, 3);
            case "FS" -> Operand.of(Kind.SEG, 16, 4);
            case "GS" -> Operand.of(Kind.SEG, 16, 5);
            default -> null;
        };
    }

    /** The operand, for the instruction whose fields the decoder holds; takes immediates off the decoder in order. */
    Operand resolve(Decoder d) {
        int width = bits(registerWidth, d);
        switch (place) {
            case RM: return d.memory ? mem(d) : gpr(width, d.modrm & 7 | d.rexB(), d);
            case RM_MMX: return d.memory ? mem(d) : Operand.of(Kind.MMX, width, d.modrm & 7);
            case RM_XMM: return d.memory ? mem(d) : Operand.of(Kind.XMM, width, d.modrm & 7 | d.rexB());
            case RM_ST: return Operand.of(Kind.ST, 80, d.modrm & 7);
            case REG: return gpr(width, d.modrm >> 3 & 7 | d.rexR(), d);
            case REG_SEG: return Operand.of(Kind.SEG, 16, d.modrm >> 3 & 7);
            case REG_CR: return Operand.of(Kind.CR, width, d.modrm >> 3 & 7 | d.rexR());
            case REG_DR: return Operand.of(Kind.DR, width, d.modrm >> 3 & 7 | d.rexR());
            case REG_MMX: return Operand.of(Kind.MMX, width, d.modrm >> 3 & 7);
            case REG_XMM: return Operand.of(Kind.XMM, width, d.modrm >> 3 & 7 | d.rexR());
            case OPCODE: return gpr(width, d.opcode & 7 | d.rexB(), d);
            case IMM: return Operand.of(Kind.IMM, width, d.takeImmediate(width));
            case ONE:
                d.imm = 1;
                return Operand.of(Kind.IMM, 8, 0);
            case REL: return Operand.of(Kind.REL, width, 0);
            case FAR: return Operand.of(Kind.FAR_POINTER, width, 0);
            case MOFFS: return mem(d);
            case SRC: return Operand.of(Kind.STRING_SRC, width, 0);
            case DST: return Operand.of(Kind.STRING_DST, width, 0);
            case FIXED: return fixed != null ? fixed : Operand.of(Kind.GPR, width, 0);
            default: throw new IllegalStateException();
        }
    }

    private Operand mem(Decoder d) {
        return Operand.of(Kind.MEM, bits(memoryWidth, d), 0);
    }

    private static Operand gpr(int width, int number, Decoder d) {
        if (width == 8 && number >= 4 && number < 8 && d.rex == 0) {
            return Operand.of(Kind.GPR_HIGH, 8, number - 4);
        }
        return Operand.of(Kind.GPR, width, number);
    }

    private static int bits(int width, Decoder d) {
        return switch (width) {
            case V -> d.operandSize;
            case Z -> Math.min(d.operandSize, 32);
            case Y -> (d.rex & 8) != 0 ? 64 : 32;
            case N -> d.codeBits == 64 ? 64 : 32;
            case P -> d.operandSize + 16;
            case A -> d.operandSize * 2;
            case S -> d.codeBits == 64 ? 80 : 48;
            default -> width;
        };
    }
}
