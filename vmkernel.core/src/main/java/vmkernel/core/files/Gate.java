package vmkernel.core.files;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import vmkernel.api.files.Progress;

/**
 * The way to code that may be replaced while its users stay. They pass while it is there and wait while it is not; who is inside is
 * counted, so that who takes the code away knows when all are out. Any thread.
 */
final class Gate<T> {
    private final String name;
    private final Queue<Waiting<T>> waiting = new ArrayDeque<>();
    /** Null while the gate is closed. */
    private T code;
    /** Why it will not open any more; null if it may. */
    private String end;
    private int inside;

    private record Waiting<T>(Consumer<T> work, Runnable refused) {}

    /** @param name for messages */
    Gate(String name) { this.name = name; }

    /** Waits until the code is there; {@link #leave} follows. @throws IOException in one line, if it will not come, or the thread is interrupted */
    synchronized T enter() throws IOException {
        try {
            while (code == null && end == null) wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(name + ": interrupted while its code was being replaced");
        }
        if (end != null) throw new IOException(name + ": " + end);
        inside++;
        return code;
    }

    /** The same without a wait: empty if it is not there now. */
    synchronized Optional<T> enterNow() {
        if (code != null) inside++;
        return Optional.ofNullable(code);
    }

    synchronized void leave() {
        if (--inside == 0) notifyAll();
    }

    /**
     * Does some work as soon as the code is there, and does not wait for that.
     *
     * @param work ends with {@link #leave}, on any thread; @param refused run instead, if the code will not come
     */
    void pass(Consumer<T> work, Runnable refused) {
        T now;
        synchronized (this) {
            if (code == null && end == null) {
                waiting.add(new Waiting<>(work, refused));
                return;
            }
            now = code;
            if (now != null) inside++;
        }
        if (now != null) work.accept(now); else refused.run();
    }

    synchronized boolean isOpen() { return code != null; }

    void open(T next) {
        List<Waiting<T>> due;
        synchronized (this) {
            code = next;
            due = List.copyOf(waiting);
            waiting.clear();
            inside += due.size();
            notifyAll();
        }
        for (Waiting<T> one : due) one.work.accept(next);
    }

    /** Nobody enters from now on. Waits until all are out. @return false if that takes longer */
    synchronized boolean close(long millis) {
        code = null;
        long stop = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        boolean interrupted = false;
        for (long left = 1; inside > 0 && left > 0; left = stop - System.nanoTime()) {
            try {
                wait(Math.max(1, TimeUnit.NANOSECONDS.toMillis(stop - System.nanoTime())));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        return inside == 0;
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
