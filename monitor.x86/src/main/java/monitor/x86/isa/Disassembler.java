package monitor.x86.isa;

import java.util.Set;

/**
 * Writes instructions in the syntax of NASM, so that assembling the text at the same address gives an equivalent
 * instruction (maybe in another encoding). Stateless.
 *
 * <p>LIMIT: NASM has no text for FSTPNCE (D9 D8+i), BSWAP with 16-bit registers, and sign or zero extension to the same
 * size; these are for the eye only.
 */
public final class Disassembler {

    private static final String[] CONDITIONS = {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"};
    private static final String[] NAMES = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    private static final String[] LOW_BYTES = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
    private static final String[] HIGH_BYTES = {"ah", "ch", "dh", "bh"};
    private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs"};
    /** Operations whose operand size no operand shows. */
    private static final Set<String> SIZE_UNSEEN = Set.of("push_seg", "pop_seg", "ret", "ret_imm", "retf", "retf_imm", "enter", "leave",
        "sgdt", "sidt", "lgdt", "lidt", "sysexit", "sysret", "fldenv", "fnstenv", "frstor", "fnsave");

    private Disassembler() {
    }

    /** The instruction as NASM text in lower case; "(bad)" for an undefined one. */
    public static String format(Insn insn) {
        StringBuilder text = new StringBuilder();
        prefixes(text, insn);
        text.append(mnemonic(insn));
        String separator = " ";
        for (Operand operand : insn.operands) {
            if (operand.kind() != Operand.Kind.STRING_DST && operand.kind() != Operand.Kind.STRING_SRC && !isString(insn)) {
                text.append(separator);
                operand(text, insn, operand);
                separator = ",";
            }
        }
        return text.toString();
    }

    /** The mnemonic alone, with the variant of the operand size and the condition filled in. */
    public static String mnemonic(Insn insn) {
        Row row = insn.row;
        int size = row.has(Note.ASIZE) ? insn.addressSize : insn.operandSize;
        String mnemonic = row.variants[Math.min(size >> 5, row.variants.length - 1)];
        return row.opcodeSpan == 16 ? mnemonic.substring(0, mnemonic.length() - 2) + CONDITIONS[insn.condition()] : mnemonic;
    }

    /** The name of a condition code 0..15, as in Jcc: o, no, b, ae... */
    public static String condition(int code) {
        return CONDITIONS[code];
    }

    private static boolean isString(Insn insn) {
        return insn.row.has(Note.REP) || insn.row.has(Note.REPZ);
    }

    private static void prefixes(StringBuilder text, Insn insn) {
        Row row = insn.row;
        if (insn.lock) {
            text.append("lock ");
        }
        if (isString(insn) && insn.rep) {
            text.append(row.has(Note.REPZ) ? "repe " : "rep ");
        }
        if (isString(insn) && insn.repne) {
            text.append("repne ");
        }
        if (!insn.memory && insn.segmentOverridden && (isString(insn) || row.has(Note.ASIZE) && !row.has(Note.BRANCH))) {
            text.append(SEGMENTS[insn.segment]).append(' ');
        }
        if (insn.addressSize != insn.codeBits && (isString(insn) || row.has(Note.ASIZE) && row.variants.length == 1)) {
            text.append('a').append(insn.addressSize).append(' ');
        }
        if (insn.codeBits == 64 && insn.addressSize == 32 && insn.memory && insn.base < 0 && insn.index < 0) {
            text.append("a32 ");
        }
        if ((SIZE_UNSEEN.contains(row.operation) || shortBranch(insn)) && insn.operandSize != defaultSize(insn)) {
            text.append('o').append(insn.operandSize).append(' ');
        }
    }

    private static int defaultSize(Insn insn) {
        if (insn.codeBits != 64) {
            return insn.codeBits;
        }
        return insn.row.has(Note.D64) || insn.row.has(Note.F64) ? 64 : 32;
    }

    private static void operand(StringBuilder text, Insn insn, Operand operand) {
        int number = operand.number();
        switch (operand.kind()) {
            case GPR -> text.append(register(operand.width(), number));
            case GPR_HIGH -> text.append(HIGH_BYTES[number]);
            case SEG -> text.append(SEGMENTS[number]);
            case CR -> text.append("cr").append(number);
            case DR -> text.append("dr").append(number);
            case MMX -> text.append("mm").append(number);
            case XMM -> text.append("xmm").append(number);
            case ST -> text.append("st").append(number);
            case IMM -> immediate(text, insn, operand);
            case REL -> {
                if (shortBranch(insn)) {
                    text.append(insn.row.has(Note.ASIZE) ? "" : "short ");
                } else if (insn.operandSize != insn.codeBits) {
                    text.append("near ").append(size(insn.operandSize));
                }
                hex(text, insn.target());
            }
            case FAR_POINTER -> {
                text.append(size(insn.operandSize));
                hex(text, insn.imm2);
                hex(text.append(':'), insn.imm);
            }
            case MEM -> memory(text, insn, operand);
            default -> throw new IllegalStateException(operand.toString());
        }
    }

    private static boolean shortBranch(Insn insn) {
        return insn.operands.length > 0 && insn.operands[0].kind() == Operand.Kind.REL && insn.operands[0].width() == 8;
    }

    private static void immediate(StringBuilder text, Insn insn, Operand operand) {
        long value = operand.number() == 0 ? insn.imm : insn.imm2;
        if (insn.row.operation.equals("push")) {
            text.append(size(operand.width()));
        }
        if (operand.width() == 64 && insn.row.immediates.contains("iv")) {
            text.append("strict qword ");
        } else if (operand.width() == 64 && value < 0) {
            text.append('-');
            value = -value;
        }
        hex(text, value);
    }

    private static String register(int width, int number) {
        if (number >= 8) {
            return "r" + number + (width == 64 ? "" : width == 32 ? "d" : width == 16 ? "w" : "b");
        }
        return switch (width) {
            case 8 -> LOW_BYTES[number];
            case 16 -> NAMES[number];
            case 32 -> "e" + NAMES[number];
            default -> "r" + NAMES[number];
        };
    }

    private static void memory(StringBuilder text, Insn insn, Operand operand) {
        String code = insn.row.operandCodes.get(operand == insn.operands[0] ? 0 : 1);
        if (insn.row.operation.endsWith("_far_ind")) {
            text.append(size(insn.operandSize)).append("far ");
        } else if (!code.equals("Mp") && !code.equals("Ma") && !code.equals("Ms") && sizeShown(insn)) {
            text.append(size(operand.width()));
        }
        text.append('[');
        boolean absolute = insn.base < 0 && insn.index < 0;
        if (absolute) {
            absoluteSize(text, insn);
        } else if (insn.base < 0) {
            text.append("nosplit ");
        }
        if (insn.segmentOverridden) {
            text.append(SEGMENTS[insn.segment]).append(':');
        }
        if (insn.base >= 0) {
            text.append(register(insn.addressSize, insn.base));
        }
        if (insn.index >= 0) {
            text.append(insn.base >= 0 ? "+" : "").append(register(insn.addressSize, insn.index));
            text.append(insn.addressSize == 16 ? "" : "*" + (1 << insn.scale));
        }
        if (absolute) {
            hex(text, insn.disp);
        } else if (insn.disp != 0) {
            text.append(insn.disp < 0 ? '-' : '+');
            hex(text, Math.abs(insn.disp));
        }
        text.append(']');
    }

    /** Does NASM want the size? With MMX and XMM registers it knows, except where a general register could stand. */
    private static boolean sizeShown(Insn insn) {
        for (Operand operand : insn.operands) {
            if (operand.kind() == Operand.Kind.MMX || operand.kind() == Operand.Kind.XMM) {
                return insn.row.operation.startsWith("cvtsi2");
            }
        }
        return true;
    }

    private static void absoluteSize(StringBuilder text, Insn insn) {
        if (insn.codeBits != 64) {
            text.append(insn.addressSize != insn.codeBits ? size(insn.addressSize) : "");
        } else if (insn.row.immediates.contains("mo")) {
            text.append(insn.addressSize == 64 ? "qword abs " : "abs ");
        } else {
            text.append(insn.addressSize == 32 || insn.disp == (int) insn.disp ? "abs " : "rel ");
        }
    }

    private static String size(int bits) {
        return switch (bits) {
            case 8 -> "byte ";
            case 16 -> "word ";
            case 32 -> "dword ";
            case 64 -> "qword ";
            case 80 -> "tword ";
            case 128 -> "oword ";
            default -> "";
        };
    }

    private static void hex(StringBuilder text, long value) {
        text.append("0x").append(Long.toHexString(value));
    }
}
