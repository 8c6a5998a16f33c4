package monitor.x86.isa;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Brings an instruction of ours and a line of objdump (Intel syntax) to a common text, so that they can be compared. */
final class ObjdumpText {

    private static final Set<String> PREFIXES = Set.of("lock", "rep", "repz", "repnz", "data16", "data32", "addr16", "addr32", "addr64", "cs", "ds", "es", "ss", "fs",
        "gs", "bnd", "notrack", "xacquire", "xrelease");
    private static final Set<String> SUFFIXED = Set.of("pushf", "popf", "pusha", "popa", "iret", "ret", "retf", "enter", "leave", "call", "jmp", "sysexit", "sysret", "lgdt",
        "lidt", "sgdt", "sidt", "movs", "cmps", "stos", "lods", "scas", "ins", "outs", "push", "pop", "xlat", "fldenv", "fnstenv", "fnsave", "frstor");
    private static final String[] PREDICATES = {"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"};
    private static final Map<String, Integer> SIZES = Map.of("BYTE", 8, "WORD", 16, "DWORD", 32, "FWORD", 48, "QWORD", 64, "TBYTE", 80, "XMMWORD", 128);
    private static final List<String> SEGMENTS = List.of("es", "cs", "ss", "ds", "fs", "gs");
    private static final Pattern MEMORY = Pattern.compile("(?:(\\w+) PTR )?(?:(\\w\\w):)?(?:\\[(.*)\\]|(0x[0-9a-f]+))");

    private ObjdumpText() {
    }

    // ---- ours

    static String of(Insn i) {
        String mnemonic = Disassembler.mnemonic(i);
        List<String> operands = new ArrayList<>();
        for (int k = 0; k < i.operands.length; k++) {
            operands.add(operand(i, i.operands[k], i.row.operandCodes.get(k)));
        }
        if (i.row.has(Note.XM) && mnemonic.matches("cmp[ps][sd]") && i.operands.length == 3 && i.imm < 8) {
            mnemonic = "cmp" + PREDICATES[(int) i.imm] + mnemonic.substring(3);
            operands.remove(2);
        }
        if (i.row.has(Note.REP) || i.row.has(Note.REPZ)) {
            Collections.sort(operands); // the table names the string first
        }
        return canonical(mnemonic(mnemonic), operands);
    }

    private static String operand(Insn i, Operand o, String code) {
        long value = o.number() == 0 ? i.imm : i.imm2;
        return switch (o.kind()) {
            case GPR -> register(i.row.operation.equals("mov_to_seg") ? Operand.of(o.kind(), i.operandSize, o.number()) : o);
            case GPR_HIGH, SEG, MMX, XMM, CR, DR -> register(o);
            case ST -> o.number() == 0 && !code.equals("STi") ? "st" : "st(" + o.number() + ")";
            case IMM -> code.equals("1") ? "1" : "0x" + Long.toHexString(value);
            case REL -> "0x" + Long.toHexString(i.target() & (i.operandSize == 16 ? 0xffff : -1));
            case FAR_POINTER -> "0x" + Long.toHexString(i.imm2) + ":0x" + Long.toHexString(i.imm);
            case STRING_SRC -> o.width() + " " + i.segment + ":" + register(Operand.of(Operand.Kind.GPR, i.addressSize, 6)) + "+0";
            case STRING_DST -> o.width() + " 0:" + register(Operand.of(Operand.Kind.GPR, i.addressSize, 7)) + "+0";
            case MEM -> {
                boolean sized = !code.matches("M|Mp|Ma|Ms|Ob|Ov");
                List<String> terms = new ArrayList<>();
                if (i.base >= 0) {
                    terms.add(register(Operand.of(Operand.Kind.GPR, i.addressSize, i.base)));
                }
                if (i.index >= 0) {
                    terms.add(register(Operand.of(Operand.Kind.GPR, i.addressSize, i.index)) + (i.addressSize == 16 || i.scale == 0 ? "" : "*" + (1 << i.scale)));
                }
                yield (sized ? o.width() + " " : "") + i.segment + ":" + String.join("+", terms) + "+" + Long.toHexString(terms.isEmpty() ? i.disp & 0xffffffffL : i.disp);
            }
        };
    }

    private static String register(Operand o) {
        int n = o.number();
        String legacy = List.of("ax", "cx", "dx", "bx", "sp", "bp", "si", "di").get(n & 7);
        return switch (o.kind()) {
            case GPR_HIGH -> List.of("ah", "ch", "dh", "bh").get(n);
            case SEG -> SEGMENTS.get(n);
            case MMX -> "mm" + n;
            case XMM -> "xmm" + n;
            case CR -> "cr" + n;
            case DR -> "dr" + n;
            default -> n >= 8 ? "r" + n + (o.width() == 64 ? "" : o.width() == 32 ? "d" : o.width() == 16 ? "w" : "b")
                : switch (o.width()) {
                    case 8 -> List.of("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil").get(n);
                    case 16 -> legacy;
                    case 32 -> "e" + legacy;
                    default -> "r" + legacy;
                };
        };
    }

    // ---- theirs

    /** @param like the instruction of ours, which decides where sizes are compared */
    static String of(String text, Insn like) {
        long comment = -1;
        int hash = text.indexOf('#');
        if (hash > 0) {
            comment = Long.parseUnsignedLong(text.substring(hash + 1).trim().substring(2), 16);
            text = text.substring(0, hash);
        }
        List<String> words = new ArrayList<>(List.of(text.trim().split(" +", -1)));
        while (words.size() > 1 && (PREFIXES.contains(words.get(0)) || words.get(0).startsWith("rex"))) {
            words.remove(0);
        }
        String mnemonic = words.remove(0).replaceAll(",p[nt]$", "").replace("(8087", "").replace("(287", "");
        List<String> operands = new ArrayList<>();
        String rest = String.join(" ", words).replace("only)", "").trim();
        for (String operand : rest.isEmpty() ? new String[0] : rest.split(",")) {
            operands.add(foreignOperand(operand, like, operands.size(), comment));
        }
        if (like.row.has(Note.REP) || like.row.has(Note.REPZ)) {
            Collections.sort(operands);
        }
        return canonical(mnemonic(mnemonic), operands);
    }

    private static String foreignOperand(String operand, Insn like, int position, long comment) {
        Matcher m = MEMORY.matcher(operand);
        boolean plain = operand.matches("0x[0-9a-f]+");
        if (plain && like.operands.length > position && like.operands[position].kind() == Operand.Kind.REL && like.operandSize == 16) {
            return "0x" + Long.toHexString(Long.parseUnsignedLong(operand.substring(2), 16) & 0xffff);
        }
        if (plain || !m.matches()) {
            return operand;
        }
        String code = position < like.row.operandCodes.size() ? like.row.operandCodes.get(position) : "";
        String size = m.group(1) == null || code.matches("M|Mp|Ma|Ms|Ob|Ov") ? "" : SIZES.get(m.group(1)) + " ";
        List<String> terms = new ArrayList<>();
        long disp = 0;
        if (m.group(4) != null) {
            disp = Long.parseUnsignedLong(m.group(4).substring(2), 16);
        } else {
            for (String term : m.group(3).replace("-", "+-").split("\\+")) {
                if (term.matches("-?0x.*")) {
                    long value = Long.parseUnsignedLong(term.replace("-", "").substring(2), 16);
                    disp = term.startsWith("-") ? -value : value;
                } else if (term.matches("[er]ip")) {
                    disp = comment;
                    terms.clear();
                    break;
                } else if (!term.isEmpty() && !term.matches("[er]iz.*")) {
                    terms.add(term.endsWith("*1") ? term.substring(0, term.length() - 2) : term);
                }
            }
        }
        if (terms.isEmpty()) {
            disp &= 0xffffffffL;
        } else if (like.addressSize == 32 && disp == (disp & 0xffffffffL)) {
            disp = (int) disp;
        }
        // an index alone keeps DS, even if it is the frame pointer: scale 1 shows only in the position
        boolean stack = like.base >= 0 && !terms.isEmpty() && terms.get(0).matches("[er]?[sb]p");
        int segment = m.group(2) != null ? SEGMENTS.indexOf(m.group(2)) : stack ? 2 : 3;
        return size + segment + ":" + String.join("+", terms) + "+" + Long.toHexString(disp);
    }

    // ---- both

    private static String mnemonic(String m) {
        m = m.replaceAll("^movabs$", "mov").replaceAll("^xlatb$", "xlat").replaceAll("^int1$|^icebp$", "int1");
        for (String s : SUFFIXED) {
            if (m.startsWith(s) && m.substring(s.length()).matches("[bwdq]")) {
                return s;
            }
        }
        return m.replaceAll("^(fcom|fcomp|fxch|fstp)[0-9]$", "$1").replaceAll("^fsetpm$", "fnsetpm");
    }

    private static String canonical(String mnemonic, List<String> operands) {
        List<String> list = new ArrayList<>(operands);
        if (mnemonic.matches("fcomp?|fucomp?|fxch") && list.size() == 2) {
            list.remove(0);
        }
        if (mnemonic.equals("xlat")) {
            list.clear();
        }
        if (mnemonic.equals("xchg")) {
            Collections.sort(list);
        }
        if (mnemonic.equals("xchg") && (list.get(0) + list.get(1)).matches("axax|eaxeax|raxrax")) {
            return "nop "; // 90
        }
        return mnemonic + " " + String.join(",", list);
    }
}
