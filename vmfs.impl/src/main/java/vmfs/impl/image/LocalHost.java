package vmfs.impl.image;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;
import vmkernel.api.files.MountContext;

/** This process as a host of its own: several of them may have one volume. */
final class LocalHost implements MountContext, AutoCloseable {
    private final boolean readOnly;
    private final String uuid;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "vmfs timer");
        thread.setDaemon(true);
        return thread;
    });

    LocalHost(boolean readOnly) {
        this.readOnly = readOnly;
        SecureRandom random = new SecureRandom();
        uuid = String.format("%08x-%08x-%04x-%012x", System.currentTimeMillis() / 1000, random.nextInt(), random.nextInt(1 << 16), random.nextLong() & (1L << 48) - 1);
    }

    @Override public String hostUuid() { return uuid; }

    @Override
    public String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName() + ", process " + ProcessHandle.current().pid();
        } catch (UnknownHostException e) {
            return "process " + ProcessHandle.current().pid();
        }
    }

    @Override public boolean readOnly() { return readOnly; }

    @Override
    public Runnable after(long millis, Runnable task) {
        Future<?> later = timer.schedule(task, millis, TimeUnit.MILLISECONDS);
        return () -> later.cancel(false);
    }

    @Override public void failed(String why) { LoggerFactory.getLogger(LocalHost.class).error("{}", why); }

    @Override public void close() { timer.shutdownNow(); }
}
