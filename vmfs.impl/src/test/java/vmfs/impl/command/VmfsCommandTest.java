package vmfs.impl.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.disk.VmdkFormats;
import vmfs.impl.volume.VmfsFileSystem;

/** The command as a user gives it; what it reads is held against Debian's tools. */
class VmfsCommandTest {
    private static final int GUID_TABLE = 446;

    @TempDir Path folder;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(), err = new ByteArrayOutputStream();

    private int run(Object... words) {
        out.reset();
        err.reset();
        String[] arguments = new String[words.length];
        for (int i = 0; i < words.length; i++) arguments[i] = words[i].toString();
        return new VmfsCommand(new VmfsFileSystem(), VmdkFormats::new, out, new PrintStream(err, true), false).run(arguments);
    }

    private String said(Object... words) {
        assertEquals(0, run(words), err::toString);
        assertEquals("", err.toString());
        return out.toString();
    }

    /** What is said on the error stream, which is one line. */
    private String trouble(int status, Object... words) {
        assertEquals(status, run(words), out::toString);
        assertEquals(1, err.toString().lines().count(), err::toString);
        return err.toString().strip();
    }

    private Path reference() throws IOException {
        Path image = folder.resolve("v5.img");
        if (!Files.exists(image)) ReferenceVolumes.vmfs5().save(image);
        return image;
    }

    @Test
    void filesAreListedAsOthersListThem() throws IOException {
        Path image = reference();
        assertEquals(VmfsTools.list(image, "/").stream().sorted().toList(), said(image, "ls", "-a").lines().toList());
        assertEquals("directory\n", said(image, "ls"));
        assertEquals(VmfsTools.list(image, "/directory").stream().sorted().toList(), said(image, "ls", "/directory").lines().toList());
        assertEquals(said(image, "ls", "/directory"), said(image, "ls", ":directory/"), "with the mark of the volume, too");
        String all = said(image, "ls", "-lR");
        assertTrue(all.contains("\n-rw-r--r--   1 0     0        8 "), all);
        assertTrue(all.contains("symlink -> file4\n"), all);
        assertTrue(said(image, "ls", "-lh", "/directory/file5").contains(" 8.0K "));
        assertEquals("/directory/symlink\n", said(image, "ls", "/directory/symlink"));
    }

    @Test
    void filesAreReadAsOthersReadThem() throws IOException {
        Path image = reference();
        said(image, "cat", "/directory/file4", "/directory/file5");
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.write(VmfsTools.cat(image, "/directory/file4"));
        both.write(VmfsTools.cat(image, "/directory/file5"));
        assertArrayEquals(both.toByteArray(), out.toByteArray());
        said(image, "cp", "-r", ":/", folder.resolve("all"));
        assertArrayEquals(VmfsTools.cat(image, "/directory/file5"), Files.readAllBytes(folder.resolve("all/directory/file5")));
        assertEquals("file4", Files.readSymbolicLink(folder.resolve("all/directory/symlink")).toString());
        said(image, "cp", ":/directory/file4", ":/directory/symlink", folder);
        assertArrayEquals(VmfsTools.cat(image, "/directory/file4"), Files.readAllBytes(folder.resolve("symlink")), "a link that is named is followed");
    }

    @Test
    void readingNeedsNoRightToWriteAndWritesNothing() throws IOException {
        Path image = reference();
        image.toFile().setWritable(false);
        byte[] before = Files.readAllBytes(image);
        for (String command : List.of("ls", "df", "stat", "locks")) said(image, command);
        assertArrayEquals(before, Files.readAllBytes(image));
        assertTrue(said(image, "stat", "/directory/file5").contains("Size:      8193 bytes"));
        assertTrue(said(image, "df").lines().toList().get(1).matches("VMFS5 Test +VMFS-5.81 +262144 +15360 +246784 +6%  .*"), out.toString());
    }

    @Test
    void troubleIsOneLineAndStatusOne() throws IOException {
        Path image = reference();
        assertTrue(trouble(1, image, "cat", "/no").startsWith("vmfs: /no: "), err::toString);
        assertTrue(trouble(1, image, "cp", ":/directory", folder).endsWith("is a folder; -r copies it with what is in it"));
        assertEquals("vmfs: " + folder + "/none: there is no such file", trouble(1, folder + "/none", "ls"));
        Path small = Files.write(folder.resolve("small"), new byte[5000]);
        assertEquals("vmfs: " + small + ": there is no VMFS volume in it: it has 4608 bytes only", trouble(1, small, "ls"));
        Path other = folder.resolve("other");
        make(other, 40 << 20);
        assertEquals("vmfs: " + other + ": there is no VMFS volume in it, nor a VMFS partition; is it a raw image?", trouble(1, other, "ls"));
        try (FileChannel cut = FileChannel.open(image, StandardOpenOption.WRITE)) {
            cut.truncate(30 << 20);
        }
        assertTrue(trouble(1, image, "ls").contains("was it cut?"), err::toString);
    }

    @Test
    void aWrongCommandLineIsOneLineAndStatusTwo() {
        assertEquals("vmfs: a command is missing; see vmfs --help", trouble(2, "x.img"));
        assertEquals("vmfs: \"lss\" is not known; see vmfs --help", trouble(2, "x.img", "lss"));
        assertEquals("vmfs: \"-q\" is not known; see vmfs ls --help", trouble(2, "x.img", "ls", "-q"));
        assertTrue(trouble(2, "x.img", "cp", "a", "b").contains("no path is in the volume; a colon marks those that are: :a"), err::toString);
        assertTrue(trouble(2, "x.img", "mkfs", "-b", "ten").contains("-b: \"ten\" is no size"), err::toString);
        trouble(2);
        assertEquals(0, run("--help"));
        assertTrue(out.toString().contains("Usage: vmfs"), out::toString);
        assertEquals(0, run("x.img", "cp", "--help"));
        assertTrue(out.toString().contains("A colon marks paths in the volume"), out::toString);
    }

    @Test
    void aDiskInTheVolumeBecomesARawImage() throws IOException, InterruptedException {
        Path image = folder.resolve("new.img");
        byte[] data = new byte[6 << 20];
        new java.util.Random(5).nextBytes(data);
        java.util.Arrays.fill(data, 1 << 20, 3 << 20, (byte) 0);
        Path raw = Files.write(folder.resolve("raw"), data);
        Path disk = folder.resolve("disk.vmdk");
        assertEquals(0, new ProcessBuilder("qemu-img", "convert", "-f", "raw", "-O", "vmdk", raw.toString(), disk.toString()).inheritIO().start().waitFor());
        said(image, "mkfs", "--size", "300m");
        said(image, "cp", disk, ":/");
        assertTrue(said(image, "disks", "/disk.vmdk").startsWith("/disk.vmdk: monolithicSparse, 6.0M (6291456 bytes), "), out::toString);
        said(image, "disks", "/disk.vmdk", "--raw", folder.resolve("back"));
        assertEquals(-1, Files.mismatch(raw, folder.resolve("back")));
        assertEquals("vmfs: " + folder + "/back: is there already", trouble(1, image, "disks", "/disk.vmdk", "--raw", folder.resolve("back")));
        assertTrue(trouble(1, image, "disks", "/none.vmdk").startsWith("vmfs: /"), err::toString);
    }

    private static void make(Path file, long bytes) throws IOException {
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(bytes);
        }
    }

    /** @param types of the partitions of 300 MiB each, one after another */
    private Path disk(int... types) throws IOException {
        Path disk = folder.resolve("disk");
        make(disk, 1L << 30);
        ByteBuffer sector = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < types.length; i++) {
            int at = GUID_TABLE + 16 * i;
            sector.put(at + 4, (byte) types[i]).putInt(at + 8, 2048 + i * (300 << 11)).putInt(at + 12, 300 << 11);
        }
        sector.putShort(510, (short) 0xAA55);
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
            channel.write(sector, 0);
        }
        return disk;
    }

    @Test
    void theOnlyVmfsPartitionIsTaken() throws IOException {
        Path disk = disk(0x83, 0xFB);
        assertEquals("vmfs: " + disk + ":2: there is no VMFS volume in it", trouble(1, disk, "ls"));
        said(disk, "mkfs", "-S", "second");
        assertTrue(said(disk, "df").contains("second"));
        assertTrue(said(disk + ":2", "df", "-h").contains("256M"));
        assertEquals("vmfs: " + disk + ":1: there is no VMFS volume in it", trouble(1, disk + ":1", "ls"));
        assertEquals("vmfs: " + disk + ": has no partition 3; there are: 1, 2", trouble(1, disk + ":3", "ls"));
    }

    @Test
    void oneOfSeveralPartitionsIsNamed() throws IOException {
        Path disk = disk(0xFB, 0xFB);
        assertEquals("vmfs: " + disk + ": has VMFS partitions 1, 2; say which one: " + disk + ":1", trouble(1, disk, "ls"));
        said(disk + ":2", "mkfs", "-S", "b", "--type", "vmfs3");
        assertTrue(said(disk + ":2", "df").contains("VMFS-3"));
        Path foreign = disk(0x83);
        assertEquals("vmfs: " + foreign + ": has partitions, none of type VMFS; say which one: " + foreign + ":NUMBER", trouble(1, foreign, "mkfs"));
    }

    @Test
    void aVolumeIsMadeOnAFileAndNotOverAnother() throws IOException {
        Path image = folder.resolve("new.img");
        assertEquals("vmfs: " + image + ": there is no such file", trouble(1, image, "mkfs"));
        said(image, "mkfs", "--size", "600m", "-S", "data");
        VmfsTools.requireWhole(image);
        assertTrue(said(image, "df", "-h").contains("512M"), out::toString);
        assertEquals("vmfs: " + image + ": has a VMFS-5.81 volume \"data\"; --force gives it up", trouble(1, image, "mkfs"));
        said(image, "mkfs", "--force");
        assertTrue(said(image, "df").contains("\nnew "), out::toString);
        assertTrue(trouble(1, image, "mkfs", "--size", "1m").contains("which is more than 1048576"));
        assertTrue(trouble(1, image, "mkfs", "--force", "--type", "vmfs9").contains("vmfs9"), err::toString);
    }
}
