package devices.pc.chipset;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import vmkernel.api.device.DeviceContext;
import vmkernel.api.device.InterruptLine;
import vmkernel.api.device.IoHandler;
import vmkernel.api.device.PciHandler;
import vmkernel.api.handover.StateRecord;

/**
 * One function on the PCI bus [PCI 2.1]: 256 bytes of configuration registers that know which of their bits can be written
 * and which are cleared by writing 1, and the windows behind its base address registers. What its registers mean beyond that
 * is told by listeners. Under the VM's device lock.
 */
public final class PciFunction implements PciHandler {
    public static final int COMMAND = 0x04, STATUS = 0x06, BAR0 = 0x10, SUBSYSTEM = 0x2C, INTERRUPT_LINE = 0x3C, INTERRUPT_PIN = 0x3D;
    public static final int COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4;
    private static final int HEADER = 0x0E, MULTIFUNCTION = 0x80, BAR_IO = 1, FIRST_PIRQ = 16;

    private final byte[] values = new byte[256], initial = new byte[256], writable = new byte[256], clearable = new byte[256];
    private final List<Listener> listeners = new ArrayList<>();
    private final List<Window> windows = new ArrayList<>();
    private final DeviceContext context;

    private record Listener(int offset, int bytes, IntConsumer changed) {}

    /** @param classCode 24 bits: class, subclass, interface @param context of the device, which claims its windows */
    public PciFunction(DeviceContext context, int vendor, int device, int classCode, int revision) {
        this.context = context;
        register(0x00, 2, vendor, 0);
        register(0x02, 2, device, 0);
        register(0x08, 4, classCode << 8 | revision, 0);
        register(INTERRUPT_LINE, 1, 0, 0xFF);
    }

    /** Defines a register: its value after reset and its writable bits. */
    public PciFunction register(int offset, int bytes, int value, int mask) {
        for (int i = 0; i < bytes; i++) {
            values[offset + i] = initial[offset + i] = (byte) (value >>> 8 * i);
            writable[offset + i] = (byte) (mask >>> 8 * i);
        }
        return this;
    }

    /** Makes bits of a register go to 0 where a 1 is written. */
    public PciFunction clearedByOnes(int offset, int bytes, int mask) {
        for (int i = 0; i < bytes; i++) clearable[offset + i] = (byte) (mask >>> 8 * i);
        return this;
    }

    /** Makes a range of registers plain memory, zero after reset. */
    public PciFunction storage(int first, int last) {
        for (int i = first; i <= last; i++) register(i, 1, 0, 0xFF);
        return this;
    }

    /** Tells after a write to one of these bytes, and at reset; the argument is the whole register of {@code bytes}. */
    public PciFunction onChange(int offset, int bytes, IntConsumer changed) {
        listeners.add(new Listener(offset, bytes, changed));
        return this;
    }

    /** A base address register for I/O ports. @param size a power of two, at least 4 */
    public PciFunction ioWindow(int bar, int size, IoHandler handler) { return window(bar, size, true, handler); }

    /** A base address register for 32-bit memory. @param size a power of two, at least 16 */
    public PciFunction memoryWindow(int bar, int size, IoHandler handler) { return window(bar, size, false, handler); }

    private PciFunction window(int bar, int size, boolean io, IoHandler handler) {
        int offset = BAR0 + 4 * bar;
        register(offset, 4, io ? BAR_IO : 0, -size & ~(io ? 3 : 15));
        int enable = io ? COMMAND_IO : COMMAND_MEMORY;
        register(COMMAND, 2, register(COMMAND, 2), maskOf(COMMAND) | enable);
        Window window = new Window(offset, size, io, handler);
        windows.add(window);
        onChange(offset, 4, value -> window.update());
        return onChange(COMMAND, 2, value -> window.update());
    }

    /** Connects interrupt pin INTA# to D#; the board says which line that is. */
    public PciFunction interruptPin(int pin) { return register(INTERRUPT_PIN, 1, pin, 0); }

    /** As at power-on. */
    public void reset() {
        System.arraycopy(initial, 0, values, 0, values.length);
        for (Listener listener : listeners) listener.changed.accept(register(listener.offset, listener.bytes));
    }

    /** All registers, and the windows that answer now. Listeners are not told: they restore what they made of the values themselves. */
    public void exchange(StateRecord state) {
        state.fill("registers", values);
        for (Window window : windows) window.exchange(state);
    }

    /** Value of a register of 1, 2 or 4 bytes. */
    public int register(int offset, int bytes) {
        int value = 0;
        for (int i = 0; i < bytes; i++) value |= (values[offset + i] & 0xFF) << 8 * i;
        return value;
    }

    /** Sets a register from inside, whatever its mask. */
    public void set(int offset, int bytes, int value) {
        for (int i = 0; i < bytes; i++) values[offset + i] = (byte) (value >>> 8 * i);
    }

    /** True if this function may access memory by itself. */
    public boolean isBusMaster() { return (register(COMMAND, 2) & COMMAND_MASTER) != 0; }

    @Override
    public int read(int offset, int bytes) { return register(offset, bytes); }

    /** A configuration write of 1, 2 or 4 bytes within one dword. */
    @Override
    public void write(int offset, int bytes, int value) {
        for (int i = 0; i < bytes; i++) {
            int at = offset + i, written = value >>> 8 * i;
            values[at] = (byte) (values[at] & ~writable[at] & ~(written & clearable[at]) | written & writable[at]);
        }
        for (Listener listener : listeners) {
            if (offset < listener.offset + listener.bytes && listener.offset < offset + bytes) {
                listener.changed.accept(register(listener.offset, listener.bytes));
            }
        }
    }

    /** The slot has functions besides this one, which is number 0. */
    public PciFunction multifunction() { return register(HEADER, 1, initial[HEADER] | MULTIFUNCTION, 0); }

    private int maskOf(int offset) { return writable[offset] & 0xFF | (writable[offset + 1] & 0xFF) << 8; }

    /** What a base address register maps, wherever the guest puts it. */
    private final class Window {
        private final int offset, size;
        private final boolean io;
        private final IoHandler handler;
        private long mapped = -1;

        Window(int offset, int size, boolean io, IoHandler handler) {
            this.offset = offset;
            this.size = size;
            this.io = io;
            this.handler = handler;
        }

        void update() {
            boolean on = (register(COMMAND, 2) & (io ? COMMAND_IO : COMMAND_MEMORY)) != 0;
            long base = register(offset, 4) & (io ? ~3L : ~15L) & 0xFFFF_FFFFL;
            boolean valid = on && base != 0 && base + size <= (io ? 0x1_0000L : 0x1_0000_0000L);
            long wanted = valid ? base : -1;
            if (wanted == mapped) return;
            unmap();
            if (wanted >= 0) map(wanted);
        }

        /** Where it answers is not always what its register says, see {@link #map}. */
        void exchange(StateRecord state) {
            long base = state.exchange("window" + (offset - BAR0) / 4, mapped);
            if (base == mapped) return;
            unmap();
            if (base >= 0) map(base);
        }

        private void unmap() {
            if (mapped < 0) return;
            if (io) context.releasePorts((int) mapped, size);
            else context.releaseMemory(mapped, size);
            mapped = -1;
        }

        /** While a guest sizes and moves windows they may lie over others for a moment; such a window does not answer. */
        private void map(long base) {
            try {
                if (io) context.claimPorts((int) base, size, handler);
                else context.claimMemory(base, size, handler);
                mapped = base;
            } catch (IllegalStateException e) {
                context.misuse("PCI window over another device");
            }
        }
    }

    /** The interrupt line behind a pin of a device. */
    public static InterruptLine interrupt(DeviceContext context, int slot, int pin) { return context.interrupt(globalInterrupt(slot, pin)); }

    /**
     * Where an interrupt pin ends: PIRQA# to PIRQD# (16 to 19) in turn, starting with A# at slot 1. The firmware's tables say
     * the same.
     *
     * @param pin 1 for INTA# to 4 for INTD#
     */
    public static int globalInterrupt(int slot, int pin) { return FIRST_PIRQ + (slot - 1 + pin - 1 & 3); }
}
