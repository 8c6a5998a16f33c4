package firmware.bios;

import firmware.bios.tables.Board;
import firmware.bios.tables.Bytes;
import vmkernel.api.memory.GuestMemory;

/** Low memory as a BIOS leaves it: interrupt vectors, the data area at 40:0, the extended one at the top of conventional memory. */
final class BiosData {
    private static final long DATA_AREA = 0x400;
    private static final int DATA_BYTES = 0x100;

    private BiosData() {}

    static void write(GuestMemory memory, Board board) {
        Bytes vectors = new Bytes();
        for (int i = 0; i < 256; i++) vectors.u16(SystemRom.IRET).u16(SystemRom.SEGMENT);
        memory.write(0, vectors.toArray(), 0, vectors.length());
        memory.write(DATA_AREA, dataArea(board), 0, DATA_BYTES);
        byte[] extended = new byte[(int) MemoryMap.EBDA_BYTES];
        extended[0] = (byte) (MemoryMap.EBDA_BYTES / MemoryMap.KIB); // its size in KiB
        memory.write(MemoryMap.EBDA, extended, 0, extended.length);
    }

    private static byte[] dataArea(Board board) {
        Bytes area = new Bytes().zeros(DATA_BYTES);
        for (int number : board.serialPorts()) area.set(2 * number, 2, Board.serialPort(number));
        area.set(0x0E, 2, MemoryMap.EBDA >> 4);
        // equipment: coprocessor, pointing device, number of serial ports; display by its own ROM, no floppy drives
        area.set(0x10, 2, 0x06 | board.serialPorts().size() << 9);
        area.set(0x13, 2, MemoryMap.EBDA / MemoryMap.KIB);
        area.set(0x1A, 2, 0x1E).set(0x1C, 2, 0x1E).set(0x80, 2, 0x1E).set(0x82, 2, 0x3E); // the keyboard buffer, empty
        area.set(0x49, 1, 3).set(0x4A, 2, 80).set(0x4C, 2, 0x1000).set(0x63, 2, 0x3D4).set(0x84, 1, 24).set(0x85, 2, 16); // 80x25 text
        return area.toArray();
    }
}
