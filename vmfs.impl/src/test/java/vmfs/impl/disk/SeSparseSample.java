package vmfs.impl.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Writes a space-efficient redo log as ESX lays it down [VMDK] seSparse, with grains of every kind, for QEMU and for us. */
final class SeSparseSample {
    private static final int GRAIN = 4096, TABLE_ENTRIES = 4096, DIRECTORY = 4096, TABLES = 4104, GRAINS = 8192;

    private SeSparseSample() {}

    /** @param data what the parent shows; afterwards what the redo log does */
    static void write(Path descriptor, String parent, String parentCid, byte[] data, Random random) throws IOException {
        int grains = (data.length + GRAIN - 1) / GRAIN, tables = (grains + TABLE_ENTRIES - 1) / TABLE_ENTRIES;
        ByteBuffer file = ByteBuffer.allocate(GRAINS * 512 + grains * GRAIN).order(ByteOrder.LITTLE_ENDIAN);
        long[] header = {0xCAFEBABEL, 0x200000001L, data.length / 512, 8, 64, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2048, 2048, DIRECTORY, 8, TABLES, 64L * tables, 4200, 64, 4300, 64, GRAINS, (long) grains * 8};
        for (int i = 0; i < header.length; i++) file.putLong(i * 8, header[i]);
        file.putLong(512, 0xCAFECAFEL);
        int next = 0;
        for (int grain = 0; grain < grains; grain++) {
            int kind = random.nextInt(8);
            if (kind > 4) continue;
            int table = grain / TABLE_ENTRIES;
            file.putLong(DIRECTORY * 512 + table * 8, 0x1000000000000000L | tables - 1 - table); // tables may lie in any order
            int entry = (TABLES + 64 * (tables - 1 - table)) * 512 + grain % TABLE_ENTRIES * 8, bytes = Math.min(GRAIN, data.length - grain * GRAIN);
            if (kind < 2) {
                file.putLong(entry, kind == 0 ? 0x1000000000000000L : 0x2000000000000000L);
                java.util.Arrays.fill(data, grain * GRAIN, grain * GRAIN + bytes, (byte) 0);
                continue;
            }
            byte[] own = new byte[bytes];
            random.nextBytes(own);
            System.arraycopy(own, 0, data, grain * GRAIN, bytes);
            // a number of 60 bits: its low 12 below the kind, the rest in the low 48
            file.putLong(entry, 0x3000000000000000L | (long) (next & 0xFFF) << 48 | next >> 12);
            file.put(GRAINS * 512 + next++ * GRAIN, own);
        }
        String name = descriptor.getFileName().toString().replace(".vmdk", "-sesparse.vmdk");
        Files.write(descriptor.resolveSibling(name), java.util.Arrays.copyOf(file.array(), GRAINS * 512 + next * GRAIN));
        Files.writeString(descriptor, "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=" + parentCid + "\ncreateType=\"seSparse\"\nparentFileNameHint=\"" + parent
            + "\"\n# Extent description\nRW " + data.length / 512 + " SESPARSE \"" + name + "\"\n\nddb.adapterType = \"lsilogic\"\n");
    }
}
