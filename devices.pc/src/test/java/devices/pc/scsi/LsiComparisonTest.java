package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import devices.pc.Qemu;
import devices.pc.TestMachine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One driver for our SCSI controller and for QEMU's SAS controller (mptsas1068), which has the same message interface one version
 * later. Left out is what a SAS controller has otherwise, or newer: port facts, pages of ports and devices, sizes in the facts.
 */
class LsiComparisonTest {
    private static final int SLOT = 5, BLOCKS = 4096;

    @TempDir
    private static Path folder;
    private static Qemu qemu;

    private final FakeDisk disk = new FakeDisk(BLOCKS).filled(1);
    private final LsiDriver ours = ours(), theirs = new LsiDriver(new QemuHost());

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        Path image = folder.resolve("disk");
        Files.write(image, new FakeDisk(BLOCKS).filled(1).content);
        qemu = new Qemu("-device", "mptsas1068,addr=" + SLOT + ",id=scsi", "-drive", "if=none,format=raw,id=disk,file=" + image,
            "-device", "scsi-hd,bus=scsi.0,scsi-id=0,drive=disk");
        pci(0x10, LsiDriver.PORT);
        pci(0x04, 7);
    }

    private static void pci(int register, long value) {
        qemu.out32(0xCF8, 0x8000_0000L | SLOT << 11 | register);
        qemu.out32(0xCFC, value);
    }

    @AfterAll
    static void stop() throws IOException, InterruptedException { if (qemu != null) qemu.close(); }

    private record QemuHost() implements LsiDriver.Host {
        @Override public long in(int register) { return qemu.in32(LsiDriver.PORT + register); }
        @Override public void out(int register, long value) { qemu.out32(LsiDriver.PORT + register, value); }
        @Override public byte[] read(long address, int bytes) { return qemu.read(address, bytes); }
        @Override public void write(long address, byte[] bytes) { qemu.write(address, bytes); }
        @Override public boolean goesOnByItself() { return true; }
    }

    private LsiDriver ours() {
        TestMachine pc = TestMachine.board();
        disk.immediate = true;
        pc.disks.put("scsi0", Map.of(0, disk));
        pc.add("lsilogic", "scsi0");
        return new LsiDriver(pc);
    }

    /** Asks both, and compares. */
    private void both(String what, Function<LsiDriver, Object> question) { assertEquals(question.apply(theirs), question.apply(ours), what); }

    private void started() {
        ours.start();
        theirs.start();
        ours.command(0, "000000000000", false, 0); // unit attentions, which depend on what was before
        theirs.command(0, "000000000000", false, 0);
    }

    private static String reply(LsiDriver.Reply reply) {
        return reply.plain() ? "context " + reply.context() : Arrays.toString(Arrays.copyOf(reply.frame().array(), 4 * reply.frame().get(2)));
    }

    @Test
    void handshakesAndFacts() {
        both("state", LsiDriver::state);
        for (int offset : new int[] {0x03, 0x07, 0x0E, 0x27, 0x2F}) both("facts, byte " + offset, driver -> driver.facts().get(offset));
        started();
        both("state", LsiDriver::state);
        both("initialized by", driver -> driver.facts().get(0x15));
        both("doorbell", driver -> driver.in(LsiDriver.DOORBELL));
    }

    @Test
    void registersAfterResets() {
        started();
        for (int key : new int[] {0xFF, 4, 0xB, 2, 7, 0xD}) {
            ours.out(LsiDriver.SEQUENCE, key);
            theirs.out(LsiDriver.SEQUENCE, key);
        }
        both("diagnostic", driver -> driver.in(LsiDriver.DIAGNOSTIC) & 0x80);
        ours.out(LsiDriver.DIAGNOSTIC, 4);
        theirs.out(LsiDriver.DIAGNOSTIC, 4);
        both("state", LsiDriver::state);
        both("interrupts", driver -> driver.in(LsiDriver.STATUS));
        both("reply", driver -> driver.in(LsiDriver.REPLY));
    }

    @Test
    void headersOfPages() {
        started();
        int[][] pages = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {1, 0}, {1, 1}, {1, 4}, {9, 0}, {9, 1}};
        for (int[] page : pages) both("page " + page[0] + "/" + page[1], driver -> header(driver.config(0, page[0], page[1], 0, 0)));
        for (int type : new int[] {9, 12}) both("no page " + type, driver -> driver.config(0, type, 33, 0, 0).getShort(0x0E));
    }

    /** Status, length and length in dwords, number, type; versions and attributes are theirs and ours. */
    private static List<Integer> header(ByteBuffer reply) {
        return List.of((int) reply.getShort(0x0E), (int) reply.get(2), (int) reply.get(0x15), (int) reply.get(0x16), reply.get(0x17) & 0xF);
    }

    @Test
    void eventsAndTaskManagement() {
        started();
        both("events", driver -> {
            driver.post(1, LsiDriver.message(12, 7, 0x77).put(0, (byte) 1));
            return reply(driver.reply());
        });
        for (int type : new int[] {1, 3, 5}) {
            both("task management " + type, driver -> {
                driver.post(2, LsiDriver.message(0x34, 1, 2).put(5, (byte) type).putInt(0x30, 99));
                return reply(driver.reply());
            });
        }
        both("by the doorbell", driver -> {
            driver.sendByDoorbell(LsiDriver.message(0x34, 1, 2).put(5, (byte) 3));
            long interrupt = driver.in(LsiDriver.STATUS) & 1;
            driver.out(LsiDriver.STATUS, 0);
            return interrupt + reply(driver.reply());
        });
    }

    @Test
    void commandsAndTheirReplies() {
        started();
        for (String cdb : List.of("000000000000", "35000000000000000000")) both(cdb, driver -> reply(driver.command(0, cdb, false, 0)));
        // QEMU has an underrun of no bytes
        both("an unknown command", driver -> List.of(driver.command(0, "FF0000000000", false, 0).scsiState(), driver.sense(1)));
        both("a wrong field", driver -> reply(driver.command(0, "1A00FF001800", false, 24)) + driver.sense(1));
        both("data that are too few", driver -> reply(driver.command(0, "120000002400", false, 200)));
        both("beyond the end", driver -> reply(driver.command(0, "2800FFFFFFF000000100", false, 512)) + driver.sense(1));
        both("nobody there", driver -> reply(driver.command(9, "000000000000", false, 0)));
        both("capacity", driver -> reply(driver.command(0, "25000000000000000000", false, 8)) + Arrays.toString(driver.data(8)));
    }

    @Test
    void dataOfListsAndChains() {
        started();
        for (LsiDriver driver : List.of(ours, theirs)) {
            ByteBuffer message = driver.io(1, 0, "28000000000300000400", false, 0, 2048);
            driver.chain(message);
            driver.post(1, message);
        }
        both("the end", driver -> reply(driver.reply()));
        assertArrayEquals(theirs.data(2048), ours.data(2048));
        assertArrayEquals(Arrays.copyOfRange(disk.content, 3 * 512, 7 * 512), ours.data(2048));
    }
}
