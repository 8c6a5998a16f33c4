package host.sim.bus;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The thread on which interrupts are served that cannot be on the thread that raised them. Also knows which threads are within an
 * access to a register.
 */
final class BusThread implements AutoCloseable {
    private static final int IDLE_SECONDS = 10;

    /** Depth of register accesses; of a class of the JDK, so that a thread of a pool keeps nothing of this bundle. */
    private final ThreadLocal<int[]> depth = ThreadLocal.withInitial(() -> new int[1]);
    private final ScheduledThreadPoolExecutor executor;

    /** @param name of the host; the thread is started when it is needed first */
    BusThread(String name) {
        executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, name + " interrupts");
            thread.setDaemon(true);
            return thread;
        }, new ThreadPoolExecutor.DiscardPolicy());
        executor.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
        executor.allowCoreThreadTimeOut(true);
    }

    /** Counts the accesses that this thread is in: one up before, one down after. */
    int[] depth() { return depth.get(); }

    boolean inAccess() { return depth.get()[0] > 0; }

    void execute(Runnable task) { executor.execute(task); }

    void after(long time, TimeUnit unit, Runnable task) { executor.schedule(task, time, unit); }

    @Override
    public void close() { executor.shutdownNow(); }
}
