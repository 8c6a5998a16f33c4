package monitor.x86.interp;

import java.util.Map;
import monitor.x86.hostcpu.Comparison;
import monitor.x86.hostcpu.HostCpu;
import monitor.x86.isa.InstructionTable;
import monitor.x86.isa.Note;

/**
 * Compares the interpreter with this machine's CPU at length: {@code HostCpuComparison ROWS CASES SEED [undefined]}, where ROWS is
 * {@code integer}, {@code fp} or a regular expression for operations. Ends with status 1 if anything differs.
 */
final class HostCpuComparison {
    public static void main(String[] args) throws Exception {
        InstructionTable table = InstructionTable.load();
        try (HostCpu host = new HostCpu(); InterpreterExecutor tested = new InterpreterExecutor()) {
            Map<String, String> report = Comparison.run(new Comparison(args.length > 3, 1), table, host, tested, row -> switch (args[0]) {
                case "integer" -> integer(row);
                case "fp" -> !integer(row);
                default -> row.operation.matches(args[0]);
            }, Integer.parseInt(args[1]), Long.parseLong(args[2]));
            report.forEach((row, text) -> System.out.println(row + ": " + text));
            System.out.println(report.size() + " rows differ");
            System.exit(report.isEmpty() ? 0 : 1);
        }
    }

    static boolean integer(monitor.x86.isa.Row row) {
        return !row.has(Note.X87) && !row.has(Note.MMX) && !row.has(Note.SSE) && !row.has(Note.SSE2);
    }
}
