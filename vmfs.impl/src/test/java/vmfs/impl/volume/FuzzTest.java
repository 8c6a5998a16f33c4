package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import vmfs.impl.fixture.Craft;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LvmHeader;
import vmfs.impl.lock.Lease;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;

/**
 * Damaged metadata: whatever is done with such a volume ends, with what it has or with an IOException in one line. The sample is the same each time;
 * {@code -Dvmfs.fuzz=100000} makes it longer, {@code -Dvmfs.fuzz.seed=7} begins elsewhere.
 */
class FuzzTest {
    private static final int MIB = 1 << 20, MAX_READS = 100_000, MAX_FILES = 3000, MAX_DEPTH = 6;
    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private long now;
    private final Lease lease = new Lease(16_000, 3_000, new Lease.Time() {
        @Override public long millis() { return now; }
        @Override public void sleep(long millis) { now += millis; }
    });

    /** Notes which sectors are read, and ends what would not. */
    private static final class Watched implements BlockDevice {
        private final RamDisk disk;
        final BitSet sectors = new BitSet();
        private long reads;

        Watched(RamDisk disk) { this.disk = disk; }

        @Override public String name() { return "disk"; }
        @Override public long blocks() { return disk.blocks(); }
        @Override public int blockBytes() { return 512; }
        @Override public boolean readOnly() { return false; }
        @Override public LogicalUnit unit() { return disk.unit(); }

        @Override
        public void submit(BlockOperation operation, long block, Transfer data, Consumer<BlockResult> done) {
            if (operation == BlockOperation.READ) {
                if (++reads > MAX_READS) throw new AssertionError("more than " + MAX_READS + " reads");
                if (data.bytes() <= 65536) sectors.set((int) block, (int) block + data.bytes() / 512);
            }
            disk.submit(operation, block, data, done);
        }
    }

    @Test
    void vmfs5() throws IOException { fuzz(crafted("vmfs5"), 50); }

    @Test
    void vmfs3() throws IOException { fuzz(crafted("vmfs3"), 50); }

    @Test
    void vmfs6() throws IOException { fuzz(ReferenceVolumes.vmfs6(), 25); }

    /** A bit of everything. */
    private static RamDisk crafted(String type) throws IOException {
        Craft craft = Craft.of(type, 1);
        byte[] content = new byte[MIB];
        new Random(9).nextBytes(content);
        craft.named("blocks", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, 3 * MIB, 2, 0, craft.fileBlock(content), 2, craft.fileBlock(content));
        craft.named("far", FileDescriptor.FILE, FileDescriptor.POINTER_BLOCKS, 5L << 30, 2, 4, craft.pointerBlock(Address.POINTER_BLOCK, 0, craft.fileBlock(content), 7, craft.fileBlock(content)));
        if (type.equals("vmfs5")) {
            craft.named("farther", FileDescriptor.FILE, FileDescriptor.DOUBLE_POINTER_BLOCKS, 9L << 40, 1, 1,
                craft.pointerBlock(Address.POINTER_BLOCK_2, 2, craft.pointerBlock(Address.POINTER_BLOCK, 3, craft.fileBlock(content))));
            craft.named("inside", FileDescriptor.FILE, FileDescriptor.CONTENT, 300, 0);
        }
        int link = craft.named("link", FileDescriptor.SYMLINK, FileDescriptor.SUB_BLOCKS, 16, 1, 0, craft.subBlock("directory/name 5".getBytes()));
        int directory = craft.directory("directory");
        for (int i = 0; i < 20; i++) {
            craft.name(directory, "name " + i, craft.file(FileDescriptor.FILE, FileDescriptor.SUB_BLOCKS, 100 + i, 1, 0, craft.subBlock(Arrays.copyOf(content, 100 + i))));
        }
        assertEquals(FileDescriptor.SYMLINK, craft.descriptor(link).type());
        return craft.disk();
    }

    private void fuzz(RamDisk whole, int usual) throws IOException {
        Watched watched = new Watched(whole);
        assertTrue(exercise(watched) > 5);
        // there are two thousand heartbeats
        int[] sectors = watched.sectors.stream().filter(sector -> used(whole, sector) && (!heartbeat(sector) || sector % 100 == 0)).toArray();
        int count = Integer.getInteger("vmfs.fuzz", usual);
        for (long seed = Long.getLong("vmfs.fuzz.seed", 0); count-- > 0; seed++) {
            Random random = new Random(seed);
            RamDisk disk = whole.copy();
            for (int i = 1 + random.nextInt(4); i > 0; i--) damage(disk, sectors, random);
            try {
                exercise(new Watched(disk));
                write(disk.copy());
                repair(disk);
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + seed + ": " + e, e);
            }
        }
    }

    private static boolean heartbeat(int sector) { return sector * 512L - LvmHeader.DATA >= Generation.HEARTBEATS && sector * 512L - LvmHeader.DATA < Generation.HEARTBEATS + MIB; }

    private static boolean used(RamDisk disk, int sector) {
        for (byte b : disk.get(sector * 512L, 512)) if (b != 0) return true;
        return false;
    }

    private static void damage(RamDisk disk, int[] sectors, Random random) {
        long at = sectors[random.nextInt(sectors.length)] * 512L;
        byte[] sector = disk.get(at, 512);
        ByteBuffer fields = ByteBuffer.wrap(sector).order(ByteOrder.LITTLE_ENDIAN);
        int field = random.nextInt(128) * 4;
        switch (random.nextInt(7)) {
            case 0, 1 -> sector[random.nextInt(512)] ^= (byte) (1 << random.nextInt(8));
            case 2 -> random.nextBytes(sector);
            case 3 -> Arrays.fill(sector, (byte) 0);
            case 4 -> sector = disk.get(sectors[random.nextInt(sectors.length)] * 512L, 512);
            case 5 -> fields.putInt(field, new int[] {-1, Integer.MAX_VALUE, Integer.MIN_VALUE, 4, 1}[random.nextInt(5)]);
            default -> fields.putInt(field, random.nextInt());
        }
        disk.put(at, sector, 0, 512);
    }

    /** @return files that were seen */
    private int exercise(Watched disk) {
        int[] files = {0};
        attempt(() -> vmfs.probe(disk));
        attempt(() -> {
            try (MountedVolume volume = vmfs.mount(List.of(disk), Host.reader(), Optional.empty())) {
                attempt(volume::space);
                walk(volume, "/", 0, files);
                attempt(() -> volume.status("/directory/../link/."));
            }
        });
        attempt(() -> requireLines(vmfs.check(List.of(disk), false, Progress.NONE)));
        return files[0];
    }

    private static void requireLines(CheckReport report) {
        assertEquals(0, report.repaired());
        for (String line : report.errors()) assertTrue(line.contains("(byte 0x") && !line.contains("\n"), line);
    }

    /** Changes go through or come to nothing. */
    private void write(RamDisk disk) {
        attempt(() -> {
            try (MountedVolume volume = VmfsVolume.mount(Extents.open(List.of(new Watched(disk))), new Host(Host.reader().hostUuid(), false), Optional.empty(), lease)) {
                attempt(() -> volume.mkdir("/directory/new", 0700));
                attempt(() -> volume.create("/directory/new/file", 0600).close());
                for (String path : List.of("/directory/new/file", "/blocks", "/far", "/inside", "/directory/name 3")) attempt(() -> change(volume, path));
                attempt(() -> volume.rename("/directory/name 1", "/directory/name 2"));
                attempt(() -> volume.rename("/directory/new", "/new"));
                for (String path : List.of("/blocks", "/far", "/farther", "/inside", "/link", "/directory/name 5")) attempt(() -> volume.delete(path));
            }
        });
    }

    private static void change(MountedVolume volume, String path) throws IOException {
        try (VmFile file = volume.open(path, VmFile.Mode.WRITE)) {
            attempt(() -> file.write(1000, ByteBuffer.allocate(20_000)));
            attempt(() -> file.write(MIB - 1, ByteBuffer.allocate(2)));
            attempt(() -> file.punch(500, 10_000));
            attempt(() -> file.truncate(600));
        }
    }

    /** What was mended stays so, and more than one repair is not needed. */
    private void repair(RamDisk disk) {
        attempt(() -> {
            Extents extents = Extents.open(List.of(new Watched(disk)));
            if (extents.generation() == Generation.VMFS6) return;
            CheckReport report = VolumeRepair.run(extents, lease, Progress.NONE);
            CheckReport after = vmfs.check(List.of(disk), false, Progress.NONE);
            if (report.clean()) assertEquals(List.of(), after.errors(), report.toString());
        });
    }

    private void walk(MountedVolume volume, String path, int depth, int[] files) {
        List<FileStatus> all = new ArrayList<>();
        attempt(() -> all.addAll(volume.list(path)));
        for (FileStatus file : all) {
            if (++files[0] > MAX_FILES) return;
            String at = (path.equals("/") ? "" : path) + "/" + file.name();
            if (file.type() == FileStatus.Type.DIRECTORY && depth < MAX_DEPTH) walk(volume, at, depth + 1, files);
            if (file.type() == FileStatus.Type.SYMLINK) attempt(() -> volume.target(at));
            if (files[0] < 100) attempt(() -> read(volume, at));
        }
    }

    private static void read(MountedVolume volume, String path) throws IOException {
        try (VmFile file = volume.open(path, VmFile.Mode.READ)) {
            attempt(file::status);
            ByteBuffer part = ByteBuffer.allocate(10_000);
            long at = 0;
            for (int i = 0; i < 8 && at < file.length(); i++) {
                long here = at;
                attempt(() -> file.read(here, part.clear()));
                CompletableFuture<BlockResult> done = new CompletableFuture<>();
                file.submit(BlockOperation.READ, here / 512, new BufferTransfer(ByteBuffer.allocate(512)), done::complete);
                assertTrue(done.isDone());
                long[] next = {file.length()};
                attempt(() -> next[0] = file.nextData(file.nextHole(here)));
                assertFalse(next[0] < here, "goes back");
                at = Math.max(next[0], here + part.capacity());
            }
        }
    }

    private interface Action { void run() throws IOException; }

    /** It may fail, but in one line. */
    private static void attempt(Action action) {
        try {
            action.run();
        } catch (VolumeDamagedException e) {
            if (!e.getMessage().matches("volume .* is damaged at byte 0x[0-9a-f]+: .*; check it")) fail("no place: " + e.getMessage(), e);
        } catch (FileSystemException e) {
            if (e.getReason() != null && e.getReason().contains("\n")) fail("no line: " + e, e); // the path is the caller's
        } catch (IOException e) {
            if (e.getMessage() == null || e.getMessage().contains("\n")) fail("no line: " + e, e);
        }
    }
}
