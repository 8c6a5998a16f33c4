package drivers.e100;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;

/** Linux's IP stack, in a network namespace, pings whoever answers behind our driver. */
class PingTest {
    private static final String NETWORK = "10.99.0.", LINUX = NETWORK + "1", WE = NETWORK + "2";
    private static final int ARP = 0x0806, IPV4 = 0x0800, ICMP = 1, ECHO_REQUEST = 8;

    /** @param output of both streams */
    private record Result(int status, String output) {}

    private static Result run(List<String> command) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            return new Result(127, e.getMessage());
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(60, TimeUnit.SECONDS)) process.destroyForcibly();
        return new Result(process.exitValue(), output.strip());
    }

    private static Result inside(Qemu qemu, String... command) throws IOException, InterruptedException {
        List<String> whole = new ArrayList<>(List.of("nsenter", "--net=/proc/" + qemu.pid() + "/ns/net"));
        whole.addAll(List.of(command));
        return run(whole);
    }

    private static void needed(Result result, String what) { assumeTrue(result.status == 0, "skipped, " + what + ": " + result.output); }

    @Test
    void aFloodOfPingsIsAnsweredWithoutLoss() throws Exception {
        needed(run(List.of("unshare", "--net", "ip", "link")), "no network namespace can be made");
        needed(run(List.of("ping", "-V")), "there is no ping");
        assumeTrue(Files.isWritable(Path.of("/dev/net/tun")), "skipped, /dev/net/tun cannot be opened");
        try (Qemu qemu = Qemu.withTap("i82559c"); QemuCard card = QemuCard.all(qemu, 1)[0]; TestKernel kernel = new TestKernel()) {
            assertEquals(0, inside(qemu, "ip", "address", "add", LINUX + "/24", "dev", "tap0").status);
            assertEquals(0, inside(qemu, "ip", "link", "set", "tap0", "up").status);
            NetAdapter adapter = kernel.attach(card);
            kernel.receiver = frames -> adapter.transmit(answers(adapter.address(), frames));
            for (String bytes : List.of("56", "1472")) {
                Result ping = inside(qemu, "ping", "-f", "-q", "-c", "2000", "-s", bytes, WE);
                assertTrue(ping.output.contains("2000 received, 0% packet loss"), ping.output);
            }
            adapter.close();
            assertEquals("", kernel.failure());
            card.memory().check();
        }
    }

    private static List<byte[]> answers(MacAddress own, List<byte[]> frames) {
        List<byte[]> answers = new ArrayList<>();
        for (byte[] frame : frames) {
            if (type(frame) == ARP && frame[41] == 2) answers.add(arpReply(own, frame));
            if (type(frame) == IPV4 && frame[23] == ICMP && frame[34] == ECHO_REQUEST) answers.add(echoReply(frame));
        }
        return answers;
    }

    private static int type(byte[] frame) { return (frame[12] & 0xFF) << 8 | frame[13] & 0xFF; }

    private static byte[] arpReply(MacAddress own, byte[] request) {
        byte[] reply = request.clone();
        System.arraycopy(request, 6, reply, 0, 6);
        System.arraycopy(own.bytes(), 0, reply, 6, 6);
        reply[21] = 2;
        System.arraycopy(own.bytes(), 0, reply, 22, 6);
        System.arraycopy(request, 38, reply, 28, 4);
        System.arraycopy(request, 22, reply, 32, 10);
        return reply;
    }

    /** Source and destination change places; the sum over the addresses stays. */
    private static byte[] echoReply(byte[] request) {
        byte[] reply = request.clone();
        swap(reply, 0, 6, 6);
        swap(reply, 26, 30, 4);
        reply[34] = 0;
        int sum = (reply[36] & 0xFF) << 8 | reply[37] & 0xFF;
        sum += ECHO_REQUEST << 8; // one's complement: what the type lost
        sum = (sum & 0xFFFF) + (sum >> 16);
        reply[36] = (byte) (sum >> 8);
        reply[37] = (byte) sum;
        return reply;
    }

    private static void swap(byte[] frame, int one, int other, int length) {
        for (int i = 0; i < length; i++) {
            byte kept = frame[one + i];
            frame[one + i] = frame[other + i];
            frame[other + i] = kept;
        }
    }
}
