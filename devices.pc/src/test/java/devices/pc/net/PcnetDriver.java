package devices.pc.net;

import devices.pc.TestMachine;
import java.util.ArrayList;
import java.util.List;

/** A driver of the controller, as plain as one can be; written from the datasheet and not from the model. */
public final class PcnetDriver {
    public static final int PORTS = 0xC000, MEMORY = 0xF100_0000, RX_LOG = 3, TX_LOG = 3, RX_LENGTH = 1 << RX_LOG, TX_LENGTH = 1 << TX_LOG;
    private static final long BLOCK = 0x1000, RX_RING = 0x2000, TX_RING = 0x3000, RX_BUFFERS = 0x1_0000, TX_BUFFERS = 0x2_0000;
    private static final int BUFFER = 0x1000;

    public final TestMachine pc;
    public final Wire wire;
    public final int slot;
    public int style = 2, mode, bufferBytes = 1536;
    public long multicasts;
    public boolean wide; // dword I/O
    int rx, tx;
    /** What the receiver's descriptors said, besides data: flags of the last one of each frame. */
    public final List<Integer> receivedFlags = new ArrayList<>();

    /** Puts the adapter into a machine and turns its windows and its DMA on. */
    public PcnetDriver(TestMachine pc) {
        this(pc, new Wire());
        pc.switchPorts.put("ethernet0", wire);
        pc.add("vlance", "ethernet0");
        enable();
    }

    private PcnetDriver(TestMachine pc, Wire wire) {
        this.pc = pc;
        this.wire = wire;
        slot = 16;
    }

    /** Another driver for an adapter that is there, in whatever state. */
    public static PcnetDriver of(TestMachine pc) {
        PcnetDriver driver = new PcnetDriver(pc, (Wire) pc.switchPorts.get("ethernet0"));
        driver.enable();
        pc.out16(PORTS + 0x12, 88);
        driver.wide = pc.in16(PORTS + 0x12) != 88;
        return driver;
    }

    public void enable() {
        pc.pci(slot, 0, 0x10, PORTS);
        pc.pci(slot, 0, 0x14, MEMORY & 0xFFFF_FFFFL);
        pc.pci(slot, 0, 0x04, 7);
    }

    /** Goes over to dword I/O. */
    public void makeWide() {
        if (!wide) pc.out32(PORTS + 0x10, 0);
        wide = true;
    }

    public int csr(int number) { return register(number, 0x10, 0x10); }

    public int bcr(int number) { return register(number, 0x16, 0x1C); }

    public void csr(int number, int value) { register(number, 0x10, 0x10, value); }

    public void bcr(int number, int value) { register(number, 0x16, 0x1C, value); }

    private int register(int number, int word, int dword) {
        if (wide) {
            pc.out32(PORTS + 0x14, number);
            return (int) pc.in32(PORTS + dword);
        }
        pc.out16(PORTS + 0x12, number);
        return pc.in16(PORTS + word);
    }

    private void register(int number, int word, int dword, int value) {
        if (wide) {
            pc.out32(PORTS + 0x14, number);
            pc.out32(PORTS + dword, value);
        } else {
            pc.out16(PORTS + 0x12, number);
            pc.out16(PORTS + word, value);
        }
    }

    /** Reset, initialization block, rings with all receive buffers given away; then CSR0 = INIT, and then {@code run}. */
    public PcnetDriver start(int run) {
        if (wide) pc.in32(PORTS + 0x18);
        else pc.in16(PORTS + 0x14);
        prepare();
        csr(0, 1);
        csr(0, run);
        return this;
    }

    /** INEA and STRT. */
    public PcnetDriver start() { return start(0x42); }

    void prepare() {
        rx = tx = 0;
        csr(58, style);
        for (int i = 0; i < RX_LENGTH; i++) giveReceive(i);
        for (int i = 0; i < TX_LENGTH; i++) descriptor(TX_RING, i, 0, 0, 0);
        if (style == 0) block16();
        else block32();
        csr(1, (int) BLOCK);
        csr(2, 0);
    }

    private void block16() {
        put(BLOCK, 2, mode);
        address(BLOCK + 2);
        put(BLOCK + 8, 8, multicasts);
        put(BLOCK + 16, 4, RX_RING | (long) RX_LOG << 29);
        put(BLOCK + 20, 4, TX_RING | (long) TX_LOG << 29);
    }

    private void block32() {
        put(BLOCK, 4, mode | (long) RX_LOG << 20 | (long) TX_LOG << 28);
        address(BLOCK + 4);
        put(BLOCK + 10, 2, 0);
        put(BLOCK + 12, 8, multicasts);
        put(BLOCK + 20, 4, RX_RING);
        put(BLOCK + 24, 4, TX_RING);
    }

    private void address(long at) { pc.guestMemory.write(at, Wire.ADDRESS.bytes(), 0, 6); }

    private void put(long at, int bytes, long value) { pc.guestMemory.write(at, bytes, value); }

    private long get(long at, int bytes) { return pc.guestMemory.read(at, bytes); }

    private long at(long ring, int index) { return ring + (long) index * (style == 0 ? 8 : 16); }

    private void descriptor(long ring, int index, long buffer, int flags, int bytes) {
        long at = at(ring, index);
        if (style == 0) {
            put(at, 4, buffer | (long) flags << 16);
            put(at + 4, 4, -bytes & 0xFFFF);
        } else {
            put(at + (style == 3 ? 8 : 0), 4, buffer);
            put(at + (style == 3 ? 0 : 8), 4, 0);
            put(at + 4, 4, (long) flags << 16 | -bytes & 0xFFFF);
        }
    }

    private int flags(long ring, int index) { return (int) get(at(ring, index) + (style == 0 ? 2 : 6), 2) & (style == 0 ? 0xFF00 : 0xFFFF); }

    int receiveFlags(int index) { return flags(RX_RING, index); }

    public int transmitFlags(int index) { return flags(TX_RING, index); }

    /** Error bits 31:26 of the status of a transmit descriptor, as BUFF is 20h. */
    int transmitErrors(int index) { return (int) get(at(TX_RING, index) + (style == 0 ? 6 : style == 3 ? 2 : 10), 2) >> 10; }

    public void giveReceive(int index) { descriptor(RX_RING, index, RX_BUFFERS + (long) index * BUFFER, 0x8000, bufferBytes); }

    void takeReceive(int index) { descriptor(RX_RING, index, RX_BUFFERS + (long) index * BUFFER, 0, bufferBytes); }

    /** Queues a frame in one buffer, without telling. @param flags besides OWN, STP and ENP */
    public void queue(byte[] frame, int flags) { queuePart(frame, 0x8300 | flags); }

    /** Queues one buffer. @param flags all of them */
    public void queuePart(byte[] bytes, int flags) {
        pc.guestMemory.write(TX_BUFFERS + (long) tx * BUFFER, bytes, 0, bytes.length);
        descriptor(TX_RING, tx, TX_BUFFERS + (long) tx * BUFFER, flags, bytes.length);
        tx = (tx + 1) % TX_LENGTH;
    }

    public void queue(byte[] frame) { queue(frame, 0); }

    /** TDMD, with interrupts left on. */
    public void demand() { csr(0, 0x48); }

    public void send(byte[] frame) {
        queue(frame);
        demand();
    }

    /** Takes the frames that have arrived, with padding and check sequence, and gives their buffers back. */
    public List<byte[]> receive() {
        List<byte[]> frames = new ArrayList<>();
        byte[] frame = new byte[0];
        while ((receiveFlags(rx) & 0x8000) == 0) {
            int flags = receiveFlags(rx);
            if ((flags & 0x200) != 0) frame = new byte[0];
            int total = (int) get(at(RX_RING, rx) + (style == 0 ? 6 : style == 3 ? 0 : 8), 2) & 0xFFF;
            int part = (flags & 0x100) != 0 ? total - frame.length : bufferBytes;
            byte[] longer = java.util.Arrays.copyOf(frame, frame.length + part);
            pc.guestMemory.read(RX_BUFFERS + (long) rx * BUFFER, longer, frame.length, part);
            frame = longer;
            giveReceive(rx);
            rx = (rx + 1) % RX_LENGTH;
            if ((flags & 0x100) == 0) continue;
            frames.add(frame);
            receivedFlags.add(flags);
        }
        return frames;
    }
}
