package vmkernel.core.files;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import vmkernel.api.files.Progress;

/**
 * The way to code that may be replaced while its users stay. They pass while it is there and wait while it is not; who is inside is
 * counted, so that who takes the code away knows when all are out. Any thread.
 *
 * <p>Who passes takes no lock: it is counted first and looks for the code then, and who closes takes the code away first and looks at the
 * count then, so one of both sees the other.
 */
final class Gate<T> {
    private final String name;
    private final Queue<Waiting<T>> waiting = new ArrayDeque<>();
    private final AtomicInteger inside = new AtomicInteger();
    /** Null while the gate is closed. Changes under the lock. */
    private volatile T code;
    /** Why it will not open any more; null if it may. */
    private String end;

    private record Waiting<T>(Consumer<T> work, Runnable refused) {}

    /** @param name for messages */
    Gate(String name) { this.name = name; }

    /** Waits until the code is there; {@link #leave} follows. @throws IOException in one line, if it will not come, or the thread is interrupted */
    T enter() throws IOException {
        while (true) {
            T now = entered();
            if (now != null) return now;
            await();
        }
    }

    private synchronized void await() throws IOException {
        try {
            while (code == null && end == null) wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(name + ": interrupted while its code was being replaced");
        }
        if (end != null) throw new IOException(name + ": " + end);
    }

    /** Null if it is not there now. */
    private T entered() {
        inside.getAndIncrement();
        T now = code;
        if (now == null) leave();
        return now;
    }

    /** The same without a wait: empty if it is not there now. */
    Optional<T> enterNow() { return Optional.ofNullable(entered()); }

    void leave() {
        if (inside.decrementAndGet() == 0 && code == null) allOut();
    }

    private synchronized void allOut() { notifyAll(); }

    /** What somebody wants of the code, and gets. */
    interface Call<T, R> {
        R on(T code) throws IOException;
    }

    /** What somebody wants of the code. */
    interface Action<T> {
        void on(T code) throws IOException;
    }

    /** Waits until the code is there, and calls it. */
    <R> R call(Call<T, R> call) throws IOException {
        T now = enter();
        try {
            return call.on(now);
        } finally {
            leave();
        }
    }

    /** The same without a result. */
    void act(Action<T> action) throws IOException {
        call(now -> {
            action.on(now);
            return null;
        });
    }

    /**
     * Does some work as soon as the code is there, and does not wait for that.
     *
     * @param work ends with {@link #leave}, on any thread; @param refused run instead, if the code will not come
     */
    void pass(Consumer<T> work, Runnable refused) {
        while (true) {
            T now = entered();
            if (now != null) {
                work.accept(now);
                return;
            }
            if (waits(work, refused)) return;
        }
    }

    /** Whether that has become somebody else's to do. */
    private boolean waits(Consumer<T> work, Runnable refused) {
        synchronized (this) {
            if (code != null) return false;
            if (end == null) return waiting.add(new Waiting<>(work, refused));
        }
        refused.run();
        return true;
    }

    boolean isOpen() { return code != null; }

    void open(T next) {
        List<Waiting<T>> due;
        synchronized (this) {
            code = next;
            due = List.copyOf(waiting);
            waiting.clear();
            inside.addAndGet(due.size());
            notifyAll();
        }
        for (Waiting<T> one : due) one.work.accept(next);
    }

    /** Nobody enters from now on. Waits until all are out. @return false if that takes longer */
    synchronized boolean close(long millis) {
        code = null;
        long stop = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        boolean interrupted = false;
        for (long left = 1; inside.get() > 0 && left > 0; left = stop - System.nanoTime()) {
            try {
                wait(Math.max(1, TimeUnit.NANOSECONDS.toMillis(stop - System.nanoTime())));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        return inside.get() == 0;
    }

    /** Nobody enters any more, and who waits is refused. @param why for the message */
    void end(String why) {
        List<Waiting<T>> refused;
        synchronized (this) {
            code = null;
            end = why;
            refused = List.copyOf(waiting);
            waiting.clear();
            notifyAll();
        }
        for (Waiting<T> one : refused) one.refused.run();
    }

    /** Long work gives way when the code is to be replaced. */
    Progress givingWay(Progress progress) {
        return (done, total) -> {
            if (!isOpen()) throw new CancellationException(name + ": was stopped, as the code is being replaced; do it again");
            progress.at(done, total);
        };
    }
}
