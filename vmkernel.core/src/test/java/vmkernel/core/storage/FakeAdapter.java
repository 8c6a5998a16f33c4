package vmkernel.core.storage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import vmkernel.api.handover.SavedState;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockRequest;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;

/** An adapter whose disk is memory, and which ends its requests when a test says so, or at once. It checks what the kernel promises. */
public final class FakeAdapter implements BlockAdapter {
    static final int BLOCK = 512;

    /** The disk, which outlives drivers. */
    public static final class Platter {
        final byte[] data;
        /** Times that each block was written. */
        final int[] writes;

        public Platter(int blocks) { this(new byte[blocks * BLOCK]); }

        /** With its first blocks. */
        public Platter(byte[] first) {
            data = java.util.Arrays.copyOf(first, Math.max(first.length, 64 * BLOCK));
            writes = new int[data.length / BLOCK];
        }
    }

    final Platter platter;
    final int depth;
    final int maxBytes;
    public volatile List<LogicalUnit> units;
    /** How a request ends, by its number from 0; null is good. */
    volatile Function<Integer, BlockResult> fate = number -> null;
    volatile boolean immediate = true;
    volatile boolean quiesced;
    final List<BlockRequest> held = new ArrayList<>();
    private final List<String> broken = new ArrayList<>();
    /** Operations without data, in order. */
    final List<BlockOperation> operations = new ArrayList<>();
    private int submitted;
    private int inside;
    int most;

    public FakeAdapter(Platter platter, int depth, int maxBytes) {
        this.platter = platter;
        this.depth = depth;
        this.maxBytes = maxBytes;
        units = List.of(unit(1, 0, platter.data.length / BLOCK));
    }

    static LogicalUnit unit(int target, int lun, long blocks) { return new LogicalUnit(target, lun, blocks, BLOCK, false, "FAKE", "Disk", "1"); }

    synchronized int submitted() { return submitted; }

    /** Promises that were broken. */
    synchronized List<String> broken() { return List.copyOf(broken); }

    @Override public List<LogicalUnit> units() { return units; }
    @Override public int queueDepth() { return depth; }
    @Override public int maxBytes() { return maxBytes; }

    @Override
    public void submit(BlockRequest request) {
        int number;
        synchronized (this) {
            number = submitted++;
            if (!request.operation().transfers()) operations.add(request.operation());
            if (quiesced) broken.add("submit after quiesce: " + request);
            if (++inside > depth) broken.add(inside + " requests at a depth of " + depth);
            most = Math.max(most, inside);
            if ((long) request.blocks() * BLOCK > maxBytes) broken.add("too large: " + request);
            if (request.data() != null && request.data().bytes() != request.blocks() * BLOCK) broken.add("data do not fit: " + request);
            if (!immediate) {
                held.add(request);
                return;
            }
        }
        end(request, fate.apply(number));
    }

    /** Ends what is held, oldest first. */
    void release(int count) {
        for (int i = 0; i < count; i++) {
            BlockRequest request;
            synchronized (this) {
                if (held.isEmpty()) return;
                request = held.remove(0);
            }
            end(request, null);
        }
    }

    void end(BlockRequest request, BlockResult result) {
        if (result == null) transfer(request);
        synchronized (this) {
            inside--;
        }
        request.complete(result == null ? BlockResult.GOOD : result);
    }

    private void transfer(BlockRequest request) {
        if (!request.operation().transfers()) return;
        int bytes = request.blocks() * BLOCK;
        int at = (int) request.block() * BLOCK;
        long memory = HostMemory.allocate(bytes);
        try {
            synchronized (platter) {
                if (request.operation() == BlockOperation.READ) {
                    HostMemory.write(memory, platter.data, at, bytes);
                    request.data().copyFrom(0, memory, bytes);
                } else {
                    request.data().copyTo(0, memory, bytes);
                    HostMemory.read(memory, platter.data, at, bytes);
                    for (int i = 0; i < request.blocks(); i++) platter.writes[(int) request.block() + i]++;
                }
            }
        } finally {
            HostMemory.free(memory);
        }
    }

    @Override
    public void quiesce(Duration limit) {
        quiesced = true;
        while (true) {
            BlockRequest request;
            synchronized (this) {
                if (held.isEmpty()) return;
                // as a driver that forgot the order
                request = held.remove(held.size() - 1);
                inside--;
            }
            request.giveBack();
        }
    }

    @Override public SavedState save() { return SavedState.none("fake"); }
    @Override public Map<String, Long> statistics() { return Map.of("submitted", (long) submitted()); }
    @Override public void close() {}
}
