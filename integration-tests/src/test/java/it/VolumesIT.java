package it;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Volumes in the shell, and {@code ./vmfs} on the same disk without the host. */
public class VolumesIT {
    private static final String DISK = "var/hardware/unit0.img";

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();
    private Path home;
    private byte[] data;

    @Before
    public void aFile() throws Exception {
        home = temporary.getRoot().toPath();
        data = new byte[5_000_000];
        new Random(1).nextBytes(data);
        Files.write(home.resolve("data"), data);
    }

    private String said(Vmk.Result result) {
        assertEquals(result.err(), 0, result.status());
        assertEquals("", result.err());
        return result.out();
    }

    @Test
    public void whatTheShellWritesIsReadWithoutTheHostAndBack() throws Exception {
        String table = said(Vmk.run(home, "-c", "vmkfstools -C vmfs5 -S store vmhba0:0:0; mkdir /vmfs/store/vm; cp data store:vm/; vmkfstools -c 5m -d thin store:vm/a.vmdk; ls /vmfs/store/vm; vdf -h"));
        assertTrue(table, table.startsWith("a-flat.vmdk\na.vmdk\ndata\nFilesystem"));
        assertTrue(table, table.contains("/vmfs/store on vmhba0:0:0"));
        said(Vmk.runVmfs(home, DISK, "cp", "-r", ":/vm", "out"));
        assertArrayEquals(data, Files.readAllBytes(home.resolve("out/data")));
        assertTrue(said(Vmk.runVmfs(home, DISK, "check")).endsWith("clean\n"));
        said(Vmk.runVmfs(home, DISK, "mv", "/vm/data", "/vm/moved"));
        said(Vmk.run(home, "-c", "cp /vmfs/store/vm/moved back; rm -r /vmfs/store/vm; vmkfstools --check store"));
        assertArrayEquals(data, Files.readAllBytes(home.resolve("back")));
        assertEquals("", said(Vmk.runVmfs(home, DISK, "ls")));
    }

    @Test
    public void aDiskThatAHostHasIsInUse() throws Exception {
        try (Vmk host = Vmk.startOnTerminal(home)) {
            host.expect("vmk> ").send("vmkfstools -C vmfs5 -S store vmhba0:0:0; vdf\r").expect("/vmfs/store on vmhba0:0:0");
            Vmk.Result result = Vmk.runVmfs(home, DISK, "ls");
            assertEquals(1, result.status());
            assertEquals("vmfs: " + DISK + ": is in use by another program that wants it alone\n", result.err());
            host.send("exit\r");
            assertEquals(0, host.end().status());
        }
        assertEquals("", said(Vmk.runVmfs(home, DISK, "ls")));
    }

    @Test
    public void theCommandTellsTroubleInOneLine() throws Exception {
        said(Vmk.runVmfs(home, "new.img", "mkfs", "--size", "300m"));
        assertTrue(said(Vmk.runVmfs(home, "new.img", "df")).contains("\nnew "));
        assertEquals(new Vmk.Result(1, "", "vmfs: none: there is no such file\n"), Vmk.runVmfs(home, "none", "ls"));
        assertEquals(2, Vmk.runVmfs(home, "new.img", "dance").status());
        assertEquals(2, Vmk.runVmfs(home).status());
        assertEquals(new Vmk.Result(1, "", "vmfs: test: there is no such file\n"), Vmk.runVmfs(home, "test", "ls"));
    }
}
