package monitor.x86.hostcpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import monitor.x86.isa.Disassembler;
import monitor.x86.isa.InstructionTable;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Operand;
import monitor.x86.isa.Row;

/**
 * Compares what two executors make of the same cases. Not compared: EFLAGS.RF, the x87 instruction and operand pointers and
 * FOP (they differ between CPU models), the reserved parts of the FXSAVE area. RCP and RSQRT may differ by the error that
 * the manual allows.
 *
 * @param undefinedFlags     are flags that the manual calls undefined compared, too?
 * @param transcendentalUlps by how many units in the last place of the 64-bit significand FSIN, FYL2X and the like may differ
 */
public record Comparison(boolean undefinedFlags, long transcendentalUlps) {

    private static final String[] GPRS = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    private static final int RF = 1 << 16;
    private static final int C1 = 0x200;
    private static final int ST = 32, XMM = 160;
    private static final Set<String> TRANSCENDENTAL = Set.of("fsin", "fcos", "fsincos", "fptan", "fpatan", "f2xm1", "fyl2x", "fyl2xp1");
    private static final Set<String> APPROXIMATE = Set.of("rcpps", "rcpss", "rsqrtps", "rsqrtss");

    private static final Set<String> SHIFTS = Set.of("rol", "ror", "rcl", "rcr", "shl", "shr", "sar", "shld", "shrd");

    /**
     * Runs cases of every chosen row on both; returns by row how many differ and the first three in full, nothing for rows
     * that agree.
     */
    public static Map<String, String> run(Comparison comparison, InstructionTable table, HostCpu host, Case.Executor tested,
            Predicate<Row> rows, int casesPerRow, long seed) {
        Map<String, String> report = new TreeMap<>();
        CaseGenerator generator = new CaseGenerator(table, seed);
        for (Row row : generator.rows()) {
            if (rows.test(row)) {
                List<Case> cases = new ArrayList<>();
                for (int i = 0; i < casesPerRow; i++) {
                    cases.add(generator.next(row));
                }
                comparison.compareRow(row, cases, host.run(cases), tested, report);
            }
        }
        return report;
    }

    private void compareRow(Row row, List<Case> cases, List<Case.Result> expected, Case.Executor tested, Map<String, String> report) {
        StringBuilder examples = new StringBuilder();
        int differing = 0;
        for (int i = 0; i < cases.size(); i++) {
            List<String> differences;
            try {
                differences = differences(cases.get(i), expected.get(i), tested.run(cases.get(i)));
            } catch (RuntimeException | StackOverflowError e) {
                StackTraceElement[] trace = e.getStackTrace();
                differences = List.of("threw " + e + (trace.length > 0 ? " at " + trace[0] : ""));
            }
            if (!differences.isEmpty() && differing++ < 3) {
                examples.append("\n  ").append(describe(cases.get(i))).append("\n    ").append(String.join("\n    ", differences));
            }
        }
        if (differing > 0) {
            report.put(row.toString(), differing + " of " + cases.size() + " differ" + examples);
        }
    }

    /** What differs, one line each; empty if nothing does. */
    public List<String> differences(Case c, Case.Result expected, Case.Result actual) {
        List<String> lines = new ArrayList<>();
        if (expected.trap() != actual.trap()) {
            lines.add("trap: CPU " + expected.trap() + ", we " + actual.trap());
            return lines;
        }
        if (expected.trap() >= 0) {
            number(lines, "error code", expected.error(), actual.error());
            int page = c.insn().row.operation.startsWith("fx") ? -4096 : -1; // 512 bytes: which of them is probed first is the CPU's own choice
            number(lines, "fault address", expected.address() & page, actual.address() & page);
        }
        number(lines, "eip", expected.eip(), actual.eip());
        for (int i = 0; i < 8; i++) {
            number(lines, GPRS[i], expected.state().gpr()[i], actual.state().gpr()[i]);
        }
        int flags = ~(RF | (undefinedFlags ? modelDependent(c) : undefined(c)));
        if (((expected.state().eflags() ^ actual.state().eflags()) & flags) != 0) {
            lines.add("eflags: CPU " + flags(expected.state().eflags()) + ", we " + flags(actual.state().eflags()));
        }
        fx(lines, c, ByteBuffer.wrap(expected.state().fx()).order(ByteOrder.LITTLE_ENDIAN), ByteBuffer.wrap(actual.state().fx()).order(ByteOrder.LITTLE_ENDIAN));
        memory(lines, c, expected.state().memory(), actual.state().memory());
        return lines;
    }

    /** Flags that the manual calls undefined for this case, those included that depend on a shift count. */
    private static int undefined(Case c) {
        Insn insn = c.insn();
        int flags = insn.row.flagsUndefined;
        if (SHIFTS.contains(insn.row.operation) && count(c) != 1) {
            int width = insn.operands[0].width();
            flags |= Row.OF | (count(c) >= width ? Row.CF : 0);
            if (insn.row.operation.length() == 4 && count(c) > width) { // SHLD, SHRD
                flags |= Row.SF | Row.ZF | Row.PF;
            }
        }
        return flags;
    }

    /** Flags that even CPUs of one maker set differently: OF after a rotation by an immediate other than 1. */
    private static int modelDependent(Case c) {
        Insn insn = c.insn();
        boolean rotates = insn.row.operation.equals("rol") || insn.row.operation.equals("ror");
        return rotates && insn.row.immediates.size() == 1 && count(c) != 1 ? Row.OF : 0;
    }

    private static int count(Case c) {
        Operand last = c.insn().operands[c.insn().operands.length - 1];
        return (int) (last.kind() == Operand.Kind.IMM ? c.insn().imm : c.in().gpr()[1]) & 31;
    }

    private static void number(List<String> lines, String name, int expected, int actual) {
        if (expected != actual) {
            lines.add(String.format("%s: CPU %08x, we %08x", name, expected, actual));
        }
    }

    private void fx(List<String> lines, Case c, ByteBuffer expected, ByteBuffer actual) {
        String operation = c.insn().row.operation;
        boolean transcendental = TRANSCENDENTAL.contains(operation) && transcendentalUlps > 0;
        number(lines, "fcw", expected.getShort(0) & 0xffff, actual.getShort(0) & 0xffff);
        int statusMask = transcendental ? 0xffff & ~C1 : 0xffff;
        number(lines, "fsw", expected.getShort(2) & statusMask, actual.getShort(2) & statusMask);
        number(lines, "ftw", expected.get(4) & 0xff, actual.get(4) & 0xff);
        number(lines, "mxcsr", expected.getInt(24), actual.getInt(24));
        for (int i = 0; i < 8; i++) {
            String e = extended(expected, ST + 16 * i);
            String a = extended(actual, ST + 16 * i);
            boolean near = transcendental && expected.getShort(ST + 16 * i + 8) == actual.getShort(ST + 16 * i + 8)
                && Math.abs(expected.getLong(ST + 16 * i) - actual.getLong(ST + 16 * i)) <= transcendentalUlps;
            if (!e.equals(a) && !near) {
                lines.add("st" + i + ": CPU " + e + ", we " + a);
            }
            for (int lane = 0; lane < 16; lane += 4) {
                int el = expected.getInt(XMM + 16 * i + lane);
                int al = actual.getInt(XMM + 16 * i + lane);
                if (el != al && !(APPROXIMATE.contains(operation) && approximates(el, al))) {
                    lines.add("xmm" + i + ": CPU " + wide(expected, XMM + 16 * i) + ", we " + wide(actual, XMM + 16 * i));
                    break;
                }
            }
        }
    }

    /** Within the relative error of 1.5 * 2^-12 that both are allowed. */
    private static boolean approximates(int expected, int actual) {
        double e = Float.intBitsToFloat(expected);
        double a = Float.intBitsToFloat(actual);
        return Math.abs(e - a) <= Math.abs(e) * 3 / 4096;
    }

    private static void memory(List<String> lines, Case c, byte[] expected, byte[] actual) {
        for (int i = 0; i < expected.length; i++) {
            if (expected[i] != actual[i]) {
                int from = i & -16;
                HexFormat hex = HexFormat.of();
                lines.add(String.format("memory %08x: CPU %s, we %s", Case.BLOCK + from, hex.formatHex(expected, from, from + 16), hex.formatHex(actual, from, from + 16)));
                i = from + 15;
                if (lines.size() > 20) {
                    return;
                }
            }
        }
    }

    private static String flags(int eflags) {
        StringBuilder text = new StringBuilder();
        String names = "C P A ZS  DO";
        for (int i = 0; i < names.length(); i++) {
            if (names.charAt(i) != ' ') {
                text.append((eflags >> i & 1) != 0 ? names.charAt(i) : '-');
            }
        }
        return text.append(String.format(" (%08x)", eflags)).toString();
    }

    private static String extended(ByteBuffer fx, int at) {
        return String.format("%04x.%016x", fx.getShort(at + 8), fx.getLong(at));
    }

    private static String wide(ByteBuffer fx, int at) {
        return String.format("%016x_%016x", fx.getLong(at + 8), fx.getLong(at));
    }

    /** The case as text: instruction, registers, and the memory operand. */
    public static String describe(Case c) {
        Insn insn = c.insn();
        StringBuilder text = new StringBuilder(Disassembler.format(insn)).append("   [").append(HexFormat.of().formatHex(c.code())).append("]\n    in:");
        for (int i = 0; i < 8; i++) {
            text.append(String.format(" %s=%08x", GPRS[i], c.in().gpr()[i]));
        }
        text.append(' ').append(flags(c.in().eflags()));
        ByteBuffer fx = ByteBuffer.wrap(c.in().fx()).order(ByteOrder.LITTLE_ENDIAN);
        String notes = insn.row.notes.toString();
        if (notes.contains("X87") || notes.contains("MMX")) {
            text.append(String.format("%n    fcw=%04x fsw=%04x ftw=%02x", fx.getShort(0), fx.getShort(2), fx.get(4)));
            for (int i = 0; i < 8; i++) {
                text.append(" st").append(i).append('=').append(extended(fx, ST + 16 * i));
            }
        }
        if (notes.contains("SSE")) {
            text.append(String.format("%n    mxcsr=%08x", fx.getInt(24)));
            for (int i = 0; i < 8; i++) {
                text.append(" xmm").append(i).append('=').append(wide(fx, XMM + 16 * i));
            }
        }
        if (insn.memory) {
            int address = (insn.base < 0 ? 0 : c.in().gpr()[insn.base]) + (insn.index < 0 ? 0 : c.in().gpr()[insn.index] << insn.scale) + (int) insn.disp;
            text.append(String.format("%n    [%08x]", address));
            int at = address - Case.BLOCK;
            if (at >= 0 && at < Case.BLOCK_SIZE) {
                text.append(" = ").append(HexFormat.of().formatHex(c.in().memory(), at, Math.min(at + 16, Case.BLOCK_SIZE)));
            }
        }
        return text.toString();
    }
}
