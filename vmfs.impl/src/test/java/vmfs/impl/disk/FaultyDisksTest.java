package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.storage.BlockResult;

/** Disks in files that fail at every step, that lose power at every step, and on volumes that are full. */
@Timeout(300)
class FaultyDisksTest {
    /** Two grain tables of a redo log, and a last grain that is not whole. */
    private static final int BLOCKS = 4096 + 777;
    private static final int WRITERS = 4;
    @TempDir
    Path folder;
    private final VmdkFormats formats = new VmdkFormats();

    private DiskImage open(MemoryVolume volume, String path, Mode mode) throws IOException { return formats.open(DiskFiles.PLAIN, volume.at(path), mode); }

    /** A disk to be written: {@code /d.vmdk}. That of a redo log lies over one that is full of data. */
    private MemoryVolume volume(DiskFormat format, Stamps stamps) throws IOException {
        MemoryVolume volume = new MemoryVolume();
        if (format != DiskFormat.VMFS_SPARSE) {
            formats.create(volume.at("/d.vmdk"), format, stamps.blocks() * 512L, Progress.NONE);
            return volume;
        }
        formats.create(volume.at("/base.vmdk"), DiskFormat.MONOLITHIC_SPARSE, stamps.blocks() * 512L, Progress.NONE);
        try (DiskImage base = open(volume, "/base.vmdk", Mode.WRITE)) {
            for (int block = 0; block < stamps.blocks(); block += 500) stamps.write(base, block, Math.min(400, stamps.blocks() - block));
        }
        stamps.stable();
        formats.createChild(volume.at("/base.vmdk"), volume.at("/d.vmdk"));
        return volume;
    }

    /** Writes to new grains and old ones, within and across them, with flushes between; what fails is passed over. */
    private void script(MemoryVolume volume, Stamps stamps) {
        Random random = new Random(7);
        try (DiskImage disk = open(volume, "/d.vmdk", Mode.WRITE)) {
            for (int i = 0; i < 24; i++) {
                int block = random.nextInt(stamps.blocks()), blocks = Math.min(1 + random.nextInt(i % 5 == 0 ? 400 : 40), stamps.blocks() - block);
                stamps.write(disk, block, blocks);
                if (i % 4 == 3) stamps.flush(disk);
            }
        } catch (IOException e) {
            return; // nothing is promised of what was not flushed
        }
        stamps.stable();
    }

    /** The disk is whole, is what it may be, and can be written and judged. */
    private void verify(MemoryVolume volume, Stamps stamps, String when, boolean judge) throws Exception {
        try (DiskImage disk = open(volume, "/d.vmdk", Mode.SHARE)) {
            stamps.verify(disk, when);
        }
        try (DiskImage disk = open(volume, "/d.vmdk", Mode.WRITE)) {
            stamps.verify(disk, when + ", for writing");
            assertEquals(BlockResult.GOOD, stamps.write(disk, 100, 300));
        }
        stamps.stable();
        assertEquals(List.of(), formats.check(volume.at("/d.vmdk"), Progress.NONE), when);
        try (DiskImage disk = open(volume, "/d.vmdk", Mode.SHARE)) {
            stamps.verify(disk, when + ", written again");
            if (judge) judge(volume, Disks.contents(disk));
        }
    }

    private void judge(MemoryVolume volume, byte[] expected) throws Exception {
        for (String name : volume.names()) Files.write(folder.resolve(name.substring(1)), volume.bytes(name));
        Disks.judged(folder.resolve("d.vmdk"), Files.write(folder.resolve("expected.img"), expected));
    }

    private int steps(DiskFormat format) throws IOException {
        Stamps stamps = new Stamps(BLOCKS);
        MemoryVolume volume = volume(format, stamps);
        int before = volume.steps();
        script(volume, stamps);
        return volume.steps() - before;
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"MONOLITHIC_SPARSE", "VMFS_SPARSE"})
    void whateverStepIsTheLastBeforePowerFailsNothingIsLostThatWasFlushed(DiskFormat format) throws Exception {
        int steps = steps(format);
        assertTrue(steps > 50, "only " + steps + " steps");
        for (int cut = 0; cut <= steps; cut++) {
            Stamps stamps = new Stamps(BLOCKS);
            MemoryVolume volume = volume(format, stamps);
            int last = volume.steps() + cut;
            volume.failing(step -> step >= last);
            script(volume, stamps);
            verify(volume.cut(new Random(cut)), stamps, "power fails after step " + cut, cut % 25 == 0);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"MONOLITHIC_SPARSE", "VMFS_SPARSE"})
    void whateverStepFailsTheOthersAreDone(DiskFormat format) throws Exception {
        int steps = steps(format);
        for (int number = 0; number < steps; number++) {
            Stamps stamps = new Stamps(BLOCKS);
            MemoryVolume volume = volume(format, stamps);
            int failing = volume.steps() + number;
            volume.failing(step -> step == failing);
            script(volume, stamps);
            verify(volume, stamps, "step " + number + " fails", number % 25 == 0);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"MONOLITHIC_SPARSE", "TWO_GB_SPARSE", "VMFS_SPARSE"})
    void aFullVolumeIsToldAndHarmsNothing(DiskFormat format) throws Exception {
        Stamps stamps = new Stamps(BLOCKS);
        MemoryVolume volume = volume(format, stamps);
        try (DiskImage disk = open(volume, "/d.vmdk", Mode.WRITE)) {
            volume.full(true);
            assertEquals(BlockResult.NO_SPACE, stamps.write(disk, 1000, 200));
            assertEquals(BlockResult.GOOD, stamps.flush(disk));
            volume.full(false);
            assertEquals(BlockResult.GOOD, stamps.write(disk, 900, 200));
            assertEquals(BlockResult.GOOD, stamps.flush(disk));
            volume.full(true);
            assertEquals(BlockResult.GOOD, stamps.write(disk, 1000, 20));
        }
        stamps.stable();
        volume.full(false);
        verify(volume, stamps, "after it was full", true);
    }

    private interface Work {
        void on(MemoryVolume volume) throws IOException;
    }

    /** Lets every step of some work fail, one after another. @param after what must hold then */
    private void eachStepFails(Work before, Work work, Work after) throws IOException { eachStep(before, work, after, false); }

    /** Lets power fail at every step. */
    private void eachStepIsTheLast(Work before, Work work, Work after) throws IOException { eachStep(before, work, after, true); }

    private void eachStep(Work before, Work work, Work after, boolean power) throws IOException {
        MemoryVolume whole = new MemoryVolume();
        before.on(whole);
        int start = whole.steps();
        work.on(whole);
        for (int number = 0; number < whole.steps() - start; number++) {
            MemoryVolume volume = new MemoryVolume();
            before.on(volume);
            int failing = volume.steps() + number;
            volume.failing(step -> power ? step >= failing : step == failing);
            String line = null;
            try {
                work.on(volume);
            } catch (IOException e) {
                line = e.getMessage();
            }
            volume.failing(step -> false);
            if (line != null) assertFalse(line.contains("\n"), line);
            if (line != null) after.on(power ? volume.cut(new Random(number)) : volume);
        }
    }

    private void base(MemoryVolume volume) throws IOException {
        formats.create(volume.at("/base.vmdk"), DiskFormat.VMFS, 1000 * 512, Progress.NONE);
        try (DiskImage disk = open(volume, "/base.vmdk", Mode.WRITE)) {
            Disks.write(disk, 100, content());
        }
    }

    private static byte[] content() { return Disks.random(new Random(9), 300); }

    private void assertBase(MemoryVolume volume, String path) throws IOException {
        try (DiskImage disk = open(volume, path, Mode.SHARE)) {
            byte[] expected = new byte[(int) disk.blocks() * 512];
            System.arraycopy(content(), 0, expected, 100 * 512, 300 * 512);
            Disks.assertContents(expected, disk);
        }
    }

    private static final List<String> BASE = List.of("/base-flat.vmdk", "/base.vmdk");

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = "SE_SPARSE", mode = EnumSource.Mode.EXCLUDE)
    void aCopyThatFailsLeavesNothing(DiskFormat format) throws IOException {
        String to = format == DiskFormat.RAW ? "/copy.img" : "/copy.vmdk";
        eachStepFails(this::base, volume -> formats.copy(volume.at("/base.vmdk"), volume.at(to), format, Progress.NONE), volume -> {
            assertEquals(BASE, volume.names());
            assertBase(volume, "/base.vmdk");
        });
        MemoryVolume volume = new MemoryVolume();
        base(volume);
        assertThrows(CancellationException.class, () -> formats.copy(volume.at("/base.vmdk"), volume.at(to), format, (done, total) -> {
            if (done > 0) throw new CancellationException();
        }));
        assertEquals(BASE, volume.names());
        volume.full(true);
        assertThrows(VolumeFullException.class, () -> formats.copy(volume.at("/base.vmdk"), volume.at(to), format, Progress.NONE));
        assertEquals(BASE, volume.names());
        volume.full(false);
        formats.copy(volume.at("/base.vmdk"), volume.at(to), format, Progress.NONE);
        assertBase(volume, to);
    }

    @Test
    void whatIsMadeAndFailsLeavesNothing() throws IOException {
        for (DiskFormat format : List.of(DiskFormat.VMFS_THIN, DiskFormat.MONOLITHIC_SPARSE, DiskFormat.TWO_GB_FLAT)) {
            eachStepFails(volume -> { }, volume -> formats.create(volume.at("/new.vmdk"), format, 1 << 20, Progress.NONE), volume -> assertEquals(List.of(), volume.names()));
        }
        eachStepFails(this::base, volume -> formats.createChild(volume.at("/base.vmdk"), volume.at("/new.vmdk")), volume -> assertEquals(BASE, volume.names()));
    }

    @Test
    void aDiskThatIsRenamedHasOneNameAndIsWhole() throws IOException {
        Work work = volume -> formats.rename(volume.at("/base.vmdk"), volume.at("/other.vmdk"));
        Work after = volume -> assertBase(volume, volume.names().contains("/base.vmdk") ? "/base.vmdk" : "/other.vmdk");
        eachStepFails(this::base, work, after);
        Work linking = volume -> {
            base(volume);
            volume.linking();
        };
        eachStepFails(linking, work, after);
        eachStepIsTheLast(linking, work, after);
        MemoryVolume volume = new MemoryVolume();
        base(volume);
        formats.rename(volume.at("/base.vmdk"), volume.at("/other.vmdk"));
        assertEquals(List.of("/other-flat.vmdk", "/other.vmdk"), volume.names());
        assertBase(volume, "/other.vmdk");
    }

    @Test
    void anExtensionThatFailsOrLosesPowerChangesNothingThatIsThere() throws IOException {
        for (DiskFormat format : List.of(DiskFormat.VMFS, DiskFormat.MONOLITHIC_SPARSE, DiskFormat.VMFS_SPARSE)) {
            Work before = volume -> {
                base(volume);
                if (format == DiskFormat.VMFS_SPARSE) formats.createChild(volume.at("/base.vmdk"), volume.at("/c.vmdk"));
                else formats.copy(volume.at("/base.vmdk"), volume.at("/c.vmdk"), format, Progress.NONE);
            };
            Work work = volume -> formats.extend(volume.at("/c.vmdk"), 100_000 * 512, Progress.NONE);
            Work after = volume -> {
                assertBase(volume, "/c.vmdk");
                work.on(volume);
                assertBase(volume, "/c.vmdk");
                assertEquals(List.of(), formats.check(volume.at("/c.vmdk"), Progress.NONE));
            };
            eachStepFails(before, work, after);
            eachStepIsTheLast(before, work, after);
        }
    }

    @Test
    void aCommitThatFailsOrLosesPowerIsDoneAgain() throws IOException {
        Stamps[] stamps = new Stamps[1];
        Work before = volume -> {
            stamps[0] = new Stamps(BLOCKS);
            MemoryVolume made = volume(DiskFormat.VMFS_SPARSE, stamps[0]);
            script(made, stamps[0]);
            for (String name : made.names()) volume.put(name, made.bytes(name));
        };
        Work work = volume -> formats.commit(volume.at("/d.vmdk"), Progress.NONE);
        Work after = volume -> {
            try (DiskImage disk = open(volume, "/d.vmdk", Mode.SHARE)) {
                stamps[0].verify(disk, "a commit failed");
            }
            work.on(volume);
            for (String name : List.of("/d.vmdk", "/base.vmdk")) {
                try (DiskImage disk = open(volume, name, Mode.SHARE)) {
                    stamps[0].verify(disk, "committed " + name);
                }
                assertEquals(List.of(), formats.check(volume.at(name), Progress.NONE));
            }
        };
        eachStepFails(before, work, after);
        eachStepIsTheLast(before, work, after);
    }

    @Test
    void manyWritersOfTheSameNewGrainsDoNotLoseEachOthersData() throws Exception {
        for (DiskFormat format : List.of(DiskFormat.MONOLITHIC_SPARSE, DiskFormat.VMFS_SPARSE)) {
            MemoryVolume volume = volume(format, new Stamps(BLOCKS));
            byte[] expected;
            try (DiskImage disk = open(volume, "/d.vmdk", Mode.WRITE)) {
                expected = Disks.contents(disk);
                List<Thread> threads = new ArrayList<>();
                for (int number = 0; number < 8; number++) {
                    int mine = number;
                    threads.add(new Thread(() -> {
                        for (int block = mine; block < BLOCKS; block += 8) Disks.write(disk, block, Disks.random(new Random(block), 1));
                    }));
                }
                threads.forEach(Thread::start);
                for (Thread thread : threads) thread.join();
                for (int block = 0; block < BLOCKS; block++) System.arraycopy(Disks.random(new Random(block), 1), 0, expected, block * 512, 512);
                Disks.assertContents(expected, disk);
            }
            try (DiskImage disk = open(volume, "/d.vmdk", Mode.SHARE)) {
                Disks.assertContents(expected, disk);
            }
            assertEquals(List.of(), formats.check(volume.at("/d.vmdk"), Progress.NONE));
        }
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"MONOLITHIC_SPARSE", "VMFS_SPARSE"})
    void whatEachOfManyWritersFlushedIsThereAfterAPowerCut(DiskFormat format) throws Exception {
        for (int seed = 0; seed < 15; seed++) {
            Stamps before = new Stamps(BLOCKS);
            MemoryVolume volume = volume(format, before);
            int last = volume.steps() + 20 + 29 * seed;
            List<Stamps> stamps = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            DiskImage disk = open(volume, "/d.vmdk", Mode.WRITE);
            volume.failing(step -> step >= last);
            volume.leisurely();
            for (int number = 0; number < WRITERS; number++) {
                int mine = number;
                Stamps own = before.copy();
                Random random = new Random(seed * WRITERS + number);
                stamps.add(own);
                threads.add(new Thread(() -> {
                    for (boolean good = true; good; ) {
                        good = own.write(disk, random.nextInt(BLOCKS / WRITERS) * WRITERS + mine, 1).good();
                        if (random.nextInt(4) == 0) good &= own.flush(disk).good();
                    }
                }));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) thread.join();
            MemoryVolume left = volume.cut(new Random(seed));
            try (DiskImage again = open(left, "/d.vmdk", Mode.WRITE)) {
                for (int number = 0; number < WRITERS; number++) stamps.get(number).verify(Disks.contents(again), number, WRITERS, "seed " + seed);
            }
            assertEquals(List.of(), formats.check(left.at("/d.vmdk"), Progress.NONE));
        }
    }
}
