package vmfs.impl.disk;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** What a new disk's data base says: the geometry that its adapter's BIOS would give it, and who it is [VMDK] section "The Disk Database". */
final class Geometry {
    private static final long GIB_BLOCKS = 1 << 21;
    private static final int MAX_CYLINDERS = 65535;

    private Geometry() {}

    /** Keys without {@code ddb.}. */
    static Map<String, String> database(long blocks) {
        Map<String, String> entries = new LinkedHashMap<>();
        entries.put("adapterType", "lsilogic");
        entries.putAll(of(blocks));
        entries.put("uuid", uuid());
        entries.put("virtualHWVersion", "4");
        return entries;
    }

    static Map<String, String> of(long blocks) {
        int heads = blocks < GIB_BLOCKS ? 64 : blocks < 2 * GIB_BLOCKS ? 128 : 255, sectors = blocks < 2 * GIB_BLOCKS ? 32 : 63;
        Map<String, String> entries = new LinkedHashMap<>();
        entries.put("geometry.cylinders", Long.toString(Math.max(1, Math.min(MAX_CYLINDERS, blocks / ((long) heads * sectors)))));
        entries.put("geometry.heads", Integer.toString(heads));
        entries.put("geometry.sectors", Integer.toString(sectors));
        return entries;
    }

    /** VMware's form, with its prefix. */
    private static String uuid() {
        StringBuilder text = new StringBuilder("60 00 C2 9");
        text.append(Integer.toHexString(ThreadLocalRandom.current().nextInt(16)));
        for (int i = 4; i < 16; i++) text.append(i == 8 ? '-' : ' ').append(String.format("%02x", ThreadLocalRandom.current().nextInt(256)));
        return text.toString();
    }
}
