package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import vmkernel.api.storage.BlockOperation;

/** The disk's commands, one by one, as they come over an adapter. */
class ScsiDiskTest {
    private static final int BLOCKS = 300_000;

    private final TestMachine pc = TestMachine.board();
    private final FakeDisk disk = new FakeDisk(BLOCKS).filled(1);
    private LsiDriver driver;

    @BeforeEach
    void start() {
        disk.immediate = true;
        pc.disks.put("scsi0", Map.of(0, disk));
        pc.add("lsilogic", "scsi0");
        driver = new LsiDriver(pc).start();
        expect(0x062900, "000000000000", 0);
    }

    /** Reads so many bytes, which must be all that there are. */
    private byte[] read(String cdb, int bytes) {
        LsiDriver.Reply reply = driver.command(0, cdb, false, bytes);
        assertTrue(reply.plain(), cdb + ": " + (reply.plain() ? "" : Integer.toHexString(reply.status()) + " " + reply.transferred()));
        return driver.data(bytes);
    }

    private void good(String cdb) { read(cdb, 0); }

    private void expect(int sense, String cdb, int bytes) { driver.expectSense(driver.command(0, cdb, false, bytes), sense); }

    private void write(String cdb, byte[] data) {
        pc.guestMemory.write(LsiDriver.DATA, data, 0, data.length);
        LsiDriver.Reply reply = driver.command(0, cdb, true, data.length);
        assertTrue(reply.plain(), cdb + ": " + (reply.plain() ? "" : Integer.toHexString(driver.sense(1))));
    }

    private static String text(byte[] data, int from, int length) { return new String(data, from, length, StandardCharsets.US_ASCII); }

    private byte[] block(int number, int count) { return Arrays.copyOfRange(disk.content, number * 512, (number + count) * 512); }

    @Test
    void inquirySaysWhatVmwareSays() {
        byte[] data = read("120000002400", 36);
        assertEquals("VMware  Virtual disk    1.0 ", text(data, 8, 28));
        assertEquals(0, data[0]);
        assertEquals(31, data[4]);
        assertEquals(0x32, data[7], "wide, synchronous, queues");
        assertEquals(5, read("120000000500", 5).length);
        expect(0x052400, "120080002400", 36);
    }

    @Test
    void vitalProductDataNameTheDisk() {
        assertArrayEquals(new byte[] {0, 0, 0, 4, 0, (byte) 0x80, (byte) 0x83, (byte) 0xB0}, read("120100000800", 8));
        assertEquals("scsi0:0", text(read("120180000B00", 11), 4, 7));
        byte[] name = read("120183002700", 39);
        assertEquals("VMware  Virtual disk    scsi0:0", text(name, 8, 31));
        assertEquals(31, name[7]);
        assertEquals(65536, ByteBuffer.wrap(read("1201B0004000", 64)).getInt(8), "most blocks of a command");
        expect(0x052400, "1201C0002400", 36);
    }

    @Test
    void capacityInTenAndSixteen() {
        ByteBuffer ten = ByteBuffer.wrap(read("25000000000000000000", 8));
        assertEquals(BLOCKS - 1, ten.getInt());
        assertEquals(512, ten.getInt());
        ByteBuffer sixteen = ByteBuffer.wrap(read("9E100000000000000000000000200000", 32));
        assertEquals(BLOCKS - 1, sixteen.getLong());
        assertEquals(512, sixteen.getInt());
        expect(0x052400, "9E110000000000000000000000200000", 0);
        expect(0x052400, "25000000000100000000", 8);
    }

    @Test
    void readsOfAllSizes() {
        assertArrayEquals(block(0x1234, 3), read("080012340300", 1536));
        assertArrayEquals(block(0, 256), read("080000000000", 256 * 512));
        assertArrayEquals(block(0x2_0001, 2), read("28000002000100000200", 1024));
        assertArrayEquals(block(7, 1), read("A80000000007000000010000", 512));
        assertArrayEquals(block(BLOCKS - 1, 1), read(String.format("8800%016x000000010000", BLOCKS - 1), 512));
        good("28000000000000000000");
    }

    @Test
    void writesOfAllSizes() {
        byte[] data = new byte[1024];
        Arrays.fill(data, (byte) 0x5A);
        List<String> commands = List.of("0A0000100200", "2A000000001000000200", "AA0000000010000000020000", "8A000000000000000010000000020000", "2E000000001000000200");
        for (String cdb : commands) {
            Arrays.fill(disk.content, 16 * 512, 18 * 512, (byte) 0);
            write(cdb, data);
            assertArrayEquals(data, block(16, 2), cdb);
        }
    }

    @Test
    void whatIsBeyondTheEndIsRefused() {
        String last = String.format("%08x", BLOCKS - 1), end = String.format("%08x", BLOCKS);
        expect(0x052100, "2800" + last + "00000200", 1024);
        expect(0x052100, "2800" + end + "00000100", 512);
        expect(0x052100, "2800FFFFFFFF00000100", 512);
        expect(0x052100, "8800FFFFFFFFFFFFFFFF000000010000", 512);
        expect(0x052100, "88007FFFFFFFFFFFFFFF000000010000", 512);
        expect(0x052100, "3500" + end + "00000100", 0);
        expect(0x052400, "A80000000000" + String.format("%08x", 70_000) + "0000", 512);
        good("2800" + end + "00000000");
        assertEquals(List.of(), disk.history);
    }

    @Test
    void aReadOnlyDiskIsWriteProtected() {
        disk.readOnly = true;
        pc.guestMemory.write(LsiDriver.DATA, new byte[512], 0, 512);
        driver.expectSense(driver.command(0, "2A000000000000000100", true, 512), 0x072700);
        assertEquals(0x90, read("1A003F000400", 4)[2] & 0xFF);
        disk.readOnly = false;
        assertEquals(0x10, read("1A003F000400", 4)[2] & 0xFF, "and FUA is known");
    }

    @Test
    void synchronizingFlushes() {
        good("35000000000000000000");
        good("91000000000000000000000000000000");
        good("1B0000000000"); // stop
        good("1B0000000100"); // start
        assertEquals(List.of(BlockOperation.FLUSH, BlockOperation.FLUSH, BlockOperation.FLUSH), disk.history);
    }

    @Test
    void theCachePageTellsAndTurnsOffTheWriteCache() {
        byte[] page = read("1A0808001800", 24);
        assertEquals(23, page[0]);
        assertEquals(8, page[4]);
        assertEquals(0x12, page[5]);
        assertEquals(4, page[6]);
        assertEquals(4, read("1A0848001800", 24)[6], "it can be changed");
        page[0] = 0;
        page[6] = 0;
        write("151000001800", page);
        assertEquals(0, read("1A0808001800", 24)[6]);
        assertEquals(4, read("1A0888001800", 24)[6], "by default it is on");
        disk.history.clear();
        write("2A000000000000000100", new byte[512]);
        assertEquals(List.of(BlockOperation.WRITE, BlockOperation.FLUSH), disk.history);
        byte[] ten = new byte[28];
        System.arraycopy(page, 4, ten, 8, 20);
        ten[10] = 4;
        write("55100000000000001C00", ten);
        assertEquals(4, read("5A080800000000001C00", 28)[10]);
    }

    @Test
    void modePages() {
        byte[] all = read("1A003F003800", 56);
        assertEquals(55, all[0]);
        assertEquals(8, all[3], "a block descriptor");
        assertEquals(512, ByteBuffer.wrap(all).getInt(8) & 0xFFFFFF);
        assertEquals(List.of((byte) 1, (byte) 8, (byte) 10), List.of(all[12], all[24], all[44]));
        expect(0x052400, "1A0019001800", 24);
        expect(0x053900, "1A00C8001800", 24);
    }

    @Test
    void wrongModeParametersChangeNothing() {
        byte[] list = new byte[24];
        list[4] = 0x19; // no such page
        list[5] = 18;
        driver.pc.guestMemory.write(LsiDriver.DATA, list, 0, 24);
        driver.expectSense(driver.command(0, "151000001800", true, 24), 0x052600);
        driver.expectSense(driver.command(0, "151100001800", true, 24), 0x052400);
        driver.expectSense(driver.command(0, "151000000200", true, 2), 0x051A00);
        write("151000000400", new byte[4]);
        good("150000000000");
        assertEquals(4, read("1A0808001800", 24)[6]);
    }

    @Test
    void otherUnitsAreNotThere() {
        ByteBuffer inquiry = driver.io(1, 0, "120000002400", false, LsiDriver.DATA, 36).put(0x0D, (byte) 3);
        driver.post(1, inquiry);
        assertTrue(driver.reply().plain());
        assertEquals(0x7F, driver.data(36)[0]);
        driver.post(1, driver.io(1, 0, "000000000000", false, 0, 0).put(0x0D, (byte) 3));
        driver.expectSense(driver.reply(), 0x052500);
        assertArrayEquals(new byte[] {0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, read("A00000000000000000100000", 16));
        expect(0x052400, "A00000000000000000080000", 8);
    }

    @Test
    void unitAttentionsAreToldOnce() {
        good("000000000000");
        driver.post(3, LsiDriver.message(0x34, 1, 3).put(5, (byte) 3));
        driver.reply();
        read("120000002400", 36); // leaves it
        byte[] sense = read("030000001200", 18);
        assertEquals(0x29, sense[12]);
        assertEquals(6, sense[2]);
        good("000000000000");
        assertEquals(0, read("030000001200", 18)[2], "no sense");
    }

    @Test
    void theRestIsAcceptedOrRefused() {
        for (String cdb : List.of("160000000000", "170000000000", "56000000000000000000", "57000000000000000000", "010000000000", "1D0400000000")) good(cdb);
        good("2F000000000000000A00");
        assertEquals(List.of(BlockOperation.READ), disk.history, "VERIFY reads");
        expect(0x052400, "2F020000000000000A00", 0);
        for (String cdb : List.of("040000000000", "41000000000000000000", "A30C00000000000000000000", "4D000000000000000000")) expect(0x052000, cdb, 0);
    }

    @Test
    void dataInTheWrongDirectionAreNotMoved() {
        byte[] before = block(0, 1);
        LsiDriver.Reply reply = driver.command(0, "28000000000000000100", true, 512);
        assertEquals(0x44, reply.status());
        reply = driver.command(0, "2A000000000000000100", false, 512);
        assertEquals(0x44, reply.status());
        assertArrayEquals(before, block(0, 1));
    }
}
