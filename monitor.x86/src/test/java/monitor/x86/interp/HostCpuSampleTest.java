package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import monitor.x86.hostcpu.Comparison;
import monitor.x86.hostcpu.HostCpu;
import monitor.x86.isa.InstructionTable;
import org.junit.jupiter.api.Test;

/** A sample with a fixed seed of what {@link HostCpuComparison} does at length; floating point has a test of its own. */
class HostCpuSampleTest {
    private static final int CASES = 60;

    @Test
    void integerInstructionsDoWhatThisMachinesCpuDoes() throws Exception {
        try (HostCpu host = new HostCpu(); InterpreterExecutor tested = new InterpreterExecutor()) {
            Map<String, String> report = Comparison.run(new Comparison(false, 1), InstructionTable.load(), host, tested, HostCpuComparison::integer, CASES, 20260101);
            assertEquals("", String.join("\n", report.values()));
        }
    }
}
