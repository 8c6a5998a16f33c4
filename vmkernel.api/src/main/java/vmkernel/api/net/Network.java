package vmkernel.api.net;

import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/** The host's virtual switches. Any thread. */
@ProviderType
public interface Network {
    /** @param name such as {@code vmnet_0}, or {@code vmnic0} for the one around that adapter; @param uplinks names of the adapters in it */
    record Switch(String name, List<String> uplinks, List<Port> ports) {}

    /** @param owner such as {@code web ethernet0}; @param counters in a fixed order */
    record Port(int number, String owner, MacAddress address, Map<String, Long> counters) {}

    List<Switch> switches();

    /**
     * A port for a program of the host, such as a test or a tool.
     *
     * @param network as {@code ethernetN.devName} in a .vmx file
     * @throws IllegalArgumentException in one line if there is no such network
     */
    HostPort connect(String network, String owner, MacAddress address, FrameSink sink);

    /** A port in use by the host. */
    @ProviderType
    interface HostPort extends AutoCloseable {
        void transmit(List<byte[]> frames);

        @Override
        void close();
    }
}
