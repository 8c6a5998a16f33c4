package vmkernel.api.net;

import java.util.Set;

/**
 * Which frames an adapter lets in, besides those for its own address and broadcasts.
 *
 * @param groups multicast addresses
 */
public record ReceiveFilter(boolean promiscuous, boolean allMulticast, Set<MacAddress> groups) {
    public static final ReceiveFilter OWN = new ReceiveFilter(false, false, Set.of()), EVERYTHING = new ReceiveFilter(true, true, Set.of());

    public ReceiveFilter { groups = Set.copyOf(groups); }
}
