package drivers.e100;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;
import vmkernel.api.net.ReceiveFilter;

/**
 * One 8255x at work.
 *
 * <p>Locks: {@code serving} is held by whoever takes frames out of the receive ring and gives them to the kernel, so that they
 * come in order; {@code commands} guards the command ring and the command register, for short moments, and is never held when
 * the kernel is called. {@code serving} comes first. Only the receive ring is free of both: its own methods are atomic.
 */
final class Adapter implements NetAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(Adapter.class);
    private static final String SCHEMA = "drivers.e100";
    private static final int VERSION = 1;

    /** The clock of what needs no interrupt: link, watchdog, counters. */
    private static final long TICK_MILLIS = 1000;
    private static final int TICKS_OF_HANG = 5, TICKS_BETWEEN_DUMPS = 5;
    private static final long MILLISECOND = 1_000_000;
    private static final long START_NANOS = 2000 * MILLISECOND, SELF_TEST_NANOS = 1000 * MILLISECOND, DUMP_NANOS = 50 * MILLISECOND, ABORT_NANOS = 50 * MILLISECOND;
    /** How often in a row frames are looked for. */
    private static final int MAX_ROUNDS = 32;
    /** Room for two 32-bit results. */
    private static final int SELF_TEST_BYTES = 16;

    private enum Phase { STARTING, WORKING, DRAINING, QUIESCED, FAILED, CLOSED }

    private final PciDevice device;
    private final Upcalls upcalls;
    private final Parameters parameters;
    private final int revision;
    private final Csr csr;
    private final DmaBuffer scratch;
    private final CommandRing ring;
    private final ReceiveRing receiver;
    private final Counters counters;
    private final ReentrantLock serving = new ReentrantLock();
    private final Object commands = new Object();

    /** Changes under commands only. */
    private volatile Phase phase = Phase.STARTING;
    private volatile LinkState link = LinkState.DOWN;
    private volatile Runnable cancelTick = () -> {};
    private MacAddress address;
    private Phy phy;

    // under commands
    private ReceiveFilter filter = ReceiveFilter.OWN;
    private boolean filterWaits, transmitWaits;
    private long timesFull;

    // written under serving
    private volatile long interrupts, timesDry;

    // by the clock only
    private long finishedThen;
    private int ticksWithoutProgress, ticks;

    Adapter(PciDevice device, Upcalls upcalls, Parameters parameters) throws DriverException {
        this.device = device;
        this.upcalls = upcalls;
        this.parameters = parameters;
        revision = device.id().revision();
        csr = new Csr(device);
        scratch = device.allocate(Counters.BYTES + SELF_TEST_BYTES, Counters.ALIGNMENT);
        ring = new CommandRing(csr, CommandRing.memory(device, parameters.transmitSlots()), parameters.transmitSlots());
        receiver = new ReceiveRing(ReceiveRing.memory(device, parameters.receiveSlots()), parameters.receiveSlots());
        counters = new Counters(scratch);
    }

    /** @throws DriverException in one line; then {@link #close} follows */
    void start(Optional<SavedState> state) throws DriverException {
        device.writeConfig(PciDevice.COMMAND, 2, device.readConfig(PciDevice.COMMAND, 2) | PciDevice.COMMAND_MEMORY | PciDevice.COMMAND_MASTER);
        csr.reset();
        if (Csr.gone(csr.status())) throw new DriverException(device.address() + ": the card does not answer");
        if (parameters.selfTest() && state.isEmpty()) selfTest();
        if (state.isPresent()) exchange(StateRecord.loading(state.get(), SCHEMA, VERSION));
        if (address == null) address = addressFromEeprom();
        phy = Phy.find(csr);
        link = phy.link();
        String found = phy.describe();
        startUnits();
        device.onInterrupt(this::interrupt);
        unmask();
        nextTick();
        LOG.info("{}: {} rev {}, address {}, {}, link {}", device.address(), chip(revision), revision, address, found, link);
    }

    private static String chip(int revision) {
        return switch (revision) {
            case 0, 1, 2, 3 -> "82557";
            case 4, 5, 6, 7 -> "82558";
            case 8, 9, 10, 11 -> "82559";
            case 12, 13 -> "82550";
            case 14, 15, 16 -> "82551";
            default -> "8255x";
        };
    }

    private void selfTest() throws DriverException {
        long results = scratch.address() + Counters.BYTES;
        HostMemory.putIntRelease(results, 0);
        HostMemory.putIntRelease(results + 4, -1);
        csr.selfTest(scratch.busAddress() + Counters.BYTES);
        boolean done = Csr.await(() -> HostMemory.getIntAcquire(results) != 0 && HostMemory.getIntAcquire(results + 4) != -1, SELF_TEST_NANOS);
        int result = HostMemory.getIntAcquire(results + 4);
        if (!done || result != 0) throw new DriverException(String.format("%s: the self-test %s", device.address(), done ? "found errors " + Integer.toHexString(result) : "does not end"));
        csr.reset();
    }

    private MacAddress addressFromEeprom() throws DriverException {
        int[] words = Eeprom.read(csr).orElseThrow(() -> new DriverException(device.address() + ": no EEPROM answers, so the card has no address"));
        if (!Eeprom.intact(words)) LOG.warn("{}: the sum of the EEPROM is wrong; its contents are used all the same", device.address());
        MacAddress found = new MacAddress(Eeprom.address(words));
        if (found.group() || found.bits() == 0) throw new DriverException(device.address() + ": the EEPROM has no usable address, but " + found);
        if (parameters.debug()) LOG.info("{}: EEPROM of {} words", device.address(), words.length);
        return found;
    }

    /** Gives both units their memory and waits until the first commands are done, and frames can come in. */
    private void startUnits() throws DriverException {
        synchronized (commands) {
            csr.command(Csr.CU_LOAD_BASE, 0);
            csr.command(Csr.RU_LOAD_BASE, 0);
            csr.command(Csr.CU_LOAD_DUMP_ADDRESS, scratch.busAddress());
            counters.ask(); // what was counted before is not ours: a reset need not clear it
            csr.command(Csr.CU_DUMP_AND_RESET);
            ring.address(address.bytes());
            putFilter();
            boolean done = Csr.await(() -> {
                ring.reap();
                return ring.empty() && counters.forget();
            }, START_NANOS);
            if (!done) throw new DriverException(device.address() + ": the command unit does not execute its first commands");
            csr.acknowledge(Csr.EVERY_CAUSE);
            startReceiver();
            phase = Phase.WORKING;
        }
    }

    /** What the command unit tells is found out by the way; the 82557 has no bits for single causes and ignores these. */
    private void unmask() { csr.mask(revision >= ConfigureBlock.REVISION_82558 ? Csr.CNA | Csr.MASK_ER | Csr.MASK_FCP : 0); }

    @Override
    public MacAddress address() { return address; }

    @Override
    public LinkState link() { return link; }

    @Override
    public int transmit(List<byte[]> frames) {
        int taken = 0;
        DriverException trouble = null;
        synchronized (commands) {
            if (phase != Phase.WORKING) return 0;
            try {
                ring.reap();
                for (; taken < frames.size() && hasRoom(); taken++) ring.frame(frames.get(taken));
                ring.announce();
            } catch (DriverException e) {
                trouble = e;
            }
            transmitWaits = taken < frames.size();
            if (transmitWaits) timesFull++;
        }
        if (trouble != null) fail(trouble.getMessage());
        return taken;
    }

    /** Looks again if there is none: the unit is at work meanwhile. */
    private boolean hasRoom() throws DriverException {
        if (ring.takesFrame()) return true;
        ring.announce();
        ring.reap();
        return ring.takesFrame();
    }

    @Override
    public void filter(ReceiveFilter wanted) {
        DriverException trouble = null;
        synchronized (commands) {
            filter = wanted;
            filterWaits = true;
            try {
                if (phase == Phase.WORKING) putFilter();
            } catch (DriverException e) {
                trouble = e;
            }
        }
        if (trouble != null) fail(trouble.getMessage());
    }

    /** Puts the commands of a new filter if there is room for both; else it is done after the next interrupt. */
    private void putFilter() throws DriverException {
        if (ring.room() < 2) return;
        filterWaits = false;
        ring.configure(ConfigureBlock.of(filter, revision));
        Set<MacAddress> groups = filter.groups().size() > ConfigureBlock.MAX_GROUPS ? Set.of() : filter.groups();
        byte[] list = new byte[6 * groups.size()];
        int at = 0;
        for (MacAddress group : groups) {
            System.arraycopy(group.bytes(), 0, list, at, 6);
            at += 6;
        }
        ring.multicast(list);
        ring.announce();
    }

    /**
     * Interrupts are not masked meanwhile: the host calls one at a time, and again if a cause came up after it was acknowledged.
     */
    private boolean interrupt() {
        boolean ready = false;
        String trouble = null;
        serving.lock();
        try {
            if (phase == Phase.CLOSED) return false; // it may be a successor's already
            int status = csr.status();
            if (Csr.gone(status)) {
                trouble = device.address() + ": the card does not answer any more";
                return false;
            }
            int causes = status >> 8;
            if (causes == 0) return false;
            csr.acknowledge(causes);
            interrupts++;
            if (phase != Phase.WORKING) return true;
            receive(); // reads the status, too
            if ((causes & (Csr.CX | Csr.CNA)) != 0) ready = finishCommands();
            return true;
        } catch (DriverException e) {
            trouble = e.getMessage();
            return true;
        } finally {
            serving.unlock();
            if (trouble != null) fail(trouble);
            if (ready) upcalls.transmitReady();
        }
    }

    /** @return true if somebody waits for room, and there is some */
    private boolean finishCommands() throws DriverException {
        synchronized (commands) {
            if (phase != Phase.WORKING) return false;
            ring.reap();
            if (filterWaits) putFilter();
            boolean ready = transmitWaits && ring.takesFrame();
            if (ready) transmitWaits = false;
            return ready;
        }
    }

    /**
     * Takes out what came in. A frame is whole in memory if its descriptor was complete before a register was read. Where the
     * unit has come to the end of its list, it is started again with an empty one. Under serving.
     */
    private void receive() throws DriverException {
        for (int round = 0; round < MAX_ROUNDS; round++) {
            int whole = receiver.complete();
            int status = csr.status();
            List<byte[]> frames = receiver.take(whole);
            boolean more = receiver.complete() > 0;
            if (!more && Csr.receiveUnit(status) != Csr.RU_READY) restartReceiver();
            if (!frames.isEmpty()) upcalls.received(frames);
            if (!more) return;
        }
        upcalls.execute(this::serveReceiver); // let others have a turn
    }

    /** Waits until it runs, or has run full already: to start it again where it has been would lose frames. Under commands. */
    private void startReceiver() throws DriverException {
        csr.command(Csr.RU_START, receiver.nextBusAddress());
        boolean done = Csr.await(() -> Csr.receiveUnit(csr.status()) == Csr.RU_READY || receiver.complete() > 0, START_NANOS);
        if (!done) throw new DriverException(device.address() + ": the receive unit does not start");
    }

    private void restartReceiver() throws DriverException {
        synchronized (commands) {
            if (phase != Phase.WORKING) return;
            startReceiver();
        }
        timesDry++;
        if (parameters.debug()) LOG.info("{}: the receiver ran dry and is started again", device.address());
    }

    private void serveReceiver() {
        String trouble = null;
        serving.lock();
        try {
            if (phase == Phase.WORKING) receive();
        } catch (DriverException e) {
            trouble = e.getMessage();
        } finally {
            serving.unlock();
        }
        if (trouble != null) fail(trouble);
    }

    private void nextTick() { cancelTick = upcalls.after(TICK_MILLIS, this::tick); }

    private void tick() {
        if (phase != Phase.WORKING) return;
        try {
            int status = csr.status();
            if (Csr.gone(status)) throw new DriverException(device.address() + ": the card does not answer any more");
            boolean ready = finishCommands();
            watchProgress(Csr.commandUnit(status));
            serveReceiver(); // an interrupt may have been lost
            if (++ticks % TICKS_BETWEEN_DUMPS == 0) dump();
            watchLink();
            if (ready) upcalls.transmitReady();
            nextTick();
        } catch (DriverException e) {
            fail(e.getMessage());
        }
    }

    /** The command unit has something to do, but finishes nothing. */
    private void watchProgress(int unit) throws DriverException {
        synchronized (commands) {
            boolean moved = ring.empty() || ring.finished() != finishedThen;
            finishedThen = ring.finished();
            ticksWithoutProgress = moved ? 0 : ticksWithoutProgress + 1;
            if (ticksWithoutProgress < TICKS_OF_HANG) return;
            throw new DriverException(String.format("%s: the command unit hangs in state %d with %d blocks", device.address(), unit, ring.outstanding()));
        }
    }

    private void watchLink() throws DriverException {
        LinkState now = phy.link();
        if (now.equals(link)) return;
        link = now;
        LOG.info("{}: link {}", device.address(), now);
        upcalls.linkChanged(now);
    }

    /** Has the chip's counters added to ours; waits for a short time only: what comes later is added the next time. */
    private void dump() throws DriverException {
        synchronized (commands) {
            if (phase == Phase.CLOSED || !counters.collect()) return;
            counters.ask();
            csr.command(Csr.CU_DUMP_AND_RESET);
        }
        Csr.await(() -> {
            synchronized (commands) {
                return phase == Phase.CLOSED || counters.collect();
            }
        }, DUMP_NANOS);
        synchronized (commands) {
            if (counters.underran() && ring.raiseThreshold()) LOG.info("{}: transmit underrun: frames start when {} bytes are there", device.address(), ring.threshold());
        }
    }

    @Override
    public Map<String, Long> statistics() {
        try {
            if (phase == Phase.WORKING) dump();
        } catch (DriverException e) {
            fail(e.getMessage());
        }
        Map<String, Long> statistics = new LinkedHashMap<>();
        synchronized (commands) {
            statistics.put("transmit frames", ring.frames());
            statistics.put("transmit bytes", ring.bytes());
            statistics.put("transmit frames of impossible size", ring.refused());
            statistics.put("transmit ring full", timesFull);
            statistics.put("transmit threshold", (long) ring.threshold());
        }
        statistics.put("receive frames", receiver.frames());
        statistics.put("receive bytes", receiver.bytes());
        statistics.put("receive damaged", receiver.errors());
        statistics.put("receive ring dry", timesDry);
        statistics.put("interrupts", interrupts);
        synchronized (commands) {
            counters.addTo(statistics);
        }
        return statistics;
    }

    /** Once, and nothing is done to the device any more: the kernel does the rest. Without locks but serving. */
    private void fail(String why) {
        synchronized (commands) {
            if (phase == Phase.FAILED || phase == Phase.CLOSED) return;
            phase = Phase.FAILED;
        }
        upcalls.failed(why);
    }

    @Override
    public void quiesce(Duration limit) throws TimeoutException {
        long end = System.nanoTime() + limit.toNanos();
        synchronized (commands) {
            if (phase == Phase.QUIESCED || phase == Phase.CLOSED) return;
            if (phase == Phase.FAILED) throw new TimeoutException(device.address() + ": the hardware failed before");
            phase = Phase.DRAINING;
        }
        cancelTick.run();
        try {
            if (!Csr.await(this::drained, end - System.nanoTime())) throw new TimeoutException(device.address() + ": the command unit does not finish " + ring.outstanding() + " blocks");
            csr.mask(Csr.MASK_ALL);
            if (!serving.tryLock(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)) throw new TimeoutException(device.address() + ": received frames are not taken");
            try {
                stopReceiver();
            } finally {
                serving.unlock();
            }
            dump();
            synchronized (commands) {
                if (phase == Phase.DRAINING) phase = Phase.QUIESCED;
            }
        } catch (DriverException e) {
            throw new TimeoutException(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TimeoutException(device.address() + ": interrupted while it was quiesced");
        }
    }

    private boolean drained() {
        synchronized (commands) {
            if (phase != Phase.DRAINING) return true;
            ring.reap();
            return ring.empty();
        }
    }

    /** What is in the ring is still the kernel's. */
    private void stopReceiver() throws DriverException {
        synchronized (commands) {
            csr.command(Csr.RU_ABORT);
        }
        Csr.await(() -> Csr.receiveUnit(csr.status()) != Csr.RU_READY, ABORT_NANOS);
        csr.acknowledge(Csr.EVERY_CAUSE);
        receive();
    }

    @Override
    public SavedState save() {
        StateRecord state = StateRecord.saving();
        exchange(state);
        return state.saved(SCHEMA, VERSION);
    }

    /** What a successor cannot know, and the address, which it would have to ask for slowly. */
    private void exchange(StateRecord state) {
        long bits = state.exchange("address", address == null ? 0 : address.bits());
        address = bits == 0 ? null : new MacAddress(bits);
        synchronized (commands) {
            exchangeFilter(state.child("filter"));
            timesFull = state.exchange("transmitRingFull", timesFull);
            ring.exchange(state.child("transmit"));
            counters.exchange(state.child("chip"));
        }
        timesDry = state.exchange("receiveRingDry", timesDry);
        receiver.exchange(state.child("receive"));
    }

    private void exchangeFilter(StateRecord state) {
        long[] groups = state.exchange("groups", filter.groups().stream().mapToLong(MacAddress::bits).sorted().toArray());
        filter = new ReceiveFilter(state.exchange("promiscuous", filter.promiscuous()), state.exchange("allMulticast", filter.allMulticast()),
                LongStream.of(groups).mapToObj(MacAddress::new).collect(Collectors.toSet()));
    }

    @Override
    public void close() {
        synchronized (commands) {
            phase = Phase.CLOSED;
        }
        cancelTick.run();
        device.onInterrupt(null);
        csr.reset();
        device.writeConfig(PciDevice.COMMAND, 2, device.readConfig(PciDevice.COMMAND, 2) & ~PciDevice.COMMAND_MASTER);
        receiver.close();
    }
}
