package drivers.cciss;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import drivers.cciss.Bench.Request;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vmkernel.api.handover.SavedState;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.memory.HostMemory;
import vmkernel.api.storage.BlockOperation;

/**
 * Hardware out of its mind: registers that read as anything, commands that are lost, repeated, answered with garbage or never
 * asked for. The driver throws nothing but {@link DriverException}, writes nothing outside its buffers, comes to an end and ends
 * every request once.
 */
class MadArrayTest {
    private static final int ROUNDS = 60;

    /** A controller that does right only sometimes. */
    private static final class Mad extends FakeArray {
        final Random random;
        int madness; // in percent

        Mad(Random random) {
            this.random = random;
            disk(0, 2000);
            disk(1, 6L << 32);
        }

        private boolean mad() { return random.nextInt(100) < madness; }

        private int garbage() {
            return switch (random.nextInt(4)) {
                case 0 -> -1;
                case 1 -> 1 << random.nextInt(32);
                case 2 -> random.nextInt(1 << 14) << 2 | random.nextInt(4); // looks like a tag
                default -> random.nextInt();
            };
        }

        @Override int register(int offset) { return mad() ? garbage() : super.register(offset); }

        @Override int table(int offset) { return mad() ? garbage() : super.table(offset); }

        @Override
        synchronized void execute(Posted posted) {
            if (!mad()) {
                super.execute(posted);
                return;
            }
            if (random.nextBoolean() && posted.sgCount > 0) scribble(posted.data(), posted.length());
            switch (random.nextInt(5)) {
                case 0 -> lost.add(posted);
                case 1 -> {
                    super.execute(posted);
                    complete(posted.tag | random.nextInt(4));
                }
                case 2 -> complete(garbage());
                case 3 -> {
                    scribble(posted.at + 0x240, 48); // where the driver keeps its error info
                    complete(posted.tag | 2);
                }
                default -> error(posted, new Fault(random.nextInt(16), random.nextInt(4) == 0 ? 2 : 0, random.nextInt(1024) - 8, sense()));
            }
        }

        private byte[] sense() {
            byte[] sense = new byte[random.nextInt(40)];
            random.nextBytes(sense);
            if (sense.length > 0 && random.nextBoolean()) sense[0] = (byte) (0x70 + random.nextInt(4));
            return sense;
        }

        private void scribble(long address, int length) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            HostMemory.write(address, bytes, 0, length);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void theDriverSurvivesAnyHardware(long seed) {
        Random random = new Random(seed);
        Mad array = new Mad(random);
        Bench bench = new Bench(array);
        bench.parameters.put("depth", "" + (1 + random.nextInt(40)));
        Optional<SavedState> state = Optional.empty();
        List<Request> requests = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            array.madness = random.nextInt(3) == 0 ? 0 : random.nextInt(random.nextBoolean() ? 5 : 60);
            array.held = random.nextBoolean();
            array.gone = random.nextInt(20) == 0;
            state = life(bench, array, random, state, requests);
            array.takeMemoryBack();
            array.gone = false;
            if (state.isEmpty()) array.reset();
            for (Request request : requests) assertEquals(1, request.endings(), "round " + round);
            requests.clear();
        }
        array.free();
    }

    /** From attach to close. @return what it leaves */
    private static Optional<SavedState> life(Bench bench, Mad array, Random random, Optional<SavedState> state, List<Request> requests) {
        try {
            bench.attach(state);
        } catch (DriverException e) {
            assertFalse(e.getMessage().contains("\n"), e.getMessage());
            return Optional.empty();
        }
        for (int i = random.nextInt(60); i > 0; i--) use(bench, array, random, requests);
        Optional<SavedState> left = Optional.empty();
        if (random.nextInt(4) != 0) {
            try {
                bench.driver.quiesce(Duration.ofMillis(random.nextInt(100)));
                left = Optional.of(bench.driver.save());
            } catch (TimeoutException e) {
                assertFalse(e.getMessage().contains("\n"), e.getMessage());
            }
        }
        bench.driver.close();
        assertEquals(List.of(), array.trouble().stream().filter(what -> what.startsWith("written")).toList());
        return left;
    }

    private static void use(Bench bench, Mad array, Random random, List<Request> requests) {
        switch (random.nextInt(8)) {
            case 0 -> bench.pass(random.nextInt(random.nextBoolean() ? 2000 : 50_000), random.nextBoolean());
            case 1 -> array.run();
            case 2 -> array.complete(array.garbage());
            case 3 -> bench.driver.statistics();
            default -> {
                int blocks = random.nextInt(20);
                BlockOperation operation = BlockOperation.values()[random.nextInt(3)];
                ByteBuffer data = operation == BlockOperation.FLUSH ? null : ByteBuffer.allocate(blocks * 512);
                Request request = new Request(operation, random.nextInt(3), random.nextInt(2000), blocks, data);
                requests.add(request);
                bench.submit(request);
            }
        }
    }
}
