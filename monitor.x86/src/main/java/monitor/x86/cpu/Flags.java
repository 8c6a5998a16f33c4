package monitor.x86.cpu;

/**
 * The six arithmetic flags, kept as the last result and a word of carries, from which each flag is computed when asked for:
 * most results are overwritten before anybody looks.
 *
 * <p>{@link #result} is the last result, sign-extended from its width: ZF is result == 0. {@link #aux} has CF in bit 31, CF xor
 * OF in bit 30 (the carry into the sign bit), AF in bit 3; bit 0 inverts SF, and bits 15:8 are xor-ed to the low byte of the
 * result before its parity is taken, so that every combination of flags can be expressed.
 */
public class Flags {
    /** EFLAGS bits, [SDM] 1 3.4.3. */
    public static final int CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, TF = 0x100, IF = 0x200, DF = 0x400, OF = 0x800,
        IOPL = 0x3000, NT = 0x4000, RF = 0x10000, VM = 0x20000, AC = 0x40000, VIF = 0x80000, VIP = 0x100000, ID = 0x200000;
    public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;

    private static final int CARRIES = 0xC000_0000;
    private static final int HALF = 8;

    public long result = 1;
    public int aux;

    public static long signExtend(int width, long value) {
        return switch (width) {
            case 8 -> (byte) value;
            case 16 -> (short) value;
            case 32 -> (int) value;
            default -> value;
        };
    }

    public static long zeroExtend(int width, long value) {
        return switch (width) {
            case 8 -> value & 0xFF;
            case 16 -> value & 0xFFFF;
            case 32 -> value & 0xFFFF_FFFFL;
            default -> value;
        };
    }

    /** Packs the carries out of each bit of an addition or subtraction. */
    private static int pack(int width, long carries) {
        return switch (width) {
            case 8 -> (int) carries << 24 & CARRIES | (int) carries & HALF;
            case 16 -> (int) carries << 16 & CARRIES | (int) carries & HALF;
            case 32 -> (int) carries & (CARRIES | HALF);
            default -> (int) (carries >>> 32) & CARRIES | (int) carries & HALF;
        };
    }

    /** Flags of {@code sum = a + b (+ carry)}. */
    public final void added(int width, long a, long b, long sum) {
        aux = pack(width, a & b | (a | b) & ~sum);
        result = signExtend(width, sum);
    }

    /** Flags of {@code difference = a - b (- borrow)}. */
    public final void subtracted(int width, long a, long b, long difference) {
        aux = pack(width, ~a & b | (~a | b) & difference);
        result = signExtend(width, difference);
    }

    /** Flags of a bitwise operation: CF, OF and AF clear. */
    public final void logical(int width, long value) {
        aux = 0;
        result = signExtend(width, value);
    }

    /** SF, ZF and PF of a result, with the given CF, OF and AF. */
    public final void set(int width, long value, boolean carry, boolean overflow, boolean half) {
        aux = (carry ? 1 << 31 : 0) | (carry != overflow ? 1 << 30 : 0) | (half ? HALF : 0);
        result = signExtend(width, value);
    }

    public final boolean cf() { return aux < 0; }

    public final boolean of() { return aux + (1 << 30) < 0; }

    public final boolean af() { return (aux & HALF) != 0; }

    public final boolean zf() { return result == 0; }

    public final boolean sf() { return (result < 0) != ((aux & 1) != 0); }

    public final boolean pf() { return (Integer.bitCount(((int) result ^ aux >>> 8) & 0xFF) & 1) == 0; }

    /** Unsigned comparison. */
    public final boolean belowOrEqual() { return cf() || zf(); }

    /** Signed comparison. */
    public final boolean less() { return sf() != of(); }

    public final boolean lessOrEqual() { return zf() || less(); }

    /** Changes CF and OF, leaves the others. */
    public final void carryOverflow(boolean carry, boolean overflow) {
        aux = aux & ~CARRIES | (carry ? 1 << 31 : 0) | (carry != overflow ? 1 << 30 : 0);
    }

    public final void carry(boolean carry) { carryOverflow(carry, of()); }

    /** Clears ZF, leaves the others. */
    public final void clearZero() {
        if (result == 0) result = 0x100; // as positive, and of the same parity
    }

    /** The six flags as EFLAGS bits. */
    public final int arithmetic() {
        return (cf() ? CF : 0) | (pf() ? PF : 0) | (af() ? AF : 0) | (zf() ? ZF : 0) | (sf() ? SF : 0) | (of() ? OF : 0);
    }

    /** Sets the six flags from EFLAGS bits. */
    public final void arithmetic(int flags) {
        boolean carry = (flags & CF) != 0;
        boolean overflow = (flags & OF) != 0;
        result = (flags & ZF) != 0 ? 0 : 0x100;
        aux = (carry ? 1 << 31 : 0) | (carry != overflow ? 1 << 30 : 0) | ((flags & AF) != 0 ? HALF : 0)
            | ((flags & SF) != 0 ? 1 : 0) | ((flags & PF) != 0 ? 0 : 0x100);
    }

    /** A condition code as Jcc, SETcc and CMOVcc encode it, [SDM] 2 B.1.4.7. */
    public final boolean condition(int code) {
        return switch (code) {
            case 0 -> of();
            case 1 -> !of();
            case 2 -> cf();
            case 3 -> !cf();
            case 4 -> zf();
            case 5 -> !zf();
            case 6 -> belowOrEqual();
            case 7 -> !belowOrEqual();
            case 8 -> sf();
            case 9 -> !sf();
            case 10 -> pf();
            case 11 -> !pf();
            case 12 -> less();
            case 13 -> !less();
            case 14 -> lessOrEqual();
            default -> !lessOrEqual();
        };
    }
}
