package vmkernel.core.files;

import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A search that is made whenever somebody asks, by one thread at a time: who asks while it is made gets another one. Any thread. */
final class Searches {
    private static final long POLL_MILLIS = 50;

    private final Executor threads;
    private final Runnable search;
    /** Asked for and not done. */
    private int asked;
    private boolean any;
    private boolean closed;

    /** @param search never throws */
    Searches(Executor threads, Runnable search) {
        this.threads = threads;
        this.search = search;
    }

    /** Soon, on another thread. */
    void ask() {
        synchronized (this) {
            if (closed || asked++ > 0) return; // whoever is at it does it once more
        }
        threads.execute(this::work);
    }

    private void work() {
        for (int served = asked(); served > 0; served = done(served)) search.run();
    }

    private synchronized int asked() { return asked; }

    private synchronized int done(int served) {
        asked -= served;
        any = true;
        notifyAll();
        return asked;
    }

    /** Whether one has been made, and none is wanted just now. */
    synchronized boolean settled() { return any && asked == 0; }

    /** Waits until a condition holds, which may have to do with time, or until it has taken too long. */
    synchronized void await(BooleanSupplier enough, long millis) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        try {
            while (!closed && !enough.getAsBoolean() && System.nanoTime() < end) wait(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Asks, and returns when it is done. */
    void now() {
        ask();
        await(this::settled, TimeUnit.DAYS.toMillis(1));
    }

    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
