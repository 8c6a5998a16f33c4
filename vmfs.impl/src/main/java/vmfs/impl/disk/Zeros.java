package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An extent that is nothing but zeros (ZERO in a descriptor), and what is below a disk without a parent. */
record Zeros(long blocks) implements Layer {
    @Override public boolean readOnly() { return true; }

    @Override
    public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
        if (operation == BlockOperation.READ) Parts.fillZeros(data, 0, data.bytes());
        done.accept(operation == BlockOperation.WRITE ? BlockResult.WRITE_PROTECTED : BlockResult.GOOD);
    }

    @Override
    public void read(long block, ByteBuffer to) {
        while (to.remaining() >= Long.BYTES) to.putLong(0);
        while (to.hasRemaining()) to.put((byte) 0);
    }

    @Override public void write(long block, ByteBuffer from) throws IOException { throw new IOException("an extent of zeros cannot be written"); }
    @Override public Run run(long block) { return new Run(Run.Kind.ZERO, blocks - block); }
    @Override public void close() { }
}
