package drivers.cciss;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.handover.SavedState;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;

/**
 * A Smart Array at work. The way of a request: {@link #submit} takes a free command, copies what is written into its buffer and
 * posts it; {@link #interrupt} takes completions out of the FIFO, copies what was read and ends the requests. No lock is held
 * while data are copied; the phases of the commands tell who owns what, and whether somebody is still at it when the driver stops.
 */
final class Controller implements BlockAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(Controller.class);

    private static final String SCHEMA = "drivers.cciss";
    private static final int VERSION = 1;

    private static final long WATCH_MILLIS = 1000, WATCH_ABORT_MILLIS = 100;
    /** A command that was aborted comes back within this time, or never; and so if the controller says that it has no such command. */
    private static final long ABORT_NANOS = 5_000_000_000L, ABORT_REFUSED_NANOS = 500_000_000L;
    private static final long TRANSIT_NANOS = 2_000_000_000L, FLUSH_NANOS = 10_000_000_000L;
    private static final int ATTEMPTS = 4, FLUSH_BYTES = 512;
    /** So many tags in a row that mean nothing, and the controller is out of its mind. */
    private static final int INVALID_TAGS = 10_000;

    private enum Gate {
        /** Only the driver itself asks the controller. */
        ATTACHING,
        OPEN,
        /** The hardware fails: requests wait until the kernel closes the driver. */
        FAILED,
        /** Requests are given back. */
        SHUT
    }

    /** What the controller has. */
    private record Volumes(List<Volume> list, List<LogicalUnit> units, Map<Integer, Volume> byTarget) {
        static Volumes of(List<Volume> list) {
            Map<Integer, Volume> byTarget = new LinkedHashMap<>();
            for (Volume volume : list) byTarget.putIfAbsent(volume.unit().target(), volume);
            return new Volumes(List.copyOf(list), byTarget.values().stream().map(Volume::unit).toList(), byTarget);
        }
    }

    private final PciDevice device;
    private final Upcalls upcalls;
    private final Time time;
    private final Parameters parameters;
    private final Board board;
    private final Registers registers;
    private final CommandPool pool;
    private final Discovery discovery;
    private final AtomicReference<Gate> gate = new AtomicReference<>(Gate.ATTACHING);
    /** Requests for which there was no command; normally empty. */
    private final Queue<BlockRequest> waiting = new ConcurrentLinkedQueue<>();
    private volatile Volumes volumes = Volumes.of(List.of());
    /** A volume may not be any more what it was. */
    private volatile boolean doubtful;
    private volatile Runnable timer = () -> {};
    private volatile boolean saved;
    /** The hardware failed. */
    private volatile boolean dead;
    private volatile int invalidInARow;

    /** Who takes tags out of the FIFO holds it; after {@code silent} nobody does. */
    private final Object fifo = new Object();
    private boolean silent;

    // of watch() alone
    private int lastBeat;
    private boolean beats;
    private long lastCompletions, lastAlive, lastRescan;
    private Command aborted;
    private int abortedTag;
    private long abortedAt;

    private final LongAdder reads = new LongAdder(), writes = new LongAdder(), flushes = new LongAdder(), reservations = new LongAdder(), conflicts = new LongAdder();
    private final LongAdder bytesRead = new LongAdder(), bytesWritten = new LongAdder(), interrupts = new LongAdder(), completions = new LongAdder();
    private final LongAdder errors = new LongAdder(), underruns = new LongAdder(), retries = new LongAdder(), timeouts = new LongAdder();
    private final LongAdder aborts = new LongAdder(), invalidTags = new LongAdder(), waits = new LongAdder(), noBuffer = new LongAdder();

    private Controller(PciDevice device, Upcalls upcalls, Time time, Parameters parameters, Board board, Registers registers) {
        this.device = device;
        this.upcalls = upcalls;
        this.time = time;
        this.parameters = parameters;
        this.board = board;
        this.registers = registers;
        pool = new CommandPool(device, CommandPool.depth(parameters.depth(), registers.maxCommands()));
        Dialog dialog = new Dialog(pool.forQuestions(), device, registers, time, parameters.timeoutNanos(), this::mayAsk);
        dialog.serving(this::pollWhileAttaching);
        discovery = new Discovery(dialog, parameters.maxBytes());
        Command first = pool.take(); // one buffer at least, so that there is always a way on
        first.buffer(device.allocate(parameters.maxBytes(), 4096));
        pool.give(first);
    }

    /** Takes a controller over; returns when its volumes are known. @throws DriverException in one line */
    static Controller attach(PciDevice device, Upcalls upcalls, Optional<SavedState> state, Time time) throws DriverException {
        Parameters parameters = Parameters.of(upcalls.parameters());
        Board board = Board.of(device.id());
        List<Volume> known = state.isPresent() ? load(state.get(), device) : List.of();
        Registers registers = new Registers(device, board.interruptBit());
        registers.enable();
        try {
            registers.awaitReady(parameters.readyNanos(), time);
            if (state.isEmpty() || !registers.simple()) registers.negotiate(time);
            Controller controller = new Controller(device, upcalls, time, parameters, board, registers);
            controller.open(known);
            return controller;
        } catch (DriverException e) {
            registers.disable();
            throw e;
        } catch (IllegalStateException e) {
            registers.disable();
            throw new DriverException(e.getMessage(), e);
        }
    }

    private void open(List<Volume> known) throws DriverException {
        // what a predecessor may have left
        for (int left = Command.MOST; left > 0 && registers.completed() != Registers.EMPTY; left--) invalidTags.increment();
        List<Long> addresses = discovery.addresses();
        boolean same = !known.isEmpty() && addresses.equals(known.stream().map(Volume::address).toList());
        volumes = Volumes.of(same ? known : look(addresses, true));
        doubtful = same; // taken on trust: looked at soon
        lastBeat = registers.heartbeat();
        lastAlive = lastRescan = time.nanos();
        device.onInterrupt(this::interrupt);
        gate.set(Gate.OPEN);
        registers.interrupts(true);
        timer = upcalls.after(WATCH_MILLIS, this::watch);
        String how = same ? ", taken over" : "";
        LOG.info("{}: Smart Array {}, {} commands of {} KiB{}", device.address(), board.name(), pool.depth(), parameters.maxBytes() >> 10, how);
        if (!same) for (Volume volume : volumes.list) tell(volume);
    }

    private void tell(Volume volume) {
        if (volume.works()) LOG.info("{}: {}", device.address(), volume); else LOG.warn("{}: {}", device.address(), volume);
    }

    @Override public List<LogicalUnit> units() { return volumes.units; }

    @Override public int queueDepth() { return pool.depth(); }

    @Override public int maxBytes() { return parameters.maxBytes(); }

    @Override
    public void submit(BlockRequest request) {
        Command command = gate.get() == Gate.OPEN ? pool.take() : null;
        if (command != null) start(command, request); else hold(request);
    }

    private void start(Command command, BlockRequest request) {
        command.begin(); // from here on, who stops the driver waits for this thread
        if (gate.get() != Gate.OPEN) {
            release(command);
            hold(request);
            return;
        }
        Volume volume = volumes.byTarget.get(request.target());
        BlockResult refusal = volume == null ? BlockResult.GONE : volume.refusal(request, parameters.maxBytes());
        if (refusal != null) {
            release(command);
            request.complete(refusal);
            return;
        }
        if (request.operation().transfers() && !command.hasBuffer() && !findBuffer(command)) {
            command.end(); // and never used again
            hold(request);
            return;
        }
        command.request = request;
        command.volume = volume;
        command.since = time.nanos();
        command.attempts = 0;
        try {
            fill(command, volume, request);
        } catch (RuntimeException e) {
            release(command); // the caller's data could not be read: its own fault, but not at the cost of a command
            throw e;
        }
        command.post(registers);
    }

    /** LIMIT: a command that got no buffer once is lost to this driver, and requests wait for the others. */
    private boolean findBuffer(Command command) {
        try {
            command.buffer(device.allocate(parameters.maxBytes(), 4096));
            return true;
        } catch (IllegalStateException e) {
            noBuffer.increment();
            return false;
        }
    }

    private void fill(Command command, Volume volume, BlockRequest request) {
        int bytes = request.blocks() * volume.unit().blockBytes();
        switch (request.operation()) {
            case READ -> {
                reads.increment();
                command.fill(volume.address(), Cdb.read(request.block(), request.blocks()), bytes);
            }
            case WRITE -> {
                writes.increment();
                bytesWritten.add(bytes);
                request.data().copyTo(0, command.dataAddress(), bytes);
                command.fill(volume.address(), Cdb.write(request.block(), request.blocks()), bytes);
            }
            case FLUSH -> {
                flushes.increment();
                command.fill(volume.address(), Cdb.synchronizeCache(), 0);
            }
            case RESERVE -> {
                reservations.increment();
                command.fill(volume.address(), Cdb.reserve(), 0);
            }
            case RELEASE -> command.fill(volume.address(), Cdb.release(), 0);
        }
    }

    /** Keeps a request until there is a command for it, or gives it back if there will be none. */
    private void hold(BlockRequest request) {
        waits.increment();
        waiting.add(request);
        startWaiting();
        if (gate.get() == Gate.SHUT) giveBackWaiting();
    }

    private void startWaiting() {
        while (!waiting.isEmpty() && gate.get() == Gate.OPEN) {
            Command command = pool.take();
            if (command == null) return;
            BlockRequest request = waiting.poll();
            if (request != null) start(command, request); else pool.give(command);
        }
    }

    private void giveBackWaiting() {
        for (BlockRequest request = waiting.poll(); request != null; request = waiting.poll()) request.giveBack();
    }

    private void release(Command command) {
        command.end();
        pool.give(command);
        startWaiting();
    }

    /** Serves the interrupt: one call at a time. */
    private boolean interrupt() {
        if (!registers.pending()) return false;
        interrupts.increment();
        serve();
        return true;
    }

    /** Ends what has come back. The bound lets a controller that gives tags without end not keep the thread. */
    private void serve() {
        for (int left = 2 * pool.all().length; left > 0; left--) {
            int tag = nextTag();
            if (tag == Registers.EMPTY) return;
            Command command = pool.find(tag);
            if (command == null || !command.claim(tag)) {
                invalid(tag);
                continue;
            }
            invalidInARow = 0;
            completions.increment();
            finish(command, (tag & 2) != 0);
        }
    }

    private int nextTag() {
        synchronized (fifo) {
            return silent ? Registers.EMPTY : registers.completed();
        }
    }

    private void invalid(int tag) {
        invalidTags.increment();
        if (++invalidInARow == INVALID_TAGS) fail(String.format("the controller completes commands that it was not given (tag %08x)", tag));
    }

    private void finish(Command command, boolean error) {
        if (command.request == null) {
            command.answered(error);
            return;
        }
        BlockResult result = error ? judge(command) : BlockResult.GOOD;
        if (result == null) {
            retries.increment();
            command.again(registers);
            return;
        }
        BlockRequest request = command.request;
        if (result.good() && request.operation() == BlockOperation.READ) result = deliver(command, request);
        release(command);
        request.complete(result);
    }

    private BlockResult deliver(Command command, BlockRequest request) {
        try {
            request.data().copyFrom(0, command.dataAddress(), command.bytes);
        } catch (RuntimeException e) {
            LOG.error("{}: what was read cannot be delivered", device.address(), e);
            return BlockResult.HARDWARE_ERROR;
        }
        bytesRead.add(command.bytes);
        return BlockResult.GOOD;
    }

    /** What a request ends with; null if the command is to be posted again. */
    private BlockResult judge(Command command) {
        ErrorInfo.Verdict verdict = ErrorInfo.judge(command);
        if (command.commandStatus() == ErrorInfo.UNDERRUN) underruns.increment();
        if (verdict.doubtful()) doubtful = true;
        if (verdict.again() && command.attempts < ATTEMPTS) return null;
        if (verdict.result().status() == BlockResult.Status.RESERVATION_CONFLICT) conflicts.increment(); else if (!verdict.result().good()) errors.increment();
        return verdict.result();
    }

    private boolean mayAsk() {
        Gate now = gate.get();
        return now == Gate.ATTACHING || now == Gate.OPEN;
    }

    private void pollWhileAttaching() {
        if (gate.get() == Gate.ATTACHING) serve();
    }

    /** Looks after the controller, every second. */
    private void watch() {
        long now = time.nanos();
        if (gate.get() == Gate.OPEN) watchLife(now);
        if (gate.get() == Gate.OPEN) watchCommands(now);
        if (gate.get() == Gate.OPEN) watchVolumes(now);
        if (gate.get() == Gate.OPEN) timer = upcalls.after(aborted == null ? WATCH_MILLIS : WATCH_ABORT_MILLIS, this::watch);
    }

    /** The heartbeat counter has to go on; one that never did says nothing, and neither does one while commands complete. */
    private void watchLife(long now) {
        if (!registers.present()) {
            fail("the controller does not answer any more");
            return;
        }
        int beat = registers.heartbeat();
        long completed = completions.sum();
        beats |= beat != lastBeat;
        if (beat != lastBeat || completed != lastCompletions) lastAlive = now;
        lastBeat = beat;
        lastCompletions = completed;
        if (beats && now - lastAlive > parameters.lockupNanos()) fail("controller lockup: no heartbeat for " + (now - lastAlive) / 1_000_000_000L + " s");
    }

    /** Aborts commands that take too long, one after another. */
    private void watchCommands(long now) {
        if (aborted != null) {
            boolean answered = pool.forAborts().phase() == Command.IDLE;
            boolean back = aborted.tag() != abortedTag || aborted.phase() == Command.IDLE;
            if (!answered || !back) {
                long patience = answered && pool.forAborts().error ? ABORT_REFUSED_NANOS : ABORT_NANOS;
                long limit = parameters.timeoutNanos() / 1_000_000_000L;
                if (now - abortedAt > patience) fail("a command that was aborted after " + limit + " s did not come back");
                return;
            }
            aborted = null;
        }
        for (int i = 0; i < pool.depth(); i++) {
            Command command = pool.all()[i];
            int tag = command.tag();
            if (!overdue(command, now) || command.tag() != tag) continue;
            timeouts.increment();
            abort(command, tag, now);
            return;
        }
    }

    private boolean overdue(Command command, long now) { return command.phase() == Command.POSTED && now - command.since > parameters.timeoutNanos(); }

    private void abort(Command command, int tag, long now) {
        Volume volume = command.volume;
        if (volume == null) return; // it is back
        Command message = pool.forAborts();
        message.begin();
        if (gate.get() != Gate.OPEN) {
            message.end();
            return;
        }
        message.since = now;
        message.fillMessage(volume.address(), Cdb.abort(tag));
        aborts.increment();
        aborted = command;
        abortedTag = tag;
        abortedAt = now;
        message.post(registers);
    }

    private void watchVolumes(long now) {
        boolean all = doubtful;
        boolean due = parameters.rescanNanos() > 0 && now - lastRescan >= parameters.rescanNanos();
        if (!all && !due) return;
        doubtful = false;
        lastRescan = now;
        try {
            rescan(all);
        } catch (DriverException e) {
            if (gate.get() == Gate.OPEN) fail(e.getMessage());
        }
    }

    private void rescan(boolean all) throws DriverException {
        List<Volume> found = look(discovery.addresses(), all);
        List<Volume> before = volumes.list;
        if (gate.get() != Gate.OPEN || found.equals(before)) return;
        volumes = Volumes.of(found);
        for (Volume volume : before) {
            boolean gone = found.stream().noneMatch(other -> other.address() == volume.address());
            if (gone) LOG.warn("{}: target {} is gone", device.address(), volume.unit().target());
        }
        for (Volume volume : found) if (!before.contains(volume)) tell(volume);
        upcalls.unitsChanged();
    }

    /** @param all also at those that are known and work */
    private List<Volume> look(List<Long> addresses, boolean all) throws DriverException {
        List<Volume> found = new ArrayList<>();
        for (long address : addresses) {
            Volume known = volumes.byTarget.get(Volume.number(address));
            Volume volume = !all && known != null && known.address() == address && known.works() ? known : discovery.look(address);
            if (volume != null) found.add(volume);
        }
        return found;
    }

    private void fail(String why) {
        if (!gate.compareAndSet(Gate.OPEN, Gate.FAILED)) return;
        dead = true;
        synchronized (fifo) {
            if (!silent) registers.interrupts(false);
        }
        upcalls.failed(why);
    }

    @Override
    public void quiesce(Duration limit) throws TimeoutException {
        shut();
        long start = time.nanos();
        while (pool.inFlight() > 0) {
            if (dead || time.nanos() - start > limit.toNanos()) {
                throw new TimeoutException(pool.inFlight() + " commands are in flight after " + (time.nanos() - start) / 1_000_000 + " ms");
            }
            time.pause(50_000);
        }
        silence();
    }

    /** Lets nothing in any more, and gives back what waits. */
    private void shut() {
        gate.set(Gate.SHUT);
        timer.run();
        giveBackWaiting();
    }

    private void silence() {
        synchronized (fifo) {
            silent = true;
            registers.interrupts(false);
        }
        device.onInterrupt(null);
    }

    @Override
    public SavedState save() {
        StateRecord record = StateRecord.saving();
        exchange(record, device, volumes.list);
        saved = true;
        return record.saved(SCHEMA, VERSION);
    }

    private static List<Volume> load(SavedState state, PciDevice device) throws DriverException {
        try {
            return exchange(StateRecord.loading(state, SCHEMA, VERSION), device, List.of());
        } catch (IllegalArgumentException e) {
            throw new DriverException(e.getMessage(), e);
        }
    }

    /** Volumes of the state; none if it is another controller's. */
    private static List<Volume> exchange(StateRecord record, PciDevice device, List<Volume> volumes) {
        int subsystem = device.id().subsystemDevice() << 16 | device.id().subsystemVendor();
        boolean same = record.exchange("subsystem", subsystem) == subsystem;
        List<Volume> result = Volume.exchange(record, volumes);
        return same ? result : List.of();
    }

    @Override
    public void close() {
        shut();
        silence();
        if (!time.await(TRANSIT_NANOS, () -> !pool.inTransit())) LOG.warn("{}: a thread is still in the driver while it is closed", device.address());
        boolean busy = pool.inFlight() > 0;
        if (busy) device.reset(); else if (!dead && !saved) flushCache();
        registers.disable();
        long now = time.nanos();
        for (Command command : pool.all()) if (command.claim()) takeBack(command, now);
        giveBackWaiting();
    }

    /** Ends a command that the controller has forgotten. */
    private void takeBack(Command command, long now) {
        BlockRequest request = command.request;
        boolean late = now - command.since > parameters.timeoutNanos();
        if (request == null) command.answered(true); else command.end();
        if (request == null) return;
        // what was too slow counts as an attempt, or the kernel would repeat it for ever
        if (late) request.complete(BlockResult.TIMEOUT); else request.giveBack();
    }

    /** Before the power may go; who hands over leaves the cache to the successor. */
    private void flushCache() {
        try {
            Dialog last = new Dialog(pool.forAborts(), device, registers, time, FLUSH_NANOS, () -> true);
            last.serving(this::serveLast);
            Dialog.Answer answer = last.ask(Dialog.CONTROLLER, Cdb.flushCache(FLUSH_BYTES), FLUSH_BYTES);
            if (!answer.good()) LOG.warn("{}: the controller does not flush its cache ({})", device.address(), answer);
        } catch (DriverException | IllegalStateException e) {
            LOG.warn("{}: the cache was not flushed: {}", device.address(), e.getMessage());
        }
    }

    /** Nobody else looks at the FIFO any more. */
    private void serveLast() {
        int tag = registers.completed();
        Command mine = pool.forAborts();
        if (tag != Registers.EMPTY && pool.find(tag) == mine && mine.claim(tag)) mine.answered((tag & 2) != 0);
    }

    @Override
    public Map<String, Long> statistics() {
        Map<String, Long> values = new LinkedHashMap<>();
        values.put("reads", reads.sum());
        values.put("writes", writes.sum());
        values.put("flushes", flushes.sum());
        values.put("reservations", reservations.sum());
        values.put("reservation conflicts", conflicts.sum());
        values.put("bytes read", bytesRead.sum());
        values.put("bytes written", bytesWritten.sum());
        values.put("in flight", (long) pool.inFlight());
        values.put("interrupts", interrupts.sum());
        values.put("completions", completions.sum());
        values.put("errors", errors.sum());
        values.put("underruns", underruns.sum());
        values.put("retries", retries.sum());
        values.put("timeouts", timeouts.sum());
        values.put("aborts", aborts.sum());
        values.put("invalid tags", invalidTags.sum());
        values.put("waits for a command", waits.sum());
        values.put("waits for memory", noBuffer.sum());
        values.put("heartbeat", registers.heartbeat() & 0xFFFF_FFFFL);
        return values;
    }
}
