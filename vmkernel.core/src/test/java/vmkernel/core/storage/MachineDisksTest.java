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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;
import vmkernel.api.storage.GuestTransfer;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmException;
import vmkernel.core.memory.PagePool;

/** The disks of a machine, as its adapter has them. */
@Timeout(60)
class MachineDisksTest {
    @TempDir
    Path home;
    private final StoragePaths storage = new StoragePaths(new HeldDelays());
    private final FakeAdapter.Platter platter = new FakeAdapter.Platter(4096);
    private final FakeAdapter driver = new FakeAdapter(platter, 4, 1 << 16);
    private final List<MachineDisks> open = new ArrayList<>();
    /** What is to run under the device lock. */
    private final Queue<Runnable> tasks = new ArrayDeque<>();

    @AfterEach
    void stop() {
        open.forEach(MachineDisks::close);
        storage.close();
    }

    private MachineDisks machine(String... keysAndValues) {
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) values.put(keysAndValues[i], keysAndValues[i + 1]);
        MachineDisks disks = new MachineDisks(storage, new VmConfig(home.resolve("web.vmx"), values), "web", 101, home);
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
        assertEquals("scsi0:1.present = \"TRUE\": there is no scsi0:1.name; it is a LUN such as vmhba0:1:0, or the path of a raw disk image", refused("scsi0:1.present", "TRUE"));
        assertTrue(refused("scsi0:7.present", "TRUE").startsWith("scsi0:7.present = \"TRUE\": targets 0 to 15 are possible, but for 7"));
        assertEquals("scsi0:1.mode = \"undoable\": is not in this release; persistent and nonpersistent are",
            refused("scsi0:1.present", "TRUE", "scsi0:1.name", "disk.img", "scsi0:1.mode", "undoable"));
        assertTrue(refused("scsi0:1.present", "TRUE", "scsi0:1.name", "vmhba0:0:0:5:foo.vmdk").contains("is a file on a VMFS volume"));
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
}
