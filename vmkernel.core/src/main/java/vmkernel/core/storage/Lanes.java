package vmkernel.core.storage;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;

/** Starts tasks in order, some at a time, on threads of another executor: who waits in one does not hold up those of others. */
final class Lanes implements Executor {
    private final Executor threads;
    private final int most;
    /** Guarded by itself, as is the number of threads at work. */
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private int working;

    Lanes(Executor threads, int most) {
        this.threads = threads;
        this.most = most;
    }

    @Override
    public void execute(Runnable task) {
        synchronized (waiting) {
            waiting.add(task);
            if (working == most) return;
            working++;
        }
        threads.execute(this::work);
    }

    private void work() {
        for (Runnable task; (task = next()) != null; ) task.run();
    }

    private Runnable next() {
        synchronized (waiting) {
            Runnable task = waiting.poll();
            if (task == null) working--;
            return task;
        }
    }
}
