package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import vmfs.impl.fixture.Craft;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Generation;
import vmfs.impl.format.LvmHeader;
import vmfs.impl.format.Uuid;
import vmfs.impl.format.VolumeEntry;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** Volumes on several devices. */
class ExtentsTest {
    private static final int MIB = 1 << 20;
    private static final long EXTENT = LvmHeader.EXTENT_BYTES;
    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private final byte[] content = new byte[4 * MIB];

    /** A volume of five physical extents, the first two on one device and three on another; a file has blocks on both. */
    private List<RamDisk> volume() throws IOException {
        new Random(1).nextBytes(content);
        Craft craft = Craft.of("vmfs5", 1, 5);
        int[] blocks = {510, 511, 512, 513};
        int[] slots = new int[8];
        for (int i = 0; i < 4; i++) {
            craft.mark(craft.geometry().fileBlocks(), blocks[i], false);
            craft.put((long) blocks[i] * MIB, Arrays.copyOfRange(content, i * MIB, (i + 1) * MIB));
            slots[2 * i] = i;
            slots[2 * i + 1] = Address.fileBlock(blocks[i]);
        }
        craft.named("file", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, content.length, 4, slots);
        return List.of(part(craft.disk(), 0, 2), part(craft.disk(), 2, 3));
    }

    private static RamDisk part(RamDisk whole, int first, int count) {
        RamDisk disk = RamDisk.of(LvmHeader.DATA + count * EXTENT);
        for (long at = 0; at < LvmHeader.DATA; at += MIB) disk.put(at, whole.get(at, MIB), 0, MIB);
        for (long at = 0; at < count * EXTENT; at += MIB) disk.put(LvmHeader.DATA + at, whole.get(LvmHeader.DATA + first * EXTENT + at, MIB), 0, MIB);
        long table = LvmHeader.volumeTable(Generation.VMFS5);
        ByteBuffer sector = ByteBuffer.wrap(disk.get(table, 512));
        VolumeEntry entry = new VolumeEntry(sector);
        entry.devices(2);
        entry.extents(count);
        entry.firstExtent(first);
        entry.lastExtent(first + count - 1);
        disk.put(table, sector.array(), 0, 512);
        sector = ByteBuffer.wrap(disk.get(LvmHeader.AT, 512));
        LvmHeader header = new LvmHeader(sector);
        header.extents(count);
        header.lastExtent(count - 1);
        header.device(new Uuid(1, 2, 3, first));
        disk.put(LvmHeader.AT, sector.array(), 0, 512);
        return disk;
    }

    @Test
    void aVolumeOnTwoDevicesIsReadInAnyOrder() throws IOException {
        List<RamDisk> parts = volume();
        assertEquals(2, vmfs.probe(parts.get(0)).orElseThrow().extents());
        assertEquals(2 * EXTENT, vmfs.probe(parts.get(1)).orElseThrow().first());
        assertEquals(List.of(), vmfs.check(List.copyOf(parts), false, Progress.NONE).errors());
        try (MountedVolume volume = vmfs.mount(List.of(parts.get(1), parts.get(0)), Host.reader(), Optional.empty()); VmFile file = volume.open("/file", VmFile.Mode.READ)) {
            ByteBuffer all = ByteBuffer.allocate(content.length);
            assertEquals(content.length, file.read(0, all));
            assertArrayEquals(content, all.array());
            ByteBuffer submitted = ByteBuffer.allocate(content.length);
            CompletableFuture<BlockResult> done = new CompletableFuture<>();
            file.submit(BlockOperation.READ, 0, new BufferTransfer(submitted), done::complete);
            assertEquals(BlockResult.GOOD, done.join());
            assertArrayEquals(content, submitted.array());
        }
        VmfsTools.withImage(parts.get(0), first -> VmfsTools.withImage(parts.get(1), second ->
            assertArrayEquals(content, VmfsTools.run("debugvmfs", first.toString(), second.toString(), "cat", "/file"))));
    }

    @Test
    void whatIsMissingIsTold() throws IOException {
        List<RamDisk> parts = volume();
        String one = assertThrows(IOException.class, () -> Extents.open(List.of(parts.get(0)))).getMessage();
        assertTrue(one.contains("has 2 devices, 1 are there"), one);
        String twice = assertThrows(IOException.class, () -> Extents.open(List.of(parts.get(0), parts.get(0)))).getMessage();
        assertTrue(twice.contains("begins at byte 0x0"), twice);
        String other = assertThrows(IOException.class, () -> Extents.open(List.of(parts.get(0), Craft.of("vmfs5", 1).disk()))).getMessage();
        assertTrue(other.contains("belongs to volume"), other);
    }

    @Test
    void aDeviceThatWasCutIsTold() throws IOException {
        RamDisk whole = Craft.of("vmfs5", 1, 5).disk();
        RamDisk cut = RamDisk.of(LvmHeader.DATA + 3 * EXTENT);
        for (long at = 0; at < LvmHeader.DATA + EXTENT; at += MIB) cut.put(at, whole.get(at, MIB), 0, MIB);
        String message = assertThrows(IOException.class, () -> vmfs.probe(cut)).getMessage();
        assertTrue(message.contains("was it cut?") && message.contains("0x100278"), message);
    }
}
