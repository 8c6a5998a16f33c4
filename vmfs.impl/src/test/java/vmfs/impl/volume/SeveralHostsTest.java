package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.format.Generation;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.format.LvmHeader;
import vmfs.impl.format.Uuid;
import vmfs.impl.lock.Lease;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.MountContext;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockDevice;

class SeveralHostsTest {
    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private final RamDisk disk = RamDisk.of(300L << 20);
    private final Clock clock = new Clock();
    private final Lease lease = new Lease(16_000, 3_000, clock);

    /** Time goes on when somebody waits, and then something else may happen. */
    private static final class Clock implements Lease.Time {
        long now;
        Runnable meanwhile = () -> { };

        @Override public long millis() { return now; }

        @Override
        public void sleep(long millis) {
            now += millis;
            meanwhile.run();
        }
    }

    /** A host whose tasks are run by the test. */
    private static final class Machine implements MountContext {
        final int number;
        final List<String> failures = new ArrayList<>();
        Runnable pulse = () -> { };

        Machine(int number) { this.number = number; }

        @Override public String hostUuid() { return Host.writer(number).hostUuid(); }
        @Override public String hostName() { return "esx" + number; }
        @Override public boolean readOnly() { return false; }
        @Override public void failed(String why) { failures.add(why); }

        @Override
        public Runnable after(long millis, Runnable task) {
            if (millis == 0) task.run(); else pulse = task;
            return () -> { };
        }
    }

    private void format() throws IOException { vmfs.format(disk, new FormatOptions("vmfs5", "shared", 0), Progress.NONE); }

    private MountedVolume mount(MountContext machine, BlockDevice device) throws IOException { return VmfsVolume.mount(Extents.open(List.of(device)), machine, Optional.empty(), lease); }

    private MountedVolume mount(Machine machine) throws IOException { return mount(machine, disk.port("host" + machine.number)); }

    private static void write(MountedVolume volume, String path, String text) throws IOException {
        try (VmFile file = volume.create(path, 0600)) {
            file.write(0, ByteBuffer.wrap(text.getBytes()));
        }
    }

    private static String read(MountedVolume volume, String path) throws IOException {
        try (VmFile file = volume.open(path, VmFile.Mode.READ)) {
            ByteBuffer text = ByteBuffer.allocate(100);
            return new String(text.array(), 0, file.read(0, text));
        }
    }

    private void requireWhole() throws IOException {
        assertEquals(List.of(), vmfs.check(List.of(disk), false, Progress.NONE).errors());
        VmfsTools.requireWhole(disk);
    }

    @Test
    void hostsSeeEachOthersChangesAtOnce() throws IOException {
        format();
        MountedVolume one = mount(new Machine(1)), two = mount(new Machine(2)), reader = mount(Host.reader(), disk.port("reader"));
        for (int i = 0; i < 20; i++) {
            MountedVolume writer = i % 2 == 0 ? one : two, other = i % 2 == 0 ? two : one;
            assertThrows(NoSuchFileException.class, () -> other.status("/dir"));
            writer.mkdir("/dir", 0700);
            write(other, "/dir/a", "by the other " + i);
            write(writer, "/dir/b", "by the writer " + i);
            for (MountedVolume volume : List.of(one, two, reader)) {
                assertEquals(List.of("a", "b"), volume.list("/dir").stream().map(FileStatus::name).toList());
                assertEquals("by the other " + i, read(volume, "/dir/a"));
            }
            writer.delete("/dir/a");
            other.delete("/dir/b");
            writer.delete("/dir");
        }
        one.close();
        two.close();
        requireWhole();
    }

    @Test
    void manyThreadsOfTwoHostsWorkAtTheSameTime() throws Exception {
        format();
        MountedVolume one = mount(new Machine(1)), two = mount(new Machine(2));
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int thread = 0; thread < 6; thread++) {
            String name = "/t" + thread;
            MountedVolume volume = thread % 2 == 0 ? one : two;
            all.add(CompletableFuture.runAsync(() -> {
                try {
                    volume.mkdir(name, 0700);
                    for (int i = 0; i < 20; i++) {
                        write(volume, name + "/f" + i, name + i);
                        if (i > 2) volume.rename(name + "/f" + (i - 1), name + "/last");
                        assertEquals(name + i, read(volume, name + "/f" + i));
                    }
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }));
        }
        for (CompletableFuture<Void> thread : all) thread.get();
        for (MountedVolume volume : List.of(one, two)) for (int thread = 0; thread < 6; thread++) assertEquals("/t" + thread + 19, read(volume, "/t" + thread + "/f19"));
        one.close();
        two.close();
        requireWhole();
    }

    @Test
    void aFileIsOneHostsUntilItGivesItUpOrIsDead() throws IOException {
        format();
        Machine first = new Machine(1), second = new Machine(2);
        MountedVolume one = mount(first), two = mount(second);
        VmFile file = one.create("/disk", 0600);
        String who = assertThrows(FileLockedException.class, () -> two.open("/disk", VmFile.Mode.WRITE)).getReason();
        assertTrue(who.startsWith("is open for writing on host esx1 ("), who);
        assertEquals(List.of(who), two.locks("/disk"));
        assertThrows(FileLockedException.class, () -> two.delete("/disk"));
        file.write(0, ByteBuffer.wrap("data".getBytes()));
        file.close();
        VmFile shared = one.open("/disk", VmFile.Mode.SHARE), also = two.open("/disk", VmFile.Mode.SHARE);
        assertEquals(2, one.locks("/disk").size());
        shared.close();
        assertThrows(FileLockedException.class, () -> one.open("/disk", VmFile.Mode.WRITE));
        also.close();
        VmFile again = one.open("/disk", VmFile.Mode.WRITE);
        // as long as the pulse is seen to change
        for (int i = 0; i < 10; i++) {
            assertThrows(FileLockedException.class, () -> two.open("/disk", VmFile.Mode.WRITE));
            clock.now += 3_000;
            first.pulse.run();
            second.pulse.run();
        }
        // and a lease after it stands still
        assertThrows(FileLockedException.class, () -> two.open("/disk", VmFile.Mode.WRITE));
        clock.now += 15_000;
        assertThrows(FileLockedException.class, () -> two.open("/disk", VmFile.Mode.WRITE));
        clock.now += 1_000;
        VmFile taken = two.open("/disk", VmFile.Mode.WRITE);
        taken.write(0, ByteBuffer.wrap("mine".getBytes()));
        taken.flush();
        // the one that was only slow notices, and writes nothing more
        assertThrows(IOException.class, () -> {
            again.write(1000, ByteBuffer.wrap("late".getBytes()));
            again.flush();
        });
        first.pulse.run();
        assertEquals(1, first.failures.size());
        assertTrue(first.failures.get(0).contains("took this one for dead"), first.failures.get(0));
        assertTrue(one.readOnly().isPresent());
        assertThrows(IOException.class, () -> again.write(0, ByteBuffer.wrap("late".getBytes())));
        taken.close();
        assertEquals("mine", read(two, "/disk"));
        one.close();
        two.close();
        requireWhole();
    }

    @Test
    void locksOfThisHostsPreviousLifeAreItsOwn() throws IOException {
        format();
        MountedVolume dead = mount(new Machine(1));
        dead.create("/disk", 0600);
        MountedVolume again = mount(new Machine(1));
        again.open("/disk", VmFile.Mode.WRITE).close();
        again.close();
        requireWhole();
    }

    @Test
    void whatADeadHostCommittedIsTakenOverByTheNext() throws IOException {
        format();
        RecordingDisk recording = new RecordingDisk(disk.copy());
        MountedVolume one = mount(new Machine(1), recording);
        one.mkdir("/before", 0700);
        int begin = recording.events().size();
        one.mkdir("/dir", 0700);
        for (int cut = begin; cut <= recording.events().size(); cut++) {
            RamDisk left = recording.cut(cut);
            MountedVolume two = mount(new Machine(2), left);
            List<String> names = two.list("/").stream().map(FileStatus::name).toList();
            assertTrue(names.contains("before"));
            two.mkdir("/other", 0700);
            two.close();
            assertEquals(List.of(), vmfs.check(List.of(left), false, Progress.NONE).errors());
        }
    }

    /** Puts the heartbeat of a host of ESX into a slot. */
    private void beat(long pulse) {
        ByteBuffer bytes = ByteBuffer.allocate(Heartbeat.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        Heartbeat slot = new Heartbeat(bytes);
        slot.magic(Heartbeat.USED);
        slot.address(Generation.VMFS5.heartbeat(984));
        slot.generation(9);
        slot.pulse(pulse);
        slot.owner(Uuid.parse("61137dd5-00000009-0009-000000000009"));
        slot.host("10.0.19.5");
        disk.put(LvmHeader.DATA + Generation.VMFS5.heartbeat(984), bytes.array(), 0, bytes.capacity());
    }

    @Test
    void aLivingHostOfEsxKeepsWritersAway() throws IOException {
        format();
        beat(1);
        clock.meanwhile = () -> beat(clock.now + 1);
        MountedVolume volume = mount(new Machine(1));
        assertEquals("host 10.0.19.5 (61137dd5-00000009-0009-000000000009) has it mounted and works with another journal", volume.readOnly().get());
        assertThrows(IOException.class, () -> volume.mkdir("/dir", 0700));
        volume.close();
    }

    @Test
    void aDeadHostOfEsxLosesItsHeartbeatAfterALease() throws IOException {
        format();
        beat(1);
        MountedVolume volume = mount(new Machine(1));
        assertEquals(Optional.empty(), volume.readOnly());
        assertTrue(clock.now >= 16_000);
        volume.close();
        Heartbeat slot = new Heartbeat(ByteBuffer.wrap(disk.get(LvmHeader.DATA + Generation.VMFS5.heartbeat(984), 512)));
        assertEquals(List.of(Heartbeat.FREE, 10L), List.of(slot.magic(), slot.generation()));
        requireWhole();
    }

    @Test
    void whoReadsOnlySeesWhatWaitsInTheJournal() throws IOException {
        format();
        RecordingDisk recording = new RecordingDisk(disk);
        MountedVolume one = mount(new Machine(1), recording);
        int begin = recording.events().size();
        one.mkdir("/dir", 0700);
        int seen = 0;
        for (int cut = begin; cut <= recording.events().size(); cut++) {
            RamDisk left = recording.cut(cut);
            byte[] before = left.get(0, 40 << 20);
            MountedVolume reader = mount(Host.reader(), left);
            if (reader.list("/").stream().anyMatch(file -> file.name().equals("dir"))) {
                seen++;
                assertEquals(List.of(), reader.list("/dir"));
            }
            reader.close();
            assertArrayEquals(before, left.get(0, 40 << 20));
        }
        assertTrue(seen > 2, "from the commit on: " + seen);
    }
}
