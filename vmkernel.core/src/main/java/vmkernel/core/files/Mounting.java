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
    private final Set<Future<?>> alarms = ConcurrentHashMap.newKeySet();
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
        if (closed) return () -> { };
        Future<?> future = host.clock.schedule(() -> host.threads.execute(alarm), millis, TimeUnit.MILLISECONDS);
        alarm.future = future;
        alarms.add(future);
        if (closed || alarm.done) forget(future);
        return () -> forget(future);
    }

    private void forget(Future<?> future) {
        future.cancel(false);
        alarms.remove(future);
    }

    private final class Alarm implements Runnable {
        private final Runnable task;
        private volatile Future<?> future;
        private volatile boolean done;

        Alarm(Runnable task) { this.task = task; }

        @Override
        public void run() {
            done = true;
            if (future != null) alarms.remove(future);
            if (closed) return;
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
        alarms.forEach(this::forget);
    }
}
