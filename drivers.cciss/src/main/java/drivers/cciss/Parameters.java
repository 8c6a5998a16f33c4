package drivers.cciss;

import java.util.LinkedHashMap;
import java.util.Map;
import vmkernel.api.hardware.DriverException;

/**
 * Parameters of the module.
 *
 * @param depth requests in flight
 * @param maxBytes of one request, and of each command's buffer
 */
record Parameters(int depth, int maxBytes, long readyNanos, long timeoutNanos, long lockupNanos, long rescanNanos) {
    static final Map<String, String> HELP;

    static {
        Map<String, String> help = new LinkedHashMap<>();
        help.put("depth", "commands in flight at most, 1 to 1024 (128); each takes a buffer of maxkb when it is first used");
        help.put("maxkb", "KiB of one transfer at most, 4 to 1024 (64)");
        help.put("ready", "seconds to wait for the firmware after a reset, 1 to 300 (30)");
        help.put("timeout", "seconds until a command is aborted, 1 to 300 (30)");
        help.put("lockup", "seconds without a heartbeat until the controller is reset, 5 to 300 (30)");
        help.put("rescan", "seconds between looks for new volumes, 0 for never, up to 3600 (10)");
        HELP = java.util.Collections.unmodifiableMap(help);
    }

    static Parameters of(Map<String, String> given) throws DriverException {
        return new Parameters(number(given, "depth", 128, 1, 1024), number(given, "maxkb", 64, 4, 1024) << 10, seconds(given, "ready", 30, 1, 300),
            seconds(given, "timeout", 30, 1, 300), seconds(given, "lockup", 30, 5, 300), seconds(given, "rescan", 10, 0, 3600));
    }

    private static long seconds(Map<String, String> given, String name, int otherwise, int min, int max) throws DriverException {
        return number(given, name, otherwise, min, max) * 1_000_000_000L;
    }

    private static int number(Map<String, String> given, String name, int otherwise, int min, int max) throws DriverException {
        String text = given.get(name);
        if (text == null) return otherwise;
        try {
            int number = Integer.parseInt(text.strip());
            if (number >= min && number <= max) return number;
        } catch (NumberFormatException e) {
            // said below
        }
        throw new DriverException("cciss " + name + "=" + text + ": a number from " + min + " to " + max + " is needed");
    }
}
