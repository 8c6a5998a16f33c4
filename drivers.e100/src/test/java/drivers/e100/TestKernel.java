package drivers.e100;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.NetAdapter;

/** The kernel's side of one driver. Its clock runs faster than the wall's, so that tests need not wait for seconds. */
final class TestKernel implements Upcalls, AutoCloseable {
    private static final int SPEED = 10;

    final BlockingQueue<byte[]> received = new LinkedBlockingQueue<>();
    private final List<LinkState> links = new ArrayList<>();
    final AtomicInteger transmitReady = new AtomicInteger();
    final List<String> failures = new ArrayList<>();
    volatile Consumer<List<byte[]>> receiver = received::addAll;
    /** Where false, what is to be done later is never done. */
    volatile boolean clockRuns = true;
    private final Map<String, String> parameters;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread made = new Thread(task, "kernel");
        made.setDaemon(true);
        return made;
    });

    TestKernel(Map<String, String> parameters) { this.parameters = parameters; }

    TestKernel() { this(Map.of()); }

    NetAdapter attach(PciDevice card) throws DriverException { return attach(card, Optional.empty()); }

    NetAdapter attach(PciDevice card, Optional<SavedState> state) throws DriverException { return (NetAdapter) new E100().attach(card, this, state); }

    /** Waits for something that will happen. */
    static void await(String what, BooleanSupplier condition) {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20); !condition.getAsBoolean(); LockSupport.parkNanos(500_000)) {
            if (System.nanoTime() > end) throw new AssertionError("waited in vain: " + what);
        }
    }

    byte[] nextFrame() throws InterruptedException {
        byte[] frame = received.poll(20, TimeUnit.SECONDS);
        if (frame == null) throw new AssertionError("no frame came up; failures: " + failures);
        return frame;
    }

    /** Sends all, however often that takes. */
    void transmit(NetAdapter adapter, List<byte[]> frames) {
        for (int sent = 0; sent < frames.size(); ) {
            int ready = transmitReady.get();
            sent += adapter.transmit(frames.subList(sent, frames.size()));
            if (sent < frames.size()) await("room in the transmit ring", () -> transmitReady.get() != ready);
        }
    }

    @Override
    public Map<String, String> parameters() { return parameters; }

    @Override
    public void execute(Runnable task) {
        if (!thread.isShutdown()) thread.execute(task);
    }

    @Override
    public Runnable after(long millis, Runnable task) {
        if (thread.isShutdown()) return () -> {};
        Future<?> future = thread.schedule(() -> {
            if (clockRuns) task.run();
        }, millis / SPEED, TimeUnit.MILLISECONDS);
        return () -> future.cancel(false);
    }

    @Override
    public void failed(String why) {
        synchronized (failures) {
            failures.add(why);
        }
    }

    String failure() {
        synchronized (failures) {
            return failures.isEmpty() ? "" : failures.get(0);
        }
    }

    @Override
    public void received(List<byte[]> frames) { receiver.accept(frames); }

    @Override
    public void transmitReady() { transmitReady.incrementAndGet(); }

    @Override
    public void linkChanged(LinkState link) {
        synchronized (links) {
            links.add(link);
        }
    }

    List<LinkState> links() {
        synchronized (links) {
            return List.copyOf(links);
        }
    }

    @Override
    public void unitsChanged() { throw new AssertionError("a network adapter has no units"); }

    /** Nobody is interrupted: that would close the socket that is being written to. */
    @Override
    public void close() {
        clockRuns = false;
        thread.shutdown();
    }
}
