package vmkernel.core.vmx;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;
import vmkernel.api.world.ResourceAllocation;

/**
 * What a configuration makes the machine of: everything the kernel itself reads from it, checked. Constants are those of the
 * administration guide of ESX Server 2.5.
 *
 * @param memoryBytes guest memory
 * @param cpu allocation of the virtual CPU
 * @param devices all devices, the board first
 */
public record Hardware(String name, long memoryBytes, ResourceAllocation cpu, List<Device> devices) {
    private static final long MB = 1 << 20;
    /** Memory where {@code memsize} is not set, in MB. */
    private static final int DEFAULT_MEMORY = 256;
    /** LIMIT: in MB; more is untried. */
    private static final int MAX_MEMORY = 65536;

    /**
     * One device.
     *
     * @param type name to ask the providers for
     * @param prefix its keys in the configuration
     * @param key the key that asks for it, for messages
     */
    public record Device(String type, String prefix, String key) {}

    /** Families of devices that a .vmx file may ask for by {@code PREFIX.present}. */
    private static final Pattern FAMILY = Pattern.compile("(serial|parallel|ethernet|scsi|floppy|sound|usb|ide)(\\d*)(:\\d+)?\\.present");

    /** @throws VmConfigException in one line: file, key, what is wrong */
    public static Hardware of(VmConfig config) throws VmConfigException {
        return new Hardware(name(config), memory(config), cpu(config), devices(config));
    }

    /** displayName; without one the name of the file. */
    public static String name(VmConfig config) throws VmConfigException {
        String file = config.file().getFileName() == null ? "" : config.file().getFileName().toString();
        String name = config.text("displayName", file.endsWith(".vmx") ? file.substring(0, file.length() - 4) : file).strip();
        if (name.isEmpty()) throw new VmConfigException(config.file() + ": displayName is empty");
        if (name.chars().anyMatch(c -> c < ' ' || c == 0x7F)) throw new VmConfigException(config.file() + ": displayName contains a control character");
        return name;
    }

    private static long memory(VmConfig config) throws VmConfigException {
        int mb = config.number("memsize", DEFAULT_MEMORY, 4, MAX_MEMORY);
        if (mb % 4 != 0) throw new VmConfigException(config.file() + ": memsize = \"" + mb + "\": a multiple of 4 MB is needed");
        return mb * MB;
    }

    private static List<Device> devices(VmConfig config) throws VmConfigException {
        // LIMIT: one virtual CPU
        if (config.number("numvcpus", 1, 1, 64) != 1) {
            throw new VmConfigException(config.file() + ": numvcpus = \"" + config.text("numvcpus", "") + "\": a virtual machine has one CPU in this release");
        }
        List<Device> devices = new ArrayList<>();
        devices.add(new Device("440bx", "board", "the board"));
        for (String key : config.keys()) {
            Matcher matcher = FAMILY.matcher(key.toLowerCase(Locale.ROOT));
            // a disk belongs to its adapter, except on IDE, whose channels are not asked for themselves
            if (!matcher.matches() || matcher.group(3) != null && !matcher.group(1).equals("ide") || !config.flag(key, false)) continue;
            devices.add(device(config, matcher.group(1), key.substring(0, key.lastIndexOf('.')), key));
        }
        for (String extra : List.of("debugcon", "debugexit")) {
            if (config.flag(extra + ".present", false)) devices.add(new Device(extra, extra, extra + ".present"));
        }
        return List.copyOf(devices);
    }

    private static Device device(VmConfig config, String family, String prefix, String key) {
        String virtualDev = prefix + ".virtualDev";
        return switch (family) {
            case "serial" -> new Device("uart", prefix.toLowerCase(Locale.ROOT), key);
            case "ethernet" -> new Device(config.text(virtualDev, "vlance"), prefix, config.text(virtualDev).isPresent() ? virtualDev : key);
            case "scsi" -> new Device(config.text(virtualDev, "vmxbuslogic"), prefix, config.text(virtualDev).isPresent() ? virtualDev : key);
            default -> new Device(family, prefix, key);
        };
    }

    private static ResourceAllocation cpu(VmConfig config) throws VmConfigException {
        ResourceAllocation normal = ResourceAllocation.normal();
        try {
            int min = percent(config.text("sched.cpu.min", "0"));
            int max = maximum(config.text("sched.cpu.max", ""));
            return new ResourceAllocation(min, max, shares(config.text("sched.cpu.shares", "normal")), affinity(config.text("sched.cpu.affinity", "all")));
        } catch (IllegalArgumentException e) {
            for (String key : List.of("sched.cpu.min", "sched.cpu.max", "sched.cpu.shares", "sched.cpu.affinity")) {
                if (config.text(key).isPresent()) check(config, key, normal);
            }
            throw new VmConfigException(config.file() + ": sched.cpu: " + e.getMessage());
        }
    }

    /** Finds out which key it was. */
    private static void check(VmConfig config, String key, ResourceAllocation normal) throws VmConfigException {
        try {
            change(normal, key.substring(key.lastIndexOf('.') + 1), config.text(key, ""));
        } catch (IllegalArgumentException e) {
            throw new VmConfigException(config.file() + ": " + key + " = \"" + config.text(key, "") + "\": " + e.getMessage());
        }
    }

    /**
     * An allocation with one thing changed.
     *
     * @param what min, max, shares or affinity
     * @throws IllegalArgumentException in one line
     */
    public static ResourceAllocation change(ResourceAllocation old, String what, String text) {
        return switch (what) {
            case "min" -> new ResourceAllocation(percent(text), old.max(), old.shares(), old.affinity());
            case "max" -> new ResourceAllocation(old.min(), maximum(text), old.shares(), old.affinity());
            case "shares" -> new ResourceAllocation(old.min(), old.max(), shares(text), old.affinity());
            case "affinity" -> new ResourceAllocation(old.min(), old.max(), old.shares(), affinity(text));
            default -> throw new IllegalArgumentException("no such setting: " + what);
        };
    }

    private static int percent(String text) {
        String digits = text.strip().endsWith("%") ? text.strip().substring(0, text.strip().length() - 1) : text.strip();
        return number(digits, 0, 6400, "a percentage of one CPU, 0 to 6400, is needed");
    }

    private static int maximum(String text) {
        int max = text.isBlank() ? 100 : percent(text);
        // one virtual CPU cannot use more than a whole CPU: no cap
        return max >= 100 ? ResourceAllocation.UNLIMITED : max;
    }

    private static int shares(String text) {
        return switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "low" -> 500;
            case "normal" -> 1000;
            case "high" -> 2000;
            default -> number(text, 1, 100_000, "shares of 1 to 100000, or low, normal or high, are needed");
        };
    }

    private static Set<Integer> affinity(String text) {
        Set<Integer> cpus = new HashSet<>();
        if (text.isBlank() || text.strip().equalsIgnoreCase("all") || text.strip().equalsIgnoreCase("default")) return cpus;
        for (String part : text.split(",", -1)) cpus.add(number(part, 0, 63, "CPU numbers such as 0,2, or all, are needed"));
        return cpus;
    }

    private static int number(String text, int min, int max, String what) {
        try {
            int number = Integer.parseInt(text.strip());
            if (number >= min && number <= max) return number;
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IllegalArgumentException(what);
    }
}
