package host.sim;

import host.sim.bus.HardwareException;
import host.sim.bus.PciBoard;
import host.sim.bus.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciHost;
import vmkernel.api.host.HostFiles;
import vmkernel.api.host.HostNetwork;

/**
 * The simulated server: reads its hardware file, builds the board and plugs in what the file says. The file is the framework
 * property {@value #FILE}, else {@code etc/hardware.conf} below {@code vmk.home} if there is one, else the one in this bundle. It is
 * read when the component starts; an update of the bundle reads it anew.
 */
@Component(service = PciHost.class)
public final class SimulatedServer implements PciHost {
    /** Framework property: path of the hardware file. */
    static final String FILE = "vmk.hardware";
    private static final String HOME = "vmk.home", SHIPPED = "hardware.conf", NAME = "sim";
    private static final int DEFAULT_MEMORY_MB = 64, MOST_MEMORY_MB = 3072;
    private static final Logger LOG = LoggerFactory.getLogger(SimulatedServer.class);

    private final List<String> complaints = new ArrayList<>();
    private Path home;
    private Parts parts;
    private PciBoard board;
    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
    private volatile HostFiles files;
    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
    private volatile HostNetwork network;

    @Activate
    void start(BundleContext context) {
        start(context.getProperty(FILE), Path.of(context.getProperty(HOME) == null ? "" : context.getProperty(HOME)));
    }

    /** @param file of the hardware, or null for the usual places */
    void start(String file, Path folder) {
        home = folder.toAbsolutePath();
        parts = new Parts(home, () -> Optional.ofNullable(files), () -> Optional.ofNullable(network), complaints::add);
        build(read(file));
        complaints.forEach(LOG::error);
    }

    /** A file that cannot be read leaves a server without devices. */
    private HardwareFile read(String file) {
        Path usual = home.resolve("etc").resolve(SHIPPED);
        try {
            if (file != null) return read(Path.of(file));
            return Files.exists(usual) ? read(usual) : shipped();
        } catch (IOException | InvalidPathException e) {
            complaints.add((file == null ? usual : file) + ": the hardware file cannot be read: " + e.getMessage());
            return new HardwareFile(Settings.of(), Map.of(), List.of());
        }
    }

    private static HardwareFile read(Path file) throws IOException {
        // ISO 8859-1 takes any bytes: a letter in a comment is no reason to be without hardware
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            return HardwareFile.read(file.toString(), reader);
        }
    }

    private static HardwareFile shipped() throws IOException {
        try (InputStream stream = SimulatedServer.class.getResourceAsStream(SHIPPED)) {
            return HardwareFile.read(SHIPPED, new InputStreamReader(stream, StandardCharsets.ISO_8859_1));
        }
    }

    private void build(HardwareFile hardware) {
        complaints.addAll(hardware.complaints());
        long megabytes = DEFAULT_MEMORY_MB;
        try {
            megabytes = hardware.board().number("memory", DEFAULT_MEMORY_MB, 1, MOST_MEMORY_MB);
        } catch (HardwareException e) {
            complaints.add(e.getMessage());
        }
        board = new PciBoard(NAME, megabytes << 20);
        hardware.devices().forEach(this::plug);
        report(hardware.board());
    }

    private void plug(PciAddress address, Settings settings) {
        try {
            board.plug(address, slot -> parts.make(settings, slot));
            report(settings);
        } catch (HardwareException e) {
            complaints.add(e.getMessage());
        }
    }

    private void report(Settings settings) {
        for (Settings.Value line : settings.unknown()) complaints.add(line.place() + ": " + line.key() + " is not known here");
    }

    /** What is wrong with the hardware file, one line each. */
    List<String> complaints() { return List.copyOf(complaints); }

    @Override public String name() { return NAME; }

    @Override public List<PciDevice> devices() { return board.devices(); }

    @Deactivate
    void close() {
        board.close();
    }
}
