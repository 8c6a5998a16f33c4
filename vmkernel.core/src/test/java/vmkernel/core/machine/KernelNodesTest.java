package vmkernel.core.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.files.VmFile;
import vmkernel.core.files.FakeFileSystem;
import vmkernel.core.files.FakeFormats;
import vmkernel.core.proc.ProcDirectory;
import vmkernel.core.storage.FakeAdapter;

/** /proc/vmware as scripts read it: by header. */
@Timeout(60)
class KernelNodesTest {
    @TempDir
    Path home;
    private FakePc pc;
    private ProcDirectory proc;
    private Machine vm;
    private String at;

    @BeforeEach
    void start() throws Exception {
        pc = new FakePc(home);
        proc = new ProcDirectory(pc.registry, pc.memory, pc.storage, pc.networks, pc.volumes);
        vm = pc.running("web server", FakePc.HALT, "sched.cpu.shares", "2000", "sched.cpu.affinity", "0,1");
        at = "/proc/vmware/vm/" + vm.id() + "/";
    }

    @AfterEach
    void stop() { pc.close(); }

    /** The first line below the header, by column. */
    private static Map<String, String> row(String text) {
        String[] lines = text.split("\n");
        String[] names = lines[0].trim().split("\\s+");
        // names of VMs may contain blanks: the columns behind are counted from the right
        String[] fields = lines[1].trim().split("\\s+");
        Map<String, String> row = new HashMap<>();
        int surplus = fields.length - names.length;
        for (int i = 0; i < names.length; i++) {
            int from = i <= 2 ? i : i + surplus;
            int to = i < 2 ? i : i + surplus;
            row.put(names[i], String.join(" ", Arrays.copyOfRange(fields, from, to + 1)));
        }
        return row;
    }

    @Test
    void cpuStatusHasTheColumnsOfTheGuide() throws Exception {
        String text = proc.read(at + "cpu/status");
        assertEquals(List.of("vcpu", "vm", "name", "uptime", "status", "costatus", "usedsec", "syssec", "wait", "waitsec", "cpu", "affinity", "min", "max", "shares", "emin",
            "extrasec"), List.of(text.split("\n")[0].trim().split("\\s+")));
        Map<String, String> row = row(text);
        assertEquals(String.valueOf(vm.id()), row.get("vcpu"));
        assertEquals(String.valueOf(vm.id()), row.get("vm"));
        assertEquals("vmm0:web server", row.get("name"));
        assertEquals("4.000", row.get("uptime"));
        assertEquals("3.000", row.get("usedsec"));
        assertEquals("1.000", row.get("waitsec"));
        assertEquals("0,1", row.get("affinity"));
        assertEquals("2000", row.get("shares"));
        assertEquals("50", row.get("emin"));
        assertEquals("100", row.get("max"));
        assertEquals("1.000", row.get("extrasec"));
        assertEquals(text, proc.read("sched/cpu"));
    }

    @Test
    void memoryStatusIsInKilobytes() throws Exception {
        pc.monitor.last.context.memory().write(0x100000, 4, 1);
        Map<String, String> row = row(proc.read(at + "mem/status"));
        assertEquals(String.valueOf(vm.id()), row.get("vm"));
        assertEquals("no", row.get("mctl?"));
        assertEquals("80", row.get("shares"));
        assertEquals("8192", row.get("max"));
        assertEquals("2048/8192", row.get("size/sizetgt"));
        assertEquals("2048", row.get("active"));
        assertEquals("8\n", proc.read(at + "mem/max"));
        assertTrue(proc.read("mem").contains("managed"));
    }

    @Test
    void namesLeadsBackToTheConfiguration() throws Exception {
        String names = proc.read(at + "names");
        assertTrue(names.matches("vmid=" + vm.id() + " +pid=\\d+ +cfgFile=\"" + home + "/web server.vmx\" +uuid=\"([0-9a-f]{2} ){7}[0-9a-f]{2}-([0-9a-f]{2} ){7}[0-9a-f]{2}\" +"
            + "displayName=\"web server\"\n"), names);
    }

    @Test
    void cpuSettingsAreWritten() throws Exception {
        for (String[] setting : new String[][] {{"shares", "high", "2000"}, {"shares", "700\n", "700"}, {"min", "20", "20"}, {"max", "60", "60"}, {"affinity", "1", "1"},
            {"affinity", "all", "all"}}) {
            proc.write(at + "cpu/" + setting[0], setting[1]);
            assertEquals(setting[2] + "\n", proc.read(at + "cpu/" + setting[0]));
        }
        assertEquals(700, vm.cpuAllocation().shares());
        assertEquals(60, vm.cpuAllocation().max());
        assertEquals(at + "cpu/shares: shares of 1 to 100000, or low, normal or high, are needed",
            assertThrows(IOException.class, () -> proc.write(at + "cpu/shares", "many")).getMessage());
        assertEquals(at + "cpu/min: min 80 and max 60: 0 <= min <= max is needed", assertThrows(IOException.class, () -> proc.write(at + "cpu/min", "80")).getMessage());
        pc.scheduler.refuse = "no room";
        assertEquals(at + "cpu/min: no room", assertThrows(IOException.class, () -> proc.write(at + "cpu/min", "30")).getMessage());
        assertEquals(20, vm.cpuAllocation().min());
        assertEquals("/proc/vmware/version: read-only", assertThrows(IOException.class, () -> proc.write("version", "1")).getMessage());
    }

    @Test
    void directoriesListTheirNodes() throws Exception {
        assertEquals(List.of("cpuinfo", "filesystem/", "mem", "sched/", "uptime", "version", "vm/"), proc.list(""));
        assertEquals(proc.list(""), proc.list("/proc/vmware/"));
        assertEquals(List.of(vm.id() + "/"), proc.list("vm"));
        assertEquals(List.of("cpu/", "mem/", "misuse", "names"), proc.list(at));
        assertEquals(List.of("affinity", "max", "min", "shares", "status"), proc.list(at + "cpu"));
        assertThrows(IOException.class, () -> proc.list("nothing"));
        assertThrows(IOException.class, () -> proc.list("version"));
        assertEquals("/proc/vmware/vm: is a directory", assertThrows(IOException.class, () -> proc.read("vm")).getMessage());
        assertEquals("/proc/vmware/vm/1/names: no such node", assertThrows(IOException.class, () -> proc.read("vm/1/names")).getMessage());
        vm.powerOff(vmkernel.api.vm.PowerMode.HARD);
        assertThrows(IOException.class, () -> proc.read(at + "names"));
    }

    @Test
    void everyNodeCanBeReadAndEndsItsLine() throws Exception {
        pc.monitor.last.context.ports().read(0x300, 1);
        assertTrue(proc.read(at + "misuse").contains("1 unclaimed I/O port"));
        for (String name : List.of("version", "uptime", "cpuinfo", "mem", "sched/cpu", "sched/ncpus", at + "misuse")) {
            assertTrue(proc.read(name).endsWith("\n"), name);
        }
        assertTrue(Double.parseDouble(proc.read("uptime").trim()) >= 0);
        assertTrue(proc.read("sched/ncpus").startsWith("2 "));
    }

    @Test
    void volumesHaveTheirNodes() throws Exception {
        FakeFileSystem.Disks disks = new FakeFileSystem.Disks();
        disks.make("u1", "datastore1", "vmhba0:1:0").write("/web/disk.vmdk", new byte[2048]);
        pc.storage.adapter("vmhba0").attached(new FakeAdapter(new FakeAdapter.Platter(64), 8, 1 << 20));
        FakeFileSystem.start(pc.volumes, disks, new FakeFormats());
        try (VmFile file = pc.volumes.find("datastore1").orElseThrow().open("/web/disk.vmdk", VmFile.Mode.SHARE)) {
            file.read(0, ByteBuffer.allocate(2048));
            assertEquals(List.of("datastore1/", "volumes"), proc.list("filesystem"));
            assertTrue(proc.read("filesystem/volumes").matches("(?s)name .*\ndatastore1 +u1 +FAKE-1 +mounted +1  vmhba0:1:0\n"), proc.read("filesystem/volumes"));
            assertTrue(proc.read("filesystem/datastore1/files").endsWith("     1 share  /web/disk.vmdk\n"), proc.read("filesystem/datastore1/files"));
            String status = proc.read("filesystem/datastore1/status");
            assertTrue(status.contains("State:   mounted\n") && status.endsWith("         2          0          1          0\n"), status);
        }
    }
}
