package drivers.e100;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * A PC whose processor only halts: its devices are ours, through QEMU's qtest protocol, its memory is a file that we map, and
 * its network cards are cables of {@link Wire}, or a tap interface in a network namespace of its own.
 */
final class Qemu implements AutoCloseable {
    static final int RAM_BYTES = 64 << 20;
    private static final int BIOS_BYTES = 64 << 10;
    private static final byte HLT = (byte) 0xF4;
    /** Interrupts that the four PCI pins are routed to. */
    private static final int[] ROUTES = {10, 11, 9, 5};
    private static final long PATIENCE_SECONDS = 30;

    private final Path folder = Files.createTempDirectory("qtest");
    private final Process process;
    private final SocketChannel channel;
    private final MappedByteBuffer ram;
    private final List<Wire> wires = new ArrayList<>();
    /** Who waits for the next answers; writes do not wait. */
    private final Queue<CompletableFuture<String>> waiting = new ArrayDeque<>();
    private volatile BiConsumer<Integer, Boolean> lines = (line, level) -> {};

    /** With cards in slots from 4 on, each with a wire. */
    static Qemu with(String... models) throws Exception { return new Qemu(models, false); }

    /** With one card at the tap interface {@code tap0} in a new network namespace. */
    static Qemu withTap(String model) throws Exception { return new Qemu(new String[] {model}, true); }

    private Qemu(String[] models, boolean tap) throws Exception {
        byte[] bios = new byte[BIOS_BYTES];
        Arrays.fill(bios, HLT);
        Files.write(folder.resolve("bios"), bios);
        List<String> command = new ArrayList<>(tap ? List.of("unshare", "--net") : List.of());
        command.addAll(List.of("qemu-system-i386", "-machine", "pc,memory-backend=ram0", "-accel", "tcg", "-bios", folder.resolve("bios").toString(), "-m", "64",
                "-object", "memory-backend-file,id=ram0,size=64M,share=on,mem-path=" + folder.resolve("ram"), "-display", "none", "-nodefaults", "-no-user-config",
                "-qtest", "unix:" + folder.resolve("test") + ",server=on,wait=off", "-qtest-log", "/dev/null"));
        List<ServerSocketChannel> servers = new ArrayList<>();
        for (int i = 0; i < models.length; i++) {
            if (tap) {
                command.addAll(List.of("-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no"));
            } else {
                Path path = folder.resolve("wire" + i);
                servers.add(ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path)));
                command.addAll(List.of("-netdev", "stream,id=n" + i + ",server=off,addr.type=unix,addr.path=" + path));
            }
            command.addAll(List.of("-device", models[i] + ",netdev=n" + i + ",mac=" + mac(i) + ",addr=" + (4 + i) + ",romfile="));
        }
        process = start(command);
        channel = connect(folder.resolve("test"));
        for (ServerSocketChannel server : servers) {
            wires.add(new Wire(server.accept())); // connected before the other socket listened
            server.close();
        }
        Thread reader = new Thread(this::read, "qtest");
        reader.setDaemon(true);
        reader.start();
        ask("irq_intercept_in ioapic");
        try (FileChannel file = FileChannel.open(folder.resolve("ram"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ram = file.map(FileChannel.MapMode.READ_WRITE, 0, RAM_BYTES);
        }
        for (int pin = 0; pin < ROUTES.length; pin++) config(1, 0x60 + pin, 1, ROUTES[pin]); // PIIX3, PIRQRC
    }

    /** Address in the EEPROM of the nth card. */
    static String mac(int card) { return "52:54:00:12:34:5" + card; }

    private Process start(List<String> command) throws IOException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
        } catch (IOException e) {
            throw new IOException("this test drives QEMU's cards and needs qemu-system-i386: install Debian's package qemu-system-x86, as ./vmk test does", e);
        }
    }

    private SocketChannel connect(Path socket) throws IOException, InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS); ; Thread.sleep(10)) {
            if (!process.isAlive()) throw new IOException("QEMU ended with status " + process.exitValue() + ": " + Files.readString(folder.resolve("log")));
            SocketChannel attempt = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                attempt.connect(UnixDomainSocketAddress.of(socket));
                return attempt;
            } catch (IOException e) {
                attempt.close();
                if (System.nanoTime() > end) throw e;
            }
        }
    }

    long pid() { return process.pid(); }

    Wire wire(int card) { return wires.get(card); }

    MappedByteBuffer ram() { return ram; }

    /** Who hears of interrupt lines; on the reader's thread. */
    void onInterruptLine(BiConsumer<Integer, Boolean> listener) { lines = listener; }

    /** The line that INTA of a card is routed to. */
    static int lineOfSlot(int slot) { return ROUTES[slot - 1 & 3]; }

    int config(int slot, int offset, int bytes) {
        synchronized (this) {
            post("outl 0xcf8 " + (0x8000_0000L | slot << 11 | offset & 0xFC));
            return (int) Long.decode(ask("in" + suffix(bytes) + " " + (0xCFC + (offset & 3)))).longValue();
        }
    }

    void config(int slot, int offset, int bytes, int value) {
        synchronized (this) {
            post("outl 0xcf8 " + (0x8000_0000L | slot << 11 | offset & 0xFC));
            post("out" + suffix(bytes) + " " + (0xCFC + (offset & 3)) + " " + (value & mask(bytes)));
        }
    }

    private static String suffix(int bytes) { return bytes == 1 ? "b" : bytes == 2 ? "w" : "l"; }

    private static long mask(int bytes) { return (1L << 8 * bytes) - 1; }

    long read(long address, int bytes) { return Long.decode(ask("read" + suffix(bytes) + " " + address)) & mask(bytes); }

    void write(long address, int bytes, long value) { post("write" + suffix(bytes) + " " + address + " " + (value & mask(bytes))); }

    private String ask(String command) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        send(command, answer);
        try {
            String text = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            return text.length() > 3 ? text.substring(3).trim() : "";
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new IllegalStateException("QEMU does not answer \"" + command + "\"", e);
        }
    }

    /** Like a write on a bus: it arrives some time later, but before whatever is sent after it. */
    private void post(String command) { send(command, null); }

    private synchronized void send(String command, CompletableFuture<String> answer) {
        synchronized (waiting) {
            waiting.add(answer == null ? new CompletableFuture<>() : answer);
        }
        ByteBuffer bytes = ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.US_ASCII));
        try {
            while (bytes.hasRemaining()) channel.write(bytes);
        } catch (IOException e) {
            throw new IllegalStateException("QEMU hung up", e);
        }
    }

    private void read() {
        try (InputStream in = Channels.newInputStream(channel)) {
            byte[] buffer = new byte[4096];
            StringBuilder line = new StringBuilder();
            for (int got; (got = in.read(buffer)) > 0; ) {
                for (int i = 0; i < got; i++) {
                    if (buffer[i] != '\n') {
                        line.append((char) buffer[i]);
                    } else {
                        line(line.toString());
                        line.setLength(0);
                    }
                }
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void line(String text) {
        if (text.startsWith("IRQ ")) {
            lines.accept(Integer.parseInt(text.substring(text.lastIndexOf(' ') + 1)), text.startsWith("IRQ raise"));
            return;
        }
        CompletableFuture<String> next;
        synchronized (waiting) {
            next = waiting.remove();
        }
        if (text.startsWith("OK")) next.complete(text); else next.completeExceptionally(new IOException(text));
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(5, TimeUnit.SECONDS)) process.destroyForcibly();
        channel.close();
        for (Wire wire : wires) wire.close();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) Files.deleteIfExists(file);
        }
        Files.delete(folder);
    }
}
