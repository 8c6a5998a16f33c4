package host.sim.nic;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Garbage from both ends: a driver that writes anything anywhere, lists and buffers at any address, and frames of any size. The
 * chip never throws, never ends, and still works after a reset. {@link TestSlot} checks every address itself, so a model that got
 * past it would throw.
 */
class FuzzTest {
    private static final int ROUNDS = 60_000;

    @Test
    void registersListsAndFramesOfAnyKind() {
        String[] models = {"82557", "82558", "82559"};
        for (int seed = 0; seed < models.length; seed++) run(models[seed], new Random(seed));
    }

    private static void run(String model, Random random) {
        try (TestDriver driver = new TestDriver(model)) {
            driver.slot.handler = () -> driver.out(1, 1, driver.causes());
            assertTimeoutPreemptively(Duration.ofSeconds(120), () -> {
                for (int i = 0; i < ROUNDS; i++) {
                    round(driver, random);
                    if (i % 1000 == 0) works(driver);
                }
                works(driver);
            });
            assertEquals(0, driver.chip.failures(), "exceptions on the chip's thread");
        }
    }

    private static void round(TestDriver driver, Random random) {
        switch (random.nextInt(8)) {
            case 0 -> garbage(driver, random, address(random) & TestSlot.BYTES - 1);
            case 1, 2 -> block(driver, random);
            case 3 -> descriptor(driver, random);
            case 4 -> {
                driver.out(4, 4, random.nextInt(16) == 0 ? address(random) : place(random));
                driver.out(2, 1, random.nextInt(4) == 0 ? random.nextInt(256) : new int[] {0x10, 0x20, 0x01, 0x50, 0x70, 0xA0, 0x02, 0x07, 0x21}[random.nextInt(9)]);
            }
            case 5 -> assertDoesNotThrow(() -> driver.receive(frame(random), frame(random)));
            case 6 -> driver.chip.read(random.nextInt(3), random.nextInt(80), 1 << random.nextInt(3));
            default -> {
                int offset = random.nextInt(64);
                if (random.nextInt(8) == 0 || offset < 8 || offset > 11) driver.chip.write(random.nextInt(3), offset, 1 << random.nextInt(3), address(random) & 0xFFFF_FFFFL);
            }
        }
    }

    /** After a reset a command is executed as ever. */
    private static void works(TestDriver driver) {
        driver.out(8, 4, 0);
        assertEquals(0xA000, driver.run(0));
        driver.wire.sent.clear();
    }

    /** One of a few places, so that lists meet and go round in circles. */
    private static int place(Random random) { return 0x1000 + 0x100 * random.nextInt(16); }

    private static int address(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> TestSlot.BYTES - random.nextInt(64);
            case 2 -> -random.nextInt(64);
            default -> random.nextInt(TestSlot.BYTES);
        };
    }

    private static void garbage(TestDriver driver, Random random, int at) {
        byte[] bytes = new byte[random.nextInt(64)];
        random.nextBytes(bytes);
        driver.bytes(at, bytes);
    }

    private static void block(TestDriver driver, Random random) {
        int at = place(random);
        garbage(driver, random, at + 8);
        driver.dword(at + 4, random.nextInt(8) == 0 ? address(random) : place(random));
        if (random.nextBoolean()) driver.dword(at + 8, address(random));
        int flags = (random.nextInt(8) == 0 ? 0x8000 : 0) | (random.nextInt(4) == 0 ? 0x4000 : 0) | (random.nextInt(4) == 0 ? 0x2000 : 0);
        driver.word(at + 2, flags | random.nextInt(32));
    }

    private static void descriptor(TestDriver driver, Random random) {
        int at = place(random);
        driver.dword(at + 4, random.nextInt(8) == 0 ? address(random) : place(random));
        driver.dword(at + 8, random.nextInt(2) == 0 ? address(random) : place(random));
        driver.dword(at + 12, random.nextInt());
        driver.dword(at, random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(32) << 16);
    }

    private static byte[] frame(Random random) {
        byte[] frame = new byte[random.nextInt(8) == 0 ? random.nextInt(70_000) : random.nextInt(1600)];
        random.nextBytes(frame);
        if (random.nextBoolean() && frame.length > 6) java.util.Arrays.fill(frame, 0, 6, (byte) 0xFF);
        return frame;
    }
}
