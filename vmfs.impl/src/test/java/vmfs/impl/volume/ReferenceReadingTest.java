package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import vmfs.impl.fixture.Craft;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LvmHeader;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeExtent;
import vmkernel.api.files.VolumeSpace;

/** Volumes that ESXi made, read as others read them. */
class ReferenceReadingTest {
    private final VmfsFileSystem vmfs = new VmfsFileSystem();

    private MountedVolume mount(RamDisk disk) throws IOException { return vmfs.mount(List.of(disk), Host.reader(), Optional.empty()); }

    @Test
    void aVolumeOfVmfs5SaysWhatItIs() throws IOException {
        RamDisk disk = ReferenceVolumes.vmfs5();
        assertEquals(new VolumeExtent("61137dd5-d0727810-7ac2-000c29801686", "VMFS5 Test", "VMFS-5.81", 0, 1), vmfs.probe(disk).orElseThrow());
        try (MountedVolume volume = mount(disk)) {
            assertEquals("61137dd5-df6bc2c8-f0e7-000c29801686", volume.uuid());
            assertEquals("VMFS5 Test", volume.label());
            assertEquals(new VolumeSpace(1 << 20, 256 << 20, 241 << 20, 64, 49), volume.space());
            assertEquals("it was mounted so", volume.readOnly().orElseThrow());
        }
    }

    @Test
    void aVolumeOfVmfs6IsOnlyRead() throws IOException {
        RamDisk disk = ReferenceVolumes.vmfs6();
        assertEquals("VMFS-6.82", vmfs.probe(disk).orElseThrow().type());
        try (MountedVolume volume = vmfs.mount(List.of(disk), new Host(Host.reader().hostUuid(), false), Optional.empty())) {
            assertEquals("VMFS-6 is only read", volume.readOnly().orElseThrow());
            assertEquals(16384, volume.space().files());
            String message = assertThrows(AccessDeniedException.class, () -> volume.create("/new", 0600)).getMessage();
            assertEquals("/new: volume VMFS6 Test can only be read: VMFS-6 is only read", message);
        }
    }

    @Test
    void filesOfVmfs5AreAsDebugvmfsReadsThem() throws IOException { compare(ReferenceVolumes.vmfs5(), "debugvmfs", 0, 14); }

    @Test
    void filesOfVmfs6AreAsDebugvmfs6ReadsThem() throws IOException { compare(ReferenceVolumes.vmfs6(), "debugvmfs6", "VMFS version: 6\n".length(), 15); }

    private void compare(RamDisk disk, String tool, int skip, int count) throws IOException {
        List<String> seen = new ArrayList<>();
        try (MountedVolume volume = mount(disk)) {
            VmfsTools.withImage(disk, image -> walk(volume, "/", image, tool, skip, seen));
        }
        assertEquals(count, seen.size(), seen.toString());
    }

    private void walk(Volume volume, String path, Path image, String tool, int skip, List<String> seen) throws IOException {
        List<FileStatus> files = volume.list(path);
        String expected = new String(rest(VmfsTools.run(tool, image.toString(), "ls", "-l", path), skip)).lines().filter(line -> !line.matches(".* \\.{1,2}"))
            .map(line -> line.replaceAll("\\s+", " ").replaceAll(" root root", " 0 0")).collect(Collectors.joining("\n"));
        assertEquals(expected, files.stream().map(ReferenceReadingTest::line).collect(Collectors.joining("\n")));
        for (FileStatus file : files) {
            String at = (path.equals("/") ? "" : path) + "/" + file.name();
            seen.add(at);
            if (file.name().equals(".sdd.sf")) {
                assertEquals(List.of(), volume.list(at), "which the tool cannot list");
            } else if (directory(file)) {
                walk(volume, at, image, tool, skip, seen);
            } else if (file.type() == FileStatus.Type.SYMLINK) {
                assertEquals("file4", volume.target(at));
            } else {
                assertArrayEquals(rest(VmfsTools.run(tool, image.toString(), "cat", at), skip), content(volume, at), at);
            }
        }
    }

    private static boolean directory(FileStatus file) { return file.type() == FileStatus.Type.DIRECTORY || file.name().equals(".sdd.sf"); }

    private static byte[] rest(byte[] all, int skip) { return Arrays.copyOfRange(all, skip, all.length); }

    /** As the tools list it: with the time of the last change of the descriptor. */
    private static String line(FileStatus file) {
        String letters = "rwxrwxrwx";
        StringBuilder mode = new StringBuilder(directory(file) ? "d" : file.type() == FileStatus.Type.SYMLINK ? "l" : "-");
        for (int bit = 0; bit < 9; bit++) mode.append((file.mode() & 0400 >> bit) != 0 ? letters.charAt(bit) : '-');
        String time = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault()).format(Instant.ofEpochSecond(file.changed()));
        return mode + " " + file.links() + " " + file.uid() + " " + file.gid() + " " + file.length() + " " + time + " " + file.name();
    }

    private static byte[] content(Volume volume, String path) throws IOException {
        try (VmFile file = volume.open(path, VmFile.Mode.READ)) {
            ByteBuffer all = ByteBuffer.allocate(Math.toIntExact(file.length()));
            assertEquals(all.capacity(), file.read(0, all));
            assertEquals(0, file.read(all.capacity(), ByteBuffer.allocate(1)));
            return all.array();
        }
    }

    @Test
    void pathsAreFollowedAsPosixDoes() throws IOException {
        for (RamDisk disk : List.of(ReferenceVolumes.vmfs5(), ReferenceVolumes.vmfs6())) {
            try (MountedVolume volume = mount(disk)) {
                assertEquals(8, content(volume, "/directory/symlink").length);
                assertArrayEquals(content(volume, "/directory/file4"), content(volume, "//directory/../directory/./symlink"));
                assertEquals(FileStatus.Type.SYMLINK, volume.status("/directory/symlink").type());
                assertEquals("/", volume.status("/directory/..").name());
                assertEquals("/", volume.status("/../..").name());
                assertEquals("directory", volume.status("/directory/").name());
                assertThrows(NoSuchFileException.class, () -> volume.status("/directory/none"));
                assertThrows(NoSuchFileException.class, () -> volume.status("/none/file1"));
                assertThrows(NotDirectoryException.class, () -> volume.status("/directory/file1/more"));
                assertThrows(NotDirectoryException.class, () -> volume.list("/directory/file1"));
                assertThrows(NotLinkException.class, () -> volume.target("/directory/file1"));
                assertThrows(FileSystemException.class, () -> volume.open("/directory", VmFile.Mode.READ));
            }
        }
    }

    @Test
    void anyPartOfAFileIsRead() throws IOException {
        try (MountedVolume volume = mount(ReferenceVolumes.vmfs5()); VmFile file = volume.open("/directory/file5", VmFile.Mode.READ)) {
            byte[] all = content(volume, "/directory/file5");
            for (int from = 0; from < all.length; from += 97) {
                for (int length : new int[] {0, 1, 511, 512, 513, 4096, 9000}) {
                    ByteBuffer part = ByteBuffer.allocate(length + 2).position(1).limit(length + 1);
                    int expected = Math.min(length, all.length - from);
                    assertEquals(expected, file.read(from, part));
                    assertEquals(1 + expected, part.position());
                    assertArrayEquals(Arrays.copyOfRange(all, from, from + expected), Arrays.copyOfRange(part.array(), 1, 1 + expected));
                    assertEquals(0, part.array()[length + 1]);
                }
            }
        }
    }

    @Test
    void aSuccessorHasTheFilesThatWereOpen() throws Exception {
        RamDisk disk = ReferenceVolumes.vmfs5();
        MountedVolume old = mount(disk);
        VmFile file = old.open("/directory/file4", VmFile.Mode.READ);
        old.quiesce(Duration.ofSeconds(1));
        MountedVolume next = vmfs.mount(List.of(disk), Host.reader(), Optional.of(old.save()));
        assertEquals(old.save(), next.save(), "also before it was taken up");
        old.close();
        VmFile again = next.reopen(file.handle());
        assertEquals("/directory/file4", again.path());
        assertEquals(8, again.read(0, ByteBuffer.allocate(100)));
        assertTrue(next.open("/directory/file5", VmFile.Mode.READ).handle() > again.handle());
        assertThrows(IOException.class, () -> next.reopen(77));
        assertThrows(IOException.class, file::length, "the old one is closed");
        next.close();
    }

    /** ESXi's own have none in so small a volume, so a file is changed: its block becomes one of addresses. */
    @Test
    void pointerBlocksOfVmfs6AreAmongTheSubBlocks() throws IOException {
        RamDisk disk = ReferenceVolumes.vmfs6();
        Craft craft = Craft.of(disk);
        Generation six = Generation.VMFS6;
        long file = fileFive(craft);
        long pointers = craft.geometry().subBlocks().itemAt(0, 9);
        craft.change(file + six.sectorBytes(), 4096, meta -> {
            meta.putLong(0x14, (5L << 20) + 100).putLong(0x1c, 1 << 20).putLong(0x24, 3).putInt(0x44, FileDescriptor.POINTER_BLOCKS);
        });
        craft.change(file + six.addressesOffset(), 8, address -> address.putLong(0, 9L << 56 | Address.POINTER_BLOCK));
        craft.change(pointers, 65536, addresses -> {
            addresses.putLong(0, 8L << 51 | Address.FILE_BLOCK); // blocks of others: nobody writes here
            addresses.putLong(3 * 8, 9L << 51 | Address.FILE_BLOCK);
            addresses.putLong(5 * 8, 200L << 51 | 1L << 15 | Address.FILE_BLOCK);
        });
        try (MountedVolume volume = mount(disk)) {
            byte[] content = content(volume, "/directory/file5");
            assertArrayEquals(Arrays.copyOf(disk.get(LvmHeader.DATA + (8 << 20), 1 << 20), 1 << 20), Arrays.copyOf(content, 1 << 20));
            VmfsTools.withImage(disk, image -> assertArrayEquals(rest(VmfsTools.run("debugvmfs6", image.toString(), "cat", "/directory/file5"), "VMFS version: 6\n".length()), content));
        }
    }

    private static long fileFive(Craft craft) throws IOException {
        return craft.at(new Walk(craft.geometry(), craft.metadata(), Directory::find).existing("/directory/file5", false).descriptor().address());
    }

    @Test
    void whatIsNoVolumeIsNotOne() throws IOException {
        assertTrue(vmfs.probe(RamDisk.of(1 << 20)).isEmpty());
        RamDisk cut = ReferenceVolumes.vmfs5();
        cut.put(0x1300000, new byte[512], 0, 512);
        assertTrue(vmfs.probe(cut).isEmpty(), "a format that was cut off");
        String message = assertThrows(IOException.class, () -> mount(cut)).getMessage();
        assertTrue(message.contains("0x200000") && message.contains("no header"), message);
    }
}
