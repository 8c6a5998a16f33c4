package host.sim.nic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import host.sim.net.Wire;
import java.util.ArrayList;
import java.util.List;
import vmkernel.api.net.FrameSink;
import vmkernel.api.net.MacAddress;

/**
 * A little driver of the 8255x, written from the datasheet's numbers and not from the model's constants. Blocks are at fixed
 * places: action commands at 1000h, the statistics at 2000h, receive descriptors at 10000h, buffers at 80000h.
 */
final class TestDriver implements AutoCloseable {
    static final MacAddress MAC = MacAddress.parse("00:02:b3:12:34:56");
    static final int BLOCK = 0x1000, STATISTICS = 0x2000, RFDS = 0x10000, BUFFERS = 0x80000, RFD_BYTES = 0x800;
    static final int EL = 0x8000, S = 0x4000, I = 0x2000, SF = 0x0008;

    final TestSlot slot = new TestSlot();
    final TestWire wire = new TestWire();
    final Intel8255x chip;

    /** The far end of the wire: keeps what was sent. */
    static final class TestWire implements Wire {
        final List<byte[]> sent = new ArrayList<>();
        FrameSink sink;
        volatile boolean up = true, closed;

        @Override public void sink(FrameSink sink) { this.sink = sink; }

        @Override
        public void send(List<byte[]> frames) {
            synchronized (sent) {
                sent.addAll(frames);
            }
        }

        int count() {
            synchronized (sent) {
                return sent.size();
            }
        }

        /** The frame that was sent as the n-th, when it has been. */
        byte[] frame(int n) {
            TestSlot.await("frame " + n + " is sent", () -> count() > n);
            synchronized (sent) {
                return sent.get(n);
            }
        }

        @Override public boolean up() { return up; }

        @Override public void close() { closed = true; }
    }

    TestDriver() { this("82559"); }

    TestDriver(String model) {
        chip = new Intel8255x(slot, new NicSettings(NicSettings.Chip.valueOf("I" + model), MAC), wire);
        slot.model = chip;
    }

    @Override public void close() { chip.close(); }

    // -- registers --

    int in(int offset, int bytes) { return (int) chip.read(0, offset, bytes); }

    void out(int offset, int bytes, int value) { chip.write(0, offset, bytes, value & 0xFFFF_FFFFL); }

    int commandUnit() { return in(0, 1) >> 6; }

    int receiveUnit() { return in(0, 1) >> 2 & 0xF; }

    int causes() { return in(1, 1); }

    void command(int command, int pointer) {
        TestSlot.await("the command is accepted", () -> in(2, 1) == 0);
        out(4, 4, pointer);
        out(2, 1, command);
    }

    void awaitCommandUnit(int state) { TestSlot.await("CU state " + state, () -> commandUnit() == state); }

    /** A command block or a receive descriptor is complete. */
    void awaitDone(int address) { TestSlot.await("block " + address + " is done", () -> (word(address) & 0x8000) != 0); }

    // -- memory --

    int word(int address) { return slot.get(address, 2); }

    int dword(int address) { return slot.get(address, 4); }

    void word(int address, int value) { slot.put(address, 2, value); }

    void dword(int address, int value) { slot.put(address, 4, value); }

    void bytes(int address, byte[] bytes) { slot.write(address, bytes, 0, bytes.length); }

    byte[] bytes(int address, int length) {
        byte[] bytes = new byte[length];
        slot.read(address, bytes, 0, length);
        return bytes;
    }

    // -- action commands --

    /** Writes a block without starting it. */
    void block(int address, int command, int link, byte... parameters) {
        word(address, 0);
        word(address + 2, command);
        dword(address + 4, link);
        bytes(address + 8, parameters);
    }

    /** Runs one command as a list of its own. @return its status */
    int run(int command, byte... parameters) {
        block(BLOCK, command | EL, 0, parameters);
        command(0x10, BLOCK);
        awaitCommandUnit(0);
        return word(BLOCK);
    }

    /** Linux's bytes for an 82557, with changes given as index, value. */
    void configure(int... changes) {
        int[] base = {0x16, 0x08, 0, 0, 0, 0, 0x32, 0x07, 0x01, 0, 0x2E, 0, 0x60, 0, 0xF2, 0x48, 0, 0x40, 0xF2, 0x80, 0x3F, 0x05};
        for (int i = 0; i < changes.length; i += 2) base[changes[i]] = changes[i + 1];
        byte[] bytes = new byte[base.length];
        for (int i = 0; i < base.length; i++) bytes[i] = (byte) base[i];
        assertEquals(0xA000, run(2, bytes));
    }

    /** Parameters of a transmit command: buffer descriptor array, counts, and what follows. */
    static byte[] transmit(int array, int count, int descriptors, byte... data) {
        byte[] bytes = new byte[8 + data.length];
        for (int i = 0; i < 4; i++) bytes[i] = (byte) (array >> 8 * i);
        bytes[4] = (byte) count;
        bytes[5] = (byte) (count >> 8);
        bytes[6] = (byte) 0xE0;
        bytes[7] = (byte) descriptors;
        System.arraycopy(data, 0, bytes, 8, data.length);
        return bytes;
    }

    static byte[] simplified(byte[] frame) { return transmit(-1, frame.length | 0x8000, 0, frame); }

    // -- frames --

    /** Data with a pattern that tells a place from others. */
    static byte[] frame(String destination, int length) {
        byte[] frame = new byte[length];
        for (int i = 12; i < length; i++) frame[i] = (byte) (i * 7 + length);
        System.arraycopy(MacAddress.parse(destination).bytes(), 0, frame, 0, 6);
        System.arraycopy(MacAddress.parse("02:00:00:00:00:77").bytes(), 0, frame, 6, 6);
        frame[12] = 0x08;
        frame[13] = 0;
        return frame;
    }

    /** A list of addresses, as parameters of IA Setup, or of Multicast Setup behind its count. */
    static byte[] addresses(int before, String... addresses) {
        byte[] bytes = new byte[before + 6 * addresses.length];
        if (before > 0) bytes[0] = (byte) (6 * addresses.length);
        for (int i = 0; i < addresses.length; i++) System.arraycopy(MacAddress.parse(addresses[i]).bytes(), 0, bytes, before + 6 * i, 6);
        return bytes;
    }

    static int rfd(int n) { return RFDS + n * RFD_BYTES; }

    /** Descriptors in a row, the last with EL, each with room for 1536 bytes, and starts the RU. */
    void listen(int count) {
        for (int i = 0; i < count; i++) descriptor(i, i == count - 1 ? EL : 0, 1536);
        command(0x01, rfd(0));
    }

    void descriptor(int n, int command, int size) {
        dword(rfd(n), command << 16);
        dword(rfd(n) + 4, rfd(n + 1));
        dword(rfd(n) + 8, -1);
        dword(rfd(n) + 12, size << 16);
    }

    void receive(byte[]... frames) { wire.sink.frames(List.of(frames)); }

    /** What a descriptor has got. */
    byte[] received(int n) { return bytes(rfd(n) + 16, word(rfd(n) + 12) & 0x3FFF); }
}
