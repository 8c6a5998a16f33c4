package vmkernel.core.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.files.VmFile;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.GuestTransfer;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;
import vmkernel.core.files.FakeFileSystem;
import vmkernel.core.files.FakeFormats;
import vmkernel.core.files.HostVolumes;
import vmkernel.core.memory.PagePool;

/** The disks of a machine, as its adapter has them. */
@Timeout(60)
class MachineDisksTest {
    @TempDir
    Path home;
    private final StoragePaths storage = new StoragePaths(new HeldDelays());
    private final FakeAdapter.Platter platter = new FakeAdapter.Platter(4096);
    private final FakeAdapter driver = new FakeAdapter(platter, 4, 1 << 16);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final FakeFileSystem.Disks volumesOnDisks = new FakeFileSystem.Disks();
    private final FakeFormats formats = new FakeFormats();
    private HostVolumes volumes;
    private ImageDisks images;
    private final List<MachineDisks> open = new ArrayList<>();
    /** What is to run under the device lock. */
    private final Queue<Runnable> tasks = new ArrayDeque<>();

    @BeforeEach
    void start() {
        volumes = new HostVolumes(home, storage);
        images = new ImageDisks(volumes, volumes::missing, threads);
    }

    @AfterEach
    void stop() {
        open.forEach(MachineDisks::close);
        threads.shutdown();
        volumes.close();
        assertEquals(List.of(), volumesOnDisks.wrong());
        storage.close();
    }

    private MachineDisks machine(String... keysAndValues) {
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) values.put(keysAndValues[i], keysAndValues[i + 1]);
        MachineDisks disks = new MachineDisks(storage, images, new VmConfig(home.resolve("web.vmx"), values), "web", 101, home);
        open.add(disks);
        return disks;
    }

    private Map<Integer, VirtualDisk> disks(String... keysAndValues) throws VmException { return machine(keysAndValues).open("scsi0", this::soon); }

    private void soon(Runnable task) {
        synchronized (tasks) {
            tasks.add(task);
            tasks.notifyAll();
        }
    }

    /** Runs what is to run. */
    private int work() {
        int count = 0;
        while (true) {
            Runnable task;
            synchronized (tasks) {
                task = tasks.poll();
            }
            if (task == null) return count;
            task.run();
            count++;
        }
    }

    private String refused(String... keysAndValues) {
        String line = assertThrows(VmException.class, () -> disks(keysAndValues)).getMessage();
        assertFalse(line.contains("\n"));
        return line;
    }

    private Path file(String name, long bytes) throws IOException {
        Path path = home.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return path;
    }

    private static ByteBuffer random(int bytes, long seed) {
        byte[] data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return ByteBuffer.wrap(data);
    }

    /** Does a request and waits for its end. */
    private BlockResult run(VirtualDisk disk, BlockOperation operation, long block, ByteBuffer data) throws InterruptedException {
        List<BlockResult> ends = new ArrayList<>();
        disk.listener((tag, result) -> ends.add(result));
        disk.submit(99, operation, block, data == null ? null : new BufferTransfer(data));
        while (ends.isEmpty()) {
            synchronized (tasks) {
                while (tasks.isEmpty()) tasks.wait(10_000);
            }
            work();
        }
        return ends.get(0);
    }

    private byte[] read(VirtualDisk disk, long block, int bytes) throws InterruptedException {
        ByteBuffer data = ByteBuffer.allocate(bytes);
        assertEquals(BlockResult.GOOD, run(disk, BlockOperation.READ, block, data));
        return data.array();
    }

    @Test
    void disksAreLunsPartitionsAndFilesByTarget() throws Exception {
        storage.adapter("vmhba0").attached(driver);
        file("disk.img", 1 << 20);
        Map<Integer, VirtualDisk> disks = disks("scsi0.present", "TRUE", "scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:1:0", "SCSI0:15.present", "true",
            "scsi0:15.fileName", "disk.img", "scsi0:2.present", "FALSE", "scsi1:0.present", "TRUE");
        assertEquals(java.util.Set.of(1, 15), disks.keySet());
        assertEquals(4096, disks.get(1).blocks());
        assertEquals(2048, disks.get(15).blocks());
        assertEquals("VMware Virtual disk 1.0", disks.get(1).unit().vendor() + " " + disks.get(1).unit().model() + " " + disks.get(1).unit().revision());
        assertEquals(List.of("101 vmhba0:1:0", "101 scsi0:15"), storage.machineDisks().stream().map(disk -> disk.machine() + " " + disk.label()).toList());
        ByteBuffer data = random(8192, 1);
        assertEquals(BlockResult.GOOD, run(disks.get(15), BlockOperation.WRITE, 8, data));
        assertEquals(data, ByteBuffer.wrap(Files.readAllBytes(home.resolve("disk.img")), 4096, 8192).slice());
    }

    @Test
    void whatIsWrongIsToldWithItsKey() throws Exception {
        storage.adapter("vmhba0").attached(driver);
        file("disk.img", 1 << 20);
        assertEquals("scsi0:1.present = \"TRUE\": there is no scsi0:1.name; it is a LUN such as vmhba0:1:0, a virtual disk such as datastore:disk.vmdk, or the path of a raw disk image", refused("scsi0:1.present", "TRUE"));
        assertTrue(refused("scsi0:7.present", "TRUE").startsWith("scsi0:7.present = \"TRUE\": targets 0 to 15 are possible, but for 7"));
        assertEquals("scsi0:1.mode = \"undoable\": is for virtual disks in files (.vmdk); a LUN or a raw disk image is persistent or nonpersistent",
            refused("scsi0:1.present", "TRUE", "scsi0:1.name", "disk.img", "scsi0:1.mode", "undoable"));
        assertEquals("scsi0:1.mode = \"volatile\": persistent, nonpersistent, undoable or append is needed",
            refused("scsi0:1.present", "TRUE", "scsi0:1.name", "disk.img", "scsi0:1.mode", "volatile"));
        assertEquals("scsi0:1.name = \"vmhba0:0:0:5:foo.vmdk\": there is no volume vmhba0:0:0:5; none is mounted", refused("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:0:0:5:foo.vmdk"));
        assertTrue(refused("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:3:0").endsWith("there is no such disk; there are vmhba0:1:0"));
        assertEquals("scsi0:1.name = \"none.img\": " + home.resolve("none.img") + ": no such file", refused("scsi0:1.present", "TRUE", "scsi0:1.name", "none.img"));
        assertTrue(refused("scsi0:1.present", "TRUE", "scsi0:1.name", "disk.img", "scsi0:1.shares", "much").contains("scsi0:1.shares = \"much\": shares of 1"));
        assertTrue(refused("scsi0:1.present", "TRUE", "scsi0:1.name", "disk.img", "scsi0:1.deviceType", "atapi-cdrom").contains("not in this release"));
        assertTrue(refused("scsi0:0.present", "TRUE", "scsi0:0.name", "disk.img", "scsi0:1.present", "TRUE", "scsi0:1.name", "disk.img").contains("is in use by web scsi0:0"));
    }

    @Test
    void endsWaitForAListenerAndItsSuccessorIsToldThem() throws Exception {
        storage.adapter("vmhba0").attached(driver);
        VirtualDisk disk = disks("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:1:0").get(1);
        List<String> told = new ArrayList<>();
        disk.listener((tag, result) -> told.add("first " + tag + " " + result));
        disk.submit(1, BlockOperation.WRITE, 0, new BufferTransfer(random(512, 1)));
        assertEquals(List.of(), told, "not within submit");
        work();
        disk.listener(null);
        disk.submit(2, BlockOperation.FLUSH, 0, null);
        disk.submit(3, BlockOperation.READ, 4096, new BufferTransfer(ByteBuffer.allocate(512)));
        work();
        assertEquals(List.of("first 1 good"), told);
        disk.listener((tag, result) -> told.add("second " + tag + " " + result));
        work();
        assertEquals(List.of("first 1 good", "second 2 good", "second 3 sense 5/21/00"), told);
    }

    @Test
    void aBatchOfEndsIsOneTask() throws Exception {
        storage.adapter("vmhba0").attached(driver);
        driver.immediate = false;
        VirtualDisk disk = disks("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:1:0").get(1);
        List<Long> told = new ArrayList<>();
        disk.listener((tag, result) -> told.add(tag));
        for (int i = 0; i < 4; i++) disk.submit(i, BlockOperation.READ, i, new BufferTransfer(ByteBuffer.allocate(512)));
        driver.release(4);
        assertEquals(1, work());
        assertEquals(List.of(0L, 1L, 2L, 3L), told);
    }

    @Test
    void anAbortedRequestIsNotToldAndItsTagCanBeUsedAgain() throws Exception {
        storage.adapter("vmhba0").attached(driver);
        driver.immediate = false;
        MachineDisk disk = (MachineDisk) disks("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:1:0").get(1);
        List<String> told = new ArrayList<>();
        disk.listener((tag, result) -> told.add(tag + " " + result));
        for (int i = 0; i < 6; i++) disk.submit(i, BlockOperation.WRITE, i, new BufferTransfer(random(512, i)));
        disk.abort(0); // at the adapter
        disk.abort(5); // not yet
        disk.abort(77);
        disk.submit(0, BlockOperation.WRITE, 100, new BufferTransfer(random(512, 1)));
        driver.release(10);
        work();
        assertEquals(List.of("1 good", "2 good", "3 good", "4 good", "0 good"), told);
        assertEquals(0, platter.writes[5]);
        assertEquals(2, disk.counters().values().aborts());
        disk.submit(1, BlockOperation.READ, 0, new BufferTransfer(ByteBuffer.allocate(512)));
        disk.reset();
        driver.release(1);
        work();
        assertEquals(5, told.size());
        assertEquals(1, disk.counters().values().busResets());
    }

    /** At power-off the guest's memory is given back: a driver that is late must not touch it, and must not write what was not the guest's. */
    @Test
    void atPowerOffNothingIsInFlightIntoTheGuestsMemory() throws Exception {
        PagePool pool = new PagePool(8 << 20);
        GuestMemory memory = pool.create(4 << 20);
        storage.adapter("vmhba0").attached(driver);
        driver.immediate = false;
        MachineDisks machine = machine("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:1:0");
        VirtualDisk disk = machine.open("scsi0", this::soon).get(1);
        disk.listener((tag, result) -> { throw new AssertionError("told after power-off"); });
        for (int i = 0; i < 8; i++) {
            memory.write(i * 4096L, 8, 0x4242);
            disk.submit(i, i % 2 == 0 ? BlockOperation.WRITE : BlockOperation.READ, i, new GuestTransfer(memory, new long[] {i * 4096L}, new int[] {512}));
        }
        Thread power = Thread.currentThread();
        Thread late = new Thread(() -> {
            while (power.getState() != Thread.State.TIMED_WAITING) Thread.onSpinWait();
            driver.release(4);
        });
        late.start();
        machine.close();
        pool.release(memory);
        late.join();
        driver.release(100);
        assertEquals(4, driver.submitted(), "what waited is dropped");
        for (int i = 0; i < 4; i += 2) assertEquals(0x42, platter.data[i * 512], "a write that the adapter had");
        work();
        storage.claim(storage.find("vmhba0:1:0").orElseThrow(), "next", true).close();
    }

    @Test
    void anAdapterThatHangsDoesNotKeepThePowerOnForEver() throws Exception {
        PagePool pool = new PagePool(8 << 20);
        GuestMemory memory = pool.create(4 << 20);
        storage.adapter("vmhba0").attached(driver);
        driver.immediate = false;
        MachineDisk disk = (MachineDisk) disks("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:1:0").get(1);
        disk.submit(1, BlockOperation.READ, 0, new GuestTransfer(memory, new long[] {0}, new int[] {512}));
        assertFalse(disk.close(10));
        pool.release(memory);
        driver.release(1); // and nothing is copied to where the memory was
    }

    /** Random writes to a disk in mode nonpersistent: it reads as written, the disk below stays as it is, and all is gone at power-off. */
    @Test
    void aNonpersistentDiskForgets() throws Exception {
        Path path = file("disk.img", 1 << 20);
        byte[] before = random(1 << 20, 5).array();
        Files.write(path, before);
        MachineDisks machine = machine("scsi0:1.present", "TRUE", "scsi0:1.name", path.toString(), "scsi0:1.mode", "independent-nonpersistent");
        VirtualDisk disk = machine.open("scsi0", this::soon).get(1);
        VirtualDisk twin = disks("scsi0:1.present", "TRUE", "scsi0:1.name", path.toString(), "scsi0:1.mode", "nonpersistent").get(1);
        byte[] expected = before.clone();
        Random random = new Random(6);
        for (int i = 0; i < 200; i++) {
            int blocks = 1 + random.nextInt(64);
            int at = random.nextInt(2048 - blocks);
            if (random.nextBoolean()) {
                ByteBuffer data = random(blocks * 512, i);
                assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, at, data));
                System.arraycopy(data.array(), 0, expected, at * 512, blocks * 512);
            } else {
                assertEquals(ByteBuffer.wrap(expected, at * 512, blocks * 512), ByteBuffer.wrap(read(disk, at, blocks * 512)));
            }
        }
        assertEquals(ByteBuffer.wrap(expected), ByteBuffer.wrap(read(disk, 0, 1 << 20)));
        assertEquals(ByteBuffer.wrap(before), ByteBuffer.wrap(read(twin, 0, 1 << 20)));
        assertEquals(BlockResult.GOOD, run(disk, BlockOperation.FLUSH, 0, null));
        try (var left = Files.list(home.resolve("var/redo"))) {
            assertEquals(0, left.count(), "the scratch file has no name");
        }
        machine.close();
        assertEquals(ByteBuffer.wrap(before), ByteBuffer.wrap(Files.readAllBytes(path)));
        assertEquals(1, storage.machineDisks().size());
    }

    /** A volume "store" with a disk of 1 MB. */
    private FakeFileSystem.Contents store() {
        FakeFileSystem.Contents contents = volumesOnDisks.make("u1", "store", "vmhba0:1:0");
        contents.write("/web/disk.vmdk", random(1 << 20, 7).array());
        storage.adapter("vmhba0").attached(driver);
        FakeFileSystem.start(volumes, volumesOnDisks, formats);
        return contents;
    }

    private Map<Integer, VirtualDisk> disk(String name, String mode, String... more) throws VmException {
        List<String> all = new ArrayList<>(List.of("scsi0:1.present", "TRUE", "scsi0:1.name", name, "scsi0:1.mode", mode));
        all.addAll(List.of(more));
        return disks(all.toArray(String[]::new));
    }

    private void powerOff() {
        open.forEach(MachineDisks::close);
        open.clear();
    }

    @Test
    void aVirtualDiskIsOnAVolumeOrAFileOfTheHost() throws Exception {
        FakeFileSystem.Contents contents = store();
        Files.write(home.resolve("own.VMDK"), new byte[4096]);
        for (String name : List.of("store:web/disk.vmdk", "[store] web/disk.vmdk", "/vmfs/store/web/disk.vmdk", "/vmfs/volumes/u1/web/disk.vmdk", "own.VMDK", home + "/own.VMDK")) {
            VirtualDisk disk = disk(name, "persistent").get(1);
            assertEquals(name.endsWith("VMDK") ? 8 : 2048, disk.blocks(), name);
            ByteBuffer data = random(1024, name.hashCode());
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, 4, data));
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.FLUSH, 0, null));
            assertEquals(data, ByteBuffer.wrap(read(disk, 4, 1024)));
            assertEquals(data, ByteBuffer.wrap(name.endsWith("VMDK") ? Files.readAllBytes(home.resolve("own.VMDK")) : contents.file("/web/disk.vmdk"), 2048, 1024).slice());
            assertEquals(BlockResult.OUT_OF_RANGE, run(disk, BlockOperation.READ, 2048, ByteBuffer.allocate(512)));
            powerOff();
        }
        assertEquals(0, volumes.mounted().get(0).openFiles());
    }

    @Test
    void whatIsWrongWithAVirtualDiskIsToldWithItsKey() throws Exception {
        FakeFileSystem.Contents contents = store();
        assertEquals("scsi0:1.name = \"other:disk.vmdk\": there is no volume other; there is store", refused("scsi0:1.present", "TRUE", "scsi0:1.name", "other:disk.vmdk"));
        assertEquals("scsi0:1.name = \"store:none.vmdk\": /none.vmdk: no such file", refused("scsi0:1.present", "TRUE", "scsi0:1.name", "store:none.vmdk"));
        assertEquals("scsi0:1.redoAtPowerOff = \"ask\": keep, commit or discard is needed",
            refused("scsi0:1.present", "TRUE", "scsi0:1.name", "store:none.vmdk", "scsi0:1.redoAtPowerOff", "ask"));
        disk("store:web/disk.vmdk", "persistent");
        assertEquals("scsi0:1.name = \"/vmfs/u1/web/disk.vmdk\": /vmfs/store/web/disk.vmdk: is in use by web scsi0:1", refused("scsi0:1.present", "TRUE", "scsi0:1.name", "/vmfs/u1/web/disk.vmdk"));
        powerOff();
        try (var other = volumes.find("store").orElseThrow().open("/web/disk.vmdk", VmFile.Mode.WRITE)) {
            assertTrue(refused("scsi0:1.present", "TRUE", "scsi0:1.name", "store:web/disk.vmdk").endsWith("/vmfs/store/web/disk.vmdk: is open for writing on host fake"));
        }
        contents.write("/web/disk.vmdk.REDO", new byte[512]);
        assertTrue(refused("scsi0:1.present", "TRUE", "scsi0:1.name", "store:web/disk.vmdk").contains("/vmfs/store/web/disk.vmdk.REDO has what was written to the disk in mode undoable or append"));
        assertEquals(0, volumes.mounted().get(0).openFiles());
    }

    @Test
    void aVolumeThatIsFullIsTheGuestsToKnow() throws Exception {
        store().room(1024);
        VirtualDisk disk = disk("store:web/disk.vmdk", "persistent").get(1);
        assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, 0, random(1024, 1)));
        assertEquals(BlockResult.NO_SPACE, run(disk, BlockOperation.WRITE, 2, random(512, 1)));
    }

    @Test
    void aNonpersistentVirtualDiskForgets() throws Exception {
        FakeFileSystem.Contents contents = store();
        byte[] before = contents.file("/web/disk.vmdk").clone();
        VirtualDisk disk = disk("store:web/disk.vmdk", "nonpersistent").get(1);
        ByteBuffer data = random(1024, 1);
        assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, 4, data));
        assertEquals(data, ByteBuffer.wrap(read(disk, 4, 1024)));
        powerOff();
        assertEquals(ByteBuffer.wrap(before), ByteBuffer.wrap(contents.file("/web/disk.vmdk")));
        assertEquals(List.of(), formats.done);
    }

    @Test
    void anUndoableDiskWaitsForADecision() throws Exception {
        FakeFileSystem.Contents contents = store();
        byte[] before = contents.file("/web/disk.vmdk").clone();
        for (String end : List.of("keep", "discard", "commit")) {
            VirtualDisk disk = disk("store:web/disk.vmdk", "undoable", "scsi0:1.redoAtPowerOff", end).get(1);
            ByteBuffer data = random(1024, 3);
            if (end.equals("discard")) assertEquals(data, ByteBuffer.wrap(read(disk, 4, 1024)), "kept over a power-off");
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, 4, data));
            assertEquals(ByteBuffer.wrap(before), ByteBuffer.wrap(contents.file("/web/disk.vmdk")));
            powerOff();
            assertEquals(end.equals("keep"), contents.file("/web/disk.vmdk.REDO") != null);
            assertEquals(end.equals("commit") ? data : ByteBuffer.wrap(before, 2048, 1024).slice(), ByteBuffer.wrap(contents.file("/web/disk.vmdk"), 2048, 1024).slice());
        }
        String redo = "/web/disk.vmdk.REDO";
        assertEquals(List.of("child " + redo + " of /web/disk.vmdk", "delete " + redo, "child " + redo + " of /web/disk.vmdk", "commit " + redo, "delete " + redo), formats.done);
    }

    @Test
    void anAppendedDiskGoesOnInItsRedoLog() throws Exception {
        FakeFileSystem.Contents contents = store();
        for (int i = 0; i < 3; i++) {
            VirtualDisk disk = disk("store:web/disk.vmdk", "append").get(1);
            if (i > 0) assertEquals(random(512, i - 1), ByteBuffer.wrap(read(disk, i - 1, 512)));
            assertEquals(BlockResult.GOOD, run(disk, BlockOperation.WRITE, i, random(512, i)));
            powerOff();
        }
        assertEquals(random(512, 0), ByteBuffer.wrap(contents.file("/web/disk.vmdk.REDO"), 0, 512));
        assertEquals(1, formats.done.size());
    }

    /** A request that waits in its image holds up neither the guest nor, at power-off, anything for ever. */
    @Test
    void aVirtualDiskThatHangsHoldsNobodyUp() throws Exception {
        store();
        MachineDisk disk = (MachineDisk) disk("store:web/disk.vmdk", "persistent").get(1);
        CountDownLatch latch = new CountDownLatch(1);
        formats.before = () -> {
            try {
                latch.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        };
        for (int i = 0; i < 10; i++) disk.submit(i, BlockOperation.READ, i, new BufferTransfer(ByteBuffer.allocate(512)));
        assertFalse(disk.medium().settled(10));
        latch.countDown();
        assertTrue(disk.medium().settled(10_000));
    }
}
