package devices.pc.net;

import java.util.Set;
import java.util.zip.CRC32;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.ReceiveFilter;

/** Which frames the receiver takes [79C970A] Address Matching: its own address, broadcasts, and multicasts by a hash of 64 bits. */
final class AddressFilter {
    /** What matched, as receive descriptors show it, except that the promiscuous mode is not shown. */
    static final int NONE = 0, PHYSICAL = 0x40, LOGICAL = 0x20, BROADCAST = 0x10, PROMISCUOUS = 1, SHOWN = 0x70;
    private static final int PROM = 0x8000, DRCVBC = 0x4000, DRCVPA = 0x2000;
    private static final long ALL_ONES = MacAddress.BROADCAST.bits();

    private final transient CRC32 crc = new CRC32();
    private long own, hash;
    private int mode;

    /** @param own PADR as a number @param hash LADRF @param mode CSR15 */
    void set(long own, long hash, int mode) {
        this.own = own;
        this.hash = hash;
        this.mode = mode;
    }

    void exchange(StateRecord state) {
        own = state.exchange("own", own);
        hash = state.exchange("hash", hash);
        mode = state.exchange("mode", mode);
    }

    MacAddress address() { return new MacAddress(own); }

    /** The same in the words of the switch, which knows no hashes: all multicasts, if any. */
    ReceiveFilter forSwitch() { return new ReceiveFilter((mode & PROM) != 0, hash != 0, Set.of()); }

    /** @return one of the above */
    int match(byte[] frame) {
        long destination = MacAddress.bits(frame, 0);
        int match = exact(destination, frame);
        return match == NONE && (mode & PROM) != 0 ? PROMISCUOUS : match;
    }

    private int exact(long destination, byte[] frame) {
        if (destination == ALL_ONES) return (mode & DRCVBC) == 0 ? BROADCAST : NONE; // never through the hash
        if ((frame[0] & 1) == 0) return destination == own && (mode & DRCVPA) == 0 ? PHYSICAL : NONE;
        return hash != 0 && (hash >>> hash(frame) & 1) != 0 ? LOGICAL : NONE;
    }

    /** The upper six bits of the CRC register after the address. */
    private int hash(byte[] frame) {
        crc.reset();
        crc.update(frame, 0, 6);
        return (int) ~crc.getValue() >>> 26;
    }
}
