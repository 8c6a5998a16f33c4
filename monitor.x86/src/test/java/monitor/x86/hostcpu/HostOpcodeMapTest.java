package monitor.x86.hostcpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import monitor.x86.isa.Decoder;
import monitor.x86.isa.InstructionTable;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Note;
import monitor.x86.isa.Operand;
import org.junit.jupiter.api.Test;

/**
 * The whole of both opcode maps, with each mandatory prefix and LOCK, and all register and a memory form: the decoder calls
 * undefined what this CPU calls undefined, and finds the length that this CPU finds.
 */
class HostOpcodeMapTest {

    /** System calls, and what could load segment registers, I/O, prefixes and escapes to tables that are all of newer extensions. */
    private static final Set<Integer> NOT_RUN = Set.of(0xcd, 0xcf, 0xca, 0xcb, 0x9a, 0xea, 0x8e, 0x07, 0x17, 0x1f, 0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67,
        0xf0, 0xf2, 0xf3, 0xcc, 0xf1, 0xc4, 0xc5, 0x62, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0x6c, 0x6d, 0x6e, 0x6f);
    private static final Set<Integer> NOT_RUN_0F = Set.of(0x05, 0x07, 0x34, 0x35, 0x38, 0x3a, 0xa1, 0xa9, 0xb2, 0xb4, 0xb5);
    /** Of newer CPUs than ours, as map and opcode, prefix, reg field, m(emory) or r(egister). */
    private static final Pattern NEWER = Pattern.compile(
        "0f(12|16|7c|7d|d0|f0) .*|(db|dd|df) .*1m" // SSE3
        + "|0fb8 f3.*"                             // POPCNT
        + "|0f01 .*r"                              // VMX, XGETBV, RTM...
        + "|0fae .*|0fc7 .*"                       // XSAVE, CLWB, FSGSBASE, RDRAND...
        + "|c[67] .*7r"                            // RTM
        + "|0f(78|79|2b|0e|0f) .*"                 // AMD: SSE4A, 3DNow!
        + "|0f2[02] f0.*");                        // AMD: LOCK MOV CR0 is CR8
    /** What other makers' CPUs do differently: 0F 0D is a prefetch of memory only, and LOCK is overlooked with VERR and its like. */
    private static final Pattern NOT_INTEL = Pattern.compile("0f0d .*r|0f00 f0 .*");

    private final InstructionTable table = InstructionTable.load();
    private final Decoder decoder = new Decoder(table);

    @Test
    void decoderAndCpuAgreeOnWhatIsUndefinedAndOnLengths() throws Exception {
        List<Case> cases = new ArrayList<>();
        for (int opcode = 0; opcode < 512; opcode++) {
            if (!(opcode < 256 ? NOT_RUN : NOT_RUN_0F).contains(opcode & 0xff)) {
                for (int prefix : new int[] {0, 0x66, 0xf3, 0xf2, 0xf0}) {
                    for (int modrm = 0; modrm < 256; modrm++) {
                        boolean xsave = opcode == 0x1ae && modrm < 0xc0 && (modrm & 0x38) == 0x28;
                        if ((modrm >= 0xc0 || (modrm & 0xc7) == 3) && !xsave) {
                            Case c = encode(prefix, opcode, modrm);
                            if (!jumpsIntoItself(c.insn())) {
                                cases.add(c);
                            }
                        }
                    }
                }
            }
        }
        assertTrue(cases.size() > 100_000);
        List<String> differences = new ArrayList<>();
        boolean intel = Files.readString(Path.of("/proc/cpuinfo")).contains("GenuineIntel");
        try (HostCpu cpu = new HostCpu()) {
            List<Case.Result> results = cpu.run(cases);
            for (int i = 0; i < cases.size(); i++) {
                if (intel || !NOT_INTEL.matcher(key(cases.get(i))).matches()) compare(cases.get(i), results.get(i), differences);
            }
        }
        assertEquals(List.of(), differences);
    }

    /** The instruction and INT3s behind it, as its displacement and immediate, and where it ends. */
    private Case encode(int prefix, int opcode, int modrm) {
        byte[] code = new byte[16];
        Arrays.fill(code, (byte) 0xcc);
        int n = 0;
        if (prefix != 0) {
            code[n++] = (byte) prefix;
        }
        if (opcode > 0xff) {
            code[n++] = 0x0f;
        }
        code[n++] = (byte) opcode;
        code[n] = (byte) modrm;
        int[] at = {0};
        Insn insn = decoder.decode(() -> code[at[0]++], Case.CODE, 32);
        if (!insn.row.undefined()) {
            Arrays.fill(code, insn.length, 16, (byte) 0xcc);
        }
        int[] gpr = {0, 0, 0, Case.BLOCK, Case.BLOCK + 512, Case.BLOCK + 512, Case.BLOCK + 100, Case.BLOCK + 512};
        byte[] fx = new byte[512];
        fx[0] = 0x7f;
        fx[1] = 3;
        fx[24] = (byte) 0x80;
        fx[25] = 0x1f;
        byte[] memory = new byte[Case.BLOCK_SIZE];
        for (int i = 0; i < memory.length; i += 4) {
            memory[i + 1] = 0x0a; // branches through memory go to the code page
            memory[i + 3] = 0x20;
        }
        return new Case(insn, code, true, new Case.State(gpr, 0x202, fx, memory));
    }

    private static boolean jumpsIntoItself(Insn insn) {
        long distance = insn.operands.length > 0 && insn.operands[0].kind() == Operand.Kind.REL ? insn.target() - Case.CODE : 32;
        return distance > -16 && distance < 16;
    }

    private static void compare(Case c, Case.Result host, List<String> differences) {
        Insn insn = c.insn();
        boolean undefined = insn.row.operation.equals("ud");
        boolean hostUndefined = host.trap() == 6 && host.eip() == 0;
        String text = HexFormat.of().formatHex(c.code(), 0, 8) + " " + insn.row + ": ";
        if (undefined && !hostUndefined && !NEWER.matcher(key(c)).matches()) {
            differences.add(text + "the CPU executes it");
        } else if (!undefined && hostUndefined && !insn.row.operation.equals("rsm")) {
            differences.add(text + "the CPU calls it undefined");
        } else if (!undefined && host.trap() < 0 && !insn.row.has(Note.BRANCH) && host.eip() != insn.length) {
            differences.add(text + "length " + insn.length + ", CPU " + host.eip());
        }
    }

    private static String key(Case c) {
        HexFormat hex = HexFormat.of();
        int n = 0;
        String prefix = "";
        if ("66 f0 f2 f3".contains(hex.toHexDigits(c.code()[0]))) {
            prefix = hex.toHexDigits(c.code()[n++]);
        }
        String opcode = c.code()[n] == 0x0f ? "0f" + hex.toHexDigits(c.code()[++n]) : hex.toHexDigits(c.code()[n]);
        int modrm = c.code()[n + 1] & 0xff;
        return opcode + " " + prefix + " " + (modrm >> 3 & 7) + (modrm >= 0xc0 ? "r" : "m");
    }
}
