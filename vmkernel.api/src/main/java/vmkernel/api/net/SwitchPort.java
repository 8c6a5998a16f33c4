package vmkernel.api.net;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A port of a virtual switch with a virtual network adapter in it; it outlives the adapter's code. Under the VM's device
 * lock, which the sink is called under, too.
 */
@ProviderType
public interface SwitchPort {
    /** The address that the configuration gives the adapter. */
    MacAddress address();

    /** From the guest into the network. Frames that the policy forbids, or that nobody takes in time, are dropped and counted. */
    void transmit(List<byte[]> frames);

    /** At most one; while there is none frames wait, a few hundred of them. */
    void sink(FrameSink sink);

    /** What the guest wants to hear. Promiscuous only if the port's policy allows it. */
    void filter(MacAddress own, ReceiveFilter filter);

    LinkState link();
}
