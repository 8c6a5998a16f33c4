package vmkernel.core.machine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import vmkernel.api.net.SwitchPort;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.VmException;
import vmkernel.core.net.MachineNetwork;
import vmkernel.core.storage.MachineDisks;
import vmkernel.core.vmx.Hardware;

/**
 * The disks and switch ports of a machine that is on. They are opened before its adapters are made and closed after these are gone,
 * and stay as they are when an adapter is replaced. Under the device lock, but for {@link #open}.
 */
final class Peripherals {
    private final PoweredMachine machine;
    private final MachineDisks disks;
    private final MachineNetwork network;
    private final Map<String, Map<Integer, VirtualDisk>> disksOf = new HashMap<>();
    private final Map<String, SwitchPort> portOf = new HashMap<>();

    Peripherals(PoweredMachine machine, Parts parts) {
        this.machine = machine;
        disks = new MachineDisks(parts.storage, parts.images, machine.config(), machine.name(), machine.id(), parts.home);
        network = new MachineNetwork(parts.networks, machine.config(), machine.name(), machine.id());
    }

    /** Opens what the adapters need. @throws VmException in one line */
    void open() throws VmException {
        machine.closeAtPowerOff(disks::close);
        machine.closeAtPowerOff(network::close);
        for (Hardware.Device device : machine.hardware().devices()) {
            String prefix = device.prefix();
            if (prefix.regionMatches(true, 0, "scsi", 0, 4)) disksOf.put(prefix, disks.open(prefix, machine::execute));
            if (prefix.regionMatches(true, 0, "ethernet", 0, 8)) portOf.put(prefix, network.open(prefix, machine::execute));
        }
    }

    Map<Integer, VirtualDisk> disks(String prefix) { return disksOf.getOrDefault(prefix, Map.of()); }

    SwitchPort network(String prefix) {
        SwitchPort port = portOf.get(prefix);
        if (port == null) throw new IllegalStateException(prefix + " is no network adapter");
        return port;
    }

    /** An adapter is gone: what comes for it waits. */
    void detach(String prefix) {
        disks(prefix).values().forEach(disk -> disk.listener(null));
        if (portOf.containsKey(prefix)) portOf.get(prefix).sink(null);
    }

    /** What has gone that a disk needs, in words; empty if all is there. Any thread. */
    Optional<String> missing() { return disks.missing(); }

    /** The machine is reset: nothing that it asked for before reaches its memory any more. */
    void reset() { disks.reset(); }
}
