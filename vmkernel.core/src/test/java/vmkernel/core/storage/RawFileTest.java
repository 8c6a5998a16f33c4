package vmkernel.core.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** Raw disk images of the host. */
@Timeout(60)
class RawFileTest {
    @TempDir
    Path folder;
    private final StoragePaths storage = new StoragePaths();

    @AfterEach
    void stop() { storage.close(); }

    private Path file(String name, long bytes) throws IOException {
        Path path = folder.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return path;
    }

    private static BlockResult run(Medium disk, BlockOperation operation, long block, ByteBuffer data) throws Exception {
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        disk.submit(operation, block, data == null ? null : new BufferTransfer(data), end::complete);
        return end.get(30, TimeUnit.SECONDS);
    }

    private static ByteBuffer random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return ByteBuffer.wrap(data);
    }

    private String refused(Path path) {
        String line = assertThrows(IOException.class, () -> storage.open(path, "test", true)).getMessage();
        assertFalse(line.contains("\n"));
        assertTrue(line.startsWith(path.toString()), line);
        return line.substring(path.toString().length() + 2);
    }

    @Test
    void whatIsWrittenIsInTheFileAtItsPlace() throws Exception {
        Path path = file("disk.img", 4 << 20);
        try (Medium disk = storage.open(path, "test", true)) {
            ByteBuffer data = random(3 << 20); // more than the adapter takes at a time, and than a thread's buffer
            assertEquals(8192, disk.blocks());
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, 100, data));
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.FLUSH, 0, null));
            ByteBuffer back = ByteBuffer.allocate(3 << 20);
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.READ, 100, back));
            assertEquals(data, back);
            assertEquals(data, ByteBuffer.wrap(Files.readAllBytes(path), 51200, 3 << 20).slice());
            assertEquals(BlockResult.OUT_OF_RANGE, run(disk, BlockOperation.READ, 8192, ByteBuffer.allocate(512)));
        }
    }

    @Test
    void filesThatAreNoDisksAreRefusedInOneLine() throws Exception {
        assertEquals("no such file", refused(folder.resolve("none.img")));
        assertEquals("is a directory; a file or a block device is needed", refused(folder));
        assertTrue(refused(file("empty.img", 0)).startsWith("is empty; make a disk with: truncate"));
        assertEquals("has 1000 bytes, not a multiple of 512; is it a raw disk image?", refused(file("odd.img", 1000)));
        Path vmdk = file("sparse.vmdk", 1024);
        Files.write(vmdk, java.util.Arrays.copyOf("KDMV".getBytes(StandardCharsets.US_ASCII), 1024));
        assertEquals("is a VMDK image; give it a name that ends with .vmdk", refused(vmdk));
        Path dangling = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("nowhere"));
        assertEquals("leads to a file that does not exist", refused(dangling));
    }

    @Test
    void aWriteProtectedFileIsAWriteProtectedDisk() throws Exception {
        Path path = file("disk.img", 1 << 20);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("r--r--r--"));
        try (Medium disk = storage.open(path, "test", true)) {
            assertTrue(disk.readOnly());
            assertEquals(BlockResult.WRITE_PROTECTED, run(disk, BlockOperation.WRITE, 0, random(512)));
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.READ, 0, ByteBuffer.allocate(512)));
            storage.open(path, "another reader", true).close();
        }
    }

    @Test
    void twoUsersGetAlongOnlyIfBothJustRead() throws Exception {
        Path path = file("disk.img", 1 << 20);
        Path other = Files.createLink(folder.resolve("same.img"), path);
        try (Medium reader = storage.open(path, "a", false)) {
            Medium second = storage.open(other, "b", false);
            second.close();
            assertEquals(BlockResult.GOOD, run(reader, BlockOperation.READ, 0, ByteBuffer.allocate(512)));
        }
        try (Medium writer = storage.open(path, "a", true)) {
            assertEquals("is in use by a; two users get along only if both just read", refused(path));
            assertThrows(IOException.class, () -> storage.open(other, "b", false));
            assertEquals(BlockResult.GOOD, run(writer, BlockOperation.WRITE, 0, random(512)));
        }
        storage.open(other, "b", true).close();
    }

    @Test
    void aFileInUseByAnotherProcessIsRefused() throws Exception {
        Path path = file("disk.img", 1 << 20);
        Process other = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", System.getProperty("java.class.path"),
            LockHolder.class.getName(), path.toString()).redirectErrorStream(true).start();
        try {
            assertEquals('L', other.getInputStream().read());
            assertEquals("is in use by another process", refused(path));
        } finally {
            other.destroyForcibly().waitFor();
        }
        storage.open(path, "test", true).close();
    }

    /** Another process that has a disk open. */
    static final class LockHolder {
        public static void main(String[] arguments) throws IOException {
            RawFile.open(Path.of(arguments[0]), true, new IoThreads());
            System.out.println("L");
            System.in.read();
        }
    }

    @Test
    void aFileThatIsCutWhileInUseGivesErrorsAndNeverZeros() throws Exception {
        Path path = file("disk.img", 1 << 20);
        try (Medium disk = storage.open(path, "test", true)) {
            try (RandomAccessFile cut = new RandomAccessFile(path.toFile(), "rw")) {
                cut.setLength(1 << 19);
            }
            assertEquals(BlockResult.READ_ERROR, run(disk, BlockOperation.READ, 1500, ByteBuffer.allocate(512)));
            assertEquals(BlockResult.READ_ERROR, run(disk, BlockOperation.READ, 1023, ByteBuffer.allocate(1024)));
            assertEquals(BlockResult.WRITE_ERROR, run(disk, BlockOperation.WRITE, 1500, random(512)));
            assertEquals(1 << 19, Files.size(path));
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, 1023, random(512)));
        }
    }

    @Test
    void aFullHostIsToldToTheGuest() throws Exception {
        Path full = Path.of("/dev/full");
        org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(full), "needs Linux's /dev/full");
        IoThreads threads = new IoThreads();
        try (RawFile file = RawFile.over(full, 2048, threads)) {
            Unit unit = Unit.alone("full", file, new HeldDelays());
            try (Medium disk = new Access(Extent.all(unit), "test", false, () -> {})) {
                assertEquals(BlockResult.NO_SPACE, run(disk, BlockOperation.WRITE, 0, random(4096)));
            }
        }
        threads.close();
    }
}
