package vmkernel.core.storage;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.BlockResult;

/**
 * The requests to one adapter. It gives the adapter no more, and nothing larger, than that can take; keeps what comes while there is
 * none, repeats what an adapter gave back or lost, and divides the adapter among those who want it by their shares. Any thread.
 *
 * <p>Shares: start-time fair queuing. The virtual time is the start of the request that went last. A request starts when the one
 * before it of the same user ends, which is its cost divided by the user's shares later; the earliest start goes first. So who comes
 * after a pause cannot catch up on what it did not use, and while there is room at the adapter nobody waits.
 *
 * <p>No order is kept between requests that are in flight together, as on any SCSI adapter with simple tags. What was
 * completed before a FLUSH was asked for has reached the unit, so the unit's own FLUSH covers it.
 */
final class RequestQueue {
    private static final Logger LOG = LoggerFactory.getLogger(RequestQueue.class);
    /** A request that timed out is repeated this often; pauses of 50, 100, 200, 400 and 800 ms come before. */
    static final int RETRIES = 5;
    static final long FIRST_PAUSE_MILLIS = 50;
    /** One that meets another host's reservation is repeated this often, after pauses of 1, 2, 4 ... 64, 64 ms: 6 s in all. */
    static final int CONFLICT_RETRIES = 100, LONGEST_CONFLICT_SHIFT = 6;
    /** A request costs 1 unit and 1 more for each so many bytes. The constant is our own; that it is so, [ESX] disk bandwidth. */
    static final int BYTES_PER_UNIT = 16 << 10;
    /** Requests of one user that may go in a row, and how far apart they may be to count as sequential, in blocks: SchedQuantum, SectorMaxDiff. */
    static final int BURST = 8, NEAR_BLOCKS = 2000;
    private static final long HOLD_MILLIS = 2000;

    private final String name;
    private final Delays delays;
    private BlockAdapter adapter;
    private boolean open;
    private boolean gone;
    private int depth;
    private int maxBytes;
    /** The thread that is giving requests to the adapter, or null: one at a time, so a completion within submit does not nest. */
    private Thread pump;
    private boolean holding;
    private final List<Piece> flight = new ArrayList<>();
    private final PriorityQueue<Piece> returned = new PriorityQueue<>(Comparator.comparingLong(Piece::sequence).thenComparingInt(piece -> piece.first));
    /** Users with requests that wait. */
    private final List<DiskShare> busy = new ArrayList<>();
    private long arrivals;
    private double virtualTime;
    /** Whose burst it is, its length and where it got to. */
    private DiskShare last;
    private int burst;
    private long lastEnd;

    RequestQueue(String name, Delays delays) {
        this.name = name;
        this.delays = delays;
    }

    // What is above.

    /** Never blocks. */
    void submit(Command command) {
        boolean lost;
        Piece first = null;
        synchronized (this) {
            lost = gone;
            if (!lost) {
                enqueue(command);
                first = claim();
            }
        }
        if (lost) command.asker.ended(BlockResult.GONE); else pump(first);
    }

    private void enqueue(Command command) {
        command.sequence = arrivals++;
        DiskShare share = command.share;
        if (share.waiting.isEmpty()) {
            busy.add(share);
            share.start = Math.max(virtualTime, share.start);
        }
        share.waiting.add(command);
    }

    /** Waits until the adapter has none of this user's requests. @return false if that takes longer */
    synchronized boolean settled(DiskShare share, long millis) {
        return await(() -> share.atAdapter == 0, millis);
    }

    /** Whether an adapter is at work. */
    synchronized boolean works() { return open; }

    /** Requests that the adapter can have and has, and those that wait. */
    synchronized int[] load() { return new int[] {depth, flight.size(), returned.size() + busy.stream().mapToInt(share -> share.waiting.size()).sum()}; }

    // What is below.

    /** An adapter works. */
    void attached(BlockAdapter next) {
        synchronized (this) {
            takeBack();
            adapter = next;
            depth = Math.max(1, next.queueDepth());
            maxBytes = Math.max(1, next.maxBytes());
            gone = false;
            open = true;
        }
        pump();
    }

    /** Returns when nobody is within submit of the adapter, nor will be; who is in there longer than 2 s is not waited for. */
    synchronized void hold() {
        open = false;
        holding = true;
        if (!await(() -> pump == null || pump == Thread.currentThread(), HOLD_MILLIS)) LOG.warn("{}: the driver does not come back from submit", name);
        holding = false;
    }

    /** Under the lock, which it gives up meanwhile. An interrupt does not end it: these waits are short. */
    private boolean await(BooleanSupplier condition, long millis) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        boolean interrupted = false;
        for (long left = 1; !condition.getAsBoolean() && left > 0; left = end - System.nanoTime()) {
            try {
                wait(TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()) + 1);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        return condition.getAsBoolean();
    }

    /** The adapter does nothing any more: everything that it did not end waits. */
    synchronized void detached() {
        open = false;
        adapter = null;
        takeBack();
    }

    private void takeBack() {
        for (Piece piece : flight) {
            piece.place = -1;
            piece.command.share.atAdapter--;
            returned.add(piece.again());
        }
        flight.clear();
        notifyAll();
    }

    /** There will be no adapter: everything ends. */
    void gone() {
        List<Piece> all = new ArrayList<>();
        synchronized (this) {
            detached();
            gone = true;
            all.addAll(returned);
            returned.clear();
            busy.removeIf(share -> drain(share, all));
        }
        for (Piece piece : all) finish(piece, BlockResult.GONE);
    }

    /** A unit is gone: what waits for it ends; what the adapter has of it, that will end. */
    void purge(Unit unit) {
        List<Piece> all = new ArrayList<>();
        synchronized (this) {
            returned.removeIf(piece -> piece.command.unit() == unit && all.add(piece));
            busy.removeIf(share -> share.unit == unit && drain(share, all));
        }
        for (Piece piece : all) finish(piece, BlockResult.GONE);
    }

    private static boolean drain(DiskShare share, List<Piece> to) {
        for (Command command; (command = share.waiting.poll()) != null; ) to.add(rest(command, Integer.MAX_VALUE));
        return true;
    }

    void givenBack(Piece piece) {
        synchronized (this) {
            if (!landed(piece)) return;
            returned.add(piece.again());
        }
        pump();
    }

    void ended(Piece piece, BlockResult result) {
        boolean again;
        boolean over;
        boolean more;
        synchronized (this) {
            if (!landed(piece)) return;
            again = worthAnother(piece, result);
            over = !again && over(piece, result);
            more = !busy.isEmpty() || !returned.isEmpty();
        }
        if (again) repeatLater(piece, result);
        if (over) tell(piece.command);
        if (more) pump();
    }

    private static boolean worthAnother(Piece piece, BlockResult result) {
        return !piece.withdrawn() && switch (result.status()) {
            case TIMEOUT -> piece.timeouts < RETRIES;
            case RESERVATION_CONFLICT -> piece.conflicts < CONFLICT_RETRIES;
            default -> false;
        };
    }

    private void repeatLater(Piece piece, BlockResult why) {
        LOG.debug("{}: {} of {}", name, why.status(), piece);
        boolean conflict = why.status() == BlockResult.Status.RESERVATION_CONFLICT;
        long millis = conflict ? 1L << Math.min(piece.conflicts, LONGEST_CONFLICT_SHIFT) : FIRST_PAUSE_MILLIS << piece.timeouts;
        delays.after(millis, () -> repeat(conflict ? piece.afterConflict() : piece.afterTimeout()));
    }

    private void repeat(Piece piece) {
        boolean lost;
        synchronized (this) {
            lost = gone;
            if (!lost) returned.add(piece);
        }
        if (lost) finish(piece, BlockResult.GONE); else pump();
    }

    /** False if the adapter does not have it any more. */
    private boolean landed(Piece piece) {
        if (piece.place < 0) return false;
        Piece moved = flight.remove(flight.size() - 1);
        if (moved != piece) {
            flight.set(piece.place, moved);
            moved.place = piece.place;
        }
        piece.place = -1;
        if (--piece.command.share.atAdapter == 0) notifyAll();
        return true;
    }

    /** A piece has come to its end; perhaps the command with it. Under no lock. */
    private void finish(Piece piece, BlockResult result) {
        boolean over;
        synchronized (this) {
            over = over(piece, result);
        }
        if (over) tell(piece.command);
    }

    /** Under the lock: a piece has ended. True if it was the last one of its command. */
    private static boolean over(Piece piece, BlockResult result) {
        Command command = piece.command;
        if (!result.good() && command.result.good()) command.result = result;
        command.left -= Math.max(1, piece.blocks());
        return command.left == 0;
    }

    /** Under no lock. */
    private void tell(Command command) {
        if (command.result.good()) command.share.counters().ended(command.operation, command.bytes());
        try {
            command.asker.ended(command.result);
        } catch (Throwable e) {
            LOG.error("{}: an error in what was to be done after a request", name, e);
        }
    }

    // In between.

    /** Gives the adapter what it can take. Whoever adds something calls it afterwards; the one who is at it sees that, too. */
    private void pump() {
        Piece first;
        synchronized (this) {
            first = claim();
        }
        pump(first);
    }

    /** Under the lock: the first piece to go, which makes this thread the one who is at it; or null. */
    private Piece claim() {
        Piece first = pump == null ? next() : null;
        if (first != null) pump = Thread.currentThread();
        return first;
    }

    private void pump(Piece first) {
        for (Piece piece = first; piece != null; ) {
            if (piece.refusal != null) finish(piece, piece.refusal); else start(piece);
            synchronized (this) {
                piece = next();
                if (piece == null) {
                    pump = null;
                    if (holding) notifyAll();
                }
            }
        }
    }

    private void start(Piece piece) {
        try {
            piece.adapter.submit(piece);
        } catch (Throwable e) {
            LOG.error("{}: the driver failed in submit", name, e);
            ended(piece, BlockResult.HARDWARE_ERROR);
        }
    }

    private Piece next() {
        if (!open || flight.size() >= depth) return null;
        Piece piece = returned.isEmpty() ? fromShares() : fromReturned();
        if (piece == null) return null;
        piece.refusal = piece.command.obstacle();
        if (piece.refusal == null) {
            piece.adapter = adapter;
            piece.place = flight.size();
            flight.add(piece);
            piece.command.share.atAdapter++;
        }
        return piece;
    }

    /** The oldest that came back; what is too large for the adapter that there is now is divided again. */
    private Piece fromReturned() {
        Piece piece = returned.poll();
        int most = maxBlocks(piece.command);
        if (piece.blocks() <= most) return piece;
        returned.add(piece.part(piece.first + most, piece.blocks() - most));
        return piece.part(piece.first, most);
    }

    private int maxBlocks(Command command) { return Math.max(1, maxBytes / command.blockBytes); }

    private Piece fromShares() {
        if (busy.isEmpty()) return null;
        DiskShare share = nearby() ? last : earliest();
        Command command = share.waiting.peek();
        Piece piece = rest(command, maxBlocks(command));
        if (command.allIssued()) share.waiting.poll();
        charge(share, piece);
        if (share.waiting.isEmpty()) busy.remove(share);
        return piece;
    }

    private static Piece rest(Command command, int most) {
        Piece piece = new Piece(command, command.issued, Math.min(most, command.blocks - command.issued), 0, 0);
        command.issued += piece.blocks();
        return piece;
    }

    private DiskShare earliest() {
        DiskShare earliest = busy.get(0);
        for (DiskShare share : busy) {
            if (share.start < earliest.start || share.start == earliest.start && earliest == last) earliest = share;
        }
        return earliest;
    }

    /** Whether the one who went last may go again: its next request is near. What it takes so it pays for, too. */
    private boolean nearby() {
        if (last == null || burst >= BURST || last.waiting.isEmpty()) return false;
        Command command = last.waiting.peek();
        return Math.abs(command.block + command.issued - lastEnd) <= NEAR_BLOCKS;
    }

    private void charge(DiskShare share, Piece piece) {
        burst = share == last && burst < BURST ? burst + 1 : 1;
        last = share;
        lastEnd = piece.block() + piece.blocks();
        virtualTime = Math.max(virtualTime, share.start);
        share.start += (1 + (double) piece.bytes() / BYTES_PER_UNIT) / share.shares();
    }
}
