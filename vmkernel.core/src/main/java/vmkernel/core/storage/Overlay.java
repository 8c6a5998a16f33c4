package vmkernel.core.storage;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;
import vmkernel.api.storage.TransferPart;

/**
 * A disk in mode nonpersistent: what is written goes to a scratch file, to the same place, and is gone with it; the rest is read
 * from the disk below, which is never changed. Whole blocks are kept, so a write need not read anything first.
 */
final class Overlay implements Medium {
    /** Blocks that one bit set is for. */
    private static final int REGION_SHIFT = 20, REGION = 1 << REGION_SHIFT;

    private final Medium base;
    private final Medium scratch;
    /** Blocks of the scratch file for one of this disk. */
    private final int factor;
    /** Blocks that were written, by region. Guarded by itself. */
    private final Map<Long, BitSet> written = new HashMap<>();

    /** Blocks that come from one of both. */
    private record Run(boolean written, int first, int blocks) {}

    Overlay(Medium base, Medium scratch) {
        this.base = base;
        this.scratch = scratch;
        factor = base.unit().blockBytes() / RawFile.BLOCK;
    }

    @Override public LogicalUnit unit() { return base.unit(); }
    @Override public long blocks() { return base.blocks(); }
    @Override public boolean readOnly() { return false; }
    @Override public boolean inFiles() { return base.inFiles(); }
    @Override public DiskShare share() { return base.share(); }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Asker asker) {
        // nothing of this outlives the machine, so there is nothing to make stable, and no other host to keep away
        if (!operation.transfers()) {
            asker.ended(BlockResult.GOOD);
            return;
        }
        int blockBytes = factor * RawFile.BLOCK;
        if (data.bytes() % blockBytes != 0) {
            asker.ended(BlockResult.HARDWARE_ERROR);
            return;
        }
        int blocks = data.bytes() / blockBytes;
        if (block < 0 || block > blocks() - blocks) {
            asker.ended(BlockResult.OUT_OF_RANGE);
            return;
        }
        if (operation == BlockOperation.WRITE) scratch.submit(operation, block * factor, data, new Marking(asker, block, blocks)); else read(block, blocks, data, asker);
    }

    private void read(long block, int blocks, Transfer data, Asker asker) {
        List<Run> runs = runs(block, blocks);
        Asker each = runs.size() < 2 ? asker : new Join(asker, runs.size());
        for (Run run : runs) {
            Transfer part = TransferPart.of(data, run.first * factor * RawFile.BLOCK, run.blocks * factor * RawFile.BLOCK);
            if (run.written) scratch.submit(BlockOperation.READ, (block + run.first) * factor, part, each); else base.submit(BlockOperation.READ, block + run.first, part, each);
        }
        if (runs.isEmpty()) asker.ended(BlockResult.GOOD);
    }

    private List<Run> runs(long block, int blocks) {
        List<Run> runs = new ArrayList<>();
        synchronized (written) {
            for (int at = 0; at < blocks; ) {
                BitSet region = written.get(block + at >> REGION_SHIFT);
                int from = (int) (block + at) & REGION - 1;
                boolean own = region != null && region.get(from);
                int end = region == null ? REGION : own ? region.nextClearBit(from) : region.nextSetBit(from);
                int length = Math.min(blocks - at, Math.min(REGION, end < 0 ? REGION : end) - from);
                runs.add(new Run(own, at, length));
                at += length;
            }
        }
        return runs;
    }

    private void mark(long block, int blocks) {
        synchronized (written) {
            for (int at = 0; at < blocks; ) {
                int from = (int) (block + at) & REGION - 1;
                int length = Math.min(blocks - at, REGION - from);
                written.computeIfAbsent(block + at >> REGION_SHIFT, region -> new BitSet()).set(from, from + length);
                at += length;
            }
        }
    }

    private final class Marking implements Asker {
        private final Asker asker;
        private final long block;
        private final int blocks;

        Marking(Asker asker, long block, int blocks) {
            this.asker = asker;
            this.block = block;
            this.blocks = blocks;
        }

        @Override public boolean withdrawn() { return asker.withdrawn(); }

        @Override
        public void ended(BlockResult result) {
            if (result.good()) mark(block, blocks);
            asker.ended(result);
        }
    }

    /** Ends when all parts have ended, as the first one that was not good. */
    private static final class Join implements Asker {
        private final Asker asker;
        private int left;
        private BlockResult result = BlockResult.GOOD;

        Join(Asker asker, int parts) {
            this.asker = asker;
            left = parts;
        }

        @Override public boolean withdrawn() { return asker.withdrawn(); }

        @Override
        public void ended(BlockResult part) {
            synchronized (this) {
                if (result.good()) result = part;
                if (--left > 0) return;
            }
            asker.ended(result);
        }
    }

    @Override public boolean settled(long millis) { return base.settled(millis) & scratch.settled(millis); }

    @Override
    public void close() {
        scratch.close();
        base.close();
    }
}
