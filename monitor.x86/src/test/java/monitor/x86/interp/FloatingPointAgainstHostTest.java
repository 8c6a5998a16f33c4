package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import monitor.x86.hostcpu.Comparison;
import monitor.x86.hostcpu.HostCpu;
import monitor.x86.isa.InstructionTable;
import org.junit.jupiter.api.Test;

/** A sample of every x87, MMX, SSE and SSE2 row against this machine's CPU; {@link HostCpuComparison} is the long run. */
class FloatingPointAgainstHostTest {
    private static final int CASES_PER_ROW = 40;
    private static final long SEED = 754;

    @Test
    void everyRowDoesWhatTheCpuDoes() throws Exception {
        assumeTrue(Files.readString(Path.of("/proc/cpuinfo")).contains("GenuineIntel"),
            "the floating point of other makers differs from Intel's in details that this test looks at");
        try (HostCpu host = new HostCpu(); InterpreterExecutor tested = new InterpreterExecutor()) {
            Map<String, String> report = Comparison.run(new Comparison(true, 1), InstructionTable.load(), host, tested,
                row -> !HostCpuComparison.integer(row), CASES_PER_ROW, SEED);
            assertEquals(Map.of(), report);
        }
    }
}
