package host.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.hardware.PciDevice;

class SimulatedServerTest {
    private static final String ADAPTER = """
        pci.002:04.0.model = "i82558"
        pci.002:04.0.mac = "00:02:b3:00:00:01"
        """;

    @TempDir
    Path home;
    private final SimulatedServer server = new SimulatedServer();

    @AfterEach
    void close() { server.close(); }

    private List<String> devices() { return server.devices().stream().map(device -> device.address() + " " + device.id()).toList(); }

    private void start(String text) throws IOException {
        Path file = home.resolve("hw.conf");
        Files.writeString(file, text);
        server.start(file.toString(), home);
    }

    /** Complaints without the folder. */
    private List<String> complaints() { return server.complaints().stream().map(line -> line.replace(home + "/", "")).toList(); }

    @Test
    void withoutAFileTheShippedServerIsBuiltAndNothingIsWritten() throws IOException {
        server.start(null, home);
        assertEquals(List.of(), server.complaints());
        assertEquals(List.of("001:03.0 0e11:b178", "002:04.0 8086:1229"), devices());
        try (Stream<Path> below = Files.list(home)) {
            assertEquals(0, below.count());
        }
    }

    @Test
    void theHostsOwnFileComesBeforeTheShippedOne() throws IOException {
        Files.createDirectories(home.resolve("etc"));
        Files.writeString(home.resolve("etc/hardware.conf"), ADAPTER);
        server.start(null, home);
        assertEquals(List.of(), server.complaints());
        assertEquals(List.of("002:04.0 8086:1229"), devices());
    }

    @Test
    void aNamedFileComesFirst() throws IOException {
        Files.createDirectories(home.resolve("etc"));
        Files.writeString(home.resolve("etc/hardware.conf"), ADAPTER);
        start("# nothing\n");
        assertEquals(List.of(), devices());
    }

    @Test
    void aFileThatIsMissingIsToldInOneLine() {
        server.start(home.resolve("none.conf").toString(), home);
        assertEquals(List.of("none.conf: the hardware file cannot be read: none.conf"), complaints());
        assertEquals(List.of(), devices());
    }

    @Test
    void severalDevicesOnSeveralBusesAppearInOrder() throws IOException {
        start(ADAPTER + "PCI.2:3.1.Model = I82559 # another\npci.2:3.1.mac=00:02:b3:00:00:02\npci.007:31.0.model = \"i82557\"\npci.007:31.0.mac = \"00:02:b3:00:00:03\"\n");
        assertEquals(List.of(), complaints());
        assertEquals(List.of("002:03.1", "002:04.0", "007:31.0"), server.devices().stream().map(device -> device.address().toString()).toList());
        assertEquals(List.of(8, 5, 2), server.devices().stream().map(device -> device.id().revision()).toList());
    }

    @Test
    void mistakesAreToldWithTheirLineAndTheRestAppears() throws IOException {
        start("""
            memory = "much"
            colour = "blue"
            pci.1:3.0.model = "abacus"
            pci.1:4.0.unit = "7"
            pci.1:5.0.model = "i82559"
            pci.1:5.0.mac = "00:02"
            pci.1:6.model = "i82559"
            pci.1:77.0.model = "i82559"
            this is no line
            pci.002:04.0.speed = "fast"
            pci.2:4.0.net = "hub:lab"
            pci.2:4.0.net = "none"
            pci.3:1.0.model = "i82559"
            pci.3:1.0.mac = "00:02:b3:00:00:09"
            pci.3:1.0.net = "carrier:pigeon"
            """ + ADAPTER);
        List<String> expected = List.of("hw.conf:7: pci.1:6.model: pci.BUS:SLOT.FUNCTION.KEY is needed, such as pci.002:04.0.model",
            "hw.conf:8: PCI address 1:77.0: bus 0 to 255, slot 0 to 31, function 0 to 7 are needed",
            "hw.conf:9: key = \"value\" is needed: this is no line",
            "hw.conf:12: pci.2:4.0.net is set already on line 11",
            "hw.conf:1: memory = \"much\": a number from 1 to 3072 is needed",
            "hw.conf:3: model = \"abacus\": there is no such model",
            "hw.conf: pci.001:04.0: model is missing");
        assertEquals(expected, complaints().subList(0, expected.size()));
        List<String> rest = new ArrayList<>(complaints().subList(expected.size(), complaints().size()));
        assertTrue(rest.remove(0).startsWith("hw.conf:6: mac = \"00:02\": "));
        assertTrue(rest.remove(1).startsWith("hw.conf:15: net = \"carrier:pigeon\": "));
        assertEquals(List.of("hw.conf:10: speed is not known here", "hw.conf:2: colour is not known here"), rest);
        assertEquals(List.of("002:04.0 8086:1229"), devices());
    }

    @Test
    void whenItIsClosedItsDevicesAreGone() throws IOException {
        start(ADAPTER);
        PciDevice device = server.devices().get(0);
        assertEquals(0x12298086, device.readConfig(0, 4));
        server.close();
        assertEquals(-1, device.readConfig(0, 4));
    }
}
