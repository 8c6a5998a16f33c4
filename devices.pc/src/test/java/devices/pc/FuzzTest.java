package devices.pc;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import devices.pc.net.PcnetDriver;
import devices.pc.net.Wire;
import java.time.Duration;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Garbage in: a guest that writes anything anywhere, in any size, at any time must not make a device throw or hang. Each test
 * is one device with its neighbours quiet; seeds are fixed.
 */
class FuzzTest {
    private static final int ROUNDS = 40_000;

    /** Random accesses within ranges of ports, with time passing and interrupts being taken. */
    private static void ports(long seed, int... ranges) {
        run(seed, (Round round) -> {
            int range = 2 * round.random.nextInt(ranges.length / 2);
            int port = ranges[range] + round.random.nextInt(ranges[range + 1]);
            int bytes = 1 << round.random.nextInt(3);
            if (round.random.nextInt(3) == 0) round.pc.access(false, port, bytes, 0, false);
            else round.pc.access(false, port, bytes, round.value(), true);
        });
    }

    private static final class Round {
        final TestMachine pc = new TestMachine(2, 64 << 20);
        final PcnetDriver driver;
        final Random random;

        Round(long seed) {
            random = new Random(seed);
            pc.add("440bx", "board");
            for (int i = 0; i < 4; i++) pc.add("uart", "serial" + i);
            pc.add("debugcon", "debugcon");
            pc.add("debugexit", "debugexit");
            driver = new PcnetDriver(pc);
            pc.pics();
        }

        /** Mostly bytes, and bit patterns that mean something. */
        long value() {
            return switch (random.nextInt(4)) {
                case 0 -> 1L << random.nextInt(32);
                case 1 -> random.nextInt();
                default -> random.nextInt(256);
            };
        }
    }

    private static void run(long seed, Consumer<Round> access) {
        Round round = new Round(seed);
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            for (int i = 0; i < ROUNDS; i++) {
                access.accept(round);
                if (round.random.nextInt(4) == 0) pass(round);
            }
        });
    }

    private static void pass(Round round) {
        TestMachine pc = round.pc;
        switch (round.random.nextInt(6)) {
            case 0 -> pc.stall(round.random.nextInt(50_000_000));
            case 1 -> {
                int vector = pc.sink.acknowledge(round.random.nextInt(2));
                assertTrue(vector >= 0 && vector <= 255);
            }
            case 2 -> pc.streams.get("serial0").type("x");
            case 3 -> {
                pc.streams.get("serial0").full = round.random.nextBoolean();
                if (!pc.streams.get("serial0").full) pc.streams.get("serial0").drain();
            }
            case 4 -> pc.sink.line(round.random.nextInt(24), round.random.nextBoolean());
            default -> pc.advance(round.random.nextInt(200_000));
        }
    }

    @Test
    void theInterruptControllers() { ports(1, 0x20, 2, 0xA0, 2, 0x4D0, 2); }

    @Test
    void theIntervalTimer() { ports(2, 0x40, 4, 0x61, 1); }

    @Test
    void theClock() { ports(3, 0x70, 2); }

    @Test
    void theKeyboardController() { ports(4, 0x60, 1, 0x64, 1, 0x92, 1); }

    @Test
    void theSerialPorts() { ports(5, 0x3F8, 8, 0x2F8, 8, 0x3E8, 8, 0x2E8, 8); }

    @Test
    void pciAndPowerManagement() { ports(6, 0xCF8, 8, 0xCFC, 4, 0x1000, 64, 0xB2, 2); }

    @Test
    void pciConfigurationOfWhatIsThere() {
        run(7, round -> {
            int slot = round.random.nextBoolean() ? 0 : 7, function = slot == 0 ? 0 : 3 * round.random.nextInt(2);
            round.pc.out32(0xCF8, 0x8000_0000L | slot << 11 | function << 8 | round.random.nextInt(64) << 2);
            int bytes = 1 << round.random.nextInt(3);
            round.pc.access(false, 0xCFC + round.random.nextInt(4), bytes, round.value(), round.random.nextInt(3) != 0);
        });
    }

    @Test
    void dmaAndTheSmallPorts() { ports(8, 0, 16, 0x80, 16, 0xC0, 32, 0xE9, 1, 0xF0, 8); }

    @Test
    void localApic() {
        run(9, round -> {
            long at = 0xFEE0_0000L + (round.random.nextInt(4) == 0 ? round.random.nextInt(4096 - 8) : 16L * round.random.nextInt(64));
            int bytes = 1 << round.random.nextInt(4);
            if (round.random.nextInt(200) == 0) round.pc.sink.apicBase(0, round.random.nextLong() & 0xF_FFFF_FFFF_FFFFL);
            if (round.random.nextInt(20) == 0) round.pc.sink.apicBase(0, 0xFEE0_0900L);
            if (round.random.nextInt(20) == 0) round.pc.write(0xFEE0_00F0L, 0x1FF);
            if (round.random.nextInt(20) == 0) round.pc.sink.taskPriority(0, round.random.nextInt(16));
            round.pc.access(true, at, bytes, round.value(), round.random.nextInt(3) != 0);
        });
    }

    @Test
    void ioApic() {
        run(10, round -> {
            if (round.random.nextInt(20) == 0) round.pc.write(0xFEE0_00F0L, 0x1FF);
            long at = 0xFEC0_0000L + (round.random.nextInt(8) == 0 ? round.random.nextInt(4096 - 8) : 16L * round.random.nextInt(2));
            round.pc.access(true, at, 1 << round.random.nextInt(4), round.value(), round.random.nextInt(3) != 0);
        });
    }

    /** Registers at random, over rings and blocks of random bytes, of zeros, and outside of memory. */
    @Test
    void theNetworkAdapter() {
        run(12, round -> {
            Random random = round.random;
            Wire wire = round.driver.wire;
                        if (random.nextInt(50) == 0) round.pc.pci(16, 0, 0x10, PcnetDriver.PORTS);
            if (random.nextInt(50) == 0) round.pc.pci(16, 0, 4, 7);
            if (random.nextInt(20) == 0) round.pc.guestMemory.write(random.nextInt(0x8000), 8, random.nextLong());
            if (random.nextInt(10) == 0) wire.arrive(new byte[14 + random.nextInt(1505)], frame(random));
            int at = PcnetDriver.PORTS + (random.nextInt(4) == 0 ? random.nextInt(32) : 0x10 + 2 * random.nextInt(2));
            int bytes = random.nextInt(4) == 0 ? 1 << random.nextInt(3) : 2;
            long value = random.nextInt(3) == 0 ? random.nextInt(32) : random.nextInt(0x10000);
            if (random.nextInt(4) == 0) round.pc.access(false, at, bytes, 0, false);
            else round.pc.access(false, at, bytes, value, true);
            if (random.nextInt(30) == 0) round.pc.access(false, PcnetDriver.PORTS + 0x12, 2, 0, true);
            assertTrue(wire.sent.stream().allMatch(frame -> frame.length >= 14 && frame.length <= 1518));
            wire.sent.clear();
        });
    }

    private static byte[] frame(Random random) {
        byte[] frame = new byte[14 + random.nextInt(1505)];
        random.nextBytes(frame);
        return frame;
    }

    @Test
    void everythingAtOnce() {
        run(11, round -> {
            boolean memory = round.random.nextInt(4) == 0;
            long at = memory ? (round.random.nextBoolean() ? 0xFEC0_0000L : 0xFEE0_0000L) + round.random.nextInt(1024) : round.random.nextInt(0x1040);
            round.pc.access(memory, at, 1 << round.random.nextInt(3), round.value(), round.random.nextInt(3) != 0);
        });
    }
}
