package vmkernel.core.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** The host's files as a volume. */
@Timeout(60)
class HostFolderTest {
    @TempDir
    Path folder;
    private final HostFolder host = new HostFolder();

    private String path(String name) { return folder.resolve(name).toString(); }

    private static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    private static BlockResult run(VmFile file, BlockOperation operation, long block, byte[] data) throws Exception {
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        file.submit(operation, block, data == null ? null : new BufferTransfer(ByteBuffer.wrap(data)), end::complete);
        return end.get(30, TimeUnit.SECONDS);
    }

    @Test
    void whatIsWrittenIsInTheFile() throws Exception {
        byte[] data = random(1 << 20);
        try (VmFile file = host.create(path("a"), 0640)) {
            file.write(1000, ByteBuffer.wrap(data));
            assertEquals(1000 + data.length, file.length());
            ByteBuffer back = ByteBuffer.allocate(data.length + 10);
            assertEquals(data.length, file.read(1000, back));
            assertArrayEquals(data, Arrays.copyOf(back.array(), data.length));
            assertEquals(0, file.read(1000 + data.length, ByteBuffer.allocate(1)));
            file.truncate(4096);
        }
        assertArrayEquals(Arrays.copyOf(data, 3096), Arrays.copyOfRange(Files.readAllBytes(folder.resolve("a")), 1000, 4096));
        FileStatus status = host.status(path("a"));
        assertEquals(0640, status.mode());
        assertEquals(4096, status.length());
        assertEquals(FileStatus.Type.FILE, status.type());
        assertEquals(List.of(status), host.list(folder.toString()));
    }

    @Test
    void requestsAreDoneAtTheirBlockAndTheFileDoesNotGrow() throws Exception {
        byte[] data = random(512 * 1024);
        try (VmFile file = host.create(path("disk"), 0600)) {
            file.truncate(1 << 20);
            assertEquals(BlockResult.GOOD, run(file, BlockOperation.WRITE, 1024, data));
            assertEquals(BlockResult.OUT_OF_RANGE, run(file, BlockOperation.WRITE, 1025, data));
            assertEquals(BlockResult.GOOD, run(file, BlockOperation.FLUSH, 0, null));
            byte[] back = new byte[data.length];
            assertEquals(BlockResult.GOOD, run(file, BlockOperation.READ, 1024, back));
            assertArrayEquals(data, back);
            file.truncate(700);
            byte[] last = new byte[512];
            assertEquals(BlockResult.GOOD, run(file, BlockOperation.WRITE, 1, Arrays.copyOf(data, 512)));
            assertEquals(BlockResult.GOOD, run(file, BlockOperation.READ, 1, last));
            assertArrayEquals(Arrays.copyOf(Arrays.copyOf(data, 188), 512), last);
            assertEquals(700, file.length());
        }
        try (VmFile file = host.open(path("disk"), VmFile.Mode.READ)) {
            assertEquals(BlockResult.WRITE_PROTECTED, run(file, BlockOperation.WRITE, 0, new byte[512]));
        }
    }

    @Test
    void allocationKeepsDataAndPunchedBytesAreZero() throws Exception {
        byte[] data = random(300_000);
        try (VmFile file = host.create(path("thin"), 0600)) {
            file.write(100_000, ByteBuffer.wrap(data));
            file.allocate(0, 1 << 20, Progress.NONE);
            assertEquals(1 << 20, file.length());
            ByteBuffer back = ByteBuffer.allocate(data.length);
            file.read(100_000, back);
            assertArrayEquals(data, back.array());
            file.punch(0, 200_000);
            file.punch(300_000, 1 << 20);
        }
        byte[] expected = new byte[1 << 20];
        System.arraycopy(data, 100_000, expected, 200_000, 100_000);
        assertArrayEquals(expected, Files.readAllBytes(folder.resolve("thin")));
    }

    @Test
    void aWriterIsAloneAndReadersAreTogetherByAnyPath() throws Exception {
        host.create(path("a"), 0600).close();
        host.link(path("a"), path("b"));
        try (VmFile writer = host.open(path("a"), VmFile.Mode.WRITE)) {
            assertThrows(FileLockedException.class, () -> host.open(path("b"), VmFile.Mode.WRITE));
            assertThrows(FileLockedException.class, () -> host.open(path("b"), VmFile.Mode.SHARE));
            host.open(path("b"), VmFile.Mode.READ).close();
            assertEquals(List.of("is open for writing in this process"), host.locks(path("b")));
            try (FileChannel other = FileChannel.open(folder.resolve("a"), StandardOpenOption.WRITE)) {
                assertThrows(OverlappingFileLockException.class, other::tryLock, "the reader's end took the lock away");
            }
        }
        try (VmFile one = host.open(path("a"), VmFile.Mode.SHARE); VmFile two = host.open(path("b"), VmFile.Mode.SHARE)) {
            FileLockedException refused = assertThrows(FileLockedException.class, () -> host.open(path("a"), VmFile.Mode.WRITE));
            assertEquals(path("a") + ": is in use already in this process, for reading", refused.getMessage());
        }
        host.open(path("a"), VmFile.Mode.WRITE).close();
        assertEquals(List.of(), host.locks(path("a")));
    }

    @Test
    void anotherProcessIsKeptAway() throws Exception {
        host.create(path("a"), 0600).close();
        try (VmFile writer = host.open(path("a"), VmFile.Mode.WRITE)) {
            assertEquals("locked", other("a"));
        }
        assertEquals("free", other("a"));
    }

    /** Tries to lock a file in another Java. */
    private String other(String name) throws Exception {
        Path source = folder.resolve("Other.java");
        Files.writeString(source, "import java.nio.channels.*; import java.nio.file.*; public class Other { public static void main(String[] a) throws Exception {"
            + "System.out.print(FileChannel.open(Path.of(a[0]), StandardOpenOption.READ).tryLock(0, Long.MAX_VALUE, true) == null ? \"locked\" : \"free\"); } }");
        Process java = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), source.toString(), path(name)).redirectErrorStream(true).start();
        return new String(java.getInputStream().readAllBytes());
    }

    @Test
    void aThreadThatIsInterruptedBreaksNoFile() throws Exception {
        try (VmFile file = host.create(path("a"), 0600)) {
            Thread.currentThread().interrupt();
            file.write(0, ByteBuffer.wrap(new byte[100]));
            assertTrue(Thread.interrupted());
            assertEquals(100, file.length());
        }
    }

    @Test
    void namesAreChangedAndGone() throws Exception {
        host.mkdir(path("d"), 0755);
        host.create(path("d/a"), 0600).close();
        host.create(path("d/b"), 0600).close();
        host.rename(path("d/a"), path("d/b"));
        host.symlink(path("l"), "d/b");
        assertEquals("d/b", host.target(path("l")));
        assertEquals(FileStatus.Type.SYMLINK, host.status(path("l")).type());
        host.times(path("d/b"), 1_000_000_000, 1_100_000_000);
        assertEquals(1_000_000_000, host.status(path("d/b")).modified());
        assertThrows(java.nio.file.DirectoryNotEmptyException.class, () -> host.delete(path("d")));
        host.delete(path("d/b"));
        host.delete(path("d"));
        assertThrows(NoSuchFileException.class, () -> host.status(path("d")));
    }

    @Test
    void errorsAreOneLineWithThePath() throws Exception {
        assertEquals(path("x") + ": no such file or directory", assertThrows(NoSuchFileException.class, () -> host.open(path("x"), VmFile.Mode.READ)).getMessage());
        assertEquals(folder + ": is a directory", assertThrows(IOException.class, () -> host.open(folder.toString(), VmFile.Mode.READ)).getMessage());
        host.create(path("a"), 0400).close();
        assertThrows(AccessDeniedException.class, () -> host.open(path("a"), VmFile.Mode.WRITE));
        assertEquals(path("a") + ": is there already", assertThrows(FileAlreadyExistsException.class, () -> host.create(path("a"), 0600)).getMessage());
        assertThrows(java.nio.file.NotDirectoryException.class, () -> host.list(path("a")));
    }
}
