package host.sim.nic;

import static host.sim.nic.SystemControlBlock.CNA;
import static host.sim.nic.SystemControlBlock.CX;

import host.sim.bus.BusMemory;
import host.sim.net.Ethernet;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import vmkernel.api.net.MacAddress;

/**
 * The Command Unit [8255x] 6.4.1: executes the list of action commands. {@link #run} belongs to the worker thread; it holds the
 * lock for one command block at a time, so that a reset gets in between even when the list goes round in a circle. Doorbells may
 * come on any thread.
 */
final class CommandUnit {
    static final int IDLE = 0, SUSPENDED = 1, ACTIVE = 2;
    private static final int SUSPENDING = 3; // active, with a block that has S
    static final int DUMP_BYTES = 596;

    private static final int NOP = 0, START = 1, RESUME = 2, LOAD_DUMP = 4, DUMP = 5, LOAD_BASE = 6, DUMP_RESET = 7, STATIC_RESUME = 10;
    private static final int DONE = 0x8000, OK = 0x2000, UNDERRUN = 0x1000; // status
    private static final int EL = 0x8000, S = 0x4000, I = 0x2000, NO_INSERTION = 0x0010, FLEXIBLE = 0x0008; // command
    private static final int STATUS = 0, LINK = 4, PARAMETERS = 8, BLOCK_END = 16; // offsets in a block
    private static final int DUMP_COMPLETED = 0xA005, DUMP_RESET_COMPLETED = 0xA007;
    private static final int NOWHERE = -1, COUNT = 0x3FFF, DYNAMIC = 0xFF, TBDS_AT_MOST = 256, IMMEDIATE_TBDS = 2, SPINS = 200;
    private static final int WAITING_DUMP = 1, WAITING_DUMP_RESET = 2, WAITING_SELF_TEST = 4, WAITING_PORT_DUMP = 8;

    private final NicSettings.Chip chip;
    private final BusMemory memory;
    private final SystemControlBlock scb;
    private final Counters counters;
    private final ReentrantLock lock = new ReentrantLock(true); // fair, or a list in a circle would keep doorbells out

    private final byte[] payload = new byte[Ethernet.LONGEST + Ethernet.CHECK_SEQUENCE]; // of the frame that is being read
    private volatile Configuration configuration;
    private volatile int state = IDLE;
    private final AtomicBoolean resume = new AtomicBoolean(); // asked for while active
    private volatile int waiting;    // dumps and self-tests that are asked for
    private int base, next, last;    // next: offset of the next block; last: address of the one executed last
    private int dumpAddress, portAddress;
    private volatile int untouched;  // blocks executed since the last doorbell

    CommandUnit(NicSettings.Chip chip, BusMemory memory, SystemControlBlock scb, Counters counters, Configuration configuration) {
        this.chip = chip;
        this.memory = memory;
        this.scb = scb;
        this.counters = counters;
        this.configuration = configuration;
    }

    Configuration configuration() { return configuration; }

    /** CUS of the status word. */
    int state() { return Math.min(state, ACTIVE); }

    /** Whether there is something for the worker to do. */
    boolean busy() { return state >= ACTIVE || waiting != 0; }

    /** Whether more has been executed since the last doorbell than any driver queues: a list in a circle. */
    boolean circles() { return untouched > 4096; }

    /** The lock is never held for long, so that it is worth to look for a moment before a thread goes to sleep; but nobody overtakes one who does. */
    private void lock() {
        for (int i = 0; i < SPINS && !lock.hasQueuedThreads(); i++) {
            if (lock.tryLock()) return;
            Thread.onSpinWait();
        }
        lock.lock();
    }

    // -- doorbells --

    /** The upper half of a command byte. */
    void command(int operation, int pointer) {
        if (operation == NOP || operation == RESUME && rung()) return;
        lock();
        try {
            switch (operation) {
                case START -> start(pointer);
                case LOAD_DUMP -> dumpAddress = pointer;
                case DUMP -> waiting |= WAITING_DUMP;
                case DUMP_RESET -> waiting |= WAITING_DUMP_RESET;
                case LOAD_BASE -> base = pointer;
                case RESUME -> resume(false);
                case STATIC_RESUME -> { if (chip != NicSettings.Chip.I82557) resume(true); }
                default -> { } // reserved; LIMIT: the 82558's queue of high priority is not modelled
            }
        } finally {
            lock.unlock();
        }
    }

    /** While the CU is active the datasheet forbids a start, and it is ignored. */
    private void start(int pointer) {
        if (state == ACTIVE) return;
        next = pointer;
        resume.set(false);
        untouched = 0;
        state = ACTIVE;
    }

    /** A resume while the CU is active needs no lock, unless the CU might not see it any more. @return whether that is all */
    private boolean rung() {
        if (state != ACTIVE) return false;
        untouched = 0;
        resume.set(true);
        return state == ACTIVE;
    }

    /**
     * A resume takes effect only if S of the last block has been cleared, so that it can come neither too late nor too early. That is
     * looked at now and not by the worker later, when the driver may have filled its ring and be about to use that block again.
     */
    private void resume(boolean evenWithS) {
        if (state == ACTIVE) resume.set(true);
        else if (state == SUSPENDED && (evenWithS || !suspends(last))) goOn();
    }

    private boolean suspends(int block) { return (memory.get(address(block, STATUS), 4) >>> 16 & S) != 0; }

    private void goOn() {
        next = memory.get(address(last, LINK), 4);
        untouched = 0;
        state = ACTIVE;
    }

    /** PORT self-test: results go to the address later. */
    void selfTest(int address) { port(WAITING_SELF_TEST, address); }

    /** PORT dump. */
    void portDump(int address) { port(WAITING_PORT_DUMP, address); }

    private void port(int what, int address) {
        lock();
        try {
            portAddress = address;
            waiting |= what;
        } finally {
            lock.unlock();
        }
    }

    /** Goes idle. When this returns nothing is under way. */
    void stop() {
        lock();
        try {
            state = IDLE;
            waiting = 0;
        } finally {
            lock.unlock();
        }
    }

    /** {@link #stop}, and everything that was set up is forgotten. */
    void reset(Configuration initial) {
        lock();
        try {
            stop();
            base = next = last = dumpAddress = 0;
            configuration = initial;
        } finally {
            lock.unlock();
        }
    }

    // -- the worker --

    /** Executes up to a number of blocks. @param frames what is to be sent is added here */
    void run(int blocks, List<byte[]> frames) {
        for (int i = 0; i < blocks && busy(); i++) {
            lock();
            try {
                step(frames);
            } finally {
                lock.unlock();
            }
        }
    }

    private void step(List<byte[]> frames) {
        if (waiting != 0) serve();
        if (state == ACTIVE) execute(frames);
    }

    private void execute(List<byte[]> frames) {
        int block = base + next;
        int command = memory.get(address(block, STATUS), 4) >>> 16;
        int link = memory.get(address(block, LINK), 4);
        int status = switch (command & 7) {
            case 0 -> OK; // NOP
            case 1 -> individualAddress(block);
            case 2 -> configure(block);
            case 3 -> multicast(block);
            case 4 -> transmit(block, command, frames);
            case 5 -> OK; // LIMIT: microcode is taken and does nothing
            case 6 -> dump(memory.get(address(block, PARAMETERS), 4));
            default -> OK; // Diagnose: nothing is broken
        };
        last = block;
        next = link;
        untouched++;
        boolean stays = (command & S) != 0 && stays();
        boolean there = memory.put(address(block, STATUS), 2, DONE | status); // from now on the driver may use the block again
        if ((command & I) != 0 || status != OK && (command & 7) == 4 && failuresInterrupt()) scb.raise(CX);
        if (!there || (command & EL) != 0) leave(IDLE);
        else if (stays) leave(SUSPENDED);
    }

    /** Whether the CU is to be suspended: S has not been cleared, or there has been no resume since. */
    private boolean stays() {
        state = SUSPENDING; // who resumes from now on waits for the lock
        if (!resume.getAndSet(false) || suspends(last)) return true;
        next = memory.get(address(last, LINK), 4);
        state = ACTIVE;
        return false;
    }

    private void leave(int to) {
        state = to;
        if (to == IDLE || !configuration.interruptsWhenIdleOnly()) scb.raise(CNA);
    }

    private boolean failuresInterrupt() { return chip != NicSettings.Chip.I82559 && configuration.interruptsOnFailure(); }

    // -- action commands --

    private int individualAddress(int block) {
        byte[] bytes = new byte[6];
        if (!memory.read(address(block, PARAMETERS), bytes, 0, 6)) return 0;
        configuration = configuration.withAddress(MacAddress.bits(bytes, 0));
        return OK;
    }

    private int configure(int block) {
        int count = memory.get(address(block, PARAMETERS), 4) & 0x3F;
        byte[] bytes = new byte[Math.min(count, Configuration.BYTES)];
        if (!memory.read(address(block, PARAMETERS), bytes, 0, bytes.length)) return 0;
        configuration = configuration.with(bytes);
        return OK;
    }

    private int multicast(int block) {
        int count = (memory.get(address(block, PARAMETERS), 4) & COUNT) / 6 * 6;
        byte[] addresses = new byte[count];
        if (count > 0 && !memory.read(address(block, PARAMETERS + 2), addresses, 0, count)) return 0;
        long groups = 0;
        for (int i = 0; i < count; i += 6) groups |= Configuration.hash(addresses, i);
        configuration = configuration.withGroups(groups);
        return OK;
    }

    private int transmit(int block, int command, List<byte[]> frames) {
        int array = memory.get(address(block, PARAMETERS), 4), counts = memory.get(address(block, PARAMETERS + 4), 4);
        int length = gather(address(block, BLOCK_END), counts & COUNT, 0);
        boolean extended = chip != NicSettings.Chip.I82557 && !configuration.standardBlocks();
        if (length >= 0 && (command & FLEXIBLE) != 0) length = gatherDescribed(block, array, counts >>> 24, length, extended);
        if (length < 0) {
            counters.count(Counters.TX_UNDERRUN);
            return UNDERRUN;
        }
        counters.count(Counters.TX_GOOD);
        byte[] frame = finished(length, (command & NO_INSERTION) == 0);
        if (frame != null) frames.add(frame);
        return OK;
    }

    /** Adds the data that transmit buffer descriptors point to. @return bytes now, or -1 if one is not in memory */
    private int gatherDescribed(int block, int array, int number, int had, boolean extended) {
        int length = had;
        int count = number == DYNAMIC ? TBDS_AT_MOST : number;
        for (int i = 0; i < count && length >= 0; i++) {
            boolean immediate = extended && i < IMMEDIATE_TBDS;
            if (!immediate && array == NOWHERE) break;
            int descriptor = immediate ? block + BLOCK_END + 8 * i : array + 8 * (extended ? i - IMMEDIATE_TBDS : i);
            int buffer = memory.get(address(descriptor, 0), 4), size = memory.get(address(descriptor, 4), 4);
            length = gather(address(buffer, 0), size & COUNT, length);
            if ((size & 0x1_0000) != 0) break;
        }
        return length;
    }

    /** Reads a piece of a frame behind what there is. What is longer than a frame can be is counted but not kept. @return bytes now, or -1 */
    private int gather(long from, int bytes, int had) {
        int kept = Math.min(bytes, Math.max(0, payload.length - had));
        return kept == 0 || memory.read(from, payload, had, kept) ? had + bytes : -1;
    }

    /** The frame as it goes on the wire, or null if no station would take it. @param insert the chip makes source and check sequence */
    private byte[] finished(int length, boolean insert) {
        int data = insert ? length : length - Ethernet.CHECK_SEQUENCE;
        if (data <= 0 || data > Ethernet.LONGEST) return null;
        if (!insert && !checks(data)) return null;
        int size = configuration.pads() ? Math.max(data, Ethernet.SHORTEST) : data;
        if (size < Ethernet.HEADER) return null;
        byte[] frame = new byte[size];
        System.arraycopy(payload, 0, frame, 0, data);
        if (insert && configuration.insertsSource() && size >= 12) System.arraycopy(new MacAddress(configuration.address()).bytes(), 0, frame, 6, 6);
        return frame;
    }

    /** Whether the check sequence that the driver has made is right. */
    private boolean checks(int data) {
        int sequence = Ethernet.checkSequence(payload, data);
        for (int i = 0; i < Ethernet.CHECK_SEQUENCE; i++) if (payload[data + i] != (byte) (sequence >> 8 * i)) return false;
        return true;
    }

    // -- dumps --

    private void serve() {
        int asked = waiting;
        waiting = 0;
        if ((asked & WAITING_SELF_TEST) != 0 && memory.put(address(portAddress, 4), 4, 0)) memory.put(address(portAddress, 0), 4, 0x5A5A_0559 | chip.revision << 16);
        if ((asked & WAITING_PORT_DUMP) != 0) dump(portAddress);
        if ((asked & (WAITING_DUMP | WAITING_DUMP_RESET)) != 0) dumpCounters((asked & WAITING_DUMP_RESET) != 0);
    }

    private void dumpCounters(boolean reset) {
        int count = Counters.dumped(chip, configuration);
        boolean written = true;
        for (int i = 0; i < count; i++) written &= memory.put(address(dumpAddress, 4 * i), 4, counters.take(i, reset));
        if (written) memory.put(address(dumpAddress, 4 * count), 4, reset ? DUMP_RESET_COMPLETED : DUMP_COMPLETED);
    }

    /** LIMIT: of the registers inside the chip the dump has the configuration bytes and the individual address only. */
    private int dump(int to) {
        byte[] bytes = Arrays.copyOf(configuration.bytes(), DUMP_BYTES);
        System.arraycopy(new MacAddress(configuration.address()).bytes(), 0, bytes, Configuration.BYTES, 6);
        return memory.write(to & 0xFFFF_FFFFL, bytes, 0, DUMP_BYTES) ? OK : 0;
    }

    /** Addresses are 32 bits, and sums of them wrap. */
    private static long address(int from, int offset) { return from + offset & 0xFFFF_FFFFL; }
}
