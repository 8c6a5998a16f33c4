package vmkernel.api.monitor;

import java.util.TreeMap;

/**
 * The whole architectural state of one CPU, in names of Intel's manual, 64 bits wide from the first day, so that any monitor
 * can take over from any other. A plain carrier: mutable, not thread-safe, copied by whoever keeps it.
 */
public final class CpuState {
    /** Numbers of segment registers, as instructions encode them. */
    public static final int ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5;

    /**
     * A segment register with its hidden part.
     *
     * @param selector visible part
     * @param base linear base address
     * @param limit in bytes, granularity applied, inclusive (for expand-down segments the lowest invalid offset)
     * @param access descriptor bits 8-15 (type, S, DPL, P) in bits 0-7 and bits 20-23 (AVL, L, D/B, G) in bits 12-15, as VMX has them
     */
    public record Segment(int selector, long base, long limit, int access) {
        public static final int PRESENT = 0x80, CODE_OR_DATA = 0x10, LONG = 0x2000, BIG = 0x4000, GRANULAR = 0x8000, UNUSABLE = 0x10000;
    }

    /** A descriptor table register. */
    public record Table(long base, int limit) {}

    /** rAX, rCX, rDX, rBX, rSP, rBP, rSI, rDI, r8 to r15. */
    public final long[] registers = new long[16];
    public long rip;
    public long rflags = 2;
    /** ES, CS, SS, DS, FS, GS. */
    public final Segment[] segments = new Segment[6];
    public Segment ldtr = new Segment(0, 0, 0xFFFF, 0x82);
    public Segment tr = new Segment(0, 0, 0xFFFF, 0x8B);
    public Table gdtr = new Table(0, 0xFFFF);
    public Table idtr = new Table(0, 0xFFFF);
    public long cr0, cr2, cr3, cr4, cr8;
    /** The four PDPTE registers of PAE paging [SDM] 3A 4.4.1, which do not follow memory; null to have them read from it. */
    public long[] pdptes;
    /** DR0 to DR7; 4 and 5 are unused. */
    public final long[] debug = new long[8];
    /** Model-specific registers that hold a value, by number. IA32_APIC_BASE and IA32_EFER are here too. */
    public final TreeMap<Integer, Long> msrs = new TreeMap<>();
    /** Added to guest time at the TSC's rate. */
    public long tscOffset;

    /** x87 registers by physical number: 64-bit significand. */
    public final long[] fpSignificand = new long[8];
    /** Sign and exponent, 16 bits, by physical number. */
    public final int[] fpSignExponent = new int[8];
    /** Bit n is set if physical register n is empty. */
    public int fpEmpty;
    public int fpControl = 0x40, fpStatus;
    public int fpOpcode, fpCodeSelector, fpDataSelector;
    public long fpCodeOffset, fpDataOffset;
    /** XMM0 to XMM15, low half first. */
    public final long[] xmm = new long[32];
    public int mxcsr = 0x1F80;

    /** In HLT. */
    public boolean halted;
    /** Waits for a start-up IPI. */
    public boolean waitForStartup;
    /** Interrupts are held off for one instruction after STI. */
    public boolean stiShadow;
    /** Interrupts and debug traps are held off for one instruction after a load of SS. */
    public boolean ssShadow;
    /** Debug traps that have happened and are held off: bits for DR6. */
    public int pendingDebug;
    /** NMI is blocked until IRET. */
    public boolean nmiBlocked;

    /** As after a hardware reset [SDM] 3A 9.1.1: real mode, CS:IP = F000:FFF0 with base FFFF0000. */
    public static CpuState reset() {
        CpuState state = new CpuState();
        for (int i = 0; i < 6; i++) state.segments[i] = new Segment(0, 0, 0xFFFF, 0x93);
        state.segments[CS] = new Segment(0xF000, 0xFFFF_0000L, 0xFFFF, 0x93);
        state.rip = 0xFFF0;
        state.registers[2] = 0xF00; // family 15 in EDX
        state.cr0 = 0x6000_0010L;
        state.debug[6] = 0xFFFF_0FF0L;
        state.debug[7] = 0x400;
        return state;
    }
}
