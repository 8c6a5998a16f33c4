package firmware.bios.tables;

import java.util.List;

/** System management tables [SMBIOS] 2.4: what machine this is, its processors and its memory, for people who ask dmidecode. */
public final class Smbios {
    private static final String MAKER = "vmk", PRODUCT = "Virtual Machine", VERSION = "1";
    private static final int MIB_SHIFT = 20, KIB_SHIFT = 10;
    private static final long GIB4 = 1L << 32;
    private static final int BIOS = 0x000, SYSTEM = 0x100, CHASSIS = 0x300, PROCESSOR = 0x400, ARRAY = 0x1000, MEMORY = 0x1100, RANGE = 0x1300,
            BOOT = 0x2000, END = 0x7F00;
    private static final int NONE = 0xFFFE, UNKNOWN = 0xFFFF;

    private final Bytes out = new Bytes();
    private int structures, longest;

    private Smbios() {}

    /** @param count structures; @param longest bytes of the longest one */
    public record Structures(byte[] bytes, int count, int longest) {}

    /** Entry point: on a 16-byte boundary of the ROM. @param address of the structures, below 4 GiB */
    public static byte[] entryPoint(Structures structures, long address) {
        Bytes out = new Bytes().text("_SM_").u8(0).u8(31).u8(2).u8(4).u16(structures.longest).u8(0).zeros(5);
        out.text("_DMI_").u8(0).u16(structures.bytes.length).u32(address).u16(structures.count).u8(0x24);
        return out.checksum(21, 16, 15).checksum(4, 0, 31).toArray();
    }

    public static Structures structures(Board board) {
        Smbios smbios = new Smbios();
        smbios.build(board);
        return new Structures(smbios.out.toArray(), smbios.structures, smbios.longest);
    }

    private void build(Board board) {
        // PCI; ACPI; a virtual machine
        add(BIOS, new Bytes().u8(1).u8(2).u16(0xF000).u8(3).u8(0).u64(1 << 7).u8(1).u8(1 << 4).u8(1).u8(0).u8(0xFF).u8(0xFF),
                List.of(MAKER, VERSION, "01/01/2024"));
        add(SYSTEM, new Bytes().u8(1).u8(2).u8(3).u8(0).zeros(16).u8(6).u8(0).u8(0), List.of(MAKER, PRODUCT, VERSION));
        add(CHASSIS, new Bytes().u8(1).u8(1).u8(0).u8(0).u8(0).u8(3).u8(3).u8(3).u8(2), List.of(MAKER));
        for (int i = 0; i < board.cpus(); i++) {
            add(PROCESSOR + i, new Bytes().u8(1).u8(3).u8(2).u8(2).zeros(8).u8(0).u8(0).u16(0).u16(0).u16(0).u8(0x41).u8(1)
                    .u16(UNKNOWN).u16(UNKNOWN).u16(UNKNOWN).u8(0).u8(0).u8(0), List.of("CPU " + i, MAKER));
        }
        add(ARRAY, new Bytes().u8(3).u8(3).u8(3).u32(board.memoryBytes() >> KIB_SHIFT).u16(NONE).u16(1), List.of());
        add(MEMORY, new Bytes().u16(ARRAY).u16(NONE).u16(64).u16(64).u16(Math.min(0x7FFF, board.memoryBytes() >> MIB_SHIFT)).u8(9).u8(0).u8(1).u8(0)
                .u8(7).u16(2).u16(0).u8(0).u8(0).u8(0).u8(0), List.of("DIMM 0"));
        range(0, 0, board.lowMemoryTop());
        if (board.memoryBytes() > board.lowMemoryTop()) range(1, GIB4, GIB4 + board.memoryBytes() - board.lowMemoryTop());
        add(BOOT, new Bytes().zeros(6).u8(0), List.of());
        add(END, new Bytes(), List.of());
    }

    private void range(int number, long start, long end) {
        add(RANGE + number, new Bytes().u32(start >> KIB_SHIFT).u32((end - 1) >> KIB_SHIFT).u16(ARRAY).u8(1), List.of());
    }

    /** A structure: its handle has its type in the upper half. Strings follow it, and an empty one ends them. */
    private void add(int handle, Bytes fields, List<String> strings) {
        int start = out.length();
        out.u8(handle >> 8).u8(4 + fields.length()).u16(handle).bytes(fields.toArray());
        for (String string : strings) out.text(string).u8(0);
        out.u8(0);
        if (strings.isEmpty()) out.u8(0);
        structures++;
        longest = Math.max(longest, out.length() - start);
    }
}
