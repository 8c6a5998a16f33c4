package vmkernel.core.vmx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;
import vmkernel.api.world.ResourceAllocation;

class HardwareTest {
    private static VmConfig config(String... keysAndValues) {
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) values.put(keysAndValues[i], keysAndValues[i + 1]);
        return new VmConfig(Path.of("/vm/web.vmx"), values);
    }

    private static void refused(String message, String... keysAndValues) {
        assertEquals("/vm/web.vmx: " + message, assertThrows(VmConfigException.class, () -> Hardware.of(config(keysAndValues))).getMessage());
    }

    @Test
    void anEmptyConfigurationIsAMachineNamedAsItsFile() throws Exception {
        Hardware hardware = Hardware.of(config());
        assertEquals("web", hardware.name());
        assertEquals(256L << 20, hardware.memoryBytes());
        assertEquals(ResourceAllocation.normal(), hardware.cpu());
        assertEquals(List.of(new Hardware.Device("440bx", "board", "the board")), hardware.devices());
    }

    @Test
    void memsizeIsAMultipleOfFourThatAMachineCanHave() throws Exception {
        assertEquals(4L << 20, Hardware.of(config("memsize", "4")).memoryBytes());
        refused("memsize = \"254\": a multiple of 4 MB is needed", "memsize", "254");
        refused("memsize = \"0\": a number from 4 to 65536 is needed", "memsize", "0");
        refused("memsize = \"lots\": a number from 4 to 65536 is needed", "memsize", "lots");
        refused("memsize = \"99999999999999\": a number from 4 to 65536 is needed", "memsize", "99999999999999");
    }

    @Test
    void whatThisReleaseLacksIsSaid() {
        refused("numvcpus = \"2\": a virtual machine has one CPU in this release", "numvcpus", "2");
        refused("serial0.present = \"yes\": TRUE or FALSE is needed", "serial0.present", "yes");
        refused("displayName is empty", "displayName", " ");
    }

    @Test
    void devicesAreNamedByTheirAdapters() throws Exception {
        List<Hardware.Device> devices = Hardware.of(config("Serial0.present", "TRUE", "scsi0.present", "TRUE", "scsi0.virtualDev", "vmxlsilogic", "scsi0:0.present", "TRUE",
            "ethernet1.present", "true", "floppy0.present", "FALSE", "ide1:0.present", "TRUE", "debugcon.present", "TRUE")).devices();
        assertEquals(List.of("440bx board the board", "uart serial0 Serial0.present", "vmxlsilogic scsi0 scsi0.virtualDev", "vlance ethernet1 ethernet1.present",
            "ide ide1:0 ide1:0.present", "debugcon debugcon debugcon.present"), devices.stream().map(d -> d.type() + " " + d.prefix() + " " + d.key()).toList());
    }

    @Test
    void cpuAllocationsAreInTheWordsOfTheGuide() throws Exception {
        assertEquals(new ResourceAllocation(20, 60, 2000, Set.of(0, 2)), Hardware.of(config("sched.cpu.min", "20", "sched.cpu.max", "60%", "sched.cpu.shares", "High",
            "sched.cpu.affinity", "0, 2")).cpu());
        assertEquals(new ResourceAllocation(0, ResourceAllocation.UNLIMITED, 500, Set.of()), Hardware.of(config("sched.cpu.max", "100", "sched.cpu.shares", "low",
            "sched.cpu.affinity", "all")).cpu());
        refused("sched.cpu.shares = \"0\": shares of 1 to 100000, or low, normal or high, are needed", "sched.cpu.shares", "0");
        refused("sched.cpu.affinity = \"0,,1\": CPU numbers such as 0,2, or all, are needed", "sched.cpu.affinity", "0,,1");
        refused("sched.cpu.min = \"-3\": a percentage of one CPU, 0 to 6400, is needed", "sched.cpu.min", "-3");
        refused("sched.cpu: min 60 and max 50: 0 <= min <= max is needed", "sched.cpu.min", "60", "sched.cpu.max", "50");
    }
}
