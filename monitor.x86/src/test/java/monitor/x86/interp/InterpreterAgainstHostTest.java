package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.Map;
import java.util.function.Predicate;
import monitor.x86.hostcpu.Comparison;
import monitor.x86.hostcpu.HostCpu;
import monitor.x86.isa.InstructionTable;
import monitor.x86.isa.Note;
import monitor.x86.isa.Row;
import org.junit.jupiter.api.Test;

/**
 * Every row of the instruction table that a user-mode program may execute, on the interpreter and on this machine's own CPU.
 * A sample with a fixed seed; for a long run set the properties {@code monitor.x86.cases} (for each row),
 * {@code monitor.x86.seed} and {@code monitor.x86.rows} (a regular expression for operations).
 */
class InterpreterAgainstHostTest {
    private static final int CASES = Integer.getInteger("monitor.x86.cases", 50);
    private static final long SEED = Long.getLong("monitor.x86.seed", 754);
    private static final String ROWS = System.getProperty("monitor.x86.rows", ".*");

    private static void compare(Comparison comparison, Predicate<Row> rows) throws Exception {
        try (HostCpu host = new HostCpu(); InterpreterExecutor tested = new InterpreterExecutor()) {
            Map<String, String> report = Comparison.run(comparison, InstructionTable.load(), host, tested,
                row -> rows.test(row) && row.operation.matches(ROWS), CASES, SEED);
            StringBuilder text = new StringBuilder();
            report.forEach((row, differences) -> text.append(row).append(": ").append(differences).append('\n'));
            assertEquals("", text.toString());
        }
    }

    /**
     * What the makers' CPUs do differently, so that it is compared on Intel's only: the upper half that a 32-bit push of a segment
     * register writes, double shifts of words by more than 16, which operand of a string comparison faults first and the flags then,
     * instruction pointers in FXSAVE.
     */
    private static final Set<String> MAKERS_DIFFER = Set.of("push_seg", "shld", "shrd", "cmps", "scas", "fxsave");

    private static boolean sameForAll(Row row) { return !MAKERS_DIFFER.contains(row.operation) && !row.toString().startsWith("0F 0D"); }

    private static boolean intel() throws Exception { return Files.readString(Path.of("/proc/cpuinfo")).contains("GenuineIntel"); }

    private static boolean integer(Row row) {
        return !row.has(Note.X87) && !row.has(Note.MMX) && !row.has(Note.SSE) && !row.has(Note.SSE2);
    }

    /** Flags that the manual leaves undefined are compared on the makers' CPUs that we follow. */
    @Test
    void integerInstructionsDoWhatTheCpuDoes() throws Exception {
        boolean intel = intel();
        compare(new Comparison(intel, 0), row -> integer(row) && (intel || sameForAll(row)));
    }

    @Test
    void floatingPointAndSimdInstructionsDoWhatTheCpuDoes() throws Exception {
        assumeTrue(intel(), "the floating point of other makers differs from Intel's in details that this test looks at");
        compare(new Comparison(true, 1), row -> !integer(row));
    }
}
