package vmkernel.core.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import vmkernel.api.memory.AdmissionException;
import vmkernel.api.memory.GuestMemory;

class GuestPagesTest extends GuestMemoryContract {
    private final PagePool pool = new PagePool(8192 * MB);

    @Override
    GuestMemory create(long bytes) {
        try {
            return pool.create(bytes);
        } catch (AdmissionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override void release(GuestMemory guest) { pool.release(guest); }

    @Test
    void anUntouchedVmTakesNoHostMemory() {
        assertEquals(0, pool.touchedBytes());
        assertTrue(memory.present(0x500));
        assertEquals(0, pool.touchedBytes());
        memory.read(0x500000, 4);
        assertEquals(2 * MB, pool.touchedBytes());
        memory.write(0x5FFFFF, 1, 1);
        memory.writableAddress(0x400);
        assertEquals(2 * MB, pool.touchedBytes());
        memory.write(0x600000, 1, 1);
        assertEquals(4 * MB, pool.touchedBytes());
    }

    @Test
    void romMappedAgainTakesNoMoreMemory() {
        memory.mapRom(0xFFFF0000L, new byte[65536]);
        long taken = pool.touchedBytes();
        for (int i = 0; i < 50; i++) memory.mapRom(0xFFFF0000L, new byte[65536]);
        assertEquals(taken, pool.touchedBytes());
    }

    @Test
    void writesMakePagesDirtyAndClearingTellsHoldersOfAddresses() {
        GuestPages pages = (GuestPages) memory;
        Log log = new Log();
        memory.read(0x5000, 4);
        assertFalse(pages.clearDirty(5));
        memory.write(0x5000, 4, 1);
        memory.writableAddress(6);
        memory.compareAndSet(0x7000, 4, 0, 1);
        memory.write(0x8000, new byte[1], 0, 1);
        memory.watch(9, true);
        memory.write(0x9000, 1, 1);
        memory.addListener(log);
        for (int ppn = 5; ppn <= 9; ppn++) {
            assertTrue(pages.clearDirty(ppn), "page " + ppn);
            assertFalse(pages.clearDirty(ppn));
        }
        assertEquals(5, log.lines.size());
        assertNotEquals(0, memory.writableAddress(5));
        assertTrue(pages.clearDirty(5));
        assertEquals(0, memory.writableAddress(9));
        assertFalse(pages.clearDirty(0xA0));
        assertFalse(pages.clearDirty(1L << 40));
    }

    @Test
    void thePoolAdmitsWhatIsLeftAndSaysHowMuchThatIs() throws Exception {
        PagePool small = new PagePool(32 * MB);
        assertEquals(32 * MB, small.totalBytes());
        GuestMemory first = small.create(20 * MB);
        assertEquals(12 * MB, small.freeBytes());
        assertEquals("16 MB of memory asked for, 12 MB of 32 MB are free", assertThrows(AdmissionException.class, () -> small.create(16 * MB)).getMessage());
        assertEquals(12 * MB, small.freeBytes());
        GuestMemory second = small.create(12 * MB);
        small.release(first);
        small.release(first);
        assertEquals(20 * MB, small.freeBytes());
        small.release(second);
        assertEquals(32 * MB, small.freeBytes());
        assertThrows(IllegalArgumentException.class, () -> small.create(5 * MB));
        assertThrows(IllegalArgumentException.class, () -> small.create(0));
    }

    @Test
    void releasedMemoryIsAbsentForWhoeverStillAsks() throws Exception {
        GuestMemory gone = pool.create(16 * MB);
        gone.write(0x5000, 4, 1);
        pool.release(gone);
        assertEquals(0, gone.readableAddress(5));
        assertEquals(0, gone.writableAddress(5));
        assertEquals(0, gone.writableAddress(0xF00));
        gone.write(0x5000, 4, 1);
        gone.mapRom(0xF0000, new byte[10]);
        assertEquals(0xFFFFFFFFL, gone.read(0x5000, 4));
        assertFalse(gone.compareAndSet(0x900000, 4, 0, 1));
    }
}
