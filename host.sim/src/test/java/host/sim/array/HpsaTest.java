package host.sim.array;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import host.sim.bus.QemuProxy;
import host.sim.bus.Settings;
import host.sim.bus.Slot;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Linux's own driver, hpsa, unmodified from Debian's kernel, on our arrays: QEMU runs the guest, and the arrays are in its PCI slots by
 * {@link QemuProxy}. Needs qemu-system-x86_64, gcc, dpkg and a network for the first time (or what it fetched, in var/debian-amd64).
 */
class HpsaTest {
    private static final int RAM_MB = 256, PATIENCE_MINUTES = 8;
    /** Slots with the same interrupt line, so that what the firmware chose for it is what Linux finds free, too. */
    private static final int FIRST_SLOT = 5, NEXT_SLOT = 4;

    @TempDir
    Path folder;
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open) each.close();
    }

    @Test
    @Timeout(value = PATIENCE_MINUTES + 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void linuxWritesAndReadsVolumesOfTwoBoards() throws Exception {
        for (String tool : new String[] {"qemu-system-x86_64", "gcc", "dpkg", "apt-get"}) assumeTrue(onPath(tool), "skipped: there is no " + tool + " here");
        DebianKernel debian = new DebianKernel(Path.of("..", "var", "debian-amd64").toAbsolutePath().normalize());
        String missing = debian.fetch();
        assumeTrue(missing == null, () -> "skipped: Debian's kernel cannot be fetched, perhaps for want of a network: " + missing);

        Board[] boards = {Board.SMARTARRAYP400, Board.SMARTARRAY5I};
        String said = boot(debian, boards);
        assertTrue(said.contains("DONE"), said);
        assertTrue(said.contains("SIZE sda 131072 HP"), said);
        assertTrue(said.contains("SIZE sdb 131072 COMPAQ"), said);
        for (int i = 0; i < boards.length; i++) {
            String disk = i == 0 ? "sda" : "sdb";
            assertTrue(said.contains("SAME " + disk + " " + written(i)), said);
            assertTrue(said.contains("SMALL " + disk + " 0"), said);
            assertTrue(said.contains("LARGE " + disk), said);
        }
        assertEquals(List.of(), said.lines().filter(line -> line.matches(".*(FAILED |[Ll]ockup|timed out|I/O error|nobody cared).*")).toList());
    }

    /** Digest of what is in the image where the guest wrote its pattern. */
    private String written(int unit) throws Exception {
        byte[] pattern = new byte[64 << 16];
        try (FileChannel image = FileChannel.open(image(unit), StandardOpenOption.READ)) {
            image.read(ByteBuffer.wrap(pattern), 3 << 16);
        }
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(pattern));
    }

    private Path image(int unit) { return folder.resolve("image" + unit); }

    private static boolean onPath(String program) {
        return java.util.Arrays.stream(System.getenv("PATH").split(":")).anyMatch(entry -> Files.isExecutable(Path.of(entry, program)));
    }

    /** Runs the guest to its end. @return its console */
    private String boot(DebianKernel debian, Board... boards) throws Exception {
        Files.write(folder.resolve("root"), debian.root(resource("init"), "hpsa", "sd_mod"));
        Files.write(folder.resolve("launch.c"), resource("launch.c"));
        run("gcc", "-o", "launch", "launch.c");
        Path ram = folder.resolve("ram");
        try (FileChannel file = FileChannel.open(ram, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer memory = file.map(FileChannel.MapMode.READ_WRITE, 0, (long) RAM_MB << 20);
            ServerSocketChannel test = listen("qtest");
            List<String> command = new ArrayList<>(List.of("./launch"));
            List<ServerSocketChannel> sockets = new ArrayList<>();
            for (int i = 0; i < boards.length; i++) {
                sockets.add(listen("card" + i));
                command.add(folder.resolve("card" + i).toString());
            }
            command.addAll(List.of("--", "qemu-system-x86_64", "-accel", "tcg", "-m", RAM_MB + "M", "-machine", "pc,memory-backend=ram",
                "-object", "memory-backend-file,id=ram,size=" + RAM_MB + "M,share=on,mem-path=" + ram, "-kernel", debian.kernel().toString(), "-initrd", folder.resolve("root").toString(),
                "-append", "console=ttyS0 panic=-1", "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "file:" + folder.resolve("console"),
                "-qtest", "unix:" + folder.resolve("qtest"), "-qtest-log", "/dev/null"));
            for (int i = 0; i < boards.length; i++) command.addAll(List.of("-device", "x-pci-proxy-dev,fd=" + (3 + i) + ",addr=" + (FIRST_SLOT + i * NEXT_SLOT)));
            Process qemu = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(folder.resolve("qemu").toFile()).start();
            open.add(qemu::destroyForcibly);
            plug(sockets, boards, memory, new Interrupts(test));
            boolean ended = qemu.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES);
            return Files.readString(folder.resolve("console"), StandardCharsets.ISO_8859_1) + Files.readString(folder.resolve("qemu")) + (ended ? "" : "\nit did not end");
        }
    }

    private void plug(List<ServerSocketChannel> sockets, Board[] boards, ByteBuffer memory, Interrupts interrupts) throws IOException {
        QemuProxy[] proxies = new QemuProxy[boards.length];
        for (int i = 0; i < boards.length; i++) {
            int card = i;
            Consumer<Boolean> line = level -> interrupts.set(card, proxies[card].interruptLine(), level);
            proxies[i] = new QemuProxy(sockets.get(i).accept(), memory, line, slot -> array(boards[card], card, slot));
            open.add(proxies[i]);
        }
    }

    private SmartArray array(Board board, int card, Slot slot) {
        try {
            return SmartArray.of(board, Settings.of("unit0.file", image(card).toString(), "unit0.size", "64M"), slot, folder, Optional::empty, complaint -> { });
        } catch (host.sim.bus.HardwareException e) {
            throw new IllegalStateException(e);
        }
    }

    private ServerSocketChannel listen(String name) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(folder.resolve(name)));
        open.add(server);
        return server;
    }

    private void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream stream = HpsaTest.class.getResourceAsStream(name)) {
            return stream.readAllBytes();
        }
    }

    /** Pins of the guest's interrupt controller, through QEMU's test protocol; a pin is up while any card holds it. */
    private static final class Interrupts {
        private final boolean[][] held = new boolean[24][8];
        private final ServerSocketChannel server;
        private SocketChannel channel;

        Interrupts(ServerSocketChannel server) { this.server = server; }

        synchronized void set(int card, int pin, boolean level) {
            boolean before = up(pin);
            held[pin][card] = level;
            if (up(pin) == before) return;
            try {
                if (channel == null) drain(channel = server.accept());
                channel.write(ByteBuffer.wrap(("set_irq_in ioapic unnamed-gpio-in " + pin + " " + (up(pin) ? 1 : 0) + "\n").getBytes(StandardCharsets.US_ASCII)));
            } catch (IOException e) {
                // the guest has ended
            }
        }

        private boolean up(int pin) {
            for (boolean card : held[pin]) if (card) return true;
            return false;
        }

        /** Answers say nothing that we want to know. */
        private static void drain(SocketChannel channel) {
            Thread thread = new Thread(() -> {
                ByteBuffer buffer = ByteBuffer.allocate(4096);
                try {
                    while (channel.read(buffer.clear()) >= 0) { }
                } catch (IOException e) {
                    // the guest has ended
                }
            }, "qtest answers");
            thread.setDaemon(true);
            thread.start();
        }
    }
}
