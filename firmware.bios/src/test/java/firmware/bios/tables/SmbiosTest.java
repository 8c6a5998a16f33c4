package firmware.bios.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The system management tables, walked as a guest does. */
class SmbiosTest {
    private final Smbios.Structures structures = Smbios.structures(new Board(2, 4L << 30, 3L << 30, List.of()));

    private static int sum(byte[] bytes, int first) {
        int sum = 0;
        for (int i = first; i < bytes.length; i++) sum += bytes[i];
        return sum & 0xFF;
    }

    @Test
    void theEntryPointTellsWhereAndHowMany() {
        byte[] entry = Smbios.entryPoint(structures, 0xF4560);
        assertEquals(31, entry.length);
        assertEquals("_SM_", new String(entry, 0, 4));
        assertEquals("_DMI_", new String(entry, 16, 5));
        assertEquals(0, sum(entry, 0));
        assertEquals(0, sum(entry, 16));
        assertEquals(0xF4560, entry[24] & 0xFF | (entry[25] & 0xFF) << 8 | entry[26] << 16);
    }

    @Test
    void theStructuresEndWhereTheEntryPointSays() {
        byte[] bytes = structures.bytes();
        List<Integer> types = new ArrayList<>();
        int longest = 0, at = 0;
        while (at < bytes.length) {
            types.add(bytes[at] & 0xFF);
            int next = at + bytes[at + 1];
            while (bytes[next] != 0 || bytes[next + 1] != 0) next++;
            next += 2;
            longest = Math.max(longest, next - at);
            at = next;
        }
        assertEquals(bytes.length, at);
        assertEquals(List.of(0, 1, 3, 4, 4, 16, 17, 19, 19, 32, 127), types);
        assertEquals(types.size(), structures.count());
        assertEquals(longest, structures.longest());
        assertTrue(new String(bytes).contains("Virtual Machine"));
    }
}
