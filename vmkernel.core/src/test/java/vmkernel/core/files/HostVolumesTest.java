package vmkernel.core.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumePath;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.core.storage.FakeAdapter;
import vmkernel.core.storage.HostAdapter;
import vmkernel.core.storage.StoragePaths;

/** Volumes that mount by themselves, and stay while the code of their file system is replaced. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostVolumesTest {
    @TempDir Path home;
    private final StoragePaths storage = new StoragePaths();
    private final HostAdapter adapter = storage.adapter("vmhba0");
    private final FakeAdapter.Platter platter = new FakeAdapter.Platter(64);
    private final FakeAdapter driver = new FakeAdapter(platter, 8, 1 << 20);
    private final FakeFileSystem.Disks disks = new FakeFileSystem.Disks();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HostVolumes volumes;
    private FakeFileSystem fileSystem;
    private FakeFormats formats;

    @AfterEach
    void nothingWasDoneWrong() {
        threads.shutdownNow();
        if (volumes != null) volumes.close();
        assertEquals(List.of(), disks.wrong);
    }

    private static LogicalUnit lun(int target) { return new LogicalUnit(target, 0, 64, 512, false, "FAKE", "Disk", "1"); }

    private void units(int... targets) {
        driver.units = java.util.Arrays.stream(targets).mapToObj(HostVolumesTest::lun).toList();
        adapter.unitsChanged();
    }

    private void start() {
        volumes = new HostVolumes(home, storage);
        adapter.attached(driver);
        load();
    }

    private void load() {
        fileSystem = new FakeFileSystem(disks);
        formats = new FakeFormats();
        volumes.bindFileSystem(fileSystem);
        volumes.bindFormats(formats);
    }

    private void unload() {
        volumes.unbindFileSystem(fileSystem);
        volumes.unbindFormats(formats);
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) Thread.onSpinWait();
    }

    private List<String> mounted() { return volumes.mounted().stream().map(one -> one.volume().label()).toList(); }

    private String refusal(Callable<?> of) { return assertThrows(IOException.class, of::call).getMessage(); }

    private Volume volume(String name) { return volumes.find(name).orElseThrow(); }

    @Test
    void aVolumeMountsWhenItsAdapterAppearsAndLeavesWhenItsUnitGoes() throws Exception {
        disks.make("u1", "datastore1", "vmhba0:1:0").files.put("/a", new byte[1024]);
        start();
        assertEquals(List.of("datastore1"), mounted());
        VmFile file = volume("datastore1").open("/a", VmFile.Mode.WRITE);
        assertEquals(1, volumes.mounted().get(0).openFiles());
        units();
        await(() -> volumes.datastores().isEmpty());
        assertEquals("vmhba0:1:0: a device of the volume is gone", refusal(() -> file.read(0, ByteBuffer.allocate(1))));
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        file.submit(BlockOperation.FLUSH, 0, null, end::complete);
        assertEquals(BlockResult.GONE, end.get());
        units(1);
        await(() -> !volumes.datastores().isEmpty());
        volume("u1").open("/a", VmFile.Mode.WRITE).close();
        file.close();
    }

    @Test
    void volumesHaveNames() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0");
        disks.make("u2", "store", "vmhba0:2:0");
        disks.make("u3", "", "vmhba0:3:0");
        driver.units = List.of(lun(1), lun(2), lun(3));
        start();
        assertEquals(List.of("store", "store (1)", "u3"), mounted());
        assertEquals("u2", volume("store (1)").uuid());
        for (String path : List.of("/vmfs/store (1)/a/b.vmdk", "/vmfs/volumes/u2/a/b.vmdk", "[store (1)] a/b.vmdk", "store (1):a/b.vmdk", "/vmfs/volumes/vmhba0:2:0/a/b.vmdk")) {
            assertEquals("/vmfs/store (1)/a/b.vmdk", volumes.resolve(path).toString(), path);
        }
        assertEquals("/vmfs/u3/", volumes.resolve("/vmfs/u3").toString());
        assertEquals("/tmp/b.vmdk", volumes.resolve("/tmp/a/../b.vmdk").toString());
        assertEquals("host", volumes.resolve("/tmp/b.vmdk").volume().type());
        assertEquals("there is no volume other; there is store, store (1), u3", refusal(() -> volumes.resolve("[other] a")));
        assertEquals("there is no volume vmhba0:9:0:1; there is store, store (1), u3", refusal(() -> volumes.resolve("vmhba0:9:0:1:a.vmdk")));
        volume("store").label("first");
        assertEquals(List.of("first", "store", "u3"), mounted());
    }

    @Test
    void aVolumeOfSeveralDevicesWaitsForAllOfThem() throws Exception {
        disks.make("u1", "large", "vmhba0:1:0", "vmhba0:2:0");
        start();
        assertEquals(List.of(), mounted());
        units(1, 2);
        await(() -> !volumes.datastores().isEmpty());
        assertEquals(List.of("vmhba0:1:0", "vmhba0:2:0"), volumes.mounted().get(0).devices().stream().map(BlockDevice::name).toList());
        units(1);
        await(() -> volumes.datastores().isEmpty());
    }

    @Test
    void onlyPartitionsOfVmfsAreLookedAt() {
        ByteBuffer table = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        int[][] entries = {{0x83, 1, 10}, {0xFB, 20, 10}};
        for (int i = 0; i < entries.length; i++) table.put(446 + 16 * i + 4, (byte) entries[i][0]).putInt(446 + 16 * i + 8, entries[i][1]).putInt(446 + 16 * i + 12, entries[i][2]);
        table.putShort(510, (short) 0xAA55);
        FakeAdapter.Platter divided = new FakeAdapter.Platter(table.array());
        for (String device : List.of("vmhba0:1:0", "vmhba0:1:0:1", "vmhba0:1:0:2")) disks.make("u " + device, device, device);
        volumes = new HostVolumes(home, storage);
        adapter.attached(new FakeAdapter(divided, 8, 1 << 20));
        load();
        assertEquals(List.of("vmhba0:1:0:2"), mounted());
    }

    @Test
    void aDeviceIsInUseWhileItsVolumeIsMounted() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0");
        start();
        assertEquals(List.of("store"), mounted());
        BlockDevice device = storage.find("vmhba0:1:0").orElseThrow();
        assertEquals("vmhba0:1:0: is in use by volume store; two users get along only if both just read", refusal(() -> storage.claim(device, "x", false)));
        volumes.unmount(volume("store"));
        assertEquals(List.of(), mounted());
        AutoCloseable claim = storage.claim(device, "virtual machine web", true);
        volumes.rescan();
        assertEquals(List.of(), mounted());
        claim.close();
        volumes.rescan();
        assertEquals(List.of("store"), mounted());
    }

    @Test
    void filesThatAreOpenKeepAVolume() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0").files.put("/web/a", new byte[512]);
        start();
        BlockDevice device = storage.find("vmhba0:1:0").orElseThrow();
        try (VmFile file = volume("store").open("/web/a", VmFile.Mode.READ)) {
            String open = "store: has 1 open file, such as /web/a; close them first, or power off who uses them";
            assertEquals(open, refusal(() -> { volumes.unmount(volume("store")); return null; }));
            assertEquals(open, refusal(() -> volumes.check(device, false, Progress.NONE)));
            assertTrue(refusal(() -> { volumes.format(device, new FormatOptions("vmfs5", "x", 0), Progress.NONE); return null; }).contains("in use by volume store"));
            assertEquals(512, file.length());
        }
        assertTrue(volumes.check(device, false, Progress.NONE).clean());
        assertEquals(List.of("store"), mounted());
        volumes.unmount(volume("store"));
        volumes.format(device, new FormatOptions("vmfs5", "new", 0), Progress.NONE);
        assertEquals(List.of("new"), mounted());
    }

    @Test
    void aVolumeThatFailsIsUnmountedAndTold() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0").files.put("/a", new byte[512]);
        start();
        VmFile file = volume("store").open("/a", VmFile.Mode.READ);
        FakeFileSystem.Mount mount = fileSystem.last;
        mount.context.failed("its lock was broken by host b");
        await(() -> volumes.datastores().isEmpty());
        assertEquals("vmhba0:1:0: its lock was broken by host b", refusal(file::length));
        volumes.rescan();
        List<Integer> late = new ArrayList<>();
        mount.context.after(0, () -> late.add(1));
        assertEquals(List.of("store"), mounted());
        assertEquals(List.of(), late);
    }

    @Test
    void tasksOfAFileSystemRunOnceUnlessTheyAreCancelledOrItsVolumeIsClosed() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0");
        start();
        assertEquals(List.of("store"), mounted());
        FakeFileSystem.Mount mount = fileSystem.last;
        List<Integer> ran = new java.util.concurrent.CopyOnWriteArrayList<>();
        mount.context.after(0, () -> ran.add(0));
        mount.context.after(1, () -> ran.add(1));
        mount.context.after(100_000, () -> ran.add(2)).run();
        mount.context.after(0, () -> { throw new IllegalStateException("a mistake"); });
        await(() -> ran.size() == 2);
        CompletableFuture<?> closing = new CompletableFuture<>();
        mount.context.after(0, closing::join);
        mount.context.after(20, () -> ran.add(3));
        volumes.unmount(volume("store"));
        closing.complete(null);
        assertEquals(2, ran.size());
    }

    @Test
    void aDamagedVolumeLeavesItsDeviceFree() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0");
        volumes = new HostVolumes(home, storage);
        adapter.attached(driver);
        fileSystem = new FakeFileSystem(disks);
        fileSystem.refusesMount = true;
        volumes.bindFileSystem(fileSystem);
        assertEquals(List.of(), mounted());
        storage.claim(storage.find("vmhba0:1:0").orElseThrow(), "x", true).close();
        fileSystem.refusesMount = false;
        volumes.rescan();
        assertEquals(List.of("store"), mounted());
    }

    @Test
    void whoComesWhileTheCodeIsAwayWaits() throws Exception {
        FakeFileSystem.Contents contents = disks.make("u1", "store", "vmhba0:1:0");
        contents.files.put("/a", new byte[512]);
        start();
        VmFile file = volume("store").open("/a", VmFile.Mode.WRITE);
        VmFile other = volume("store").create("/b", 0600);
        unload();
        Future<?> write = threads.submit(() -> {
            file.write(0, ByteBuffer.wrap(new byte[] {1}));
            return null;
        });
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        byte[] block = new byte[512];
        file.submit(BlockOperation.READ, 0, new BufferTransfer(ByteBuffer.wrap(block)), end::complete);
        other.close(); // does not wait
        assertFalse(write.isDone() || end.isDone());
        assertEquals("store", volume("store").label());
        load();
        write.get();
        assertEquals(BlockResult.GOOD, end.get());
        assertEquals(1, contents.file("/a")[0]);
        assertEquals(List.of(), volume("store").locks("/b"));
        assertThrows(FileLockedException.class, () -> volume("store").open("/a", VmFile.Mode.WRITE));
        file.close();
        volume("store").open("/a", VmFile.Mode.WRITE).close();
        assertEquals(0, volumes.mounted().get(0).openFiles());
    }

    @Test
    void aSuccessorThatDoesNotUnderstandTheStateStartsCold() throws Exception {
        FakeFileSystem.Contents contents = disks.make("u1", "store", "vmhba0:1:0");
        contents.files.put("/a", new byte[512]);
        contents.files.put("/b", new byte[512]);
        start();
        VmFile kept = volume("store").open("/a", VmFile.Mode.READ), locked = volume("store").open("/b", VmFile.Mode.WRITE);
        unload();
        fileSystem = new FakeFileSystem(disks);
        fileSystem.refusesState = true;
        volumes.bindFileSystem(fileSystem);
        assertEquals(512, kept.length());
        assertEquals("/b: is lost: /b: is open for writing on host fake", refusal(locked::length));
        kept.close();
        locked.close();
        assertEquals(0, volumes.mounted().get(0).openFiles());
    }

    @Test
    void whatDoesNotStopIsTakenUpAnew() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0").files.put("/a", new byte[512]);
        start();
        VmFile file = volume("store").open("/a", VmFile.Mode.WRITE);
        fileSystem.hangs = true;
        unload();
        load();
        assertEquals(512, file.length());
    }

    @Test
    void longWorkGivesWay() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0").files.put("/a", new byte[512]);
        start();
        DiskFormats work = volumes.disks();
        VolumePath path = volumes.resolve("[store] a");
        AtomicLong seen = new AtomicLong();
        Future<?> copy = threads.submit(() -> {
            work.copy(path, path, DiskFormat.RAW, (done, total) -> seen.set(done));
            return null;
        });
        await(() -> seen.get() > 0);
        unload();
        assertEquals(CancellationException.class, assertThrows(java.util.concurrent.ExecutionException.class, copy::get).getCause().getClass());
        load();
    }

    @Test
    void aDiskOfAVanishedFormatWaitsForOneThatCanOpenIt() throws Exception {
        disks.make("u1", "store", "vmhba0:1:0").files.put("/a", new byte[512]);
        start();
        DiskImage disk = volumes.disks().open(DiskFormats.DiskFiles.PLAIN, volumes.resolve("[store] a"), VmFile.Mode.WRITE);
        unload();
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        disk.submit(BlockOperation.FLUSH, 0, null, end::complete);
        formats = new FakeFormats();
        formats.refuses = true;
        volumes.bindFileSystem(fileSystem = new FakeFileSystem(disks));
        volumes.bindFormats(formats);
        await(() -> volumes.datastores().get(0).isPresent());
        volumes.unbindFormats(formats);
        assertFalse(end.isDone());
        formats = new FakeFormats();
        volumes.bindFormats(formats);
        assertEquals(BlockResult.GOOD, end.get());
        disk.close();
        assertEquals(0, volumes.mounted().get(0).openFiles());
    }

    @Test
    void aVolumeThatNoSuccessorTakesUpHoldsUpItsOwnDisksOnly() throws Exception {
        driver.units = List.of(lun(1), lun(2));
        for (int i = 1; i <= 2; i++) disks.make("u" + i, "store" + i, "vmhba0:" + i + ":0").files.put("/a", new byte[512]);
        start();
        List<CompletableFuture<BlockResult>> ends = new ArrayList<>();
        List<DiskImage> open = new ArrayList<>();
        for (int i = 1; i <= 2; i++) open.add(volumes.disks().open(DiskFormats.DiskFiles.PLAIN, volumes.resolve("[store" + i + "] a"), VmFile.Mode.WRITE));
        unload();
        for (DiskImage disk : open) {
            CompletableFuture<BlockResult> end = new CompletableFuture<>();
            disk.submit(BlockOperation.FLUSH, 0, null, end::complete);
            ends.add(end);
        }
        fileSystem = new FakeFileSystem(disks);
        fileSystem.refused = "u2";
        volumes.bindFileSystem(fileSystem);
        volumes.bindFormats(formats);
        assertEquals(BlockResult.GOOD, ends.get(0).get());
        assertFalse(ends.get(1).isDone());
        volumes.stunMillis(0);
        assertEquals("the file system of store2", volumes.missing().orElseThrow());
        fileSystem.refused = null;
        volumes.rescan();
        assertEquals(BlockResult.GOOD, ends.get(1).get());
        for (DiskImage disk : open) disk.close();
    }

    /** Each writer counts in blocks of its own, and reads back what it wrote. */
    @Test
    void codeIsReplacedUnderLoadWithoutAnErrorOrALostByte() throws Exception {
        FakeFileSystem.Contents contents = disks.make("u1", "store", "vmhba0:1:0");
        contents.files.put("/disk", new byte[64 * 512]);
        contents.files.put("/file", new byte[64 * 512]);
        start();
        DiskImage disk = volumes.disks().open(DiskFormats.DiskFiles.PLAIN, volumes.resolve("[store] disk"), VmFile.Mode.WRITE);
        VmFile file = volume("store").open("/file", VmFile.Mode.WRITE);
        AtomicLong rounds = new AtomicLong();
        List<Future<Long>> load = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int block = i;
            load.add(threads.submit(() -> count(disk, block, rounds)));
            load.add(threads.submit(() -> count(file, block, rounds)));
        }
        List<WeakReference<Object>> old = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            long before = rounds.get();
            await(() -> rounds.get() > before + 20 || load.stream().anyMatch(Future::isDone));
            old.add(new WeakReference<>(fileSystem));
            old.add(new WeakReference<>(formats));
            old.add(new WeakReference<>(fileSystem.last));
            unload();
            load();
        }
        rounds.set(Long.MIN_VALUE);
        for (int i = 0; i < load.size(); i++) {
            byte[] data = contents.file(i % 2 == 0 ? "/disk" : "/file");
            assertEquals(load.get(i).get(), ByteBuffer.wrap(data).getLong(i / 2 * 512));
        }
        assertEquals(2, volumes.mounted().get(0).openFiles());
        disk.close();
        file.close();
        assertEquals(List.of(), volume("store").locks("/disk"));
        await(() -> {
            System.gc();
            return old.stream().allMatch(one -> one.get() == null);
        });
    }

    private static long count(DiskImage disk, int block, AtomicLong rounds) throws Exception {
        ByteBuffer data = ByteBuffer.allocate(512);
        for (long number = 1; ; number++) {
            assertEquals(BlockResult.GOOD, ended(disk, BlockOperation.WRITE, block, data.putLong(0, number)));
            assertEquals(BlockResult.GOOD, ended(disk, BlockOperation.READ, block, data.putLong(0, -1)));
            assertEquals(number, data.getLong(0));
            if (rounds.incrementAndGet() < 0) return number;
        }
    }

    private static BlockResult ended(DiskImage disk, BlockOperation operation, int block, ByteBuffer data) throws Exception {
        CompletableFuture<BlockResult> end = new CompletableFuture<>();
        disk.submit(operation, block, new BufferTransfer(data.clear()), end::complete);
        return end.get();
    }

    private static long count(VmFile file, int block, AtomicLong rounds) throws Exception {
        ByteBuffer data = ByteBuffer.allocate(8);
        for (long number = 1; ; number++) {
            file.write(block * 512L, data.putLong(0, number).clear());
            file.read(block * 512L, data.clear());
            assertEquals(number, data.getLong(0));
            data.clear();
            if (rounds.incrementAndGet() < 0) return number;
        }
    }

    @Test
    void aHostIsTheSameAtEveryStartAndAnotherForEachThatRuns() throws Exception {
        String first;
        try (HostIdentity identity = new HostIdentity(home)) {
            first = identity.uuid();
            assertTrue(first.matches("[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}"), first);
            try (HostIdentity other = new HostIdentity(home)) {
                assertNotEquals(first, other.uuid());
            }
        }
        try (HostIdentity identity = new HostIdentity(home)) {
            assertEquals(first, identity.uuid());
        }
        Files.write(home.resolve("0"), new byte[] {1, 2, 3});
        try (HostIdentity identity = new HostIdentity(home)) {
            assertNotEquals(first, identity.uuid());
        }
    }

    @Test
    void anInstallationWithoutVolumesHasNothingWritten() {
        start();
        assertEquals(List.of(), mounted());
        assertArrayEquals(new String[0], home.toFile().list());
    }
}
