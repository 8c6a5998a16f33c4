package monitor.x86.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The decoder against objdump: every row in every mode, and random bytes. */
class ObjdumpTest {

    private final InstructionTable table = InstructionTable.load();
    private final Decoder decoder = new Decoder(table);

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void everyRowReadsAsObjdumpReadsIt(int codeBits) throws Exception {
        Encodings encodings = new Encodings(codeBits, 2);
        List<byte[]> codes = new ArrayList<>();
        List<Insn> insns = new ArrayList<>();
        for (Row row : table.rows()) {
            for (byte[] code : encodings.of(row)) {
                Insn insn = Encodings.decode(decoder, code, 0, (long) codes.size() * ForeignTool.DENSE_SLOT, codeBits);
                if (!insn.row.undefined() && !objdumpDiffers(insn, code)) {
                    codes.add(Arrays.copyOf(code, insn.length));
                    insns.add(insn);
                }
            }
        }
        assertTrue(codes.size() > 10000, "only " + codes.size() + " instructions");
        List<ForeignTool.Foreign> foreign = ForeignTool.objdump(codeBits, ForeignTool.DENSE_SLOT, codes);
        List<String> differences = new ArrayList<>();
        for (int i = 0; i < codes.size(); i++) {
            Insn insn = insns.get(i);
            ForeignTool.Foreign f = foreign.get(i);
            String ours = ObjdumpText.of(insn);
            String theirs = ObjdumpText.of(f.text(), insn);
            if (f.length() != insn.length || !ours.equals(theirs)) {
                differences.add(HexFormat.of().formatHex(codes.get(i)) + "  objdump: " + f.text() + " (" + f.length() + ")  [" + theirs + "]  we: " + Disassembler.format(insn) + " (" + insn.length + ")  [" + ours + "]");
            }
        }
        assertEquals(0, differences.size(), () -> differences.size() + " differ:\n" + String.join("\n", differences.subList(0, Math.min(40, differences.size()))));
    }

    /** Where objdump is wrong or knows another CPU. */
    private static boolean objdumpDiffers(Insn insn, byte[] code) {
        if (insn.row.has(Note.X87) && insn.row.has(Note.ALIAS)) {
            return true; // the undocumented ones are not in objdump
        }
        return switch (insn.row.operation) {
            case "salc", "fstpnce" -> true; // undocumented
            case "wbinvd" -> insn.length > 2; // with prefixes: WBNOINVD or nothing
            case "bsf", "bsr" -> insn.rep || insn.repne; // TZCNT and LZCNT of newer CPUs
            case "fence" -> (insn.modrm & 7) != 0; // r/m is ignored: a CPU executes them all
            case "pmovmskb", "movmskps", "movmskpd", "movsxd" -> insn.operandSize == 64; // REX.W changes nothing, or sizes wrong with 66
            case "fwait" -> insn.codeBits == 64; // REX is not seen as its prefix
            case "nop", "prefetch" -> insn.row.modrm && insn.opcodeByte != 0x1f; // hints that newer CPUs use: MPX, CET...
            default -> false;
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void randomBytesAreInstructionsWhereObjdumpSeesThem(int codeBits) throws Exception {
        Random random = new Random(3);
        List<byte[]> codes = new ArrayList<>();
        List<Insn> insns = new ArrayList<>();
        for (int i = 0; i < 40000; i++) {
            byte[] code = new byte[15];
            random.nextBytes(code);
            if (i % 2 == 0) {
                code[0] = 0x0f;
            }
            Insn insn = Encodings.decode(decoder, code, 0, (long) codes.size() * ForeignTool.SLOT, codeBits);
            assertTrue(insn.length >= 1 && insn.length <= 15);
            codes.add(insn.row.undefined() ? code : Arrays.copyOf(code, insn.length));
            insns.add(insn);
        }
        List<ForeignTool.Foreign> foreign = ForeignTool.objdump(codeBits, ForeignTool.SLOT, codes);
        List<String> differences = new ArrayList<>();
        for (int i = 0; i < codes.size(); i++) {
            Insn insn = insns.get(i);
            ForeignTool.Foreign f = foreign.get(i);
            boolean undefined = insn.row.undefined();
            if (f.text().matches(".*\\brex\\S*")) {
                continue; // a REX that does not count, as another prefix follows: objdump lets it stand alone
            }
            boolean agree = undefined ? f.bad() || NOT_OURS.matcher(f.text()).find() || illegalLock(codes.get(i))
                : !f.bad() && f.length() == insn.length || objdumpDiffers(insn, codes.get(i));
            if (!agree) {
                differences.add(HexFormat.of().formatHex(codes.get(i)) + "  objdump: " + f.text() + " (" + f.length() + ")  we: " + Disassembler.format(insn) + " (" + insn.length + ")");
            }
        }
        assertEquals(0, differences.size(), () -> differences.size() + " differ:\n" + String.join("\n", differences.subList(0, Math.min(60, differences.size()))));
    }

    /** LOCK is #UD without a memory destination; objdump prints it anywhere. */
    private static boolean illegalLock(byte[] code) {
        for (byte b : code) {
            if (b == (byte) 0xf0) {
                return true;
            }
        }
        return false;
    }

    /** What objdump knows and our CPU model does not have. */
    private static final Pattern NOT_OURS = Pattern.compile("\\b(v[a-z0-9]+"      // VMX, SVM, AVX
        + "|getsec|enclv|enclu|encls|skinit|stgi|clgi|clzero|tlbsync"             // SMX, SGX, SVM
        + "|syscall|sysret"                                                       // AMD, outside of 64-bit mode
        + "|femms|pf[a-z0-9]+|pi2f[dw]|pmulhrw|pswapd"                            // 3DNow!
        + "|ph?(add|sub)s?[wd]|phaddd|phsubd|p(abs|sign|min|max|mov|blend|cmp|test|ins|ext)[a-z0-9]+|pshufb|palignr|aes[a-z0-9]+|sha[a-z0-9]+|gf2p8[a-z]+" // SSSE3 and later
        + "|fisttp|lddqu|h?(add|sub)p[sd]|addsubp[sd]|mov(sl|sh|d)dup|monitor|mwait|extrq|insertq|movntss|movntsd" // SSE3, SSE4A
        + "|xsave[a-z0-9]*|xrstor[a-z0-9]*|xgetbv|xsetbv|xbegin|xend|xabort|xtest|rdpkru|wrpkru|rdpid|rdrand|rdseed|movbe|crc32|popcnt|ad[co]x"
        + "|xcrypt-[a-z]+|xstore-rng|xsha[0-9]+|montmul|repz montmul"             // PadLock
        + "|[a-z]*ssp[a-z0-9]*|setssbsy|clrssbsy|endbr[0-9]+|wbnoinvd|clwb|clflushopt|pcommit|ptwrite|[ut]pause|u?mwait|umonitor|movdir[a-z0-9]+|enqcmds?|serialize|pconfig"
        + "|invpcid|invept|invvpid|incssp[dq]|(rd|wr)[fg]sbase|senduipi|uiret|testui|clui|stui|rdpru|mcommit|invlpgb|pvalidate|psmash|rmpupdate|rmpadjust|seamcall|seamops|seamret|tdcall|hreset|xsusldtrk|xresldtrk"
        + "|mov +\\w+,tr\\d|mov +tr\\d|mov .*\\bcr(1|5|6|7|9|1\\d)|mov .*cr8|mov +cs,.*|mov .*\\?.*|mov .*dr(8|9|1\\d)" // registers that do not exist, MOV to CS
        + ")\\b|mov .*\\?|^((es|cs|ss|ds|fs|gs|lock|repn?z|bnd|data\\d+|addr\\d+) *)+$");                                              // a segment register 6 or 7; prefixes alone
}
