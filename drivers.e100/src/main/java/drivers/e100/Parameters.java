package drivers.e100;

import java.util.LinkedHashMap;
import java.util.Map;
import vmkernel.api.hardware.DriverException;

/**
 * What can be set at loading.
 *
 * @param debug 0, or 1 for more in the log
 * @param receiveSlots frames that fit into the receive ring, a power of two
 * @param transmitSlots blocks that fit into the command ring, a power of two
 * @param selfTest whether the chip tests itself at a cold start
 */
record Parameters(boolean debug, int receiveSlots, int transmitSlots, boolean selfTest) {
    private static final int MIN_SLOTS = 16, MAX_SLOTS = 4096, SLOTS = 256;

    static final Map<String, String> HELP = help();

    private static Map<String, String> help() {
        Map<String, String> help = new LinkedHashMap<>();
        help.put("RxDescriptors", "frames in the receive ring, 16 to 4096, rounded up to a power of two; default 256");
        help.put("TxDescriptors", "frames in the transmit ring, 16 to 4096, rounded up to a power of two; default 256");
        help.put("SelfTest", "1: the chip tests itself before it is used; default 0");
        help.put("debug", "1: tell in the log what was found and when the receiver ran dry; default 0");
        return java.util.Collections.unmodifiableMap(help);
    }

    /** @throws DriverException in one line for a value that makes no sense */
    static Parameters of(Map<String, String> given) throws DriverException {
        return new Parameters(number(given, "debug", 0, 0, Integer.MAX_VALUE) > 0, slots(given, "RxDescriptors"), slots(given, "TxDescriptors"), number(given, "SelfTest", 0, 0, 1) > 0);
    }

    private static int slots(Map<String, String> given, String name) throws DriverException {
        int slots = number(given, name, SLOTS, MIN_SLOTS, MAX_SLOTS);
        return Integer.bitCount(slots) == 1 ? slots : Integer.highestOneBit(slots) << 1;
    }

    private static int number(Map<String, String> given, String name, int otherwise, int min, int max) throws DriverException {
        String text = given.get(name);
        if (text == null) return otherwise;
        try {
            int value = Integer.parseInt(text.strip());
            if (value >= min && value <= max) return value;
        } catch (NumberFormatException e) {
            // told below
        }
        throw new DriverException("e100: " + name + "=" + text + ": a number from " + min + " to " + max + " is needed");
    }
}
