package host.sim.array;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import host.sim.array.TestHost.Command;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.memory.HostMemory;

/**
 * A driver that does everything wrong. The controller never throws (a thread of it that did would say so in {@link #failures}), never
 * writes where no command let it, and serves a driver that knows better after a reset.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ArrayFuzzTest {
    private static final int STEPS = 4000, AREA = 1 << 16, GUARD = 1 << 16;
    private static final long UNIT = TestHost.UNIT0;
    private static final int[] OPCODES = {0x00, 0x03, 0x08, 0x0A, 0x12, 0x1A, 0x1B, 0x25, 0x26, 0x27, 0x28, 0x2A, 0x2F, 0x35, 0x5A, 0x88, 0x8A, 0x91, 0x9E, 0xA8, 0xAA, 0xC2, 0xC3};
    private static final int[] REGISTERS = {0x20, 0x30, 0x34, 0x40, 0x44, 0xB0, 0xB4, 0xB8, 0x400, 0x410, 0x43C, 0x4FC, 0x500};

    @TempDir
    Path home;
    private final List<Throwable> failures = new ArrayList<>();
    private Random random;
    private DmaBuffer area;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void garbageHarmsNoOne(long seed) throws Exception {
        random = new Random(seed);
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> failures.add(thrown));
        try (TestHost host = new TestHost(Board.values()[(int) (seed % Board.values().length)], home, "unit0.file", "f", "unit0.size", "1M", "unit1.file", "g", "unit1.size", "64K")) {
            DmaBuffer before = host.device.allocate(GUARD, 64);
            area = host.device.allocate(AREA, 64);
            DmaBuffer after = host.device.allocate(GUARD, 64);
            HostMemory.fill(before.address(), GUARD, (byte) 0x5A);
            HostMemory.fill(after.address(), GUARD, (byte) 0x5A);
            for (int step = 0; step < STEPS; step++) step(host);
            host.array.faults().release();
            host.device.reset();
            host.start();
            byte[] data = new byte[1024];
            random.nextBytes(data);
            host.write(17, data);
            assertArrayEquals(data, host.read(17, 2));
            byte[] guard = new byte[GUARD], expected = new byte[GUARD];
            java.util.Arrays.fill(expected, (byte) 0x5A);
            for (DmaBuffer buffer : List.of(before, after)) {
                HostMemory.read(buffer.address(), guard, 0, GUARD);
                assertArrayEquals(expected, guard);
            }
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(null);
        }
        assertEquals(List.of(), failures);
        assertEquals(1 << 20, Files.size(home.resolve("f")));
    }

    private void step(TestHost host) {
        switch (random.nextInt(12)) {
            case 0 -> host.device.write(random.nextInt(2), register(), 1 << random.nextInt(3), random.nextLong());
            case 1 -> host.device.read(random.nextInt(2), register(), 1 << random.nextInt(3));
            case 2 -> host.register(0x40, random.nextInt());
            case 3 -> host.device.writeConfig(4, 2, random.nextInt() & 7);
            case 4 -> {
                if (random.nextInt(20) == 0) host.device.reset();
                host.start();
            }
            default -> command(host);
        }
    }

    private int register() { return random.nextBoolean() ? REGISTERS[random.nextInt(REGISTERS.length)] : random.nextInt(4096); }

    /** A command somewhere in the area, with more or less of it right. Its lists may point anywhere but into the guards. */
    private void command(TestHost host) {
        int at = random.nextInt(AREA - 1024) & ~63;
        long block = area.address() + at;
        byte[] noise = new byte[0x34];
        random.nextBytes(noise);
        HostMemory.write(block, noise, 0, noise.length);
        HostMemory.putByte(block + 1, (byte) random.nextInt(6));
        if (random.nextInt(8) > 0) HostMemory.putLong(block + 0x0C, random.nextInt(3) == 0 ? 0 : UNIT | random.nextInt(3));
        if (random.nextInt(8) > 0) HostMemory.putByte(block + 0x14, (byte) random.nextInt(17));
        if (random.nextInt(8) > 0) HostMemory.putByte(block + 0x15, (byte) (random.nextInt(4) << 6 | random.nextInt(10) / 8));
        if (random.nextInt(8) > 0) HostMemory.putByte(block + 0x18, (byte) OPCODES[random.nextInt(OPCODES.length)]);
        if (random.nextInt(4) > 0) {
            HostMemory.putShort(block + 0x1A, (short) 0);
            HostMemory.putShort(block + 0x1F, (short) random.nextInt());
        }
        HostMemory.putLong(block + 0x28, address());
        HostMemory.putInt(block + 0x30, random.nextInt(4) == 0 ? random.nextInt() : 48);
        for (int i = 0; i < 6; i++) Command.segment(block + 0x34 + 16L * i, address(), random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(2048), random.nextInt(6) == 0 ? 0x8000_0000 : 0);
        host.register(0x40, (int) area.busAddress() + at);
    }

    /** In the area, far from its end, or nowhere. */
    private long address() {
        return switch (random.nextInt(5)) {
            case 0 -> random.nextLong() | 0x8000_0000L;
            case 1 -> random.nextInt(1 << 20);
            default -> area.busAddress() + random.nextInt(AREA / 2);
        };
    }

    @Test
    void aFullQueueIsNoEnd() throws Exception {
        try (TestHost host = TestHost.of(home)) {
            host.array.faults().lockUp();
            Command command = host.read10(0, 1);
            for (int i = 0; i < 5000; i++) command.post();
            host.device.reset();
            host.start();
            host.read(0, 1);
        }
    }
}
