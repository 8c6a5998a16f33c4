package vmkernel.core.proc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import vmkernel.api.proc.ProcNode;
import vmkernel.core.net.Networks;
import vmkernel.core.net.Port;
import vmkernel.core.net.Uplink;
import vmkernel.core.net.VirtualSwitch;

/** The nodes of networks: {@code net/NAME/config} and {@code ports} of a switch, {@code net/vmnicN/stats} of an adapter, {@code vm/ID/net/MAC} of a machine's port. */
final class NetworkNodes {
    private static final String PROMISCUOUS = "PromiscuousAllowed";

    private final Networks networks;

    NetworkNodes(Networks networks) { this.networks = networks; }

    List<ProcNode> nodes() {
        List<ProcNode> nodes = new ArrayList<>();
        for (VirtualSwitch network : networks.all()) {
            String at = "net/" + network.name() + "/";
            nodes.add(new TextNode(at + "config", () -> config(network), written -> configure(at + "config", network, written)));
            nodes.add(new TextNode(at + "ports", () -> ports(network)));
            for (Uplink uplink : network.uplinks()) nodes.add(new TextNode("net/" + uplink.name() + "/stats", () -> StorageNodes.counters(uplink.statistics())));
            for (Port port : network.ports()) {
                if (port.machine() >= 0) nodes.add(new TextNode("vm/" + port.machine() + "/net/" + port.address(), () -> StorageNodes.counters(port.counters())));
            }
        }
        return nodes;
    }

    private static String config(VirtualSwitch network) {
        StringBuilder text = new StringBuilder();
        for (Uplink uplink : network.uplinks()) {
            text.append(String.format("%-24s %s, link %s%n", uplink.name(), uplink.address() == null ? "no driver yet" : uplink.address(), uplink.link()));
        }
        return text.append(String.format("%-24s %s%n", PROMISCUOUS, network.promiscuousAllowed() ? "yes" : "no")).toString();
    }

    private static void configure(String path, VirtualSwitch network, String written) throws IOException {
        String[] words = written.split("\\s+");
        if (words.length != 2 || !words[0].equalsIgnoreCase(PROMISCUOUS) || !words[1].matches("(?i)yes|no")) {
            throw new IOException("/proc/vmware/" + path + ": \"" + PROMISCUOUS + " yes\" or \"" + PROMISCUOUS + " no\" is needed");
        }
        network.promiscuousAllowed(words[1].equalsIgnoreCase("yes"));
    }

    private static String ports(VirtualSwitch network) {
        return String.format("%4s %-17s %-24s %s%n", "port", "address", "owner", "counters") + network.ports().stream().map(NetworkNodes::line).collect(Collectors.joining());
    }

    private static String line(Port port) {
        String counters = port.counters().entrySet().stream().map(counter -> counter.getKey() + "=" + counter.getValue()).collect(Collectors.joining(" "));
        return String.format(Locale.ROOT, "%4d %-17s %-24s %s%n", port.number(), port.address(), port.owner(), counters);
    }
}
