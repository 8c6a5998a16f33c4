package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.fixture.Script;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.lock.Lease;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockDevice;

/** Additions to a volume that ESXi made, whose host went away without an unmount. */
class ReferenceWritingTest {
    private final VmfsFileSystem vmfs = new VmfsFileSystem();

    private static MountedVolume mount(BlockDevice disk) throws IOException {
        long[] now = new long[1];
        Lease lease = new Lease(16_000, 3_000, new Lease.Time() {
            @Override public long millis() { return now[0]; }
            @Override public void sleep(long millis) { now[0] += millis; }
        });
        return VmfsVolume.mount(Extents.open(List.of(disk)), Host.writer(), Optional.empty(), lease);
    }

    private static byte[] noise(int bytes) {
        byte[] noise = new byte[bytes];
        new Random(bytes).nextBytes(noise);
        return noise;
    }

    private static Map<String, byte[]> files(MountedVolume volume, String folder, Map<String, byte[]> all) throws IOException {
        for (FileStatus status : volume.list(folder)) {
            String path = folder + status.name();
            if (status.type() == FileStatus.Type.DIRECTORY) files(volume, path + "/", all);
            if (status.type() != FileStatus.Type.FILE || status.name().endsWith(".sf")) continue;
            try (VmFile file = volume.open(path, VmFile.Mode.READ)) {
                byte[] content = new byte[(int) file.length()];
                file.read(0, ByteBuffer.wrap(content));
                all.put(path, content);
            }
        }
        return all;
    }

    @Test
    void whatIsAddedIsReadByTheToolsAndWhatWasThereStays() throws IOException {
        RamDisk disk = ReferenceVolumes.vmfs5();
        MountedVolume volume = mount(disk);
        assertEquals(Optional.empty(), volume.readOnly());
        Map<String, byte[]> before = files(volume, "/", new TreeMap<>());
        String resident = before.keySet().stream().filter(path -> before.get(path).length > 0 && before.get(path).length < 1024).findFirst().get();
        volume.mkdir("/added", 0755);
        for (int bytes : new int[] {0, 10, 8192, 8193, 3_000_000}) {
            try (VmFile file = volume.create("/added/f" + bytes, 0644)) {
                file.write(0, ByteBuffer.wrap(noise(bytes)));
            }
            before.put("/added/f" + bytes, noise(bytes));
        }
        // content that ESX keeps in the descriptor grows out of it; the tools do not know that it can be there
        try (VmFile file = volume.open(resident, VmFile.Mode.WRITE)) {
            file.write(before.get(resident).length, ByteBuffer.wrap(noise(100)));
        }
        byte[] longer = java.util.Arrays.copyOf(before.get(resident), before.get(resident).length + 100);
        System.arraycopy(noise(100), 0, longer, longer.length - 100, 100);
        before.put(resident, longer);
        volume.close();
        assertEquals(List.of(), vmfs.check(List.of(disk), false, Progress.NONE).errors());
        VmfsTools.withImage(disk, image -> {
            for (String path : before.keySet()) assertArrayEquals(before.get(path), VmfsTools.cat(image, path), path);
            VmfsTools.requireWhole(image);
        });
    }

    @Test
    void aPowerCutWhileTheJournalIsMadeLeavesTheVolumeWhole() throws IOException {
        RecordingDisk disk = new RecordingDisk(ReferenceVolumes.vmfs5());
        MountedVolume first = mount(disk);
        Map<String, byte[]> state = Script.state(first);
        first.close();
        Random random = new Random(1);
        int with = 0;
        for (int cut = 0; cut <= disk.events().size(); cut++) {
            for (RamDisk left : List.of(disk.cut(cut), disk.cut(cut, random))) {
                MountedVolume volume = mount(left);
                assertTrue(Script.same(state, Script.state(volume)), "cut " + cut);
                volume.mkdir("/dir", 0700);
                volume.close();
                assertEquals(List.of(), vmfs.check(List.of(left), false, Progress.NONE).errors(), "cut " + cut);
                with++;
            }
        }
        assertTrue(with > 20);
    }
}
