package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.Script;
import vmfs.impl.fixture.VmfsTools;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;

class WritingTest {
    private static final int MIB = 1 << 20;

    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private RamDisk disk;
    private MountedVolume volume;

    private void format(String type) throws IOException {
        disk = RamDisk.of(1100L * MIB);
        vmfs.format(disk, new FormatOptions(type, "test", 0), Progress.NONE);
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
        assertEquals(Optional.empty(), volume.readOnly());
    }

    @AfterEach
    void everyVolumeIsWholeForTheTools() throws IOException {
        volume.close();
        VmfsTools.requireWhole(disk);
    }

    private static byte[] noise(int bytes) {
        byte[] noise = new byte[bytes];
        new Random(bytes).nextBytes(noise);
        return noise;
    }

    private void write(String path, byte[] content) throws IOException {
        try (VmFile file = volume.create(path, 0644)) {
            file.write(0, ByteBuffer.wrap(content));
        }
    }

    private byte[] read(String path) throws IOException {
        try (VmFile file = volume.open(path, VmFile.Mode.READ)) {
            ByteBuffer all = ByteBuffer.allocate((int) file.length());
            while (all.hasRemaining() && file.read(all.position(), all) > 0) { }
            return all.array();
        }
    }

    private void remount() throws IOException {
        volume.close();
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5", "vmfs3"})
    void filesOfAllSizesAreReadByTheToolsAsTheyWereWritten(String type) throws IOException {
        format(type);
        long free = volume.space().freeBytes();
        volume.mkdir("/a", 0755);
        int[] sizes = {0, 1, 511, 512, 513, 8191, 8192, 8193, 65536, 65537, MIB - 1, MIB, MIB + 1, 5 * MIB + 77};
        for (int size : sizes) write("/a/f" + size, noise(size));
        for (int size : sizes) assertArrayEquals(noise(size), read("/a/f" + size), "" + size);
        remount();
        for (int size : sizes) assertArrayEquals(noise(size), read("/a/f" + size), "" + size);
        volume.close();
        VmfsTools.withImage(disk, image -> {
            for (int size : sizes) assertArrayEquals(noise(size), VmfsTools.cat(image, "/a/f" + size), "" + size);
        });
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
        for (int size : sizes) volume.delete("/a/f" + size);
        volume.delete("/a");
        assertEquals(free, volume.space().freeBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5", "vmfs3"})
    void aFileOfMoreThan256BlocksHasPointerBlocks(String type) throws IOException {
        format(type);
        long free = volume.space().freeBytes();
        try (VmFile file = volume.create("/long", 0600)) {
            file.write(255 * MIB + 5, ByteBuffer.wrap(noise(1000)));
            file.truncate(280 * MIB);
            file.write(257 * MIB - 10, ByteBuffer.wrap(noise(100)));
            file.allocate(270 * MIB, 3 * MIB, Progress.NONE);
        }
        assertEquals(6 * MIB, volume.status("/long").allocatedBytes());
        assertEquals(free - 6 * MIB, volume.space().freeBytes());
        volume.close();
        VmfsTools.withImage(disk, image -> {
            byte[] content = VmfsTools.cat(image, "/long");
            assertEquals(280 * MIB, content.length);
            assertArrayEquals(noise(1000), java.util.Arrays.copyOfRange(content, 255 * MIB + 5, 255 * MIB + 1005));
            assertArrayEquals(noise(100), java.util.Arrays.copyOfRange(content, 257 * MIB - 10, 257 * MIB + 90));
        });
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
        volume.delete("/long");
        assertEquals(free, volume.space().freeBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5", "vmfs3"})
    void namesAreMadeChangedAndDeleted(String type) throws IOException {
        format(type);
        volume.mkdir("/dir", 0700);
        volume.mkdir("/dir/sub", 0750);
        write("/dir/one", new byte[] {1});
        write("/two", new byte[] {2, 2});
        assertThrows(FileAlreadyExistsException.class, () -> volume.mkdir("/dir", 0));
        assertThrows(NoSuchFileException.class, () -> volume.mkdir("/none/dir", 0));
        assertThrows(DirectoryNotEmptyException.class, () -> volume.delete("/dir"));
        assertThrows(FileSystemException.class, () -> volume.delete("/"));
        for (String own : List.of("/.fbb.sf", "/.hvj.sf")) {
            assertEquals("belongs to the file system itself", assertThrows(FileSystemException.class, () -> volume.delete(own)).getReason());
            assertThrows(FileSystemException.class, () -> volume.open(own, VmFile.Mode.WRITE));
            assertThrows(FileSystemException.class, () -> volume.rename("/two", own));
        }
        assertThrows(FileSystemException.class, () -> volume.rename("/dir", "/dir/sub/dir"));
        volume.rename("/dir/one", "/two");
        assertArrayEquals(new byte[] {1}, read("/two"));
        volume.rename("/dir/sub", "/sub");
        assertEquals(2, volume.status("/dir").links());
        assertEquals(type.equals("vmfs5") ? 5 : 4, volume.status("/").links());
        volume.link("/two", "/sub/three");
        assertEquals(2, volume.status("/two").links());
        volume.delete("/two");
        assertArrayEquals(new byte[] {1}, read("/sub/three"));
        volume.symlink("/sub/link", "three");
        assertArrayEquals(new byte[] {1}, read("/sub/link"));
        assertEquals("three", volume.target("/sub/link"));
        volume.chmod("/sub/three", 0400);
        volume.chown("/sub/three", 7, 8);
        volume.times("/sub/three", 1000, 2000);
        FileStatus status = volume.status("/sub/three");
        assertEquals(List.of(0400, 7, 8, 1000L, 2000L), List.of(status.mode(), status.uid(), status.gid(), status.modified(), status.accessed()));
        volume.label("other");
        remount();
        assertEquals("other", volume.label());
        assertEquals(List.of("three", "link"), volume.list("/sub").stream().map(FileStatus::name).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5", "vmfs3"})
    void aFileIsWrittenAnywhereCutAndPunched(String type) throws IOException {
        format(type);
        Random random = new Random(7);
        byte[] model = new byte[12 * MIB];
        int length = 0;
        VmFile file = volume.create("/file", 0600);
        for (int i = 0; i < 400; i++) {
            int at = random.nextInt(random.nextBoolean() ? 20000 : model.length), bytes = Math.min(model.length - at, random.nextInt(random.nextInt(4) == 0 ? 2 * MIB : 5000));
            switch (random.nextInt(8)) {
                case 0 -> {
                    file.truncate(at);
                    if (at < length) java.util.Arrays.fill(model, at, length, (byte) 0);
                    length = at;
                }
                case 1 -> {
                    file.punch(at, bytes);
                    if (at < length) java.util.Arrays.fill(model, at, Math.min(length, at + bytes), (byte) 0);
                }
                case 2 -> {
                    file.allocate(at, bytes, Progress.NONE);
                    length = bytes == 0 ? length : Math.max(length, at + bytes);
                    length = (int) Math.max(length, file.length());
                }
                case 3 -> {
                    file.close();
                    if (random.nextBoolean()) remount();
                    file = volume.open("/file", VmFile.Mode.WRITE);
                }
                default -> {
                    byte[] part = new byte[bytes];
                    random.nextBytes(part);
                    file.write(at, ByteBuffer.wrap(part));
                    System.arraycopy(part, 0, model, at, bytes);
                    if (bytes > 0) length = Math.max(length, at + bytes);
                }
            }
            assertEquals(length, file.length(), "step " + i);
            if (i % 10 == 0) assertArrayEquals(java.util.Arrays.copyOf(model, length), read(file), "step " + i);
        }
        assertArrayEquals(java.util.Arrays.copyOf(model, length), read(file));
        file.close();
        byte[] last = java.util.Arrays.copyOf(model, length);
        volume.close();
        VmfsTools.withImage(disk, image -> assertArrayEquals(last, VmfsTools.cat(image, "/file")));
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
    }

    @Test
    void aFileReaches256GibAndNotMore() throws IOException {
        disk = RamDisk.of(300L << 30);
        vmfs.format(disk, new FormatOptions("vmfs5", "test", 0), Progress.NONE);
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
        long end = 256L << 30;
        try (VmFile file = volume.create("/long", 0600)) {
            for (long at : new long[] {100L << 30, end - 1000, 5, 70L << 30}) file.write(at, ByteBuffer.wrap(noise(1000)));
            String told = assertThrows(IOException.class, () -> file.truncate(end + 1)).getMessage();
            assertEquals("/long: a file of 274877906945 bytes; files of test are written up to 274877906944", told);
            assertEquals(end, file.length());
            assertEquals(70L << 30, file.nextData(file.nextHole(0)));
            ByteBuffer last = ByteBuffer.allocate(1000);
            assertEquals(1000, file.read(end - 1000, last));
            assertArrayEquals(noise(1000), last.array());
        }
        volume.close();
        VmfsTools.requireWhole(disk);
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
        volume.delete("/long");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 8})
    void volumesOfVmfs3HaveLargerBlocks(int block) throws IOException {
        disk = RamDisk.of(2000L * MIB);
        vmfs.format(disk, new FormatOptions("vmfs3", "test", block * MIB), Progress.NONE);
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
        for (Script.Step step : Script.mixed()) {
            step.operation().on(volume);
            assertEquals(List.of(), vmfs.check(List.of(disk), false, Progress.NONE).errors(), step.name());
        }
        write("/file", noise(9 * MIB));
        assertArrayEquals(noise(9 * MIB), read("/file"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5", "vmfs3"})
    void allThatAScriptLeavesIsThereUnderFuse(String type) throws IOException {
        format(type);
        for (Script.Step step : Script.mixed()) step.operation().on(volume);
        write("/more", noise(3 * MIB + 5));
        volume.symlink("/way", "renamed/f7");
        volume.chmod("/more", 0751);
        byte[] behind = read("/way");
        volume.close();
        VmfsTools.withImage(disk, image -> VmfsTools.withFuse(image, folder -> {
            assertArrayEquals(noise(3 * MIB + 5), Files.readAllBytes(folder.resolve("more")));
            assertArrayEquals(behind, Files.readAllBytes(folder.resolve("way")));
            assertEquals("rwxr-x--x", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("more"))));
            try (var names = Files.list(folder.resolve("renamed"))) {
                assertEquals(Set.of("block", "sym", "f1", "f3", "f5", "f7"), names.map(path -> path.getFileName().toString()).collect(Collectors.toSet()));
            }
        }));
        volume = vmfs.mount(List.of(disk), Host.writer(), Optional.empty());
    }

    private static byte[] read(VmFile file) throws IOException {
        ByteBuffer all = ByteBuffer.allocate((int) file.length());
        while (all.hasRemaining() && file.read(all.position(), all) > 0) { }
        return all.array();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5"})
    void whoWritesKeepsWritersAndSharersAway(String type) throws IOException {
        format(type);
        VmFile file = volume.create("/file", 0600);
        for (VmFile.Mode mode : new VmFile.Mode[] {VmFile.Mode.WRITE, VmFile.Mode.SHARE}) {
            assertEquals("is open for writing on this host", assertThrows(FileLockedException.class, () -> volume.open("/file", mode)).getReason());
        }
        assertThrows(FileLockedException.class, () -> volume.delete("/file"));
        volume.open("/file", VmFile.Mode.READ).close();
        file.close();
        VmFile one = volume.open("/file", VmFile.Mode.SHARE), two = volume.open("/file", VmFile.Mode.SHARE);
        one.close();
        assertThrows(FileLockedException.class, () -> volume.open("/file", VmFile.Mode.WRITE));
        assertEquals(List.of("is open for sharing on this host"), volume.locks("/file"));
        two.close();
        volume.open("/file", VmFile.Mode.WRITE).close();
        assertEquals(List.of(), volume.locks("/file"));
    }
}
