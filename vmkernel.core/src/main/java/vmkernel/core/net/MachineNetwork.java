package vmkernel.core.net;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.SwitchPort;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;
import vmkernel.api.vm.VmException;
import vmkernel.core.vmx.Identity;

/**
 * The switch ports of one machine, from its power-on to its power-off, by the keys {@code ethernetN.devName} ({@code vmnicN},
 * {@code bondN} or {@code vmnet_N}), or {@code .networkName}, and those of the address, see {@link Identity}. Without a name it is
 * {@code vmnic0}; {@code .connectionType} says nothing new then, and is not looked at. With {@code ethernetN.noForgedSrcAddr = "TRUE"}
 * frames under another address than its own are dropped; usually they are not, as in ESX Server 2. Under the power lock.
 */
public final class MachineNetwork implements AutoCloseable {
    private static final String USUAL = "vmnic0";
    /** How long a driver that is just starting is waited for. */
    private static final long DRIVER_MILLIS = 2000;

    private final Networks networks;
    private final VmConfig config;
    private final String name;
    private final int machine;
    private final List<Port> ports = new ArrayList<>();

    /** @param name of the machine; @param machine world id */
    public MachineNetwork(Networks networks, VmConfig config, String name, int machine) {
        this.networks = networks;
        this.config = config;
        this.name = name;
        this.machine = machine;
    }

    /**
     * Plugs an adapter in.
     *
     * @param prefix such as {@code ethernet0}
     * @param devices runs a task under the device lock soon, never on this thread before it has left what it is doing there
     * @throws VmException in one line: key, value, what is wrong, what to do
     */
    public SwitchPort open(String prefix, Executor devices) throws VmException {
        try {
            MacAddress address = Identity.address(config, prefix);
            boolean forging = !config.flag(prefix + ".noForgedSrcAddr", false);
            String key = config.text(prefix + ".devName").isPresent() || config.text(prefix + ".networkName").isEmpty() ? prefix + ".devName" : prefix + ".networkName";
            Port port = join(key, new Port.Plug(machine, name + " " + prefix, address, forging, devices));
            ports.add(port);
            return port;
        } catch (VmConfigException e) {
            throw new VmException(e.getMessage());
        }
    }

    private Port join(String key, Port.Plug plug) throws VmException {
        String value = config.text(key, USUAL).strip();
        try {
            String device = key.endsWith("networkName") ? networks.device(value) : value;
            return networks.await(device, DRIVER_MILLIS).join(plug);
        } catch (IllegalArgumentException e) {
            throw new VmException(key + (config.text(key).isPresent() ? " = \"" + value + "\": " : " is not set, and for " + USUAL + ": ") + e.getMessage());
        }
    }

    @Override
    public void close() {
        ports.forEach(Port::close);
        ports.clear();
    }
}
