package devices.pc.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import devices.pc.Qemu;
import devices.pc.TestMachine;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Our controller and QEMU's pcnet, told the same: registers, initialization blocks, descriptors, data and the frames on the wire must
 * be equal. What QEMU is known to do otherwise than the datasheet says is named where it is avoided.
 */
class PcnetComparisonTest {
    private static final int PORTS = PcnetDriver.PORTS, BLOCK = 0x1000, RX = 0x2000, TX = 0x3000, RX_DATA = 0x1_0000, TX_DATA = 0x2_0000, BUFFER = 0x800, COUNT = 4;
    private static DatagramSocket wire;
    private static Qemu qemu;

    private final TestMachine pc = TestMachine.board();
    private final PcnetDriver ours = new PcnetDriver(pc);
    private final Random random = new Random(970);
    private int style, rx, tx;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        wire = new DatagramSocket(0, InetAddress.getLoopbackAddress());
        wire.setSoTimeout(20_000);
        int port;
        try (DatagramSocket free = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        wire.connect(InetAddress.getLoopbackAddress(), port);
        qemu = new Qemu("-netdev", "dgram,id=n0,local.type=inet,local.host=127.0.0.1,local.port=" + port + ",remote.type=inet,remote.host=127.0.0.1,remote.port="
                + wire.getLocalPort(), "-device", "pcnet,netdev=n0,mac=" + Wire.ADDRESS + ",addr=4,romfile=");
        configure(0x10, PORTS);
        configure(0x04, 7);
    }

    private static void configure(int register, long value) {
        qemu.out32(0xCF8, 0x8000_0000L | 4 << 11 | register);
        qemu.out32(0xCFC, value);
    }

    @AfterAll
    static void stop() throws IOException, InterruptedException {
        if (qemu != null) qemu.close();
        wire.close();
    }

    private void csr(int number, int value) { write(number, 0x10, value); }

    private void write(int number, int data, int value) {
        ours.pc.out16(PORTS + 0x12, number);
        ours.pc.out16(PORTS + data, value);
        qemu.out16(PORTS + 0x12, number);
        qemu.out16(PORTS + data, value);
    }

    private void same(String what, int number, int data, int mask) {
        ours.pc.out16(PORTS + 0x12, number);
        qemu.out16(PORTS + 0x12, number);
        assertEquals(Integer.toHexString(qemu.in16(PORTS + data) & mask), Integer.toHexString(pc.in16(PORTS + data) & mask), what + number);
    }

    private void same(int csr) { same("CSR", csr, 0x10, 0xFFFF); }

    private void put(long at, byte[] bytes) {
        pc.guestMemory.write(at, bytes, 0, bytes.length);
        qemu.write(at, bytes);
    }

    private void put(long at, int bytes, long value) {
        byte[] all = new byte[bytes];
        for (int i = 0; i < bytes; i++) all[i] = (byte) (value >>> 8 * i);
        put(at, all);
    }

    private void same(String what, long at, int bytes) {
        byte[] mine = new byte[bytes];
        pc.guestMemory.read(at, mine, 0, bytes);
        assertArrayEquals(qemu.read(at, bytes), mine, what);
    }

    private void reset() {
        pc.in16(PORTS + 0x14);
        qemu.in16(PORTS + 0x14);
    }

    /** The rings start empty. */
    private void initialize(int mode, long multicasts) {
        rx = tx = 0;
        csr(58, style);
        put(RX, new byte[16 * COUNT]);
        put(TX, new byte[16 * COUNT]);
        boolean wide = style != 0;
        put(BLOCK, wide ? 4 : 2, wide ? mode | 2L << 20 | 2L << 28 : mode);
        put(BLOCK + (wide ? 4 : 2), Wire.ADDRESS.bytes());
        put(BLOCK + (wide ? 12 : 8), 8, multicasts);
        put(BLOCK + (wide ? 20 : 16), 4, wide ? RX : RX | 2L << 29);
        put(BLOCK + (wide ? 24 : 20), 4, wide ? TX : TX | 2L << 29);
        csr(1, BLOCK);
        csr(2, 0);
        csr(0, 1);
        same(0);
        for (int number = 8; number <= 15; number++) same(number);
    }

    private long descriptor(long ring, int index) { return ring + (long) index * (style == 0 ? 8 : 16); }

    /** OWN comes last, as drivers set it. */
    private void give(long ring, int index, long buffer, int flags, int bytes) {
        long at = descriptor(ring, index);
        if (style == 0) {
            put(at + 4, 4, -bytes & 0xFFFF);
            put(at, 4, buffer | (long) flags << 16);
        } else {
            put(at + (style == 3 ? 8 : 0), 4, buffer);
            put(at + (style == 3 ? 0 : 8), 4, 0);
            put(at + 4, 4, (long) flags << 16 | -bytes & 0xFFFF);
        }
    }

    private byte[] frame(int bytes) {
        byte[] frame = new byte[bytes];
        random.nextBytes(frame);
        frame[12] = 8;
        return frame;
    }

    // -- registers --

    @Test
    void afterAResetRegistersAreTheSame() {
        reset();
        csr(1, 0x1234);
        csr(2, 0x5678);
        csr(58, 0);
        reset();
        for (int i = 0; i < 16; i++) if (i != 9 && i != 12 && i != 13) assertEquals(qemu.in(PORTS + i), pc.in(PORTS + i), "APROM"); // QEMU's hardware id is 1
        for (int csr : new int[] {0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 58, 80, 88, 89, 100, 112, 114, 122, 124}) same(csr);
        for (int bcr : new int[] {0, 1, 2, 4, 5, 6, 7, 9, 18, 19, 20}) same("BCR", bcr, 0x16, bcr == 6 ? 0x7FFF : 0xFFFF); // QEMU shows no polarity
    }

    @Test
    void theSetUpCanBeWrittenAndReadBack() {
        for (int i = 0; i < 100; i++) {
            reset();
            for (int csr : new int[] {1, 2, 8, 9, 10, 11, 12, 13, 14, 24, 25, 30, 31}) {
                csr(csr, random.nextInt(0x10000));
                same(csr);
            }
            csr(58, random.nextInt(4));
            same(58);
        }
    }

    // -- frames --

    private byte[] sent() throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[2048], 2048);
        wire.receive(packet);
        return Arrays.copyOf(packet.getData(), packet.getLength());
    }

    /** Chains of up to three buffers. QEMU keeps TDMD set until it polls. */
    @Test
    void framesGoOut() throws IOException {
        for (int round = 0; round < 40; round++) {
            reset();
            style = new int[] {0, 2, 3}[round % 3];
            initialize(0, 0);
            csr(4, random.nextBoolean() ? 0x0915 : 0x0115);
            csr(0, 0x42);
            for (int n = 0; n < 6; n++) sendOne(60 + random.nextInt(1400), 1 + random.nextInt(3));
        }
    }

    private void sendOne(int bytes, int parts) throws IOException {
        byte[] frame = frame(bytes);
        int first = tx;
        for (int i = parts - 1, end = bytes; i >= 0; i--) { // the first one last: QEMU polls by itself
            int place = (first + i) % COUNT, at = i == 0 ? 0 : i * 16 + random.nextInt(16);
            put(TX_DATA + place * BUFFER, Arrays.copyOfRange(frame, at, end));
            give(TX, place, TX_DATA + place * BUFFER, 0x8000 | (i == 0 ? 0x200 : 0) | (i == parts - 1 ? 0x100 : 0), end - at);
            end = at;
        }
        tx = (first + parts) % COUNT;
        int before = ours.wire.sent.size();
        csr(0, 0x48);
        assertEquals(before + 1, ours.wire.sent.size());
        assertArrayEquals(sent(), ours.wire.sent.get(before));
        same("CSR", 0, 0x10, ~0x08);
        same("transmit ring", TX, COUNT * (style == 0 ? 8 : 16));
        csr(0, 0x240);
    }

    /** Address filter, padding, check sequence, chains, the ring. */
    @Test
    void framesComeIn() throws Exception {
        for (int round = 0; round < 30; round++) {
            reset();
            style = new int[] {0, 2, 3}[round % 3];
            initialize(new int[] {0, 0x8000, 0x4000}[random.nextInt(3)], random.nextLong());
            csr(4, 0x0115);
            csr(0, 0x42);
            csr(0, 0x140);
            int buffer = random.nextInt(3) == 0 ? 600 : 1600;
            for (int i = 0; i < COUNT; i++) give(RX, i, RX_DATA + i * BUFFER, 0x8000, buffer);
            for (int n = 0; n < 8; n++) receiveOne(14 + random.nextInt(1500), buffer);
        }
    }

    private void receiveOne(int bytes, int buffer) throws Exception {
        byte[] frame = frame(Math.max(60, bytes));
        switch (random.nextInt(4)) {
            case 0 -> Arrays.fill(frame, 0, 6, (byte) ((ours.csr(15) & 0x4000) != 0 ? 0 : 0xFF)); // QEMU's go through the hash where they are off
            case 1 -> frame[0] |= 1;
            case 2 -> frame[0] &= ~1;
            default -> System.arraycopy(Wire.ADDRESS.bytes(), 0, frame, 0, 6);
        }
        ours.wire.arrive(frame);
        wire.send(new DatagramPacket(frame, frame.length));
        boolean heard = (ours.csr(0) & 0x400) != 0;
        if (heard) for (int wait = 0; wait < 2000 && (theirs() & 0x400) == 0; wait++) Thread.sleep(5);
        same(0);
        if ((ours.csr(15) & 0x8000) != 0) clearMatches();
        same("receive ring", RX, COUNT * (style == 0 ? 8 : 16));
        if (heard) clearFcs(frame.length, buffer);
        for (int i = 0; i < COUNT; i++) same("data", RX_DATA + i * BUFFER, BUFFER);
        csr(0, 0x440);
        for (; heard && (flags(rx) & 0x8000) == 0; rx = (rx + 1) % COUNT) give(RX, rx, RX_DATA + rx * BUFFER, 0x8000, buffer);
    }

    /** QEMU shows in the promiscuous mode no reason why it takes a frame. */
    private void clearMatches() {
        if (style != 0) for (int i = 0; i < COUNT; i++) pc.guestMemory.write(descriptor(RX, i) + 6, 1, flags(i) & 0x0F);
    }

    /** QEMU has zeros for the check sequence. */
    private void clearFcs(int at, int buffer) {
        for (int i = at; i < at + 4; i++) pc.guestMemory.write(RX_DATA + (rx + i / buffer) % COUNT * BUFFER + i % buffer, 1, 0);
    }

    private int theirs() {
        qemu.out16(PORTS + 0x12, 0);
        return qemu.in16(PORTS + 0x10);
    }

    private int flags(int index) { return (int) pc.guestMemory.read(descriptor(RX, index) + (style == 0 ? 2 : 6), 2); }
}
