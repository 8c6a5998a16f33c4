package vmkernel.core.vmx;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import vmkernel.api.net.MacAddress;
import vmkernel.api.vm.VmConfig;
import vmkernel.api.vm.VmConfigException;

/**
 * What a machine is known by: its UUID, made of the host and the place of its configuration, and the addresses of its network
 * adapters [ESX]. A generated address is 00:0C:29 and the last three bytes of {@code uuid.bios}, to which {@code generatedAddressOffset}
 * is added, so that each adapter has its own. A configuration that was moved or copied gets a new UUID and new addresses;
 * with {@code uuid.action = "keep"} it keeps both.
 */
public final class Identity {
    private static final long GENERATED = 0x000C_2900_0000L, STATIC = 0x0050_5600_0000L, VPX = 0x0050_5680_0000L;
    private static final long VENDOR_MASK = 0xFFFF_FF00_0000L, RANGE_MASK = 0xFFFF_FFC0_0000L;
    /** Between the adapters of a machine. */
    private static final int OFFSET_STEP = 10;
    private static final Pattern ADAPTER = Pattern.compile("(ethernet(\\d{1,2}))\\.present");

    private Identity() {}

    /**
     * The configuration with the UUID and the generated addresses that are to be written into it; the same if it has them. Only for a machine
     * that has an adapter with a generated address: who has none does not need them.
     *
     * @param host identifier of the host
     */
    public static VmConfig settled(VmConfig config, String host) throws VmConfigException {
        VmConfig settled = config;
        boolean moved = false;
        boolean named = false;
        for (String key : config.keys()) {
            Matcher matcher = ADAPTER.matcher(key.toLowerCase(Locale.ROOT));
            if (!matcher.matches() || !config.flag(key, false) || !type(config, matcher.group(1)).equals("generated")) continue;
            if (!named) {
                String before = config.text("uuid.location", "");
                settled = named(settled, host);
                moved = !before.isEmpty() && !before.equals(settled.text("uuid.location", "")) && !keeps(config);
                named = true;
            }
            settled = addressed(settled, matcher.group(1), Integer.parseInt(matcher.group(2)), moved);
        }
        return settled;
    }

    private static boolean keeps(VmConfig config) { return config.text("uuid.action", "create").equalsIgnoreCase("keep"); }

    private static VmConfig named(VmConfig config, String host) {
        String location = uuid(host, config.file());
        if (location.equals(config.text("uuid.location", "")) && config.text("uuid.bios").isPresent()) return config;
        boolean keep = config.text("uuid.bios").isPresent() && (config.text("uuid.location").isEmpty() || keeps(config));
        return (keep ? config : config.with("uuid.bios", location)).with("uuid.location", location);
    }

    private static VmConfig addressed(VmConfig config, String prefix, int number, boolean moved) throws VmConfigException {
        String key = prefix + ".generatedAddress";
        if (!moved && config.text(key).isPresent()) {
            parse(config, key);
            return config;
        }
        int offset = config.number(prefix + ".generatedAddressOffset", OFFSET_STEP * number, 0, 0xFF_FFFF);
        String hex = config.text("uuid.bios", "").replaceAll("[^0-9A-Fa-f]", "");
        if (hex.length() != 32) throw new VmConfigException(config.file() + ": uuid.bios = \"" + config.text("uuid.bios", "") + "\": 16 hexadecimal bytes are needed");
        long last = Long.parseLong(hex.substring(26), 16) + offset & 0xFF_FFFF;
        return config.with(prefix + ".addressType", "generated").with(key, new MacAddress(GENERATED | last).toString()).with(prefix + ".generatedAddressOffset", String.valueOf(offset));
    }

    /** The UUID that a machine has, or would get. */
    public static String uuid(VmConfig config) { return config.text("uuid.bios").orElseGet(() -> uuid(host(), config.file())); }

    /** In VMware's spelling; begins with its letters VM. */
    private static String uuid(String host, Path file) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest((host + "\n" + file.toAbsolutePath().normalize()).getBytes(StandardCharsets.UTF_8));
            hash[0] = 'V';
            hash[1] = 'M';
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 16; i++) text.append(i == 0 ? "" : i == 8 ? "-" : " ").append(String.format("%02x", hash[i]));
            return text.toString();
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** What tells this host from others: its machine-id [Linux] machine-id(5), or its name. */
    public static String host() {
        for (String file : new String[] {"/etc/machine-id", "/etc/hostname"}) {
            try {
                String text = Files.readString(Path.of(file)).strip();
                if (!text.isEmpty()) return text;
            } catch (IOException e) {
                // the next
            }
        }
        return "";
    }

    private static String type(VmConfig config, String prefix) {
        String usual = config.text(prefix + ".address").isPresent() ? "static" : "generated";
        return config.text(prefix + ".addressType", usual).toLowerCase(Locale.ROOT);
    }

    /** The address of an adapter of a configuration that is settled. @throws VmConfigException in one line: key, value, what is needed */
    public static MacAddress address(VmConfig config, String prefix) throws VmConfigException {
        switch (type(config, prefix)) {
            case "generated": return within(config, prefix + ".generatedAddress", GENERATED, VENDOR_MASK, "a generated address begins with 00:0c:29; remove the line to get one");
            case "static": return within(config, prefix + ".address", STATIC, RANGE_MASK, "a static address is 00:50:56:00:00:00 to 00:50:56:3f:ff:ff");
            case "vpx": return within(config, prefix + (config.text(prefix + ".address").isPresent() ? ".address" : ".generatedAddress"), VPX, RANGE_MASK,
                "an address of VirtualCenter is 00:50:56:80:00:00 to 00:50:56:bf:ff:ff");
            default: throw new VmConfigException(config.file() + ": " + prefix + ".addressType = \"" + config.text(prefix + ".addressType", "") + "\": generated, static or vpx is needed");
        }
    }

    private static MacAddress within(VmConfig config, String key, long range, long mask, String needed) throws VmConfigException {
        MacAddress address = parse(config, key);
        if ((address.bits() & mask) != range) throw new VmConfigException(config.file() + ": " + key + " = \"" + config.text(key, "") + "\": " + needed);
        return address;
    }

    private static MacAddress parse(VmConfig config, String key) throws VmConfigException {
        try {
            return MacAddress.parse(config.text(key, ""));
        } catch (IllegalArgumentException e) {
            throw new VmConfigException(config.file() + ": " + key + " = \"" + config.text(key, "") + "\": six hexadecimal bytes such as 00:50:56:00:00:01 are needed");
        }
    }
}
