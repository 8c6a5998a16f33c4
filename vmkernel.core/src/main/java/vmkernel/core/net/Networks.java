package vmkernel.core.net;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.net.FrameSink;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.Network;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;
import vmkernel.core.vmx.VmxFile;

/**
 * The host's virtual switches: one around each adapter, one around each team, and private ones as they are asked for. Teams are
 * those of {@code etc/vmware/hwconfig} ({@code nicteam.vmnic0.team = "bond0"}, {@code nicteam.bond0.home_link = "vmnic1"}), names
 * those of {@code etc/vmware/netmap.conf} ({@code network0.name}, {@code network0.device}), below framework property
 * {@code vmk.home}; both may be missing [ESX].
 */
@Component(service = {Network.class, Networks.class})
public final class Networks implements Network {
    private static final Logger LOG = LoggerFactory.getLogger(Networks.class);
    private static final Pattern PRIVATE = Pattern.compile("vmnet_\\d+"), ADAPTER = Pattern.compile("vmnic\\d+"), TEAM_KEY = Pattern.compile("nicteam\\.(vmnic\\d+)\\.team"),
        NAME_KEY = Pattern.compile("(network\\d+)\\.name");
    /** [ESX] a team has at most ten adapters. */
    private static final int TEAM = 10;

    private final Uplinks uplinks;
    private final Map<String, VirtualSwitch> switches = new ConcurrentSkipListMap<>();
    /** Name of the team that an adapter is in. */
    private final Map<String, String> teams = new TreeMap<>();
    /** Device of a network by its name. */
    private final Map<String, String> names = new TreeMap<>();
    /** For the sinks of the host. */
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
        Thread thread = new Thread(task, "vmk-net-host");
        thread.setDaemon(true);
        return thread;
    });

    @Activate
    public Networks(BundleContext context, @Reference Uplinks uplinks) { this(uplinks, Path.of(context.getProperty("vmk.home") == null ? "." : context.getProperty("vmk.home"))); }

    public Networks(Uplinks uplinks, Path home) {
        this.uplinks = uplinks;
        readTeams(configuration(home.resolve("etc/vmware/hwconfig")));
        readNames(configuration(home.resolve("etc/vmware/netmap.conf")));
    }

    @Deactivate
    void close() { threads.shutdown(); }

    private static VmConfig configuration(Path file) {
        try {
            if (Files.exists(file)) return VmxFile.read(file).config();
        } catch (VmConfigException e) {
            LOG.warn("{}; it is left out", e.getMessage());
        }
        return new VmConfig(file, Map.of());
    }

    private void readTeams(VmConfig config) {
        Map<String, List<String>> members = new TreeMap<>();
        for (String key : config.keys()) {
            Matcher matcher = TEAM_KEY.matcher(key.toLowerCase(Locale.ROOT));
            if (matcher.matches()) members.computeIfAbsent(config.text(key, ""), team -> new ArrayList<>()).add(matcher.group(1));
        }
        members.forEach((team, adapters) -> {
            if (!team.matches("bond\\d+") || adapters.size() > TEAM) {
                LOG.warn("{}: team \"{}\" of {}: a name such as bond0 and at most {} adapters are needed; it is left out", config.file(), team, adapters, TEAM);
                return;
            }
            adapters.sort(null);
            adapters.forEach(adapter -> teams.put(adapter, team));
            String home = config.text("nicteam." + team + ".home_link", "");
            if (!home.isEmpty() && !adapters.contains(home)) LOG.warn("{}: nicteam.{}.home_link = \"{}\": is not in the team; there is no home link", config.file(), team, home);
            switches.put(team, new VirtualSwitch(team, adapters.stream().map(uplinks::place).toList(), adapters.contains(home) ? uplinks.place(home) : null));
        });
    }

    private void readNames(VmConfig config) {
        for (String key : config.keys()) {
            Matcher matcher = NAME_KEY.matcher(key.toLowerCase(Locale.ROOT));
            if (!matcher.matches()) continue;
            Optional<String> device = config.text(matcher.group(1) + ".device");
            if (device.isPresent()) names.put(config.text(key, ""), device.get()); else LOG.warn("{}: {} has no {}.device", config.file(), key, matcher.group(1));
        }
    }

    /** The device behind the name of a network. @throws IllegalArgumentException in one line if there is no such name */
    String device(String networkName) {
        String device = names.get(networkName);
        if (device == null) {
            throw new IllegalArgumentException("there is no network of this name in etc/vmware/netmap.conf" + (names.isEmpty() ? "" : "; there are " + String.join(", ", names.keySet())));
        }
        return device;
    }

    /** @throws IllegalArgumentException in one line if there is no such network */
    VirtualSwitch network(String device) {
        VirtualSwitch known = switches.get(device);
        if (known != null) return known;
        if (PRIVATE.matcher(device).matches()) return switches.computeIfAbsent(device, name -> new VirtualSwitch(name, List.of(), null));
        if (teams.containsKey(device)) throw new IllegalArgumentException("is in the team " + teams.get(device) + "; use that");
        if (!ADAPTER.matcher(device).matches() || uplinks.known().stream().noneMatch(uplink -> uplink.name().equals(device))) {
            throw new IllegalArgumentException("there is no such network; there are " + String.join(", ", available()) + " and any vmnet_N, which is private");
        }
        return switches.computeIfAbsent(device, name -> new VirtualSwitch(name, List.of(uplinks.place(name)), null));
    }

    /** The same, and waits for it: its driver may be just starting. */
    VirtualSwitch await(String device, long millis) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (true) {
            try {
                return network(device);
            } catch (IllegalArgumentException e) {
                if (!ADAPTER.matcher(device).matches() || teams.containsKey(device) || !uplinks.awaitChange(end)) throw e;
            }
        }
    }

    /** What a machine can be plugged in, besides private networks. */
    private List<String> available() {
        List<String> available = new ArrayList<>(switches.keySet());
        available.removeIf(name -> PRIVATE.matcher(name).matches());
        uplinks.known().stream().map(Uplink::name).filter(name -> !teams.containsKey(name) && !available.contains(name)).forEach(available::add);
        return available.isEmpty() ? List.of("no network adapters") : available;
    }

    /** Those of all adapters, and all others that were asked for; by name. */
    public List<VirtualSwitch> all() {
        for (Uplink uplink : uplinks.known()) if (!teams.containsKey(uplink.name())) network(uplink.name());
        return List.copyOf(switches.values());
    }

    /** The ports of a machine. @param machine world id */
    public List<vmkernel.core.net.Port> ports(int machine) { return switches.values().stream().flatMap(network -> network.ports().stream()).filter(port -> port.machine() == machine).toList(); }

    @Override
    public List<Switch> switches() {
        return all().stream().map(network -> new Switch(network.name(), network.uplinks().stream().map(Uplink::name).toList(),
            network.ports().stream().map(port -> new Network.Port(port.number(), port.owner(), port.address(), port.counters())).toList())).toList();
    }

    @Override
    public HostPort connect(String network, String owner, MacAddress address, FrameSink sink) {
        try {
            vmkernel.core.net.Port port = network(names.getOrDefault(network, network)).join(new vmkernel.core.net.Port.Plug(-1, owner, address, true, threads::execute));
            port.sink(frames -> guarded(owner, sink, frames));
            return port;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(network + ": " + e.getMessage(), e);
        }
    }

    private static void guarded(String owner, FrameSink sink, List<byte[]> frames) {
        try {
            sink.frames(frames);
        } catch (Throwable e) {
            LOG.error("{}: an error while frames were taken", owner, e);
        }
    }
}
