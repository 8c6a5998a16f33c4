package vmfs.impl.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import vmfs.impl.fixture.RamDisk;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.volume.Extents;

/** Structures as ESXi wrote them. */
class ReferenceStructuresTest {
    private static ByteBuffer volume(RamDisk disk, long address, int bytes) { return ByteBuffer.wrap(disk.get(LvmHeader.DATA + address, bytes)); }

    @Test
    void aVmfs5VolumeDescribesItself() throws Exception {
        RamDisk disk = ReferenceVolumes.vmfs5();
        LvmHeader lvm = new LvmHeader(ByteBuffer.wrap(disk.get(LvmHeader.AT, 512)));
        assertEquals(LvmHeader.MAGIC, lvm.magic());
        assertEquals("vmhba0:4:0", lvm.id());
        assertEquals("61137dd5-dc4830ac-56f8-000c29801686", lvm.device().toString());
        assertEquals(LvmHeader.DATA, lvm.dataOffset());
        assertEquals(1, lvm.extents());
        VolumeEntry entry = new VolumeEntry(ByteBuffer.wrap(disk.get(LvmHeader.volumeTable(Generation.VMFS5), 512)));
        assertEquals("61137dd5-d0727810-7ac2-000c29801686", entry.name());
        assertEquals(entry.name(), entry.volume().toString());
        ExtentEntry extent = new ExtentEntry(ByteBuffer.wrap(disk.get(LvmHeader.extentTable(Generation.VMFS5), 128)));
        assertTrue(extent.used());
        assertEquals(LvmHeader.DATA, extent.device());
        assertEquals(LvmHeader.EXTENT_BYTES, extent.length());
        FsHeader fs = new FsHeader(volume(disk, Generation.FS_HEADER, 512));
        assertEquals(FsHeader.MAGIC, fs.magic());
        assertEquals("VMFS5 Test", fs.label());
        assertEquals(81, fs.minor());
        assertEquals(entry.volume(), fs.volume());
        assertEquals(8192, fs.subBlockBytes());
        assertEquals(0x01800004, fs.pointerBlock2());
        assertEquals(Heartbeat.FREE, new Heartbeat(volume(disk, Generation.VMFS5.heartbeat(2047), 512)).magic());
        assertEquals(Generation.VMFS5.heartbeat(2047), new Heartbeat(volume(disk, Generation.VMFS5.heartbeat(2047), 512)).address());
        assertEquals(256 << 20, Extents.open(List.of(disk)).bytes());
    }

    @Test
    void theRootOfAVmfs5VolumeIsItsFirstDescriptor() throws Exception {
        RamDisk disk = ReferenceVolumes.vmfs5();
        long file = Generation.VMFS5.descriptorFile(1 << 20);
        ResourceHeader header = new ResourceHeader(volume(disk, file, 512));
        assertEquals(64, header.clusters());
        long first = file + header.firstGroup();
        Cluster cluster = new Cluster(Generation.VMFS5, volume(disk, first, 1024));
        assertEquals(LockSector.DESCRIPTORS, cluster.lock().type());
        assertEquals(first, cluster.lock().address());
        assertEquals(cluster.free(), cluster.countFree(cluster.total()));
        assertFalse(cluster.isFree(0));
        FileDescriptor root = new FileDescriptor(Generation.VMFS5, volume(disk, first + header.clusters() * 1024, 2048));
        assertEquals(Address.ROOT, root.address());
        assertEquals(LockSector.DESCRIPTOR, root.lock().type());
        assertEquals(FileDescriptor.DIRECTORY, root.type());
        assertEquals(1400, root.length());
        assertEquals(01755, root.mode() & 07777);
        DirectoryEntry dot = new DirectoryEntry(volume(disk, Address.block(Generation.VMFS5, root.block(0)) << 20, 140));
        assertEquals(".", dot.name());
        assertEquals(Address.ROOT, dot.address());
    }

    @Test
    void theRootOfAVmfs6VolumeIsItsFirstDescriptor() throws Exception {
        RamDisk disk = ReferenceVolumes.vmfs6();
        Generation v6 = Generation.VMFS6;
        assertEquals(3L << 28, Extents.open(List.of(disk)).bytes());
        FsHeader fs = new FsHeader(volume(disk, Generation.FS_HEADER, 512));
        assertEquals(24, fs.major());
        assertEquals(16000, fs.leaseMillis());
        long first = v6.descriptorFile(fs.blockBytes()) + fs.descriptorGroup();
        assertEquals(0x710000, first);
        Cluster cluster = new Cluster(v6, volume(disk, first, v6.clusterBytes()));
        assertEquals(256, cluster.total());
        assertEquals(240, cluster.free());
        assertEquals(240, cluster.countFree(256));
        assertEquals(16, cluster.firstFree());
        FileDescriptor root = new FileDescriptor(v6, volume(disk, first + fs.descriptorClusters() * v6.clusterBytes(), v6.descriptorBytes()));
        assertEquals(Address.ROOT, root.address());
        assertEquals(73728, root.length());
        assertEquals(8, Address.block(v6, root.block(0)));
    }

    @Test
    void fieldsAreWrittenWhereTheyAreRead() {
        byte[] bytes = new byte[2048];
        FileDescriptor descriptor = new FileDescriptor(Generation.VMFS5, ByteBuffer.wrap(bytes));
        descriptor.length(0x123456789L);
        descriptor.block(255, Address.fileBlock(77));
        descriptor.blockShift(20);
        descriptor.lock().token(1);
        assertEquals(0x123456789L, descriptor.length());
        assertEquals(77, Address.block(Generation.VMFS5, descriptor.block(255)));
        assertEquals(20, bytes[512 + 0x89]);
        assertEquals(1, bytes[0x1c]);
        assertEquals(0x41, bytes[2044]);
        Cluster cluster = new Cluster(Generation.VMFS3, ByteBuffer.wrap(bytes, 0, 1024));
        cluster.free(9, true);
        assertEquals(2, bytes[512 + 0x11]);
        cluster.free(9, false);
        assertFalse(cluster.isFree(9));
        DirectoryEntry entry = new DirectoryEntry(ByteBuffer.allocate(140));
        entry.name("bücher");
        assertEquals("bücher", entry.name());
        assertArrayEquals(new byte[] {'b', (byte) 0xc3}, new byte[] {entry.bytes().get(12), entry.bytes().get(13)});
    }
}
