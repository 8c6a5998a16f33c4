package vmkernel.core.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.storage.BlockDevice;
import vmkernel.api.storage.Partition;
import vmkernel.api.storage.PartitionTable;

/** Partition tables as sfdisk makes them, on a LUN. */
@Timeout(60)
class PartitionTableTest {
    private static final int BLOCKS = 64 << 11; // 64 MB
    private static final Path SFDISK = Path.of("/usr/sbin/sfdisk");

    @TempDir
    Path folder;
    private final StoragePaths storage = new StoragePaths(new HeldDelays());
    private final FakeAdapter.Platter platter = new FakeAdapter.Platter(BLOCKS);

    /** A LUN with the table that sfdisk makes of a script. */
    private BlockDevice lun(String script) throws Exception {
        assumeTrue(Files.isExecutable(SFDISK), "needs sfdisk of util-linux");
        Path image = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) BLOCKS * 512);
        }
        Process sfdisk = new ProcessBuilder(SFDISK.toString(), "--quiet", image.toString()).redirectErrorStream(true).start();
        try (OutputStream out = sfdisk.getOutputStream()) {
            out.write(script.getBytes());
        }
        String said = new String(sfdisk.getInputStream().readAllBytes());
        assertEquals(0, sfdisk.waitFor(), said);
        System.arraycopy(Files.readAllBytes(image), 0, platter.data, 0, platter.data.length);
        storage.adapter("vmhba0").attached(new FakeAdapter(platter, 8, 1 << 16));
        return storage.find("vmhba0:1:0").orElseThrow();
    }

    private static List<String> texts(List<Partition> partitions) { return partitions.stream().map(p -> p.number() + " " + p.first() + "+" + p.blocks() + " " + p.type()).toList(); }

    @Test
    void primaryAndLogicalPartitionsOfAnMbr() throws Exception {
        BlockDevice lun = lun("label: dos\nstart=2048, size=10000, type=83\nstart=16384, size=65536, type=5\nstart=90112, size=8192, type=fb\n"
            + "start=18432, size=4096, type=82\nstart=30720, size=2048, type=83\nstart=40960, size=1000, type=fc\n");
        assertEquals(List.of("1 2048+10000 83", "3 90112+8192 fb", "5 18432+4096 82", "6 30720+2048 83", "7 40960+1000 fc"), texts(PartitionTable.read(lun)));
        assertEquals(List.of(3), PartitionTable.read(lun).stream().filter(Partition::vmfs).map(Partition::number).toList());
        assertEquals(List.of("vmhba0:1:0", "vmhba0:1:0:1", "vmhba0:1:0:3", "vmhba0:1:0:5", "vmhba0:1:0:6", "vmhba0:1:0:7"),
            storage.devices().stream().map(BlockDevice::name).toList());
        assertEquals(lun.name(), storage.find("vmhba0:1:0:0").orElseThrow().name());
        assertTrue(storage.find("vmhba0:1:0:2").isEmpty(), "an extended partition is no place for data");
    }

    @Test
    void aPartitionIsReadAndWrittenAtItsPlace() throws Exception {
        lun("label: dos\nstart=2048, size=100, type=83\n");
        BlockDevice partition = storage.find("vmhba0:1:0:1").orElseThrow();
        assertEquals(100, partition.blocks());
        byte[] text = new byte[512];
        text[0] = 42;
        partition.write(99, ByteBuffer.wrap(text));
        assertEquals(42, platter.data[(2048 + 99) * 512]);
        assertThrows(IOException.class, () -> partition.read(100, ByteBuffer.allocate(512)));
    }

    @Test
    void aWholeLunAndItsPartitionsShareTheirClaims() throws Exception {
        lun("label: dos\nstart=2048, size=100, type=83\nstart=4096, size=100, type=83\n");
        AutoCloseable first = storage.claim(storage.find("vmhba0:1:0:1").orElseThrow(), "a", true);
        storage.claim(storage.find("vmhba0:1:0:2").orElseThrow(), "b", true).close();
        assertTrue(assertThrows(IOException.class, () -> storage.claim(storage.find("vmhba0:1:0").orElseThrow(), "c", true)).getMessage().contains("in use by a"));
        first.close();
        storage.claim(storage.find("vmhba0:1:0").orElseThrow(), "c", true);
    }

    @Test
    void partitionsOfAGptAndItsCopy() throws Exception {
        BlockDevice lun = lun("label: gpt\nstart=2048, size=10000, type=linux\nstart=20480, size=30000, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n");
        List<String> both = List.of("1 2048+10000 0fc63daf-8483-4772-8e79-3d69d8477de4", "2 20480+30000 0fc63daf-8483-4772-8e79-3d69d8477de4");
        assertEquals(both, texts(PartitionTable.read(lun)));
        platter.data[2 * 512 + 60]++; // an entry
        assertEquals(both, texts(PartitionTable.read(lun)));
        platter.data[2 * 512 + 60]--;
        platter.data[512 + 40]++; // the header
        assertEquals(both, texts(PartitionTable.read(lun)));
        platter.data[(BLOCKS - 1) * 512 + 40]++; // and the header of the copy
        IOException told = assertThrows(IOException.class, () -> storage.rescan(lun));
        assertEquals("vmhba0:1:0: the GPT and its copy are damaged; there are no partitions until it is repaired", told.getMessage());
    }

    @Test
    void aTableThatWasChangedIsSeenAfterARescan() throws Exception {
        BlockDevice lun = lun("label: dos\nstart=2048, size=100, type=83\n");
        assertEquals(2, storage.devices().size());
        java.util.Arrays.fill(platter.data, 446, 510, (byte) 0);
        assertEquals(2, storage.devices().size());
        storage.rescan(lun);
        assertEquals(1, storage.devices().size());
    }

    /** Whatever is there in place of a table, reading it ends, and gives only what is on the disk. */
    @Test
    void anythingMayBeInPlaceOfATable() throws Exception {
        BlockDevice lun = lun("label: gpt\nstart=2048, size=10000\n");
        byte[] gpt = platter.data.clone();
        Random random = new Random(3);
        for (int round = 0; round < 2000; round++) {
            boolean mbr = round % 2 == 0;
            System.arraycopy(gpt, 0, platter.data, 0, 40 * 512);
            for (int i = mbr ? 30 : 3; i > 0; i--) {
                int at = mbr ? 446 + random.nextInt(64) : 512 + random.nextInt(3 * 512);
                platter.data[at] = (byte) (mbr && random.nextBoolean() ? 5 : random.nextInt(256));
            }
            for (int i = 0; mbr && i < 4; i++) platter.data[446 + 16 * i] &= (byte) 0x80;
            try {
                for (Partition partition : PartitionTable.read(lun)) {
                    assertTrue(partition.first() > 0 && partition.blocks() > 0 && partition.first() + partition.blocks() <= BLOCKS, partition::toString);
                }
            } catch (IOException e) {
                assertTrue(e.getMessage().contains("damaged"), e::toString);
            }
        }
    }

    @Test
    void aChainOfLogicalPartitionsThatNeverEndsIsLeft() throws Exception {
        BlockDevice lun = lun("label: dos\nstart=2048, size=65536, type=5\nstart=4096, size=100\n");
        int second = 2048 * 512 + 446 + 16;
        platter.data[second + 4] = 5; // the next table is this one
        assertEquals(1, PartitionTable.read(lun).size());
    }
}
