package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.inject.Inject;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.BundleContext;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.files.Volumes;
import vmkernel.api.proc.ProcTree;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.Storage;
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmRegistry;

/** A Debian guest whose disks are in files, on a VMFS volume and among the host's own, while the code of both is updated. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class VmfsGuestIT {
    private static final Path HOME = Vmk.ROOT.resolve("integration-tests/target/vmfs-guest");
    private static final Path LUN = HOME.resolve("lun.img"), SPARSE = HOME.resolve("sparse.vmdk");
    private static final long MB = 1 << 20;

    @Inject private BundleContext context;
    @Inject private VmRegistry registry;
    @Inject private Storage storage;
    @Inject private Volumes volumes;
    @Inject private ProcTree proc;

    @Configuration
    public Option[] configuration() throws Exception {
        Files.createDirectories(HOME.resolve("etc"));
        Files.deleteIfExists(LUN);
        Files.deleteIfExists(SPARSE);
        Files.writeString(HOME.resolve("etc/hardware.conf"), """
            pci.001:03.0.model = "smartarray5i"
            pci.001:03.0.unit0.file = "%s"
            pci.001:03.0.unit0.size = "2G"
            """.formatted(LUN));
        return Bundles.shipped(HOME);
    }

    private VirtualMachine machine() throws Exception {
        Map<String, String> keys = DebianShell.machine();
        keys.put("scsi0.present", "TRUE");
        keys.put("scsi0.virtualDev", "lsilogic");
        List<String> names = List.of("datastore1:web/thin.vmdk", "[datastore1] web/undo.vmdk", SPARSE.toString());
        for (int i = 0; i < names.size(); i++) {
            keys.put("scsi0:" + i + ".present", "TRUE");
            keys.put("scsi0:" + i + ".name", names.get(i));
        }
        keys.put("scsi0:1.mode", "undoable");
        keys.put("scsi0:1.redoAtPowerOff", "commit");
        return registry.register(new VmConfig(HOME.resolve("debian.vmx"), keys));
    }

    private BlockDevice lun() { return storage.find("vmhba0:0:0").orElseThrow(() -> new AssertionError("no disk")); }

    @Test
    public void aDebianGuestOnVmfsLosesNothingWhileTheCodeIsUpdated() throws Exception {
        while (storage.devices().isEmpty()) TimeUnit.MILLISECONDS.sleep(20);
        volumes.format(lun(), new FormatOptions("vmfs5", "datastore1", 0), Progress.NONE);
        volumes.find("datastore1").orElseThrow().mkdir("/web", 0755);
        volumes.disks().create(volumes.resolve("[datastore1] web/thin.vmdk"), DiskFormat.VMFS_THIN, 256 * MB, Progress.NONE);
        volumes.disks().create(volumes.resolve("[datastore1] web/undo.vmdk"), DiskFormat.VMFS, 128 * MB, Progress.NONE);
        volumes.disks().create(volumes.resolve(SPARSE.toString()), DiskFormat.MONOLITHIC_SPARSE, 64 * MB, Progress.NONE);
        VirtualMachine machine = machine();
        DebianShell shell = new DebianShell(machine.serial(0));
        try {
            machine.powerOn();
            shell.booted();
            mount(shell);
            load(shell);
            Updates updates = Updates.of(context, "vmfs.impl");
            shell.run("touch /tmp/stop; while [ $(ls /tmp/done.* 2>/dev/null | wc -l) != 3 ]; do sleep 1; done");
            shell.run("true"); // the shell tells of jobs that are done
            assertEquals(shell.run("md5sum < /tmp/data | cut -c 1-32").strip(), shell.run("cat /tmp/sums.* | sort | uniq").strip());
            updates.requireCollected();
            shell.requireNo(DebianShell.DISK_TROUBLE);
            shell.run("for i in 0 1 2; do umount /tmp/d$i && e2fsck -fn $(cat /tmp/name$i) || exit 1; done");
            shell.send("poweroff -f\n");
            assertEquals(null, machine.off().get(60, TimeUnit.SECONDS).failure());
        } finally {
            if (machine.state() != PowerState.OFF) machine.powerOff(PowerMode.HARD);
            registry.unregister(machine);
            Files.writeString(HOME.resolve("console.log"), shell.all());
        }
        everythingIsWhole();
    }

    /** Linux names disks in the order in which they answer; these are told apart by their sizes, in sectors. */
    private static void mount(DebianShell shell) throws InterruptedException {
        shell.run("for disk in sda sdb sdc; do case $(cat /sys/block/$disk/size) in 524288) i=0 ;; 262144) i=1 ;; 131072) i=2 ;; esac; echo /dev/$disk > /tmp/name$i; done");
        shell.run("for i in 0 1 2; do mkdir /tmp/d$i && /sbin/mke2fs -q -F -t ext4 $(cat /tmp/name$i) && mount -t ext4 $(cat /tmp/name$i) /tmp/d$i || exit 1; done");
        shell.run("dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null");
    }

    private static void load(DebianShell shell) throws InterruptedException {
        shell.run("for i in 0 1 2; do (n=0; while [ ! -e /tmp/stop ]; do n=$(((n + 1) % 8)); dd if=/tmp/data of=/tmp/d$i/copy$n bs=64k conv=fsync 2>/dev/null; echo 3 > /proc/sys/vm/drop_caches; md5sum < /tmp/d$i/copy$n; done"
            + " | cut -c 1-32 | sort | uniq > /tmp/sums.$i; touch /tmp/done.$i) & done");
    }

    private void everythingIsWhole() throws Exception {
        assertTrue(proc.read("filesystem/volumes"), proc.read("filesystem/volumes").contains(" mounted      0  vmhba0:0:0"));
        for (String disk : List.of("thin", "undo")) assertEquals(List.of(), volumes.disks().check(volumes.resolve("[datastore1] web/" + disk + ".vmdk"), Progress.NONE));
        assertEquals(List.of(), volumes.disks().check(volumes.resolve(SPARSE.toString()), Progress.NONE));
        assertEquals("what was undoable is committed", 4, volumes.find("datastore1").orElseThrow().list("/web").size());
        CheckReport report = volumes.check(lun(), false, Progress.NONE);
        assertTrue(report.errors().toString(), report.clean());
        lun().flush();
        DiskChecks.vmfs(LUN);
    }
}
