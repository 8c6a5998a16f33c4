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
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The host is killed under load: what the guest had flushed is there. */
public class PullThePlugIT {
    private static final Duration BOOT = Duration.ofMinutes(5);
    private static final int FILES = 25;
    private static final Pattern KEPT = Pattern.compile("kept (\\d+) ([0-9a-f]{32})");

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Test
    public void aHostThatIsKilledLosesNothingThatTheGuestHadFlushed() throws Exception {
        Path guest = DebianShell.files();
        Path home = temporary.getRoot().toPath();
        Path lun = home.resolve("lun.img");
        Files.createDirectories(home.resolve("etc"));
        Files.writeString(home.resolve("etc/hardware.conf"), """
            pci.001:03.0.model = "smartarray5i"
            pci.001:03.0.unit0.file = "%s"
            pci.001:03.0.unit0.size = "256M"
            """.formatted(lun));
        String create = "create plug memsize=256 serial0.present=TRUE boot.kernel=" + guest.resolve("vmlinuz") + " boot.initrd=" + guest.resolve("initrd")
            + " 'boot.append=console=ttyS0 cryptomgr.notests=1' scsi0.present=TRUE scsi0.virtualDev=lsilogic scsi0:0.present=TRUE scsi0:0.name=vmhba0:0:0";
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
        // the journal is replayed, as at the next mount; then nothing is wrong
        command(home, "e2fsck", "-p", lun.toString());
        command(home, "e2fsck", "-fn", lun.toString());
        for (Map.Entry<Integer, String> file : kept.entrySet()) {
            Path copy = home.resolve("copy");
            command(home, "debugfs", "-R", "dump /f" + file.getKey() + " " + copy, lun.toString());
            assertEquals("file " + file.getKey(), file.getValue(), HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(Files.readAllBytes(copy))));
        }
    }

    private static void command(Path folder, String... command) throws Exception {
        Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        // 1: e2fsck corrected errors, which a replay of the journal counts as
        int status = process.waitFor();
        assertTrue(String.join(" ", command) + ": " + said, status == 0 || status == 1 && command[1].equals("-p"));
    }
}
