package vmkernel.core.storage;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Runs tasks later. */
interface Delays {
    void after(long millis, Runnable task);

    /** On a thread that is there only while something waits. */
    static Delays onThread(String name) {
        ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread made = new Thread(task, name);
            made.setDaemon(true);
            return made;
        });
        thread.setKeepAliveTime(1, TimeUnit.SECONDS);
        thread.allowCoreThreadTimeOut(true);
        return (millis, task) -> thread.schedule(task, millis, TimeUnit.MILLISECONDS);
    }
}
