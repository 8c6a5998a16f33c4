package devices.pc.scsi;

import vmkernel.api.memory.GuestMemory;

/** Reads the scatter-gather lists of messages [MPI Scatter Gather Lists]: simple elements, and chain elements that lead to more of them. */
final class LsiScatterGather {
    private static final int MOST_ELEMENTS = 4096, MOST_CHAINS = 256, MOST_SEGMENT_BYTES = 8192;
    private static final int TYPE = 0x30, SIMPLE = 0x10, CHAIN = 0x30; // in the flags byte of an element
    private static final int LAST_ELEMENT = 0x80, WIDE = 0x02, END_OF_LIST = 0x01;

    private final GuestMemory memory;
    private byte[] segment;
    private int at, chainAt, chains;

    /** @param first where the list begins in the message; @param chainOffset of its chain element, in dwords of the message; 0 for none */
    private LsiScatterGather(GuestMemory memory, byte[] message, int first, int chainOffset) {
        this.memory = memory;
        segment = message;
        at = first;
        chainAt = 4 * chainOffset;
    }

    /**
     * The list of a message, up to {@code most} bytes; null if it is wrong: an element of another type, one that lies outside
     * of its message, or a list without an end.
     */
    static ScatterList read(GuestMemory memory, byte[] message, int first, int chainOffset, long most) {
        ScatterList list = new ScatterList(most);
        return list.full() || new LsiScatterGather(memory, message, first, chainOffset).readInto(list) ? list : null;
    }

    private boolean readInto(ScatterList list) {
        for (int elements = 0; elements < MOST_ELEMENTS; elements++) {
            if (at + 8 > segment.length) return false;
            int flags = segment[at + 3] & 0xFF, bytes = (flags & WIDE) != 0 ? 12 : 8;
            if (at + bytes > segment.length) return false;
            long address = number(at + 4, bytes - 4);
            if ((flags & TYPE) == CHAIN) {
                if (!follow(address)) return false;
                continue;
            }
            if ((flags & TYPE) != SIMPLE) return false;
            list.add(address, number(at, 3));
            at += bytes;
            if ((flags & END_OF_LIST) != 0 || list.full()) return true;
            if ((flags & LAST_ELEMENT) == 0) continue;
            if (chainAt == 0) return true;
            at = chainAt;
        }
        return false;
    }

    private boolean follow(long address) {
        int length = (int) number(at, 2);
        if (length < 8 || ++chains > MOST_CHAINS) return false;
        chainAt = 4 * (segment[at + 2] & 0xFF);
        segment = new byte[Math.min(length, MOST_SEGMENT_BYTES)];
        memory.read(address, segment, 0, segment.length);
        at = 0;
        return true;
    }

    private long number(int from, int bytes) {
        long value = 0;
        for (int i = bytes; i-- > 0; ) value = value << 8 | segment[from + i] & 0xFF;
        return value;
    }
}
