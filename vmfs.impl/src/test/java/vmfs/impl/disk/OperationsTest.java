package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.disk.DiskInfo;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;

/** What vmkfstools does with disks. */
@Timeout(60)
class OperationsTest {
    private static final int BYTES = 3 << 20;
    private final MemoryVolume volume = new MemoryVolume();
    private final VmdkFormats formats = new VmdkFormats();

    private DiskImage open(String path, Mode mode) throws IOException { return formats.open(DiskFiles.PLAIN, volume.at(path), mode); }
    private void create(String path, DiskFormat format) throws IOException { formats.create(volume.at(path), format, BYTES, Progress.NONE); }

    private static String line(org.junit.jupiter.api.function.Executable work) { return assertThrows(FileSystemException.class, work).getMessage(); }

    @Test
    void informationIsWhatTheDescriptorSays() throws IOException {
        create("/a.vmdk", DiskFormat.VMFS_THIN);
        DiskInfo info = formats.info(volume.at("/a.vmdk"));
        assertEquals(DiskFormat.VMFS_THIN, info.format());
        assertEquals(BYTES, info.bytes());
        assertEquals(List.of(volume.at("/a.vmdk"), volume.at("/a-flat.vmdk")), info.files());
        assertEquals("lsilogic", info.database().get("ddb.adapterType"));
        assertEquals(0xFFFFFFFE, info.cid());
        assertEquals(0xFFFFFFFF, info.parentCid());
        formats.createChild(volume.at("/a.vmdk"), volume.at("/b.vmdk"));
        DiskInfo child = formats.info(volume.at("/b.vmdk"));
        assertEquals(DiskFormat.VMFS_SPARSE, child.format());
        assertEquals(volume.at("/a.vmdk"), child.parent().orElseThrow());
        assertEquals(info.cid(), child.parentCid());
        try (DiskImage disk = open("/b.vmdk", Mode.SHARE)) {
            assertEquals("/vmfs/memory/b.vmdk, /vmfs/memory/a.vmdk", disk.chain());
        }
    }

    @Test
    void aDiskInUseIsLockedWithItsParents() throws IOException {
        create("/a.vmdk", DiskFormat.VMFS);
        formats.createChild(volume.at("/a.vmdk"), volume.at("/b.vmdk"));
        try (DiskImage child = open("/b.vmdk", Mode.WRITE)) {
            assertThrows(FileLockedException.class, () -> open("/b.vmdk", Mode.SHARE));
            assertThrows(FileLockedException.class, () -> open("/a.vmdk", Mode.WRITE));
            assertThrows(FileLockedException.class, () -> formats.commit(volume.at("/b.vmdk"), Progress.NONE));
            assertThrows(FileLockedException.class, () -> formats.delete(volume.at("/b.vmdk")));
            assertThrows(FileLockedException.class, () -> formats.extend(volume.at("/b.vmdk"), 2 * BYTES, Progress.NONE));
            open("/a.vmdk", Mode.SHARE).close();
            formats.info(volume.at("/b.vmdk"));
            assertEquals(BlockResult.GOOD, Disks.run(child, BlockOperation.WRITE, 1, new byte[512], 0, 512));
        }
        open("/a.vmdk", Mode.WRITE).close();
    }

    @Test
    void aParentIsNotPulledAwayFromItsChild() throws IOException {
        create("/a.vmdk", DiskFormat.VMFS);
        formats.createChild(volume.at("/a.vmdk"), volume.at("/b.vmdk"));
        assertEquals("/vmfs/memory/a.vmdk: is the parent of b.vmdk and cannot be extended; commit or delete that first",
            line(() -> formats.extend(volume.at("/a.vmdk"), 2 * BYTES, Progress.NONE)));
        assertTrue(line(() -> formats.delete(volume.at("/a.vmdk"))).contains("is the parent of b.vmdk"));
        assertTrue(line(() -> formats.rename(volume.at("/a.vmdk"), volume.at("/c.vmdk"))).contains("is the parent of b.vmdk"));
        formats.delete(volume.at("/b.vmdk"));
        formats.createChild(volume.at("/a.vmdk"), volume.at("/a.vmdk.REDO"));
        assertTrue(line(() -> formats.delete(volume.at("/a.vmdk"))).contains("is the parent of a.vmdk.REDO"));
        formats.delete(volume.at("/a.vmdk.REDO"));
        formats.delete(volume.at("/a.vmdk"));
        assertEquals(List.of(), volume.names());
    }

    @Test
    void everyFormatIsRenamedAndDeletedWithAllItsFiles() throws IOException {
        for (DiskFormat format : DiskFormat.values()) {
            if (format == DiskFormat.SE_SPARSE || format == DiskFormat.STREAM_OPTIMIZED) continue;
            String old = format == DiskFormat.RAW ? "/old.img" : "/old.vmdk", other = format == DiskFormat.RAW ? "/new.img" : "/new.vmdk";
            create(old, format);
            byte[] data = Disks.random(new Random(3), 100);
            try (DiskImage disk = open(old, Mode.WRITE)) {
                Disks.write(disk, 7, data);
            }
            formats.rename(volume.at(old), volume.at(other));
            assertTrue(volume.names().stream().allMatch(name -> name.startsWith("/new")), format + ": " + volume.names());
            try (DiskImage disk = open(other, Mode.SHARE)) {
                byte[] found = new byte[data.length];
                Disks.run(disk, BlockOperation.READ, 7, found, 0, found.length);
                assertEquals(-1, java.util.Arrays.mismatch(data, found));
            }
            formats.delete(volume.at(other));
            assertEquals(List.of(), volume.names());
        }
    }

    @Test
    void aThinDiskIsInflatedAndPunched() throws IOException {
        create("/a.vmdk", DiskFormat.VMFS_THIN);
        byte[] expected = new byte[BYTES];
        try (DiskImage disk = open("/a.vmdk", Mode.WRITE)) {
            Disks.scribble(disk, expected, new Random(5), 10);
        }
        formats.inflate(volume.at("/a.vmdk"), Progress.NONE);
        assertEquals(DiskFormat.VMFS, formats.info(volume.at("/a.vmdk")).format());
        formats.punchZeros(volume.at("/a.vmdk"), Progress.NONE);
        assertEquals(DiskFormat.VMFS_THIN, formats.info(volume.at("/a.vmdk")).format());
        try (DiskImage disk = open("/a.vmdk", Mode.SHARE)) {
            Disks.assertContents(expected, disk);
        }
        create("/b.vmdk", DiskFormat.MONOLITHIC_SPARSE);
        assertEquals("/vmfs/memory/b.vmdk: is not flat, and cannot be inflated; copy it to another format", line(() -> formats.inflate(volume.at("/b.vmdk"), Progress.NONE)));
    }

    @Test
    void whatCannotBeDoneIsToldBeforeAnythingIsMade() throws IOException {
        create("/a.vmdk", DiskFormat.VMFS);
        List<String> before = volume.names();
        assertThrows(FileAlreadyExistsException.class, () -> create("/a.vmdk", DiskFormat.MONOLITHIC_SPARSE));
        assertTrue(line(() -> create("/b", DiskFormat.VMFS)).contains("ends with .vmdk"));
        assertTrue(line(() -> formats.create(volume.at("/b.vmdk"), DiskFormat.VMFS, 1000, Progress.NONE)).contains("multiple of 512"));
        assertTrue(line(() -> formats.extend(volume.at("/a.vmdk"), 512, Progress.NONE)).contains("cannot be made shorter"));
        assertTrue(line(() -> create("/b.vmdk", DiskFormat.SE_SPARSE)).contains("cannot be written"));
        assertTrue(line(() -> formats.commit(volume.at("/a.vmdk"), Progress.NONE)).contains("has no parent"));
        assertEquals(before, volume.names());
    }

    @Test
    void progressGoesFromBeginToEnd() throws IOException {
        List<Long> seen = new ArrayList<>();
        Progress progress = (done, total) -> {
            assertEquals(BYTES, total);
            seen.add(done);
        };
        formats.create(volume.at("/a.vmdk"), DiskFormat.TWO_GB_FLAT, BYTES, progress);
        formats.copy(volume.at("/a.vmdk"), volume.at("/b.vmdk"), DiskFormat.STREAM_OPTIMIZED, progress);
        formats.inflate(volume.at("/a.vmdk"), progress);
        assertEquals(0, seen.get(0));
        assertEquals(BYTES, seen.get(seen.size() - 1));
    }

    @Test
    void aRedoLogOfESXWithoutADescriptorIsRead() throws IOException {
        create("/a.vmdk", DiskFormat.VMFS);
        formats.createChild(volume.at("/a.vmdk"), volume.at("/b.vmdk"));
        byte[] data = Disks.random(new Random(8), 20);
        try (DiskImage disk = open("/b.vmdk", Mode.WRITE)) {
            Disks.write(disk, 50, data);
        }
        volume.put("/a.vmdk.REDO", volume.bytes("/b-delta.vmdk"));
        try (DiskImage disk = open("/a.vmdk.REDO", Mode.WRITE)) {
            assertEquals("/vmfs/memory/a.vmdk.REDO, /vmfs/memory/a.vmdk", disk.chain());
            byte[] found = new byte[data.length];
            Disks.run(disk, BlockOperation.READ, 50, found, 0, found.length);
            assertEquals(-1, java.util.Arrays.mismatch(data, found));
        }
        formats.delete(volume.at("/b.vmdk"));
        formats.commit(volume.at("/a.vmdk.REDO"), Progress.NONE);
        try (DiskImage disk = open("/a.vmdk", Mode.SHARE)) {
            byte[] found = new byte[data.length];
            Disks.run(disk, BlockOperation.READ, 50, found, 0, found.length);
            assertEquals(-1, java.util.Arrays.mismatch(data, found));
        }
    }

    @Test
    void requestsOutOfTheDiskOrAgainstItsModeAreRefused() throws IOException {
        create("/a.vmdk", DiskFormat.MONOLITHIC_SPARSE);
        try (DiskImage disk = open("/a.vmdk", Mode.SHARE)) {
            assertTrue(disk.readOnly());
            assertEquals(BlockResult.WRITE_PROTECTED, Disks.run(disk, BlockOperation.WRITE, 0, new byte[512], 0, 512));
            assertEquals(BlockResult.OUT_OF_RANGE, Disks.run(disk, BlockOperation.READ, disk.blocks(), new byte[512], 0, 512));
            assertEquals(BlockResult.OUT_OF_RANGE, Disks.run(disk, BlockOperation.READ, -1, new byte[512], 0, 512));
            assertEquals(BlockResult.GOOD, Disks.run(disk, BlockOperation.FLUSH, 0, null, 0, 0));
        }
    }
}
