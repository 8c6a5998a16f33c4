package host.sim.nic;

import java.util.Map;
import vmkernel.api.hardware.PciId;
import vmkernel.api.net.MacAddress;

/** What an adapter is. @param address in its EEPROM when it leaves the factory */
public record NicSettings(Chip chip, MacAddress address) {
    /** The members of the family [8255x] 1.1, with the revision that tells drivers apart, and the board that each is on. */
    public enum Chip {
        I82557(0x02, 0x0001), I82558(0x05, 0x0009), I82559(0x08, 0x000C);

        private static final int INTEL = 0x8086, ETHERNET_CONTROLLER = 0x020000;

        final int revision, board;

        Chip(int revision, int board) {
            this.revision = revision;
            this.board = board;
        }

        PciId id() { return new PciId(INTEL, 0x1229, INTEL, board, ETHERNET_CONTROLLER, revision); }
    }

    /**
     * From the keys of the hardware file: {@code chip} is 82557, 82558 or 82559 (the default), {@code mac} the address.
     *
     * @throws IllegalArgumentException in one line
     */
    public static NicSettings of(Map<String, String> keys) {
        String chip = keys.getOrDefault("chip", "82559").strip(), mac = keys.get("mac");
        if (!chip.matches("8255[789]")) throw new IllegalArgumentException("chip \"" + chip + "\": 82557, 82558 or 82559 is needed");
        if (mac == null) throw new IllegalArgumentException("a network adapter needs an address, such as mac = 00:02:b3:00:00:01");
        MacAddress address = MacAddress.parse(mac);
        if (address.group()) throw new IllegalArgumentException("MAC address " + address + " is that of a group; an adapter cannot have it");
        return new NicSettings(Chip.valueOf("I" + chip), address);
    }
}
