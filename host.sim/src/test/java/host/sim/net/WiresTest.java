package host.sim.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.host.HostNetwork;
import vmkernel.api.net.FrameSink;

class WiresTest {
    @TempDir
    Path folder;

    private Wires wires;

    @BeforeEach
    void room() { wires = new Wires(folder, Optional::empty); }

    /** What comes out of a wire. */
    private static final class Station implements FrameSink {
        final BlockingQueue<byte[]> frames = new LinkedBlockingQueue<>();

        Station(Wire wire) { wire.sink(this); }

        @Override public void frames(List<byte[]> list) { frames.addAll(list); }

        byte[] next() throws InterruptedException {
            byte[] frame = frames.poll(30, TimeUnit.SECONDS);
            assertTrue(frame != null, "a frame comes");
            return frame;
        }
    }

    private static byte[] frame(int length, int fill) {
        byte[] frame = new byte[length];
        Arrays.fill(frame, (byte) fill);
        return frame;
    }

    private static String udp(int local, int remote) { return "udp:127.0.0.1:" + local + ",127.0.0.1:" + remote; }

    /** A port that was free a moment ago. */
    private static int port() throws IOException {
        try (DatagramChannel channel = DatagramChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))) {
            return ((InetSocketAddress) channel.getLocalAddress()).getPort();
        }
    }

    // -- hub --

    @Test
    void onAHubAllOthersHearAFrameAndNotTheSender() throws IOException {
        Wire first = wires.open("hub:lab"), second = wires.open("hub:lab"), third = wires.open("hub:lab"), elsewhere = wires.open("hub:other");
        Station[] stations = {new Station(first), new Station(second), new Station(third), new Station(elsewhere)};
        first.send(List.of(frame(60, 1), frame(61, 2)));
        assertEquals(List.of(0, 2, 2, 0), Arrays.stream(stations).map(station -> station.frames.size()).toList());
        second.close();
        third.send(List.of(frame(60, 3)));
        assertEquals(List.of(1, 2, 2, 0), Arrays.stream(stations).map(station -> station.frames.size()).toList());
    }

    @Test
    void aHubWithoutPowerGivesNoLink() throws IOException {
        Wire first = wires.open("hub:lab"), second = wires.open("hub:lab");
        Station station = new Station(second);
        wires.hub("lab").power(false);
        first.send(List.of(frame(60, 1)));
        assertFalse(first.up() || second.up() || !station.frames.isEmpty());
        wires.hub("lab").power(true);
        assertTrue(first.up() && second.up());
    }

    // -- udp --

    @Test
    void twoEndsByDatagramsExchangeFramesOfAllSizesInOrder() throws Exception {
        int left = port(), right = port();
        try (Wire first = wires.open(udp(left, right)); Wire second = wires.open(udp(right, left))) {
            Station station = new Station(second);
            List<byte[]> frames = new ArrayList<>();
            for (int i = 60; i <= 1518; i += 27) frames.add(frame(i, i));
            first.send(frames);
            for (byte[] frame : frames) assertArrayEquals(frame, station.next());
            Station back = new Station(first);
            second.send(frames.subList(0, 1));
            assertArrayEquals(frames.get(0), back.next());
        }
    }

    /** QEMU's {@code -netdev dgram}: one datagram is one frame and nothing else. */
    @Test
    void aDatagramIsAFrame() throws Exception {
        int local = port();
        try (DatagramChannel far = DatagramChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))) {
            try (Wire wire = wires.open(udp(local, ((InetSocketAddress) far.getLocalAddress()).getPort()))) {
                Station station = new Station(wire);
                wire.send(List.of(frame(1514, 5), frame(60, 6)));
                ByteBuffer buffer = ByteBuffer.allocate(2000);
                far.receive(buffer);
                assertArrayEquals(frame(1514, 5), Arrays.copyOf(buffer.array(), buffer.position()));
                far.receive(buffer.clear());
                assertEquals(60, buffer.position());
                InetSocketAddress here = new InetSocketAddress("127.0.0.1", local);
                for (int length : new int[] {0, 13, 1519, 9000, 42, 1518}) far.send(ByteBuffer.wrap(frame(length, 9)), here);
                assertArrayEquals(Arrays.copyOf(frame(42, 9), 60), station.next(), "what is no frame is left out, what is short is padded");
                assertArrayEquals(frame(1518, 9), station.next());
            }
        }
    }

    @Test
    void framesForNobodyAreLostAndLaterOnesArrive() throws Exception {
        int left = port(), right = port();
        try (Wire first = wires.open(udp(left, right))) {
            Station early = new Station(first);
            for (int i = 0; i < 10; i++) first.send(List.of(frame(60, i), frame(60, i)));
            try (Wire second = wires.open(udp(right, left))) {
                Station station = new Station(second);
                first.send(List.of(frame(77, 1), frame(77, 1))); // the first may only tell that nobody was there
                assertEquals(77, station.next().length);
                second.send(List.of(frame(88, 1)));
                assertEquals(88, early.next().length);
            }
        }
    }

    @Test
    void anAddressInUseIsTold() throws Exception {
        int left = port();
        try (Wire wire = wires.open(udp(left, port()))) {
            assertTrue(wire.up());
            assertThrows(IOException.class, () -> wires.open(udp(left, 9)));
        }
    }

    // -- pcap --

    @Test
    void bothDirectionsAreRecordedAsTcpdumpReadsThem() throws IOException {
        Path file = folder.resolve("trace.pcap");
        Wire wire = wires.open("pcap:trace.pcap+hub:lab"), other = wires.open("hub:lab");
        Station here = new Station(wire), there = new Station(other);
        wire.send(List.of(frame(60, 1), frame(1514, 2)));
        other.send(List.of(frame(99, 3)));
        wire.close();
        assertEquals(List.of(1, 2), List.of(here.frames.size(), there.frames.size()));
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        for (int word : new int[] {0xA1B2C3D4, 0x0004_0002, 0, 0, 65_535, 1}) assertEquals(word, bytes.getInt());
        for (byte[] frame : List.of(frame(60, 1), frame(1514, 2), frame(99, 3))) assertArrayEquals(frame, record(bytes));
        assertFalse(bytes.hasRemaining());
    }

    private static byte[] record(ByteBuffer bytes) {
        long second = bytes.getInt();
        assertTrue(Math.abs(System.currentTimeMillis() / 1000 - second) < 600 && bytes.getInt() < 1_000_000);
        byte[] frame = new byte[bytes.getInt()];
        assertEquals(frame.length, bytes.getInt());
        bytes.get(frame);
        return frame;
    }

    @Test
    void aRecordingAloneHasALinkAndTakesManyFrames() throws IOException {
        Path file = folder.resolve("alone.pcap");
        Wire wire = wires.open("pcap:" + file);
        assertTrue(wire.up());
        List<byte[]> frames = new ArrayList<>();
        for (int i = 0; i < 1000; i++) frames.add(frame(1514, i));
        frames.add(frame(70_000, 1));
        wire.send(frames);
        long size = 24 + 1000L * (16 + 1514) + 16 + 65_535;
        assertEquals(size, Files.size(file), "it is there before it is closed");
        wire.close();
        wire.send(frames);
        assertEquals(size, Files.size(file));
    }

    // -- tap --

    /** A tap interface that keeps what it is told. */
    private static final class TestTap implements HostNetwork, HostNetwork.Interface {
        final List<byte[]> sent = new ArrayList<>();
        String name;
        FrameSink host;
        boolean open;

        @Override
        public Interface tap(String name, FrameSink sink) {
            this.name = name;
            host = sink;
            open = true;
            return this;
        }

        @Override public String name() { return name; }

        @Override public boolean up() { return open; }

        @Override
        public int send(List<byte[]> frames) {
            sent.addAll(frames);
            return frames.size();
        }

        @Override public void close() { open = false; }
    }

    @Test
    void aTapIsTheHostsAndItsShortFramesArePadded() throws IOException {
        TestTap tap = new TestTap();
        try (Wire wire = new Wires(folder, () -> Optional.of(tap)).open("tap:vmk0")) {
            assertEquals("vmk0", tap.name);
            tap.host.frames(List.of(frame(60, 1)));
            Station station = new Station(wire);
            tap.host.frames(List.of(frame(42, 2), frame(100, 3)));
            assertEquals(List.of(60, 100), station.frames.stream().map(frame -> frame.length).toList());
            wire.send(List.of(frame(64, 4)));
            assertEquals(1, tap.sent.size());
            assertTrue(wire.up());
        }
        assertFalse(tap.open);
    }

    // -- mistakes --

    @Test
    void whatCannotBeOpenedIsToldInOneLine() {
        Path nowhere = folder.resolve("no").resolve("such.pcap");
        for (String[] row : new String[][] {
            {"string:1", "hub:NAME"}, {"", "hub:NAME"}, {"tap:vmk0", "host.linux"}, {"udp:1", "two addresses"}, {"udp:127.0.0.1:99999,127.0.0.1:1", "99999"},
            {"udp:here,there", "HOST:PORT"}, {"udp:no.such.host.invalid:1,127.0.0.1:2", "no.such.host.invalid"}, {"pcap:" + nowhere, "such.pcap"},
            {"pcap:" + nowhere + "+hub:x", "such.pcap"}, {"pcap:x+string:1", "hub:NAME"}, {"hub:", "name"}, {"pcap:", "file"}, {"tap:", "name"}}) {
            String message = assertThrows(IOException.class, () -> wires.open(row[0]), row[0]).getMessage();
            assertTrue(message.contains(row[1]) && !message.contains("\n"), row[0] + ": " + message);
        }
    }

    @Test
    void withoutACableThereIsNoLink() throws IOException {
        try (Wire wire = wires.open("none")) {
            wire.send(List.of(frame(60, 1)));
            assertFalse(wire.up());
        }
    }
}
