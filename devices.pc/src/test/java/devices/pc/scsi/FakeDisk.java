package devices.pc.scsi;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;
import vmkernel.api.storage.VirtualDisk;

/** A disk of the kernel that ends requests when the test says so: in any order, well or not. */
final class FakeDisk implements VirtualDisk {
    static final int BLOCK = 512;

    final byte[] content;
    final List<Request> pending = new ArrayList<>();
    final List<BlockOperation> history = new ArrayList<>();
    boolean readOnly;
    /** Requests end while they are submitted. */
    boolean immediate;
    int aborts, resets;
    private Listener listener;
    private final List<Runnable> untold = new ArrayList<>(); // ends that nobody listened to

    record Request(long tag, BlockOperation operation, long block, Transfer data) {}

    FakeDisk(int blocks) { content = new byte[blocks * BLOCK]; }

    /** With content that differs from block to block. */
    FakeDisk filled(long seed) {
        new Random(seed).nextBytes(content);
        return this;
    }

    @Override public long blocks() { return content.length / BLOCK; }
    @Override public int blockBytes() { return BLOCK; }
    @Override public boolean readOnly() { return readOnly; }
    @Override public LogicalUnit unit() { return new LogicalUnit(0, 0, blocks(), BLOCK, readOnly, "VMware", "Virtual disk", "1.0"); }

    @Override
    public void submit(long tag, BlockOperation operation, long block, Transfer data) {
        if (pending.stream().anyMatch(request -> request.tag == tag)) throw new IllegalArgumentException("two requests are named " + tag);
        if (data != null && (data.bytes() == 0 || data.bytes() % BLOCK != 0 || block < 0 || block + data.bytes() / BLOCK > blocks())) {
            throw new IllegalArgumentException(operation + " of " + data.bytes() + " bytes at block " + block);
        }
        Request request = new Request(tag, operation, block, data);
        pending.add(request);
        history.add(operation);
        if (immediate) end(request, BlockResult.GOOD);
    }

    @Override
    public void abort(long tag) { if (pending.removeIf(request -> request.tag == tag)) aborts++; }

    @Override
    public void reset() {
        pending.clear();
        untold.clear();
        resets++;
    }

    @Override
    public void listener(Listener next) {
        listener = next;
        if (next == null) return;
        List<Runnable> told = List.copyOf(untold);
        untold.clear();
        told.forEach(Runnable::run);
    }

    /** Ends all that is pending, oldest first. */
    void endAll() { while (!pending.isEmpty()) end(BlockResult.GOOD); }

    /** Ends the oldest. */
    void end(BlockResult result) { end(pending.get(0), result); }

    void end(Request request, BlockResult result) {
        pending.remove(request);
        if (result.good()) move(request);
        Runnable told = () -> listener.completed(request.tag, result);
        if (listener != null) told.run();
        else untold.add(told);
    }

    private void move(Request request) {
        if (request.data == null) return;
        int at = (int) request.block * BLOCK, bytes = request.data.bytes();
        long buffer = HostMemory.allocate(bytes);
        if (request.operation == BlockOperation.READ) {
            HostMemory.write(buffer, content, at, bytes);
            request.data.copyFrom(0, buffer, bytes);
        } else {
            request.data.copyTo(0, buffer, bytes);
            HostMemory.read(buffer, content, at, bytes);
        }
        HostMemory.free(buffer);
    }
}
