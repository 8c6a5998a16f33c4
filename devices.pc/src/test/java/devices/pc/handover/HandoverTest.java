package devices.pc.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Two guests do the same; the devices of one are handed over now and then. It must never see a difference. */
class HandoverTest {
    private static final List<String> DEVICES = List.of("board", "serial0", "serial1", "debugcon", "debugexit", "ethernet0");
    private static final int SEEDS = 6, STEPS = 5_000;

    @Test
    void aGuestNeverSeesADifference() {
        int handovers = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            BusyGuest left = new BusyGuest(seed), moved = new BusyGuest(seed);
            Random when = new Random(1000 + seed);
            for (int step = 0; step < STEPS; step++) {
                if (when.nextInt(12) == 0) {
                    handovers++;
                    handOver(moved, when);
                    if (when.nextInt(20) == 0) compareFields(left, moved, seed, step);
                }
                int at = step;
                String expected = left.step(), seen = moved.step();
                if (!expected.equals(seen)) assertEquals(expected, seen, "seed " + seed + " step " + at);
            }
            for (String device : DEVICES) assertEquals(left.pc.save(device), moved.pc.save(device), device + ", seed " + seed);
        }
        assertTrue(handovers > SEEDS * STEPS / 20);
    }

    private static void handOver(BusyGuest guest, Random random) {
        if (random.nextInt(3) == 0) guest.pc.handOver();
        else guest.pc.handOver(DEVICES.get(random.nextInt(DEVICES.size())));
    }

    /** What a guest has not come upon yet. */
    private static void compareFields(BusyGuest left, BusyGuest moved, int seed, int step) {
        for (String device : DEVICES) {
            Map<String, Object> expected = Fields.of(left.pc.device(device)), found = Fields.of(moved.pc.device(device));
            Map<String, Object> all = new TreeMap<>(expected);
            all.putAll(found);
            all.keySet().removeIf(field -> Objects.equals(expected.get(field), found.get(field)));
            assertEquals(Map.of(), all, device + ", seed " + seed + " step " + step);
        }
    }
}
