package drivers.e100;

import vmkernel.api.net.ReceiveFilter;

/** The 22 bytes that say how the chip works. [8255x] 6.4.2.3. */
final class ConfigureBlock {
    private static final int[] BASE = {
        0x16, // all 22 bytes
        0x08, // FIFO: receive begins to write at 8 dwords
        0x00, // no adaptive spacing
        0x00,
        0x00, // receive DMA is not limited
        0x00, // nor that of transmit
        0x32, // standard blocks and counters; no interrupt for each frame sent
        0x07, // frames that are too short are discarded; three tries after an underrun
        0x01, // MII
        0x00,
        0x2E, // the source address is in the frame; seven bytes of preamble; no loopback
        0x00,
        0x60, // six units of space between frames
        0x00,
        0xF2,
        0x48, // not promiscuous; broadcasts come in
        0x00,
        0x40,
        0xF2, // short frames are padded; the check sequence stays out
        0x80, // full duplex as the PHY says
        0x3F,
        0x05};
    private static final int PROMISCUOUS_BYTE = 15, PROMISCUOUS = 0x01;
    private static final int LONG_BYTE = 18, LONG_FRAMES = 0x08;
    private static final int GROUPS_BYTE = 21, ALL_GROUPS = 0x08;
    static final int REVISION_82558 = 4;
    /** Groups that one command takes in reasonable time; above, all are let in. */
    static final int MAX_GROUPS = 64;

    private ConfigureBlock() {}

    static byte[] of(ReceiveFilter filter, int revision) {
        byte[] bytes = new byte[BASE.length];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) BASE[i];
        if (filter.promiscuous()) bytes[PROMISCUOUS_BYTE] |= PROMISCUOUS;
        if (filter.allMulticast() || filter.groups().size() > MAX_GROUPS) bytes[GROUPS_BYTE] |= ALL_GROUPS;
        if (revision >= REVISION_82558) bytes[LONG_BYTE] |= LONG_FRAMES; // with a VLAN tag
        return bytes;
    }
}
