package monitor.x86.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the disassembler writes, NASM assembles to an equivalent instruction. */
class NasmRoundTripTest {

    /** The operand size matters although no operand has it. */
    private static final Set<String> SIZED = Set.of("ret", "ret_imm", "retf", "retf_imm", "enter", "leave", "push_seg", "pop_seg", "pushf", "popf", "pusha", "popa", "iret",
        "fldenv", "fnstenv", "fnsave", "frstor", "lgdt", "lidt", "sgdt", "sidt", "call_far", "jmp_far", "call_far_ind", "jmp_far_ind", "cbw", "cwd");

    private final InstructionTable table = InstructionTable.load();
    private final Decoder decoder = new Decoder(table);

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void everyRowSurvivesDisassemblyAndAssembly(int codeBits) throws Exception {
        Encodings encodings = new Encodings(codeBits, 1);
        List<Insn> insns = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (Row row : table.rows()) {
            for (byte[] code : encodings.of(row)) {
                Insn insn = Encodings.decode(decoder, code, 0, texts.size() * 32L, codeBits);
                if (!insn.row.undefined() && nasmKnows(insn)) {
                    insns.add(insn);
                    texts.add(Disassembler.format(insn));
                }
            }
        }
        byte[] image = ForeignTool.nasm(codeBits, texts);
        List<String> differences = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            Insn again = Encodings.decode(decoder, image, i * 32, i * 32L, codeBits);
            if (!meaning(insns.get(i)).equals(meaning(again))) {
                differences.add(texts.get(i) + " of " + insns.get(i).row + "\n  was   " + meaning(insns.get(i)) + "\n  again " + meaning(again));
            }
        }
        assertTrue(texts.size() > 10000, "only " + texts.size() + " instructions");
        assertEquals(0, differences.size(), () -> differences.size() + " differ:\n" + String.join("\n", differences.subList(0, Math.min(40, differences.size()))));
    }

    private static boolean nasmKnows(Insn insn) {
        boolean fromWord = insn.operands.length == 2 && insn.operands[1].width() == 16;
        return switch (insn.row.operation) {
            case "fstpnce" -> false;
            case "bswap" -> insn.operandSize != 16;
            case "movzx", "movsx16" -> insn.operandSize != 16 || !fromWord; // moves of 16 to 16 bits
            case "jcc", "jmp_rel", "loop", "loope", "loopne", "jcxz" ->
                // superfluous prefixes lengthened the instruction; without them the target is out of reach
                insn.operands[0].width() != 8 || insn.imm < 128 - 15 && insn.imm > -128 + 15;
            case "sldt", "str" -> insn.operandSize != 64; // NASM leaves REX.W out
            case "movsxd" -> insn.operandSize == 64;
            default -> true;
        };
    }

    /** All that matters for execution. */
    private static String meaning(Insn i) {
        Operand[] operands = i.operands.clone();
        if (i.row.operation.equals("xchg")) {
            Arrays.sort(operands, Comparator.comparing(Operand::toString)); // NASM swaps them
        }
        boolean movq = i.row.operation.equals("movd") && operands[0].width() == 64 && operands[1].width() == 64;
        String meaning = (movq ? "movq" : i.row.operation) + " " + Arrays.toString(operands) + " imm " + Long.toHexString(i.imm) + " " + Long.toHexString(i.imm2);
        if (i.row.opcodeSpan == 16) {
            meaning += " cc " + i.condition();
        }
        if (i.operands.length > 0 && i.operands[0].kind() == Operand.Kind.REL) {
            meaning = i.row.operation + " target " + Long.toHexString(i.target()) + " o" + i.operandSize + " cc " + (i.row.opcodeSpan == 16 ? i.condition() : -1);
        }
        if (SIZED.contains(i.row.operation)) {
            meaning += " o" + i.operandSize;
        }
        if (i.memory) {
            meaning += " mem " + i.segment + ":" + i.base + "+" + i.index + "*" + i.scale + "+" + Long.toHexString(i.disp) + " a" + (i.base < 0 && i.index < 0 ? 0 : i.addressSize);
        }
        boolean string = i.row.has(Note.REP) || i.row.has(Note.REPZ);
        if (string || i.row.has(Note.ASIZE)) {
            meaning += " " + (i.row.has(Note.BRANCH) ? "" : i.segment) + " a" + i.addressSize + (string ? " " + i.rep + i.repne : "");
        }
        return meaning + (i.lock ? " lock" : "");
    }
}
