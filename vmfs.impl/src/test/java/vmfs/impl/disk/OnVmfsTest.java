package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.volume.VmfsFileSystem;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumePath;
import vmkernel.api.storage.BlockResult;
import vmkernel.core.files.HostFolder;

/** Virtual disks on VMFS, imported from the host and exported to it. */
@Timeout(180)
class OnVmfsTest {
    private static final int BYTES = 21 << 20, CUTS = 15;
    @TempDir
    Path folder;
    private final HostFolder host = new HostFolder();
    private final VmdkFormats formats = new VmdkFormats();
    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private final RamDisk device = RamDisk.of(1100L << 20);
    private final Random random = new Random(11);
    private MountedVolume volume;

    @BeforeEach
    void format() throws IOException {
        vmfs.format(device, new FormatOptions("vmfs5", "store", 0), Progress.NONE);
        volume = vmfs.mount(List.of(device), Host.writer(), Optional.empty());
        volume.mkdir("/vm", 0755);
    }

    @AfterEach
    void theVolumeIsWhole() throws IOException {
        volume.close();
        VmfsTools.requireWhole(device);
    }

    private VolumePath at(String name) { return new VolumePath(volume, "/vm/" + name); }
    private VolumePath outside(String name) { return new VolumePath(host, folder.resolve(name).toString()); }
    private DiskImage open(String name, Mode mode) throws IOException { return formats.open(DiskFiles.PLAIN, at(name), mode); }
    private Path raw(byte[] data) throws IOException { return Files.write(folder.resolve("expected.img"), data); }

    @Test
    void everyFormatIsImportedWrittenAndExported() throws Exception {
        for (DiskFormat format : DiskFormat.values()) {
            if (format == DiskFormat.SE_SPARSE) continue;
            byte[] data = Disks.patchy(random, BYTES);
            raw(data);
            String name = format == DiskFormat.RAW ? "disk.img" : "disk.vmdk";
            formats.copy(outside("expected.img"), at(name), format, Progress.NONE);
            if (format != DiskFormat.STREAM_OPTIMIZED) {
                try (DiskImage disk = open(name, Mode.WRITE)) {
                    Disks.scribble(disk, data, random, 60);
                    Disks.assertContents(data, disk);
                }
            }
            assertEquals(List.of(), formats.check(at(name), Progress.NONE));
            formats.copy(at(name), outside("out.vmdk"), DiskFormat.STREAM_OPTIMIZED, Progress.NONE);
            Disks.judged(folder.resolve("out.vmdk"), raw(data));
            formats.delete(outside("out.vmdk"));
            formats.delete(at(name));
            assertEquals(List.of(), volume.list("/vm"));
        }
    }

    @Test
    void snapshotsAreTakenRenamedAndCommitted() throws Exception {
        byte[] data = new byte[BYTES];
        formats.create(at("a.vmdk"), DiskFormat.VMFS_THIN, BYTES, Progress.NONE);
        try (DiskImage disk = open("a.vmdk", Mode.WRITE)) {
            Disks.scribble(disk, data, random, 10);
        }
        formats.createChild(at("a.vmdk"), at("b.vmdk"));
        try (DiskImage disk = open("b.vmdk", Mode.WRITE)) {
            Disks.scribble(disk, data, random, 60);
        }
        formats.rename(at("b.vmdk"), at("c.vmdk"));
        volume.close();
        volume = vmfs.mount(List.of(device), Host.writer(), Optional.empty());
        try (DiskImage disk = open("c.vmdk", Mode.SHARE)) {
            Disks.assertContents(data, disk);
        }
        formats.commit(at("c.vmdk"), Progress.NONE);
        formats.delete(at("c.vmdk"));
        formats.extend(at("a.vmdk"), BYTES * 2L, Progress.NONE);
        formats.punchZeros(at("a.vmdk"), Progress.NONE);
        try (DiskImage disk = open("a.vmdk", Mode.SHARE)) {
            Disks.assertContents(java.util.Arrays.copyOf(data, BYTES * 2), disk);
        }
        assertEquals(2, volume.list("/vm").size());
    }

    /** What a disk may be after a power cut before an event of the device, and those that follow up to the next one. */
    private record Moment(int events, Stamps stamps, boolean flush) {}

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"VMFS_THIN", "MONOLITHIC_SPARSE", "VMFS_SPARSE"})
    void whatAGuestFlushedIsThereAfterAPowerCutOfTheDevice(DiskFormat format) throws Exception {
        Stamps stamps = new Stamps(6000);
        formats.create(at("base.vmdk"), format == DiskFormat.VMFS_SPARSE ? DiskFormat.VMFS : format, stamps.blocks() * 512L, Progress.NONE);
        String name = format == DiskFormat.VMFS_SPARSE ? "d.vmdk" : "base.vmdk";
        if (format == DiskFormat.VMFS_SPARSE) formats.createChild(at("base.vmdk"), at(name));
        volume.close();
        RecordingDisk recording = new RecordingDisk(device.copy());
        List<Moment> moments = new ArrayList<>();
        moments.add(new Moment(0, stamps.copy(), true));
        try (MountedVolume recorded = vmfs.mount(List.of(recording), Host.writer(), Optional.empty());
            DiskImage disk = formats.open(DiskFiles.PLAIN, new VolumePath(recorded, "/vm/" + name), Mode.WRITE)) {
            for (int i = 0; i < 40; i++) {
                int block = random.nextInt(stamps.blocks() - 300);
                boolean flush = i % 4 == 3;
                assertEquals(BlockResult.GOOD, flush ? stamps.flush(disk) : stamps.write(disk, block, 1 + random.nextInt(i % 5 == 0 ? 300 : 30)));
                moments.add(new Moment(recording.events().size(), stamps.copy(), flush));
            }
        }
        int last = moments.get(moments.size() - 1).events();
        for (int count = 0; count < CUTS; count++) {
            int cut = last * count / CUTS, at = 0;
            while (moments.get(at).events() < cut) at++;
            // within a flush what was before it may be there; within a write both
            Stamps expected = moments.get(moments.get(at).flush() && at > 0 && moments.get(at).events() > cut ? at - 1 : at).stamps().copy();
            RamDisk left = recording.cut(cut, new Random(count));
            try (MountedVolume again = vmfs.mount(List.of(left), Host.writer(), Optional.empty());
                DiskImage disk = formats.open(DiskFiles.PLAIN, new VolumePath(again, "/vm/" + name), Mode.WRITE)) {
                expected.verify(disk, "power fails before event " + cut);
            }
            VmfsTools.requireWhole(left);
        }
        volume = vmfs.mount(List.of(device), Host.writer(), Optional.empty());
    }
}
