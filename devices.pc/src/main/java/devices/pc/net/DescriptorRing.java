package devices.pc.net;

import vmkernel.api.handover.StateRecord;
import vmkernel.api.memory.GuestMemory;

/**
 * A ring of transmit or receive descriptors in guest memory, and the one of them that was looked at last [79C970A] Buffer Management,
 * Descriptor Ring Access. The layouts of all software styles are here; the user of the ring sees one.
 *
 * <pre>
 * style 0     address 15:0 | flags 15:8, address 23:16 | count | status (transmit), length (receive)      words
 * style 1, 2  address | flags 31:16, count | status or length | user's                                    dwords
 * style 3     status or length | flags 31:16, count | address | user's                                    dwords
 * </pre>
 */
final class DescriptorRing {
    /** Flags, as they are in bits 31:16 of the second dword. */
    static final int OWN = 0x8000, ERR = 0x4000, STP = 0x0200, ENP = 0x0100;
    private static final int COUNT_BITS = 0xFFF, LARGEST = 0x1000;

    private final GuestMemory memory;
    private final boolean transmits;
    private int style, high;    // high: address bits 31:24 of style 0, which has 24
    private int base, length = 1, index;
    private transient long at;      // of the descriptor that was looked at
    private transient int second;   // its second dword
    private transient int address;

    DescriptorRing(GuestMemory memory, boolean transmits) {
        this.memory = memory;
        this.transmits = transmits;
    }

    void exchange(StateRecord state) {
        style = state.exchange("style", style);
        high = state.exchange("high", high);
        base = state.exchange("base", base);
        length = state.exchange("length", length);
        index = state.exchange("index", index);
    }

    /** @param high address bits 31:24 for style 0 */
    void style(int style, int high) {
        this.style = style;
        this.high = style == 0 ? high : 0;
    }

    int base() { return base; }

    void base(int base) { this.base = base; }

    /** 1 to 65536. */
    int length() { return length; }

    /** Starts at the first descriptor. */
    void length(int length) {
        this.length = length;
        index = 0;
    }

    int index() { return index; }

    void index(int index) { this.index = Math.floorMod(index, length); }

    void advance() { index = index + 1 == length ? 0 : index + 1; }

    /** Looks at the descriptor so many after the present one. @return true if it is the controller's */
    boolean look(int ahead) {
        int place = index + ahead;
        if (place >= length) place -= length;
        at = (base & 0xFFFF_FFFFL) + ((long) place << (style == 0 ? 3 : 4)) & 0xFFFF_FFFFL;
        if (style == 0) lookShort();
        else lookLong();
        return has(OWN);
    }

    private void lookShort() {
        long words = memory.read(at, 8);
        second = (int) words & 0xFF00_0000 | (int) (words >>> 32) & 0xFFFF;
        address = (int) words & 0xFF_FFFF | high;
    }

    private void lookLong() {
        if (style == 3) {
            long upper = memory.read(at + 4, 8);
            second = (int) upper;
            address = (int) (upper >>> 32);
        } else {
            long lower = memory.read(at, 8);
            address = (int) lower;
            second = (int) (lower >>> 32);
        }
    }

    /** Bits 31:16 of its second dword. */
    int flags() { return second >>> 16; }

    boolean has(int flag) { return (flags() & flag) != 0; }

    /** Where its buffer is. */
    long address() { return address & 0xFFFF_FFFFL; }

    /** Bytes of its buffer, 1 to 4096. */
    int bytes() { return LARGEST - (second & COUNT_BITS); }

    /** Gives the descriptor that was looked at back to the host, as one buffer of several. @param flags without OWN */
    void giveBack(int flags) {
        if (style == 0) memory.write(at + 3, 1, flags >>> 8);
        else memory.write(at + 6, 2, flags);
    }

    /** The same for the last one of a frame. @param status as in the long layouts */
    void giveBack(int flags, int status) {
        if (style == 0) memory.write(at + 6, 2, transmits ? status >>> 16 : status & 0xFFFF);
        else memory.write(style == 3 ? at : at + 8, 4, status & 0xFFFF_FFFFL);
        giveBack(flags);
    }
}
