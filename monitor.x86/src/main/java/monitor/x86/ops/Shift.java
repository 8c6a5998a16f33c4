package monitor.x86.ops;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;

/**
 * Shifts, rotates, and single bits. Source: [SDM] 2, by mnemonic. Flags that the manual leaves undefined are as on Intel's CPUs:
 * OF of counts above one is that of a shift of the same operand by one.
 */
public final class Shift {
    private Shift() {}

    private static int count(int width, long count) { return (int) count & (width == 64 ? 63 : 31); }

    private static boolean bit(long value, int number) { return (value >>> number & 1) != 0; }

    private static boolean top(int width, long value) { return bit(value, width - 1); }

    /** The two highest bits differ: OF of a shift to the left by one. */
    private static boolean topsDiffer(int width, long value) { return top(width, value) != bit(value, width - 2); }

    @Operation("shl")
    public static long shl(Cpu cpu, int width, long dst, long src) {
        int n = count(width, src);
        if (n == 0) return dst;
        long value = n < width ? dst << n : 0;
        boolean carry = n <= width && bit(dst, width - n);
        cpu.set(width, value, carry, topsDiffer(width, dst), false);
        return value;
    }

    @Operation("shr")
    public static long shr(Cpu cpu, int width, long dst, long src) {
        int n = count(width, src);
        if (n == 0) return dst;
        long value = dst >>> n;
        cpu.set(width, value, bit(dst, n - 1), top(width, dst), false);
        return value;
    }

    @Operation("sar")
    public static long sar(Cpu cpu, int width, long dst, long src) {
        int n = count(width, src);
        if (n == 0) return dst;
        long signed = Flags.signExtend(width, dst);
        cpu.set(width, signed >> n, bit(signed, n - 1), false, false);
        return signed >> n;
    }

    @Operation("rol")
    public static long rol(Cpu cpu, int width, long dst, long src) {
        int masked = count(width, src);
        if (masked == 0) return dst;
        int n = masked & width - 1;
        long value = n == 0 ? dst : dst << n | dst >>> width - n;
        cpu.carryOverflow(bit(value, 0), topsDiffer(width, dst));
        return value;
    }

    @Operation("ror")
    public static long ror(Cpu cpu, int width, long dst, long src) {
        int masked = count(width, src);
        if (masked == 0) return dst;
        int n = masked & width - 1;
        long value = n == 0 ? dst : dst >>> n | dst << width - n;
        cpu.carryOverflow(top(width, value), top(width, dst) != bit(dst, 0));
        return value;
    }

    @Operation("rcl")
    public static long rcl(Cpu cpu, int width, long dst, long src) {
        int n = count(width, src);
        if (width < 32) n %= width + 1;
        if (n == 0) return dst;
        long in = cpu.cf() ? 1 : 0;
        long value = dst << n | in << n - 1 | (n > 1 ? dst >>> width + 1 - n : 0);
        cpu.carryOverflow(bit(dst, width - n), topsDiffer(width, dst));
        return value;
    }

    @Operation("rcr")
    public static long rcr(Cpu cpu, int width, long dst, long src) {
        int n = count(width, src);
        if (width < 32) n %= width + 1;
        if (n == 0) return dst;
        boolean carry = cpu.cf();
        long value = dst >>> n | (carry ? 1L : 0) << width - n | (n > 1 ? dst << width + 1 - n : 0);
        cpu.carryOverflow(bit(dst, n - 1), top(width, dst) != carry);
        return value;
    }

    @Operation("shld")
    public static long shld(Cpu cpu, int width, long dst, long src, long by) {
        int n = count(width, by);
        if (n == 0) return dst;
        boolean overflow = topsDiffer(width, dst);
        if (width == 16) {
            // counts above 16 are undefined; Intel's CPUs shift dst:src:dst
            long wide = dst << 32 | src << 16 | dst;
            long value = wide << n >>> 32 & 0xFFFF;
            cpu.set(16, value, bit(wide, 48 - n), overflow, false);
            return value;
        }
        long value = dst << n | src >>> width - n;
        cpu.set(width, value, bit(dst, width - n), overflow, false);
        return value;
    }

    @Operation("shrd")
    public static long shrd(Cpu cpu, int width, long dst, long src, long by) {
        int n = count(width, by);
        if (n == 0) return dst;
        boolean overflow = top(width, dst) != bit(src, 0);
        if (width == 16) {
            long wide = dst << 32 | src << 16 | dst;
            long value = wide >>> n & 0xFFFF;
            cpu.set(16, value, bit(wide, n - 1), overflow, false);
            return value;
        }
        long value = dst >>> n | src << width - n;
        cpu.set(width, value, bit(dst, n - 1), overflow, false);
        return value;
    }

    // ---- bits: the glue has resolved bit offsets that reach beyond the operand

    @Operation("bt")
    public static void bt(Cpu cpu, int width, long dst, long src) { cpu.carry(bit(dst, (int) src & width - 1)); }

    @Operation("bts")
    public static long bts(Cpu cpu, int width, long dst, long src) {
        bt(cpu, width, dst, src);
        return dst | 1L << (src & width - 1);
    }

    @Operation("btr")
    public static long btr(Cpu cpu, int width, long dst, long src) {
        bt(cpu, width, dst, src);
        return dst & ~(1L << (src & width - 1));
    }

    @Operation("btc")
    public static long btc(Cpu cpu, int width, long dst, long src) {
        bt(cpu, width, dst, src);
        return dst ^ 1L << (src & width - 1);
    }

    @Operation("bsf")
    public static long bsf(Cpu cpu, int width, long dst, long src) { return found(cpu, dst, src, Long.numberOfTrailingZeros(src)); }

    @Operation("bsr")
    public static long bsr(Cpu cpu, int width, long dst, long src) { return found(cpu, dst, src, 63 - Long.numberOfLeadingZeros(src)); }

    /** Nothing found leaves the destination alone. PF is that of the index; the other flags are clear. */
    private static long found(Cpu cpu, long dst, long src, int index) {
        cpu.logical(8, src == 0 ? 0 : index);
        if (src != 0) cpu.clearZero();
        return src == 0 ? dst : index;
    }
}
