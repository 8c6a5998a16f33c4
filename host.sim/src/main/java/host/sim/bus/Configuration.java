package host.sim.bus;

import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciId;

/**
 * The 256 bytes of configuration registers of a type 0 function [PCI] 6.1, each with the bits that can be written and those that a
 * written 1 clears. Windows have their addresses from the beginning, as firmware leaves them. Any thread.
 */
final class Configuration {
    static final int STATUS = 0x06, BAR0 = 0x10, INTERRUPT_LINE = 0x3C, INTERRUPT_PIN = 0x3D, STATUS_INTERRUPT = 0x08, STATUS_MASTER_ABORT = 0x2000;
    private static final int COMMAND = PciDevice.COMMAND, REVISION = 0x08, CACHE_LINE = 0x0C, LATENCY = 0x0D, SUBSYSTEM_VENDOR = 0x2C, SUBSYSTEM = 0x2E, BAR_IO = 1;
    private static final int COMMAND_PARITY = 0x40, COMMAND_SERR = 0x100, STATUS_ERRORS = 0xF900;
    private static final int COMMAND_AFTER_RESET = PciDevice.COMMAND_IO | PciDevice.COMMAND_MEMORY;

    private final byte[] values = new byte[256], writable = new byte[256], clearable = new byte[256];
    /** For every register access and every DMA; the same as in the bytes. */
    private volatile int command;

    Configuration(PciId id) {
        define(0x00, 2, id.vendor(), 0);
        define(0x02, 2, id.device(), 0);
        define(COMMAND, 2, COMMAND_AFTER_RESET, COMMAND_AFTER_RESET | PciDevice.COMMAND_MASTER | COMMAND_PARITY | COMMAND_SERR | PciDevice.COMMAND_INTERRUPT_DISABLE);
        define(STATUS, 2, 0x0280, 0); // fast back to back, medium DEVSEL#
        for (int i = 0; i < 2; i++) clearable[STATUS + i] = (byte) ((STATUS_ERRORS | STATUS_MASTER_ABORT) >>> 8 * i);
        define(REVISION, 4, id.classCode() << 8 | id.revision(), 0);
        define(CACHE_LINE, 1, 0, 0xFF);
        define(LATENCY, 1, 64, 0xF8);
        define(SUBSYSTEM_VENDOR, 2, id.subsystemVendor(), 0);
        define(SUBSYSTEM, 2, id.subsystemDevice(), 0);
        define(INTERRUPT_LINE, 1, 0, 0xFF);
        command = COMMAND_AFTER_RESET;
    }

    private void define(int offset, int bytes, int value, int mask) {
        for (int i = 0; i < bytes; i++) {
            values[offset + i] = (byte) (value >>> 8 * i);
            writable[offset + i] = (byte) (mask >>> 8 * i);
        }
    }

    synchronized void window(Model.Window window, long address) {
        int kind = window.io() ? BAR_IO : 0;
        define(BAR0 + 4 * window.bar(), 4, (int) address | kind, -window.bytes());
    }

    synchronized void interrupt(int pin, int line) {
        define(INTERRUPT_PIN, 1, pin, 0);
        define(INTERRUPT_LINE, 1, line, 0xFF);
    }

    int command() { return command; }

    synchronized int read(int offset, int bytes) {
        int value = 0;
        for (int i = 0; i < bytes; i++) value |= (values[offset + i] & 0xFF) << 8 * i;
        return value;
    }

    synchronized void write(int offset, int bytes, int value) {
        for (int i = 0; i < bytes; i++) {
            int at = offset + i, written = value >>> 8 * i;
            values[at] = (byte) (values[at] & ~writable[at] & ~(written & clearable[at]) | written & writable[at]);
        }
        command = read(COMMAND, 2);
    }

    /** Sets bits of the status register that stay until they are cleared. */
    synchronized void status(int bits) { define(STATUS, 2, read(STATUS, 2) | bits, 0); }

    /** Reset, and what firmware does thereafter: windows and interrupt line are what they were, errors are forgotten, mastering is off. */
    synchronized void reset() {
        write(COMMAND, 2, COMMAND_AFTER_RESET);
        write(STATUS, 2, 0xFFFF);
    }
}
