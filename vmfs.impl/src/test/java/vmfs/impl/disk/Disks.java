package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** What tests do with disks. */
final class Disks {
    private Disks() {}

    static BlockResult run(DiskImage disk, BlockOperation operation, long block, byte[] data, int first, int bytes) {
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        disk.submit(operation, block, data == null ? null : new BufferTransfer(ByteBuffer.wrap(data, first, bytes)), end::complete);
        try {
            return end.get(60, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("a request does not end", e);
        }
    }

    static void write(DiskImage disk, long block, byte[] data) { assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, block, data, 0, data.length)); }
    static void flush(DiskImage disk) { assertEquals(BlockResult.GOOD, run(disk, BlockOperation.FLUSH, 0, null, 0, 0)); }

    static byte[] contents(DiskImage disk) {
        byte[] all = new byte[(int) disk.blocks() * 512];
        for (int at = 0; at < all.length; at += 1 << 20) {
            int bytes = Math.min(1 << 20, all.length - at);
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.READ, at / 512, all, at, bytes));
        }
        return all;
    }

    static void assertContents(byte[] expected, DiskImage disk) {
        byte[] found = contents(disk);
        assertEquals(expected.length, found.length);
        int wrong = Arrays.mismatch(expected, found);
        assertEquals(-1, wrong, () -> "the first wrong byte is in block " + wrong / 512);
    }

    static byte[] random(Random random, int blocks) {
        byte[] data = new byte[blocks * 512];
        random.nextBytes(data);
        return data;
    }

    /** Data with runs of zeros, as disks have them. @param bytes of the whole */
    static byte[] patchy(Random random, int bytes) {
        byte[] data = new byte[bytes];
        for (int i = 0; i < 12; i++) {
            byte[] part = random(random, 1 + random.nextInt(300));
            int at = random.nextInt(bytes / 512) * 512;
            System.arraycopy(part, 0, data, at, Math.min(part.length, bytes - at));
        }
        return data;
    }

    /** Writes at random places, many at a time; the same goes to an array. */
    static void scribble(DiskImage disk, byte[] mirror, Random random, int writes) {
        List<CompletableFuture<BlockResult>> ends = new ArrayList<>();
        // a place is written once in a round, for two writes to it would come in any order
        java.util.BitSet busy = new java.util.BitSet();
        for (int i = 0; i < writes; i++) {
            int blocks = 1 + random.nextInt(random.nextInt(8) == 0 ? 2000 : 40), at = random.nextInt(mirror.length / 512);
            byte[] data = random(random, Math.min(blocks, mirror.length / 512 - at));
            int next = busy.nextSetBit(at);
            if (next >= 0 && next < at + data.length / 512) continue;
            busy.set(at, at + data.length / 512);
            CompletableFuture<BlockResult> end = new CompletableFuture<>();
            disk.submit(BlockOperation.WRITE, at, new BufferTransfer(ByteBuffer.wrap(data)), end::complete);
            ends.add(end);
            System.arraycopy(data, 0, mirror, at * 512, data.length);
            if (i % 10 == 9) {
                CompletableFuture<BlockResult> flushed = new CompletableFuture<>();
                disk.submit(BlockOperation.FLUSH, 0, null, flushed::complete);
                ends.add(flushed);
            }
        }
        for (CompletableFuture<BlockResult> end : ends) {
            try {
                assertEquals(BlockResult.GOOD, end.get(60, TimeUnit.SECONDS));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    /** Runs qemu-img. @return what it said; its exit code is as expected */
    static String qemu(int code, Object... arguments) throws IOException, InterruptedException { return tool(code, "qemu-img", arguments); }

    static String tool(int code, String tool, Object... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(tool));
        for (Object argument : arguments) command.add(argument.toString());
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new AssertionError("qemu-img and qemu-io are needed (Debian: qemu-utils): " + e.getMessage(), e);
        }
        String said = new String(process.getInputStream().readAllBytes());
        assertEquals(code, process.waitFor(), () -> String.join(" ", command) + ": " + said);
        return said;
    }

    /** QEMU finds no error in a disk, and in it the same as in a raw image. */
    static void judged(Path disk, Path raw) throws IOException, InterruptedException {
        qemu(0, "check", "-f", "vmdk", disk);
        qemu(0, "compare", "-f", "vmdk", "-F", "raw", disk, raw);
    }

}
