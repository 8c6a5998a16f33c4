package devices.pc;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * QEMU's device models behind a socket (its qtest protocol), with a CPU that only halts: a second opinion about hardware from
 * people who did not write ours.
 */
public final class Qemu implements AutoCloseable {
    private static final int BIOS_BYTES = 64 << 10;

    private final Path folder;
    private final Process process;
    private final Connection test, monitor;

    /** @param more of the command line @throws IOException if it does not start, with what to do about it */
    public Qemu(String... more) throws IOException, InterruptedException {
        folder = Files.createTempDirectory("qtest");
        byte[] bios = new byte[BIOS_BYTES];
        Arrays.fill(bios, (byte) 0xF4); // hlt
        Files.write(folder.resolve("bios"), bios);
        Path testSocket = folder.resolve("test"), monitorSocket = folder.resolve("qmp");
        List<String> command = new ArrayList<>(List.of("qemu-system-i386", "-machine", "pc", "-accel", "tcg", "-bios", folder.resolve("bios").toString(), "-m", "64",
                "-display", "none", "-nodefaults", "-no-user-config", "-serial", "null", "-qtest", "unix:" + testSocket + ",server=on,wait=off",
                "-qtest-log", "/dev/null", "-qmp", "unix:" + monitorSocket + ",server=on,wait=off"));
        command.addAll(List.of(more));
        process = start(command);
        monitor = new Connection(monitorSocket, process);
        monitor.in.readLine(); // greeting
        monitor.call("{\"execute\":\"qmp_capabilities\"}");
        test = new Connection(testSocket, process);
    }

    private Process start(List<String> command) throws IOException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
        } catch (IOException e) {
            throw new IOException("this test compares with QEMU and needs qemu-system-i386: install Debian's package qemu-system-x86, as ./vmk test does", e);
        }
    }

    public int in(int port) { return Integer.decode(ask("inb " + port)); }

    public int in16(int port) { return Integer.decode(ask("inw " + port)); }

    public long in32(int port) { return Long.decode(ask("inl " + port)); }

    public void out16(int port, int value) { ask("outw " + port + " " + value); }

    public void out32(int port, long value) { ask("outl " + port + " " + value); }

    public byte[] read(long address, int bytes) { return HexFormat.of().parseHex(ask("read " + address + " " + bytes).substring(2)); }

    public void write(long address, byte[] bytes) { ask("write " + address + " " + bytes.length + " 0x" + HexFormat.of().formatHex(bytes)); }

    public void out(int port, int... values) { for (int value : values) ask("outb " + port + " " + value); }

    /** Drives an input of a device. */
    public void line(String device, int number, boolean level) { ask("set_irq_in " + device + " unnamed-gpio-in " + number + " " + (level ? 1 : 0)); }

    /** Path of the nth device of a type. */
    public String device(String type, int n) throws IOException {
        String list = monitor.call("{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine/unattached\"}}");
        Matcher matcher = Pattern.compile("\"name\": \"(device\\[\\d+])\", \"type\": \"child<" + type + ">\"").matcher(list);
        List<String> found = matcher.results().map(result -> result.group(1)).sorted(Comparator.comparingInt((String name) -> Integer.parseInt(name.replaceAll("\\D", "")))).toList();
        if (found.size() <= n) throw new IOException("QEMU has no " + type + " " + n + ": " + list);
        return "/machine/unattached/" + found.get(n);
    }

    private String ask(String command) {
        try {
            String answer = test.call(command);
            if (!answer.startsWith("OK")) throw new IllegalStateException(command + ": " + answer);
            return answer.length() > 3 ? answer.substring(3).trim() : "";
        } catch (IOException e) {
            throw new IllegalStateException(command, e);
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(5, TimeUnit.SECONDS)) process.destroyForcibly();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) Files.deleteIfExists(file);
        }
        Files.delete(folder);
    }

    private static final class Connection {
        private final BufferedReader in;
        private final BufferedWriter out;

        /** Waits until QEMU listens. */
        Connection(Path socket, Process process) throws IOException, InterruptedException {
            SocketChannel channel = null;
            for (long end = System.nanoTime() + 30_000_000_000L; channel == null; ) {
                if (!process.isAlive()) throw new IOException("QEMU ended with status " + process.exitValue() + ": " + Files.readString(socket.resolveSibling("log")));
                try {
                    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                    channel.connect(UnixDomainSocketAddress.of(socket));
                } catch (IOException e) {
                    channel = null;
                    if (System.nanoTime() > end) throw e;
                    Thread.sleep(20);
                }
            }
            in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
            out = new BufferedWriter(Channels.newWriter(channel, StandardCharsets.UTF_8));
        }

        /** Sends a line and gives the answer; asynchronous messages are passed over. */
        String call(String line) throws IOException {
            out.write(line);
            out.write('\n');
            out.flush();
            String answer = in.readLine();
            while (answer != null && (answer.startsWith("IRQ ") || answer.contains("\"event\""))) answer = in.readLine();
            if (answer == null) throw new IOException("QEMU hung up");
            return answer;
        }
    }
}
