package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import vmkernel.api.disk.DiskFormat;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile.Mode;
import vmkernel.api.storage.BlockOperation;

/** Disks whose files are damaged are told of in one line. */
@Timeout(120)
class DamagedDisksTest {
    private static final int BYTES = 3 << 20, ROUNDS = 250;
    @TempDir
    java.nio.file.Path folder;
    private final VmdkFormats formats = new VmdkFormats();

    private MemoryVolume volume(DiskFormat format) throws IOException {
        MemoryVolume volume = new MemoryVolume();
        formats.create(volume.at("/raw.img"), DiskFormat.RAW, BYTES, Progress.NONE);
        try (DiskImage disk = formats.open(DiskFiles.PLAIN, volume.at("/raw.img"), Mode.WRITE)) {
            Disks.write(disk, 100, Disks.random(new Random(1), 2000));
        }
        if (format == DiskFormat.SE_SPARSE || format == DiskFormat.VMFS_SPARSE) {
            formats.copy(volume.at("/raw.img"), volume.at("/base.vmdk"), DiskFormat.MONOLITHIC_SPARSE, Progress.NONE);
        }
        if (format == DiskFormat.VMFS_SPARSE) {
            formats.createChild(volume.at("/base.vmdk"), volume.at("/d.vmdk"));
            try (DiskImage disk = formats.open(DiskFiles.PLAIN, volume.at("/d.vmdk"), Mode.WRITE)) {
                Disks.write(disk, 1000, Disks.random(new Random(2), 500));
            }
        } else if (format == DiskFormat.SE_SPARSE) {
            SeSparseSample.write(folder.resolve("d.vmdk"), "base.vmdk", Descriptor.hex(formats.info(volume.at("/base.vmdk")).cid()), new byte[BYTES], new Random(3));
            for (String name : List.of("d.vmdk", "d-sesparse.vmdk")) volume.put("/" + name, java.nio.file.Files.readAllBytes(folder.resolve(name)));
        } else {
            formats.copy(volume.at("/raw.img"), volume.at("/d.vmdk"), format, Progress.NONE);
        }
        return volume;
    }

    /** Does with it all that can be done, whatever comes of it. */
    private void use(MemoryVolume volume, String what) {
        List<Step> steps = List.of(() -> formats.info(volume.at("/d.vmdk")), () -> formats.check(volume.at("/d.vmdk"), Progress.NONE),
            () -> readAndWrite(volume, Mode.SHARE), () -> readAndWrite(volume, Mode.WRITE), () -> formats.copy(volume.at("/d.vmdk"), volume.at("/copy.vmdk"), DiskFormat.VMFS_THIN, limited()));
        for (Step step : steps) {
            try {
                step.run();
            } catch (IOException e) {
                String line = e.getMessage();
                assertTrue(line != null && !line.contains("\n") && line.startsWith("/") && line.contains(": "), () -> what + ": " + line);
            } catch (java.util.concurrent.CancellationException e) {
                // a disk that became so long
            } catch (RuntimeException | OutOfMemoryError e) {
                fail(what, e);
            }
        }
    }

    private static Progress limited() {
        int[] calls = {0};
        return (done, total) -> {
            if (calls[0]++ > 1000) throw new java.util.concurrent.CancellationException();
        };
    }

    private interface Step {
        void run() throws IOException;
    }

    private void readAndWrite(MemoryVolume volume, Mode mode) throws IOException {
        try (DiskImage disk = formats.open(DiskFiles.PLAIN, volume.at("/d.vmdk"), mode)) {
            long blocks = Math.min(disk.blocks(), BYTES / 512);
            for (long block = 0; block < blocks; block += 64) {
                byte[] data = new byte[(int) Math.min(64, blocks - block) * 512];
                Disks.run(disk, BlockOperation.READ, block, data, 0, data.length);
                if (block % 640 == 0) Disks.run(disk, BlockOperation.WRITE, block, data, 0, data.length);
            }
            Disks.run(disk, BlockOperation.FLUSH, 0, null, 0, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DiskFormat.class, names = {"VMFS", "MONOLITHIC_SPARSE", "TWO_GB_SPARSE", "STREAM_OPTIMIZED", "VMFS_SPARSE", "SE_SPARSE"})
    void whateverIsWrongInAHeaderADescriptorOrATableIsAnErrorInOneLine(DiskFormat format) throws IOException {
        MemoryVolume whole = volume(format);
        Random random = new Random(format.ordinal());
        List<String> files = new ArrayList<>(whole.names());
        files.removeIf(name -> name.startsWith("/raw") || name.startsWith("/base") || name.endsWith("-flat.vmdk"));
        for (int round = 0; round < ROUNDS; round++) {
            MemoryVolume volume = whole.cut(random);
            String name = files.get(random.nextInt(files.size()));
            byte[] bytes = volume.bytes(name);
            String what = format + " " + name + " round " + round;
            // mostly where structures are; all of it after the third kilobyte is tables
            int from = random.nextInt(3) == 0 ? 0 : format == DiskFormat.SE_SPARSE && random.nextBoolean() ? Math.min(bytes.length - 1, 4096 * 512) : 0;
            int span = Math.min(bytes.length - from, random.nextBoolean() ? 2048 : 80 * 512);
            switch (random.nextInt(5)) {
                case 0 -> bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
                case 1 -> java.util.Arrays.fill(bytes, from, Math.min(bytes.length, from + 1 + random.nextInt(span)), (byte) random.nextInt(256));
                case 2 -> {
                    byte[] noise = new byte[Math.min(512, span)];
                    random.nextBytes(noise);
                    System.arraycopy(noise, 0, bytes, from + random.nextInt(span - noise.length + 1), noise.length);
                }
                default -> {
                    for (int i = 0; i <= random.nextInt(4); i++) bytes[from + random.nextInt(span)] ^= (byte) (1 << random.nextInt(8));
                }
            }
            volume.put(name, bytes);
            use(volume, what);
        }
    }

    private String refused(MemoryVolume volume, String path) {
        String line = assertThrows(IOException.class, () -> formats.open(DiskFiles.PLAIN, volume.at(path), Mode.WRITE)).getMessage();
        assertFalse(line.contains("\n"));
        return line;
    }

    @Test
    void errorsSayFilePlaceAndWhatIsWrong() throws IOException {
        MemoryVolume volume = volume(DiskFormat.MONOLITHIC_SPARSE);
        byte[] bytes = volume.bytes("/d.vmdk");
        byte[] wrong = bytes.clone();
        wrong[4] = 9;
        volume.put("/d.vmdk", wrong);
        assertEquals("/d.vmdk: byte 4: version 9 of the sparse extent is not known", refused(volume, "/d.vmdk"));
        wrong = bytes.clone();
        wrong[75] = '\n';
        volume.put("/d.vmdk", wrong);
        assertEquals("/d.vmdk: byte 73: the file was changed by a transfer as text; transfer it again, as binary", refused(volume, "/d.vmdk"));
        volume.put("/d.vmdk", java.util.Arrays.copyOf(bytes, 15000));
        assertEquals("/d.vmdk: byte 13312: grain table 0 would be out of the file", refused(volume, "/d.vmdk"));
        wrong = bytes.clone();
        java.util.Arrays.fill(wrong, 57, 63, (byte) -1);
        wrong[63] = 0x7F; // the greatest number that there is
        volume.put("/d.vmdk", wrong);
        assertTrue(refused(volume, "/d.vmdk").startsWith("/d.vmdk: byte 0: the grain directory would be at block 9223372036854775"));
        volume.put("/e.vmdk", new byte[100]);
        assertEquals("/e.vmdk: byte 0: no descriptor of a virtual disk begins here", refused(volume, "/e.vmdk"));
        volume.put("/e.img", bytes);
        assertEquals("/e.img: byte 0: this is a VMDK image, and no raw one; the name of a virtual disk ends with .vmdk", refused(volume, "/e.img"));
        assertEquals("/gone.vmdk: no such file or directory", refused(volume, "/gone.vmdk"));
    }

    @Test
    void aChildOfAParentThatWasWrittenIsRefused() throws IOException {
        MemoryVolume volume = volume(DiskFormat.VMFS_SPARSE);
        try (DiskImage base = formats.open(DiskFiles.PLAIN, volume.at("/base.vmdk"), Mode.WRITE)) {
            Disks.contents(base);
        }
        formats.open(DiskFiles.PLAIN, volume.at("/d.vmdk"), Mode.SHARE).close(); // it was opened only
        try (DiskImage base = formats.open(DiskFiles.PLAIN, volume.at("/base.vmdk"), Mode.WRITE)) {
            Disks.write(base, 0, new byte[512]);
        }
        String line = refused(volume, "/d.vmdk");
        assertTrue(line.startsWith("/vmfs/memory/d.vmdk: its parent base.vmdk was changed after this redo log was made: its content id is "), line);
        assertEquals(List.of(line), formats.check(volume.at("/d.vmdk"), Progress.NONE));
    }

    @Test
    void aChainThatBitesItsTailIsRefused() throws IOException {
        MemoryVolume volume = volume(DiskFormat.VMFS);
        String text = "# Disk DescriptorFile\nversion=1\nCID=00000001\nparentCID=00000001\ncreateType=\"vmfsSparse\"\nparentFileNameHint=\"%s\"\nRW 6144 VMFS \"d-flat.vmdk\"\n";
        volume.put("/x.vmdk", String.format(text, "y.vmdk").getBytes(StandardCharsets.UTF_8));
        volume.put("/y.vmdk", String.format(text, "x.vmdk").getBytes(StandardCharsets.UTF_8));
        String line = assertThrows(IOException.class, () -> formats.open(DiskFiles.PLAIN, volume.at("/x.vmdk"), Mode.READ)).getMessage();
        assertTrue(line.contains("does one of them name a child of its own?"), line);
    }
}
