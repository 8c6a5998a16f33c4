package vmfs.impl.format;

import java.nio.ByteBuffer;

/** The header of a cluster of a resource file: a {@link LockSector} and a meta sector with a bit for each item. [VMFS] sections 5 and 10 */
public final class Cluster {
    /** Most items of a cluster that the bitmap of VMFS-3 and -5 has room for. */
    public static final int MAX_ITEMS = 512;

    private final ByteBuffer bytes;
    private final int meta;
    private final boolean wide;

    public Cluster(Generation generation, ByteBuffer buffer) {
        bytes = Fields.of(buffer, generation.clusterBytes());
        meta = generation.sectorBytes();
        wide = generation == Generation.VMFS6;
    }

    public ByteBuffer bytes() { return bytes; }

    public LockSector lock() { return new LockSector(bytes); }

    public int number() { return bytes.getInt(meta + (wide ? 0x18 : 0)); }
    public void number(int value) { bytes.putInt(meta, value); }

    /** Items of this cluster. */
    public int total() { return wide ? bytes.getShort(meta + 0x20) & 0xFFFF : bytes.getInt(meta + 4); }
    public void total(int value) { bytes.putInt(meta + 4, value); }

    public int free() { return wide ? bytes.getShort(meta + 0x22) & 0xFFFF : bytes.getInt(meta + 8); }
    public void free(int value) { bytes.putInt(meta + 8, value); }

    /** The first item that is free; 0 if none is. */
    public int firstFree() { return bytes.getInt(meta + (wide ? 0x7c : 0xc)); }
    public void firstFree(int value) { bytes.putInt(meta + 0xc, value); }

    /** @param item below {@link #total} */
    public boolean isFree(int item) { return (bytes.get(bit(item)) & 1 << (item & 7)) != 0; }

    public void free(int item, boolean free) {
        int at = bit(item);
        int old = bytes.get(at);
        bytes.put(at, (byte) (free ? old | 1 << (item & 7) : old & ~(1 << (item & 7))));
    }

    /** Free items as the bitmap says. @param total as {@link #total}, or less if that is damaged */
    public int countFree(int total) {
        int count = 0;
        for (int item = 0; item < total; item++) if (isFree(item)) count++;
        return count;
    }

    private int bit(int item) { return meta + (wide ? 0x80 : 0x10) + (item >> 3); }

    /** Generation of the descriptor that was last handed out here; clusters of descriptors of VMFS-3 and -5. */
    public int lastGeneration() { return bytes.getInt(meta + 0x50); }
    public void lastGeneration(int value) { bytes.putInt(meta + 0x50, value); }

    public int priority() { return bytes.getInt(meta + 0x60); }
    public void priority(int value) { bytes.putInt(meta + 0x60, value); }
}
