package vmfs.impl.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.Partition;

@Timeout(60)
class FileDeviceTest {
    @TempDir Path folder;
    private Path image;

    @BeforeEach
    void anImage() throws IOException {
        image = folder.resolve("image");
        Files.write(image, new byte[(3 << 20) + 100]);
    }

    private static ByteBuffer random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return ByteBuffer.wrap(data);
    }

    private static BlockResult submit(BlockDevice device, BlockOperation operation, long block, ByteBuffer data) {
        AtomicReference<BlockResult> end = new AtomicReference<>();
        device.submit(operation, block, data == null ? null : new BufferTransfer(data), end::set);
        return end.get();
    }

    @Test
    void blocksAreReadAndWrittenAtTheirPlaces() throws IOException {
        try (FileDevice device = FileDevice.open(image, false)) {
            assertEquals(6144, device.blocks(), "a last part block is not there");
            device.write(5, random(1024));
            assertEquals(BlockResult.GOOD, submit(device, BlockOperation.WRITE, 7, random(2 << 20)));
            ByteBuffer back = ByteBuffer.allocate(1024 + (2 << 20));
            device.read(5, back);
            assertEquals(0, back.position(), "as of every block device");
            assertEquals(random(1024), back.slice(0, 1024));
            assertEquals(random(2 << 20), back.slice(1024, 2 << 20));
            ByteBuffer direct = ByteBuffer.allocateDirect(2 << 20);
            assertEquals(BlockResult.GOOD, submit(device, BlockOperation.READ, 7, direct));
            assertEquals(random(2 << 20), direct);
            assertEquals(BlockResult.GOOD, submit(device, BlockOperation.FLUSH, 0, null));
        }
    }

    @Test
    void aPartitionIsAWindow() throws IOException {
        try (FileDevice device = FileDevice.open(image, false)) {
            FileDevice part = device.part(new Partition(2, 100, 50, "fb"));
            assertEquals(image + ":2", part.name());
            part.write(49, random(512));
            ByteBuffer back = ByteBuffer.allocate(512);
            device.read(149, back);
            assertArrayEquals(random(512).array(), back.array());
            assertTrue(assertThrows(IOException.class, () -> part.read(50, back)).getMessage().endsWith("are out of its 50 blocks"));
            assertEquals(BlockResult.OUT_OF_RANGE, submit(part, BlockOperation.WRITE, 49, ByteBuffer.allocate(1024)));
        }
    }

    @Test
    void whatIsOpenForReadingIsNotWritten() throws IOException {
        image.toFile().setWritable(false);
        byte[] before = Files.readAllBytes(image);
        try (FileDevice device = FileDevice.open(image, true)) {
            assertTrue(device.readOnly());
            assertThrows(IOException.class, () -> device.write(0, ByteBuffer.allocate(512)));
            assertEquals(BlockResult.WRITE_PROTECTED, submit(device, BlockOperation.WRITE, 0, ByteBuffer.allocate(512)));
            device.flush();
            device.reserve().close();
        }
        assertArrayEquals(before, Files.readAllBytes(image));
    }

    @Test
    void troubleIsToldInOneLine() throws IOException {
        assertEquals(folder + "/no: there is no such file", assertThrows(IOException.class, () -> FileDevice.open(folder.resolve("no"), true)).getMessage());
        assertTrue(assertThrows(IOException.class, () -> FileDevice.open(folder, true)).getMessage().contains("is a directory"));
        try (FileDevice device = FileDevice.open(image, true); FileChannel cut = FileChannel.open(image, StandardOpenOption.WRITE)) {
            cut.truncate(1000);
            assertEquals(image + ": ends at byte 1000, before block 1 was read; was it cut?", assertThrows(IOException.class, () -> device.read(1, ByteBuffer.allocate(512))).getMessage());
            assertEquals(BlockResult.READ_ERROR, submit(device, BlockOperation.READ, 1, ByteBuffer.allocate(512)));
        }
    }

    @Test
    void hostsTakeTurns() throws Exception {
        try (FileDevice one = FileDevice.open(image, false); FileDevice other = FileDevice.open(image, false)) {
            BlockDevice.Reservation outer = one.reserve();
            BlockDevice.Reservation inner = one.reserve();
            CompletableFuture<Void> turn = CompletableFuture.runAsync(() -> {
                try (BlockDevice.Reservation mine = other.reserve()) {
                    assertTrue(mine != null);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            inner.close();
            assertFalse(turn.isDone(), "reserved twice, given back once");
            outer.close();
            turn.get(30, TimeUnit.SECONDS);
        }
    }

    /** Another process has the file as a virtual machine has a raw disk: alone. */
    @Test
    void whatSomebodyHasAloneIsInUse() throws Exception {
        Process holder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", System.getProperty("java.class.path"), Holder.class.getName(), image.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            assertEquals('.', holder.getInputStream().read());
            assertEquals(image + ": is in use by another program that wants it alone", assertThrows(IOException.class, () -> FileDevice.open(image, true)).getMessage());
        } finally {
            holder.destroy();
            holder.waitFor();
        }
        FileDevice.open(image, true).close();
    }

    /** Has a file locked until it is ended. */
    static final class Holder {
        public static void main(String[] arguments) throws Exception {
            try (FileChannel channel = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.WRITE); FileLock lock = channel.lock()) {
                System.out.print(lock.isValid() ? "." : "-");
                System.out.flush();
                System.in.read();
            }
        }
    }
}
