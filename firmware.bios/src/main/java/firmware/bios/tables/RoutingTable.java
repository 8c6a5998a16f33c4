package firmware.bios.tables;

/** The PCI interrupt routing table ($PIR) for systems with PICs and without ACPI: [PIR] PCI IRQ Routing Table Specification 1.0. */
public final class RoutingTable {
    private static final int PIIX4 = 0x7110_8086;

    private RoutingTable() {}

    /** On a 16-byte boundary of the ROM. The interrupt router is the PIIX4; links are numbered by its registers. */
    public static byte[] table() {
        Bytes out = new Bytes().text("$PIR").u16(0x100).u16(0).u8(0).u8(Board.PIIX4_SLOT << 3).u16(0).u32(PIIX4).u32(0).zeros(11).u8(0);
        for (int slot = 1; slot < Board.SLOTS; slot++) {
            out.u8(0).u8(slot << 3);
            for (int pin = 0; pin < 4; pin++) out.u8(Board.pirqRegister(Board.pciWire(slot, pin))).u16(Board.PIRQ_CHOICES);
            out.u8(slot == Board.PIIX4_SLOT ? 0 : slot).u8(0); // 0: on the board
        }
        return out.set(6, 2, out.length()).checksum(31, 0, out.length()).toArray();
    }
}
