package monitor.x86.hostcpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import monitor.x86.isa.Decoder;
import monitor.x86.isa.InstructionTable;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Row;
import org.junit.jupiter.api.Test;

/** The harness itself: what is known of the CPU comes back through it, and every row executes. */
class HostCpuTest {

    private final InstructionTable table = InstructionTable.load();

    private Case of(String hex, int... registers) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        int[] at = {0};
        Insn insn = new Decoder(table).decode(() -> code[at[0]++], Case.CODE, 32);
        byte[] fx = new byte[512];
        fx[0] = 0x7f;
        fx[1] = 3;
        fx[24] = (byte) 0x80;
        fx[25] = 0x1f;
        int[] gpr = new int[8];
        gpr[4] = Case.BLOCK + 512;
        System.arraycopy(registers, 0, gpr, 0, registers.length);
        return new Case(insn, code, insn.row.has(monitor.x86.isa.Note.BRANCH), new Case.State(gpr, 0x202, fx, new byte[Case.BLOCK_SIZE]));
    }

    @Test
    void knownInstructionsComeBackAsTheManualSays() throws Exception {
        try (HostCpu cpu = new HostCpu()) {
            Case.Result add = cpu.run(of("01 c8", Integer.MAX_VALUE, 1));
            assertEquals(Integer.MIN_VALUE, add.state().gpr()[0]);
            assertEquals(Row.OF | Row.SF | Row.AF | Row.PF | 0x202, add.state().eflags());
            assertEquals(-1, add.trap());
            assertEquals(2, add.eip());

            Case.Result divide = cpu.run(of("f7 f1", 5, 0));
            assertEquals(0, divide.trap());
            assertEquals(0, divide.eip());

            Case.Result push = cpu.run(of("50", 0x12345678));
            assertEquals(Case.BLOCK + 508, push.state().gpr()[4]);
            assertEquals(0x12, push.state().memory()[511]);

            Case.Result fault = cpu.run(of("89 01", 1, Case.BLOCK + Case.BLOCK_SIZE - 2));
            assertEquals(14, fault.trap());
            assertEquals(Case.BLOCK + Case.BLOCK_SIZE, fault.address());
            assertEquals(6, fault.error());
            assertEquals(0, fault.state().memory()[1023]);

            assertEquals(6, cpu.run(of("0f 0b")).trap());
            Case.Result jump = cpu.run(of("eb 10"));
            assertEquals(0x12, jump.eip());
            assertEquals(-1, jump.trap());

            Case.Result pi = cpu.run(of("d9 eb"));
            assertEquals(0x35, pi.state().fx()[32]);
            assertEquals(0xc2, pi.state().fx()[33] & 0xff);
            assertEquals(7 << 3, pi.state().fx()[3] & 0x38);
        }
    }

    @Test
    void everyRowExecutesAndMostCasesDoNotFault() throws Exception {
        CaseGenerator generator = new CaseGenerator(table, 1);
        List<Case> cases = new ArrayList<>();
        for (Row row : generator.rows()) {
            for (int i = 0; i < 20; i++) {
                cases.add(generator.next(row));
            }
        }
        int completed = 0;
        try (HostCpu cpu = new HostCpu()) {
            List<Case.Result> results = cpu.run(cases);
            for (int i = 0; i < cases.size(); i++) {
                Case c = cases.get(i);
                assertTrue(results.get(i).trap() != 255, () -> "hangs: " + Comparison.describe(c));
                completed += results.get(i).trap() < 0 ? 1 : 0;
            }
        }
        assertTrue(completed > cases.size() * 3 / 4, completed + " of " + cases.size() + " completed");
    }

    @Test
    void theCpuAgreesWithItselfAndAWrongExecutorIsFoundOut() throws Exception {
        Comparison comparison = new Comparison(true, 0);
        try (HostCpu cpu = new HostCpu(); HostCpu again = new HostCpu()) {
            assertEquals(Map.of(), Comparison.run(comparison, table, cpu, again, row -> true, 3, 7));
            Map<String, String> wrong = Comparison.run(comparison, table, cpu, c -> {
                Case.Result r = again.run(c);
                r.state().gpr()[0] ^= c.insn().row.operation.equals("xadd") ? 1 : 0;
                return r;
            }, row -> row.operation.startsWith("x"), 3, 7);
            assertEquals(2, wrong.size(), wrong::toString);
            assertTrue(wrong.toString().contains("3 of 3 differ"), wrong::toString);
        }
    }
}
