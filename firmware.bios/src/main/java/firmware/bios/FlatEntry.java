package firmware.bios;

import vmkernel.api.monitor.CpuState;

/**
 * The CPU as 32-bit boot protocols want it: protected mode, no paging, 4 GiB segments from 0, interrupts off, caches on.
 * The descriptors are those of {@link SystemRom#GDT}, so that a guest may load its segment registers again.
 */
final class FlatEntry {
    /** Selectors of the code and data segments: __BOOT_CS and __BOOT_DS of [BOOT] "32-bit Boot Protocol". */
    static final int CODE = 0x10, DATA = 0x18;
    /** Execute/read and read/write, accessed, present, 32-bit, page granular. */
    private static final int CODE_ACCESS = 0xC09B, DATA_ACCESS = 0xC093;
    private static final int CR0_PE = 1, CR0_ET = 0x10;
    private static final int EAX = 0, EBX = 3, ESP = 4, ESI = 6;

    private FlatEntry() {}

    /** @param stack an address that the guest may push below until it has a stack of its own */
    private static CpuState at(long entry, long stack) {
        CpuState state = CpuState.reset();
        for (int i = 0; i < state.segments.length; i++) state.segments[i] = new CpuState.Segment(DATA, 0, 0xFFFF_FFFFL, DATA_ACCESS);
        state.segments[CpuState.CS] = new CpuState.Segment(CODE, 0, 0xFFFF_FFFFL, CODE_ACCESS);
        state.gdtr = new CpuState.Table(SystemRom.GDT, SystemRom.GDT_BYTES - 1);
        state.cr0 = CR0_PE | CR0_ET;
        state.rip = entry;
        state.registers[2] = 0;
        state.registers[ESP] = stack;
        return state;
    }

    /** ESI has the zero page; EBX, EBP and EDI are zero [BOOT] "32-bit Boot Protocol". */
    static CpuState linux(long entry, long zeroPage) {
        CpuState state = at(entry, zeroPage);
        state.registers[ESI] = zeroPage;
        return state;
    }

    /** EAX has the loader's magic, EBX the information structure [MB] 3.2. ESP is the guest's own to set. */
    static CpuState multiboot(long entry, long info) {
        CpuState state = at(entry, info);
        state.registers[EAX] = 0x2BADB002L;
        state.registers[EBX] = info;
        return state;
    }
}
