package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
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
import vmkernel.api.vm.PowerMode;
import vmkernel.api.vm.PowerState;
import vmkernel.api.vm.VirtualMachine;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmRegistry;

/**
 * A Debian guest with Linux's own drivers on our adapters: its disk is behind drivers.cciss and a simulated Smart Array, its network
 * behind drivers.e100, a simulated 8255x and a tap interface in a namespace. Then every part between is updated under load.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class GuestIoIT {
    private static final String TAP = "vmkit0", HOST = "10.98.7.1", GUEST = "10.98.7.2";
    private static final Path HOME = Vmk.ROOT.resolve("integration-tests/target/guest-io");
    private static final Path LUN = HOME.resolve("lun.img"), RAW = HOME.resolve("raw.img");
    private static final int TRANSFER = 100 << 20;

    @Inject private BundleContext context;
    @Inject private VmRegistry registry;

    @Configuration
    public Option[] configuration() throws Exception {
        Files.createDirectories(HOME.resolve("etc"));
        Files.deleteIfExists(LUN);
        Files.deleteIfExists(HOME.resolve("var/devnames.conf"));
        boolean tap = Namespace.missing() == null;
        Files.writeString(HOME.resolve("etc/hardware.conf"), """
            pci.001:03.0.model = "smartarray5i"
            pci.001:03.0.unit0.file = "%s"
            pci.001:03.0.unit0.size = "512M"
            pci.002:04.0.model = "i82559"
            pci.002:04.0.mac = "00:02:b3:00:00:01"
            pci.002:04.0.net = "%s"
            """.formatted(LUN, tap ? "tap:" + TAP : "hub:lab"));
        return Bundles.shipped(HOME);
    }

    private VirtualMachine machine() throws Exception {
        Files.deleteIfExists(RAW);
        try (var raw = new java.io.RandomAccessFile(RAW.toFile(), "rw")) {
            raw.setLength(64 << 20);
        }
        Map<String, String> keys = DebianShell.machine();
        keys.put("scsi0.present", "TRUE");
        keys.put("scsi0.virtualDev", "lsilogic");
        keys.put("scsi0:0.present", "TRUE");
        keys.put("scsi0:0.name", "vmhba0:0:0");
        keys.put("scsi1.present", "TRUE");
        keys.put("scsi1.virtualDev", "buslogic");
        keys.put("scsi1:0.present", "TRUE");
        keys.put("scsi1:0.name", RAW.toString());
        keys.put("ethernet0.present", "TRUE");
        keys.put("ethernet0.virtualDev", "vlance");
        keys.put("ethernet0.connectionType", "monitor_dev");
        keys.put("ethernet0.devName", "vmnic0");
        keys.put("ethernet0.addressType", "static");
        keys.put("ethernet0.address", "00:50:56:01:02:03");
        return registry.register(new VmConfig(HOME.resolve("debian.vmx"), keys));
    }

    @Test
    public void aDebianGuestUsesItsDisksAndItsNetworkWhileEveryPartIsUpdated() throws Exception {
        String missing = Namespace.missing();
        assumeTrue("no network for the guest: " + missing, missing == null);
        VirtualMachine machine = machine();
        DebianShell shell = new DebianShell(machine.serial(0));
        try (Namespace host = Namespace.with(TAP, HOST)) {
            machine.powerOn();
            shell.booted();
            driversBind(shell);
            disksWork(shell);
            Path served = networkWorks(shell, host);
            updates(shell, host, served);
            shell.requireNoTrouble();
            shell.run("umount /mnt && e2fsck -fn $lun");
            shell.send("poweroff -f\n");
            assertEquals(null, machine.off().get(60, TimeUnit.SECONDS).failure());
        } finally {
            if (machine.state() != PowerState.OFF) machine.powerOff(PowerMode.HARD);
            registry.unregister(machine);
            Files.writeString(HOME.resolve("console.log"), shell.all());
        }
        Process check = new ProcessBuilder("e2fsck", "-fn", LUN.toString()).redirectErrorStream(true).start();
        String said = new String(check.getInputStream().readAllBytes());
        assertEquals(said, 0, check.waitFor());
    }

    private static void driversBind(DebianShell shell) throws InterruptedException {
        String said = shell.run("dmesg; cat /proc/partitions");
        for (String wanted : List.of("ioc0: LSI53C1030", "BusLogic BT-958", "pcnet32: PCnet/PCI II 79C970A", "sda", "sdb")) assertTrue(wanted + " in: " + said, said.contains(wanted));
        // Linux names disks in the order in which they answer; these are told apart by their sizes, in sectors
        shell.run("for disk in sda sdb; do case $(cat /sys/block/$disk/size) in 1048576) lun=/dev/$disk ;; 131072) raw=/dev/$disk ;; esac; done; [ -b $lun -a -b $raw ]");
    }

    private static void disksWork(DebianShell shell) throws InterruptedException {
        shell.run("/sbin/mke2fs -q -F -t ext4 $lun && mount -t ext4 $lun /mnt");
        shell.run("for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/mnt/file$i bs=64k count=32 2>/dev/null; done; sync");
        shell.run("cd /mnt && md5sum file* > /tmp/sums && cd /tmp && umount /mnt && /sbin/e2fsck -fn $lun");
        shell.run("mount -t ext4 $lun /mnt && cd /mnt && md5sum -c /tmp/sums && cd /tmp");
        shell.run("/sbin/mke2fs -q -F -t ext4 $raw && mkdir -p /tmp/b && mount -t ext4 $raw /tmp/b && cp /mnt/file1 /tmp/b && sync && cmp /mnt/file1 /tmp/b/file1 && umount /tmp/b && /sbin/e2fsck -fn $raw");
    }

    private static Path networkWorks(DebianShell shell, Namespace host) throws Exception {
        shell.run("ifconfig eth0 " + GUEST + " netmask 255.255.255.0 up");
        shell.run("ping -c 3 -w 20 " + HOST);
        host.run("ping", "-c", "3", "-w", "20", GUEST);
        Path served = Files.createDirectories(HOME.resolve("served"));
        String sum = randomFile(served.resolve("data"), TRANSFER);
        host.start(HOME.resolve("httpd.log"), "busybox", "httpd", "-f", "-p", HOST + ":80", "-h", served.toString());
        assertEquals(sum, shell.run("wget -q -O - http://" + HOST + "/data | md5sum | cut -c 1-32").strip());
        return served;
    }

    private static String randomFile(Path file, int bytes) throws Exception {
        MessageDigest md5 = MessageDigest.getInstance("MD5");
        Random random = new Random(7);
        byte[] chunk = new byte[1 << 16];
        try (OutputStream out = Files.newOutputStream(file)) {
            for (int left = bytes; left > 0; left -= chunk.length) {
                random.nextBytes(chunk);
                out.write(chunk);
                md5.update(chunk);
            }
        }
        return HexFormat.of().formatHex(md5.digest());
    }

    /** Disk and network are busy all the time; each part is updated again and again. */
    private void updates(DebianShell shell, Namespace host, Path served) throws Exception {
        String sum = shell.run("md5sum < /mnt/file1 | cut -c 1-32").strip();
        String data = HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(Files.readAllBytes(served.resolve("data"))));
        shell.run("(while [ ! -e /tmp/stop ]; do dd if=/mnt/file1 of=/mnt/copy bs=64k conv=fsync 2>/dev/null; md5sum < /mnt/copy; done | cut -c 1-32 | sort | uniq > /tmp/disk; touch /tmp/disk.done) &");
        shell.run("(while [ ! -e /tmp/stop ]; do wget -q -O - http://" + HOST + "/data | md5sum; done | cut -c 1-32 | sort | uniq > /tmp/net; touch /tmp/net.done) &");
        shell.run("(/sbin/pauses $lun > /tmp/pauses &)");
        List<String> report = new ArrayList<>();
        for (String name : List.of("drivers.e100", "drivers.cciss", "vmkernel.sched", "monitor.x86", "devices.pc")) report.add(updated(shell, host, name));
        shell.run("touch /tmp/stop; while [ ! -e /tmp/disk.done ] || [ ! -e /tmp/net.done ]; do sleep 1; done; kill $(pidof pauses)");
        assertEquals(sum, shell.run("cat /tmp/disk").strip());
        assertEquals(data, shell.run("cat /tmp/net").strip());
        report.forEach(System.out::println);
    }

    private String updated(DebianShell shell, Namespace host, String name) throws Exception {
        shell.run("kill $(pidof pauses); (/sbin/pauses $lun > /tmp/pauses &)");
        Path pings = HOME.resolve("ping-" + name + ".log");
        Process ping = host.start(pings, "ping", "-i", "0.002", "-D", GUEST);
        Updates updates = Updates.of(context, name);
        ping.destroy();
        ping.waitFor();
        shell.run("true");
        String line = name + ": " + Updates.COUNT + " updates; longest answer to a ping " + longest(pings) + " ms; disk reads of 5 ms and more, us: " + shell.run("grep -c . /tmp/pauses || true; sort -k 2 -n /tmp/pauses | tail -1").strip().replace("\n", " of them, longest ");
        updates.requireCollected();
        return line;
    }

    private static double longest(Path pings) throws Exception {
        return Files.readAllLines(pings).stream().filter(line -> line.contains("time=")).mapToDouble(line -> Double.parseDouble(line.replaceFirst(".*time=([0-9.]+) ms.*", "$1"))).max().orElse(-1);
    }
}
