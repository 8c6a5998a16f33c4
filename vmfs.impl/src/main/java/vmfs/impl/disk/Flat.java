package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.Transfer;

/** An extent whose blocks lie in a file one after another. @param first block in the file */
record Flat(VmFile file, long first, long blocks) implements Layer {
    @Override public boolean readOnly() { return file.mode() != VmFile.Mode.WRITE; }

    @Override public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) { file.submit(operation, first + block, data, done); }

    @Override
    public void read(long block, ByteBuffer to) throws IOException {
        int wanted = to.remaining();
        int got = file.read((first + block) * BLOCK, to);
        if (got < wanted) throw new Damage(file.path(), (first + block) * BLOCK + got, "the file ends; it was cut while in use");
    }

    @Override public void write(long block, ByteBuffer from) throws IOException { file.write((first + block) * BLOCK, from); }

    @Override
    public Run run(long block) throws IOException {
        long start = (first + block) * BLOCK, data = file.nextData(start), left = blocks - block;
        // a hole that ends within a block does not make the block one
        if (data >= start + BLOCK) return new Run(Run.Kind.ZERO, Math.min(left, (data - start) / BLOCK));
        return new Run(Run.Kind.DATA, Math.max(1, Math.min(left, (file.nextHole(data) - start + BLOCK - 1) / BLOCK)));
    }

    @Override public void close() throws IOException { file.close(); }
}
