package host.sim.nic;

import host.sim.net.Ethernet;
import java.util.Arrays;
import vmkernel.api.net.MacAddress;

/**
 * What the commands Configure, IA Setup and Multicast Setup have told the chip [8255x] 6.4.2; immutable.
 *
 * @param bytes the configuration bytes
 * @param address the individual address, as in {@link MacAddress#bits}
 * @param groups the hash filter, one bit for each value of {@link #hash}
 */
record Configuration(byte[] bytes, long address, long groups) {
    static final int BYTES = 32;

    /** After a reset: standard blocks and counters, no filter open, frames padded and the source address left alone. */
    private static final int[] RESET = {
        0x16, 0x08, 0, 0, 0, 0, 0x32, 0x07, 0x01, 0, 0x2E, 0, 0x60, 0, 0xF2, 0x48, 0, 0x40, 0xF2, 0x80, 0x3F, 0x05};

    static Configuration reset(long address) {
        byte[] bytes = new byte[BYTES];
        for (int i = 0; i < RESET.length; i++) bytes[i] = (byte) RESET[i];
        return new Configuration(bytes, address, 0);
    }

    /** @param first bytes from byte 0 on; those that are not given stay as they are */
    Configuration with(byte[] first) {
        byte[] changed = bytes.clone();
        System.arraycopy(first, 0, changed, 0, Math.min(first.length, BYTES));
        return new Configuration(changed, address, groups);
    }

    Configuration withAddress(long address) { return new Configuration(bytes, address, groups); }

    Configuration withGroups(long groups) { return new Configuration(bytes, address, groups); }

    /** A bit of the filter: the upper six bits of the check sequence of the address, which several addresses share. */
    static long hash(byte[] frame, int offset) {
        int sequence = Ethernet.checkSequence(Arrays.copyOfRange(frame, offset, offset + 6), 6);
        return 1L << (sequence >>> 26);
    }

    /** Whether a frame gets past the address filter. */
    boolean accepts(byte[] frame) {
        long to = MacAddress.bits(frame, 0);
        if (to == address || promiscuous()) return true;
        if (to == MacAddress.BROADCAST.bits()) return !bit(15, 0x02);
        if ((frame[0] & 1) == 0) return bit(20, 0x40) && (groups & hash(frame, 0)) != 0; // several individual addresses
        return bit(21, 0x08) || (groups & hash(frame, 0)) != 0;
    }

    boolean promiscuous() { return bit(15, 0x01); }

    /** CNA tells that the CU is idle only, and not also that it is suspended. */
    boolean interruptsWhenIdleOnly() { return bit(6, 0x08); }

    /** Of the 82557 and 82558: CX also tells of a transmission that failed. */
    boolean interruptsOnFailure() { return bit(6, 0x04); }

    /** The same bit of the 82559: counters of management frames are dumped, too. */
    boolean managementCounters() { return bit(6, 0x04); }

    boolean standardBlocks() { return bit(6, 0x10); }

    boolean standardCounters() { return bit(6, 0x20); }

    boolean discardsShort() { return bit(7, 0x01); }

    boolean insertsSource() { return !bit(10, 0x08); }

    boolean loopback() { return (bytes[10] & 0xC0) != 0; }

    /** Padding of IEEE 802.3 frames is taken off at reception. */
    boolean strips() { return bit(18, 0x01); }

    boolean pads() { return bit(18, 0x02); }

    boolean keepsCheckSequence() { return bit(18, 0x04); }

    boolean takesLong() { return bit(18, 0x08); }

    private boolean bit(int index, int mask) { return (bytes[index] & mask) != 0; }
}
