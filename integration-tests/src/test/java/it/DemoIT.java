package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** {@code ./vmk demo}, with Debian's packages from the network, which are kept below target from one run to the next. */
public class DemoIT {
    private static final Duration FETCH = Duration.ofMinutes(5);
    /** The goal is 60 s on a quiet machine; a test on a busy one gets more. */
    private static final Duration BOOT = Duration.ofMinutes(4);
    private static final String PROMPT = "debian:/root# ";

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Test
    public void debianBootsToItsShellAndPowersOff() throws Exception {
        Path home = Files.createDirectories(Vmk.ROOT.resolve("integration-tests/target/demo"));
        try (Vmk vmk = Vmk.startOnTerminal(home, "demo")) {
            vmk.expect("powering on debian (256 MB)", FETCH).expect("Linux version 6.1", BOOT).expect(PROMPT, BOOT);
            vmk.send("echo $((6 * 7)) $(uname -m)\r").expect("42 i686").expect(PROMPT);
            vmk.send("sleep 1000\r").expect("sleep 1000").send(Vmk.CTRL_C).expect(PROMPT);
            vmk.send(Vmk.CTRL_BRACKET).expect("debian stays on").expect("vmk> ");
            vmk.send("vmware-cmd debian getstate\r").expect("getstate() = on").expect("vmk> ");
            vmk.send("console debian\r").expect("Ctrl-] leaves it").send("\r").expect(PROMPT);
            vmk.send("poweroff -f\r").expect("debian is off").expect("vmk> ");
            vmk.send(Vmk.CTRL_D);
            assertEquals(0, vmk.end().status());
        }
        // again: the same machine, here without a terminal
        try (Vmk vmk = Vmk.start(home, "demo")) {
            vmk.expect("powering on debian").expect(PROMPT, BOOT).send("poweroff -f\n").expect("debian is off");
            assertEquals(0, vmk.end().status());
        }
        assertEquals(1, Vmk.run(home, "-c", "vmware-cmd -l").out().lines().count());
    }

    @Test
    public void withoutANetworkItSaysSo() throws Exception {
        Path home = temporary.getRoot().toPath();
        try (Vmk vmk = Vmk.startWithDeadProxy("http://127.0.0.1:9", home, "demo")) {
            vmk.expect("Start it instead? [Y/n]").send("n\n");
            Vmk.Result result = vmk.end();
            assertEquals(1, result.status());
            assertEquals(result.err(), 1, result.err().lines().count());
            assertTrue(result.err(), result.err().startsWith("vmk demo: Debian's packages cannot be fetched, perhaps for want of a network: "));
        }
    }

    @Test
    public void withoutAptItSaysSoAndOffersTheEmbeddedGuest() throws Exception {
        Path home = temporary.getRoot().toPath();
        Path bin = Files.createDirectory(home.resolve("bin"));
        for (String tool : new String[] {"sh", "find", "readlink", "flock", "stty"}) {
            Files.createSymbolicLink(bin.resolve(tool), Path.of("/usr/bin", tool));
        }
        try (Vmk vmk = Vmk.startWithPath(bin, home, "demo")) {
            vmk.expect("Start it instead? [Y/n]").send("n\n");
            Vmk.Result result = vmk.end();
            assertEquals(1, result.status());
            assertEquals(result.err(), 1, result.err().lines().count());
            assertTrue(result.err(), result.err().startsWith("vmk demo: there is no apt-get here"));
        }
        try (Vmk vmk = Vmk.startWithPath(bin, home, "demo")) {
            vmk.expect("Start it instead? [Y/n]").send("\n").expect("powering on embedded").expect("guest> ").send("poweroff\n").expect("embedded is off");
            assertEquals(0, vmk.end().status());
        }
    }
}
