package host.sim.nic;

import host.sim.bus.HardwareException;
import host.sim.bus.Settings;
import java.util.Locale;
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
     * From the hardware file: {@code model} is i82557, i82558 or i82559, {@code mac} the address.
     *
     * @throws HardwareException if there is no address, or something makes no sense
     */
    static NicSettings of(Settings settings) throws HardwareException {
        String model = settings.text("model").strip().toUpperCase(Locale.ROOT);
        if (!model.matches("I8255[789]")) throw settings.wrong("model", "i82557, i82558 or i82559 is needed");
        return new NicSettings(Chip.valueOf(model), address(settings));
    }

    private static MacAddress address(Settings settings) throws HardwareException {
        try {
            MacAddress address = MacAddress.parse(settings.text("mac"));
            if (!address.group()) return address;
        } catch (IllegalArgumentException e) {
            // told below
        }
        throw settings.wrong("mac", "six hexadecimal bytes are needed, the first one even, such as 00:02:b3:00:00:01");
    }
}
