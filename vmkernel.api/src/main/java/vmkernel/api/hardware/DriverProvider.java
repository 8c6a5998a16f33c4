package vmkernel.api.hardware;

import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.handover.SavedState;

/**
 * A driver of PCI hardware: the service that a driver bundle registers. Its service property {@code vmk.module} is the name
 * of the module (that of the device map without {@code .o}), such as {@code e100}.
 */
@ConsumerType
public interface DriverProvider {
    String MODULE = "vmk.module";

    /** Whether it attaches a block or a network adapter. */
    Tag tag();

    /** True if it can serve such a device. */
    boolean matches(PciId id);

    /** Parameters it knows: name to one line of help. */
    Map<String, String> parameters();

    /**
     * Takes a device over and returns when it works. The device was reset if there is no state.
     *
     * @param state of the predecessor; empty on a cold start, which always works if the device does. A driver may ignore it and start cold
     * @throws DriverException in one line; the kernel resets the device and lists it with the reason
     */
    Driver attach(PciDevice device, Upcalls upcalls, Optional<SavedState> state) throws DriverException;

    /** Kinds of devices, by the names that their instances get. */
    enum Tag {
        VMHBA, VMNIC;

        /** {@code vmhba} or {@code vmnic}. */
        public String prefix() { return name().toLowerCase(java.util.Locale.ROOT); }
    }

}
