package host.sim.array;

import java.util.Locale;
import vmkernel.api.hardware.PciId;

/** The members of the family: what tells them apart on the bus [CISS] 8, and how they call themselves. */
public enum Board {
    SMARTARRAY5300("Smart Array 5300", 0x0E11, 0xB060, 0x4070, 0x08, 0x14),
    SMARTARRAY5I("Smart Array 5i", 0x0E11, 0xB178, 0x4080, 0x04, 0x14),
    SMARTARRAY532("Smart Array 532", 0x0E11, 0xB178, 0x4082, 0x04, 0x14),
    SMARTARRAY5312("Smart Array 5312", 0x0E11, 0xB178, 0x4083, 0x04, 0x14),
    SMARTARRAY641("Smart Array 641", 0x0E11, 0x0046, 0x409A, 0x08, 0x14),
    SMARTARRAY642("Smart Array 642", 0x0E11, 0x0046, 0x409B, 0x08, 0x14),
    SMARTARRAYP400("Smart Array P400", 0x103C, 0x3230, 0x3234, 0x08, 0x10);

    private static final int RAID_CONTROLLER = 0x010400, HEWLETT_PACKARD = 0x103C;

    final String product;
    final int vendor, device, subsystem;
    /** Its bit in the interrupt status and mask registers. */
    final int interruptBit;
    /** The base address register behind which the configuration table is, by its offset in the configuration space. */
    final int tableBar;

    Board(String product, int vendor, int device, int subsystem, int interruptBit, int tableBar) {
        this.product = product;
        this.vendor = vendor;
        this.device = device;
        this.subsystem = subsystem;
        this.interruptBit = interruptBit;
        this.tableBar = tableBar;
    }

    /** By the name that the hardware file has for it, such as {@code smartarray5i}; null if there is none. */
    public static Board named(String name) {
        String wanted = name.strip().toUpperCase(Locale.ROOT);
        for (Board board : values()) if (board.name().equals(wanted)) return board;
        return null;
    }

    PciId id() { return new PciId(vendor, device, vendor, subsystem, RAID_CONTROLLER, 1); }

    /** As PCI configuration dword 2Ch has it, which is how drivers know the board. */
    int boardId() { return subsystem << 16 | vendor; }

    /** Vendor in INQUIRY data. */
    String maker() { return vendor == HEWLETT_PACKARD ? "HP" : "COMPAQ"; }
}
