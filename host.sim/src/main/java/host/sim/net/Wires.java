package host.sim.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import vmkernel.api.host.HostNetwork;
import vmkernel.api.net.FrameSink;

/**
 * Makes wires from their text in the hardware file:
 *
 * <table>
 * <tr><td>{@code hub:NAME}</td><td>a hub in memory; all adapters with this name are on it</td></tr>
 * <tr><td>{@code udp:HOST:PORT,HOST:PORT}</td><td>datagrams from the first address to the second and back</td></tr>
 * <tr><td>{@code tap:NAME}</td><td>a tap interface of the machine below</td></tr>
 * <tr><td>{@code pcap:FILE}</td><td>frames are recorded and go nowhere</td></tr>
 * <tr><td>{@code none}</td><td>no cable: the link is down</td></tr>
 * </table>
 *
 * Any of them can be recorded: {@code pcap:FILE+hub:NAME}. Any thread.
 */
public final class Wires {
    private final Map<String, Hub> hubs = new ConcurrentHashMap<>();
    private final Path home;
    private final Supplier<Optional<HostNetwork>> network;

    /** @param home relative files are in there; @param network the network of the machine below, asked for each tap */
    public Wires(Path home, Supplier<Optional<HostNetwork>> network) {
        this.home = home;
        this.network = network;
    }

    /** The hub of a name, made when it is asked for first. */
    public Hub hub(String name) { return hubs.computeIfAbsent(name, key -> new Hub()); }

    /** @throws IOException in one line, which does not repeat the text, if it makes no sense or the wire cannot be had */
    public Wire open(String text) throws IOException {
        String[] parts = text.strip().split(":", 2);
        String rest = parts.length == 2 ? parts[1] : "";
        try {
            return switch (parts[0]) {
                case "hub" -> hub(given(rest, "name")).port();
                case "udp" -> udp(rest);
                case "tap" -> tap(given(rest, "name"));
                case "pcap" -> recorded(given(rest, "file"));
                case "none" -> new Unplugged(false);
                default -> throw new IOException("hub:NAME, udp:HOST:PORT,HOST:PORT, tap:NAME, pcap:FILE, pcap:FILE+... or none is needed");
            };
        } catch (IOException | IllegalArgumentException e) {
            throw new IOException(e.getMessage() == null ? e.toString() : e.getMessage(), e);
        }
    }

    private static String given(String text, String what) throws IOException {
        if (text.isBlank()) throw new IOException("a " + what + " is needed behind the colon");
        return text.strip();
    }

    private Wire tap(String name) throws IOException {
        HostNetwork present = network.get().orElseThrow(() -> new IOException("the host's network is not available; install and start host.linux"));
        return new TapWire(present, name);
    }

    private static Wire udp(String addresses) throws IOException {
        String[] ends = addresses.split(",");
        if (ends.length != 2) throw new IOException("two addresses are needed, such as 127.0.0.1:5000,127.0.0.1:5001");
        return new UdpWire(address(ends[0]), address(ends[1]));
    }

    private static InetSocketAddress address(String text) throws IOException {
        int colon = text.lastIndexOf(':');
        if (colon < 1 || !text.substring(colon + 1).matches("\\d{1,5}")) throw new IOException("\"" + text + "\" is not HOST:PORT");
        InetSocketAddress address = new InetSocketAddress(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        if (address.isUnresolved()) throw new IOException("there is no host \"" + address.getHostString() + "\"");
        return address;
    }

    private Wire recorded(String text) throws IOException {
        String[] parts = text.split("\\+", 2);
        Wire beyond = parts.length == 2 ? open(parts[1]) : new Unplugged(true);
        try {
            return new PcapWire(home.resolve(parts[0]), beyond);
        } catch (IOException | InvalidPathException e) {
            beyond.close();
            throw new IOException(parts[0] + " cannot be written: " + e.getMessage(), e);
        }
    }

    /** A cable with nothing at its far end, but perhaps a link. */
    private record Unplugged(boolean up) implements Wire {
        @Override public void sink(FrameSink sink) { }

        @Override public void send(List<byte[]> frames) { }

        @Override public void close() { }
    }
}
