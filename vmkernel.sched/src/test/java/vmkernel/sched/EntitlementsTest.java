package vmkernel.sched;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import vmkernel.sched.Entitlements.Claim;

class EntitlementsTest {
    private static Claim claim(double min, double max, int shares, long cpus) { return new Claim(min, max, shares, cpus); }

    private static void check(double[] expected, Claim... claims) { assertArrayEquals(expected, Entitlements.rates(List.of(claims)), 1e-6); }

    @Test
    void sharesDivideOneCpu() {
        check(new double[] {1 / 7.0, 2 / 7.0, 4 / 7.0}, claim(0, 1, 1000, 1), claim(0, 1, 2000, 1), claim(0, 1, 4000, 1));
    }

    @Test
    void noWorldIsEntitledToMoreThanOneCpuAndTheRestGoesToTheOthers() {
        check(new double[] {1 / 3.0, 2 / 3.0, 1}, claim(0, 1, 1000, 3), claim(0, 1, 2000, 3), claim(0, 1, 90000, 3));
    }

    @Test
    void minimumsAreGivenFirstAndMaximumsAreKept() {
        check(new double[] {0.8, 0.2}, claim(0.8, 1, 1000, 1), claim(0, 1, 1000, 1));
        check(new double[] {0.25, 0.75}, claim(0, 0.25, 1000, 1), claim(0, 1, 1000, 1));
        check(new double[] {0.25}, claim(0, 0.25, 1000, 1));
    }

    @Test
    void worldsBoundToABusyCpuDoNotHoldBackTheOthers() {
        check(new double[] {0.5, 0.5, 1}, claim(0, 1, 1000, 1), claim(0, 1, 1000, 1), claim(0, 1, 1000, 3));
    }

    @Test
    void ratesOfRandomWorldsAreFeasibleAndLeaveNoCpuIdleThatSomeoneCouldUse() {
        Random random = new Random(42);
        for (int round = 0; round < 500; round++) {
            int cpus = 1 + random.nextInt(4);
            List<Claim> claims = new ArrayList<>();
            int count = 1 + random.nextInt(6);
            for (int i = 0; i < count; i++) {
                double min = random.nextInt(3) == 0 ? random.nextDouble() / count : 0;
                double max = random.nextBoolean() ? 1 : min + (1 - min) * random.nextDouble();
                claims.add(claim(min, max, 1 + random.nextInt(5000), 1 + random.nextInt((1 << cpus) - 1)));
            }
            if (Entitlements.overbooked(claims) != 0) continue;
            double[] rates = Entitlements.rates(claims);
            boolean[] stuck = new boolean[count];
            for (long set = 1; set < 1L << cpus; set++) {
                double sum = 0;
                for (int i = 0; i < count; i++) if ((claims.get(i).cpus() & ~set) == 0) sum += rates[i];
                assertTrue(sum <= Long.bitCount(set) + 1e-6, "round " + round + " overbooks " + set);
                for (int i = 0; i < count; i++) if ((claims.get(i).cpus() & ~set) == 0 && sum > Long.bitCount(set) - 1e-6) stuck[i] = true;
            }
            for (int i = 0; i < count; i++) {
                assertTrue(rates[i] >= claims.get(i).min() - 1e-9 && rates[i] <= claims.get(i).max() + 1e-9, "round " + round);
                assertTrue(stuck[i] || rates[i] > claims.get(i).max() - 1e-6, "round " + round + ": world " + i + " could have more");
            }
        }
    }

    @Test
    void minimumsBoundToOneCpuAreSummedThere() {
        assertEquals(1, Entitlements.overbooked(List.of(claim(0.8, 1, 1000, 1), claim(0.8, 1, 1000, 1))));
        assertEquals(0, Entitlements.overbooked(List.of(claim(0.8, 1, 1000, 1), claim(0.8, 1, 1000, 2))));
        assertEquals(3, Entitlements.overbooked(List.of(claim(0.8, 1, 1000, 1), claim(0.8, 1, 1000, 2), claim(0.5, 1, 1000, 3))));
    }
}
