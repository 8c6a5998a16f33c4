package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The host is killed under load: what the guest had flushed is there. */
public class PullThePlugIT {
    private static final Duration BOOT = Duration.ofMinutes(5);
    private static final int FILES = 25;
    private static final Pattern KEPT = Pattern.compile("kept (\\d+) ([0-9a-f]{32})");

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private Path home, lun;

    @Before
    public void hardware() throws Exception {
        home = temporary.getRoot().toPath();
        lun = home.resolve("lun.img");
        Files.createDirectories(home.resolve("etc"));
        Files.writeString(home.resolve("etc/hardware.conf"), """
            pci.001:03.0.model = "smartarray5i"
            pci.001:03.0.unit0.file = "%s"
            pci.001:03.0.unit0.size = "1G"
            """.formatted(lun));
    }

    @Test
    public void aHostThatIsKilledLosesNothingThatTheGuestHadFlushed() throws Exception {
        Map<Integer, String> kept = killed("", "vmhba0:0:0");
        // the journal is replayed, as at the next mount; then nothing is wrong
        DiskChecks.ext4(lun, true);
        requireKept(kept, lun);
    }

    /** The same with a disk in a file: the volume's own journal is replayed by the next host. */
    @Test
    public void aHostThatIsKilledLosesNothingOfADiskOnVmfs() throws Exception {
        Map<Integer, String> kept = killed("vmkfstools -C vmfs5 -S datastore1 vmhba0:0:0; mkdir /vmfs/datastore1/plug; vmkfstools -c 512m -d thin '[datastore1] plug/disk.vmdk'; ", "datastore1:plug/disk.vmdk");
        Path copy = home.resolve("disk.img");
        Vmk.Result result = Vmk.run(home, "-c", "vmkfstools --check vmhba0:0:0; vmkfstools -x check '[datastore1] plug/disk.vmdk'; vmkfstools -i '[datastore1] plug/disk.vmdk' -d raw " + copy);
        assertEquals(result.out() + result.err(), 0, result.status());
        DiskChecks.vmfs(lun);
        DiskChecks.ext4(copy, true);
        requireKept(kept, copy);
    }

    /** Runs a guest on a disk until it has kept some files, and kills its host. @return sums of the files */
    private Map<Integer, String> killed(String prepare, String disk) throws Exception {
        Path guest = DebianShell.files();
        String create = prepare + "create plug memsize=256 serial0.present=TRUE boot.kernel=" + guest.resolve("vmlinuz") + " boot.initrd=" + guest.resolve("initrd")
            + " 'boot.append=console=ttyS0 cryptomgr.notests=1' scsi0.present=TRUE scsi0.virtualDev=lsilogic scsi0:0.present=TRUE scsi0:0.name=" + disk;
        Map<Integer, String> kept = new TreeMap<>();
        try (Vmk vmk = Vmk.start(home, "-c", create + "; start plug; console plug")) {
            vmk.expect("guest is ready", BOOT);
            vmk.send("/sbin/mke2fs -q -F -t ext4 /dev/sda && mount -t ext4 /dev/sda /mnt && echo mount'ed'\n").expect("mounted");
            vmk.send("(while true; do dd if=/dev/urandom of=/mnt/noise bs=64k count=64 2>/dev/null; done) &\n");
            vmk.send("i=0; while true; do i=$((i+1)); dd if=/dev/urandom of=/mnt/f$i bs=1k count=$((i % 64 + 1)) conv=fsync 2>/dev/null && sync && echo kept $i $(md5sum < /mnt/f$i | cut -c 1-32) ok; done\n");
            vmk.expect("kept " + FILES + " ", BOOT).expect(" ok");
            vmk.signal("KILL");
            vmk.end();
            for (Matcher matcher = KEPT.matcher(vmk.out()); matcher.find(); ) kept.put(Integer.parseInt(matcher.group(1)), matcher.group(2));
        }
        assertTrue(kept.toString(), kept.size() >= FILES);
        return kept;
    }

    private void requireKept(Map<Integer, String> kept, Path image) throws Exception {
        for (Map.Entry<Integer, String> file : kept.entrySet()) {
            Path copy = home.resolve("copy");
            DiskChecks.run(0, "debugfs", "-R", "dump /f" + file.getKey() + " " + copy, image.toString());
            assertEquals("file " + file.getKey(), file.getValue(), HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(Files.readAllBytes(copy))));
        }
    }
}
