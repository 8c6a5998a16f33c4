package drivers.e100;

import vmkernel.api.hardware.DriverException;
import vmkernel.api.net.LinkState;

/**
 * The transceiver, asked through the management interface. Its own negotiation is left as it is, so that the link survives the
 * driver. [802.3] 22.2.4, clause 28. One thread at a time.
 */
final class Phy {
    private static final int CONTROL = 0, STATUS = 1, ID = 2, ADVERTISED = 4, PARTNER = 5;
    private static final int CONTROL_100 = 0x2000, CONTROL_FULL = 0x0100;
    private static final int STATUS_LINK = 0x0004, STATUS_NEGOTIATED = 0x0020;
    private static final int CAN_100_FULL = 0x0100, CAN_100_HALF = 0x0080, CAN_10_FULL = 0x0040;
    /** Where the 82555 sits, and where others do. */
    private static final int USUAL = 1, PLACES = 32;

    private final Csr csr;
    private final int place;

    private Phy(Csr csr, int place) {
        this.csr = csr;
        this.place = place;
    }

    static Phy find(Csr csr) throws DriverException {
        for (int i = 0; i < PLACES; i++) {
            Phy phy = new Phy(csr, (USUAL + i) % PLACES);
            int status = phy.read(STATUS);
            if (status != 0 && status != 0xFFFF) return phy;
        }
        return new Phy(csr, -1);
    }

    /** For people. */
    String describe() throws DriverException { return place < 0 ? "no PHY" : String.format("PHY %04x:%04x at %d", read(ID), read(ID + 1), place); }

    LinkState link() throws DriverException {
        // LIMIT: a serial transceiver (82503) has no management interface: its link counts as up
        if (place < 0) return new LinkState(true, 10, false);
        read(STATUS); // a link that was lost is told once, even if it is back
        int status = read(STATUS);
        if ((status & STATUS_LINK) == 0) return LinkState.DOWN;
        if ((status & STATUS_NEGOTIATED) == 0) {
            int control = read(CONTROL);
            return new LinkState(true, (control & CONTROL_100) != 0 ? 100 : 10, (control & CONTROL_FULL) != 0);
        }
        int common = read(ADVERTISED) & read(PARTNER);
        if ((common & (CAN_100_FULL | CAN_100_HALF)) != 0) return new LinkState(true, 100, (common & CAN_100_FULL) != 0);
        return new LinkState(true, 10, (common & CAN_10_FULL) != 0);
    }

    private int read(int register) throws DriverException { return csr.readPhy(place, register); }
}
