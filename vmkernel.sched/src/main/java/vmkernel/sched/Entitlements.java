package vmkernel.sched;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What worlds may claim of the physical CPUs, as fluid rates (1.0 is one CPU): each gets its shares' part, but not less than
 * its minimum nor more than its maximum, and only on the CPUs of its affinity. The rates can always be scheduled together:
 * no set of CPUs is asked for more than it has.
 *
 * <p>By the marriage theorem only unions of affinity sets can be overbooked, so only those are looked at.
 */
final class Entitlements {
    /** Rates closer than this are the same. */
    private static final double EPSILON = 1e-9;

    /**
     * LIMIT: with more than this many unions of different affinity sets (only possible beyond 10 CPUs with an odd mixture of
     * affinities) fairness between them is approximate: the single sets and the whole machine are still observed.
     */
    static final int MAX_UNIONS = 1024;

    /**
     * @param min guaranteed rate
     * @param max rate never to be exceeded, at most 1.0
     * @param cpus bit mask of usable CPUs, not empty
     */
    record Claim(double min, double max, int shares, long cpus) {}

    private Entitlements() {}

    /** A set of CPUs whose minimums sum up to more than it has, or 0. */
    static long overbooked(List<Claim> claims) {
        for (long union : unions(claims)) {
            if (guaranteed(claims, union) > Long.bitCount(union) + EPSILON) return union;
        }
        return 0;
    }

    /** Sum of the minimums of worlds that may only use these CPUs. */
    static double guaranteed(List<Claim> claims, long cpus) {
        double sum = 0;
        for (Claim claim : claims) if ((claim.cpus & ~cpus) == 0) sum += claim.min;
        return sum;
    }

    /** The rate of each claim, when all of them want to run. */
    static double[] rates(List<Claim> claims) {
        double[] rates = new double[claims.size()];
        boolean[] fixed = new boolean[rates.length];
        Set<Long> unions = unions(claims);
        for (int left = rates.length; left > 0; ) {
            // raise everyone's rate in proportion to shares until the first set of CPUs is full; those in it are settled
            double level = Double.POSITIVE_INFINITY;
            long full = -1;
            for (long union : unions) {
                double here = level(claims, rates, fixed, union);
                if (here < level) {
                    level = here;
                    full = union;
                }
            }
            for (int i = 0; i < rates.length; i++) {
                if (fixed[i] || (claims.get(i).cpus & ~full) != 0) continue;
                rates[i] = at(claims.get(i), level);
                fixed[i] = true;
                left--;
            }
        }
        return rates;
    }

    private static double at(Claim claim, double level) {
        double wanted = level == Double.POSITIVE_INFINITY ? claim.max : level * claim.shares;
        return Math.min(claim.max, Math.max(claim.min, wanted));
    }

    /** The rate for each share at which these CPUs are full; infinite if they never are, or if no one is left who would fill them. */
    private static double level(List<Claim> claims, double[] rates, boolean[] fixed, long cpus) {
        double capacity = Long.bitCount(cpus);
        double most = 0;
        double high = 0;
        for (int i = 0; i < rates.length; i++) {
            Claim claim = claims.get(i);
            if ((claim.cpus & ~cpus) != 0) continue;
            if (fixed[i]) {
                capacity -= rates[i];
            } else {
                most += claim.max;
                high = Math.max(high, claim.max / claim.shares);
            }
        }
        if (most <= capacity + EPSILON) return Double.POSITIVE_INFINITY;
        double low = 0;
        for (int step = 0; step < 48; step++) {
            double middle = (low + high) / 2;
            double sum = 0;
            for (int i = 0; i < rates.length; i++) {
                if (!fixed[i] && (claims.get(i).cpus & ~cpus) == 0) sum += at(claims.get(i), middle);
            }
            if (sum > capacity) high = middle; else low = middle;
        }
        return low;
    }

    private static Set<Long> unions(List<Claim> claims) {
        Set<Long> unions = new LinkedHashSet<>();
        long all = 0;
        for (Claim claim : claims) {
            if (!unions.contains(claim.cpus) && unions.size() < MAX_UNIONS) {
                for (long union : new ArrayList<>(unions)) unions.add(union | claim.cpus);
            }
            unions.add(claim.cpus);
            all |= claim.cpus;
        }
        if (all != 0) unions.add(all);
        return unions;
    }
}
