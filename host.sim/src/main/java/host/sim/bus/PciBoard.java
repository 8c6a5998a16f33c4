package host.sim.bus;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import vmkernel.api.hardware.PciAddress;
import vmkernel.api.hardware.PciDevice;
import vmkernel.api.hardware.PciHost;

/**
 * The board of the simulated server: its PCI buses with their slots, its memory and the four interrupt lines that the pins are wired
 * to, in turn from slot to slot. Devices are plugged in before it is shown to anyone.
 */
public final class PciBoard implements PciHost, AutoCloseable {
    /** The ISA interrupts that firmware of the time gave to PIRQA# to D#. */
    private static final int[] LINES = {11, 10, 9, 5};
    private static final long FIRST_MEMORY_WINDOW = 0xF000_0000L, FIRST_IO_WINDOW = 0x1000;

    private final String name;
    private final SystemMemory memory;
    private final BusThread thread;
    private final InterruptLine[] lines = new InterruptLine[LINES.length];
    private final List<PciSlot> slots = new ArrayList<>();
    private long nextMemory = FIRST_MEMORY_WINDOW, nextIo = FIRST_IO_WINDOW;

    /** What makes a model for a slot. */
    @FunctionalInterface
    public interface Socket {
        Model plug(Slot slot) throws HardwareException;
    }

    /** @param memoryBytes that devices can reach */
    public PciBoard(String name, long memoryBytes) {
        this.name = name;
        this.memory = new SystemMemory(memoryBytes);
        this.thread = new BusThread(name);
        for (int i = 0; i < lines.length; i++) lines[i] = new InterruptLine(LINES[i], thread);
    }

    /** Plugs a device in. @throws HardwareException if the model cannot be made; nothing is in the slot then */
    public PciDevice plug(PciAddress address, Socket socket) throws HardwareException {
        PciSlot slot = new PciSlot(address, memory, thread);
        Model model = socket.plug(slot);
        Configuration configuration = new Configuration(model.id());
        for (Model.Window window : model.windows()) configuration.window(window, place(window));
        int pin = model.interruptPin();
        InterruptLine line = pin == 0 ? null : lines[address.bus() + address.slot() + pin - 1 & LINES.length - 1];
        if (line != null) configuration.interrupt(pin, line.number());
        slot.plug(model, configuration, line);
        if (line != null) line.wire(slot);
        slots.add(slot);
        slots.sort(Comparator.comparing(PciSlot::address));
        return slot;
    }

    private long place(Model.Window window) {
        if (window.io()) {
            long at = aligned(nextIo, window.bytes());
            nextIo = at + window.bytes();
            return at;
        }
        long at = aligned(nextMemory, window.bytes());
        nextMemory = at + window.bytes();
        return at;
    }

    private static long aligned(long address, int bytes) { return address + bytes - 1 & -(long) bytes; }

    @Override public String name() { return name; }

    @Override public List<PciDevice> devices() { return List.copyOf(slots); }

    /** Cuts the power. Devices read as all ones from now on; memory stays for whoever still has a buffer of it. */
    @Override
    public void close() {
        for (PciSlot slot : slots) slot.unplug();
        thread.close();
    }
}
