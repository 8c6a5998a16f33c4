package vmkernel.core.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.memory.GuestMemory.PageListener;
import vmkernel.api.memory.HostMemory;

/** What every {@link GuestMemory} keeps: extend it with a provider. */
abstract class GuestMemoryContract {
    static final long MB = 1 << 20;
    GuestMemory memory;

    /** Memory of a VM with so many bytes. */
    abstract GuestMemory create(long bytes);

    abstract void release(GuestMemory guest);

    @BeforeEach
    void createMemory() { memory = create(16 * MB); }

    @AfterEach
    void releaseMemory() { release(memory); }

    /** Writes down what it is told. */
    static final class Log implements PageListener {
        final List<String> lines = new ArrayList<>();

        @Override public synchronized void unmapped(long ppn) { lines.add("unmapped " + Long.toHexString(ppn)); }

        @Override public synchronized void written(long address, int length) { lines.add("written " + Long.toHexString(address) + " " + length); }
    }

    @Test
    void ramHasAHoleAtA0000AndEndsAtItsSize() {
        assertEquals(16 * MB, memory.sizeBytes());
        assertEquals(16 * MB, memory.lowMemoryTop());
        for (long address : new long[] {0, 0x9F000, 0xC0000, 0xFF000, 0x100000, 16 * MB - 4096}) {
            assertTrue(memory.present(address >> 12), Long.toHexString(address));
            assertNotEquals(0, memory.readableAddress(address >> 12));
            assertNotEquals(0, memory.writableAddress(address >> 12));
        }
        for (long address : new long[] {0xA0000, 0xBF000, 16 * MB, 3072 * MB, 0xFFFFF000L, 1L << 32, 1L << 51}) {
            assertFalse(memory.present(address >> 12), Long.toHexString(address));
            assertEquals(0, memory.readableAddress(address >> 12));
            assertEquals(0, memory.writableAddress(address >> 12));
        }
    }

    @Test
    void memoryBeyondThreeGigabytesIsAboveFour() {
        GuestMemory big = create(3584 * MB);
        try {
            assertEquals(3072 * MB, big.lowMemoryTop());
            assertTrue(big.present((3072 * MB >> 12) - 1));
            assertFalse(big.present(3072 * MB >> 12));
            assertTrue(big.present(4096 * MB >> 12));
            assertTrue(big.present((4096 * MB + 512 * MB >> 12) - 1));
            assertFalse(big.present(4096 * MB + 512 * MB >> 12));
            big.write(4096 * MB + 17, 4, 0x12345678);
            assertEquals(0x12345678, big.read(4096 * MB + 17, 4));
        } finally {
            release(big);
        }
    }

    @Test
    void ramIsZeroAtFirst() {
        byte[] page = new byte[4096];
        for (long address : new long[] {0, 0x7000, 0x9F000, 0xF0000, 5 * MB, 16 * MB - 4096}) {
            Arrays.fill(page, (byte) 1);
            memory.read(address, page, 0, page.length);
            assertArrayEquals(new byte[4096], page);
        }
    }

    @Test
    void valuesAreLittleEndianAndMayCrossPages() {
        for (long address : new long[] {0x1000, 0x1001, 0x1FFF, 0x1FFD, 0x1FFA, 0x1FFFFF, 0x3FFFFF}) {
            for (int bytes : new int[] {1, 2, 4, 8}) {
                long value = 0xF1E2D3C4B5A69788L;
                memory.write(address, bytes, value);
                assertEquals(bytes == 8 ? value : value & (1L << 8 * bytes) - 1, memory.read(address, bytes));
                for (int i = 0; i < bytes; i++) assertEquals(value >>> 8 * i & 0xFF, memory.read(address + i, 1));
            }
        }
    }

    @Test
    void addressesLeadToTheSameBytes() {
        HostMemory.putInt(memory.writableAddress(5) + 8, 0xCAFEBABE);
        assertEquals(0xCAFEBABEL, memory.read(0x5008, 4));
        memory.write(0x500C, 2, 0xBEEF);
        assertEquals((short) 0xBEEF, HostMemory.getShort(memory.readableAddress(5) + 12));
        assertEquals(memory.readableAddress(5), memory.writableAddress(5));
    }

    @Test
    void absentBytesReadAsOnesAndSwallowWrites() {
        memory.write(0x9FFFC, 8, -1L << 32 | 0x11223344);
        assertEquals(0xFFFFFFFF_11223344L, memory.read(0x9FFFC, 8));
        assertEquals(0xFFFFFFFFL, memory.read(0xA0000, 4));
        byte[] bytes = new byte[8];
        memory.read(16 * MB - 4, bytes, 0, 8);
        assertArrayEquals(new byte[] {0, 0, 0, 0, -1, -1, -1, -1}, bytes);
        memory.write(16 * MB - 2, new byte[] {1, 2, 3, 4}, 0, 4);
        assertEquals(0x0201, memory.read(16 * MB - 2, 2));
        assertFalse(memory.compareAndSet(0xA0000, 4, 0xFFFFFFFFL, 0));
        memory.watch(0xA0, true);
        assertEquals(0, memory.writableAddress(0xA0));
    }

    @Test
    void blocksGoInAndOutAcrossPages() {
        byte[] block = new byte[20_000];
        new Random(7).nextBytes(block);
        memory.write(4 * MB - 777, block, 100, 19_000);
        byte[] back = new byte[20_000];
        memory.read(4 * MB - 777, back, 100, 19_000);
        assertArrayEquals(Arrays.copyOfRange(block, 100, 19_100), Arrays.copyOfRange(back, 100, 19_100));
        assertEquals(0, back[99]);
        assertEquals(0, back[19_100]);
        assertThrows(IndexOutOfBoundsException.class, () -> memory.write(0, block, 19_999, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> memory.read(0, back, -1, 2));
    }

    @Test
    void compareAndSetReplacesOnlyWhatWasExpected() {
        memory.write(0x2000, 8, 0x1122334455667788L);
        assertFalse(memory.compareAndSet(0x2000, 8, 0, 1));
        assertTrue(memory.compareAndSet(0x2000, 4, 0x55667788, 0xAABBCCDDL));
        assertEquals(0x11223344_AABBCCDDL, memory.read(0x2000, 8));
        assertTrue(memory.compareAndSet(0x2000, 8, 0x11223344_AABBCCDDL, -1));
        assertEquals(-1, memory.read(0x2000, 8));
        assertThrows(IllegalArgumentException.class, () -> memory.compareAndSet(0x2001, 4, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> memory.compareAndSet(0x2000, 2, 0, 0));
    }

    @Test
    void compareAndSetIsAtomicBetweenThreads() throws Exception {
        Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            threads[t] = new Thread(() -> {
                for (int i = 0; i < 20_000; ) {
                    long old = memory.read(0x3000, 4);
                    if (memory.compareAndSet(0x3000, 4, old, old + 1)) i++;
                }
            });
            threads[t].start();
        }
        for (Thread thread : threads) thread.join();
        assertEquals(80_000, memory.read(0x3000, 4));
    }

    @Test
    void romReplacesWhatWasThereAndIsReadOnly() {
        Log log = new Log();
        memory.write(0xF0000, 4, 0xDEADBEEFL);
        memory.addListener(log);
        byte[] image = new byte[4096 + 10];
        Arrays.fill(image, (byte) 0x90);
        memory.mapRom(0xF0000, image);
        assertEquals(List.of("unmapped f0", "unmapped f1"), log.lines);
        assertEquals(0x90909090L, memory.read(0xF0000, 4));
        assertEquals(0xFFFF9090L, memory.read(0xF1008, 4));
        assertEquals(0xFF, memory.read(0xF1FFF, 1));
        assertEquals(0, memory.writableAddress(0xF0));
        assertNotEquals(0, memory.readableAddress(0xF0));
        memory.write(0xF0000, 4, 0);
        memory.write(0xEFFFE, new byte[] {1, 2, 3, 4}, 0, 4);
        assertFalse(memory.compareAndSet(0xF0000, 4, 0x90909090L, 0));
        assertEquals(0x9090_0201L, memory.read(0xEFFFE, 4));
        assertEquals(0x90909090L, memory.read(0xF0000, 4));
        memory.mapRom(0xFFFF0000L, new byte[65536]);
        assertTrue(memory.present(0xFFFFF));
        assertEquals(0, memory.read(0xFFFFFFF0L, 4));
        assertThrows(IllegalArgumentException.class, () -> memory.mapRom(0xF0001, image));
    }

    @Test
    void aRomIsPutThereAgainAtAReset() {
        for (int round = 0; round < 100; round++) {
            byte[] image = new byte[65536];
            Arrays.fill(image, (byte) round);
            memory.mapRom(0xF0000, image);
            assertEquals(round * 0x01010101L, memory.read(0xF8000, 4));
        }
    }

    @Test
    void watchedPagesGiveNoAddressForWritingAndTellOfWrites() {
        Log log = new Log();
        memory.addListener(log);
        memory.write(0x7000, 4, 1);
        assertTrue(log.lines.isEmpty());
        memory.watch(7, true);
        assertEquals(List.of("unmapped 7"), log.lines);
        log.lines.clear();
        memory.watch(7, true);
        assertEquals(List.of(), log.lines);
        assertEquals(0, memory.writableAddress(7));
        assertNotEquals(0, memory.readableAddress(7));
        memory.write(0x7010, 2, 0x55AA);
        assertEquals(0x55AA, memory.read(0x7010, 2));
        memory.write(0x6FFF, 2, 0x1234);
        memory.write(0x6FF0, new byte[0x20], 0, 0x20);
        assertTrue(memory.compareAndSet(0x7020, 4, 0, 9));
        assertFalse(memory.compareAndSet(0x7020, 4, 0, 9));
        assertEquals(List.of("written 7010 2", "written 7000 1", "written 7000 16", "written 7020 4"), log.lines);
        log.lines.clear();
        memory.watch(7, false);
        assertNotEquals(0, memory.writableAddress(7));
        memory.write(0x7010, 2, 0);
        assertEquals(List.of(), log.lines);
        memory.removeListener(log);
        memory.watch(7, true);
        assertEquals(List.of(), log.lines);
    }

    @Test
    void listenersAreToldAfterTheWriteAndUnderNoLock() throws Exception {
        AtomicInteger seen = new AtomicInteger(-1);
        memory.addListener(new PageListener() {
            @Override public void unmapped(long ppn) {}

            @Override
            public void written(long address, int length) {
                // another thread gets at the memory meanwhile
                Thread reader = new Thread(() -> {
                    memory.watch(100, true);
                    memory.write(0x200000, 4, 1);
                    seen.set((int) memory.read(address, length));
                });
                reader.start();
                try {
                    reader.join(10_000);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        });
        memory.watch(9, true);
        memory.write(0x9000, 4, 42);
        assertEquals(42, seen.get());
    }

    @Test
    void pagesTouchedFirstByManyThreadsAreTheSameForAll() throws Exception {
        for (int round = 0; round < 20; round++) {
            GuestMemory fresh = create(16 * MB);
            long[][] seen = new long[4][4096];
            Thread[] threads = new Thread[4];
            for (int t = 0; t < threads.length; t++) {
                int number = t;
                threads[t] = new Thread(() -> {
                    for (int ppn = 0; ppn < 4096; ppn++) seen[number][ppn] = number % 2 == 0 ? fresh.readableAddress(ppn) : fresh.writableAddress(ppn);
                });
                threads[t].start();
            }
            for (Thread thread : threads) thread.join();
            for (int t = 1; t < 4; t++) assertArrayEquals(seen[0], seen[t]);
            assertEquals(4096 - 32, Arrays.stream(seen[0]).filter(address -> address != 0).distinct().count());
            release(fresh);
        }
    }

    @Test
    void aRandomHistoryEqualsAPlainArray() {
        Random random = new Random(20260101);
        byte[] model = new byte[(int) (2 * MB)];
        Log log = new Log();
        memory.addListener(log);
        for (int step = 0; step < 200_000; step++) {
            int address = 0x100000 + random.nextInt(0x100000 - 64);
            switch (random.nextInt(6)) {
                case 0 -> {
                    byte[] block = new byte[random.nextInt(64)];
                    random.nextBytes(block);
                    memory.write(address, block, 0, block.length);
                    System.arraycopy(block, 0, model, address - 0x100000, block.length);
                }
                case 1 -> {
                    int bytes = 1 << random.nextInt(4);
                    long value = random.nextLong();
                    memory.write(address, bytes, value);
                    for (int i = 0; i < bytes; i++) model[address - 0x100000 + i] = (byte) (value >>> 8 * i);
                }
                case 2 -> memory.watch(address >> 12, random.nextBoolean());
                case 3 -> {
                    long host = memory.writableAddress(address >> 12);
                    if (host == 0) continue;
                    HostMemory.putByte(host + (address & 4095), (byte) step);
                    model[address - 0x100000] = (byte) step;
                }
                default -> {
                    int bytes = 1 << random.nextInt(4);
                    long expected = 0;
                    for (int i = 0; i < bytes; i++) expected |= (model[address - 0x100000 + i] & 0xFFL) << 8 * i;
                    assertEquals(expected, memory.read(address, bytes), "step " + step);
                }
            }
        }
    }
}
