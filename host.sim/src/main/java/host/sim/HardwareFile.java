package host.sim;

import host.sim.bus.Settings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import vmkernel.api.hardware.PciAddress;

/**
 * What the simulated server is built of: {@code key = "value"} lines like those of a .vmx file, {@code #} comments, empty lines. Keys
 * of a device begin with {@code pci.BUS:SLOT.FUNCTION.}; the others are the board's. A line that makes no sense is told and left out.
 *
 * @param board lines that belong to no device
 * @param devices lines of each device, without the beginning of their keys
 * @param complaints one line each: file, line number, what is wrong
 */
record HardwareFile(Settings board, Map<PciAddress, Settings> devices, List<String> complaints) {
    private static final Pattern LINE = Pattern.compile("([^\\s=\"#]+)\\s*=\\s*(?:\"([^\"]*)\"|([^\"#]*[^\"#\\s]))\\s*(?:#.*)?");
    private static final Pattern DEVICE = Pattern.compile("pci\\.(\\d{1,3}:\\d{1,2}\\.\\d)\\.(.+)");

    /** @param name for messages */
    static HardwareFile read(String name, Reader text) throws IOException {
        List<Settings.Value> board = new ArrayList<>();
        Map<PciAddress, List<Settings.Value>> devices = new TreeMap<>();
        List<String> complaints = new ArrayList<>();
        Map<String, Integer> seen = new LinkedHashMap<>();
        int number = 0;
        BufferedReader reader = new BufferedReader(text);
        for (String line : (Iterable<String>) reader.lines()::iterator) {
            String place = name + ":" + ++number;
            String stripped = line.strip();
            if (stripped.isEmpty() || stripped.startsWith("#")) continue;
            Matcher matcher = LINE.matcher(stripped);
            if (!matcher.matches()) {
                complaints.add(place + ": key = \"value\" is needed: " + shown(stripped));
                continue;
            }
            String key = matcher.group(1), value = matcher.group(2) != null ? matcher.group(2) : matcher.group(3);
            try {
                add(place, key, value, number, board, devices, seen);
            } catch (IllegalArgumentException e) {
                complaints.add(place + ": " + e.getMessage());
            }
        }
        Map<PciAddress, Settings> settings = new TreeMap<>();
        devices.forEach((address, lines) -> settings.put(address, new Settings(name + ": pci." + address, lines)));
        return new HardwareFile(new Settings(name, board), settings, complaints);
    }

    private static void add(String place, String key, String value, int number, List<Settings.Value> board, Map<PciAddress, List<Settings.Value>> devices,
            Map<String, Integer> seen) {
        Matcher device = DEVICE.matcher(key.toLowerCase(Locale.ROOT));
        boolean ofDevice = device.matches();
        if (!ofDevice && key.toLowerCase(Locale.ROOT).startsWith("pci.")) throw new IllegalArgumentException(key + ": pci.BUS:SLOT.FUNCTION.KEY is needed, such as pci.002:04.0.model");
        PciAddress address = ofDevice ? PciAddress.parse(device.group(1)) : null;
        String rest = ofDevice ? key.substring(device.start(2)) : key;
        Integer before = seen.putIfAbsent(address + "." + rest.toLowerCase(Locale.ROOT), number);
        if (before != null) throw new IllegalArgumentException(key + " is set already on line " + before);
        Settings.Value line = new Settings.Value(rest, value, place);
        if (ofDevice) devices.computeIfAbsent(address, none -> new ArrayList<>()).add(line);
        else board.add(line);
    }

    private static String shown(String text) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return printable.length() > 60 ? printable.substring(0, 60) + "..." : printable;
    }
}
