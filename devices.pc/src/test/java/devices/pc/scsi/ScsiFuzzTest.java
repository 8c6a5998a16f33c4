package devices.pc.scsi;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.TestMachine;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import vmkernel.api.storage.BlockResult;

/**
 * Garbage in registers, messages, mailboxes and scatter-gather lists: nothing is thrown, nothing hangs, and the kernel's disks get
 * requests in proper form only, which they see to by themselves.
 */
class ScsiFuzzTest {
    private static final int ROUNDS = 20_000;

    private final TestMachine pc = TestMachine.board();
    private final FakeDisk[] disks = {new FakeDisk(3000), new FakeDisk(100)};
    private Random random;

    private interface Round {
        void run();
    }

    private void fuzz(String type, long seed, Round round) {
        random = new Random(seed);
        pc.disks.put("scsi0", Map.of(0, disks[0], 1, disks[1]));
        pc.add(type, "scsi0");
        BusyScsiGuest.driverOf(type, pc).start();
        assertTimeoutPreemptively(Duration.ofSeconds(120), () -> {
            for (int i = 0; i < ROUNDS; i++) {
                round.run();
                if (random.nextInt(3) == 0) end();
                if (random.nextInt(500) == 0) pc.handOver("scsi0");
            }
        });
        assertTrue(disks[0].history.size() + disks[1].history.size() > 0 || seed % 2 == 0, "some requests came to the disks");
    }

    private void end() {
        FakeDisk disk = disks[random.nextInt(2)];
        assertTrue(disk.pending.size() <= 256);
        disk.immediate = random.nextInt(4) == 0;
        if (disk.pending.isEmpty()) return;
        disk.end(disk.pending.get(random.nextInt(disk.pending.size())), random.nextInt(4) == 0 ? BlockResult.HARDWARE_ERROR : BlockResult.GOOD);
    }

    /** Small numbers, bits, addresses of the area that is used, and anything. */
    private long number() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(16);
            case 1 -> 1L << random.nextInt(32);
            case 2 -> random.nextInt();
            case 3 -> LsiDriver.FRAMES + random.nextInt(0x800);
            case 4 -> 0xFFFF_FFFFL - random.nextInt(0x100);
            default -> random.nextInt(0x1000);
        };
    }

    private void garbage(long address, int bytes) { for (int i = 0; i < bytes; i += 4) pc.guestMemory.write(address + i, 4, number()); }

    private static final int[] OPCODES = {0x00, 0x03, 0x08, 0x0A, 0x12, 0x15, 0x1A, 0x1B, 0x25, 0x28, 0x2A, 0x2E, 0x2F, 0x35, 0x55, 0x5A, 0x88, 0x8A, 0x8F, 0x91,
        0x9E, 0xA0, 0xA8, 0xAA, 0xAF};
    private static final int[] ELEMENTS = {0x10, 0x90, 0xD1, 0x12, 0x30, 0x32, 0xB0};

    /** Often one that is known, with few blocks. */
    private void cdb(long address) {
        garbage(address, 16);
        if (random.nextInt(4) != 0) pc.guestMemory.write(address, 1, OPCODES[random.nextInt(OPCODES.length)]);
        if (random.nextInt(2) == 0) pc.guestMemory.write(address + 1, 4, (long) random.nextInt(3) << 24);
    }

    // -- LSI Logic --

    @Test
    void registersOfTheLsiLogic() {
        fuzz("lsilogic", 2, () -> {
            boolean memory = random.nextBoolean();
            int offset = random.nextInt(4) == 0 ? random.nextInt(0x60) : 4 * random.nextInt(0x14);
            long value = random.nextInt(8) == 0 ? (0x40L + random.nextInt(4)) << 24 | (long) random.nextInt(20) << 16 : number();
            pc.access(memory, (memory ? LsiDriver.BAR1 : LsiDriver.PORT) + offset, 1 << random.nextInt(3), value, random.nextInt(3) != 0);
            if (random.nextInt(50) == 0) for (int key : new int[] {0xF, 4, 0xB, 2, 7, 0xD}) pc.write(LsiDriver.BAR1 + LsiDriver.SEQUENCE, key);
        });
    }

    @Test
    void messagesOfTheLsiLogic() {
        LsiDriver[] driver = new LsiDriver[1];
        fuzz("lsilogic", 3, () -> {
            if (driver[0] == null) driver[0] = new LsiDriver(pc);
            if (driver[0].state() != 2) driver[0] = restarted();
            long frame = LsiDriver.FRAMES + 4L * random.nextInt(0x200);
            garbage(frame, 128);
            if (random.nextInt(4) != 0) pc.guestMemory.write(frame + 3, 1, random.nextInt(3) == 0 ? random.nextInt(9) : 0);
            pc.guestMemory.write(frame, 2, random.nextInt(3));
            pc.guestMemory.write(frame + 0x0C, 8, random.nextInt(8) == 0 ? random.nextLong() : 0); // LUN
            cdb(frame + 0x18);
            if (random.nextBoolean()) sgl(frame);
            if (random.nextInt(3) != 0) driver[0].out(LsiDriver.REQUEST, frame + random.nextInt(4));
            else driver[0].out(LsiDriver.REPLY, random.nextInt(4) == 0 ? number() : LsiDriver.REPLIES + 128L * random.nextInt(64));
            for (int i = random.nextInt(4); i > 0; i--) driver[0].in(LsiDriver.REPLY);
        });
    }

    private LsiDriver restarted() {
        LsiDriver driver = new LsiDriver(pc);
        for (int key : new int[] {0xF, 4, 0xB, 2, 7, 0xD}) driver.out(LsiDriver.SEQUENCE, key);
        driver.out(LsiDriver.DIAGNOSTIC, 4);
        return driver.start();
    }

    /** Elements of all kinds, and chains that lead anywhere, also back. */
    private void sgl(long frame) {
        for (long at = frame + 0x30; at < frame + 128; at += 8) {
            pc.guestMemory.write(at, 4, (long) ELEMENTS[random.nextInt(ELEMENTS.length)] << 24 | random.nextInt(3) << 16 | random.nextInt(0x400));
            pc.guestMemory.write(at + 4, 4, number() & -4);
        }
        pc.guestMemory.write(frame + 2, 1, random.nextInt(32));
        pc.guestMemory.write(frame + 0x28, 4, random.nextInt(3) == 0 ? number() : 512L * random.nextInt(20));
        pc.guestMemory.write(frame + 0x14, 4, (long) random.nextInt(4) << 24);
    }

    // -- BusLogic --

    @Test
    void registersOfTheBusLogic() {
        fuzz("buslogic", 4, () -> {
            int port = random.nextInt(8) == 0 ? 0x330 : BusDriver.PORT;
            pc.access(false, port + random.nextInt(5), 1 << random.nextInt(3), random.nextInt(256), random.nextInt(3) != 0);
            if (random.nextInt(20) == 0) pc.out(BusDriver.PORT + 1, 0x81, 3, 0, 0, 0x10, 0);
        });
    }

    @Test
    void mailboxesOfTheBusLogic() {
        fuzz("buslogic", 5, () -> {
            if (random.nextInt(1000) == 0) new BusDriver(pc, 1 + random.nextInt(255)).start();
            for (int i = random.nextInt(4); i >= 0; i--) {
                long box = BusDriver.MAILBOXES + 8L * random.nextInt(400), ccb = BusDriver.CCBS + 4L * random.nextInt(0x100);
                pc.guestMemory.write(box, 4, random.nextInt(8) == 0 ? number() : ccb);
                pc.guestMemory.write(box + 7, 1, random.nextInt(4));
                garbage(ccb, 40);
                if (random.nextInt(4) != 0) pc.guestMemory.write(ccb, 1, random.nextInt(5));
                pc.guestMemory.write(ccb + 2, 1, random.nextInt(16));
                pc.guestMemory.write(ccb + 4, 4, random.nextInt(3) == 0 ? number() : 512L * random.nextInt(20));
                pc.guestMemory.write(ccb + 0x10, 1, random.nextInt(3));
                pc.guestMemory.write(ccb + 0x11, 1, random.nextInt(2));
                if (random.nextInt(4) != 0) cdb(ccb + 0x12);
            }
            pc.out(BusDriver.PORT + 1, 2);
            if (random.nextBoolean()) pc.out(BusDriver.PORT, 0x20);
        });
    }
}
