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
        List<ForeignTool.Foreign> foreign = ForeignTool.objdump(codeBits, codes);
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
}
