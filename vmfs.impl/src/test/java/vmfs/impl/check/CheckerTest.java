package vmfs.impl.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import vmfs.impl.fixture.Craft;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.fixture.VmfsTools;
import vmfs.impl.format.Address;
import vmfs.impl.format.Cluster;
import vmfs.impl.format.DirectoryEntry;
import vmfs.impl.format.FileDescriptor;
import vmfs.impl.format.Heartbeat;
import vmfs.impl.format.Uuid;
import vmfs.impl.volume.VmfsFileSystem;
import vmkernel.api.files.CheckReport;
import vmkernel.api.files.Progress;

class CheckerTest {
    private Craft craft;
    private int file, directory;

    @BeforeEach
    void aVolume() throws IOException {
        craft = Craft.of("vmfs5", 1, 1);
        file = craft.named("file", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, 2 << 20, 2, 0, craft.fileBlock(new byte[9]), 1, craft.fileBlock(new byte[9]));
        directory = craft.directory("directory");
        craft.name(directory, "small", craft.file(FileDescriptor.FILE, FileDescriptor.SUB_BLOCKS, 9, 1, 0, craft.subBlock(new byte[9])));
        assertEquals(List.of(), look(craft.disk()).errors());
    }

    private static CheckReport look(RamDisk disk) throws IOException { return new VmfsFileSystem().check(List.of(disk), false, Progress.NONE); }

    /** Exactly one error, whose line has these words; found again in the same way. */
    private void require(String... words) throws IOException { require(1, words); }

    private void require(int count, String... words) throws IOException {
        RamDisk before = craft.disk().copy();
        CheckReport report = look(craft.disk());
        assertEquals(count, report.errorCount(), report.errors().toString());
        String line = String.join("\n", report.errors());
        for (String word : words) assertTrue(line.contains(word), line);
        requireRepaired(before);
    }

    /** A copy is repaired and whole afterwards, for the tools, too. */
    private static void requireRepaired(RamDisk disk) throws IOException {
        CheckReport report = new VmfsFileSystem().check(List.of(disk), true, Progress.NONE);
        assertTrue(report.repaired() > 0 && report.clean(), report.toString());
        assertEquals(List.of(), look(disk).errors(), report.toString());
        VmfsTools.requireWhole(disk);
    }

    private static String hex(long address) { return "0x" + Long.toHexString(address); }

    @Test
    void volumesOfEsxiAreWhole() throws IOException {
        CheckReport five = look(ReferenceVolumes.vmfs5());
        assertEquals(List.of(), five.errors());
        assertEquals(15, five.files());
        assertEquals(List.of("host 61137d5a-a2df8778-7ed5-000c29801686 (10.199.5.140) has the volume mounted, or died (heartbeat 984)"), five.notes());
        CheckReport six = look(ReferenceVolumes.vmfs6());
        assertEquals(List.of(), six.errors());
        assertEquals(16, six.files());
    }

    @Test
    void aBlockThatIsUsedAndMarkedFree() throws IOException {
        int block = (int) Address.block(craft.geometry().generation(), craft.descriptor(file).block(1));
        craft.mark(craft.geometry().fileBlocks(), block, true);
        require("/file: its block at byte " + hex((long) block << 20), "is marked free (byte " + hex(craft.at(file) + 1024 + 4) + ")");
    }

    @Test
    void aBlockThatIsLost() throws IOException {
        int block = craft.take(craft.geometry().fileBlocks());
        require(".fbb.sf cluster 0: 1 lost item", "the first is " + block);
        for (int i = 0; i < 4; i++) craft.take(craft.geometry().subBlocks());
        require(5, ".sbc.sf cluster", "4 lost items");
        craft.take(craft.geometry().pointerBlocks());
        require(6, ".pbc.sf");
    }

    @Test
    void theJournalOfAHostThatHasItMounted() throws IOException {
        int block = craft.take(craft.geometry().fileBlocks());
        craft.change(0x300000 + 5 * 512, 512, bytes -> {
            Heartbeat heartbeat = new Heartbeat(bytes);
            heartbeat.magic(Heartbeat.USED);
            heartbeat.owner(new Uuid(1, 2, 3, 4));
            heartbeat.journal(Address.fileBlock(block));
        });
        CheckReport report = look(craft.disk());
        assertEquals(List.of(), report.errors());
        assertTrue(report.notes().get(0).contains("host 00000001-00000002-0003-000000000004"), report.notes().toString());
    }

    @Test
    void aFileThatNoDirectoryHas() throws IOException {
        int orphan = craft.file(FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, 9, 1, 0, craft.fileBlock(new byte[9]));
        require("descriptor " + hex(orphan) + ": no directory has it (byte " + hex(craft.at(orphan)));
    }

    @Test
    void aTreeThatNoDirectoryHasIsOneFinding() throws IOException {
        craft.change(rootEntry("directory"), DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).name("file2"));
        int other = craft.named("other", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, 0, 0);
        craft.change(rootEntry("file2"), DirectoryEntry.BYTES, bytes -> {
            new DirectoryEntry(bytes).address(other);
            try {
                new DirectoryEntry(bytes).generation(craft.descriptor(other).generation());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            new DirectoryEntry(bytes).type(FileDescriptor.FILE);
        });
        craft.edit(other, changed -> changed.links(2));
        craft.edit(Address.ROOT, changed -> changed.links(changed.links() - 1));
        require("descriptor " + hex(directory) + ": no directory has it");
    }

    private long rootEntry(String name) throws IOException {
        FileDescriptor root = craft.descriptor(Address.ROOT);
        for (int slot = 0; ; slot++) {
            long at = craft.geometry().blocks(craft.metadata(), root).locate((long) slot * DirectoryEntry.BYTES);
            if (new DirectoryEntry(craft.metadata().read(at, DirectoryEntry.BYTES)).name().equals(name)) return at;
        }
    }

    @Test
    void aNameWithoutAFile() throws IOException {
        int index = craft.take(craft.geometry().descriptors());
        craft.mark(craft.geometry().descriptors(), index, true);
        int items = craft.geometry().descriptors().items();
        craft.change(rootEntry("file"), DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).address(Address.descriptor(index / items, index % items)));
        require(2, "/file: no descriptor is there (byte " + hex(rootEntry("file")), "the name is removed", "descriptor " + hex(file) + ": no directory has it");
    }

    @Test
    void aNameOfAFileThatIsGone() throws IOException {
        craft.change(rootEntry("file"), DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).generation(999));
        require(2, "/file: the entry is of a file of generation 999, the descriptor is of generation", "no directory has it");
    }

    @Test
    void aDescriptorThatIsMarkedFree() throws IOException {
        int items = craft.geometry().descriptors().items();
        craft.mark(craft.geometry().descriptors(), Address.cluster(craft.geometry().generation(), file) * items + Address.item(craft.geometry().generation(), file), true);
        require("descriptor " + hex(file) + ": is marked free, file has it");
    }

    @Test
    void aParentThatIsNot() throws IOException {
        long at = craft.geometry().blocks(craft.metadata(), craft.descriptor(directory)).locate(140);
        craft.change(at, DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).address(directory));
        require("/directory: its entry .. is .. of descriptor " + hex(directory), "byte " + hex(at));
    }

    @Test
    void blocksOfTwoFiles() throws IOException {
        int block = (int) craft.descriptor(file).block(0);
        craft.named("thief", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, 9, 1, 0, block);
        require("/thief: its block at byte", "is another's, too", "gets a copy");
    }

    @Test
    void wrongCounts() throws IOException {
        craft.edit(file, changed -> changed.links(3));
        require("has 1 links, says 3 (byte " + hex(craft.at(file) + 512 + 8));
        craft.edit(file, changed -> changed.links(1));
        craft.edit(file, changed -> changed.blocks(7));
        require("/file: counts 7 blocks, has 2");
        craft.edit(file, changed -> changed.blocks(2));
        craft.edit(file, changed -> changed.generation(changed.generation()));
        craft.edit(file, changed -> changed.toBeZeroedBlocks(1));
        require("/file: counts 1 blocks to be zeroed, has 0");
        craft.edit(file, changed -> changed.toBeZeroedBlocks(0));
        craft.edit(Address.ROOT, changed -> changed.links(3));
        require("descriptor 0x4: has 4 links, says 3");
        craft.edit(Address.ROOT, changed -> changed.links(4));
        craft.change(craft.geometry().subBlocks().clusterAt(0), 1024, bytes -> new Cluster(craft.geometry().generation(), bytes).free(3));
        require(".sbc.sf cluster 0: counts 3 free items");
    }

    @Test
    void addressesThatPointNowhere() throws IOException {
        long first = craft.descriptor(file).block(0);
        craft.edit(file, changed -> changed.block(1, Address.fileBlock(1 << 25)));
        require(3, "/file: address", "points out of range", "becomes a hole", "counts 2 blocks, has 1", "1 lost item");
        craft.edit(file, changed -> changed.block(1, Address.subBlock(0, 1)));
        require(3, "of the wrong kind");
        assertEquals(first, craft.descriptor(file).block(0));
    }

    @Test
    void locksThatAreElsewhere() throws IOException {
        craft.change(craft.at(file), 512, bytes -> bytes.putLong(4, 77));
        require("/file: its lock says that it is at byte 0x4d (byte " + hex(craft.at(file) + 4));
        craft.change(craft.at(file), 512, bytes -> bytes.putLong(4, craftAt(file)));
        craft.change(0x300000 + 77 * 512, 512, bytes -> bytes.putInt(0, 5));
        require("heartbeat 77: no heartbeat is there");
    }

    private long craftAt(int descriptor) {
        try {
            return craft.at(descriptor);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void headersOfClustersThatAreGone() throws IOException {
        long at = craft.geometry().fileBlocks().clusterAt(1);
        craft.change(at, 1024, bytes -> bytes.put(new byte[1024]));
        require(".fbb.sf cluster 1: no header of a cluster is there (byte " + hex(at));
    }

    @Test
    void namesThatAreThereTwiceOrCannotBe() throws IOException {
        int other = craft.named("other", FileDescriptor.FILE, FileDescriptor.FILE_BLOCKS, 0, 0);
        craft.change(rootEntry("other"), DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).name("file"));
        require("/file: the name is there twice");
        craft.edit(other, changed -> changed.links(1));
        FileDescriptor root = craft.descriptor(Address.ROOT);
        long last = craft.geometry().blocks(craft.metadata(), root).locate(root.length() - 140);
        craft.change(last, DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).name("a/b"));
        require("no file can have this name");
        craft.change(last, DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).name("ab"));
        craft.change(last, DirectoryEntry.BYTES, bytes -> new DirectoryEntry(bytes).type(FileDescriptor.SYMLINK));
        require("/ab: its entry says that it is of type 4, its descriptor says 3");
    }

    @Test
    void aDirectoryWithTwoNames() throws IOException {
        craft.name(Address.ROOT, "again", directory);
        require("/again: a directory with more than one name");
    }
}
