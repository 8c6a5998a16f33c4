package vmkernel.core.storage;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/**
 * This host's reservation of a unit. Many may have it together: the unit hears of the first and of the last. A device that was reset
 * has forgotten it, so it is asked for again before anything else is; if another host was faster nothing is written any more until
 * all who had it have given it back, as they do not have what they count on. Any thread.
 */
final class Reservation {
    private static final Logger LOG = LoggerFactory.getLogger(Reservation.class);
    private static final long RENEW_MILLIS = 2000;

    private final Unit unit;
    private final List<Asker> waiting = new ArrayList<>();
    private int holders;
    /** The unit has been asked for it or given it back, and has not answered. */
    private boolean asking;
    private volatile boolean lost;

    Reservation(Unit unit) { this.unit = unit; }

    /** Another host may have it, though somebody here counts on it. */
    boolean lost() { return lost; }

    void reserve(Asker asker) {
        boolean have;
        synchronized (this) {
            have = holders > 0;
            if (have) {
                holders++;
            } else {
                waiting.add(asker);
                if (asking) return;
                asking = true;
            }
        }
        if (have) asker.ended(BlockResult.GOOD); else send(BlockOperation.RESERVE, this::reserved);
    }

    private void reserved(BlockResult result) {
        List<Asker> all;
        synchronized (this) {
            asking = false;
            all = List.copyOf(waiting);
            waiting.clear();
            if (result.good()) holders = all.size();
        }
        for (Asker asker : all) asker.ended(result);
    }

    void release(Asker asker) {
        boolean last;
        synchronized (this) {
            last = holders == 1;
            if (holders > 0) holders--;
            if (last) {
                asking = true;
                lost = false;
            }
        }
        if (last) send(BlockOperation.RELEASE, result -> released(result, asker)); else asker.ended(BlockResult.GOOD);
    }

    private void released(BlockResult result, Asker asker) {
        boolean wanted;
        synchronized (this) {
            wanted = !waiting.isEmpty();
            asking = wanted;
        }
        asker.ended(result);
        if (wanted) send(BlockOperation.RESERVE, this::reserved);
    }

    private void send(BlockOperation operation, Asker asker) { unit.queue().submit(new Command(unit.host().share(), operation, 0, 0, null, asker)); }

    /** There is another driver; requests do not go to it as yet. */
    void renew(BlockAdapter adapter) {
        synchronized (this) {
            if (holders == 0) return;
        }
        Renewal renewal = new Renewal();
        adapter.submit(renewal);
        BlockResult result = renewal.await();
        synchronized (this) {
            lost = holders > 0 && !result.good();
        }
        if (!result.good()) LOG.error("{}: the reservation is lost ({}): what was being written under it fails", unit, result);
    }

    private final class Renewal implements BlockRequest {
        private final CompletableFuture<BlockResult> end = new CompletableFuture<>();

        BlockResult await() {
            try {
                return end.get(RENEW_MILLIS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return BlockResult.TIMEOUT;
            } catch (ExecutionException | TimeoutException e) {
                return BlockResult.TIMEOUT;
            }
        }

        @Override public BlockOperation operation() { return BlockOperation.RESERVE; }
        @Override public int target() { return unit.now().target(); }
        @Override public int lun() { return unit.now().lun(); }
        @Override public long block() { return 0; }
        @Override public int blocks() { return 0; }
        @Override public Transfer data() { return null; }
        @Override public void complete(BlockResult result) { end.complete(result); }
        @Override public void giveBack() { end.complete(BlockResult.TIMEOUT); }
    }
}
