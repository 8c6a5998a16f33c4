package vmkernel.core.hardware;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.hardware.DriverProvider.Tag;
import vmkernel.api.hardware.PciAddress;
import vmkernel.core.vmx.LineFile;

/**
 * What devices are called, over restarts: {@code devnames.conf} with lines such as {@code 002:04.0 nic vmnic0} [ESX 2.1 Administration
 * Guide]. A device keeps its name as long as its line is there, whatever is added or removed; a new one gets the lowest free number.
 */
final class DeviceNames {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceNames.class);
    private static final Map<Tag, String> KINDS = Map.of(Tag.VMNIC, "nic", Tag.VMHBA, "hba");

    private final LineFile file;
    private final Map<PciAddress, String> names = new TreeMap<>();

    DeviceNames(Path file) {
        this.file = new LineFile(file);
        try {
            read(this.file.lines());
        } catch (IOException e) {
            LOG.error("{}: cannot be read: {}", file, e.getMessage());
        }
    }

    private void read(List<String> lines) {
        names.clear();
        for (String line : lines) {
            String[] fields = line.strip().split("\\s+");
            if (fields.length != 3 || line.startsWith("#")) continue;
            try {
                names.put(PciAddress.parse(fields[0]), fields[2]);
            } catch (IllegalArgumentException e) {
                LOG.warn("{}: {}", file.file(), e.getMessage());
            }
        }
    }

    /** The name that a device has, or "". */
    String name(PciAddress address, Tag tag) {
        String name = names.getOrDefault(address, "");
        return name.startsWith(tag.prefix()) ? name : "";
    }

    /** The name of a device, which gets one now if it has none. */
    String named(PciAddress address, Tag tag) {
        String known = name(address, tag);
        if (!known.isEmpty()) return known;
        try {
            file.change(lines -> {
                read(lines); // another host may have added some
                if (!name(address, tag).isEmpty()) return false;
                add(address, tag);
                lines.removeIf(line -> line.startsWith(address + " "));
                lines.add(address + " " + KINDS.get(tag) + " " + names.get(address));
                return true;
            });
        } catch (IOException e) {
            LOG.error("{}: cannot be written, so names may change at the next start: {}", file.file(), e.getMessage());
            if (name(address, tag).isEmpty()) add(address, tag);
        }
        return names.get(address);
    }

    private void add(PciAddress address, Tag tag) {
        List<String> taken = new ArrayList<>(names.values());
        int number = 0;
        while (taken.contains(tag.prefix() + number)) number++;
        names.put(address, tag.prefix() + number);
    }
}
