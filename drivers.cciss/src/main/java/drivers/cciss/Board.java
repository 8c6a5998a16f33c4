package drivers.cciss;

import java.util.List;
import java.util.Locale;
import vmkernel.api.hardware.PciId;

/**
 * A model of Smart Array, told by the subsystem id of its PCI function.
 *
 * @param interruptBit of the status and mask registers that stands for completions: 3 on most, 2 on the 5i and its kin [CISSR]
 */
record Board(int subsystemVendor, int subsystemDevice, String name, int interruptBit) {
    private static final int COMPAQ = 0x0E11, HP = 0x103C;
    private static final int SA5 = 0x08, SA5B = 0x04;

    private static final List<Board> KNOWN = List.of(
        new Board(COMPAQ, 0x4070, "5300", SA5),
        new Board(COMPAQ, 0x4080, "5i", SA5B),
        new Board(COMPAQ, 0x4082, "532", SA5B),
        new Board(COMPAQ, 0x4083, "5312", SA5B),
        new Board(COMPAQ, 0x4091, "6i", SA5),
        new Board(COMPAQ, 0x409A, "641", SA5),
        new Board(COMPAQ, 0x409B, "642", SA5),
        new Board(COMPAQ, 0x409C, "6400", SA5),
        new Board(COMPAQ, 0x409D, "6400 EM", SA5),
        new Board(HP, 0x3225, "P600", SA5),
        new Board(HP, 0x3234, "P400", SA5));

    /** True for the PCI functions that Smart Arrays of this interface have. */
    static boolean serves(PciId id) {
        return id.vendor() == COMPAQ && (id.device() == 0xB060 || id.device() == 0xB178 || id.device() == 0x0046)
            || id.vendor() == HP && (id.device() == 0x3220 || id.device() == 0x3230);
    }

    /** The board of a function; one that nobody has listed is taken to be like the others of its chip. */
    static Board of(PciId id) {
        for (Board board : KNOWN) {
            if (board.subsystemVendor == id.subsystemVendor() && board.subsystemDevice == id.subsystemDevice()) return board;
        }
        String name = String.format(Locale.ROOT, "%04x:%04x", id.subsystemVendor(), id.subsystemDevice());
        return new Board(id.subsystemVendor(), id.subsystemDevice(), name, id.vendor() == COMPAQ && id.device() == 0xB178 ? SA5B : SA5);
    }
}
