package monitor.x86.cpu;

import vmkernel.api.monitor.CpuState;

/**
 * A segment register with its hidden part, and from it the ranges of offsets that may be read and written. Sources: [SDM] 3A
 * 3.4.3 Segment Registers, 5.3 Limit Checking.
 */
public final class SegmentRegister {
    /** Bits of {@link #access}: the descriptor's type, S, DPL and P. */
    public static final int ACCESSED = 1, WRITABLE = 2, READABLE = 2, CONFORMING = 4, EXPAND_DOWN = 4, CODE = 8, NOT_SYSTEM = 0x10, PRESENT = 0x80;
    /** Bits of {@link #access} from the descriptor's upper part. */
    public static final int LONG = 0x2000, BIG = 0x4000, GRANULAR = 0x8000;
    /** A null selector was loaded: every access faults. */
    public static final int UNUSABLE = 0x10000;

    private static final long TOP = 0xFFFF_FFFFL;

    /** ES, CS, SS, DS, FS, GS as instructions number them; 6 and 7 for LDTR and TR. */
    public final int number;
    public int selector;
    public long base;
    public long limit;
    public int access;

    /** First and last offset that may be accessed; first above last where nothing may. */
    public long readLow, readHigh, writeLow, writeHigh;

    SegmentRegister(int number) { this.number = number; }

    public int dpl() { return access >>> 5 & 3; }

    public boolean usable() { return (access & UNUSABLE) == 0; }

    public boolean big() { return (access & BIG) != 0; }

    public void set(int selector, long base, long limit, int access) {
        this.selector = selector;
        this.base = base;
        this.limit = limit;
        this.access = access;
        ranges();
    }

    void set(SegmentRegister other) { set(other.selector, other.base, other.limit, other.access); }

    void set(CpuState.Segment segment) { set(segment.selector(), segment.base(), segment.limit(), segment.access()); }

    CpuState.Segment save() { return new CpuState.Segment(selector, base, limit, access); }

    private void ranges() {
        boolean code = (access & CODE) != 0;
        boolean readable = usable() && (!code || (access & READABLE) != 0);
        boolean writable = usable() && !code && (access & WRITABLE) != 0;
        long low = 0;
        // an access that runs over the top of a 4 GiB segment wraps, [SDM] 3A 5.3 leaves it to the processor
        long high = limit == TOP ? Long.MAX_VALUE : limit;
        if (!code && (access & EXPAND_DOWN) != 0) {
            low = limit + 1;
            high = big() ? TOP : 0xFFFF;
        }
        readLow = readable ? low : 1;
        readHigh = readable ? high : 0;
        writeLow = writable ? low : 1;
        writeHigh = writable ? high : 0;
    }
}
