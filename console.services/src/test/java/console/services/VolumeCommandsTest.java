package console.services;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.proc.ProcTree;

/** Commands as a user gives them, on a real volume in an image. */
class VolumeCommandsTest {
    @TempDir Path folder;
    private FakeVolumes volumes;
    private FileCommands files;
    private VmkfstoolsCommand vmkfstools;
    private CommandSession session;

    @BeforeEach
    void aVolume() throws IOException {
        for (String image : List.of("0.img", "1.img")) {
            try (RandomAccessFile made = new RandomAccessFile(folder.resolve(image).toFile(), "rw")) {
                made.setLength(400 << 20);
            }
        }
        volumes = new FakeVolumes(folder.resolve("0.img"), folder.resolve("1.img"));
        session = fake(CommandSession.class, folder);
        files = new FileCommands(fake(ProcTree.class, null), volumes);
        vmkfstools = new VmkfstoolsCommand(volumes, volumes.storage());
        vmkfstools("-C", "vmfs5", "-S", "store", "vmhba0:0:0:0");
    }

    @AfterEach
    void close() throws IOException { volumes.close(); }

    /** @param folder current folder of a session */
    private static <T> T fake(Class<T> type, Path folder) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> switch (method.getName()) {
            case "currentDir" -> folder;
            case "read" -> "of " + arguments[0] + "\n";
            case "list" -> List.of("below " + arguments[0]);
            default -> null;
        }));
    }

    private static String said(Runnable command) {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true));
        try {
            command.run();
        } finally {
            System.setOut(before);
        }
        return out.toString();
    }

    private String vmkfstools(Object... words) { return said(() -> vmkfstools.execute(session, List.of(words))); }

    private String trouble(Object... words) { return assertThrows(CommandException.class, () -> vmkfstools(words)).getMessage(); }

    private String ls(String... words) { return said(() -> files.ls(session, words)); }

    private String cat(String... words) { return said(() -> files.cat(session, words)); }

    @Test
    void pathsLeadToVolumesToTheProcTreeAndToTheMachineBelow() throws IOException {
        Files.writeString(folder.resolve("here"), "text");
        files.cp(session, new String[] {"here", "/vmfs/store/"});
        files.cp(session, new String[] {"here", "store:there"});
        assertEquals("here\nthere\n", ls("/vmfs/store"));
        assertEquals("texttextof /proc/vmware/x\n", cat("/vmfs/store/there", folder.resolve("here").toString(), "/proc/vmware/x"));
        assertEquals("store\n", ls("/vmfs"));
        assertEquals(volumes.mounted().get(0).volume().uuid() + "\n", ls("/vmfs/volumes/"));
        assertEquals("below sched\n", ls("/proc/vmware/sched"));
        assertEquals("0.img\n1.img\nhere\n", ls());
        assertTrue(ls("-l", "/vmfs/store/here").startsWith("-rw"));
        Files.writeString(folder.resolve("a:b"), "colon");
        assertEquals("colon", cat("a:b"), "a file of this name comes first");
    }

    @Test
    void treesAreCopiedMovedAndDeleted() throws IOException {
        byte[] data = new byte[3_000_000];
        new Random(1).nextBytes(data);
        Files.createDirectories(folder.resolve("t/u"));
        Files.write(folder.resolve("t/u/data"), data);
        files.cp(session, new String[] {"-r", "t", "/vmfs/store"});
        files.mkdir(session, new String[] {"-p", "/vmfs/store/x/y"});
        files.mv(session, new String[] {"/vmfs/store/t", "/vmfs/store/x/y"});
        files.cp(session, new String[] {"-r", "/vmfs/store/x", "back"});
        assertArrayEquals(data, Files.readAllBytes(folder.resolve("back/y/t/u/data")));
        files.mv(session, new String[] {"/vmfs/store/x/y/t/u/data", "moved"});
        assertArrayEquals(data, Files.readAllBytes(folder.resolve("moved")));
        assertEquals("rm: /x: is a folder; -r deletes it with what is in it", assertThrows(CommandException.class, () -> files.rm(session, new String[] {"/vmfs/store/x"})).getMessage());
        files.rm(session, new String[] {"-r", "/vmfs/store/x"});
        assertEquals("", ls("/vmfs/store"));
        assertTrue(assertThrows(CommandException.class, () -> files.rm(session, new String[] {"/vmfs/store/x"})).getMessage().startsWith("rm: /x: "));
        files.rm(session, new String[] {"-f", "/vmfs/store/x"});
        assertEquals("cp: Unknown option: '-z'; see cp --help", assertThrows(CommandException.class, () -> files.cp(session, new String[] {"-z", "a", "b"})).getMessage());
        assertEquals("ls: there is no volume none", assertThrows(CommandException.class, () -> files.ls(session, new String[] {"/vmfs/none"})).getMessage());
    }

    @Test
    void theRoomOfVolumesIsTold() {
        String table = said(() -> files.vdf(new String[] {"-h"}));
        assertTrue(table.lines().toList().get(1).matches("store +VMFS-5.81 +256M +\\d+M +\\d+M +\\d+%  /vmfs/store on vmhba0:0:0"), table);
    }

    @Test
    void aVolumeIsMadeOnADeviceAndNotOverAnother() {
        vmkfstools("-C", "vmfs3", "-b", "2m", "/vmfs/devices/disks/vmhba0:1:0");
        assertEquals("datastore1\nstore\n", ls("/vmfs").lines().sorted().map(line -> line + "\n").reduce("", String::concat));
        assertEquals("vmkfstools: vmhba0:0:0: has volume store; --force gives it up", trouble("-C", "vmfs5", "vmhba0:0:0"));
        assertEquals("vmkfstools: vmhba7:0:0: there is no such device; ls /proc/vmware/scsi lists them", trouble("-C", "vmfs5", "vmhba7:0:0"));
        vmkfstools("-S", "other", "/vmfs/datastore1");
        assertTrue(ls("/vmfs").contains("other"));
    }

    @Test
    void aVolumeIsDescribedAsEsxDoes() throws IOException {
        List<String> told = vmkfstools("-P", "/vmfs/store").lines().toList();
        assertEquals("VMFS-5.81 file system spanning 1 partition.", told.get(0));
        assertEquals("File system label (if any): store", told.get(1));
        assertEquals("Mode: public", told.get(2));
        assertTrue(told.get(3).matches("Capacity 268435456 \\(256 file blocks \\* 1048576\\), \\d+ \\(\\d+ file blocks \\* 1048576\\) avail"), told.get(3));
        Files.writeString(folder.resolve("f"), "x");
        files.cp(session, new String[] {"f", "store:"});
        String list = vmkfstools("-l", "store");
        assertTrue(list.contains("\n-rw") && list.contains(" f\n") && list.contains(".fbb.sf"), list);
        assertEquals("/vmfs/store/f: is not locked\n", vmkfstools("-D", "/vmfs/store/f"));
    }

    @Test
    void disksAreMadeCopiedAndDeleted() throws IOException {
        vmkfstools("-c", "5m", "-d", "thin", "store:a.vmdk");
        assertTrue(vmkfstools("-q", "/vmfs/store/a.vmdk").startsWith("/vmfs/store/a.vmdk: thin, 5.0M (5242880 bytes), "), () -> vmkfstools("-q", "/vmfs/store/a.vmdk"));
        vmkfstools("-X", "6m", "store:a.vmdk");
        vmkfstools("-j", "store:a.vmdk");
        vmkfstools("-K", "store:a.vmdk");
        vmkfstools("-E", "store:a.vmdk", "store:b.vmdk");
        vmkfstools("-i", "store:b.vmdk", "-d", "zeroedthick", "store:c.vmdk");
        assertEquals("Disk is error free\n", vmkfstools("-x", "check", "store:c.vmdk"));
        vmkfstools("-e", "out.vmdk", "store:c.vmdk");
        assertTrue(Files.exists(folder.resolve("out.vmdk")));
        assertTrue(vmkfstools("-q", "out.vmdk").contains("2gbsparse, 6.0M"), () -> vmkfstools("-q", "out.vmdk"));
        assertTrue(vmkfstools("-g", "store:c.vmdk").startsWith("Geometry information C/H/S is "));
        vmkfstools("-U", "store:c.vmdk");
        vmkfstools("-U", "store:b.vmdk");
        assertEquals("", ls("/vmfs/store"));
    }

    @Test
    void whatIsNotKnownIsToldInOneLine() {
        assertTrue(trouble("-c", "ten", "store:x.vmdk").startsWith("vmkfstools: -c \"ten\" is no size"));
        assertEquals("vmkfstools: -d fat: no such format; see vmkfstools --help", trouble("-c", "1m", "-d", "fat", "store:x.vmdk"));
        assertEquals("vmkfstools: Unknown option: '-Z'; see vmkfstools --help", trouble("-Z", "vmhba0:1:0"));
        assertTrue(trouble("-P", "-l", "store").contains("mutually exclusive"), () -> trouble("-P", "-l", "store"));
        assertEquals("vmkfstools: one VOLUME is needed; see vmkfstools --help", trouble("-P"));
        assertEquals("vmkfstools: -L lunreset: resets are the driver's own: vmkload_mod -u MODULE, then vmkload_mod MODULE", trouble("-L", "lunreset", "vmhba0:0:0"));
        assertEquals("vmkfstools: -L melt: reserve and release are known", trouble("-L", "melt", "vmhba0:0:0"));
        assertEquals("vmkfstools: -x repair: check is known; disks are not repaired", trouble("-x", "repair", "store:x.vmdk"));
        assertEquals("vmkfstools: vmhba9: there is no such adapter with disks", trouble("-s", "vmhba9"));
        assertEquals("", vmkfstools("-L", "release", "vmhba0:0:0"));
        assertTrue(vmkfstools().contains("Usage: vmkfstools"));
        assertFalse(trouble("-U", "store:none.vmdk").contains("\n"));
    }
}
