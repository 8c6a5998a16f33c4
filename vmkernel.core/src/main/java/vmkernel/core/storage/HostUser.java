package vmkernel.core.storage;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import vmkernel.api.storage.BlockResult;

/** The host as a user of a unit: it waits when it has too many requests there. Takes a lock only then. */
final class HostUser {
    private final DiskShare share;
    /** How many ends of requests a thread is in; of a class of the JDK, so that a thread of a pool keeps nothing of this bundle. */
    private final ThreadLocal<int[]> inside = ThreadLocal.withInitial(() -> new int[1]);
    private final AtomicInteger requests = new AtomicInteger();
    /** Threads that wait for room; changed under the lock. */
    private volatile int waiting;

    HostUser(DiskShare share) { this.share = share; }

    DiskShare share() { return share; }

    /** Waits for room, but for who submits from within {@code done}: the thread may be the one that makes room. */
    void enter() {
        if (take()) return;
        if (inside.get()[0] > 0) requests.incrementAndGet(); else await();
    }

    private boolean take() {
        for (int now = requests.get(); now < Extent.HOST_REQUESTS; now = requests.get()) if (requests.compareAndSet(now, now + 1)) return true;
        return false;
    }

    private synchronized void await() {
        boolean interrupted = false;
        waiting++;
        while (!take()) { // looked at after "waiting" is told, so that who leaves sees the one or this the other
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        waiting--;
        if (interrupted) Thread.currentThread().interrupt();
    }

    void leave(BlockResult result, Consumer<BlockResult> done) {
        requests.decrementAndGet();
        if (waiting > 0) {
            synchronized (this) {
                notify();
            }
        }
        int[] depth = inside.get();
        depth[0]++;
        try {
            done.accept(result);
        } finally {
            depth[0]--;
        }
    }
}
