package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmfs.impl.fixture.Craft;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.lock.Lease;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockDevice;

class VolumeRepairTest {
    private static final int MIB = 1 << 20;
    private final Random random = new Random(3);
    /** What is done while time goes by. */
    private Runnable meanwhile = () -> { };
    private long now;
    private final Lease lease = new Lease(16_000, 3_000, new Lease.Time() {
        @Override public long millis() { return now; }

        @Override
        public void sleep(long millis) {
            now += millis;
            meanwhile.run();
        }
    });

    private CheckReport repair(BlockDevice disk) throws IOException { return VolumeRepair.run(Extents.open(List.of(disk)), lease, Progress.NONE); }

    private static CheckReport look(RamDisk disk) throws IOException { return new VmfsFileSystem().check(List.of(disk), false, Progress.NONE); }

    private byte[] bytes(int length) {
        byte[] all = new byte[length];
        random.nextBytes(all);
        return all;
    }

    /** All files with their content, by path. */
    private static TreeMap<String, List<Byte>> files(RamDisk disk) throws IOException {
        TreeMap<String, List<Byte>> all = new TreeMap<>();
        try (MountedVolume volume = new VmfsFileSystem().mount(List.of(disk), Host.reader(), Optional.empty())) {
            collect(volume, "", all);
        }
        return all;
    }

    private static void collect(MountedVolume volume, String path, TreeMap<String, List<Byte>> all) throws IOException {
        for (FileStatus file : volume.list(path.isEmpty() ? "/" : path)) {
            String at = path + "/" + file.name();
            if (file.type() == FileStatus.Type.DIRECTORY) collect(volume, at, all);
            if (file.type() != FileStatus.Type.FILE || file.name().startsWith(".")) continue;
            try (VmFile open = volume.open(at, VmFile.Mode.READ)) {
                ByteBuffer content = ByteBuffer.allocate((int) Math.min(4096, file.length()));
                open.read(0, content);
                List<Byte> boxed = new ArrayList<>();
                for (byte b : content.array()) boxed.add(b);
                all.put(at, boxed);
            }
        }
    }

    /** Much is wrong, and no content is lost. */
    private RamDisk damaged(Craft craft) throws IOException {
        int first = craft.named("first", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, 2 * MIB, 2, 0, craft.fileBlock(bytes(MIB)), 1, craft.fileBlock(bytes(MIB)));
        int directory = craft.directory("directory");
        int small = craft.file(FileDescriptor.FILE, FileDescriptor.SUB_BLOCKS, 999, 1, 0, craft.subBlock(bytes(999)));
        craft.name(directory, "small", small);
        int deep = craft.named("deep", FileDescriptor.FILE, FileDescriptor.POINTER_BLOCKS, 2 * MIB, 1, 0, craft.pointerBlock(Address.POINTER_BLOCK, 1, craft.fileBlock(bytes(MIB))));
        craft.named("thief", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, MIB, 1, 0, (int) craft.descriptor(first).block(1));
        craft.named("deep thief", FileDescriptor.FILE, FileDescriptor.POINTER_BLOCKS, 2 * MIB, 1, 0, (int) craft.descriptor(deep).block(0));
        craft.named("small thief", FileDescriptor.FILE, FileDescriptor.SUB_BLOCKS, 9, 1, 0, (int) craft.descriptor(small).block(0));
        craft.file(FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, MIB, 1, 0, craft.fileBlock(bytes(MIB)));
        craft.take(craft.geometry().fileBlocks());
        craft.take(craft.geometry().subBlocks());
        craft.mark(craft.geometry().fileBlocks(), (int) Address.block(craft.geometry().generation(), craft.descriptor(first).block(0)), true);
        craft.edit(first, changed -> changed.links(7));
        craft.edit(small, changed -> changed.blocks(7));
        craft.edit(Address.ROOT, changed -> changed.links(9));
        craft.change(craft.at(deep), 512, lock -> lock.putLong(4, 4));
        craft.put(craft.geometry().subBlocks().clusterAt(1), new byte[1024]);
        return craft.disk();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5", "vmfs3"})
    void everythingIsMendedAndNothingLost(String type) throws IOException {
        RamDisk disk = damaged(Craft.of(type, 1));
        var before = files(disk);
        CheckReport report = repair(disk);
        assertTrue(report.clean() && report.repaired() > 12, report.toString());
        assertEquals(List.of(), look(disk).errors(), report.toString());
        VmfsTools.requireWhole(disk);
        var after = files(disk);
        assertEquals(1, after.keySet().stream().filter(path -> path.startsWith("/lost+found/#")).count(), after.keySet().toString());
        after.keySet().removeIf(path -> path.startsWith("/lost+found/"));
        assertEquals(before, after);
    }

    @Test
    void aPowerCutDuringTheRepairDoesNoHarm() throws IOException {
        RamDisk disk = damaged(Craft.of("vmfs5", 1));
        var before = files(disk);
        RecordingDisk recording = new RecordingDisk(disk);
        repair(recording);
        int count = recording.events().size();
        for (int i = 0; i <= count; i++) {
            RamDisk after = i % 2 == 0 ? recording.cut(i) : recording.cut(i, random);
            assertTrue(repair(after).clean(), i + " of " + count);
            assertEquals(List.of(), look(after).errors(), i + " of " + count);
            var files = files(after);
            files.keySet().removeIf(path -> path.startsWith("/lost+found/"));
            assertEquals(before, files, i + " of " + count);
        }
    }

    @Test
    void aVolumeOfEsxiIsMended() throws IOException {
        RamDisk disk = ReferenceVolumes.vmfs5();
        Craft craft = Craft.of(disk);
        craft.take(craft.geometry().fileBlocks());
        craft.edit(Address.descriptor(0, 8), directory -> directory.links(5));
        int orphan = craft.file(FileDescriptor.FILE, FileDescriptor.SUB_BLOCKS, 100, 1, 0, craft.subBlock(bytes(100)));
        assertEquals(3, look(disk).errorCount());
        CheckReport report = repair(disk);
        assertEquals(3, report.repaired(), report.toString());
        assertEquals(List.of(), look(disk).errors());
        assertEquals(16_000, now, "the heartbeat of a host stands still for that long");
        VmfsTools.withImage(disk, image -> {
            assertTrue(VmfsTools.list(image, "/lost+found").contains("#" + Integer.toHexString(orphan)));
            assertArrayEquals(VmfsTools.cat(image, "/directory/file5"), VmfsTools.cat(image, "/directory/file5"));
        });
    }

    @Test
    void aJournalThatWaitsIsCountedWithoutAWrite() throws IOException {
        RecordingDisk disk = new RecordingDisk(Craft.of("vmfs5", 1, 1).disk());
        try (MountedVolume volume = new VmfsFileSystem().mount(List.of(disk), new Host(Host.reader().hostUuid(), false), Optional.empty())) {
            assertEquals(Optional.empty(), volume.readOnly());
            volume.mkdir("/folder", 0755);
            for (int i = 0; i < 4; i++) {
                try (VmFile file = volume.create("/folder/file" + i, 0644)) {
                    file.write(0, ByteBuffer.wrap(bytes(i % 2 == 0 ? 100 : 3 * MIB)));
                }
            }
            volume.rename("/folder/file1", "/moved");
            volume.delete("/folder/file3");
            volume.symlink("/link", "folder/file0");
        }
        int count = disk.events().size();
        for (int i = 0; i <= count; i++) {
            RamDisk after = disk.cut(i);
            assertEquals(List.of(), look(after).errors(), i + " of " + count);
            assertEquals(0, repair(after).repaired(), i + " of " + count);
        }
    }

    @Test
    void whatAnotherHostHasMountedIsLeftAlone() throws IOException {
        RamDisk disk = ReferenceVolumes.vmfs5();
        Craft craft = Craft.of(disk);
        meanwhile = () -> craft.change(0x300000 + 984 * 512, 512, bytes -> new Heartbeat(bytes).pulse(now));
        String message = assertThrows(IOException.class, () -> repair(disk)).getMessage();
        assertEquals("volume VMFS5 Test cannot be repaired: host 10.199.5.140 (61137d5a-a2df8778-7ed5-000c29801686) has it mounted", message);
        assertThrows(IOException.class, () -> repair(ReferenceVolumes.vmfs6()), "which is only read");
    }

    @Test
    void aDeviceThatFailsIsToldAndNothingIsWorse() throws IOException {
        RamDisk disk = damaged(Craft.of("vmfs5", 1));
        var before = files(disk);
        RecordingDisk counting = new RecordingDisk(disk).forgetful();
        repair(counting);
        for (long i = 0; i < counting.operations(); i += 1 + i / 40) {
            RecordingDisk failing = new RecordingDisk(disk).forgetful();
            failing.fail(i, 1);
            try {
                repair(failing);
            } catch (IOException e) {
                assertTrue(e.getMessage().startsWith("disk: "), e.toString());
            }
            RamDisk after = failing.now();
            assertTrue(repair(after).clean(), "operation " + i);
            var files = files(after);
            files.keySet().removeIf(path -> path.startsWith("/lost+found/"));
            assertEquals(before, files, "operation " + i);
        }
    }
}
