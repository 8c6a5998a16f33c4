package vmfs.impl.disk;

import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An open disk as its users have it. */
record VmdkImage(Link link) implements DiskImage {
    @Override public long blocks() { return link.blocks(); }
    @Override public boolean readOnly() { return link.readOnly(); }
    @Override public String chain() {
        return Stream.iterate(link, next -> next != null, Link::parent).map(one -> one.text().place().toString()).collect(Collectors.joining(", "));
    }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        BlockResult refused = refused(operation, block, data);
        if (refused != null) {
            done.accept(refused);
            return;
        }
        try {
            link.submit(operation, block, data, done);
        } catch (RejectedExecutionException e) {
            done.accept(BlockResult.GONE); // this code is being replaced
        }
    }

    private BlockResult refused(BlockOperation operation, long block, Transfer data) {
        switch (operation) {
            case FLUSH: return readOnly() ? BlockResult.GOOD : null;
            case READ, WRITE:
                if (data.bytes() % BLOCK_BYTES != 0) return BlockResult.HARDWARE_ERROR;
                if (block < 0 || block > blocks() - data.bytes() / BLOCK_BYTES) return BlockResult.OUT_OF_RANGE;
                return operation == BlockOperation.WRITE && readOnly() ? BlockResult.WRITE_PROTECTED : null;
            default: return BlockResult.check(0x05, 0x20, 0); // invalid command: a disk in files has no other hosts
        }
    }

    @Override public void close() throws IOException { link.close(); }
}
