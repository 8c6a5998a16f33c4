package firmware.bios.tables;

import java.util.List;

/**
 * What the tables tell of the machine: a 440BX board with its PIIX4 at device 7 of bus 0, as the chipset set-up leaves it.
 *
 * @param cpus virtual CPUs, whose local APIC ids are 0 to {@code cpus - 1}; the IOAPIC has the next
 * @param memoryBytes RAM
 * @param lowMemoryTop end of RAM below 4 GiB, where the window for PCI memory begins
 * @param serialPorts numbers of the serial ports that are there: 0 is COM1, to 3
 */
public record Board(int cpus, long memoryBytes, long lowMemoryTop, List<Integer> serialPorts) {
    public static final long LOCAL_APIC = 0xFEE0_0000L, IOAPIC = 0xFEC0_0000L;
    /** End of the window for PCI memory. */
    public static final long PCI_MEMORY_END = IOAPIC;
    /** Power management I/O block of the PIIX4 [PIIX4] 7.2; SCI is its interrupt. */
    public static final int PM_BASE = 0x1000, SCI = 9;
    /** PCI devices on bus 0. */
    public static final int PIIX4_SLOT = 7, SLOTS = 32;
    /** First interrupt of PCI at the IOAPIC. */
    public static final int PCI_GSI = 16;
    /** I/O port and interrupt of COM1 to COM4. */
    public static final int SERIAL_PORTS = 4;
    private static final int[] SERIAL_PORT = {0x3F8, 0x2F8, 0x3E8, 0x2E8}, SERIAL_IRQ = {4, 3, 4, 3};
    /** ISA interrupts that PIRQ A to D go to without an IOAPIC; a system may choose others of {@link #PIRQ_CHOICES}. */
    private static final int[] PIRQ_ROUTES = {10, 11, 10, 11};
    /** Bit for each ISA interrupt that PCI may use: 5, 10, 11. */
    public static final int PIRQ_CHOICES = 1 << 5 | 1 << 10 | 1 << 11;

    public int ioapicId() { return cpus; }

    public static int serialPort(int number) { return SERIAL_PORT[number]; }

    public static int serialIrq(int number) { return SERIAL_IRQ[number]; }

    /** Which of the four PCI interrupt wires (0 is PIRQ A) the pin of a device is on: INTA of device 1 is on A. @param pin 0 is INTA */
    public static int pciWire(int slot, int pin) { return slot - 1 + pin & 3; }

    /** ISA interrupt of a PCI wire without an IOAPIC. */
    public static int pirqRoute(int wire) { return PIRQ_ROUTES[wire]; }

    /** I/O addresses of the four route registers, as offset in the configuration space of the PIIX4's function 0. */
    public static int pirqRegister(int wire) { return 0x60 + wire; }
}
