package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The guest programs of bench/, built here and run as a user runs them. */
public class GuestProgramsIT {
    /** Status of a debug exit with 0: all is well. */
    private static final int WELL = 1;
    private static final Path TARGET = Vmk.ROOT.resolve("bench/target");

    @ClassRule public static final TemporaryFolder temporary = new TemporaryFolder();

    @BeforeClass
    public static void build() throws Exception {
        Process make = new ProcessBuilder("make", "-s", "-C", Vmk.ROOT.resolve("bench").toString()).redirectErrorStream(true).start();
        String said = new String(make.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(said, 0, make.waitFor());
    }

    private static Vmk.Result run(String program, String commandLine) throws Exception {
        return Vmk.run(temporary.getRoot().toPath(), "run", "--memory", "256", "--multiboot", TARGET.resolve(program).toString(), "--append", commandLine, "--debug-exit");
    }

    @Test
    public void theSystemTestKernelFindsNothingWrong() throws Exception {
        Vmk.Result result = run("systest.elf", "strict");
        assertEquals(result.out().lines().filter(line -> line.contains("FAIL")).toList() + result.err(), WELL, result.status());
        assertTrue(result.out(), result.out().contains(" 0 FAIL"));
    }

    @Test
    public void aBenchmarkKernelGivesItsChecksum() throws Exception {
        for (String name : new String[] {"nbody", "patched", "fresh", "int80"}) {
            Vmk.Result result = run("bench.elf", name);
            assertEquals(result.out() + result.err(), WELL, result.status());
            assertTrue(result.out(), result.out().contains(name + " checksum=") && result.out().contains(" ok"));
        }
    }
}
