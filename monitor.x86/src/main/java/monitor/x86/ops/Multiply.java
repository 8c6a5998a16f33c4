package monitor.x86.ops;

import static monitor.x86.cpu.Cpu.RAX;
import static monitor.x86.cpu.Cpu.RDX;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;
import monitor.x86.mmu.GuestFault;

/** Multiplication and division. Source: [SDM] 2A DIV, IDIV, IMUL, 2B MUL. */
public final class Multiply {
    private Multiply() {}

    /** SF and PF follow the low half, ZF and AF are clear: undefined by the manual, so on Intel's CPUs. */
    private static void flags(Cpu cpu, int width, long low, boolean overflow) {
        cpu.set(width, low, overflow, overflow, false);
        cpu.clearZero();
    }

    @Operation("imul")
    public static long imul(Cpu cpu, int width, long a, long b) {
        long x = Flags.signExtend(width, a);
        long y = Flags.signExtend(width, b);
        long product = x * y;
        boolean overflow = width == 64
            ? Math.multiplyHigh(x, y) != product >> 63
            : product != Flags.signExtend(width, product);
        flags(cpu, width, product, overflow);
        return product;
    }

    @Operation("mul1")
    public static void mul1(Cpu cpu, int width, long src) {
        long a = cpu.get(width, RAX);
        long low = a * src;
        long high = width == 64 ? unsignedHigh(a, src) : low >>> width;
        high = Flags.zeroExtend(width, high);
        result(cpu, width, high, low);
        flags(cpu, width, low, high != 0);
    }

    @Operation("imul1")
    public static void imul1(Cpu cpu, int width, long src) {
        long a = Flags.signExtend(width, cpu.get(width, RAX));
        long b = Flags.signExtend(width, src);
        long low = a * b;
        long high = width == 64 ? Math.multiplyHigh(a, b) : low >> width;
        result(cpu, width, high, low);
        boolean overflow = width == 64 ? high != low >> 63 : low != Flags.signExtend(width, low);
        flags(cpu, width, low, overflow);
    }

    private static long unsignedHigh(long a, long b) { return Math.multiplyHigh(a, b) + (a >> 63 & b) + (b >> 63 & a); }

    private static void result(Cpu cpu, int width, long high, long low) {
        if (width == 8) {
            cpu.set(16, RAX, low);
        } else {
            cpu.set(width, RAX, low);
            cpu.set(width, RDX, high);
        }
    }

    @Operation("div")
    public static void div(Cpu cpu, int width, long src) {
        if (src == 0) throw cpu.fault(GuestFault.DE);
        switch (width) {
            case 8 -> {
                long dividend = cpu.get(16, RAX);
                long quotient = dividend / src;
                if (quotient > 0xFF) throw cpu.fault(GuestFault.DE);
                cpu.set(16, RAX, dividend % src << 8 | quotient);
            }
            case 16, 32 -> {
                long dividend = cpu.get(width, RDX) << width | cpu.get(width, RAX);
                long quotient = Long.divideUnsigned(dividend, src);
                if (quotient != Flags.zeroExtend(width, quotient)) throw cpu.fault(GuestFault.DE);
                cpu.set(width, RAX, quotient);
                cpu.set(width, RDX, dividend - quotient * src);
            }
            default -> div128(cpu, cpu.r[RDX], cpu.r[RAX], src);
        }
    }

    private static void div128(Cpu cpu, long high, long low, long divisor) {
        if (Long.compareUnsigned(high, divisor) >= 0) throw cpu.fault(GuestFault.DE);
        long remainder = high;
        long quotient = 0;
        for (int i = 63; i >= 0; i--) {
            boolean carry = remainder < 0;
            remainder = remainder << 1 | low >>> i & 1;
            if (carry || Long.compareUnsigned(remainder, divisor) >= 0) {
                remainder -= divisor;
                quotient |= 1L << i;
            }
        }
        cpu.r[RAX] = quotient;
        cpu.r[RDX] = remainder;
    }

    @Operation("idiv")
    public static void idiv(Cpu cpu, int width, long src) {
        long divisor = Flags.signExtend(width, src);
        if (divisor == 0) throw cpu.fault(GuestFault.DE);
        if (width == 64) {
            idiv128(cpu, divisor);
            return;
        }
        long dividend = switch (width) {
            case 8 -> (short) cpu.r[RAX];
            case 16 -> (int) (cpu.get(16, RDX) << 16 | cpu.get(16, RAX));
            default -> cpu.r[RDX] << 32 | cpu.get(32, RAX);
        };
        if (dividend == Long.MIN_VALUE && divisor == -1) throw cpu.fault(GuestFault.DE);
        long quotient = dividend / divisor;
        if (quotient != Flags.signExtend(width, quotient)) throw cpu.fault(GuestFault.DE);
        long remainder = dividend % divisor;
        if (width == 8) {
            cpu.set(16, RAX, remainder << 8 | quotient & 0xFF);
        } else {
            cpu.set(width, RAX, quotient);
            cpu.set(width, RDX, remainder);
        }
    }

    private static void idiv128(Cpu cpu, long divisor) {
        long high = cpu.r[RDX], low = cpu.r[RAX];
        boolean negative = high < 0;
        if (negative) {
            low = -low;
            high = ~high + (low == 0 ? 1 : 0);
        }
        long saveHigh = cpu.r[RDX], saveLow = cpu.r[RAX];
        div128(cpu, high, low, Math.abs(divisor));
        boolean minus = negative != divisor < 0;
        long quotient = cpu.r[RAX];
        if (minus ? Long.compareUnsigned(quotient, Long.MIN_VALUE) > 0 : quotient < 0) {
            cpu.r[RDX] = saveHigh;
            cpu.r[RAX] = saveLow;
            throw cpu.fault(GuestFault.DE);
        }
        if (minus) cpu.r[RAX] = -quotient;
        if (negative) cpu.r[RDX] = -cpu.r[RDX];
    }
}
