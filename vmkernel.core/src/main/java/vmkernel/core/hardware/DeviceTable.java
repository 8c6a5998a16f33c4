package vmkernel.core.hardware;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.hardware.DriverProvider.Tag;
import vmkernel.api.hardware.PciId;

/**
 * Which module serves which device: {@code vmware-devices.map}, and {@code vmware-devices.map.local}, whose lines win and which
 * updates leave alone [ESX]. A line is {@code device,VENDOR,DEVICE,TAG,DESCRIPTION,MODULE.o}; lines of other kinds are left alone.
 */
final class DeviceTable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceTable.class);
    private static final String FILE = "vmware-devices.map";

    /** @param module without {@code .o} */
    record Line(int vendor, int device, Tag tag, String description, String module) {}

    private final Map<Integer, Line> lines = new LinkedHashMap<>();

    /**
     * The map of an installation: the files in {@code folder}, or the one that comes with this bundle if there is no
     * {@code vmware-devices.map}. A line that cannot be read is told with its file and number and left out.
     */
    static DeviceTable of(Path folder) {
        DeviceTable table = new DeviceTable();
        Path own = folder.resolve(FILE);
        if (Files.exists(own)) table.add(own); else table.add(FILE + " (shipped)", shipped());
        Path local = folder.resolve(FILE + ".local");
        if (Files.exists(local)) table.add(local);
        return table;
    }

    private static List<String> shipped() {
        try (InputStream in = DeviceTable.class.getResourceAsStream(FILE)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void add(Path file) {
        try {
            add(file.toString(), Files.readAllLines(file));
        } catch (IOException e) {
            LOG.error("{}: cannot be read: {}", file, e.getMessage());
        }
    }

    /** Later lines win. */
    void add(String file, List<String> text) {
        for (int i = 0; i < text.size(); i++) {
            String line = text.get(i).strip();
            if (!line.startsWith("device,")) continue;
            try {
                Line parsed = parse(line);
                lines.put(parsed.vendor << 16 | parsed.device, parsed);
            } catch (IllegalArgumentException e) {
                LOG.warn("{}, line {}: {}: device,0xVENDOR,0xDEVICE,vmnic or vmhba,DESCRIPTION,MODULE.o is needed", file, i + 1, e.getMessage());
            }
        }
    }

    private static Line parse(String line) {
        List<String> fields = new ArrayList<>(List.of(line.split(",", -1)));
        if (fields.size() < 6) throw new IllegalArgumentException(fields.size() + " fields");
        // a description may have commas in it
        String module = fields.get(fields.size() - 1).strip();
        String description = String.join(",", fields.subList(4, fields.size() - 1)).strip();
        if (module.isEmpty()) throw new IllegalArgumentException("no module");
        return new Line(number(fields.get(1)), number(fields.get(2)), tag(fields.get(3).strip()), description, module.replaceFirst("\\.o$", ""));
    }

    private static int number(String text) {
        try {
            int number = Integer.decode(text.strip());
            if (number >= 0 && number <= 0xFFFF) return number;
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IllegalArgumentException("\"" + text.strip() + "\" is no PCI id");
    }

    private static Tag tag(String text) {
        for (Tag tag : Tag.values()) if (tag.prefix().equals(text)) return tag;
        throw new IllegalArgumentException("\"" + text + "\" is no tag");
    }

    Optional<Line> find(PciId id) { return Optional.ofNullable(lines.get(id.vendor() << 16 | id.device())); }
}
