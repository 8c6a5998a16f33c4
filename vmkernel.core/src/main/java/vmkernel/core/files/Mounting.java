package vmkernel.core.files;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.files.MountContext;

/** What one mounting of a volume has of the kernel, until the code that serves it goes. */
final class Mounting implements MountContext {
    private static final Logger LOG = LoggerFactory.getLogger(Mounting.class);

    private final Host host;
    private final boolean readOnly;
    private final Consumer<String> failed;
    private final Set<Alarm> alarms = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    /** What all mountings have in common. @param threads may wait for I/O */
    record Host(HostIdentity identity, ScheduledExecutorService clock, Executor threads) {}

    /** @param failed told once at most */
    Mounting(Host host, boolean readOnly, Consumer<String> failed) {
        this.host = host;
        this.readOnly = readOnly;
        this.failed = failed;
    }

    @Override public String hostUuid() { return host.identity.uuid(); }
    @Override public String hostName() { return host.identity.name(); }
    @Override public boolean readOnly() { return readOnly; }

    @Override
    public Runnable after(long millis, Runnable task) {
        Alarm alarm = new Alarm(task);
        alarms.add(alarm);
        if (!closed) alarm.start(millis);
        if (closed) alarm.cancel();
        return alarm::cancel;
    }

    private final class Alarm implements Runnable {
        private final Runnable task;
        private Future<?> future;
        private boolean over;

        Alarm(Runnable task) { this.task = task; }

        synchronized void start(long millis) {
            if (millis <= 0) host.threads.execute(this); else future = host.clock.schedule(() -> host.threads.execute(this), millis, TimeUnit.MILLISECONDS);
        }

        /** @return false if it has run, or will not run */
        private synchronized boolean end() {
            boolean first = !over;
            over = true;
            if (future != null) future.cancel(false);
            return first;
        }

        void cancel() {
            end();
            alarms.remove(this);
        }

        @Override
        public void run() {
            alarms.remove(this);
            if (!end()) return;
            try {
                task.run();
            } catch (RuntimeException | LinkageError e) {
                LOG.error("a task of a file system failed", e);
            }
        }
    }

    @Override
    public void failed(String why) {
        if (!closed) failed.accept(why);
    }

    /** Nothing of it happens any more, but for a task that runs. */
    void close() {
        closed = true;
        alarms.forEach(Alarm::cancel);
    }
}
