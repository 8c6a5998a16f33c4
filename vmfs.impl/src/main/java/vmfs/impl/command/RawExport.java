package vmfs.impl.command;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** Writes what a virtual disk shows into a file of the machine, with holes where there are zeros. */
record RawExport(DiskFormats formats, Progress progress) {
    private static final int CHUNK = 1 << 20;

    /** @return bytes @throws IOException in one line; then the file is not there */
    long write(VolumePath from, Path to) throws IOException {
        try (DiskImage disk = formats.open(DiskFormats.DiskFiles.PLAIN, from, VmFile.Mode.READ); FileChannel out = FileChannel.open(to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            try {
                copy(disk, from, out);
            } catch (IOException | RuntimeException e) {
                Files.delete(to);
                throw e;
            }
            return disk.blocks() * DiskImage.BLOCK_BYTES;
        }
    }

    private void copy(DiskImage disk, VolumePath from, FileChannel out) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK);
        ByteBuffer zeros = ByteBuffer.allocateDirect(CHUNK);
        long bytes = disk.blocks() * DiskImage.BLOCK_BYTES;
        for (long at = 0; at < bytes; at += chunk.limit()) {
            progress.at(at, bytes);
            chunk.clear().limit((int) Math.min(CHUNK, bytes - at));
            CompletableFuture<BlockResult> end = new CompletableFuture<>();
            disk.submit(BlockOperation.READ, at / DiskImage.BLOCK_BYTES, new BufferTransfer(chunk), end::complete);
            if (!end.join().good()) throw new IOException(from.path() + ": cannot be read at byte " + at + ": " + end.join());
            boolean last = at + chunk.limit() == bytes;
            if (last || chunk.mismatch(zeros.clear().limit(chunk.limit())) >= 0) while (chunk.hasRemaining()) out.write(chunk, at + chunk.position());
        }
    }
}
