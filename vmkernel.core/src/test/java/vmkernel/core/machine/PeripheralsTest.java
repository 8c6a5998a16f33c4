package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.Network;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.GuestTransfer;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VmException;
import vmkernel.core.files.FakeFileSystem;
import vmkernel.core.files.FakeFormats;
import vmkernel.core.net.FakeNic;
import vmkernel.core.proc.ProcDirectory;
import vmkernel.core.storage.FakeAdapter;

/** Disks and switch ports of machines, from power-on to power-off. */
@Timeout(60)
class PeripheralsTest {
    private static final String[] DISK = {"scsi0.present", "TRUE", "scsi0.virtualDev", "vmxlsilogic", "scsi0:0.present", "TRUE", "scsi0:0.name", "disk.img"};

    @TempDir
    Path home;
    private FakePc pc;
    private final Map<String, DeviceContext> contexts = new ConcurrentHashMap<>();

    @BeforeEach
    void start() throws IOException {
        pc = new FakePc(home);
        pc.devices.types = Set.of("440bx", "vmxlsilogic", "vlance");
        pc.devices.onCreate = context -> contexts.put(context.prefix(), context);
        try (RandomAccessFile file = new RandomAccessFile(home.resolve("disk.img").toFile(), "rw")) {
            file.setLength(1 << 20);
        }
    }

    @AfterEach
    void stop() { pc.close(); }

    @Test
    void aDiskIsReadAndWrittenFromGuestMemory() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT, DISK);
        DeviceContext adapter = contexts.get("scsi0");
        VirtualDisk disk = adapter.disks().get(0);
        BlockingQueue<String> ends = new LinkedBlockingQueue<>();
        adapter.execute(() -> {
            adapter.memory().write(0x5000, 8, 0x1122334455667788L);
            disk.listener((tag, result) -> ends.add(tag + " " + result));
            disk.submit(1, BlockOperation.WRITE, 3, new GuestTransfer(adapter.memory(), new long[] {0x5000}, new int[] {512}));
        });
        assertEquals("1 good", ends.take());
        adapter.execute(() -> disk.submit(2, BlockOperation.READ, 3, new GuestTransfer(adapter.memory(), new long[] {0x7000}, new int[] {512})));
        assertEquals("2 good", ends.take());
        assertEquals(0x1122334455667788L, adapter.memory().read(0x7000, 8));
        assertEquals((byte) 0x88, Files.readAllBytes(home.resolve("disk.img"))[3 * 512]);
        vm.powerOff(PowerMode.HARD);
        assertEquals(List.of(), pc.storage.machineDisks());
        vm.powerOn();
    }

    @Test
    void aDiskThatCannotBeOpenedRefusesThePowerOnInOneLine() throws Exception {
        Machine vm = pc.vm("a", "scsi0.present", "TRUE", "scsi0.virtualDev", "vmxlsilogic", "scsi0:0.present", "TRUE", "scsi0:0.name", "disk.img", "scsi0:1.present", "TRUE",
            "scsi0:1.name", "none.img");
        assertEquals("a: scsi0:1.name = \"none.img\": " + home.resolve("none.img") + ": no such file", assertThrows(VmException.class, vm::powerOn).getMessage());
        assertTrue(pc.idle());
        assertEquals(List.of(), pc.storage.machineDisks(), "the first disk is closed again");
        Machine other = pc.running("b", FakePc.HALT, DISK);
        assertTrue(assertThrows(VmException.class, pc.vm("c", DISK)::powerOn).getMessage().endsWith("disk.img: is in use by b scsi0:0; two users get along only if both just read"));
        assertEquals(PowerState.ON, other.state());
    }

    @Test
    void atPowerOffUnderLoadTheMemoryIsLeftAlone() throws Exception {
        for (int round = 0; round < 10; round++) {
            Machine vm = pc.running("m" + round, FakePc.HALT, DISK);
            DeviceContext adapter = contexts.get("scsi0");
            VirtualDisk disk = adapter.disks().get(0);
            BlockingQueue<Long> ends = new LinkedBlockingQueue<>();
            adapter.execute(() -> {
                disk.listener((tag, result) -> {
                    ends.add(tag);
                    submit(adapter, disk, tag + 32);
                });
                for (int i = 0; i < 32; i++) submit(adapter, disk, i);
            });
            for (int i = 0; i < 100; i++) ends.take();
            vm.powerOff(PowerMode.HARD);
            assertTrue(pc.idle());
            pc.registry.unregister(vm);
        }
    }

    private static void submit(DeviceContext adapter, VirtualDisk disk, long tag) {
        GuestTransfer data = new GuestTransfer(adapter.memory(), new long[] {tag % 32 * 0x10000}, new int[] {0x8000});
        disk.submit(tag, tag % 3 == 0 ? BlockOperation.WRITE : BlockOperation.READ, tag % 32 * 64, data);
    }

    @Test
    void aResetOfTheMachineEndsWhatWasInFlight() throws Exception {
        Machine vm = pc.running("a", FakePc.HALT, DISK);
        DeviceContext adapter = contexts.get("scsi0");
        VirtualDisk disk = adapter.disks().get(0);
        BlockingQueue<String> ends = new LinkedBlockingQueue<>();
        adapter.execute(() -> submit(adapter, disk, 1)); // there is no listener: the end waits
        vm.reset(PowerMode.HARD);
        adapter.execute(() -> {
            disk.listener((tag, result) -> ends.add(tag + " " + result));
            disk.submit(1, BlockOperation.FLUSH, 0, null);
        });
        assertEquals("1 " + BlockResult.GOOD, ends.take());
        assertTrue(ends.isEmpty());
    }

    @Test
    void twoMachinesAndTheHostTalkOnAPrivateNetwork() throws Exception {
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        Machine a = pc.running("a", FakePc.HALT, "ethernet0.present", "TRUE", "ethernet0.devName", "vmnet_0");
        DeviceContext first = contexts.get("ethernet0");
        pc.running("b", FakePc.HALT, "ethernet0.present", "TRUE", "ethernet0.devName", "vmnet_0", "ethernet0.address", "00:50:56:00:00:02");
        DeviceContext second = contexts.get("ethernet0");
        first.execute(() -> first.network().sink(frames -> heard.add("a " + frames.size())));
        second.execute(() -> second.network().sink(frames -> heard.add("b " + frames.size())));
        assertEquals(MacAddress.parse("00:50:56:00:00:02"), second.network().address());
        try (Network.HostPort host = pc.networks.connect("vmnet_0", "test", MacAddress.parse("00:50:56:00:00:03"), frames -> heard.add("host " + frames.size()))) {
            first.execute(() -> first.network().transmit(List.of(frame("00:50:56:00:00:02"), frame("00:50:56:00:00:02"), frame("00:50:56:00:00:03"))));
            List<String> both = new java.util.ArrayList<>(List.of(heard.take(), heard.take()));
            both.sort(null);
            assertEquals(List.of("b 2", "host 1"), both);
            host.transmit(List.of(frame("00:50:56:00:00:02")));
            assertEquals("b 1", heard.take());
        }
        a.powerOff(PowerMode.HARD);
        assertEquals(1, pc.networks.switches().get(0).ports().size());
    }

    private static byte[] frame(String to) {
        byte[] frame = new byte[64];
        System.arraycopy(MacAddress.parse(to).bytes(), 0, frame, 0, 6);
        return frame;
    }

    @Test
    void nodesTellOfDisksAndPorts() throws Exception {
        ProcDirectory proc = new ProcDirectory(pc.registry, pc.memory, pc.storage, pc.networks, pc.volumes);
        FakeAdapter driver = new FakeAdapter(new FakeAdapter.Platter(4096), 8, 1 << 16);
        pc.storage.adapter("vmhba0").attached(driver);
        pc.uplinks.adapter("vmnic0").attached(new FakeNic());
        Machine vm = pc.running("web", FakePc.HALT, "scsi0.present", "TRUE", "scsi0.virtualDev", "vmxlsilogic", "scsi0:0.present", "TRUE", "scsi0:0.name", "vmhba0:1:0",
            "scsi0:0.shares", "high", "ethernet0.present", "TRUE", "ethernet0.address", "00:50:56:00:00:01");
        String at = "/proc/vmware/vm/" + vm.id() + "/";
        DeviceContext adapter = contexts.get("scsi0");
        BlockingQueue<String> ends = new LinkedBlockingQueue<>();
        adapter.execute(() -> {
            adapter.disks().get(0).listener((tag, result) -> ends.add(result.toString()));
            submit(adapter, adapter.disks().get(0), 0);
        });
        assertEquals("good", ends.take());
        String lun = proc.read("/proc/vmware/scsi/vmhba0/1:0");
        assertTrue(lun.startsWith("Vendor: FAKE      Model: Disk              Rev: 1"), lun);
        assertTrue(lun.contains("Size:   2 MB") && lun.contains("Queue depth: 8, active 0, queued 0") && lun.contains("Paths:\n  vmhba0:1:0"), lun);
        assertTrue(lun.lines().anyMatch(line -> line.matches("web scsi0:0 +2000 +0 +32 +0 +1 +1 +0 +0")), lun);
        assertEquals(List.of("1:0", "stats"), proc.list("scsi/vmhba0"));
        assertEquals(List.of("shares", "KBread", "KBwritten", "reads", "writes", "cmds", "aborts", "busResets"), words(proc.read(at + "disk/vmhba0:1:0"), 0));
        proc.write(at + "disk/vmhba0:1:0", "low\n");
        assertEquals(List.of("500", "0", "32", "0", "1", "1", "0", "0"), words(proc.read(at + "disk/vmhba0:1:0"), 1));
        assertTrue(assertThrows(IOException.class, () -> proc.write(at + "disk/vmhba0:1:0", "0")).getMessage().contains("shares of 1 to 100000"));
        assertTrue(proc.read(at + "net/00:50:56:00:00:01").startsWith("totPktsTx"));
        assertTrue(proc.read("net/vmnic0/config").contains("vmnic0                   00:02:b3:00:00:01, link 100 Mbit/s full duplex\nPromiscuousAllowed       no\n"));
        proc.write("net/vmnic0/config", "PromiscuousAllowed yes");
        assertTrue(proc.read("net/vmnic0/config").contains("PromiscuousAllowed       yes"));
        assertThrows(IOException.class, () -> proc.write("net/vmnic0/config", "Promiscuous"));
        assertTrue(proc.read("net/vmnic0/ports").contains("00:50:56:00:00:01 web ethernet0"));
        assertTrue(proc.read("net/vmnic0/stats").contains("totPktsTx"));
        vm.powerOff(PowerMode.HARD);
        assertFalse(proc.list("/").contains("vm/"));
    }

    private static List<String> words(String text, int line) { return List.of(text.lines().toList().get(line).strip().split(" +")); }

    @Test
    void theUuidAndTheAddressAreWrittenIntoTheFile() throws Exception {
        Path vmx = home.resolve("web.vmx");
        Files.writeString(vmx, "# mine\nmemsize = \"8\"\nethernet0.present = \"TRUE\"\nethernet0.devName = \"vmnet_0\"\n");
        Machine vm = (Machine) pc.registry.register(vmx);
        vm.powerOn();
        String text = Files.readString(vmx);
        assertTrue(text.startsWith("# mine\nmemsize = \"8\"\n"), text);
        for (String key : List.of("uuid.bios", "uuid.location", "ethernet0.generatedAddress", "ethernet0.generatedAddressOffset", "ethernet0.addressType")) {
            assertTrue(text.contains(key + " = \"" + vm.config().text(key, "?") + "\""), key);
        }
        assertEquals(vm.config().text("ethernet0.generatedAddress", ""), contexts.get("ethernet0").network().address().toString());
        vm.powerOff(PowerMode.HARD);
        vm.powerOn();
        assertEquals(text, Files.readString(vmx));
        Machine other = pc.vm("other");
        other.powerOn();
        assertFalse(other.config().text("uuid.bios").isPresent(), "who has no network needs none");
    }

    @Test
    void aMachineIsStunnedWhileTheFileSystemOfItsDiskIsMissing() throws Exception {
        FakeFileSystem.Disks disks = new FakeFileSystem.Disks();
        disks.make("u1", "store", "vmhba0:1:0").write("/disk.vmdk", new byte[1 << 20]);
        pc.storage.adapter("vmhba0").attached(new FakeAdapter(new FakeAdapter.Platter(64), 8, 1 << 20));
        pc.volumes.stunMillis(1);
        FakeFileSystem.Service service = FakeFileSystem.start(pc.volumes, disks, new FakeFormats());
        Machine vm = pc.running("a", FakePc.HALT, "scsi0.present", "TRUE", "scsi0.virtualDev", "vmxlsilogic", "scsi0:0.present", "TRUE", "scsi0:0.name", "store:disk.vmdk");
        Machine other = pc.running("b", FakePc.HALT, DISK);
        service.stop();
        while (vm.state() != PowerState.STUCK) Thread.onSpinWait();
        assertEquals("stunned: waiting for the file system of store", vm.reason());
        assertEquals(PowerState.ON, other.state());
        service = FakeFileSystem.start(pc.volumes, disks, new FakeFormats());
        while (vm.state() != PowerState.ON) Thread.onSpinWait();
        service.stop();
        while (vm.state() != PowerState.STUCK) Thread.onSpinWait();
        vm.powerOff(PowerMode.HARD);
        assertEquals(PowerState.OFF, vm.state());
        FakeFileSystem.start(pc.volumes, disks, new FakeFormats());
        assertEquals(0, pc.volumes.mounted().get(0).openFiles());
        assertEquals(List.of(), disks.wrong());
    }
}
