package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.Script;
import vmfs.impl.fixture.VmfsTools;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountContext;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.storage.BlockDevice;

class FailingDiskTest {
    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private final List<String> failures = new ArrayList<>();

    private final MountContext host = new MountContext() {
        @Override public String hostUuid() { return "61137dd5-00000002-0000-000000000001"; }
        @Override public String hostName() { return "test"; }
        @Override public boolean readOnly() { return false; }
        @Override public Runnable after(long millis, Runnable task) { return () -> { }; }
        @Override public void failed(String why) { failures.add(why); }
    };

    private RamDisk fresh(long mib) throws IOException {
        RamDisk disk = RamDisk.of(mib << 20);
        vmfs.format(disk, new FormatOptions("vmfs5", "test", 0), Progress.NONE);
        return disk;
    }

    private MountedVolume mount(BlockDevice disk) throws IOException { return vmfs.mount(List.of(disk), host, Optional.empty()); }

    private void requireWhole(RamDisk disk, String when) throws IOException { assertEquals(List.of(), vmfs.check(List.of(disk), false, Progress.NONE).errors(), when); }

    /** One I/O of each operation fails: the operation is done or not, nothing is lost, and the volume goes on. */
    @ParameterizedTest
    @ValueSource(longs = {1, 1000})
    void anyFailedIoLeavesTheVolumeAsItWasOrIsOvercome(long count) throws IOException {
        RamDisk start = fresh(400);
        List<Script.Step> steps = Script.mixed();
        int told = 0;
        for (int index = 0; index < steps.size(); index++) {
            Script.Step step = steps.get(index);
            RamDisk before = start.copy();
            MountedVolume volume = mount(start);
            Map<String, byte[]> old = Script.state(volume);
            step.operation().on(volume);
            Map<String, byte[]> done = Script.state(volume);
            volume.close();
            for (long good = 0; ; good++) {
                String when = step.name() + ", I/O " + good + " and " + count + " in all fail";
                RecordingDisk disk = new RecordingDisk(before).forgetful();
                failures.clear();
                MountedVolume failing = mount(disk);
                disk.fail(good, count);
                IOException error = null;
                try {
                    step.operation().on(failing);
                } catch (IOException e) {
                    error = e;
                }
                boolean reached = disk.failed();
                disk.fail(Long.MAX_VALUE / 2, 0);
                if (error != null) {
                    told++;
                    assertNotNull(error.getMessage(), when);
                    assertFalse(error.getMessage().contains("\n"), when);
                }
                if (count == 1) assertEquals(List.of(), failures, when);
                if (failing.readOnly().isEmpty()) failing.mkdir("/after", 0700); else assertFalse(failures.isEmpty(), when);
                if (failing.readOnly().isEmpty()) failing.delete("/after");
                failing.close();
                RamDisk left = disk.now();
                requireWhole(left, when); // with what waits in the journal
                MountedVolume again = mount(left);
                Map<String, byte[]> state = Script.state(again);
                again.close();
                assertTrue(Script.same(state, old) && error != null || Script.same(state, done) || step.anyOrder() && Script.mixed(state, old, done) || error != null && partly(step), () -> when + ": " + state.keySet());
                requireWhole(left, when);
                if (!reached) break;
                if (good > 40) good += 6; // in data, one is as the other
            }
        }
        assertTrue(told > 100, "errors were told: " + told);
    }

    /** Several changes, each of which is done or not. */
    private static boolean partly(Script.Step step) { return step.name().equals("punch") || step.name().equals("allocate"); }

    @Test
    void aFileWhoseCloseFailedCanBeOpenedAgain() throws IOException {
        RecordingDisk disk = new RecordingDisk(fresh(300)).forgetful();
        MountedVolume volume = mount(disk);
        VmFile file = volume.create("/file", 0600);
        file.write(0, ByteBuffer.wrap(new byte[100]));
        disk.fail(1, 1);
        assertThrows(IOException.class, file::close);
        assertEquals(Optional.empty(), volume.readOnly());
        volume.open("/file", VmFile.Mode.WRITE).close();
        volume.delete("/file");
        volume.close();
        requireWhole(disk.now(), "closed");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5})
    void everyOperationOnAnAlmostFullVolumeIsDoneOrNot(int left) throws IOException {
        RamDisk disk = fresh(273);
        MountedVolume volume = mount(disk);
        try (VmFile filler = volume.create("/filler.sf", 0600)) { // a name that is left out of states
            filler.allocate(0, volume.space().freeBytes() - ((long) left << 20), Progress.NONE);
        }
        int full = 0;
        for (Script.Step step : Script.mixed()) {
            Map<String, byte[]> before = Script.state(volume);
            try {
                step.operation().on(volume);
            } catch (VolumeFullException e) {
                full++;
                if (!partly(step)) assertTrue(Script.same(before, Script.state(volume)), step.name());
            } catch (NoSuchFileException e) {
                // what it needs could not be made
            }
            requireWhole(disk, step.name());
        }
        assertTrue(full > 0);
        volume.close();
        VmfsTools.requireWhole(disk);
    }

    @Test
    void aFullVolumeSaysSoAndIsWholeAtEveryStep() throws IOException {
        RamDisk disk = fresh(273);
        MountedVolume volume = mount(disk);
        volume.mkdir("/d", 0700);
        int made = 0;
        try {
            for (; ; made++) {
                try (VmFile file = volume.create("/d/file" + made, 0600)) {
                    file.write(0, ByteBuffer.allocate(made % 3 == 0 ? 9_000_000 : 3000));
                }
            }
        } catch (VolumeFullException e) {
            assertTrue(e.getMessage().startsWith("/d/file" + made + ": no "), e.getMessage());
        }
        Map<String, byte[]> full = Script.state(volume);
        for (int i = 0; i < 3; i++) {
            List<Script.Operation> refused = List.of(v -> v.mkdir("/d/more", 0700), v -> v.symlink("/d/link", "x"), v -> v.create("/d/one", 0600).close());
            for (Script.Operation operation : refused) {
                try {
                    operation.on(volume);
                } catch (VolumeFullException e) {
                    assertTrue(e.getMessage().contains("left on test"), e.getMessage());
                }
            }
        }
        try (VmFile file = volume.open("/d/file1", VmFile.Mode.WRITE)) {
            long length = file.length();
            try {
                file.allocate(0, 300L << 20, Progress.NONE);
            } catch (VolumeFullException e) {
                assertEquals(length, file.length(), "what was begun is given back");
            }
        }
        volume.close();
        VmfsTools.requireWhole(disk);
        requireWhole(disk, "full");
        volume = mount(disk);
        for (String path : full.keySet()) if (path.contains(" FILE ")) volume.delete(path.substring(0, path.indexOf(' ')));
        try (VmFile file = volume.create("/again", 0600)) {
            file.write(0, ByteBuffer.allocate(200 << 20));
        }
        volume.close();
        requireWhole(disk, "again");
        VmfsTools.requireWhole(disk);
    }
}
