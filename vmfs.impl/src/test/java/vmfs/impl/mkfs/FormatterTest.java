package vmfs.impl.mkfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.RecordingDisk;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.format.FsHeader;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LvmHeader;
import vmkernel.api.files.FormatOptions;
import vmkernel.api.files.Progress;
import vmkernel.api.storage.BlockDevice;

class FormatterTest {
    private static final long MIB = 1 << 20;

    private static void format(BlockDevice disk, String type, int blockMib) throws IOException {
        Formatter.format(disk, new FormatOptions(type, "datastore1", blockMib << 20), Progress.NONE);
    }

    private static FsHeader header(RamDisk disk) { return new FsHeader(ByteBuffer.wrap(disk.get(LvmHeader.DATA + Generation.FS_HEADER, 512))); }

    @ParameterizedTest
    @CsvSource({"273, vmfs5, 0", "273, vmfs3, 1", "600, vmfs3, 2", "600, vmfs3, 4", "2100, vmfs3, 8", "2100, vmfs5, 1", "200000, vmfs5, 0", "67108900, vmfs5, 0"})
    void aNewVolumeIsWholeForTheToolsThatKnowVmfs(long mib, String type, int block) throws IOException {
        RamDisk disk = RamDisk.of(mib * MIB);
        format(disk, type, block);
        VmfsTools.withImage(disk, image -> {
            VmfsTools.requireWhole(image);
            List<String> names = VmfsTools.list(image, "/");
            assertTrue(names.containsAll(List.of(".fbb.sf", ".fdc.sf", ".pbc.sf", ".sbc.sf", ".vh.sf")), names.toString());
            assertEquals(type.equals("vmfs5"), names.contains(".pb2.sf"));
            assertArrayEquals(new byte[(int) MIB], VmfsTools.cat(image, "/" + Formatter.JOURNAL_NAME));
        });
        assertEquals("datastore1", header(disk).label());
    }

    @Test
    void whatWasOnTheDeviceBeforeDoesNotShow() throws IOException {
        RamDisk disk = RamDisk.of(273 * MIB);
        byte[] noise = new byte[(int) MIB];
        new java.util.Random(1).nextBytes(noise);
        for (long at = 0; at < 60 * MIB; at += MIB) disk.put(at, noise, 0, noise.length);
        format(disk, "vmfs5", 0);
        VmfsTools.requireWhole(disk);
    }

    @Test
    void aPowerCutLeavesTheOldVolumeNoneOrTheNewOne() throws IOException {
        RamDisk old = RamDisk.of(273 * MIB);
        format(old, "vmfs3", 1);
        RecordingDisk disk = new RecordingDisk(old);
        format(disk, "vmfs5", 0);
        int count = disk.events().size();
        for (int i = 0; i <= count; i++) {
            RamDisk after = disk.cut(i);
            boolean volume = new LvmHeader(ByteBuffer.wrap(after.get(LvmHeader.AT, 512))).magic() == LvmHeader.MAGIC && header(after).magic() == FsHeader.MAGIC;
            assertEquals(i == 0 || i >= count - 1, volume, "the old volume goes first, the new one comes last: " + i + " of " + count);
            if (volume) VmfsTools.requireWhole(after);
        }
    }

    @Test
    void aFailedWriteOrFlushIsTold() throws IOException {
        RecordingDisk good = new RecordingDisk(RamDisk.of(273 * MIB)).forgetful();
        format(good, "vmfs5", 0);
        for (long i = 0; i < good.operations(); i++) {
            RecordingDisk disk = new RecordingDisk(RamDisk.of(273 * MIB)).forgetful();
            disk.fail(i, 1);
            assertThrows(IOException.class, () -> format(disk, "vmfs5", 0), "operation " + i);
        }
    }

    @ParameterizedTest
    @CsvSource({"272, vmfs5, 0, 273 MiB", "300, vmfs6, 0, only read", "300, vmfs5, 2, 1 MiB", "300, vmfs3, 3, 'or 8 MiB'", "300, ext4, 0, no kind", "4000000, vmfs3, 8, 2 TiB"})
    void whatCannotBeMadeIsRefusedInWords(long mib, String type, int block, String why) {
        String message = assertThrows(IOException.class, () -> format(RamDisk.of(mib * MIB), type, block)).getMessage();
        assertTrue(message.contains(why), message);
    }

    @ParameterizedTest
    @CsvSource({"a/b", "'\t'"})
    void aLabelThatNoPathCanHaveIsRefused(String label) {
        assertThrows(IOException.class, () -> Formatter.format(RamDisk.of(300 * MIB), new FormatOptions("vmfs5", label, 0), Progress.NONE));
    }
}
