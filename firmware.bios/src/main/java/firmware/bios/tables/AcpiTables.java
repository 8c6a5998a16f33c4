package firmware.bios.tables;

import java.util.ArrayList;
import java.util.List;

/**
 * The ACPI tables of the board [ACPI] 5.2: FADT and MADT with the DSDT and FACS they need, found from an RSDT and an XSDT, found
 * from a root pointer. No HPET, no sleep states but soft off, no thermal zones: what the board does not have.
 */
public final class AcpiTables {
    private static final String OEM = "VMK", OEM_TABLE = "VMKBIOS", CREATOR = "VMK";
    private static final int HEADER_BYTES = 36, FACS_BYTES = 64;
    private static final int LEGACY_DEVICES = 1, KEYBOARD_CONTROLLER = 2;
    /** FADT flags: WBINVD works; C1 works; no sleep button; RTC wakes nothing; there is a reset register. The power button is fixed hardware. */
    private static final int FADT_FLAGS = 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 10;
    private static final int RESET_PORT = 0xCF9, RESET_VALUE = 6;
    private static final int SMI_COMMAND = 0xB2, ACPI_ENABLE = 0xF1, ACPI_DISABLE = 0xF0;
    /** MADT: there is a pair of PICs besides. */
    private static final int PC_AT = 1;
    private static final int ACTIVE_HIGH_LEVEL = 0xD;

    private final Board board;

    public AcpiTables(Board board) { this.board = board; }

    /** @param address of the first byte; {@code rsdt} and {@code xsdt} are the addresses within that the root pointer needs */
    public record Block(byte[] bytes, long address, long rsdt, long xsdt) {}

    /** All tables but FACS and root pointer. @param facs address of the FACS, below 4 GiB */
    public Block tables(long address, long facs) {
        Bytes out = new Bytes();
        long dsdt = add(out, address, dsdt());
        List<Long> tables = new ArrayList<>();
        tables.add(add(out, address, fadt(dsdt, facs)));
        tables.add(add(out, address, madt()));
        long rsdt = add(out, address, pointers("RSDT", 4, tables));
        long xsdt = add(out, address, pointers("XSDT", 8, tables));
        return new Block(out.toArray(), address, rsdt, xsdt);
    }

    private static long add(Bytes out, long base, byte[] table) {
        out.align(16);
        long address = base + out.length();
        out.bytes(table);
        return address;
    }

    /** Root pointer, revision 2. Belongs on a 16-byte boundary from E0000 to FFFFF, or into the EBDA. */
    public static byte[] rootPointer(Block block) {
        Bytes out = new Bytes().text("RSD PTR ").u8(0).text(OEM, 6).u8(2).u32(block.rsdt).u32(36).u64(block.xsdt).u8(0).zeros(3);
        return out.checksum(8, 0, 20).checksum(32, 0, 36).toArray();
    }

    /** Firmware control structure: what system and firmware share. 64-byte aligned, in memory that the system keeps. */
    public static byte[] facs() { return new Bytes().text("FACS").u32(FACS_BYTES).zeros(24).u8(1).zeros(31).toArray(); }

    private static Bytes header(String signature, int revision) {
        return new Bytes().text(signature).u32(0).u8(revision).u8(0).text(OEM, 6).text(OEM_TABLE, 8).u32(1).text(CREATOR, 4).u32(1);
    }

    private static byte[] finish(Bytes table) { return table.set(4, 4, table.length()).checksum(9, 0, table.length()).toArray(); }

    private static byte[] pointers(String signature, int bytes, List<Long> tables) {
        Bytes out = header(signature, 1);
        for (long table : tables) {
            if (bytes == 4) out.u32(table);
            else out.u64(table);
        }
        return finish(out);
    }

    /** Revision 1: numbers have 32 bits, as the oldest systems expect. */
    byte[] dsdt() { return finish(header("DSDT", 1).bytes(new Dsdt(board).definition().bytes())); }

    /** Fixed hardware [ACPI] 5.2.9, revision 3. */
    byte[] fadt(long dsdt, long facs) {
        int status = Board.PM_BASE, control = Board.PM_BASE + 4, timer = Board.PM_BASE + 8, events = Board.PM_BASE + 0xC;
        Bytes out = header("FACP", 3).u32(facs).u32(dsdt).u8(0).u8(1); // a desktop
        out.u16(Board.SCI).u32(SMI_COMMAND).u8(ACPI_ENABLE).u8(ACPI_DISABLE).u8(0).u8(0);
        out.u32(status).u32(0).u32(control).u32(0).u32(0).u32(timer).u32(events).u32(0);
        out.u8(4).u8(2).u8(0).u8(4).u8(4).u8(0).u8(0).u8(0); // their lengths
        out.u16(0xFFFF).u16(0xFFFF).u16(0).u16(0).u8(0).u8(0); // no C2, no C3, no throttling
        out.u8(0).u8(0).u8(0x32); // no alarm for a day or month; century in CMOS
        out.u16(LEGACY_DEVICES | KEYBOARD_CONTROLLER).u8(0).u32(FADT_FLAGS);
        port(out, RESET_PORT, 8).u8(RESET_VALUE).zeros(3);
        out.u64(facs).u64(dsdt);
        none(port(out, status, 32));
        none(port(out, control, 16));
        none(out);
        port(out, timer, 32);
        none(port(out, events, 32));
        return finish(out);
    }

    /** Generic address: an I/O port. */
    private static Bytes port(Bytes out, int port, int bits) { return out.u8(1).u8(bits).u8(0).u8(0).u64(port); }

    private static Bytes none(Bytes out) { return out.zeros(12); }

    /** Interrupt controllers [ACPI] 5.2.11. */
    byte[] madt() {
        Bytes out = header("APIC", 1).u32(Board.LOCAL_APIC).u32(PC_AT);
        for (int i = 0; i < board.cpus(); i++) out.u8(0).u8(8).u8(i).u8(i).u32(1);
        out.u8(1).u8(12).u8(board.ioapicId()).u8(0).u32(Board.IOAPIC).u32(0);
        override(out, 0, 2, 0); // the timer is at input 2
        override(out, Board.SCI, Board.SCI, ACTIVE_HIGH_LEVEL);
        out.u8(4).u8(6).u8(0xFF).u16(0).u8(1); // LINT1 of all CPUs is NMI
        return finish(out);
    }

    private static void override(Bytes out, int irq, int input, int flags) { out.u8(2).u8(10).u8(0).u8(irq).u32(input).u16(flags); }
}
