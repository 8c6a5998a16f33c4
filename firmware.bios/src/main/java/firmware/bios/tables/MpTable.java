package firmware.bios.tables;

/** The MultiProcessor configuration table [MP] 4, for systems that do without ACPI. */
public final class MpTable {
    private static final int PCI_BUS = 0, ISA_BUS = 1;
    private static final int VECTORED = 0, NMI = 1, EXTERNAL = 3;
    private static final int CONFORMS = 0, ACTIVE_HIGH_LEVEL = 0xD, ACTIVE_LOW_LEVEL = 0xF;
    private static final int ALL = 0xFF;
    private static final int LOCAL_APIC_VERSION = 0x14, IOAPIC_VERSION = 0x11;
    /** Enabled; the one that starts. */
    private static final int ENABLED = 1, BOOTSTRAP = 2;
    /** CPUID leaf 1 EDX: FPU and APIC; the system asks the CPU for the rest. */
    private static final int FEATURES = 1 | 1 << 9;

    private final Bytes out = new Bytes();
    private int entries;

    private MpTable() {}

    /** Floating pointer [MP] 4.1: on a 16-byte boundary of the ROM. No default configuration, virtual wire mode. */
    public static byte[] pointer(long table) {
        return new Bytes().text("_MP_").u32(table).u8(1).u8(4).u8(0).zeros(5).checksum(10, 0, 16).toArray();
    }

    public static byte[] table(Board board) { return new MpTable().build(board); }

    private byte[] build(Board board) {
        out.text("PCMP").u16(0).u8(4).u8(0).text("VMK", 8).text("VMKBIOS", 12).u32(0).u16(0).u16(0).u32(Board.LOCAL_APIC).u32(0);
        for (int i = 0; i < board.cpus(); i++) {
            entry(0).u8(i).u8(LOCAL_APIC_VERSION).u8(i == 0 ? ENABLED | BOOTSTRAP : ENABLED).u32(0xF00).u32(FEATURES).zeros(8);
        }
        entry(1).u8(PCI_BUS).text("PCI", 6);
        entry(1).u8(ISA_BUS).text("ISA", 6);
        entry(2).u8(board.ioapicId()).u8(IOAPIC_VERSION).u8(1).u32(Board.IOAPIC);
        for (int irq = 0; irq < 16; irq++) {
            if (irq == 2) continue; // the cascade; its input has the timer
            interrupt(3, VECTORED, irq == Board.SCI ? ACTIVE_HIGH_LEVEL : CONFORMS, ISA_BUS, irq, board.ioapicId(), irq == 0 ? 2 : irq);
        }
        interrupt(3, EXTERNAL, CONFORMS, ISA_BUS, 0, board.ioapicId(), 0); // the PICs
        for (int slot = 1; slot < Board.SLOTS; slot++) {
            for (int pin = 0; pin < 4; pin++) {
                interrupt(3, VECTORED, ACTIVE_LOW_LEVEL, PCI_BUS, slot << 2 | pin, board.ioapicId(), Board.PCI_GSI + Board.pciWire(slot, pin));
            }
        }
        interrupt(4, EXTERNAL, CONFORMS, ISA_BUS, 0, ALL, 0);
        interrupt(4, NMI, CONFORMS, ISA_BUS, 0, ALL, 1);
        return out.set(4, 2, out.length()).set(34, 2, entries).checksum(7, 0, out.length()).toArray();
    }

    private Bytes entry(int type) {
        entries++;
        return out.u8(type);
    }

    /** @param type 3 of the IOAPIC, 4 of the local APICs */
    private void interrupt(int type, int kind, int flags, int bus, int source, int apic, int input) {
        entry(type).u8(kind).u16(flags).u8(bus).u8(source).u8(apic).u8(input);
    }
}
