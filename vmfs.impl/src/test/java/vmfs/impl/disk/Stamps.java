package vmfs.impl.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import vmkernel.api.disk.DiskImage;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;

/** What each block of a disk may be, when requests fail and power goes: blocks are filled with a number that tells who wrote them. */
final class Stamps {
    private final List<Set<Long>> possible = new ArrayList<>();
    /** Good writes since the last good flush: first block, blocks, number. */
    private final List<long[]> written = new ArrayList<>();
    private long writes;

    Stamps(int blocks) {
        for (int i = 0; i < blocks; i++) possible.add(new HashSet<>(Set.of(0L)));
    }

    /** As it is now. */
    Stamps copy() {
        Stamps copy = new Stamps(0);
        possible.forEach(stamps -> copy.possible.add(new HashSet<>(stamps)));
        copy.written.addAll(written);
        copy.writes = writes;
        return copy;
    }

    int blocks() { return possible.size(); }

    private byte[] data(int block, int blocks) {
        ByteBuffer data = ByteBuffer.allocate(blocks * 512);
        for (int i = 0; i < blocks; i++) for (int word = 0; word < 64; word++) data.putLong(writes << 32 | block + i);
        return data.array();
    }

    /** Writes; blocks are then what was written, or what they were if it failed. */
    BlockResult write(DiskImage disk, int block, int blocks) {
        writes++;
        byte[] data = data(block, blocks);
        BlockResult result = Disks.run(disk, BlockOperation.WRITE, block, data, 0, data.length);
        for (int i = block; i < block + blocks; i++) possible.get(i).add(writes << 32 | i);
        if (result.good()) written.add(new long[] {block, blocks, writes});
        return result;
    }

    /** After a good flush blocks that were written well are what was written last. */
    BlockResult flush(DiskImage disk) {
        BlockResult result = Disks.run(disk, BlockOperation.FLUSH, 0, null, 0, 0);
        if (result.good()) stable();
        return result;
    }

    void stable() {
        for (long[] write : written) {
            for (int i = (int) write[0]; i < write[0] + write[1]; i++) {
                long stamp = write[2] << 32 | i;
                // a later write that failed may have been done all the same
                possible.get(i).removeIf(other -> other < stamp);
            }
        }
        written.clear();
    }

    /** Every block is one of what it may be, and nothing of two. From now on it is what was found. */
    void verify(DiskImage disk, String when) {
        byte[] found = Disks.contents(disk);
        assertEquals(blocks(), found.length / 512, when);
        verify(found, 0, 1, when);
    }

    /** Of every so many blocks one, from the first on. */
    void verify(byte[] contents, int first, int step, String when) {
        ByteBuffer found = ByteBuffer.wrap(contents);
        for (int block = first; block < blocks(); block += step) {
            long stamp = found.getLong(block * 512);
            for (int word = 1; word < 64; word++) assertEquals(stamp, found.getLong(block * 512 + word * 8), when + ": block " + block + " is torn");
            assertTrue(possible.get(block).contains(stamp), when + ": block " + block + " is " + Long.toHexString(stamp) + ", and not one of "
                + possible.get(block).stream().map(Long::toHexString).toList());
            possible.set(block, new HashSet<>(Set.of(stamp)));
        }
        written.clear();
    }
}
