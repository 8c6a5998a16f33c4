package monitor.x86.hostcpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import monitor.x86.isa.ForeignTool;

/**
 * The CPU of this machine as an {@link Case.Executor}, by way of the native helper insnrun. Needs Linux on x86-64 and gcc.
 * For one thread. Close it to end the helper.
 */
public final class HostCpu implements AutoCloseable, Case.Executor {

    private static final int CAPACITY = 1024;
    private static final int HEAD = 32, STATE = 1600, RECORD = HEAD + 2 * STATE;
    private static final int GPR = 0, EFLAGS = 32, EIP = 36, TRAP = 40, ERROR = 44, ADDRESS = 48, STRAYED = 52, FX = 64, MEMORY = 576;

    private final Path file;
    private final ByteBuffer records;
    private final Process helper;
    private final ByteBuffer number = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);

    /** Builds the helper into target/ and starts it. */
    public HostCpu() throws IOException, InterruptedException {
        Path program = Path.of("target", "insnrun");
        ForeignTool.run("gcc", "gcc", "-O1", "-Wall", "-Werror", "-fno-pie", "-no-pie", "-o", program.toString(), "src/test/native/insnrun.c");
        file = Files.createTempFile("insnrun", ".records");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            records = channel.map(FileChannel.MapMode.READ_WRITE, 0, (long) CAPACITY * RECORD).order(ByteOrder.LITTLE_ENDIAN);
        }
        helper = new ProcessBuilder(program.toAbsolutePath().toString(), file.toString(), Integer.toString(CAPACITY))
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    @Override
    public Case.Result run(Case c) {
        return run(List.of(c)).get(0);
    }

    /** Executes any number of cases; results in the same order. */
    public List<Case.Result> run(List<Case> cases) {
        List<Case.Result> results = new ArrayList<>(cases.size());
        for (int from = 0; from < cases.size(); from += CAPACITY) {
            List<Case> batch = cases.subList(from, Math.min(from + CAPACITY, cases.size()));
            for (int i = 0; i < batch.size(); i++) {
                write(batch.get(i), i * RECORD);
            }
            execute(batch.size());
            for (int i = 0; i < batch.size(); i++) {
                results.add(read(batch.get(i), i * RECORD + HEAD + STATE));
            }
        }
        return results;
    }

    private void execute(int count) {
        try {
            helper.getOutputStream().write(number.putInt(0, count).array());
            helper.getOutputStream().flush();
            if (helper.getInputStream().readNBytes(4).length != 4) {
                throw new IllegalStateException("insnrun ended with status " + helper.waitFor());
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("insnrun has ended", e);
        }
    }

    private void write(Case c, int at) {
        records.put(at, c.code());
        records.putInt(at + 16, c.code().length);
        records.putInt(at + 20, c.branch() ? 1 : 0);
        int in = at + HEAD;
        for (int i = 0; i < 8; i++) {
            records.putInt(in + GPR + i * 4, c.in().gpr()[i]);
        }
        records.putInt(in + EFLAGS, c.in().eflags());
        records.put(in + FX, c.in().fx());
        records.put(in + MEMORY, c.in().memory());
    }

    private Case.Result read(Case c, int out) {
        if (records.getInt(out + STRAYED) != 0) {
            throw new IllegalStateException("a case wrote beside its memory block: " + c.insn());
        }
        int[] gpr = new int[8];
        for (int i = 0; i < 8; i++) {
            gpr[i] = records.getInt(out + GPR + i * 4);
        }
        byte[] fx = new byte[512];
        records.get(out + FX, fx);
        byte[] memory = new byte[Case.BLOCK_SIZE];
        records.get(out + MEMORY, memory);
        Case.State state = new Case.State(gpr, records.getInt(out + EFLAGS), fx, memory);
        return new Case.Result(state, records.getInt(out + EIP), records.getInt(out + TRAP), records.getInt(out + ERROR), records.getInt(out + ADDRESS));
    }

    @Override
    public void close() throws IOException {
        helper.getOutputStream().close();
        helper.destroy();
        Files.deleteIfExists(file);
    }
}
