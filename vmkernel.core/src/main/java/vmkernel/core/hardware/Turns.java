package vmkernel.core.hardware;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;

/** Runs tasks one at a time and in order, on threads of another executor. What a task throws is told and is not the end of the others. */
final class Turns implements Executor {
    private final Executor threads;
    private final java.util.function.Consumer<Throwable> failed;
    /** Guarded by itself, as is the flag. */
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private boolean working;

    Turns(Executor threads, java.util.function.Consumer<Throwable> failed) {
        this.threads = threads;
        this.failed = failed;
    }

    @Override
    public void execute(Runnable task) {
        synchronized (waiting) {
            waiting.add(task);
            if (working) return;
            working = true;
        }
        threads.execute(this::work);
    }

    private void work() {
        while (true) {
            Runnable task;
            synchronized (waiting) {
                task = waiting.poll();
                if (task == null) {
                    working = false;
                    return;
                }
            }
            try {
                task.run();
            } catch (Throwable e) {
                failed.accept(e);
            }
        }
    }
}
