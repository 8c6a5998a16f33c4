package devices.pc.scsi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import vmkernel.api.handover.StateRecord;

/**
 * The configuration pages of the 53C1030 [MPI Configuration]: what it is, and how it negotiates with the devices. Pages that a driver may
 * change keep what it wrote until the chip is reset. Devices are wide and synchronous with 40 megatransfers (Ultra2), which is the
 * most without the double-edge clock that their INQUIRY data do not claim.
 */
final class LsiPages {
    static final int IO_UNIT = 0, IOC = 1, BIOS = 2, SCSI_PORT = 3, SCSI_DEVICE = 4, MANUFACTURING = 9;
    private static final int CHANGEABLE = 0x10, PERSISTENT = 0x20; // attributes, beside the type
    private static final int TYPE = 0x0F, HEADER = 4;
    private static final int WIDE = 0x2000_0000, OFFSET_SHIFT = 16, OFFSET = 127, PERIOD_SHIFT = 8, PERIOD = 0x0A; // 25 ns
    private static final int FASTEST = WIDE | OFFSET << OFFSET_SHIFT | PERIOD << PERIOD_SHIFT;
    private static final int LOW_VOLTAGE_DIFFERENTIAL = 3, NEGOTIATED = 1;

    private final ScsiBus bus;
    private final Map<Integer, byte[]> changed = new TreeMap<>(); // by type, number and target

    LsiPages(ScsiBus bus) { this.bus = bus; }

    void reset() { changed.clear(); }

    /** The page with its header, as it is now; null if there is none. @param address the target for pages of devices */
    byte[] current(int type, int number, int address) {
        byte[] page = initial(type, number, address);
        byte[] written = page == null ? null : changed.get(key(type, number, address));
        return written == null ? page : written.clone();
    }

    static boolean changeable(byte[] page) { return (page[3] & (CHANGEABLE | PERSISTENT)) != 0; }

    /** Sets what follows the header. */
    void change(int type, int number, int address, byte[] content) {
        byte[] page = current(type, number, address);
        int end = Math.min(content.length, page.length);
        if (end > HEADER) System.arraycopy(content, HEADER, page, HEADER, end - HEADER);
        changed.put(key(type, number, address), page);
    }

    void restore(int type, int number, int address) { changed.remove(key(type, number, address)); }

    private static int key(int type, int number, int address) { return type << 16 | number << 8 | (type == SCSI_DEVICE ? address & 0xFF : 0); }

    void exchange(StateRecord state) {
        long[] keys = state.exchange("pages", changed.keySet().stream().mapToLong(key -> key).toArray());
        for (long key : keys) changed.put((int) key, state.exchange("page" + key, changed.getOrDefault((int) key, new byte[0])));
    }

    /** The page as it is after a reset. */
    byte[] initial(int type, int number, int address) {
        return switch (type) {
            case IO_UNIT -> ioUnit(number);
            case IOC -> ioc(number);
            case BIOS -> number == 1 ? page(BIOS, 1, 2, 8).array() : null;
            case SCSI_PORT -> port(number);
            case SCSI_DEVICE -> (address & 0xFF) < ScsiBus.TARGETS && address >> 8 == 0 ? device(number, address) : null;
            case MANUFACTURING -> manufacturing(number);
            default -> null;
        };
    }

    private static ByteBuffer page(int type, int number, int version, int dwords) {
        ByteBuffer page = ByteBuffer.allocate(4 * dwords).order(ByteOrder.LITTLE_ENDIAN);
        return page.put((byte) version).put((byte) dwords).put((byte) number).put((byte) type);
    }

    private static byte[] ioUnit(int number) {
        return switch (number) {
            case 0 -> page(IO_UNIT, 0, 0, 3).putLong(1).array();                           // unique value
            case 1 -> page(IO_UNIT | CHANGEABLE, 1, 1, 2).array();                         // flags
            case 2 -> page(IO_UNIT | PERSISTENT, 2, 0, 8).putInt(0).putInt(0).array();     // flags, version of the BIOS: none
            case 3 -> page(IO_UNIT | CHANGEABLE, 3, 1, 3).array();                         // no GPIO pins
            default -> null;
        };
    }

    private static byte[] ioc(int number) {
        return switch (number) {
            case 0 -> page(IOC, 0, 1, 7).putInt(0).putInt(0)                               // NVRAM
                .putShort((short) 0x1000).putShort((short) 0x0030).putInt(1)               // vendor, device, revision
                .putInt(0x01_00_00 << 8).putShort((short) 0x15AD).putShort((short) 0x1976).array();
            case 1 -> page(IOC | CHANGEABLE, 1, 1, 4).array();                             // replies are not coalesced
            case 2 -> page(IOC, 2, 1, 3).array();                                          // no RAID volumes
            case 3 -> page(IOC, 3, 0, 2).array();                                          // no disks of such
            case 4 -> page(IOC, 4, 0, 2).array();                                          // no enclosure processors
            default -> null;
        };
    }

    private static byte[] port(int number) {
        switch (number) {
            case 0: return page(SCSI_PORT, 0, 1, 3).putInt(FASTEST).putInt(LOW_VOLTAGE_DIFFERENTIAL).array();
            case 1: return page(SCSI_PORT | CHANGEABLE, 1, 2, 4).putInt(1 << ScsiBus.ADAPTER_ID + 16 | ScsiBus.ADAPTER_ID).putInt(0).array();
            case 2:
                ByteBuffer page = page(SCSI_PORT | PERSISTENT, 2, 2, 19);
                page.putInt(0).putInt(ScsiBus.ADAPTER_ID | 0x30); // flags; BIOS and system find the adapter
                for (int i = 0; i < ScsiBus.TARGETS; i++) page.put((byte) 10).put((byte) PERIOD).putShort((short) 0x0F); // disconnects, is scanned, queues
                return page.array();
            default: return null;
        }
    }

    private byte[] device(int number, int target) {
        return switch (number) {
            case 0 -> page(SCSI_DEVICE, 0, 2, 3).putInt(negotiated(target)).putInt(bus.present(target) ? NEGOTIATED : 0).array();
            case 1 -> page(SCSI_DEVICE | CHANGEABLE, 1, 2, 4).putInt(FASTEST).array();     // what is asked for
            case 2 -> page(SCSI_DEVICE | CHANGEABLE, 2, 0, 4).array();                     // signals at domain validation
            case 3 -> page(SCSI_DEVICE, 3, 0, 3).array();                                  // no errors on the bus
            default -> null;
        };
    }

    /** What device and adapter agree on after the driver has asked: the slower of both. */
    private int negotiated(int target) {
        if (!bus.present(target)) return 0;
        int asked = ByteBuffer.wrap(current(SCSI_DEVICE, 1, target)).order(ByteOrder.LITTLE_ENDIAN).getInt(4);
        int offset = Math.min(OFFSET, asked >> OFFSET_SHIFT & 0xFF), period = Math.max(PERIOD, asked >> PERIOD_SHIFT & 0xFF);
        return asked & WIDE | (offset == 0 ? 0 : offset << OFFSET_SHIFT | period << PERIOD_SHIFT);
    }

    private static byte[] manufacturing(int number) {
        return switch (number) {
            case 0 -> {
                ByteBuffer page = page(MANUFACTURING, 0, 0, 19);
                for (String name : new String[] {"53C1030", "B0", "53C1030", "", ""}) {
                    int field = name.equals("B0") ? 8 : 16; // chip, its revision, board, assembly, tracer number
                    page.put(name.getBytes(StandardCharsets.US_ASCII)).position(page.position() + field - name.length());
                }
                yield page.array();
            }
            case 1 -> page(MANUFACTURING, 1, 0, 65).array();                               // no VPD
            case 2 -> page(MANUFACTURING, 2, 0, 2).putShort((short) 0x0030).put((byte) 1).array();
            default -> null;
        };
    }

    static int typeOf(int typeAndAttribute) { return typeAndAttribute & TYPE; }
}
