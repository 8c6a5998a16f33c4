package monitor.x86.isa;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.List;
import monitor.x86.isa.Operand.Kind;
import org.junit.jupiter.api.Test;

/** What the comparisons with foreign tools do not reach: limits, prefixes that do not count, resolved fields. */
class DecoderTest {

    private final InstructionTable table = InstructionTable.load();
    private final Decoder decoder = new Decoder(table);

    private Insn decode(int codeBits, long ip, String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        return Encodings.decode(decoder, code, 0, ip, codeBits);
    }

    @Test
    void fifteenBytesAreAnInstructionAndSixteenAreNot() {
        Insn longest = decode(32, 0, "2e".repeat(14) + "90");
        assertEquals("nop", longest.row.operation);
        assertEquals(15, longest.length);
        Insn tooLong = decode(32, 0, "2e".repeat(15) + "90");
        assertEquals("too_long", tooLong.row.operation);
        assertEquals(15, tooLong.length);
        assertEquals("too_long", decode(32, 0, "2e".repeat(11) + "05 01020304").row.operation);
    }

    @Test
    void lockNeedsAMemoryDestinationAndAnInstructionThatAllowsIt() {
        assertTrue(decode(32, 0, "f0 01 00").lock);
        assertEquals("ud", decode(32, 0, "f0 01 c0").row.operation);
        assertEquals("ud", decode(32, 0, "f0 03 00").row.operation);
        assertEquals("ud", decode(32, 0, "f0 8b 00").row.operation);
        assertEquals("ud", decode(32, 0, "f0 39 00").row.operation);
        assertTrue(decode(32, 0, "f0 0f c7 08").lock);
        assertTrue(decode(32, 0, "f0 87 00").lock);
        assertFalse(decode(32, 0, "f0 90").lock);
    }

    @Test
    void anExceptionOfTheByteSourcePassesAndTheDecoderWorksAgain() {
        assertThrows(ArrayIndexOutOfBoundsException.class, () -> decode(32, 0, "f0 81 04"));
        Insn insn = decode(32, 0, "90");
        assertEquals("nop", insn.row.operation);
        assertFalse(insn.lock);
    }

    @Test
    void memoryOperandsOf16BitCodeUseBaseAndIndex() {
        Insn insn = decode(16, 0, "8b 42 fe"); // mov ax,[bp+si-2]
        assertEquals(5, insn.base);
        assertEquals(6, insn.index);
        assertEquals(-2, insn.disp);
        assertEquals(2, insn.segment);
        Insn direct = decode(16, 0, "8b 06 fe ff");
        assertEquals(-1, direct.base);
        assertEquals(0xfffe, direct.disp);
        assertEquals(3, direct.segment);
    }

    @Test
    void ripRelativeAddressesAreFoldedWithTheLengthOfTheWholeInstruction() {
        Insn insn = decode(64, 0x7fff_0000_1000L, "81 05 f0ffffff 78563412"); // add dword [rip-16],0x12345678
        assertEquals(0x7fff_0000_1000L + 10 - 16, insn.disp);
        assertEquals(-1, insn.base);
        Insn narrow = decode(64, 0xffff_fff0L, "67 8b 05 20000000");
        assertEquals(0x17, narrow.disp);
    }

    @Test
    void relativeTargetsWrapAtTheOperandSize() {
        assertEquals(0x0012, decode(16, 0xfff0, "eb 20").target());
        assertEquals(0x10012, decode(32, 0xfff0, "eb 20").target());
        assertEquals(0x0013, decode(32, 0xfff0, "66 eb 20").target());
        assertEquals(0xfffffff0L, decode(32, 2, "eb ec").target());
        assertEquals(-16, decode(64, 2, "66 eb eb").target());
    }

    @Test
    void immediatesAreExtendedToTheWidthOfUse() {
        assertEquals(0xffffffffL, decode(32, 0, "83 c0 ff").imm);
        assertEquals(0xffffL, decode(16, 0, "83 c0 ff").imm);
        assertEquals(-1, decode(64, 0, "48 05 ffffffff").imm);
        assertEquals(0xff, decode(32, 0, "04 ff").imm);
        Insn far = decode(32, 0, "ea 78563412 cdab");
        assertEquals(0x12345678, far.imm);
        assertEquals(0xabcd, far.imm2);
        Insn enter = decode(32, 0, "c8 feff 83");
        assertEquals(0xfffe, enter.imm);
        assertEquals(0x83, enter.imm2);
    }

    @Test
    void rexCountsOnlyRightBeforeTheOpcode() {
        assertEquals(64, decode(64, 0, "48 01 c0").operandSize);
        assertEquals(16, decode(64, 0, "48 66 01 c0").operandSize);
        assertEquals(64, decode(64, 0, "66 48 01 c0").operandSize);
        assertArrayEquals(new Operand[] {new Operand(Kind.GPR, 8, 4), new Operand(Kind.GPR, 8, 5)}, decode(64, 0, "40 00 ec").operands);
        assertArrayEquals(new Operand[] {new Operand(Kind.GPR_HIGH, 8, 0), new Operand(Kind.GPR_HIGH, 8, 1)}, decode(64, 0, "00 ec").operands);
        assertEquals("nop", decode(64, 0, "48 90").row.operation);
        assertEquals("xchg", decode(64, 0, "41 90").row.operation);
        assertEquals("pause", decode(64, 0, "f3 41 90").row.operation);
    }

    @Test
    void repPrefixesDistinguishInstructionsOrRepeat() {
        assertEquals("addps", decode(32, 0, "0f 58 c1").row.operation);
        assertEquals("addpd", decode(32, 0, "66 0f 58 c1").row.operation);
        assertEquals("addss", decode(32, 0, "66 f3 0f 58 c1").row.operation);
        assertEquals("addsd", decode(32, 0, "f3 f2 0f 58 c1").row.operation);
        assertFalse(decode(32, 0, "f3 0f 58 c1").rep);
        assertTrue(decode(32, 0, "f2 f3 a6").rep);
        assertTrue(decode(32, 0, "f3 f2 a6").repne);
        assertEquals("ud", decode(32, 0, "f3 0f fc c1").row.operation);
    }

    @Test
    void conditionAndX87OpcodeComeFromTheBytes() {
        assertEquals(5, decode(32, 0, "75 00").condition());
        assertEquals(Row.ZF, decode(32, 0, "75 00").flagsRead());
        assertEquals(Row.CF | Row.ZF, decode(32, 0, "0f 47 c0").flagsRead());
        assertEquals(0x1e8, decode(32, 0, "d9 e8").opcode());
        assertEquals(0x506, decode(16, 0, "dd 06 3412").opcode());
    }

    @Test
    void everyOperationHasRowsAndAPlainName() {
        for (var entry : table.operations().entrySet()) {
            assertTrue(entry.getKey().matches("[a-z][a-z0-9_]*"), entry.getKey());
            assertFalse(entry.getValue().isEmpty());
        }
        List<Row> rows = table.rows();
        for (int i = 0; i < rows.size(); i++) {
            assertEquals(i, rows.get(i).id);
            assertEquals(rows.get(i), table.rows().get(i));
        }
    }

    @Test
    void noTwoRowsClaimTheSameEncoding() {
        for (int opcode = 0; opcode < 256; opcode++) {
            for (int map = 0; map < 2; map++) {
                table.slot(false, map, opcode);
                table.slot(true, map, opcode);
            }
        }
    }

    @Test
    void theQuickLookAtALineSeesTheOpcodesThatItsRowHas() {
        for (Row row : table.rows()) {
            if (!row.encoding.isEmpty()) assertEquals(row.opcodeSpan << 16 | row.map << 8 | row.opcode, RowParser.opcodes(row.line, row.toString()), row.toString());
        }
        assertThrows(IllegalArgumentException.class, () -> RowParser.opcodes(1, "NP 0F  ADD  add"));
        assertThrows(IllegalArgumentException.class, () -> RowParser.opcodes(1, ""));
    }
}
