package drivers.cciss;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.Upcalls;
import vmkernel.api.net.LinkState;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.Transfer;

/** A controller on a workbench: time stands still unless somebody waits or {@link #pass} is called. */
final class Bench implements Time, Upcalls {
    private record Timer(long due, Runnable task) {}

    final FakeArray array;
    final Map<String, String> parameters = new HashMap<>();
    final List<String> failures = new ArrayList<>();
    int unitChanges;
    Controller driver;
    private long now = 1_000_000_000L;
    private final List<Timer> timers = new ArrayList<>();
    /** What the hardware does while somebody waits. */
    Runnable meanwhile;

    Bench(FakeArray array) {
        this.array = array;
        meanwhile = array::pump;
    }

    Bench() { this(new FakeArray()); }

    Bench attach() throws DriverException { return attach(Optional.empty()); }

    Bench attach(Optional<SavedState> state) throws DriverException {
        driver = Controller.attach(array, this, state, this);
        return this;
    }

    @Override
    public synchronized long nanos() { return now += 1000; }

    @Override
    public void pause(long nanos) {
        synchronized (this) {
            now += nanos;
        }
        meanwhile.run();
    }

    /** Time passes, with the firmware alive. */
    void pass(long millis) { pass(millis, true); }

    void pass(long millis, boolean alive) {
        long end = now + millis * 1_000_000L;
        for (;;) {
            Timer next = timers.stream().filter(t -> t.due <= end).min(java.util.Comparator.comparingLong(Timer::due)).orElse(null);
            if (next == null) break;
            timers.remove(next);
            now = Math.max(now, next.due);
            if (alive) array.heartbeat++;
            next.task.run();
            array.pump();
        }
        now = Math.max(now, end);
    }

    /** Submits, and lets the hardware work. */
    Request submit(Request request) {
        driver.submit(request);
        array.pump();
        return request;
    }

    Request read(int target, long block, int blocks) {
        return submit(new Request(BlockOperation.READ, target, block, blocks, ByteBuffer.allocate(blocks * 512)));
    }

    Request write(int target, long block, byte[] data) {
        return submit(new Request(BlockOperation.WRITE, target, block, data.length / 512, ByteBuffer.wrap(data)));
    }

    Request flush(int target) { return submit(BlockOperation.FLUSH, target); }

    /** Without data. */
    Request submit(BlockOperation operation, int target) { return submit(new Request(operation, target, 0, 0, null)); }

    static byte[] random(Random random, int blocks) {
        byte[] data = new byte[blocks * 512];
        random.nextBytes(data);
        return data;
    }

    /** A request that counts its endings. */
    static class Request implements BlockRequest {
        private final BlockOperation operation;
        private final int target, blocks;
        private final long block;
        final ByteBuffer buffer;
        private final Transfer data;
        private volatile BlockResult result;
        private int completed, givenBack;

        Request(BlockOperation operation, int target, long block, int blocks, ByteBuffer buffer) {
            this.operation = operation;
            this.target = target;
            this.block = block;
            this.blocks = blocks;
            this.buffer = buffer;
            data = buffer == null ? null : new BufferTransfer(buffer);
        }

        @Override public BlockOperation operation() { return operation; }

        @Override public int target() { return target; }

        @Override public int lun() { return 0; }

        @Override public long block() { return block; }

        @Override public int blocks() { return blocks; }

        @Override public Transfer data() { return data; }

        @Override
        public synchronized void complete(BlockResult result) {
            this.result = result;
            completed++;
        }

        @Override public synchronized void giveBack() { givenBack++; }

        /** Null while it is under way. */
        BlockResult result() { return result; }

        synchronized int endings() { return completed + givenBack; }

        synchronized boolean givenBack() { return givenBack == 1 && completed == 0; }

        byte[] bytes() { return buffer.array(); }
    }

    @Override public Map<String, String> parameters() { return parameters; }

    @Override public void execute(Runnable task) { timers.add(new Timer(now, task)); }

    @Override
    public Runnable after(long millis, Runnable task) {
        Timer timer = new Timer(now + millis * 1_000_000L, task);
        timers.add(timer);
        return () -> timers.remove(timer);
    }

    @Override public void failed(String why) { failures.add(why); }

    @Override public void received(List<byte[]> frames) { throw new AssertionError("frames from a disk"); }

    @Override public void transmitReady() { throw new AssertionError("frames to a disk"); }

    @Override public void linkChanged(LinkState link) { throw new AssertionError("a link to a disk"); }

    @Override public void unitsChanged() { unitChanges++; }
}
