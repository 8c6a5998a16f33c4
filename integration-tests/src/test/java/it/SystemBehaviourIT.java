package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/**
 * The guest programs of bench/ on the whole machine: how a 32-bit processor and its board behave by Intel's manual, and
 * workloads whose results are known.
 */
public class SystemBehaviourIT {
    private static final Path GUESTS = Vmk.ROOT.resolve("bench/target");
    /** Exit status of a guest that writes 0 to the debug-exit port: all is well. */
    private static final int WELL = 1;

    @Rule public final TemporaryFolder home = new TemporaryFolder();

    @BeforeClass
    public static void buildsTheGuests() throws IOException, InterruptedException {
        Process make = new ProcessBuilder("make", "-C", Vmk.ROOT.resolve("bench").toString()).redirectErrorStream(true).start();
        String output = new String(make.getInputStream().readAllBytes());
        assertEquals(output, 0, make.waitFor());
    }

    private Vmk.Result run(String guest, String arguments) throws IOException, InterruptedException {
        return Vmk.run(home.getRoot().toPath(), "run", "--memory", "256", "--multiboot", GUESTS.resolve(guest).toString(), "--append", arguments, "--debug-exit");
    }

    @Test
    public void theMachineBehavesAsTheManualSays() throws Exception {
        Vmk.Result result = run("systest.elf", "strict");
        String failures = String.join("\n", result.out().lines().filter(line -> line.startsWith("FAIL")).toList());
        assertEquals(failures + result.err(), WELL, result.status());
        assertTrue(result.out(), result.out().contains(" 0 FAIL"));
    }

    @Test
    public void workloadsComputeWhatTheyComputeNatively() throws Exception {
        for (String workload : new String[] {"sieve", "mandelbrot", "nbody", "strings", "partial", "patched", "fresh", "int80", "faults", "cr3"}) {
            Vmk.Result result = run("bench.elf", workload);
            assertEquals(workload + ": " + result.out() + result.err(), WELL, result.status());
            assertTrue(result.out(), result.out().contains(workload + " checksum=") && result.out().contains(" ok"));
        }
    }
}
