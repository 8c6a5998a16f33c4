package devices.pc.net;

import devices.pc.PcDevice;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.GuestClock;
import vmkernel.api.device.GuestTimer;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.IoHandler;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.net.FrameSink;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.ReceiveFilter;
import vmkernel.api.net.SwitchPort;

/**
 * The Am79C970A PCnet-PCI II Ethernet controller [79C970A]: 32 bytes of registers, behind which are control and status registers
 * (CSR) and bus configuration registers (BCR), and rings of descriptors in guest memory. Its wire is a port of a virtual switch,
 * which knows no collisions, no preamble and no frame check sequence; what the guest sees of them is made up here.
 *
 * <p>A transmit demand takes all frames that are ready. The wire is faster than the 10 Mbit/s for which drivers made their rings:
 * frames for a ring that is full wait here, in order, and are missed only when many do.
 * LIMIT: byte swapping (BSWP) and look-ahead packet processing (LAPPEN) are kept and have no effect; no EEPROM, no boot ROM.
 */
final class Pcnet79C970A implements IoHandler, FrameSink {
    private static final int ADDRESS_PROM = 0x10, RDP = 0x10, WORD_RAP = 0x12, WORD_RESET = 0x14, WORD_BDP = 0x16, RAP = 0x14, RESET = 0x18, BDP = 0x1C;

    private static final int INIT = 0x0001, STRT = 0x0002, STOP = 0x0004, TDMD = 0x0008, TXON = 0x0010, RXON = 0x0020, IENA = 0x0040, INTR = 0x0080;
    private static final int IDON = 0x0100, TINT = 0x0200, RINT = 0x0400, MISS = 0x1000, BABL = 0x4000, ERR = 0x8000;
    private static final int CSR0_EVENTS = 0x7F00, CSR0_MASKABLE = 0x5F00, CSR0_ERRORS = 0x7800;
    private static final int CSR3_WRITABLE = 0x5F7C, DXSUFLO = 0x0040;
    private static final int TXDPOLL = 0x1000, APAD_XMT = 0x0800, ASTRP_RCV = 0x0400, MFCO = 0x0200, UINTCMD = 0x0080, UINT = 0x0040, TXSTRT = 0x0008;
    private static final int CSR4_EVENTS = 0x026A, CSR4_MASKABLE = 0x022A, CSR4_DEFAULT = 0x0115;
    private static final int TOKINTD = 0x8000, LTINTEN = 0x4000, CSR5_EVENTS = 0x0A90, SPND = 0x0001, MAGIC_PACKET = 0x0006;
    private static final int DRX = 0x0001, DTX = 0x0002, LOOP = 0x0004, DXMTFCS = 0x0008;
    private static final int LADRF = 8, PADR = 12, MODE = 15, POLLINT = 47, MISSED_FRAMES = 112;

    private static final int APROMWE = 0x0100, DWIO = 0x0080, LEDOUT = 0x8000, LED_LINK = 0x0040, LED_POLARITY = 0x0008, STYLE = 20;

    private static final int ADD_FCS = 0x2000, LTINT = 0x1000, TRANSMIT_RESULTS = 0xDC00, BUFF = 0x0400; // descriptors, bits 31:16
    private static final int STATUS_BUFF_UFLO = 0xC000_0000, STATUS_LCAR = 0x0800_0000;

    private static final int SHORTEST_FRAME = 60, LONGEST_FRAME = 1514, LARGEST_FRAME = 1518, HEADER = 14, FCS = 4;
    /** Descriptors that one access or one poll goes through, and those of one frame. What is left has its turn at the next poll. */
    private static final int BUDGET = 512, CHAIN = 64;
    /** Frames that wait for the guest: more than a TCP window of 64 KB, and not yet long to wait for. */
    private static final int WAITING = 256;
    /** For a guest that made room in its ring and then writes nothing to CSR0, which drivers do and where it is looked at, too. */
    private static final long FULL_RING_POLL_NANOS = 1_000_000;
    private static final long CLOCK_NANOS = 30, SHORTEST_POLL_NANOS = 100_000, LONGEST_POLL_NANOS = 32_000_000;

    private final GuestMemory memory;
    private final GuestClock clock;
    private final GuestTimer timer;
    private final SwitchPort port;
    private final BooleanSupplier busMaster;
    private final InterruptLine irq;

    private final int[] csr = new int[128], bcr = new int[32];
    private final byte[] prom = new byte[ADDRESS_PROM];
    private int rap;
    private boolean dwio;           // registers are dwords
    private boolean initialize, start; // asked for and not done as yet: DMA may be off
    private boolean asserted;
    private final DescriptorRing receiveRing, transmitRing;
    private final AddressFilter filter = new AddressFilter();
    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>(); // for a receive descriptor
    private long pollNanos = LONGEST_POLL_NANOS;
    private final transient CRC32 crc = new CRC32();
    private final transient byte[] tail = new byte[SHORTEST_FRAME + FCS]; // of a received frame: what the wire adds
    private MacAddress told;
    private ReceiveFilter toldFilter;

    Pcnet79C970A(DeviceContext context, SwitchPort port, BooleanSupplier busMaster, InterruptLine irq) {
        this.memory = context.memory();
        this.clock = context.clock();
        this.timer = context.timer(this::poll);
        this.port = port;
        this.busMaster = busMaster;
        this.irq = irq;
        receiveRing = new DescriptorRing(memory, false);
        transmitRing = new DescriptorRing(memory, true);
    }

    /** H_RESET: everything, and the address is read from its PROM. */
    void hardReset() {
        dwio = false;
        Arrays.fill(bcr, 0);
        bcr[0] = bcr[1] = 0x0005;   // MSRDA, MSWRA
        bcr[2] = 0x0002;            // MC
        bcr[4] = 0x00C0;            // LNKST
        bcr[5] = 0x0084;            // LED1
        bcr[6] = 0x0088;            // LED2
        bcr[7] = 0x0090;            // LED3
        bcr[18] = 0x9001;           // BSBC
        bcr[19] = 0x0002;           // EECAS
        bcr[22] = 0xFF06;           // PCILAT
        fillProm();
        csr[1] = csr[2] = 0;
        softReset();
        style(0);
        port.sink(this);
    }

    void close() {
        port.sink(null);
        timer.cancel();
    }

    /** Station address, hardware id, checksum, and "WW" [79C970A] Address PROM Space. */
    private void fillProm() {
        Arrays.fill(prom, (byte) 0);
        System.arraycopy(port.address().bytes(), 0, prom, 0, 6);
        prom[9] = 0x11;
        prom[14] = prom[15] = 'W';
        int sum = 0;
        for (byte value : prom) sum += value & 0xFF;
        prom[12] = (byte) sum;
        prom[13] = (byte) (sum >> 8);
    }

    /** S_RESET: a read of the reset register. BCRs, PCI registers and the width of the registers stay. */
    private void softReset() {
        stop();
        Arrays.fill(csr, 3, csr.length, 0); // the address of the block stays
        csr[0] = STOP;
        csr[4] = CSR4_DEFAULT;
        for (int i = 0; i < 3; i++) csr[PADR + i] = prom[2 * i] & 0xFF | (prom[2 * i + 1] & 0xFF) << 8;
        csr[80] = 0x1410;
        csr[88] = 0x1003;           // part 2621h, AMD, 1
        csr[89] = 0x0262;
        csr[100] = 0x0200;
        rap = 0;
        for (DescriptorRing ring : List.of(receiveRing, transmitRing)) {
            ring.base(0);
            ring.length(1);
        }
        settle();
    }

    void exchange(StateRecord state) {
        state.fill("csr", csr);
        state.fill("bcr", bcr);
        state.fill("prom", prom);
        rap = state.exchange("rap", rap);
        dwio = state.exchange("dwio", dwio);
        initialize = state.exchange("initialize", initialize);
        start = state.exchange("start", start);
        receiveRing.exchange(state.child("receive"));
        transmitRing.exchange(state.child("transmit"));
        pollNanos = state.exchange("pollNanos", pollNanos);
        filter.exchange(state.child("filter"));
        exchangeWaiting(state.child("waiting"));
        PcDevice.exchange(state, "timer", timer);
        if (!state.loading()) return;
        if ((csr[0] & RXON) != 0) tellSwitch();
        asserted = interrupts();
        irq.restore(asserted);
        port.sink(this);
    }

    private void exchangeWaiting(StateRecord state) {
        long[] lengths = state.exchange("lengths", waiting.stream().mapToLong(frame -> frame.length).toArray());
        byte[] bytes = new byte[(int) Arrays.stream(lengths).sum()];
        int at = 0;
        if (!state.loading()) {
            for (byte[] frame : waiting) {
                System.arraycopy(frame, 0, bytes, at, frame.length);
                at += frame.length;
            }
        }
        bytes = state.exchange("bytes", bytes);
        if (!state.loading()) return;
        waiting.clear();
        for (long length : lengths) waiting.add(Arrays.copyOfRange(bytes, at, at += (int) length));
    }

    // -- the 32 bytes --

    @Override
    public long read(long offset, int bytes) {
        int at = (int) offset;
        if (at < ADDRESS_PROM) return readProm(at, bytes);
        if (dwio) return bytes < 4 || (at & 3) != 0 ? -1 : readRegister(at, RAP, RESET, BDP);
        return bytes == 2 ? readRegister(at, WORD_RAP, WORD_RESET, WORD_BDP) : -1;
    }

    private long readProm(int at, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) value = value << 8 | (at + i < ADDRESS_PROM ? prom[at + i] & 0xFF : 0xFF);
        return value;
    }

    private long readRegister(int at, int rapAt, int resetAt, int bdpAt) {
        if (at == RDP) return csr(rap);
        if (at == rapAt) return rap;
        if (at == bdpAt) return bcr(rap);
        if (at != resetAt) return -1;
        softReset();
        return 0;
    }

    @Override
    public void write(long offset, int bytes, long value) {
        int at = (int) offset;
        if (at < ADDRESS_PROM) {
            writeProm(at, bytes, value);
        } else if (dwio) {
            if (bytes >= 4 && (at & 3) == 0) writeRegister(at, RAP, BDP, (int) value & 0xFFFF);
        } else if (bytes == 2) {
            writeRegister(at, WORD_RAP, WORD_BDP, (int) value & 0xFFFF);
        } else if (bytes == 4 && at == RDP) { // this switches to dwords, until H_RESET
            dwio = true;
            csr(rap, (int) value & 0xFFFF);
        }
    }

    private void writeProm(int at, int bytes, long value) {
        if ((bcr[2] & APROMWE) == 0) return;
        for (int i = 0; i < bytes && at + i < ADDRESS_PROM; i++) prom[at + i] = (byte) (value >>> 8 * i);
    }

    private void writeRegister(int at, int rapAt, int bdpAt, int value) {
        if (at == RDP) csr(rap, value);
        else if (at == rapAt) rap = value & 0x7F;
        else if (at == bdpAt) bcr(rap, value);
    }

    // -- control and status registers --

    private int csr(int number) {
        return switch (number) {
            case 0 -> csr[0] | ((csr[0] & CSR0_ERRORS) != 0 ? ERR : 0) | (events() ? INTR : 0);
            case 16, 17 -> csr[number - 15];
            case 24 -> receiveRing.base() & 0xFFFF;
            case 25 -> receiveRing.base() >>> 16;
            case 30 -> transmitRing.base() & 0xFFFF;
            case 31 -> transmitRing.base() >>> 16;
            case 58 -> bcr(STYLE);
            case 72 -> receiveRing.index() - receiveRing.length() & 0xFFFF;
            case 74 -> transmitRing.index() - transmitRing.length() & 0xFFFF;
            case 76 -> -receiveRing.length() & 0xFFFF;
            case 78 -> -transmitRing.length() & 0xFFFF;
            default -> csr[number];
        };
    }

    private void csr(int number, int value) {
        switch (number) {
            case 0 -> control(value);
            case 3 -> csr[3] = value & CSR3_WRITABLE;
            case 4 -> testAndFeatures(value);
            case 5 -> extendedControl(value);
            default -> { if (stopped() || suspended()) setUp(number, value); }
        }
        settle();
    }

    /** Registers that can be written only while the controller rests. */
    private void setUp(int number, int value) {
        switch (number) {
            case 1, 2, 8, 9, 10, 11, 12, 13, 14, 15, POLLINT, 80, 82, 100, MISSED_FRAMES, 114, 122, 124 -> csr[number] = value;
            case 16, 17 -> csr[number - 15] = value;
            case 24 -> receiveRing.base(receiveRing.base() & 0xFFFF_0000 | value);
            case 25 -> receiveRing.base(receiveRing.base() & 0xFFFF | value << 16);
            case 30 -> transmitRing.base(transmitRing.base() & 0xFFFF_0000 | value);
            case 31 -> transmitRing.base(transmitRing.base() & 0xFFFF | value << 16);
            case 58 -> bcr(STYLE, value);
            case 72 -> receiveRing.index(value - 0x1_0000 + receiveRing.length());
            case 74 -> transmitRing.index(value - 0x1_0000 + transmitRing.length());
            case 76 -> receiveRing.length(0x1_0000 - value);
            case 78 -> transmitRing.length(0x1_0000 - value);
            default -> { }
        }
        if (number == 2 || number == 17) style(bcr[STYLE] & 0xFF); // its upper half extends 24-bit addresses
    }

    /** CSR0. STOP goes before everything else. */
    private void control(int value) {
        csr[0] &= ~(value & CSR0_EVENTS);
        if ((value & STOP) != 0) {
            stop();
            return;
        }
        csr[0] = csr[0] & ~IENA | value & IENA;
        if ((value & ~csr[0] & INIT) != 0) initialize = true;
        if ((value & ~csr[0] & STRT) != 0) start = true;
        csr[0] |= value & (INIT | STRT);
        if (initialize || start) csr[0] &= ~STOP;
        work();
        if ((value & TDMD) != 0) transmit();
    }

    private void stop() {
        csr[0] = STOP;
        csr[4] &= ~CSR4_EVENTS;
        csr[5] &= ~(CSR5_EVENTS | MAGIC_PACKET | SPND);
        initialize = start = false;
        waiting.clear();
        timer.cancel();
    }

    private void testAndFeatures(int value) {
        int events = csr[4] & CSR4_EVENTS & ~value;
        csr[4] = value & ~(CSR4_EVENTS | UINTCMD) | events | ((value & UINTCMD) != 0 ? UINT : 0);
        schedule();
    }

    private void extendedControl(int value) {
        boolean resumes = suspended() && (value & SPND) == 0;
        csr[5] = value & ~CSR5_EVENTS & 0xCFFF | csr[5] & CSR5_EVENTS & ~value;
        if (stopped()) csr[5] &= ~SPND;
        if (!resumes) return;
        setFilter();
        work();
        transmit();
        schedule();
    }

    private boolean stopped() { return (csr[0] & STOP) != 0; }

    private boolean suspended() { return (csr[5] & SPND) != 0; }

    private boolean looped() { return (csr[MODE] & LOOP) != 0; }

    // -- bus configuration registers --

    private int bcr(int number) {
        if (number >= bcr.length) return 0;
        return switch (number) {
            case 4, 5, 6, 7 -> bcr[number] | ((bcr[number] & leds()) != 0 ? LEDOUT : 0);
            case 18 -> bcr[18] | (dwio ? DWIO : 0);
            default -> bcr[number];
        };
    }

    /** What can be shown by a LED for longer than a moment. */
    private int leds() { return port.link().up() ? LED_LINK | LED_POLARITY : 0; }

    private void bcr(int number, int value) {
        switch (number) {
            case 0, 1, 16, 17, 19, 21 -> bcr[number] = value;
            case 2 -> bcr[2] = value & 0x41EB;
            case 4, 5, 6, 7 -> bcr[number] = value & 0x63FF;
            case 9 -> bcr[9] = value & 7;
            case 18 -> bcr[18] = value & ~DWIO;
            case STYLE -> { if (stopped() || suspended()) style(value & 0xFF); }
            default -> { }
        }
    }

    /** Software style [79C970A] BCR20: bit 8 is SSIZE32, bit 9 CSRPCNET. Reserved ones change nothing. */
    private void style(int style) {
        if (style > 3) return;
        bcr[STYLE] = style | (style != 0 ? 0x100 : 0) | (style != 1 ? 0x200 : 0);
        int high = (csr[2] & 0xFF00) << 16;
        receiveRing.style(style, high);
        transmitRing.style(style, high);
    }

    // -- initialization and interrupts --

    void busMasterChanged() {
        work();
        settle();
    }

    /** Does what was asked for as soon as DMA is allowed. */
    private void work() {
        if (!busMaster.getAsBoolean()) return;
        if (initialize) readInitializationBlock();
        if (start) begin();
        deliverWaiting();
    }

    private void readInitializationBlock() {
        initialize = false;
        long at = (csr[1] | csr[2] << 16) & 0xFFFF_FFFFL;
        if ((bcr[STYLE] & 0xFF) == 0) readWords(at & ~1L);
        else readDwords(at & ~3L);
        csr[0] |= IDON;
    }

    private void readWords(long at) {
        csr[MODE] = word(at);
        for (int i = 0; i < 3; i++) csr[PADR + i] = word(at + 2 + 2 * i);
        for (int i = 0; i < 4; i++) csr[LADRF + i] = word(at + 8 + 2 * i);
        int rx = (int) memory.read(at + 16, 4), tx = (int) memory.read(at + 20, 4), high = (csr[2] & 0xFF00) << 16;
        rings(rx & 0xFF_FFF8 | high, rx >>> 29, tx & 0xFF_FFF8 | high, tx >>> 29);
    }

    private void readDwords(long at) {
        int first = (int) memory.read(at, 4);
        csr[MODE] = first & 0xFFFF;
        for (int i = 0; i < 3; i++) csr[PADR + i] = word(at + 4 + 2 * i);
        for (int i = 0; i < 4; i++) csr[LADRF + i] = word(at + 12 + 2 * i);
        rings((int) memory.read(at + 20, 4) & -16, first >>> 20 & 15, (int) memory.read(at + 24, 4) & -16, first >>> 28);
    }

    private int word(long at) { return (int) memory.read(at, 2); }

    private void rings(int receiveBase, int receiveLength, int transmitBase, int transmitLength) {
        receiveRing.base(receiveBase);
        receiveRing.length(1 << Math.min(9, receiveLength));
        transmitRing.base(transmitBase);
        transmitRing.length(1 << Math.min(9, transmitLength));
        csr[6] = transmitLength << 12 | receiveLength << 8;
    }

    private void begin() {
        start = false;
        csr[0] |= ((csr[MODE] & DTX) == 0 ? TXON : 0) | ((csr[MODE] & DRX) == 0 ? RXON : 0);
        pollNanos = pollInterval();
        setFilter();
        transmit();
        schedule();
    }

    private void setFilter() {
        long own = 0, hash = 0;
        for (int i = 0; i < 3; i++) own = own << 16 | (csr[PADR + i] & 0xFF) << 8 | csr[PADR + i] >> 8;
        for (int i = 3; i >= 0; i--) hash = hash << 16 | csr[LADRF + i];
        filter.set(own, hash, csr[MODE]);
        tellSwitch();
    }

    /** The switch need not send what nobody wants to hear. */
    private void tellSwitch() {
        if (filter.address().equals(told) && filter.forSwitch().equals(toldFilter)) return;
        told = filter.address();
        toldFilter = filter.forSwitch();
        port.filter(told, toldFilter);
    }

    /** INTR: an event that its mask or enable bit lets through. In CSR4 the masks are one bit below, in CSR5 the enable bits. */
    private boolean events() {
        return (csr[0] & ~csr[3] & CSR0_MASKABLE) != 0 || (csr[4] & (~(csr[4] << 1) & CSR4_MASKABLE | UINT)) != 0
                || (csr[5] & csr[5] << 1 & CSR5_EVENTS) != 0;
    }

    private boolean interrupts() { return (csr[0] & IENA) != 0 && events(); }

    private void settle() {
        if (interrupts() == asserted) return;
        asserted = !asserted;
        irq.set(asserted);
    }

    // -- polling --

    private long pollInterval() { return Math.max(SHORTEST_POLL_NANOS, (0x1_0000 - csr[POLLINT]) * CLOCK_NANOS); }

    /** Descriptors of which nothing told us. A driver that leaves them lying gets them looked at as programmed, an idle one less and less. */
    private void poll() {
        deliverWaiting();
        pollNanos = transmit() ? pollInterval() : Math.min(2 * pollNanos, LONGEST_POLL_NANOS);
        settle();
        schedule();
    }

    private void schedule() {
        long now = clock.nanos(), at = GuestTimer.DISARMED;
        if (!waiting.isEmpty()) at = now + FULL_RING_POLL_NANOS;
        if ((csr[0] & TXON) != 0 && (csr[4] & TXDPOLL) == 0) at = Math.min(at, now + pollNanos);
        if (at == GuestTimer.DISARMED || suspended()) timer.cancel();
        else timer.at(at);
    }

    // -- transmitter --

    /** Sends what is ready, in one go. @return true if there was something */
    private boolean transmit() {
        if ((csr[0] & TXON) == 0 || suspended() || !busMaster.getAsBoolean()) return false;
        List<byte[]> frames = null;
        boolean carrier = looped() || port.link().up(), any = false;
        for (int left = Math.min(BUDGET, transmitRing.length()); left > 0 && (csr[0] & TXON) != 0 && transmitRing.look(0); left--) {
            any = true;
            byte[] frame = nextFrame(carrier);
            if (frame == null) continue;
            if (frames == null) frames = new ArrayList<>();
            frames.add(frame);
        }
        if (any) csr[4] |= TXSTRT;
        if (frames != null) send(frames);
        return any;
    }

    private void send(List<byte[]> frames) {
        if (!looped()) port.transmit(frames);
        else if ((csr[0] & RXON) != 0) frames.forEach(this::arrive);
    }

    /** The frame that starts at the present descriptor, which is ours; null if none goes out. Its descriptors are given back. */
    private byte[] nextFrame(boolean carrier) {
        if (!transmitRing.has(DescriptorRing.STP)) { // the rest of a frame that failed
            transmitRing.giveBack(transmitRing.flags() & ~TRANSMIT_RESULTS);
            transmitRing.advance();
            return null;
        }
        int descriptors = 1, bytes = transmitRing.bytes();
        for (; !transmitRing.has(DescriptorRing.ENP); descriptors++) {
            if (descriptors == Math.min(CHAIN, transmitRing.length()) || !transmitRing.look(descriptors)) {
                underflow(descriptors);
                return null;
            }
            bytes += transmitRing.bytes();
        }
        if (descriptors > 1) transmitRing.look(0);
        return gather(descriptors, bytes, carrier);
    }

    private byte[] gather(int descriptors, int bytes, boolean carrier) {
        boolean pads = (csr[4] & APAD_XMT) != 0 && bytes < SHORTEST_FRAME;
        boolean ownFcs = !pads && (csr[MODE] & DXMTFCS) != 0 && !transmitRing.has(ADD_FCS);
        int length = pads ? SHORTEST_FRAME : ownFcs ? bytes - FCS : bytes;
        byte[] frame = new byte[Math.max(0, Math.min(length, LARGEST_FRAME))];
        for (int at = 0; ; descriptors--) {
            int part = Math.min(transmitRing.bytes(), frame.length - at);
            memory.read(transmitRing.address(), frame, at, part);
            at += part;
            if (descriptors == 1) break;
            transmitRing.giveBack(transmitRing.flags() & ~TRANSMIT_RESULTS);
            transmitRing.advance();
            transmitRing.look(0);
        }
        finish(carrier ? 0 : STATUS_LCAR);
        if (length > LONGEST_FRAME) csr[0] |= BABL;
        return carrier && length >= HEADER && length <= LARGEST_FRAME ? frame : null;
    }

    /** The host has not given the next buffer of a frame. */
    private void underflow(int descriptors) {
        transmitRing.look(0);
        for (; descriptors > 1; descriptors--) {
            transmitRing.giveBack(transmitRing.flags() & ~TRANSMIT_RESULTS);
            transmitRing.advance();
            transmitRing.look(0);
        }
        finish(STATUS_BUFF_UFLO);
        if ((csr[3] & DXSUFLO) == 0) csr[0] &= ~TXON;
    }

    /** The last descriptor of a frame. @param status errors, 0 for none */
    private void finish(int status) {
        int flags = transmitRing.flags();
        boolean quiet = (csr[5] & TOKINTD) != 0 || (csr[5] & LTINTEN) != 0 && (flags & LTINT) == 0;
        if (status != 0 || !quiet) csr[0] |= TINT;
        transmitRing.giveBack(flags & ~TRANSMIT_RESULTS | (status != 0 ? DescriptorRing.ERR : 0), status);
        transmitRing.advance();
    }

    // -- receiver --

    @Override
    public void frames(List<byte[]> frames) {
        if ((csr[0] & RXON) == 0 || looped()) return;
        for (int i = 0; i < frames.size(); i++) arrive(frames.get(i));
        settle();
    }

    private void arrive(byte[] frame) {
        int match = frame.length < HEADER ? AddressFilter.NONE : filter.match(frame);
        if (match == AddressFilter.NONE) return;
        if (waiting.isEmpty() && store(frame, match)) return;
        if (waiting.size() == WAITING) {
            miss();
            return;
        }
        waiting.add(frame);
        if (waiting.size() == 1) schedule();
    }

    private void miss() {
        csr[0] |= MISS;
        csr[MISSED_FRAMES] = csr[MISSED_FRAMES] + 1 & 0xFFFF;
        if (csr[MISSED_FRAMES] == 0) csr[4] |= MFCO;
    }

    private void deliverWaiting() {
        while (!waiting.isEmpty() && (csr[0] & RXON) != 0) {
            int match = filter.match(waiting.peek());
            if (match != AddressFilter.NONE && !store(waiting.peek(), match)) return;
            waiting.remove();
        }
    }

    /** Puts a frame with its padding and check sequence into the ring. @return false if the guest has no room, or the controller rests */
    private boolean store(byte[] frame, int match) {
        if (suspended() || !busMaster.getAsBoolean() || !receiveRing.look(0)) return false;
        int bytes = addTail(frame), flags = DescriptorRing.STP;
        for (int at = 0; ; flags = 0) {
            int part = Math.min(receiveRing.bytes(), bytes - at);
            copy(frame, at, part, receiveRing.address());
            at += part;
            if (at == bytes) break;
            boolean more = receiveRing.length() > 1 && receiveRing.look(1);
            receiveRing.look(0);
            if (!more) { // the rest is lost
                flags |= DescriptorRing.ERR | BUFF;
                break;
            }
            receiveRing.giveBack(flags);
            receiveRing.advance();
            receiveRing.look(0);
        }
        if ((flags & DescriptorRing.ERR) != 0) receiveRing.giveBack(flags);
        else receiveRing.giveBack(flags | DescriptorRing.ENP | match & AddressFilter.SHOWN, bytes);
        receiveRing.advance();
        csr[0] |= RINT;
        return true;
    }

    /** What a wire adds to a frame: padding, if it is short, and the check sequence; or what strips both. @return bytes for the host */
    private int addTail(byte[] frame) {
        int field = (frame[12] & 0xFF) << 8 | frame[13] & 0xFF, pad = Math.max(0, SHORTEST_FRAME - frame.length);
        Arrays.fill(tail, 0, pad, (byte) 0);
        if ((csr[4] & ASTRP_RCV) != 0 && field < SHORTEST_FRAME - HEADER) return HEADER + field;
        crc.reset();
        crc.update(frame, 0, frame.length);
        crc.update(tail, 0, pad);
        int value = (int) crc.getValue();
        for (int i = 0; i < FCS; i++) tail[pad + i] = (byte) (value >>> 8 * i);
        return frame.length + pad + FCS;
    }

    /** A part of the frame with its tail, into guest memory. */
    private void copy(byte[] frame, int from, int bytes, long to) {
        int own = Math.max(0, Math.min(bytes, frame.length - from));
        if (own > 0) memory.write(to, frame, from, own);
        if (bytes > own) memory.write(to + own, tail, from + own - frame.length, bytes - own);
    }
}
