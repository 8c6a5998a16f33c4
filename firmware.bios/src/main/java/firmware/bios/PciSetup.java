package firmware.bios;

import firmware.bios.tables.Board;
import vmkernel.api.monitor.PortBus;

/**
 * Gives every PCI function on bus 0 its addresses and its interrupt, through configuration mechanism 1 [PCI] 2.2, 3.2.2.3 and
 * 6.2.5. Not all systems do that themselves.
 */
final class PciSetup {
    private static final int ADDRESS = 0xCF8, DATA = 0xCFC;
    private static final int COMMAND = 4, HEADER_TYPE = 0x0E, FIRST_BAR = 0x10, LAST_BAR = 0x24, INTERRUPT_LINE = 0x3C, INTERRUPT_PIN = 0x3D;
    private static final int IO_ENABLE = 1, MEMORY_ENABLE = 2;
    /** Above what the board itself has. */
    private static final long FIRST_IO = 0xC000, END_IO = 0x10000;

    private final PortBus ports;
    private final Board board;
    private long nextIo = FIRST_IO;
    private long nextMemory;

    PciSetup(PortBus ports, Board board) {
        this.ports = ports;
        this.board = board;
        nextMemory = Math.max(board.lowMemoryTop(), 0xE000_0000L);
    }

    void run() {
        for (int slot = 0; slot < Board.SLOTS; slot++) {
            if (!present(slot, 0)) continue;
            int functions = (read(slot, 0, HEADER_TYPE, 1) & 0x80) != 0 ? 8 : 1;
            for (int function = 0; function < functions; function++) if (present(slot, function)) setUp(slot, function);
        }
    }

    private boolean present(int slot, int function) { return read(slot, function, 0, 2) != 0xFFFF; }

    private void setUp(int slot, int function) {
        if ((read(slot, function, HEADER_TYPE, 1) & 0x7F) != 0) return; // LIMIT: nothing behind a bridge is set up
        long enable = 0;
        for (int bar = FIRST_BAR; bar <= LAST_BAR; bar += 4) {
            write(ports, slot, function, bar, 4, 0xFFFF_FFFFL);
            long mask = read(slot, function, bar, 4);
            write(ports, slot, function, bar, 4, 0);
            if (mask == 0 || mask == 0xFFFF_FFFFL) continue;
            boolean io = (mask & 1) != 0, wide = (mask & 7) == 4;
            long bytes = io ? -(mask & ~3) & 0xFFFF : -(mask & ~0xF) & 0xFFFF_FFFFL;
            long address = io ? ioRange(bytes) : memoryRange(bytes);
            if (address != 0) {
                write(ports, slot, function, bar, 4, address);
                enable |= io ? IO_ENABLE : MEMORY_ENABLE;
            }
            if (wide) {
                bar += 4;
                write(ports, slot, function, bar, 4, 0); // the upper half: below 4 GiB
            }
        }
        if (enable != 0) write(ports, slot, function, COMMAND, 2, read(slot, function, COMMAND, 2) | enable);
        int pin = (int) read(slot, function, INTERRUPT_PIN, 1);
        if (pin >= 1 && pin <= 4) write(ports, slot, function, INTERRUPT_LINE, 1, Board.pirqRoute(Board.pciWire(slot, pin - 1)));
    }

    /** 0 if there is no room: the function stays off, and the system may find a place. */
    private long ioRange(long bytes) {
        long address = nextIo + bytes - 1 & -bytes;
        if (address + bytes > END_IO) return 0;
        nextIo = address + bytes;
        return address;
    }

    private long memoryRange(long bytes) {
        long address = nextMemory + bytes - 1 & -bytes;
        if (address + bytes > Board.PCI_MEMORY_END) return 0;
        nextMemory = address + bytes;
        return address;
    }

    private long read(int slot, int function, int register, int bytes) {
        select(ports, slot, function, register);
        return ports.read(DATA + (register & 3), bytes);
    }

    static void write(PortBus ports, int slot, int function, int register, int bytes, long value) {
        select(ports, slot, function, register);
        ports.write(DATA + (register & 3), bytes, value);
    }

    private static void select(PortBus ports, int slot, int function, int register) {
        ports.write(ADDRESS, 4, 0x8000_0000L | slot << 11 | function << 8 | register & 0xFC);
    }
}
