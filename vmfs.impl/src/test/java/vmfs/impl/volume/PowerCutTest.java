package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.Script;
import vmfs.impl.fixture.VmfsTools;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.storage.BlockDevice;

class PowerCutTest {
    private final VmfsFileSystem vmfs = new VmfsFileSystem();

    private RamDisk fresh(String type) throws IOException {
        RamDisk disk = RamDisk.of(400L << 20);
        vmfs.format(disk, new FormatOptions(type, "test", 0), Progress.NONE);
        return disk;
    }

    private MountedVolume mount(BlockDevice disk) throws IOException { return vmfs.mount(List.of(disk), Host.writer(), Optional.empty()); }

    /** The state of a disk after a crash, which is whole then. */
    private Map<String, byte[]> recovered(RamDisk disk, String when) throws IOException {
        MountedVolume volume = mount(disk);
        assertEquals(Optional.empty(), volume.readOnly(), when);
        Map<String, byte[]> state = Script.state(volume);
        volume.close();
        CheckReport report = vmfs.check(List.of(disk), false, Progress.NONE);
        assertEquals(List.of(), report.errors(), when);
        return state;
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5", "vmfs3"})
    void everyOperationIsDoneOrNotAfterAPowerCutAtAnyWrite(String type) throws IOException {
        RecordingDisk disk = new RecordingDisk(fresh(type));
        MountedVolume volume = mount(disk);
        List<Script.Step> steps = Script.mixed();
        List<Map<String, byte[]>> states = new ArrayList<>(List.of(Script.state(volume)));
        List<Integer> ends = new ArrayList<>(List.of(disk.events().size()));
        for (Script.Step step : steps) {
            step.operation().on(volume);
            states.add(Script.state(volume));
            ends.add(disk.events().size());
        }
        volume.close();
        assertTrue(steps.size() >= 40);
        VmfsTools.requireWhole(disk.now());
        Random random = new Random(1);
        int step = 0;
        for (int cut = ends.get(0); cut <= ends.get(steps.size()); cut++) {
            while (step < steps.size() && ends.get(step + 1) <= cut) step++;
            for (int sample = 0; sample < 2; sample++) {
                RamDisk after = sample == 0 ? disk.cut(cut) : disk.cut(cut, random);
                String when = "power cut before write " + cut + ", sample " + sample + ", in step " + (step < steps.size() ? steps.get(step).name() : "end");
                Map<String, byte[]> state = recovered(after, when);
                boolean old = Script.same(state, states.get(step)), done = step < steps.size() && Script.same(state, states.get(step + 1));
                boolean between = step < steps.size() && steps.get(step).anyOrder() && Script.mixed(state, states.get(step), states.get(step + 1));
                // several steps have more than one change of metadata: open, write and close
                assertTrue(old || done || between, () -> when + ": neither old nor new: " + state.keySet());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmfs5"})
    void aPowerCutWhileTheJournalIsReplayedLosesNothing(String type) throws IOException {
        RecordingDisk disk = new RecordingDisk(fresh(type));
        MountedVolume volume = mount(disk);
        volume.mkdir("/d", 0755);
        for (int i = 0; i < 5; i++) volume.create("/d/f" + i, 0600).close();
        Map<String, byte[]> before = Script.state(volume);
        int begin = disk.events().size();
        volume.rename("/d", "/e");
        Map<String, byte[]> after = Script.state(volume);
        for (int cut = begin; cut <= disk.events().size(); cut++) {
            RecordingDisk second = new RecordingDisk(disk.cut(cut));
            mount(second);
            Random random = new Random(cut);
            for (int again = 0; again <= second.events().size(); again++) {
                for (RamDisk left : List.of(second.cut(again), second.cut(again, random))) {
                    String when = "cut " + cut + ", then " + again;
                    Map<String, byte[]> state = recovered(left, when);
                    assertTrue(Script.same(state, before) || Script.same(state, after), when);
                }
            }
        }
    }
}
