package vmkernel.core.storage;

import java.nio.ByteBuffer;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The kernel's threads for files, whose I/O blocks. They end when there is nothing to do. */
public final class IoThreads {
    /** Enough to keep a disk busy; more only wait for each other. */
    private static final int THREADS = 4;
    /** A thread's own memory, through which all data go. */
    public static final int BUFFER_BYTES = 256 << 10;

    private final AtomicInteger number = new AtomicInteger();
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(THREADS, THREADS, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
        task -> new IoThread(task, "vmk-disk-" + number.incrementAndGet()));

    public IoThreads() { threads.allowCoreThreadTimeOut(true); }

    /** What a thread does with its buffer. */
    public interface Work {
        void run(ByteBuffer buffer);
    }

    private static final class IoThread extends Thread {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

        IoThread(Runnable task, String name) {
            super(task, name);
            setDaemon(true);
        }
    }

    public void execute(Work work) { threads.execute(() -> work.run(((IoThread) Thread.currentThread()).buffer)); }

    /** What waits is still done. */
    public void close() { threads.shutdown(); }
}
