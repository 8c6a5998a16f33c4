package drivers.cciss;

import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;

/**
 * The registers of a Smart Array and its configuration table: the simple transport [CISSR] [CCH]. A controller that is gone
 * reads as all ones. Any thread.
 */
final class Registers {
    /** What the completion FIFO gives when there is nothing in it. */
    static final int EMPTY = -1;

    private static final int DOORBELL = 0x20, STATUS = 0x30, MASK = 0x34, POST = 0x40, COMPLETED = 0x44;
    private static final int SCRATCHPAD = 0xB0, TABLE_BAR = 0xB4, TABLE_OFFSET = 0xB8;
    private static final int WINDOW = 0xBC; // what must be there
    private static final int DOORBELL_CONFIG = 1; // the table was changed
    private static final int READY = 0xFFFF0000;

    private static final int SIGNATURE = 0x00, SUPPORTED = 0x08, ACTIVE = 0x0C, REQUEST = 0x10, UPPER_ADDRESS = 0x14, MAX_COMMANDS = 0x20, HEARTBEAT = 0x3C;
    private static final int TABLE = 0x48; // bytes of it that are used
    private static final int CISS = 'C' | 'I' << 8 | 'S' << 16 | 'S' << 24;
    private static final int SIMPLE = 2;

    private static final long HANDSHAKE_NANOS = 10_000_000_000L;

    private final PciDevice device;
    private final int interruptBit;
    /** Where the registers are; where the table is. */
    private final int bar;
    private int tableBar, tableOffset;

    Registers(PciDevice device, int interruptBit) throws DriverException {
        this.device = device;
        this.interruptBit = interruptBit;
        bar = firstMemoryBar(device);
    }

    private static int firstMemoryBar(PciDevice device) throws DriverException {
        for (int bar = 0; bar < 6; bar++) {
            if (device.windowBytes(bar) >= WINDOW && (device.readConfig(0x10 + 4 * bar, 4) & 1) == 0) return bar;
        }
        throw new DriverException("the controller has no registers in memory space: is it assigned an address?");
    }

    /** Lets the controller answer and reach memory, with its interrupts masked. */
    void enable() {
        int command = device.readConfig(PciDevice.COMMAND, 2) & ~PciDevice.COMMAND_INTERRUPT_DISABLE;
        device.writeConfig(PciDevice.COMMAND, 2, command | PciDevice.COMMAND_MEMORY | PciDevice.COMMAND_MASTER);
        interrupts(false);
    }

    /** Takes memory away from the controller. */
    void disable() {
        interrupts(false);
        device.writeConfig(PciDevice.COMMAND, 2, device.readConfig(PciDevice.COMMAND, 2) & ~PciDevice.COMMAND_MASTER);
    }

    /** Waits until the firmware runs, and finds the configuration table. */
    void awaitReady(long limitNanos, Time time) throws DriverException {
        if (!time.await(limitNanos, () -> read(SCRATCHPAD) == READY)) {
            throw new DriverException("the firmware is not ready after " + limitNanos / 1_000_000_000L + " s (scratchpad " + hex(read(SCRATCHPAD))
                + "): is the controller in order? The parameter ready makes the wait longer");
        }
        tableBar = ((read(TABLE_BAR) & 0xFFFF) - 0x10) / 4;
        tableOffset = read(TABLE_OFFSET);
        if (tableBar < 0 || tableBar > 5 || tableOffset < 0 || (tableOffset & 3) != 0 || tableOffset > device.windowBytes(tableBar) - TABLE) {
            String where = "register " + hex(read(TABLE_BAR)) + ", offset " + hex(tableOffset);
            throw new DriverException("the configuration table is outside the controller (" + where + ")");
        }
        if (!present()) throw new DriverException("the configuration table has no signature (" + hex(table(SIGNATURE)) + "): this is no Smart Array");
    }

    /** True while the controller answers at all. */
    boolean present() { return table(SIGNATURE) == CISS; }

    /** True if the simple transport is at work, as it is when a predecessor left. */
    boolean simple() { return (table(ACTIVE) & SIMPLE) != 0; }

    /** Asks for the simple transport: the controller takes the table over when the doorbell is rung. */
    void negotiate(Time time) throws DriverException {
        if ((table(SUPPORTED) & SIMPLE) == 0) throw new DriverException("the controller does not know the simple transport (" + hex(table(SUPPORTED)) + ")");
        device.write(tableBar, tableOffset + REQUEST, 4, SIMPLE);
        device.write(tableBar, tableOffset + UPPER_ADDRESS, 4, 0);
        device.write(bar, DOORBELL, 4, DOORBELL_CONFIG);
        if (!time.await(HANDSHAKE_NANOS, () -> (read(DOORBELL) & DOORBELL_CONFIG) == 0)) {
            throw new DriverException("the controller does not take its configuration over (doorbell " + hex(read(DOORBELL)) + ")");
        }
        if (!simple()) throw new DriverException("the controller refuses the simple transport (active " + hex(table(ACTIVE)) + ")");
    }

    /** Commands that the controller holds at a time. */
    int maxCommands() {
        int commands = table(MAX_COMMANDS);
        return commands > 0 ? commands : 16; // old firmware does not say
    }

    /** Counts while the firmware is alive. */
    int heartbeat() { return table(HEARTBEAT); }

    void interrupts(boolean on) { device.write(bar, MASK, 4, on ? 0 : interruptBit); }

    /** True if completions are in the FIFO. */
    boolean pending() {
        int status = read(STATUS);
        return (status & interruptBit) != 0 && status != -1;
    }

    void post(int busAddress) { device.write(bar, POST, 4, busAddress & 0xFFFF_FFFFL); }

    /** Takes a tag out of the FIFO, or {@link #EMPTY}. */
    int completed() { return read(COMPLETED); }

    private int read(int offset) { return (int) device.read(bar, offset, 4); }

    private int table(int offset) { return (int) device.read(tableBar, tableOffset + offset, 4); }

    private static String hex(int value) { return String.format("%08x", value); }
}
