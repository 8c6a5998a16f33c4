package vmfs.impl.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vmfs.impl.fixture.Craft;
import vmfs.impl.fixture.Host;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.format.Address;
import vmfs.impl.format.FileDescriptor;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.MountedVolume;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.BufferTransfer;

/** Files in all the forms that blocks are found in. */
class FormsTest {
    private static final int MIB = 1 << 20;
    private final VmfsFileSystem vmfs = new VmfsFileSystem();
    private final Random random = new Random(5);

    private byte[] bytes(int length) {
        byte[] all = new byte[length];
        random.nextBytes(all);
        return all;
    }

    /** What a file has, in every way that there is to ask; and the checker and the tools find no fault. */
    private void require(Craft craft, String path, byte[] expected) throws IOException {
        CheckReport report = vmfs.check(List.of(craft.disk()), false, Progress.NONE);
        assertEquals(List.of(), report.errors());
        try (MountedVolume volume = vmfs.mount(List.of(craft.disk()), Host.reader(), Optional.empty()); VmFile file = volume.open(path, VmFile.Mode.READ)) {
            assertEquals(expected.length, file.length());
            ByteBuffer all = ByteBuffer.allocate(expected.length + 10);
            assertEquals(expected.length, file.read(0, all));
            assertArrayEquals(expected, Arrays.copyOf(all.array(), expected.length));
            int blocks = (expected.length + 511) / 512;
            ByteBuffer submitted = ByteBuffer.allocate(blocks * 512);
            Arrays.fill(submitted.array(), (byte) 7);
            assertEquals(BlockResult.GOOD, submit(file, 0, submitted));
            assertArrayEquals(Arrays.copyOf(expected, blocks * 512), submitted.array(), "zeros behind the end");
            assertEquals(BlockResult.OUT_OF_RANGE, submit(file, 1, ByteBuffer.allocate(blocks * 512)));
            for (int i = 0; i < 50; i++) {
                int first = random.nextInt(blocks), count = 1 + random.nextInt(Math.min(blocks - first, 5000));
                ByteBuffer part = ByteBuffer.allocate(count * 512);
                assertEquals(BlockResult.GOOD, submit(file, first, part));
                assertArrayEquals(Arrays.copyOfRange(submitted.array(), first * 512, (first + count) * 512), part.array());
            }
        }
    }

    private static BlockResult submit(VmFile file, long block, ByteBuffer data) {
        CompletableFuture<BlockResult> done = new CompletableFuture<>();
        file.submit(BlockOperation.READ, block, new BufferTransfer(data), done::complete);
        return done.join();
    }

    @ParameterizedTest
    @CsvSource({"vmfs5, 1", "vmfs3, 1", "vmfs3, 2", "vmfs3, 8"})
    void fileBlocksWithHolesAndNeighbours(String type, int blockMib) throws IOException {
        Craft craft = Craft.of(type, blockMib);
        int block = blockMib * MIB;
        byte[] content = bytes(4 * block + 777);
        Arrays.fill(content, block, 2 * block, (byte) 0);
        int[] blocks = new int[4];
        for (int i = 0; i < 4; i++) blocks[i] = craft.fileBlock(Arrays.copyOfRange(content, (i == 0 ? 0 : i + 1) * block, (i == 0 ? 1 : i + 2) * block));
        craft.named("file", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, content.length, 4, 0, blocks[0], 2, blocks[1], 3, blocks[2], 4, blocks[3]);
        VmfsTools.withImage(craft.disk(), image -> {
            VmfsTools.requireWhole(image);
            assertArrayEquals(content, VmfsTools.cat(image, "/file"));
        });
        require(craft, "/file", content);
    }

    @ParameterizedTest
    @CsvSource({"vmfs5", "vmfs3"})
    void subBlocks(String type) throws IOException {
        Craft craft = Craft.of(type, 1);
        for (int i = 0; i < 70; i++) {
            byte[] content = bytes(1 + random.nextInt(craft.geometry().subBlockBytes()));
            craft.named("small" + i, FileDescriptor.FILE, FileDescriptor.SUB_BLOCKS, content.length, 1, 0, craft.subBlock(content));
            if (i % 16 == 0) VmfsTools.withImage(craft.disk(), image -> VmfsTools.requireWhole(image));
            String path = "/small" + i;
            if (i % 16 == 0) VmfsTools.withImage(craft.disk(), image -> assertArrayEquals(content, VmfsTools.cat(image, path)));
            require(craft, path, content);
        }
    }

    @ParameterizedTest
    @CsvSource({"vmfs5", "vmfs3"})
    void pointerBlocks(String type) throws IOException {
        Craft craft = Craft.of(type, 1);
        byte[] content = new byte[20 * MIB];
        int[] pointers = new int[40];
        for (int i = 0; i < 20; i++) {
            byte[] block = i % 3 == 1 ? new byte[MIB] : bytes(MIB);
            System.arraycopy(block, 0, content, i * MIB, MIB);
            pointers[2 * i] = i;
            pointers[2 * i + 1] = i % 3 == 1 ? 0 : craft.fileBlock(block);
        }
        int pointerBlock = craft.pointerBlock(Address.POINTER_BLOCK, pointers);
        int file = craft.named("file", FileDescriptor.FILE, FileDescriptor.POINTER_BLOCKS, content.length, 13, 0, pointerBlock);
        VmfsTools.withImage(craft.disk(), image -> {
            VmfsTools.requireWhole(image);
            assertArrayEquals(content, VmfsTools.cat(image, "/file"));
        });
        require(craft, "/file", content);
        // and far out, behind pointer blocks that are missing
        long far = 200L * 1024 * MIB + 3 * MIB;
        byte[] last = bytes(MIB);
        int lastBlock = craft.pointerBlock(Address.POINTER_BLOCK, 3, craft.fileBlock(last));
        craft.edit(file, changed -> {
            changed.block(200, lastBlock);
            changed.blocks(14);
            changed.length(far + MIB);
        });
        try (MountedVolume volume = vmfs.mount(List.of(craft.disk()), Host.reader(), Optional.empty()); VmFile open = volume.open("/file", VmFile.Mode.READ)) {
            assertEquals(far, open.nextData(20 * MIB));
            assertEquals(MIB, open.nextHole(5));
            assertEquals(2 * MIB, open.nextData(MIB + 5));
            assertEquals(19 * MIB, open.nextHole(18 * MIB));
            assertEquals(far + MIB, open.nextHole(far + 1));
            assertEquals(far + MIB, open.nextData(far + MIB));
            ByteBuffer part = ByteBuffer.allocate(2 * MIB);
            assertEquals(2 * MIB, open.read(far - MIB, part));
            assertArrayEquals(last, Arrays.copyOfRange(part.array(), MIB, 2 * MIB));
            ByteBuffer submitted = ByteBuffer.allocate(2 * MIB);
            assertEquals(BlockResult.GOOD, submit(open, (far - MIB) / 512, submitted));
            assertArrayEquals(part.array(), submitted.array());
        }
    }

    @Test
    void pointerBlocksOfPointerBlocks() throws IOException {
        Craft craft = Craft.of("vmfs5", 1);
        byte[] content = bytes(3 * MIB);
        int first = craft.pointerBlock(Address.POINTER_BLOCK, 0, craft.fileBlock(Arrays.copyOf(content, MIB)), 1, craft.fileBlock(Arrays.copyOfRange(content, MIB, 2 * MIB)),
            2, craft.fileBlock(Arrays.copyOfRange(content, 2 * MIB, 3 * MIB)));
        int file = craft.named("file", FileDescriptor.FILE, FileDescriptor.DOUBLE_POINTER_BLOCKS, content.length, 3, 0, craft.pointerBlock(Address.POINTER_BLOCK_2, 0, first));
        require(craft, "/file", content);
        // 40 TiB
        byte[] last = bytes(MIB);
        int far = craft.pointerBlock(Address.POINTER_BLOCK_2, 7, craft.pointerBlock(Address.POINTER_BLOCK, 9, craft.fileBlock(last)));
        craft.edit(file, changed -> {
            changed.block(40, far);
            changed.blocks(4);
            changed.length(50L << 40);
        });
        long place = ((40L << 20) + (7 << 10) + 9) * MIB;
        try (MountedVolume volume = vmfs.mount(List.of(craft.disk()), Host.reader(), Optional.empty()); VmFile open = volume.open("/file", VmFile.Mode.READ)) {
            assertEquals(place, open.nextData(3 * MIB));
            assertEquals(50L << 40, open.nextData(place + MIB));
            ByteBuffer part = ByteBuffer.allocate(MIB);
            assertEquals(MIB, open.read(place, part));
            assertArrayEquals(last, part.array());
        }
        assertEquals(List.of(), vmfs.check(List.of(craft.disk()), false, Progress.NONE).errors());
    }

    @Test
    void contentInTheDescriptor() throws IOException {
        Craft craft = Craft.of("vmfs5", 1);
        for (int length : new int[] {1, 511, 512, 1000, 1024}) {
            byte[] content = bytes(length);
            int file = craft.named("file" + length, FileDescriptor.FILE, FileDescriptor.CONTENT, length, 0);
            craft.put(craft.at(file) + 1024, content);
            require(craft, "/file" + length, content);
            VmfsTools.withImage(craft.disk(), image -> assertArrayEquals(content, VmfsTools.cat(image, "/file" + length)));
        }
    }

    @Test
    void blocksToBeZeroedReadAsZerosAndSharedOnesAsTheyAre() throws IOException {
        Craft craft = Craft.of("vmfs5", 1);
        byte[] content = bytes(3 * MIB);
        Arrays.fill(content, MIB, 2 * MIB, (byte) 0);
        int file = craft.named("file", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, content.length, 3, 0, craft.fileBlock(Arrays.copyOf(content, MIB)), 1, craft.fileBlock(bytes(MIB)) | 0x20,
            2, craft.fileBlock(Arrays.copyOfRange(content, 2 * MIB, 3 * MIB)) | 0x10);
        craft.edit(file, changed -> {
            changed.toBeZeroedBlocks(1);
            changed.copyOnWriteBlocks(1);
        });
        require(craft, "/file", content);
        VmfsTools.withImage(craft.disk(), image -> assertArrayEquals(content, VmfsTools.cat(image, "/file")));
        try (MountedVolume volume = vmfs.mount(List.of(craft.disk()), Host.reader(), Optional.empty()); VmFile open = volume.open("/file", VmFile.Mode.READ)) {
            assertEquals(MIB, open.nextHole(0), "what reads as zeros");
        }
    }

    @Test
    void entriesOfRawLunsAreToldAndNotOpened() throws IOException {
        Craft craft = Craft.of("vmfs3", 1);
        craft.named("raw-rdm.vmdk", FileDescriptor.RDM, FileDescriptor.FILE_BLOCKS, 10L << 30, 0);
        try (MountedVolume volume = vmfs.mount(List.of(craft.disk()), Host.reader(), Optional.empty())) {
            assertEquals(FileStatus.Type.RDM, volume.status("/raw-rdm.vmdk").type());
            assertEquals(10L << 30, volume.status("/raw-rdm.vmdk").length());
            assertTrue(assertThrows(FileSystemException.class, () -> volume.open("/raw-rdm.vmdk", VmFile.Mode.READ)).getMessage().contains("raw LUN"));
        }
    }

    @Test
    void aDirectoryOfManyNamesIsListedAndSearched() throws IOException {
        Craft craft = Craft.of("vmfs5", 1);
        int directory = craft.directory("many");
        for (int i = 1; i < 5; i++) {
            int slot = i;
            int block = craft.subBlock(new byte[0]);
            craft.edit(directory, changed -> {
                changed.block(slot, block);
                changed.blocks(slot + 1);
            });
        }
        int target = craft.file(FileDescriptor.FILE, FileDescriptor.SUB_BLOCKS, 0, 0);
        for (int i = 0; i < 280; i++) craft.name(directory, "name " + i, target);
        craft.edit(target, changed -> changed.links(280));
        try (MountedVolume volume = vmfs.mount(List.of(craft.disk()), Host.reader(), Optional.empty())) {
            assertEquals(280, volume.list("/many").size());
            assertEquals("name 279", volume.list("/many").get(279).name());
            for (int i = 0; i < 280; i++) assertEquals(280, volume.status("/many/name " + i).links());
        }
        assertEquals(List.of(), vmfs.check(List.of(craft.disk()), false, Progress.NONE).errors());
    }
}
