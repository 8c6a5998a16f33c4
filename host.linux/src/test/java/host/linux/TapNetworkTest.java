package host.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.host.HostNetwork;

/** Taps of the machine that the tests run on; where that is not allowed, the message that says so. */
class TapNetworkTest {
    private final TapNetwork network = new TapNetwork();
    private final String name = "vmkt" + ProcessHandle.current().pid() % 100_000;

    @AfterEach
    void close() { network.close(); }

    /** A tap, if this process may have one. */
    private HostNetwork.Interface tap() throws IOException {
        boolean allowed = Commands.root() && Files.exists(Path.of("/dev/net/tun"));
        if (allowed) return network.tap(name, frames -> { });
        String message = refusal(name);
        assertTrue(message.startsWith("tap " + name + ": ") && !message.contains("\n"), message);
        assumeTrue(false, message);
        return null;
    }

    @Test
    void aTapIsThereUntilItIsClosed() throws Exception {
        HostNetwork.Interface tap = tap();
        assertEquals(name, tap.name());
        assertNotNull(NetworkInterface.getByName(name));
        assertTrue(tap.up());
        long descriptors = descriptors();
        tap.close();
        tap.close();
        assertNull(NetworkInterface.getByName(name));
        assertFalse(tap.up());
        assertEquals(0, tap.send(List.of(new byte[60])));
        assertEquals(descriptors - 3, descriptors());
    }

    private static long descriptors() throws IOException {
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            return list.count();
        }
    }

    @Test
    void theKernelOfThisMachinePingsThroughIt() throws Exception {
        tap().close();
        String space = "vmk-" + name;
        assumeTrue(Commands.works("ip", "netns", "add", space), "network namespaces");
        try {
            AtomicReference<HostNetwork.Interface> tap = new AtomicReference<>();
            Echo echo = new Echo();
            tap.set(network.tap(name, frames -> tap.get().send(echo.answers(frames))));
            Commands.mustRun("ip", "link", "set", name, "netns", space);
            Commands.mustRun("ip", "-n", space, "addr", "add", "10.97.0.1/24", "dev", name);
            Commands.mustRun("ip", "-n", space, "link", "set", name, "up");
            assumeTrue(Commands.works("sh", "-c", "command -v ping"), "ping");
            for (String size : new String[] {"56", "1472"}) {
                String ping = "ping -i 0.002 -c 200 -p c0ffee -W 5 -s " + size + " 10.97.0.2";
                String output = Commands.mustRun("ip", "netns", "exec", space, "sh", "-c", ping);
                assertTrue(output.contains(" 0% packet loss"), output);
                assertFalse(output.contains("wrong data"), output);
            }
            assertTrue(echo.pings >= 400);
            assertEquals(14 + 20 + 8 + 1472, echo.longest);
        } finally {
            Commands.run("ip", "netns", "delete", space);
        }
    }

    /** A host at 10.97.0.2 that answers ARP and ping. */
    private static final class Echo {
        private static final byte[] MAC = {2, 0, 0, 0, 0, 9};
        int pings, longest;

        List<byte[]> answers(List<byte[]> frames) {
            List<byte[]> answers = new ArrayList<>();
            for (byte[] frame : frames) {
                byte[] answer = frame.clone();
                System.arraycopy(frame, 6, answer, 0, 6);
                System.arraycopy(MAC, 0, answer, 6, 6);
                if (frame[12] == 8 && frame[13] == 6 && frame[21] == 1 && frame[41] == 2) { // ARP request for 10.97.0.2
                    answer[21] = 2;
                    System.arraycopy(frame, 22, answer, 32, 10);
                    System.arraycopy(MAC, 0, answer, 22, 6);
                    System.arraycopy(frame, 38, answer, 28, 4);
                    answers.add(answer);
                } else if (frame[12] == 8 && frame[13] == 0 && frame[23] == 1 && frame[34] == 8) { // ICMP echo request
                    pings++;
                    longest = Math.max(longest, frame.length);
                    System.arraycopy(frame, 26, answer, 30, 4);
                    System.arraycopy(frame, 30, answer, 26, 4);
                    answer[34] = 0;
                    int sum = ((frame[36] & 0xFF) << 8 | frame[37] & 0xFF) + 0x0800; // the type went from 8 to 0
                    sum = (sum & 0xFFFF) + (sum >>> 16);
                    answer[36] = (byte) (sum >>> 8);
                    answer[37] = (byte) sum;
                    answers.add(answer);
                }
            }
            return answers;
        }
    }

    @Test
    void aTapThatIsInUseSaysSo() throws Exception {
        tap();
        assertEquals("tap " + name + ": it is in use by another process", refusal(name));
        assertEquals("tap lo: there is an interface of this name that is no tap: choose another name", refusal("lo"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sixteenletters16", "a b", "a/b", "tap%d", "..", "a:b", "t\u00e4p"})
    void aNameThatNoInterfaceCanHaveIsRefused(String wrong) {
        assertEquals("tap \"" + wrong + "\": a name has 1 to 15 letters, digits or signs other than / : %", refusal(wrong));
    }

    private String refusal(String name) { return assertThrows(IOException.class, () -> network.tap(name, frames -> { })).getMessage(); }

    @Test
    void withoutThePrivilegeTheMessageNamesIt() throws Exception {
        assumeTrue(Commands.root() && Files.exists(Path.of("/dev/net/tun")), "root");
        List<String> command = new ArrayList<>(List.of("setpriv", "--bounding-set=-net_admin"));
        assumeTrue(Commands.works("setpriv", "--bounding-set=-net_admin", "true"), "setpriv");
        command.addAll(Commands.java(Opener.class, name));
        String output = Commands.mustRun(command.toArray(String[]::new));
        assertEquals("tap " + name + ": this process may not open it: it needs root or CAP_NET_ADMIN, or an interface made for its user by root with: "
            + "ip tuntap add dev " + name + " mode tap user root\n", output);
    }

    /** Says why it cannot open a tap. */
    static final class Opener {
        public static void main(String[] arguments) {
            try {
                new TapNetwork().tap(arguments[0], frames -> { });
            } catch (IOException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void itCanBeClosedByWhoTakesItsFrames() throws Exception {
        tap().close();
        CountDownLatch closed = new CountDownLatch(1);
        AtomicReference<HostNetwork.Interface> tap = new AtomicReference<>();
        CountDownLatch set = new CountDownLatch(1);
        tap.set(network.tap(name, frames -> { // the machine below sends of its own: neighbour discovery
            try {
                set.await();
            } catch (InterruptedException e) {
                return;
            }
            tap.get().close();
            closed.countDown();
        }));
        set.countDown();
        Commands.run("ip", "addr", "add", "10.97.1.1/24", "dev", name);
        Commands.run("ping", "-c", "1", "-W", "1", "10.97.1.2");
        assertTimeoutPreemptively(Duration.ofSeconds(30), () -> closed.await());
        assertTimeoutPreemptively(Duration.ofSeconds(30), () -> {
            while (NetworkInterface.getByName(name) != null) Thread.onSpinWait();
        });
    }

    @Test
    void deactivationClosesWhatIsOpen() throws Exception {
        HostNetwork.Interface tap = tap();
        network.close();
        assertNull(NetworkInterface.getByName(name));
        assertFalse(tap.up());
        assertThrows(IOException.class, () -> network.tap(name, frames -> { }));
        assertNull(NetworkInterface.getByName(name));
    }
}
