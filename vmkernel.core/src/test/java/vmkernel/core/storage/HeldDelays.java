package vmkernel.core.storage;

import java.util.ArrayList;
import java.util.List;

/** Time passes when a test says so. */
final class HeldDelays implements Delays {
    final List<Long> millis = new ArrayList<>();
    private final List<Runnable> tasks = new ArrayList<>();

    @Override
    public synchronized void after(long delay, Runnable task) {
        millis.add(delay);
        tasks.add(task);
    }

    /** Runs what waits. @return how many that were */
    int pass() {
        List<Runnable> due;
        synchronized (this) {
            due = List.copyOf(tasks);
            tasks.clear();
        }
        due.forEach(Runnable::run);
        return due.size();
    }
}
