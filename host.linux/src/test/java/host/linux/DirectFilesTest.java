package host.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.host.HostFiles.HostFile;

class DirectFilesTest {
    private static final int SIZE = 1 << 20;

    private final DirectFiles files = new DirectFiles();

    @TempDir Path folder;
    private Path path;

    @BeforeEach
    void make() throws IOException { path = sparse(folder.resolve("disk"), SIZE); }

    @AfterEach
    void close() { files.close(); }

    private static Path sparse(Path path, long bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return path;
    }

    private static ByteBuffer aligned(int bytes) { return ByteBuffer.allocateDirect(bytes + 8192).alignedSlice(4096).slice(0, bytes); }

    /** Random accesses to a file that begins with zeros, compared with an array. */
    private static void exercise(HostFile file, int size) throws IOException {
        Random random = new Random(1);
        byte[] expected = new byte[size];
        int unit = Math.max(512, file.alignment());
        for (int i = 0; i < 300; i++) {
            int length = unit * (1 + random.nextInt(16)), position = unit * random.nextInt((size - length) / unit + 1);
            ByteBuffer buffer = aligned(length);
            byte[] data = new byte[length];
            if (random.nextBoolean()) {
                random.nextBytes(data);
                buffer.put(data).flip();
                file.write(buffer, position);
                assertFalse(buffer.hasRemaining());
                System.arraycopy(data, 0, expected, position, length);
            } else {
                assertEquals(length, file.read(buffer, position));
                buffer.flip().get(data);
                assertArrayEquals(java.util.Arrays.copyOfRange(expected, position, position + length), data);
            }
        }
        file.flush();
        ByteBuffer all = aligned(size);
        assertEquals(size, file.read(all, 0));
        byte[] found = new byte[size];
        all.flip().get(found);
        assertArrayEquals(expected, found);
    }

    @Test
    void whatIsWrittenIsRead() throws Exception {
        try (HostFile file = files.open(path, true)) {
            assertEquals(SIZE, file.size());
            assertEquals(file.direct(), file.alignment() > 1);
            exercise(file, SIZE);
        }
    }

    @Test
    void aFileInMemoryIsServedWithOrWithoutTheCache() throws Exception {
        Path memory = Path.of("/dev/shm");
        assumeTrue(Files.isWritable(memory), "/dev/shm");
        Path file = sparse(Files.createTempFile(memory, "vmk", ".disk"), SIZE);
        try (HostFile open = files.open(file, true)) {
            exercise(open, SIZE);
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void anExt4FileGoesPastTheCache() throws Exception {
        assumeTrue(Files.getFileStore(path).type().equals("ext4"), "ext4");
        try (HostFile file = files.open(path, false)) {
            assertTrue(file.direct());
        }
    }

    @Test
    void aBlockDeviceIsServed() throws Exception {
        assumeTrue(Commands.root() && Commands.works("losetup", "-f"), "loop devices");
        String loop = Commands.mustRun("losetup", "-f", "--show", path.toString()).strip();
        try {
            try (HostFile device = files.open(Path.of(loop), true)) {
                assertEquals(SIZE, device.size());
                exercise(device, SIZE);
                assertTrue(assertThrows(IOException.class, () -> files.open(Path.of(loop), true)).getMessage().startsWith(loop + ": the device is in use"));
            }
        } finally {
            Commands.mustRun("losetup", "-d", loop);
        }
    }

    @Test
    void theEndOfAFileIsNoError() throws Exception {
        try (HostFile file = files.open(sparse(folder.resolve("odd"), 5000), false)) {
            assertEquals(5000, file.size());
            ByteBuffer buffer = aligned(8192);
            assertEquals(5000, file.read(buffer, 0));
            assertEquals(5000, buffer.position());
            assertEquals(0, file.read(aligned(512), 8192));
        }
    }

    @Test
    void whatCannotBeOpenedSaysWhy() throws Exception {
        assertEquals(folder.resolve("none") + ": there is no such file", open(folder.resolve("none"), false));
        assertEquals(folder + ": neither a file nor a block device", open(folder, false));
        assertEquals("/dev/null: neither a file nor a block device", open(Path.of("/dev/null"), true));
        assumeTrue(Commands.root() && Commands.works("chattr", "+i", path.toString()), "chattr");
        try {
            assertEquals(path + ": this process may not write it: run as root, or give the user access (ls -l " + path + ")", open(path, true));
        } finally {
            Commands.mustRun("chattr", "-i", path.toString());
        }
    }

    private String open(Path file, boolean writing) { return assertThrows(IOException.class, () -> files.open(file, writing)).getMessage(); }

    @Test
    void oneWriterOrManyReaders() throws Exception {
        HostFile reader = files.open(path, false), other = files.open(path, false);
        assertEquals(path + ": in use by this process", open(path, true));
        reader.close();
        other.close();
        HostFile writer = files.open(path, true);
        assertEquals(path + ": in use by this process", open(path, true));
        assertEquals(path + ": in use by this process", open(path, false));
        writer.close();
        files.open(path, true).close();
    }

    @Test
    void anotherProcessThatHasItIsNamed() throws Exception {
        assumeTrue(Commands.works("flock", "--version"), "flock");
        Process holder = new ProcessBuilder("flock", "-x", path.toString(), "-c", "echo locked; read line").redirectErrorStream(true).start();
        try {
            assertEquals("locked", holder.inputReader().readLine());
            String message = open(path, true);
            assertTrue(message.matches("\\Q" + path + "\\E: in use by process \\d+ \\(flock\\)"), message);
        } finally {
            holder.outputWriter().close();
            holder.waitFor();
        }
        files.open(path, true).close();
    }

    @Test
    void writingToAFullFileSystemSaysSo() throws Exception {
        Path mount = Files.createDirectory(folder.resolve("small"));
        assumeTrue(Commands.root() && Commands.works("mount", "-t", "tmpfs", "-o", "size=64k", "none", mount.toString()), "mount");
        try (HostFile file = files.open(sparse(mount.resolve("disk"), SIZE), true)) {
            String message = assertThrows(IOException.class, () -> file.write(aligned(256 << 10), 4096)).getMessage();
            assertTrue(message.matches("\\Q" + mount + "\\E/disk: write at \\d+: no space left on device"), message);
        } finally {
            Commands.mustRun("umount", "-l", mount.toString());
        }
    }

    @Test
    void misuseSaysWhatIsWrong() throws Exception {
        Files.write(path, new byte[SIZE]); // a hole can be read in any way
        HostFile file = files.open(path, false);
        assertEquals(path + ": write at 0: bad file descriptor", assertThrows(IOException.class, () -> file.write(aligned(4096), 0)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> file.read(ByteBuffer.allocate(512), 0));
        if (file.direct()) {
            String message = assertThrows(IOException.class, () -> file.read(aligned(4096), 100)).getMessage();
            assertEquals(path + ": read at 100: not aligned to " + file.alignment() + " bytes", message);
        }
        file.close();
        file.close();
        assertEquals(path + ": read at 0: the file is closed", assertThrows(IOException.class, () -> file.read(aligned(4096), 0)).getMessage());
        assertEquals(0, file.size());
    }

    @Test
    void deactivationClosesWhatIsOpen() throws Exception {
        HostFile file = files.open(path, true);
        files.close();
        assertThrows(IOException.class, file::flush);
        try (HostFile again = new DirectFiles().open(path, true)) {
            again.flush();
        }
    }
}
