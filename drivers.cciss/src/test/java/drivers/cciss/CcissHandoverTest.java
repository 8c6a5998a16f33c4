package drivers.cciss;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import vmkernel.api.handover.HandoverContract;
import vmkernel.api.handover.SavedState;
import vmkernel.api.storage.BlockResult;

class CcissHandoverTest extends HandoverContract {
    @Override protected List<String> goldenStates() { return List.of("state-1.golden"); }

    @Override
    protected Subject create() throws Exception {
        FakeArray array = new FakeArray();
        array.disk(0, 1000);
        array.disk(1, 500).readOnly = true;
        array.disk(5, 6L << 32);
        return new Attached(new Bench(array).attach());
    }

    private record Attached(Bench bench) implements Subject {
        @Override public void quiesce() throws Exception { bench.driver.quiesce(Duration.ofSeconds(1)); }

        @Override public SavedState save() { return bench.driver.save(); }

        @Override
        public Subject successor(Optional<SavedState> state) throws Exception {
            bench.driver.close();
            bench.array.takeMemoryBack();
            if (state.isEmpty()) bench.array.reset();
            return new Attached(bench.attach(state));
        }

        @Override
        public void use(Random random) {
            byte[] data = Bench.random(random, 1 + random.nextInt(8));
            assertEquals(BlockResult.GOOD, bench.write(0, random.nextInt(900), data).result());
            assertEquals(BlockResult.GOOD, bench.read(1, random.nextInt(500), 1).result());
            if (random.nextInt(4) == 0) bench.pass(random.nextInt(5000));
        }

        @Override
        public void verify() {
            byte[] data = Bench.random(new Random(9), 4);
            assertEquals(BlockResult.GOOD, bench.write(5, 5L << 32, data).result());
            assertArrayEquals(data, bench.read(5, 5L << 32, 4).bytes());
            assertEquals(3, bench.driver.units().size());
        }

        @Override
        public void close() {
            bench.driver.close();
            assertEquals(List.of(), bench.array.trouble());
            bench.array.free();
        }
    }
}
