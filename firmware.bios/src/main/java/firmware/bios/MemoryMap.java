package firmware.bios;

import java.util.ArrayList;
import java.util.List;
import vmkernel.api.memory.GuestMemory;

/**
 * What the guest's physical addresses are, as the firmware tells it: E820 in the zero page, the memory map of multiboot and
 * the PCI window of the ACPI tables all come from here. Kinds are those of [ACPI] 14 (address range types).
 *
 * @param ranges ascending, without overlap; addresses in no range are free for devices
 * @param lowTop end of RAM below 4 GiB
 */
public record MemoryMap(List<Range> ranges, long lowTop) {
    public static final long KIB = 1024, MIB = KIB * KIB, GIB4 = 1L << 32;
    /** Extended BIOS data area: the last KiB of conventional memory. */
    public static final long EBDA = 0x9FC00, EBDA_BYTES = KIB;
    /** The system ROM, which is also at the end of the 4 GiB. */
    public static final long ROM = 0xF0000, ROM_BYTES = 64 * KIB;
    public static final long IOAPIC = 0xFEC0_0000L, LOCAL_APIC = 0xFEE0_0000L;
    /** Tables at the top of low memory; the last page of them is for what firmware and system go on to share (the FACS). */
    private static final long ACPI_BYTES = 64 * KIB, NVS_BYTES = 4 * KIB;

    /** Address range types of INT 15h E820, which multiboot uses as well. */
    public enum Kind {
        USABLE(1), RESERVED(2), ACPI(3), NVS(4);

        public final int type;

        Kind(int type) { this.type = type; }
    }

    /** Addresses from {@code start} up to but not including {@code end}. */
    public record Range(long start, long end, Kind kind) {
        public long bytes() { return end - start; }
    }

    static MemoryMap of(GuestMemory memory) {
        long lowTop = memory.lowMemoryTop();
        List<Range> ranges = new ArrayList<>();
        ranges.add(new Range(0, EBDA, Kind.USABLE));
        ranges.add(new Range(EBDA, EBDA + EBDA_BYTES, Kind.RESERVED));
        ranges.add(new Range(ROM, ROM + ROM_BYTES, Kind.RESERVED));
        ranges.add(new Range(MIB, lowTop - ACPI_BYTES, Kind.USABLE));
        ranges.add(new Range(lowTop - ACPI_BYTES, lowTop - NVS_BYTES, Kind.ACPI));
        ranges.add(new Range(lowTop - NVS_BYTES, lowTop, Kind.NVS));
        ranges.add(new Range(IOAPIC, IOAPIC + 4 * KIB, Kind.RESERVED));
        ranges.add(new Range(LOCAL_APIC, LOCAL_APIC + 4 * KIB, Kind.RESERVED));
        ranges.add(new Range(GIB4 - ROM_BYTES, GIB4, Kind.RESERVED));
        long above = memory.sizeBytes() - lowTop;
        if (above > 0) ranges.add(new Range(GIB4, GIB4 + above, Kind.USABLE));
        return new MemoryMap(List.copyOf(ranges), lowTop);
    }

    /** End of what a guest may be loaded to below 4 GiB. */
    long usableTop() { return lowTop - ACPI_BYTES; }

    /** Where the ACPI tables go: {@link Kind#ACPI} memory. */
    Range acpi() { return of(Kind.ACPI); }

    /** Memory that the guest keeps for us: {@link Kind#NVS}. */
    Range nvs() { return of(Kind.NVS); }

    private Range of(Kind kind) {
        return ranges.stream().filter(range -> range.kind() == kind).findFirst().orElseThrow();
    }

    /** True if all of it may be loaded to. */
    boolean usable(long start, long end) {
        return ranges.stream().anyMatch(range -> range.kind() == Kind.USABLE && start >= range.start() && end <= range.end());
    }
}
