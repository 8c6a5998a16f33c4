package vmkernel.api.net;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.hardware.Driver;

/** A network adapter at work. What it receives goes to {@link vmkernel.api.hardware.Upcalls#received}. */
@ConsumerType
public interface NetAdapter extends Driver {
    MacAddress address();

    /**
     * Queues frames for the wire and never blocks. Any thread, one call at a time.
     *
     * @return how many it took, from the first; if not all, {@code Upcalls.transmitReady} tells when to try again
     */
    int transmit(List<byte[]> frames);

    /** Takes effect soon and stays over resets of the adapter by itself. */
    void filter(ReceiveFilter filter);

    LinkState link();
}
