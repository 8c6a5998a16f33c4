package host.sim.nic;

import static host.sim.nic.SystemControlBlock.FR;
import static host.sim.nic.SystemControlBlock.RNR;

import host.sim.bus.BusMemory;
import host.sim.net.Ethernet;
import java.util.List;
import java.util.function.Supplier;
import vmkernel.api.net.MacAddress;

/**
 * The Receive Unit [8255x] 6.4.3: fills the Receive Frame Area, on the thread that brings the frames. The lock is held for a few
 * frames at a time.
 */
final class ReceiveUnit {
    static final int IDLE = 0, SUSPENDED = 1, NO_RESOURCES = 2, READY = 4;

    private static final int WITHOUT_RBDS = 8; // bit of RUS: it is the buffer descriptors that have run out, or that are resumed
    private static final int START = 1, RESUME = 2, ABORT = 4, LOAD_HEADER_SIZE = 5, LOAD_BASE = 6, RBD_RESUME = 7;
    private static final int DONE = 0x8000, OK = 0x2000, NO_BUFFER = 0x0200, SHORT = 0x0080, TYPE = 0x0020, NOT_OWN = 0x0002; // status
    private static final int EL = 0x8000, S = 0x4000, HEADER_ONLY = 0x0010, FLEXIBLE = 0x0008; // command
    private static final int STATUS = 0, LINK = 4, RBD = 8, COUNT = 12, SIZE = 14, DATA = 16; // offsets in an RFD
    private static final int RBD_LINK = 4, RBD_BUFFER = 8, RBD_SIZE = 12; // and in an RBD, whose count is at 0
    private static final int EOF = 0x8000, FILLED = 0x4000, SIZE_MASK = 0x3FFF, NOWHERE = -1, RBDS_AT_MOST = 1024;

    private final BusMemory memory;
    private final SystemControlBlock scb;
    private final Counters counters;
    private final Supplier<Configuration> configuration;
    private final byte[] check = new byte[Ethernet.CHECK_SEQUENCE];

    private volatile int state = IDLE;
    private volatile int bytesReceived; // of the frame that came last, as the register of the 82558 and later shows
    private int base, next, last;       // next: offset of the RFD that is filled next; last: address of the one filled last
    private int rbd = NOWHERE, lastRbd = NOWHERE;
    private int headerSize;

    ReceiveUnit(BusMemory memory, SystemControlBlock scb, Counters counters, Supplier<Configuration> configuration) {
        this.memory = memory;
        this.scb = scb;
        this.counters = counters;
        this.configuration = configuration;
    }

    /** RUS of the status word. */
    int state() { return state; }

    int bytesReceived() { return bytesReceived; }

    /** The lower part of a command byte. */
    synchronized void command(int operation, int pointer) {
        switch (operation) {
            case START -> start(pointer);
            case RESUME -> resume();
            case ABORT -> state = IDLE;
            case LOAD_HEADER_SIZE -> headerSize = pointer & SIZE_MASK;
            case LOAD_BASE -> base = pointer;
            case RBD_RESUME -> resumeBuffers();
            default -> { }
        }
    }

    private void start(int pointer) {
        next = pointer;
        int first = memory.get(address(base + pointer, RBD), 4);
        rbd = first == NOWHERE ? NOWHERE : base + first;
        state = READY;
    }

    private void resume() {
        if ((state & ~WITHOUT_RBDS) != SUSPENDED) return;
        next = memory.get(address(last, LINK), 4);
        state = READY;
    }

    private void resumeBuffers() {
        if (state != (NO_RESOURCES | WITHOUT_RBDS) || lastRbd == NOWHERE) return;
        rbd = base + memory.get(address(lastRbd, RBD_LINK), 4);
        state = READY;
    }

    synchronized void stop() { state = IDLE; }

    synchronized void reset() {
        state = IDLE;
        base = next = last = headerSize = bytesReceived = 0;
        rbd = lastRbd = NOWHERE;
    }

    /** Takes frames from the wire. The interrupt line is the caller's business. */
    synchronized void receive(List<byte[]> frames, int from, int to) {
        for (int i = from; i < to; i++) receive(frames.get(i));
    }

    private void receive(byte[] frame) {
        Configuration set = configuration.get();
        if (state == IDLE || frame.length < Ethernet.HEADER || !set.accepts(frame)) return;
        boolean runt = frame.length < Ethernet.SHORTEST;
        if (runt) counters.count(Counters.RX_SHORT);
        if (runt && set.discardsShort() || frame.length > (set.takesLong() ? Ethernet.LONGEST : Ethernet.LONGEST_UNTAGGED)) return;
        if (state != READY) counters.count(Counters.RX_RESOURCE);
        else store(frame, set, runt);
    }

    private void store(byte[] frame, Configuration set, boolean runt) {
        int rfd = base + next;
        int command = memory.get(address(rfd, STATUS), 4) >>> 16, size = memory.get(address(rfd, COUNT), 4) >>> 16 & SIZE_MASK;
        boolean flexible = (command & FLEXIBLE) != 0;
        if (size == 0 && !flexible) {
            counters.count(Counters.RX_RESOURCE); // the hardware does not fill a descriptor without room
            leave(NO_RESOURCES);
            return;
        }
        int link = memory.get(address(rfd, LINK), 4);
        int length = stripped(frame, set);
        boolean keepsCheck = set.keepsCheckSequence() && length == frame.length;
        int whole = length + (keepsCheck ? Ethernet.CHECK_SEQUENCE : 0);
        int kept = (command & HEADER_ONLY) != 0 ? Math.min(whole, headerSize) : whole;
        int inRfd = Math.min(kept, size);
        boolean stored = write(address(rfd, DATA), frame, length, 0, inRfd);
        int rest = flexible && stored && inRfd < kept ? spread(frame, length, inRfd, kept) : 0;
        boolean fits = inRfd + rest == kept && stored;
        stored &= memory.put(address(rfd, COUNT), 2, EOF | FILLED | inRfd);
        stored &= memory.put(address(rfd, STATUS), 2, status(frame, set, runt, fits));
        bytesReceived = whole;
        counters.count(fits ? Counters.RX_GOOD : Counters.RX_RESOURCE);
        last = rfd;
        next = link;
        scb.raise(FR);
        if (!stored || (command & EL) != 0) leave(NO_RESOURCES);
        else if (state == READY && (command & S) != 0) leave(SUSPENDED);
    }

    private static int status(byte[] frame, Configuration set, boolean runt, boolean fits) {
        int type = (frame[12] & 0xFF) << 8 | frame[13] & 0xFF;
        return DONE | (fits && !runt ? OK : 0) | (fits ? 0 : NO_BUFFER) | (runt ? SHORT : 0) | (type > 1500 ? TYPE : 0)
                | (MacAddress.bits(frame, 0) == set.address() ? 0 : NOT_OWN);
    }

    /** Bytes of a frame without its padding, if it has a length and the chip is to strip it. */
    private static int stripped(byte[] frame, Configuration set) {
        int length = (frame[12] & 0xFF) << 8 | frame[13] & 0xFF;
        return set.strips() && length <= 1500 ? Math.min(frame.length, Ethernet.HEADER + length) : frame.length;
    }

    /** Fills receive buffers with a frame from a place on. @return how many bytes they took */
    private int spread(byte[] frame, int length, int from, int to) {
        int at = from;
        for (int i = 0; i < RBDS_AT_MOST && at < to; i++) {
            if (rbd == NOWHERE) {
                leave(NO_RESOURCES | WITHOUT_RBDS);
                break;
            }
            int size = memory.get(address(rbd, RBD_SIZE), 4), part = Math.min(size & SIZE_MASK, to - at);
            if (!write(address(memory.get(address(rbd, RBD_BUFFER), 4), 0), frame, length, at, part)) break;
            at += part;
            if (!memory.put(address(rbd, 0), 2, FILLED | part | (at == to ? EOF : 0))) break;
            lastRbd = rbd;
            rbd = (size & EL) != 0 ? NOWHERE : base + memory.get(address(rbd, RBD_LINK), 4);
        }
        return at - from;
    }

    /** Writes a part of a frame and of the check sequence that follows its data. */
    private boolean write(long to, byte[] frame, int length, int from, int bytes) {
        int data = Math.max(0, Math.min(length - from, bytes)), sequence = bytes - data;
        if (data > 0 && !memory.write(to, frame, from, data)) return false;
        if (sequence == 0) return true;
        int value = Ethernet.checkSequence(frame, length);
        for (int i = 0; i < check.length; i++) check[i] = (byte) (value >> 8 * i);
        return memory.write(to + data & 0xFFFF_FFFFL, check, from + data - length, sequence);
    }

    private void leave(int to) {
        if (state == READY) scb.raise(RNR);
        state = to;
    }

    /** Addresses are 32 bits, and sums of them wrap. */
    private static long address(int from, int offset) { return from + offset & 0xFFFF_FFFFL; }
}
