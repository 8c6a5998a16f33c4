package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.disk.DiskInfo;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumePath;
import vmkernel.core.files.HostFolder;

/** Disks that QEMU wrote and reads, in folders of the host. */
@Timeout(120)
class QemuDisksTest {
    private static final int BYTES = 9 * (1 << 20) + 7 * 512;
    @TempDir
    Path folder;
    private final HostFolder host = new HostFolder();
    private final VmdkFormats formats = new VmdkFormats();
    private final Random random = new Random(4);

    private VolumePath at(String name) { return new VolumePath(host, folder.resolve(name).toString()); }
    private DiskImage open(String name, Mode mode) throws Exception { return formats.open(DiskFiles.PLAIN, at(name), mode); }

    private Path raw(byte[] data) throws Exception { return Files.write(folder.resolve("expected.img"), data); }

    @ParameterizedTest
    @ValueSource(strings = {"monolithicSparse", "monolithicSparse,zeroed_grain=on", "monolithicSparse,compat6=on,adapter_type=buslogic", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized"})
    void whatQemuWroteIsReadAndExtendedByOurWrites(String subformat) throws Exception {
        byte[] data = Disks.patchy(random, 9 << 20);
        Path raw = raw(data);
        Disks.qemu(0, "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=" + subformat, raw, folder.resolve("a.vmdk"));
        DiskInfo info = formats.info(at("a.vmdk"));
        assertEquals(subformat.replaceAll(",.*", ""), info.format().createType());
        assertEquals(data.length, info.bytes());
        assertEquals(List.of(), formats.check(at("a.vmdk"), Progress.NONE));
        try (DiskImage disk = open("a.vmdk", Mode.SHARE)) {
            Disks.assertContents(data, disk);
        }
        if (subformat.equals("streamOptimized")) return;
        try (DiskImage disk = open("a.vmdk", Mode.WRITE)) {
            Disks.scribble(disk, data, random, 60);
            Disks.assertContents(data, disk);
        }
        Disks.judged(folder.resolve("a.vmdk"), raw(data));
        assertEquals(List.of(), formats.check(at("a.vmdk"), Progress.NONE));
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = "SE_SPARSE", mode = EnumSource.Mode.EXCLUDE)
    void whatWeCopyIsReadByQemu(DiskFormat format) throws Exception {
        byte[] data = Disks.patchy(random, BYTES);
        Path raw = raw(data);
        String name = format == DiskFormat.RAW ? "b.img" : "b.vmdk";
        formats.copy(at("expected.img"), at(name), format, Progress.NONE);
        if (format == DiskFormat.RAW) assertEquals(-1, Files.mismatch(raw, folder.resolve(name))); else Disks.judged(folder.resolve(name), raw);
        assertEquals(format, formats.info(at(name)).format());
        assertEquals(BYTES, formats.info(at(name)).bytes());
        assertEquals(List.of(), formats.check(at(name), Progress.NONE));
        try (DiskImage disk = open(name, Mode.SHARE)) {
            Disks.assertContents(data, disk);
        }
        Disks.qemu(0, "convert", "-f", format == DiskFormat.RAW ? "raw" : "vmdk", "-O", "raw", folder.resolve(name), folder.resolve("back.img"));
        assertEquals(-1, Files.mismatch(raw, folder.resolve("back.img")));
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"SE_SPARSE", "STREAM_OPTIMIZED"}, mode = EnumSource.Mode.EXCLUDE)
    void whatWeMakeAndWriteIsReadByQemu(DiskFormat format) throws Exception {
        byte[] data = new byte[BYTES];
        String name = format == DiskFormat.RAW ? "c.img" : "c.vmdk";
        formats.create(at(name), format, BYTES, Progress.NONE);
        for (int round = 0; round < 3; round++) {
            try (DiskImage disk = open(name, Mode.WRITE)) {
                Disks.scribble(disk, data, random, 50);
                Disks.assertContents(data, disk);
            }
            if (format == DiskFormat.RAW) assertEquals(-1, Files.mismatch(raw(data), folder.resolve(name))); else Disks.judged(folder.resolve(name), raw(data));
            assertEquals(List.of(), formats.check(at(name), Progress.NONE));
        }
        assertTrue(Disks.qemu(0, "info", folder.resolve(name)).contains("virtual size: 9 MiB (" + BYTES + " bytes)"));
    }

    @Test
    void aChainOfRedoLogsIsReadByQemu() throws Exception {
        for (DiskFormat format : List.of(DiskFormat.VMFS, DiskFormat.MONOLITHIC_SPARSE, DiskFormat.STREAM_OPTIMIZED)) {
            byte[] data = Disks.patchy(random, BYTES);
            raw(data);
            String base = "base" + format.ordinal();
            formats.copy(at("expected.img"), at(base + ".vmdk"), format, Progress.NONE);
            String last = base + ".vmdk";
            for (int level = 1; level <= 3; level++) {
                String child = base + "-" + level + ".vmdk";
                formats.createChild(at(last), at(child));
                last = child;
                try (DiskImage disk = open(child, Mode.WRITE)) {
                    Disks.assertContents(data, disk);
                    Disks.scribble(disk, data, random, 30);
                    Disks.assertContents(data, disk);
                }
                Disks.judged(folder.resolve(child), raw(data));
            }
            assertEquals(List.of(), formats.check(at(last), Progress.NONE));
            formats.copy(at(last), at(base + "-flat-copy.vmdk"), DiskFormat.MONOLITHIC_SPARSE, Progress.NONE);
            Disks.judged(folder.resolve(base + "-flat-copy.vmdk"), raw(data));
            if (format == DiskFormat.STREAM_OPTIMIZED) continue;
            for (int level = 3; level >= 1; level--) {
                formats.commit(at(base + "-" + level + ".vmdk"), Progress.NONE);
                Disks.judged(folder.resolve(base + "-" + level + ".vmdk"), raw(data));
                Disks.judged(folder.resolve(level == 1 ? base + ".vmdk" : base + "-" + (level - 1) + ".vmdk"), raw(data));
                formats.delete(at(base + "-" + level + ".vmdk"));
            }
        }
    }

    /** As ESX 2 has them: beside the disk, in one file, which names its parent itself. */
    @Test
    void aRedoLogWithoutADescriptorIsMadeWrittenAndCommitted() throws Exception {
        byte[] data = Disks.patchy(random, BYTES);
        raw(data);
        formats.copy(at("expected.img"), at("disk.vmdk"), DiskFormat.VMFS_THIN, Progress.NONE);
        formats.createChild(at("disk.vmdk"), at("disk.vmdk.REDO"));
        for (int i = 0; i < 2; i++) {
            try (DiskImage disk = open("disk.vmdk.REDO", Mode.WRITE)) {
                Disks.assertContents(data, disk);
                Disks.scribble(disk, data, random, 30);
                Disks.assertContents(data, disk);
            }
        }
        assertEquals(List.of(), formats.check(at("disk.vmdk.REDO"), Progress.NONE));
        formats.commit(at("disk.vmdk.REDO"), Progress.NONE);
        Disks.judged(folder.resolve("disk.vmdk"), raw(data));
        formats.delete(at("disk.vmdk.REDO"));
        assertTrue(Files.exists(folder.resolve("disk-flat.vmdk")));
        Files.write(folder.resolve("disk.vmdk.REDO"), new byte[4096]); // the host was killed while it was made
        IOException told = assertThrows(IOException.class, () -> open("disk.vmdk.REDO", Mode.WRITE));
        assertTrue(told.getMessage().contains("this is no redo log, or its making was cut off; delete it"), told.getMessage());
    }

    @Test
    void aChildThatQemuMadeIsReadAndWritten() throws Exception {
        byte[] data = Disks.patchy(random, 9 << 20);
        Disks.qemu(0, "convert", "-f", "raw", "-O", "vmdk", raw(data), folder.resolve("base.vmdk"));
        Disks.qemu(0, "create", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", folder.resolve("child.vmdk"));
        try (DiskImage disk = open("child.vmdk", Mode.WRITE)) {
            Disks.scribble(disk, data, random, 40);
            Disks.assertContents(data, disk);
        }
        Disks.judged(folder.resolve("child.vmdk"), raw(data));
        formats.commit(at("child.vmdk"), Progress.NONE);
        Disks.judged(folder.resolve("base.vmdk"), raw(data));
        Disks.judged(folder.resolve("child.vmdk"), raw(data));
    }

    @Test
    void disksInPiecesHaveSeveral() throws Exception {
        long bytes = NewDisk.PIECE_BLOCKS / 3 * 4 * 512;
        for (DiskFormat format : List.of(DiskFormat.TWO_GB_SPARSE, DiskFormat.MONOLITHIC_SPARSE, DiskFormat.VMFS_SPARSE)) {
            String name = format.ordinal() + ".vmdk";
            Path raw = folder.resolve("expected.img");
            Files.deleteIfExists(raw);
            formats.create(at(name), format, bytes, Progress.NONE);
            formats.create(at("expected.img"), DiskFormat.RAW, bytes, Progress.NONE);
            try (DiskImage disk = open(name, Mode.WRITE); DiskImage same = open("expected.img", Mode.WRITE)) {
                for (long block : new long[] {0, NewDisk.PIECE_BLOCKS - 100, NewDisk.PIECE_BLOCKS + 12345, bytes / 512 - 200}) {
                    byte[] data = Disks.random(random, 200);
                    Disks.write(disk, block, data);
                    Disks.write(same, block, data);
                }
            }
            Disks.judged(folder.resolve(name), raw);
            assertEquals(List.of(), formats.check(at(name), Progress.NONE));
            assertEquals(format == DiskFormat.TWO_GB_SPARSE ? 3 : format == DiskFormat.VMFS_SPARSE ? 2 : 1, formats.info(at(name)).files().size());
        }
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"SE_SPARSE", "STREAM_OPTIMIZED"}, mode = EnumSource.Mode.EXCLUDE)
    void whatWeExtendIsReadByQemu(DiskFormat format) throws Exception {
        byte[] data = Disks.patchy(random, BYTES);
        String name = format == DiskFormat.RAW ? "d.img" : "d.vmdk";
        raw(data);
        formats.copy(at("expected.img"), at(name), format, Progress.NONE);
        for (int bytes : new int[] {BYTES + 512, 80 << 20}) {
            formats.extend(at(name), bytes, Progress.NONE);
            data = java.util.Arrays.copyOf(data, bytes);
            try (DiskImage disk = open(name, Mode.WRITE)) {
                Disks.assertContents(data, disk);
                Disks.scribble(disk, data, random, 40);
            }
            if (format == DiskFormat.RAW) assertEquals(-1, Files.mismatch(raw(data), folder.resolve(name))); else Disks.judged(folder.resolve(name), raw(data));
            assertEquals(List.of(), formats.check(at(name), Progress.NONE));
        }
    }

    @Test
    void aSpaceEfficientRedoLogShowsWhatQemuSees() throws Exception {
        byte[] data = Disks.patchy(random, 40 << 20);
        raw(data);
        formats.copy(at("expected.img"), at("base.vmdk"), DiskFormat.VMFS_THIN, Progress.NONE);
        SeSparseSample.write(folder.resolve("s.vmdk"), "base.vmdk", Descriptor.hex(formats.info(at("base.vmdk")).cid()), data, random);
        Disks.judged(folder.resolve("s.vmdk"), raw(data));
        assertEquals(List.of(), formats.check(at("s.vmdk"), Progress.NONE));
        assertEquals(DiskFormat.SE_SPARSE, formats.info(at("s.vmdk")).format());
        try (DiskImage disk = open("s.vmdk", Mode.WRITE)) {
            assertTrue(disk.readOnly());
            assertEquals(vmkernel.api.storage.BlockResult.WRITE_PROTECTED, Disks.run(disk, vmkernel.api.storage.BlockOperation.WRITE, 0, new byte[512], 0, 512));
            Disks.assertContents(data, disk);
        }
        formats.createChild(at("s.vmdk"), at("t.vmdk"));
        try (DiskImage disk = open("t.vmdk", Mode.WRITE)) {
            Disks.scribble(disk, data, random, 40);
            Disks.assertContents(data, disk);
        }
        Disks.judged(folder.resolve("t.vmdk"), raw(data));
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"VMFS", "MONOLITHIC_SPARSE", "TWO_GB_SPARSE", "VMFS_SPARSE"})
    void whatQemuWritesIntoOurDisksIsReadByUs(DiskFormat format) throws Exception {
        byte[] data = Disks.patchy(random, 9 << 20);
        raw(data);
        formats.copy(at("expected.img"), at("base.vmdk"), format == DiskFormat.VMFS_SPARSE ? DiskFormat.VMFS : format, Progress.NONE);
        String name = format == DiskFormat.VMFS_SPARSE ? "child.vmdk" : "base.vmdk";
        if (format == DiskFormat.VMFS_SPARSE) formats.createChild(at("base.vmdk"), at(name));
        for (int round = 0; round < 3; round++) {
            try (DiskImage disk = open(name, Mode.WRITE)) {
                Disks.scribble(disk, data, random, 20);
            }
            for (int i = 0; i < 5; i++) {
                int block = random.nextInt(17000), blocks = 1 + random.nextInt(300);
                Disks.tool(0, "qemu-io", "-f", "vmdk", "-c", "write -P 0x5" + i + " " + block * 512 + " " + blocks * 512, folder.resolve(name));
                java.util.Arrays.fill(data, block * 512, (block + blocks) * 512, (byte) (0x50 + i));
            }
            try (DiskImage disk = open(name, Mode.SHARE)) {
                Disks.assertContents(data, disk);
            }
        }
        Disks.judged(folder.resolve(name), raw(data));
        assertEquals(List.of(), formats.check(at(name), Progress.NONE));
    }

    @Test
    void aParentOrAnExtentThatIsMissingIsToldWithItsDisk() throws Exception {
        formats.create(at("a.vmdk"), DiskFormat.VMFS_THIN, 1 << 20, Progress.NONE);
        formats.createChild(at("a.vmdk"), at("b.vmdk"));
        Files.move(folder.resolve("a-flat.vmdk"), folder.resolve("x"));
        assertEquals(folder + "/a.vmdk: its extent a-flat.vmdk is not there", assertThrows(java.io.IOException.class, () -> open("b.vmdk", Mode.WRITE)).getMessage());
        Files.delete(folder.resolve("a.vmdk"));
        assertEquals(folder + "/b.vmdk: its parent " + folder + "/a.vmdk is not there", assertThrows(java.io.IOException.class, () -> open("b.vmdk", Mode.WRITE)).getMessage());
    }
}
