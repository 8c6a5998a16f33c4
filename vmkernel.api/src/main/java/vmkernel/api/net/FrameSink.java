package vmkernel.api.net;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Takes Ethernet frames: from the destination address to the end of the payload, without frame check sequence, 14 to 1518 bytes.
 * A frame that has been given away is never changed by anyone, so one array may go to many. Must not block.
 */
@ConsumerType
@FunctionalInterface
public interface FrameSink {
    void frames(List<byte[]> frames);
}
