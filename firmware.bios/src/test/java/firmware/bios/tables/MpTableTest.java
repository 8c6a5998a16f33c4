package firmware.bios.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The MultiProcessor table, read back with the lengths and offsets of its specification. */
class MpTableTest {
    private final byte[] table = MpTable.table(new Board(2, 64 << 20, 64 << 20, List.of()));

    private int at(int offset, int bytes) {
        int value = 0;
        for (int i = bytes - 1; i >= 0; i--) value = value << 8 | table[offset + i] & 0xFF;
        return value;
    }

    @Test
    void pointerAndTableAddUpToZero() {
        byte[] pointer = MpTable.pointer(0xF1230);
        int sum = 0;
        for (byte value : pointer) sum += value;
        assertEquals(0, sum & 0xFF);
        assertEquals(16, pointer.length);
        assertEquals("_MP_0", new String(pointer, 0, 4) + pointer[11]);
        sum = 0;
        for (byte value : table) sum += value;
        assertEquals(0, sum & 0xFF);
        assertEquals(table.length, at(4, 2));
        assertEquals(0xFEE00000, at(36, 4));
    }

    @Test
    void itHasProcessorsBusesIoapicAndInterrupts() {
        List<Integer> types = new ArrayList<>();
        List<String> interrupts = new ArrayList<>();
        int offset = 44;
        for (int i = 0; i < at(34, 2); i++) {
            int type = at(offset, 1);
            types.add(type);
            if (type >= 3) interrupts.add(String.format("%d %d %x %d.%d>%d.%d", type, at(offset + 1, 1), at(offset + 2, 2), at(offset + 4, 1), at(offset + 5, 1), at(offset + 6, 1), at(offset + 7, 1)));
            if (type == 2) assertEquals(2, at(offset + 1, 1), "IOAPIC id after the CPUs'");
            offset += type == 0 ? 20 : 8;
        }
        assertEquals(table.length, offset);
        assertEquals(List.of(0, 0, 1, 1, 2), types.subList(0, 5));
        assertEquals(3, at(44 + 3, 1), "the first processor is enabled and starts");
        assertEquals(1, at(44 + 20 + 3, 1), "the second is enabled");
        assertEquals(15 + 1 + 31 * 4 + 2, interrupts.size());
        for (String expected : new String[] {"3 0 0 1.0>2.2", "3 0 0 1.1>2.1", "3 0 d 1.9>2.9", "3 3 0 1.0>2.0", "3 0 f 0.4>2.16", "3 0 f 0.31>2.17", "4 3 0 1.0>255.0", "4 1 0 1.0>255.1"}) {
            assertEquals(1, interrupts.stream().filter(expected::equals).count(), expected + " in " + interrupts);
        }
    }

    @Test
    void theRoutingTableNamesTheRouterAndEverySlot() {
        byte[] pir = RoutingTable.table();
        int sum = 0;
        for (byte value : pir) sum += value;
        assertEquals(0, sum & 0xFF);
        assertEquals("$PIR", new String(pir, 0, 4));
        assertEquals(pir.length, pir[6] & 0xFF | (pir[7] & 0xFF) << 8);
        assertEquals(32 + 31 * 16, pir.length);
        assertEquals(7 << 3, pir[9], "device 7 is the router");
        assertEquals(0x71108086, pir[12] & 0xFF | (pir[13] & 0xFF) << 8 | (pir[14] & 0xFF) << 16 | pir[15] << 24);
        int slot2 = 32 + 16;
        assertEquals(2 << 3, pir[slot2 + 1]);
        assertEquals(0x61, pir[slot2 + 2], "INTA of slot 2 is on PIRQ B");
        assertEquals(0x0C20, pir[slot2 + 3] & 0xFF | (pir[slot2 + 4] & 0xFF) << 8, "IRQ 5, 10 or 11");
    }
}
