package vmkernel.api.hardware;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A set of PCI functions of the host: a whiteboard service of {@code host.sim}, or of whoever gives access to real ones. The
 * list is fixed while the service is registered; a host whose hardware changes registers anew.
 */
@ConsumerType
public interface PciHost {
    /** Short name for people, such as {@code sim}. */
    String name();

    List<PciDevice> devices();
}
