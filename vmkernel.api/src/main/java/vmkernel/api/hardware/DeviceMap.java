package vmkernel.api.hardware;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** Which driver serves which device, and what the devices are called. Any thread. */
@ProviderType
public interface DeviceMap {
    /**
     * One PCI function of the host.
     *
     * @param description of the device map, else of its class
     * @param name {@code vmhba0}, {@code vmnic0}; empty if it never had a driver
     * @param module that the map, or a driver itself, assigns; empty if none
     * @param reason why there is no driver at work, or what it said last; one line, may be empty
     */
    record Device(PciDevice pci, String description, String name, String module, State state, String reason) {}

    enum State {
        /** No module serves such a device. */
        NO_DRIVER,
        /** The module is not there; I/O is held. */
        WAITING,
        /** A driver is at work. */
        ATTACHED,
        /** The driver could not attach. */
        FAILED
    }

    /**
     * A module that is there.
     *
     * @param source where it came from: the location of its bundle
     * @param devices names of the devices that it serves
     */
    record Module(String name, DriverProvider.Tag tag, String version, String source, List<String> devices, Map<String, String> parameters, Map<String, String> help) {}

    /** All functions, by address. */
    List<Device> devices();

    /** All modules, by name. */
    List<Module> modules();

    /** By {@code vmnic0} or by address. */
    Optional<Device> find(String nameOrAddress);

    /** Sets the parameters of a module and attaches its devices anew with them. @throws IllegalArgumentException in one line for an unknown module or parameter */
    void configure(String module, Map<String, String> parameters);
}
