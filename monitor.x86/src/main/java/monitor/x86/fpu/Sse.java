package monitor.x86.fpu;

import static monitor.x86.fpu.FloatCore.DENORMAL;
import static monitor.x86.fpu.FloatCore.INVALID;
import static monitor.x86.fpu.FloatCore.PRECISION;
import static monitor.x86.fpu.FloatCore.ZERO_DIVIDE;

import vmkernel.api.monitor.CpuState;

/**
 * The SSE unit of one virtual CPU: XMM registers, MXCSR, and the arithmetic on single and double precision values under the
 * rules of MXCSR ([SDM] 1, 10.2 and 11.5). One thread at a time.
 *
 * <p>Values are bit patterns. Every operation adds the exceptions that it meets to a set; an instruction ends with
 * {@link #finish}, which moves the set to MXCSR and tells whether results may be stored. In the usual case - round to
 * nearest, ordinary operands, an ordinary result, precision exceptions masked - an operation is that of the host's own
 * floating point, and exactness is looked at only until the precision flag is set for good.
 */
public final class Sse {
    /** The bits of MXCSR that exist: flags, DAZ, masks, rounding, FTZ. Others are #GP in LDMXCSR and FXRSTOR. */
    public static final int MXCSR_MASK = 0xFFFF;
    /** MXCSR after reset: all exceptions masked, round to nearest. */
    public static final int MXCSR_RESET = 0x1F80;

    /** XMM0 to XMM15, low half first. */
    public final long[] xmm = new long[32];

    private static final int FLAGS = 0x3F;
    private static final int DAZ = 0x40;
    private static final int FTZ = 0x8000;
    /** Rounding control and the precision mask: what decides whether the host's arithmetic may be used. */
    private static final int FAST_MASK = 0x7000;
    private static final int FAST = 0x1000;

    /** Operations of {@link #careful}. */
    private static final int ADD = 0;
    private static final int SUBTRACT = 1;
    private static final int MULTIPLY = 2;
    private static final int DIVIDE = 3;
    private static final int SQUARE_ROOT = 4;

    /** EFLAGS that comparisons write. */
    private static final int ZF = 0x40;
    private static final int PF = 0x04;
    private static final int CF = 0x01;

    private int mxcsr;
    /** The host's arithmetic rounds as MXCSR says, and loss of precision does not fault. */
    private boolean fast;
    /** The precision flag is set already: nothing can be added to it. */
    private boolean imprecise;
    /** Exceptions of the instruction at hand. */
    private int raised;
    private final Extended math = new Extended();
    private final FloatCore core = math.core;

    /** A unit after reset. */
    public Sse() {
        mxcsr(MXCSR_RESET);
    }

    /** MXCSR. */
    public int mxcsr() {
        return mxcsr;
    }

    /** Sets MXCSR; the caller has refused values with bits outside {@link #MXCSR_MASK}. */
    public void mxcsr(int value) {
        mxcsr = value;
        fast = (value & FAST_MASK) == FAST;
        imprecise = (value & PRECISION) != 0;
        core.rounding = value >> 13 & 3;
        core.masked = value >> 7 & FLAGS;
        core.flushToZero = (value & FTZ) != 0;
    }

    /** Takes the registers from a state. */
    public void load(CpuState state) {
        System.arraycopy(state.xmm, 0, xmm, 0, xmm.length);
        mxcsr(state.mxcsr & MXCSR_MASK);
    }

    /** Puts the registers into a state. */
    public void save(CpuState state) {
        System.arraycopy(xmm, 0, state.xmm, 0, xmm.length);
        state.mxcsr = mxcsr;
    }

    /**
     * Ends an instruction: its exceptions go to MXCSR. False if one of them is not masked: then nothing may be stored, and
     * the instruction faults.
     */
    public boolean finish() {
        return raised == 0 || record();
    }

    private boolean record() {
        int unmasked = raised & ~core.masked;
        if ((unmasked & (INVALID | DENORMAL | ZERO_DIVIDE)) != 0) {
            raised &= INVALID | DENORMAL | ZERO_DIVIDE; // found before anything is computed
        }
        mxcsr |= raised;
        imprecise = (mxcsr & PRECISION) != 0;
        raised = 0;
        return unmasked == 0;
    }

    // Usual values

    private static boolean usual(int single) {
        return (single & 0x7F80_0000) != 0 || single << 1 == 0;
    }

    private static boolean usual(long doubled) {
        return (doubled & 0x7FF0_0000_0000_0000L) != 0 || doubled << 1 == 0;
    }

    /** Not a NaN, infinity or tiny, even before rounding. */
    private static boolean usualResult(int single) {
        int exponent = single >>> 23 & 0xFF;
        return exponent > 1 && exponent < 0xFF;
    }

    private static boolean usualResult(long doubled) {
        int exponent = (int) (doubled >>> 52) & 0x7FF;
        return exponent > 1 && exponent < 0x7FF;
    }

    /** Whether the product of two doubles is exactly the double that it was rounded to; all of them ordinary. */
    private static boolean exactProduct(long a, long b, long product) {
        long aSignificand = a & 0xF_FFFF_FFFF_FFFFL | 1L << 52;
        long bSignificand = b & 0xF_FFFF_FFFF_FFFFL | 1L << 52;
        int carry = (int) (product >>> 52 & 0x7FF) - (int) (a >>> 52 & 0x7FF) - (int) (b >>> 52 & 0x7FF) + 1023;
        return Long.numberOfTrailingZeros(aSignificand) + Long.numberOfTrailingZeros(bSignificand) >= 52 + carry;
    }

    // Arithmetic

    /** a + b, single precision. */
    public int addSingle(int a, int b) {
        if (fast && usual(a) && usual(b)) {
            float x = Float.intBitsToFloat(a);
            float y = Float.intBitsToFloat(b);
            float r = x + y;
            int bits = Float.floatToRawIntBits(r);
            if (usualResult(bits)) {
                if (!imprecise) {
                    float z = r - x;
                    if (x - (r - z) + (y - z) != 0) {
                        raised |= PRECISION;
                    }
                }
                return bits;
            }
        }
        return (int) careful(ADD, a, b, true);
    }

    /** a - b, single precision. */
    public int subtractSingle(int a, int b) {
        if (fast && usual(a) && usual(b) && usualResult(Float.floatToRawIntBits(Float.intBitsToFloat(a) - Float.intBitsToFloat(b)))) {
            return addSingle(a, b ^ Integer.MIN_VALUE);
        }
        return (int) careful(SUBTRACT, a, b, true);
    }

    /** a * b, single precision. */
    public int multiplySingle(int a, int b) {
        if (fast && usual(a) && usual(b)) {
            double exact = (double) Float.intBitsToFloat(a) * Float.intBitsToFloat(b);
            float r = (float) exact;
            int bits = Float.floatToRawIntBits(r);
            if (usualResult(bits)) {
                if (r != exact) {
                    raised |= imprecise ? 0 : PRECISION;
                }
                return bits;
            }
        }
        return (int) careful(MULTIPLY, a, b, true);
    }

    /** a / b, single precision. */
    public int divideSingle(int a, int b) {
        if (fast && usual(a) && usual(b)) {
            float x = Float.intBitsToFloat(a);
            float y = Float.intBitsToFloat(b);
            float r = x / y;
            int bits = Float.floatToRawIntBits(r);
            if (usualResult(bits)) {
                if (!imprecise && (double) r * y != x) {
                    raised |= PRECISION;
                }
                return bits;
            }
        }
        return (int) careful(DIVIDE, a, b, true);
    }

    /** The square root, single precision. */
    public int squareRootSingle(int a) {
        if (fast && usual(a)) {
            float r = (float) Math.sqrt(Float.intBitsToFloat(a));
            int bits = Float.floatToRawIntBits(r);
            if (usualResult(bits)) {
                if (!imprecise && (double) r * r != Float.intBitsToFloat(a)) {
                    raised |= PRECISION;
                }
                return bits;
            }
        }
        return (int) careful(SQUARE_ROOT, a, a, true);
    }

    /** a + b, double precision. */
    public long addDouble(long a, long b) {
        if (fast && usual(a) && usual(b)) {
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            double r = x + y;
            long bits = Double.doubleToRawLongBits(r);
            if (usualResult(bits)) {
                if (!imprecise) {
                    double z = r - x;
                    if (x - (r - z) + (y - z) != 0) {
                        raised |= PRECISION;
                    }
                }
                return bits;
            }
        }
        return careful(ADD, a, b, false);
    }

    /** a - b, double precision. */
    public long subtractDouble(long a, long b) {
        if (fast && usual(a) && usual(b)
                && usualResult(Double.doubleToRawLongBits(Double.longBitsToDouble(a) - Double.longBitsToDouble(b)))) {
            return addDouble(a, b ^ Long.MIN_VALUE);
        }
        return careful(SUBTRACT, a, b, false);
    }

    /** a * b, double precision. */
    public long multiplyDouble(long a, long b) {
        if (fast && usual(a) && usual(b)) {
            long bits = Double.doubleToRawLongBits(Double.longBitsToDouble(a) * Double.longBitsToDouble(b));
            if (usualResult(bits)) {
                if (!imprecise && !exactProduct(a, b, bits)) {
                    raised |= PRECISION;
                }
                return bits;
            }
        }
        return careful(MULTIPLY, a, b, false);
    }

    /** a / b, double precision. */
    public long divideDouble(long a, long b) {
        if (fast && usual(a) && usual(b)) {
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            double r = x / y;
            long bits = Double.doubleToRawLongBits(r);
            if (usualResult(bits)) {
                if (!imprecise && !(r * y == x && exactProduct(bits, b, a))) {
                    raised |= PRECISION;
                }
                return bits;
            }
        }
        return careful(DIVIDE, a, b, false);
    }

    /** The square root, double precision. */
    public long squareRootDouble(long a) {
        if (fast && usual(a)) {
            double r = Math.sqrt(Double.longBitsToDouble(a));
            long bits = Double.doubleToRawLongBits(r);
            if (usualResult(bits)) {
                if (!imprecise && !(r * r == Double.longBitsToDouble(a) && exactProduct(bits, bits, a))) {
                    raised |= PRECISION;
                }
                return bits;
            }
        }
        return careful(SQUARE_ROOT, a, a, false);
    }

    /** Any operation on any operands in either format, by exact arithmetic and one rounding. */
    private long careful(int operation, long a, long b, boolean single) {
        long sign = single ? 0x8000_0000L : Long.MIN_VALUE;
        long infinity = single ? 0x7F80_0000L : 0x7FF0_0000_0000_0000L;
        long quiet = single ? 0x40_0000L : 0x8_0000_0000_0000L;
        if (single) {
            a &= 0xFFFF_FFFFL;
            b &= 0xFFFF_FFFFL;
        }
        long denormals = 2 * quiet;
        long x = a & sign - 1;
        long y = b & sign - 1;
        boolean aNegative = (a & sign) != 0;
        boolean bNegative = (b & sign) != 0;
        if (x > infinity || y > infinity) {
            if (x > infinity && (a & quiet) == 0 || y > infinity && (b & quiet) == 0) {
                raised |= INVALID;
            }
            return (x > infinity ? a : b) | quiet;
        }
        boolean denormal = x != 0 && x < denormals || y != 0 && y < denormals;
        if (denormal && (mxcsr & DAZ) != 0) {
            x = x < denormals ? 0 : x;
            y = y < denormals ? 0 : y;
            denormal = false;
        }
        boolean negative = aNegative ^ bNegative;
        boolean invalid = switch (operation) {
            case ADD -> x == infinity && y == infinity && negative;
            case SUBTRACT -> x == infinity && y == infinity && !negative;
            case MULTIPLY -> x == infinity && y == 0 || x == 0 && y == infinity;
            case DIVIDE -> x == y && (x == 0 || x == infinity);
            default -> aNegative && x != 0;
        };
        if (invalid) {
            raised |= INVALID;
            return sign | infinity | quiet;
        }
        if (operation == DIVIDE && y == 0 && x != infinity) {
            raised |= ZERO_DIVIDE;
            return (negative ? sign : 0) | infinity;
        }
        if (denormal) {
            raised |= DENORMAL;
            if ((core.masked & DENORMAL) == 0) {
                return 0;
            }
        }
        switch (operation) {
            case ADD, SUBTRACT -> {
                bNegative ^= operation == SUBTRACT;
                if (x == infinity || y == infinity) {
                    return (x == infinity ? aNegative : bNegative) ? sign | infinity : infinity;
                }
                if (x == 0 && y == 0) {
                    return (aNegative == bNegative ? aNegative : core.rounding == FloatCore.DOWN) ? sign : 0;
                }
                if (x == 0) {
                    core.set(bNegative, exponent(y, single), significand(y, single), 0);
                } else if (y == 0) {
                    core.set(aNegative, exponent(x, single), significand(x, single), 0);
                } else {
                    core.add(aNegative, exponent(x, single), significand(x, single),
                            bNegative, exponent(y, single), significand(y, single));
                    if (core.hi == 0) {
                        return core.negative ? sign : 0;
                    }
                }
            }
            case MULTIPLY -> {
                if (x == 0 || y == 0 || x == infinity || y == infinity) {
                    return (negative ? sign : 0) | (x == 0 || y == 0 ? 0 : infinity);
                }
                core.multiply(negative, exponent(x, single), significand(x, single), exponent(y, single), significand(y, single));
            }
            case DIVIDE -> {
                if (x == 0 || y == infinity || x == infinity) {
                    return (negative ? sign : 0) | (x == infinity ? infinity : 0);
                }
                core.divide(negative, exponent(x, single), significand(x, single), exponent(y, single), significand(y, single));
            }
            default -> {
                if (x == 0 || x == infinity) {
                    return (aNegative ? sign : 0) | x;
                }
                core.squareRoot(exponent(x, single), significand(x, single));
            }
        }
        return rounded(single);
    }

    /** Rounds what the core holds. */
    private long rounded(boolean single) {
        core.flags = 0;
        long result = single ? math.roundSingle() : math.roundDouble();
        raised |= core.flags;
        return result;
    }

    /** The exponent of a finite magnitude that is not zero, once its significand is normalised. */
    private static int exponent(long magnitude, boolean single) {
        int field = (int) (magnitude >>> (single ? 23 : 52));
        return field != 0 ? field - (single ? 127 : 1023)
                : single ? -86 - Long.numberOfLeadingZeros(magnitude) : -1011 - Long.numberOfLeadingZeros(magnitude);
    }

    private static long significand(long magnitude, boolean single) {
        int bits = single ? 23 : 52;
        return magnitude >>> bits != 0
                ? magnitude << 63 - bits | FloatCore.INTEGER_BIT
                : magnitude << Long.numberOfLeadingZeros(magnitude);
    }

    // Minimum, maximum, comparison

    /** A denormal operand, which counts as zero with DAZ, as the comparisons see it. */
    private int operand(int single) {
        if (usual(single)) {
            return single;
        }
        if ((mxcsr & DAZ) != 0) {
            return single & Integer.MIN_VALUE;
        }
        raised |= DENORMAL;
        return single;
    }

    private long operand(long doubled) {
        if (usual(doubled)) {
            return doubled;
        }
        if ((mxcsr & DAZ) != 0) {
            return doubled & Long.MIN_VALUE;
        }
        raised |= DENORMAL;
        return doubled;
    }

    /** A denormal as DAZ makes it, without the exception. */
    private int flushed(int single) {
        return !usual(single) && (mxcsr & DAZ) != 0 ? single & Integer.MIN_VALUE : single;
    }

    private long flushed(long doubled) {
        return !usual(doubled) && (mxcsr & DAZ) != 0 ? doubled & Long.MIN_VALUE : doubled;
    }

    private static boolean isNan(int single) {
        return (single & 0x7FFF_FFFF) > 0x7F80_0000;
    }

    private static boolean isNan(long doubled) {
        return (doubled & Long.MAX_VALUE) > 0x7FF0_0000_0000_0000L;
    }

    private static boolean isSignalling(int single) {
        return isNan(single) && (single & 0x40_0000) == 0;
    }

    private static boolean isSignalling(long doubled) {
        return isNan(doubled) && (doubled & 0x8_0000_0000_0000L) == 0;
    }

    /** MINSS: b if either is a NaN or both are zero. */
    public int minimumSingle(int a, int b) {
        if (isNan(a) || isNan(b)) {
            raised |= INVALID;
            return flushed(b);
        }
        a = operand(a);
        b = operand(b);
        return Float.intBitsToFloat(a) < Float.intBitsToFloat(b) ? a : b;
    }

    /** MAXSS: b if either is a NaN or both are zero. */
    public int maximumSingle(int a, int b) {
        if (isNan(a) || isNan(b)) {
            raised |= INVALID;
            return flushed(b);
        }
        a = operand(a);
        b = operand(b);
        return Float.intBitsToFloat(a) > Float.intBitsToFloat(b) ? a : b;
    }

    /** MINSD. */
    public long minimumDouble(long a, long b) {
        if (isNan(a) || isNan(b)) {
            raised |= INVALID;
            return flushed(b);
        }
        a = operand(a);
        b = operand(b);
        return Double.longBitsToDouble(a) < Double.longBitsToDouble(b) ? a : b;
    }

    /** MAXSD. */
    public long maximumDouble(long a, long b) {
        if (isNan(a) || isNan(b)) {
            raised |= INVALID;
            return flushed(b);
        }
        a = operand(a);
        b = operand(b);
        return Double.longBitsToDouble(a) > Double.longBitsToDouble(b) ? a : b;
    }

    /** CMPSS with the predicate of its immediate: all ones or zero. */
    public int compareSingle(int a, int b, int predicate) {
        boolean unordered = isNan(a) || isNan(b);
        if (unordered) {
            if ((predicate & 3) == 1 || (predicate & 3) == 2 || isSignalling(a) || isSignalling(b)) {
                raised |= INVALID;
            }
        } else {
            a = operand(a);
            b = operand(b);
        }
        return holds(Float.intBitsToFloat(a), Float.intBitsToFloat(b), unordered, predicate) ? -1 : 0;
    }

    /** CMPSD with the predicate of its immediate: all ones or zero. */
    public long compareDouble(long a, long b, int predicate) {
        boolean unordered = isNan(a) || isNan(b);
        if (unordered) {
            if ((predicate & 3) == 1 || (predicate & 3) == 2 || isSignalling(a) || isSignalling(b)) {
                raised |= INVALID;
            }
        } else {
            a = operand(a);
            b = operand(b);
        }
        return holds(Double.longBitsToDouble(a), Double.longBitsToDouble(b), unordered, predicate) ? -1 : 0;
    }

    private static boolean holds(double a, double b, boolean unordered, int predicate) {
        boolean plain = switch (predicate & 3) {
            case 0 -> a == b;
            case 1 -> a < b;
            case 2 -> a <= b;
            default -> unordered;
        };
        return plain ^ (predicate & 4) != 0;
    }

    /** COMISS, or UCOMISS where signal is false: ZF, PF and CF in their EFLAGS places. */
    public int orderSingles(int a, int b, boolean signal) {
        if (isNan(a) || isNan(b)) {
            return unordered(signal || isSignalling(a) || isSignalling(b));
        }
        return order(Float.intBitsToFloat(operand(a)), Float.intBitsToFloat(operand(b)));
    }

    /** COMISD, or UCOMISD where signal is false: ZF, PF and CF in their EFLAGS places. */
    public int orderDoubles(long a, long b, boolean signal) {
        if (isNan(a) || isNan(b)) {
            return unordered(signal || isSignalling(a) || isSignalling(b));
        }
        return order(Double.longBitsToDouble(operand(a)), Double.longBitsToDouble(operand(b)));
    }

    private int unordered(boolean invalid) {
        raised |= invalid ? INVALID : 0;
        return ZF | PF | CF;
    }

    private static int order(double a, double b) {
        return a > b ? 0 : a < b ? CF : ZF;
    }

    // Conversions

    /** CVTSS2SD. */
    public long singleToDouble(int a) {
        if (isNan(a)) {
            raised |= isSignalling(a) ? INVALID : 0;
            return (long) (a & 0x8000_0000) << 32 | 0x7FF8_0000_0000_0000L | (long) (a & 0x7F_FFFF) << 29;
        }
        return Double.doubleToRawLongBits(Float.intBitsToFloat(operand(a)));
    }

    /** CVTSD2SS. */
    public int doubleToSingle(long a) {
        if (fast && usual(a)) {
            float r = (float) Double.longBitsToDouble(a);
            int bits = Float.floatToRawIntBits(r);
            if (usualResult(bits)) {
                if (!imprecise && r != Double.longBitsToDouble(a)) {
                    raised |= PRECISION;
                }
                return bits;
            }
        }
        int sign = (int) (a >>> 32) & 0x8000_0000;
        if (isNan(a)) {
            raised |= isSignalling(a) ? INVALID : 0;
            return sign | 0x7FC0_0000 | (int) (a >>> 29) & 0x3F_FFFF;
        }
        a = operand(a) & Long.MAX_VALUE;
        if (a == 0 || a == 0x7FF0_0000_0000_0000L) {
            return sign | (a == 0 ? 0 : 0x7F80_0000);
        }
        core.set(sign != 0, exponent(a, false), significand(a, false), 0);
        return (int) rounded(true);
    }

    /** CVTSI2SS of an integer of 32 or 64 bits, sign-extended. */
    public int integerToSingle(long value) {
        if (value == 0) {
            return 0;
        }
        return (int) integer(value, true);
    }

    /** CVTSI2SD of an integer of 32 or 64 bits, sign-extended. */
    public long integerToDouble(long value) {
        if (value == (int) value) {
            return Double.doubleToRawLongBits(value);
        }
        return integer(value, false);
    }

    private long integer(long value, boolean single) {
        long magnitude = Math.abs(value);
        int shift = Long.numberOfLeadingZeros(magnitude);
        core.set(value < 0, 63 - shift, magnitude << shift, 0);
        return rounded(single);
    }

    /** CVTSS2SI and, with chop, CVTTSS2SI: to width bits, or the integer indefinite. */
    public long singleToInteger(int a, int width, boolean chop) {
        if (usual(a) && !isNan(a)) {
            return doubleToInteger(Double.doubleToRawLongBits(Float.intBitsToFloat(a)), width, chop);
        }
        if (isNan(a)) {
            raised |= INVALID;
            return -1L << width - 1;
        }
        if ((mxcsr & DAZ) != 0) {
            return 0;
        }
        return carefulInteger((long) a & 0x7FFF_FFFF, a < 0, true, width, chop);
    }

    /** CVTSD2SI and, with chop, CVTTSD2SI: to width bits, or the integer indefinite. */
    public long doubleToInteger(long a, int width, boolean chop) {
        if (chop) {
            double x = Double.longBitsToDouble(a);
            if (x > -0x1p31 && x < 0x1p31 && usual(a)) {
                int whole = (int) x;
                if (whole != x) {
                    raised |= PRECISION;
                }
                return whole;
            }
        }
        long magnitude = a & Long.MAX_VALUE;
        if (magnitude > 0x7FF0_0000_0000_0000L) {
            raised |= INVALID;
            return -1L << width - 1;
        }
        if (magnitude == 0 || !usual(a) && (mxcsr & DAZ) != 0) {
            return 0;
        }
        return carefulInteger(magnitude, a < 0, false, width, chop);
    }

    private long carefulInteger(long magnitude, boolean negative, boolean single, int width, boolean chop) {
        long indefinite = -1L << width - 1;
        int exponent = exponent(magnitude, single);
        if (exponent >= 64) {
            raised |= INVALID;
            return indefinite;
        }
        int kept = core.rounding;
        core.rounding = chop ? FloatCore.CHOP : kept;
        core.flags = 0;
        long whole = core.roundToInteger(negative, exponent, significand(magnitude, single));
        core.rounding = kept;
        if (Long.compareUnsigned(whole, negative ? -indefinite : ~indefinite) > 0) {
            raised |= INVALID;
            return indefinite;
        }
        raised |= core.flags;
        return negative ? -whole : whole;
    }

    // Approximations

    /** RCPSS: 12 bits of 1/a, from the upper 11 bits of the fraction, as Intel's table has them. */
    public static int reciprocal(int a) {
        int sign = a & Integer.MIN_VALUE;
        int exponent = a >>> 23 & 0xFF;
        if (exponent == 0) {
            return sign | 0x7F80_0000;
        }
        if (exponent == 0xFF) {
            return isNan(a) ? a | 0x40_0000 : sign;
        }
        if (exponent >= 253) {
            return sign; // the result would be denormal
        }
        int index = a >>> 12 & 0x7FF;
        int bits = (int) Math.rint(8192 * 4096.0 / (4096 + 2 * index + 1));
        return sign | 253 - exponent << 23 | (bits & 0xFFF) << 11;
    }

    /** RSQRTSS: 12 bits of 1/sqrt(a), from the lowest bit of the exponent and the upper 10 bits of the fraction. */
    public static int reciprocalSquareRoot(int a) {
        int sign = a & Integer.MIN_VALUE;
        int exponent = a >>> 23 & 0xFF;
        if (isNan(a)) {
            return a | 0x40_0000;
        }
        if (exponent == 0) {
            return sign | 0x7F80_0000;
        }
        if (sign != 0) {
            return 0xFFC0_0000;
        }
        if (exponent == 0xFF) {
            return 0;
        }
        boolean odd = (exponent & 1) != 0; // an even power of two
        double x = (2048 + 2 * (a >>> 13 & 0x3FF) + 1) / (odd ? 2048.0 : 4096.0);
        int bits = (int) Math.rint((odd ? 8192 : 4096) / Math.sqrt(x));
        return (odd ? 126 + (127 - exponent) / 2 : 127 + (126 - exponent) / 2) << 23 | (bits & 0xFFF) << 11;
    }
}
