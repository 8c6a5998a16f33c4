package devices.pc.chipset;

/** PCI bus 0: 32 devices of eight functions. Adapters add their function here and find their interrupt line. */
public final class PciBus {
    private static final int FUNCTIONS = 256, FIRST_PIRQ = 16;

    private final PciFunction[] functions = new PciFunction[FUNCTIONS];

    /** @throws IllegalStateException if the place is taken */
    public void add(int slot, int function, PciFunction device) {
        int at = slot << 3 | function;
        if (functions[at] != null) throw new IllegalStateException("PCI slot " + slot + "." + function + " is taken");
        functions[at] = device;
        if (function != 0 && functions[slot << 3] != null) functions[slot << 3].multifunction();
    }

    public void remove(int slot, int function) { functions[slot << 3 | function] = null; }

    /** Lowest slot from {@code first} with nothing in it, or -1. */
    public int freeSlot(int first) {
        for (int slot = first; slot < 32; slot++) if (functions[slot << 3] == null) return slot;
        return -1;
    }

    /**
     * Where an interrupt pin ends: PIRQA# to PIRQD# (16 to 19) in turn, starting with A# at slot 0. The ACPI tables and
     * the PIRQ routing table say the same.
     *
     * @param pin 1 for INTA# to 4 for INTD#
     */
    public static int globalInterrupt(int slot, int pin) { return FIRST_PIRQ + (slot + pin - 1 & 3); }

    /** @param address bits 23:16 bus, 15:11 device, 10:8 function, 7:2 dword @return all ones if nobody is there */
    int read(int address, int lane, int bytes) {
        PciFunction function = at(address);
        return function == null ? -1 : function.register((address & 0xFC) + lane, bytes);
    }

    void write(int address, int lane, int bytes, int value) {
        PciFunction function = at(address);
        if (function != null) function.write((address & 0xFC) + lane, bytes, value);
    }

    void reset() {
        for (PciFunction function : functions) if (function != null) function.reset();
    }

    private PciFunction at(int address) { return (address >> 16 & 0xFF) == 0 ? functions[address >> 8 & 0xFF] : null; }
}
