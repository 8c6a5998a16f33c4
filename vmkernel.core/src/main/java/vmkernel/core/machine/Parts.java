package vmkernel.core.machine;

import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import vmkernel.api.device.VirtualDeviceProvider;
import vmkernel.api.firmware.Firmware;
import vmkernel.core.files.HostVolumes;
import vmkernel.core.memory.PagePool;
import vmkernel.api.monitor.Monitor;
import vmkernel.core.net.Networks;
import vmkernel.core.storage.ImageDisks;
import vmkernel.core.storage.StoragePaths;

/** What machines are made of and run on: the kernel's own parts, and services that come and go. */
final class Parts implements AutoCloseable {
    final PagePool memory;
    final StoragePaths storage;
    final ImageDisks images;
    final Networks networks;
    /** Folder of the installation; dumps go below it. */
    final Path home;
    /** How long a power-on waits for a service while there is none of its kind: its bundle may be just starting. */
    volatile long serviceMillis = 2000;
    /** How long one that has gone is waited for before something else takes its place. */
    volatile long successorMillis = 30_000;
    final Worlds worlds = new Worlds();
    final Plugged<Monitor> monitors = new Plugged<>(() -> serviceMillis);
    final Plugged<VirtualDeviceProvider> devices = new Plugged<>(() -> serviceMillis);
    final Plugged<Firmware> firmwares = new Plugged<>(() -> serviceMillis);
    final AlarmClock clock = new AlarmClock();
    private final AtomicInteger threadNumber = new AtomicInteger();
    final ThreadFactory threads = task -> {
        Thread thread = new Thread(task, "vmk-helper-" + threadNumber.incrementAndGet());
        thread.setDaemon(true);
        return thread;
    };
    /** For what must not run on a virtual CPU's or a caller's thread. Threads come and go. */
    final ExecutorService executor = new ThreadPoolExecutor(0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), threads);
    /** A vCPU has to return between two instructions, a device at once; who does not within this time is given up on. */
    volatile long patienceMillis = 5000;
    /** World ids; those of virtual machines are above 100. */
    private final AtomicInteger lastId = new AtomicInteger(100);

    Parts(PagePool memory, StoragePaths storage, HostVolumes volumes, Networks networks, Path home) {
        this.memory = memory;
        this.storage = storage;
        images = new ImageDisks(volumes, volumes::missing, executor);
        this.networks = networks;
        this.home = home;
    }

    int newId() { return lastId.incrementAndGet(); }

    /** Runs a task after a while, on a thread of the kernel. */
    void later(long millis, Runnable task) {
        AlarmClock.Alarm[] alarm = new AlarmClock.Alarm[1];
        alarm[0] = clock.alarm(() -> {
            alarm[0].close();
            executor.execute(task);
        });
        alarm[0].by(System.nanoTime() + millis * 1_000_000);
    }

    @Override
    public void close() {
        worlds.close();
        clock.close();
        executor.shutdown();
    }
}
