package drivers.cciss;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.net.LinkState;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/**
 * As much of the kernel as a storage driver needs: it holds requests while there is no driver, repeats those that were given back or
 * timed out, and resets and attaches again what failed. Its clock goes faster than that of the world.
 */
final class SmallKernel implements Upcalls, AutoCloseable {
    private static final int HASTE = 10;
    private static final Time FAST = new Time() {
        @Override public long nanos() { return System.nanoTime() * HASTE; }

        @Override public void pause(long nanos) { LockSupport.parkNanos(nanos / HASTE); }
    };

    private final PciDevice pci;
    private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(1), recovery = Executors.newScheduledThreadPool(1);
    private final List<Job> held = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    private int attempts = 5;
    private Attachment attachment;
    /** Null while requests are held. Guarded by this, as is the rest. */
    private Controller driver;

    SmallKernel(PciDevice pci) throws DriverException {
        this.pci = pci;
        attach(Optional.empty());
    }

    private void attach(Optional<SavedState> state) throws DriverException {
        if (state.isEmpty()) pci.reset();
        Attachment next = new Attachment();
        Controller attached = Controller.attach(next, this, state, FAST);
        List<Job> waiting;
        synchronized (this) {
            attachment = next;
            driver = attached;
            waiting = List.copyOf(held);
            held.clear();
        }
        waiting.forEach(this::submit);
    }

    private synchronized Controller hold() {
        Controller last = driver;
        driver = null;
        return last;
    }

    /** As an update of the bundle does it. */
    void replace(boolean gently) {
        Controller last = hold();
        Optional<SavedState> state = Optional.empty();
        try {
            if (gently) {
                last.quiesce(Duration.ofSeconds(60L * HASTE));
                state = Optional.of(last.save());
            }
            detach(last);
            attach(state);
        } catch (TimeoutException | DriverException e) {
            throw new AssertionError(e);
        }
    }

    private void detach(Controller last) {
        last.close();
        attachment.close();
    }

    @Override
    public void failed(String why) {
        synchronized (this) {
            failures.add(why);
        }
        recovery.execute(() -> replace(false));
    }

    synchronized int recoveries() { return failures.size(); }

    /** How often a request is tried that times out. */
    void attempts(int most) { attempts = most; }

    List<LogicalUnit> units() { return driver.units(); }

    Map<String, Long> statistics() { return driver.statistics(); }

    Job start(BlockOperation operation, int target, long block, byte[] data) {
        Job job = new Job(operation, target, block, data);
        submit(job);
        return job;
    }

    private void submit(Job job) {
        Controller now;
        synchronized (this) {
            now = driver;
            if (now == null) held.add(job);
        }
        if (now != null) now.submit(job);
    }

    /** A request and what becomes of it. */
    final class Job implements BlockRequest {
        private final BlockOperation operation;
        private final int target;
        private final long block;
        private final byte[] bytes;
        private final Transfer data;
        private final CompletableFuture<BlockResult> done = new CompletableFuture<>();
        private int tries;

        Job(BlockOperation operation, int target, long block, byte[] bytes) {
            this.operation = operation;
            this.target = target;
            this.block = block;
            this.bytes = bytes;
            data = bytes == null ? null : new BufferTransfer(ByteBuffer.wrap(bytes));
        }

        @Override public BlockOperation operation() { return operation; }

        @Override public int target() { return target; }

        @Override public int lun() { return 0; }

        @Override public long block() { return block; }

        @Override public int blocks() { return bytes == null ? 0 : bytes.length / 512; }

        @Override public Transfer data() { return data; }

        byte[] bytes() { return bytes; }

        @Override
        public void complete(BlockResult result) {
            if (result.status() == BlockResult.Status.TIMEOUT && ++tries < attempts) submit(this);
            else if (!done.complete(result)) throw new IllegalStateException("ended twice: " + this);
        }

        @Override
        public void giveBack() {
            if (done.isDone()) throw new IllegalStateException("given back after its end: " + this);
            recovery.execute(() -> submit(this));
        }

        BlockResult await() throws InterruptedException, ExecutionException { return done.get(); }

        @Override public String toString() { return operation + " of " + blocks() + " at " + target + ":" + block; }
    }

    @Override public Map<String, String> parameters() { return Map.of("timeout", "8", "lockup", "12", "depth", "64"); }

    @Override public void execute(Runnable task) { clock.execute(task); }

    @Override
    public Runnable after(long millis, Runnable task) {
        Future<?> due = clock.schedule(task, millis / HASTE, TimeUnit.MILLISECONDS);
        return () -> due.cancel(false);
    }

    @Override public void received(List<byte[]> frames) { throw new AssertionError("frames from a disk"); }

    @Override public void transmitReady() { throw new AssertionError("frames to a disk"); }

    @Override public void linkChanged(LinkState link) { throw new AssertionError("a link to a disk"); }

    @Override public void unitsChanged() {}

    @Override
    public void close() {
        recovery.shutdownNow();
        Controller last = hold();
        if (last != null) detach(last);
        clock.shutdownNow();
    }

    /** The device as one driver has it: what it was given ends with it. */
    private final class Attachment implements PciDevice {
        private final List<DmaBuffer> buffers = new ArrayList<>();
        private volatile boolean closed;

        void close() {
            closed = true;
            pci.onInterrupt(null);
            synchronized (buffers) {
                buffers.forEach(DmaBuffer::close);
            }
        }

        @Override public PciAddress address() { return pci.address(); }

        @Override public PciId id() { return pci.id(); }

        @Override public int readConfig(int offset, int bytes) { return pci.readConfig(offset, bytes); }

        @Override public void writeConfig(int offset, int bytes, int value) { pci.writeConfig(offset, bytes, value); }

        @Override public int windowBytes(int bar) { return pci.windowBytes(bar); }

        @Override public long read(int bar, int offset, int bytes) { return closed ? 0xFFFF_FFFFL : pci.read(bar, offset, bytes); }

        @Override
        public void write(int bar, int offset, int bytes, long value) {
            if (closed) throw new IllegalStateException("written after the driver was closed");
            pci.write(bar, offset, bytes, value);
        }

        @Override
        public DmaBuffer allocate(int bytes, int alignment) {
            synchronized (buffers) {
                buffers.add(pci.allocate(bytes, alignment));
                return buffers.get(buffers.size() - 1);
            }
        }

        @Override public void onInterrupt(InterruptHandler handler) { pci.onInterrupt(handler); }

        @Override public void reset() { pci.reset(); }
    }
}
