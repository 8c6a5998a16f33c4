package vmkernel.api.world;

import java.util.Set;

/**
 * What a VM may have of a resource. The same shape serves CPU (min and max in percent of one physical CPU) and memory (in
 * MiB); changeable while running.
 *
 * @param min guaranteed amount
 * @param max hard cap, also when the rest is idle; {@link #UNLIMITED} for none
 * @param shares weight against others, 1 to 100000
 * @param affinity physical CPU numbers that may be used; empty for all
 */
public record ResourceAllocation(int min, int max, int shares, Set<Integer> affinity) {
    public static final int UNLIMITED = Integer.MAX_VALUE;
    /** Shares "normal" of one virtual CPU [ESX 2.5 Administration Guide, Cpu/SharesPerVcpuNormal]. */
    public static final int NORMAL_CPU_SHARES = 1000;

    public ResourceAllocation {
        if (min < 0 || max < min) throw new IllegalArgumentException("min " + min + " and max " + max + ": 0 <= min <= max is needed");
        if (shares < 1 || shares > 100_000) throw new IllegalArgumentException("shares " + shares + ": 1 to 100000 is needed");
        affinity = Set.copyOf(affinity);
    }

    /** No minimum, no cap, normal shares, any CPU. */
    public static ResourceAllocation normal() { return new ResourceAllocation(0, UNLIMITED, NORMAL_CPU_SHARES, Set.of()); }
}
