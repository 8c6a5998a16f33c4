package monitor.x86.fpu;

import static monitor.x86.fpu.FloatCore.DENORMAL;
import static monitor.x86.fpu.FloatCore.DOWN;
import static monitor.x86.fpu.FloatCore.INTEGER_BIT;
import static monitor.x86.fpu.FloatCore.INVALID;
import static monitor.x86.fpu.FloatCore.ZERO_DIVIDE;

/**
 * Arithmetic on double extended-precision values ([SDM] 1, 4.2.2 and 8.2). A value is a sign with a 15-bit exponent (bits
 * 15 and 14:0 of an int) and a 64-bit significand with its explicit integer bit. Every operation leaves its result in
 * {@link #signExponent} and {@link #mantissa} and its exceptions in {@link #flags()}. A result is meaningless when an
 * unmasked invalid, denormal or zero-divide exception is among them: the instruction then leaves its destination alone.
 */
final class Extended {
    static final int BIAS = 16383;
    static final int MIN_EXPONENT = -16382;
    static final int MAX_EXPONENT = 16383;
    /** What unmasked overflow and underflow take from or add to the exponent ([SDM] 1, 8.5.4). */
    static final int WRAP = 24576;
    static final int SIGN = 0x8000;
    static final int SPECIAL = 0x7FFF;
    /** The default NaN, "real indefinite": sign and exponent, significand. */
    static final int INDEFINITE_SIGN_EXPONENT = 0xFFFF;
    static final long INDEFINITE = 0xC000_0000_0000_0000L;
    static final long QUIET_BIT = 0x4000_0000_0000_0000L;
    /** The packed BCD indefinite: its upper 16 and lower 64 bits. */
    static final int BCD_INDEFINITE_HIGH = 0xFFFF;
    static final long BCD_LIMIT = 1_000_000_000_000_000_000L;

    /** What {@link #compare} returns for operands that have no order. */
    static final int UNORDERED = 2;

    final FloatCore core = new FloatCore();

    int signExponent;
    long mantissa;

    /** The bits of a significand that precision control drops. */
    private int drop;
    /** The memory operand of this instruction was a denormal single or double, which no longer shows in its extended form. */
    private boolean denormalLoaded;

    /** Low three bits of the quotient of the last partial remainder, or -1 if it had none. */
    int quotient;
    /** The last partial remainder needs another round, or the last operand was out of range. */
    boolean incomplete;

    /** Takes rounding, precision and masks from an x87 control word ([SDM] 1, 8.1.5). */
    void control(int controlWord) {
        core.masked = controlWord & 0x3F;
        core.rounding = controlWord >> 10 & 3;
        drop = switch (controlWord >> 8 & 3) {
            case 0 -> 40;
            case 2 -> 11;
            default -> 0;
        };
    }

    int flags() {
        return core.flags;
    }

    /** Starts an instruction: no exceptions yet. */
    void begin() {
        core.flags = 0;
        core.roundedUp = false;
        denormalLoaded = false;
    }

    /** An exception has been found that the program has unmasked and that stops the operation before its result. */
    boolean stopped() {
        return (core.flags & ~core.masked & (INVALID | DENORMAL | ZERO_DIVIDE)) != 0;
    }

    // Classes of values

    static boolean isNormal(int se, long m) {
        return m < 0 && ((se + 1) & 0x7FFE) != 0;
    }

    static boolean isZero(int se, long m) {
        return m == 0 && (se & SPECIAL) == 0;
    }

    static boolean isInfinite(int se, long m) {
        return m == INTEGER_BIT && (se & SPECIAL) == SPECIAL;
    }

    static boolean isNan(int se, long m) {
        return (se & SPECIAL) == SPECIAL && m < 0 && m != INTEGER_BIT;
    }

    static boolean isSignalling(int se, long m) {
        return isNan(se, m) && (m & QUIET_BIT) == 0;
    }

    /** Unnormals, pseudo-infinities and pseudo-NaNs, which the 387 and all later processors refuse ([SDM] 1, 8.2.2). */
    static boolean isUnsupported(int se, long m) {
        return m >= 0 && (se & SPECIAL) != 0;
    }

    /** Denormals and pseudo-denormals. */
    static boolean isDenormal(int se, long m) {
        return (se & SPECIAL) == 0 && m != 0;
    }

    static boolean isNegative(int se) {
        return (se & SIGN) != 0;
    }

    /** The exponent of a finite value that is not zero, once its significand is normalised. */
    static int exponentOf(int se, long m) {
        return Math.max(se & SPECIAL, 1) - BIAS - Long.numberOfLeadingZeros(m);
    }

    static long normalised(long m) {
        return m << Long.numberOfLeadingZeros(m);
    }

    // Results

    void result(int se, long m) {
        signExponent = se;
        mantissa = m;
    }

    private void zero(boolean negative) {
        result(negative ? SIGN : 0, 0);
    }

    private void infinity(boolean negative) {
        result(negative ? 0xFFFF : SPECIAL, INTEGER_BIT);
    }

    void invalid() {
        core.flags |= INVALID;
        result(INDEFINITE_SIGN_EXPONENT, INDEFINITE);
    }

    /** Rounds what the core holds to the full 64 bits. */
    void finish() {
        finish(0);
    }

    private void finish(int dropped) {
        if (core.hi == 0) {
            zero(core.negative);
            return;
        }
        core.round(dropped, MIN_EXPONENT, MAX_EXPONENT, WRAP);
        signExponent = (core.negative ? SIGN : 0) | (core.hi < 0 ? core.exponent + BIAS : 0);
        mantissa = core.hi;
    }

    /** Handles an operand that is a NaN or unsupported; true if it was and the result is there. */
    boolean nan(int se, long m) {
        if (isUnsupported(se, m)) {
            invalid();
            return true;
        }
        if (!isNan(se, m)) {
            return false;
        }
        if ((m & QUIET_BIT) == 0) {
            core.flags |= INVALID;
        }
        result(se, m | QUIET_BIT);
        return true;
    }

    /** The same for two operands: a quiet NaN wins over a signalling one, then the larger significand ([SDM] 1, table 4-7). */
    boolean nan(int aSe, long a, int bSe, long b) {
        if (isUnsupported(aSe, a) || isUnsupported(bSe, b)) {
            invalid();
            return true;
        }
        boolean aNan = isNan(aSe, a);
        boolean bNan = isNan(bSe, b);
        if (!aNan && !bNan) {
            return false;
        }
        boolean aSignals = isSignalling(aSe, a);
        boolean bSignals = isSignalling(bSe, b);
        if (aSignals || bSignals) {
            core.flags |= INVALID;
        }
        boolean takeA;
        if (aNan && bNan && aSignals == bSignals) {
            int order = Long.compareUnsigned(a, b);
            takeA = order > 0 || order == 0 && !isNegative(aSe);
        } else if (aNan && bNan) {
            takeA = bSignals;
        } else {
            takeA = aNan;
        }
        result(takeA ? aSe : bSe, (takeA ? a : b) | QUIET_BIT);
        return true;
    }

    /** Notes denormal operands; true if that stops the operation. */
    boolean denormal(boolean any) {
        if (any || denormalLoaded) {
            core.flags |= DENORMAL;
            return (core.masked & DENORMAL) == 0;
        }
        return false;
    }

    // Arithmetic

    /** a + b, or a - b if bFlip is the sign bit. */
    void add(int aSe, long a, int bSe, long b, int bFlip) {
        if (!(isNormal(aSe, a) && isNormal(bSe, b)) || denormalLoaded) {
            if (nan(aSe, a, bSe, b)) {
                return;
            }
            boolean bInfinite = isInfinite(bSe, b);
            bSe ^= bFlip;
            if (isInfinite(aSe, a)) {
                if (bInfinite && aSe != bSe) {
                    invalid();
                } else if (!denormal(isDenormal(bSe, b))) {
                    result(aSe, a);
                }
                return;
            }
            if (denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
                return;
            }
            if (bInfinite) {
                result(bSe, b);
                return;
            }
            if (isZero(aSe, a)) {
                if (isZero(bSe, b)) {
                    zero(aSe == bSe ? isNegative(aSe) : core.rounding == DOWN);
                    return;
                }
                core.set(isNegative(bSe), exponentOf(bSe, b), normalised(b), 0);
            } else if (isZero(bSe, b)) {
                core.set(isNegative(aSe), exponentOf(aSe, a), normalised(a), 0);
            } else {
                core.add(isNegative(aSe), exponentOf(aSe, a), normalised(a), isNegative(bSe), exponentOf(bSe, b), normalised(b));
            }
        } else {
            bSe ^= bFlip;
            core.add(isNegative(aSe), (aSe & SPECIAL) - BIAS, a, isNegative(bSe), (bSe & SPECIAL) - BIAS, b);
        }
        finish(drop);
    }

    void multiply(int aSe, long a, int bSe, long b) {
        boolean negative = isNegative(aSe ^ bSe);
        if (!(isNormal(aSe, a) && isNormal(bSe, b)) || denormalLoaded) {
            if (nan(aSe, a, bSe, b)) {
                return;
            }
            if (isInfinite(aSe, a) || isInfinite(bSe, b)) {
                if (isZero(aSe, a) || isZero(bSe, b)) {
                    invalid();
                } else if (!denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
                    infinity(negative);
                }
                return;
            }
            if (denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
                return;
            }
            if (isZero(aSe, a) || isZero(bSe, b)) {
                zero(negative);
                return;
            }
        }
        core.multiply(negative, exponentOf(aSe, a), normalised(a), exponentOf(bSe, b), normalised(b));
        finish(drop);
    }

    void divide(int aSe, long a, int bSe, long b) {
        boolean negative = isNegative(aSe ^ bSe);
        if (!(isNormal(aSe, a) && isNormal(bSe, b)) || denormalLoaded) {
            if (nan(aSe, a, bSe, b)) {
                return;
            }
            boolean aInfinite = isInfinite(aSe, a);
            boolean bInfinite = isInfinite(bSe, b);
            boolean bZero = isZero(bSe, b);
            if (aInfinite && bInfinite || bZero && isZero(aSe, a)) {
                invalid();
                return;
            }
            if (bZero && !aInfinite) {
                core.flags |= ZERO_DIVIDE;
                infinity(negative);
                return;
            }
            if (denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
                return;
            }
            if (aInfinite) {
                infinity(negative);
                return;
            }
            if (bInfinite || isZero(aSe, a)) {
                zero(negative);
                return;
            }
        }
        core.divide(negative, exponentOf(aSe, a), normalised(a), exponentOf(bSe, b), normalised(b));
        finish(drop);
    }

    void squareRoot(int se, long m) {
        if (nan(se, m)) {
            return;
        }
        if (isZero(se, m)) {
            result(se, m);
        } else if (isNegative(se)) {
            invalid();
        } else if (isInfinite(se, m)) {
            result(se, m);
        } else if (!denormal(isDenormal(se, m))) {
            core.squareRoot(exponentOf(se, m), normalised(m));
            finish(drop);
        }
    }

    /** Order of a and b: -1, 0, 1 or {@link #UNORDERED}. A quiet NaN is an invalid operand only where signal is set. */
    int compare(int aSe, long a, int bSe, long b, boolean signal) {
        if (isUnsupported(aSe, a) || isUnsupported(bSe, b)) {
            core.flags |= INVALID;
            return UNORDERED;
        }
        if (isNan(aSe, a) || isNan(bSe, b)) {
            if (signal || isSignalling(aSe, a) || isSignalling(bSe, b)) {
                core.flags |= INVALID;
            }
            return UNORDERED;
        }
        denormal(isDenormal(aSe, a) || isDenormal(bSe, b));
        if (isZero(aSe, a) && isZero(bSe, b)) {
            return 0;
        }
        if (isNegative(aSe) != isNegative(bSe)) {
            return isNegative(aSe) ? -1 : 1;
        }
        // A pseudo-denormal has the exponent of the smallest normal.
        int order = Integer.compare(Math.max(aSe & SPECIAL, 1), Math.max(bSe & SPECIAL, 1));
        if (isZero(aSe, a) || isZero(bSe, b)) {
            order = isZero(aSe, a) ? -1 : 1;
        } else if (order == 0) {
            order = Long.compareUnsigned(a, b);
        }
        return Integer.signum(isNegative(aSe) ? -order : order);
    }

    /** FPREM (quotient chopped) and FPREM1 (quotient to nearest): a - quotient * b, at most 63 bits of quotient a time. */
    void remainder(int aSe, long a, int bSe, long b, boolean nearest) {
        quotient = -1;
        incomplete = false;
        if (nan(aSe, a, bSe, b)) {
            return;
        }
        if (isInfinite(aSe, a) || isZero(bSe, b)) {
            invalid();
            return;
        }
        if (denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
            return;
        }
        quotient = 0;
        if (isZero(aSe, a)) {
            result(aSe, a);
            return;
        }
        if (isInfinite(bSe, b)) {
            result((aSe & SPECIAL) == 0 && a < 0 ? aSe | 1 : aSe, a); // a denormal does not underflow here
            return;
        }
        boolean negative = isNegative(aSe);
        int aExponent = exponentOf(aSe, a);
        int bExponent = exponentOf(bSe, b);
        long dividend = normalised(a);
        long divisor = normalised(b);
        int distance = aExponent - bExponent;
        if (distance < -1 || distance == -1 && !nearest) {
            exact(aSe, a);
            return;
        }
        long low = dividend;
        long digits = 0;
        int unit = bExponent;
        if (distance >= 0) {
            // Intel leaves the number of bits per round open (32 to 63); this is what its processors do.
            int bits = distance < 64 ? distance : 32 | distance & 31;
            incomplete = distance >= 64;
            unit = aExponent - bits;
            low = dividend << bits;
            long high = bits == 0 ? 0 : dividend >>> -bits;
            digits = FloatCore.divideWide(high, low, divisor);
            low -= digits * divisor;
        } else {
            unit = aExponent;
        }
        boolean up = false;
        if (nearest && !incomplete) {
            if (distance < 0) {
                up = Long.compareUnsigned(dividend, divisor) > 0;
            } else {
                int order = low < 0 ? 1 : Long.compareUnsigned(low << 1, divisor);
                up = order > 0 || order == 0 && (digits & 1) != 0;
            }
        }
        if (low == 0) {
            core.set(negative, 0, 0, 0);
        } else {
            core.set(negative, unit, low, 0);
            core.normalise();
        }
        if (up) {
            digits++;
            core.add(negative, core.exponent, core.hi, !negative, bExponent, divisor);
        }
        quotient = incomplete ? 0 : (int) digits & 7;
        finish();
    }

    /** An operand as the result: exact, but a tiny one still underflows where that is unmasked. */
    private void exact(int se, long m) {
        core.set(isNegative(se), exponentOf(se, m), normalised(m), 0);
        finish();
    }

    void roundToInteger(int se, long m) {
        if (nan(se, m) || denormal(isDenormal(se, m))) {
            return;
        }
        int exponent = (se & SPECIAL) - BIAS;
        if (exponent >= 63 || isZero(se, m)) {
            result(se, m);
            return;
        }
        long whole = core.roundToInteger(isNegative(se), exponentOf(se, m), normalised(m));
        fromMagnitude(isNegative(se), whole);
    }

    /** a * 2^b with b chopped to an integer. */
    void scale(int aSe, long a, int bSe, long b) {
        if (nan(aSe, a, bSe, b)) {
            return;
        }
        if (isInfinite(bSe, b)) {
            boolean up = !isNegative(bSe);
            if (up ? isZero(aSe, a) : isInfinite(aSe, a)) {
                invalid();
            } else if (!denormal(isDenormal(aSe, a))) {
                if (isInfinite(aSe, a) || isZero(aSe, a)) {
                    result(aSe, a);
                } else if (up) {
                    infinity(isNegative(aSe));
                } else {
                    zero(isNegative(aSe));
                }
            }
            return;
        }
        if (denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
            return;
        }
        if (isInfinite(aSe, a) || isZero(aSe, a)) {
            result(aSe, a);
            return;
        }
        int exponent = (bSe & SPECIAL) - BIAS;
        int steps = exponent < 0 ? 0 : exponent > 17 ? 1 << 18 : (int) (b >>> 63 - exponent);
        core.set(isNegative(aSe), exponentOf(aSe, a) + (isNegative(bSe) ? -steps : steps), normalised(a), 0);
        finish();
    }

    /** The exponent of a value, as a value: the first result of FXTRACT. */
    void exponentPart(int se, long m) {
        if (nan(se, m)) {
            return;
        }
        if (isInfinite(se, m)) {
            infinity(false);
        } else if (isZero(se, m)) {
            core.flags |= ZERO_DIVIDE;
            infinity(true);
        } else if (!denormal(isDenormal(se, m))) {
            fromInteger(exponentOf(se, m));
        }
    }

    /** The significand of a value, as a value: the second result of FXTRACT, of an operand that raised no unmasked exception. */
    void significandPart(int se, long m) {
        if (isUnsupported(se, m)) {
            result(INDEFINITE_SIGN_EXPONENT, INDEFINITE);
        } else if (isNan(se, m)) {
            result(se, m | QUIET_BIT);
        } else if (isInfinite(se, m) || isZero(se, m)) {
            result(se, m);
        } else {
            result(se & SIGN | BIAS, normalised(m));
        }
    }

    /** A constant of more than 64 bits, rounded as the control word says but without exceptions (FLDPI and its like). */
    void constant(int exponent, long hi, long lo) {
        core.set(false, exponent, hi, lo);
        finish();
        core.flags = 0;
        core.roundedUp = false;
    }

    // Conversions to extended: exact

    void fromInteger(long value) {
        fromMagnitude(value < 0, Math.abs(value));
    }

    private void fromMagnitude(boolean negative, long magnitude) {
        if (magnitude == 0) {
            zero(negative);
        } else {
            int shift = Long.numberOfLeadingZeros(magnitude);
            result((negative ? SIGN : 0) | BIAS + 63 - shift, magnitude << shift);
        }
    }

    /** Widens a single; a signalling NaN stays one, a denormal is remembered for the instruction at hand. */
    void fromSingle(int bits) {
        int exponent = bits >>> 23 & 0xFF;
        long fraction = (long) (bits & 0x7F_FFFF) << 40;
        widen(bits < 0, exponent, fraction, 0xFF, 127);
    }

    /** Widens a double; a signalling NaN stays one, a denormal is remembered for the instruction at hand. */
    void fromDouble(long bits) {
        int exponent = (int) (bits >>> 52) & 0x7FF;
        long fraction = (bits & 0xF_FFFF_FFFF_FFFFL) << 11;
        widen(bits < 0, exponent, fraction, 0x7FF, 1023);
    }

    private void widen(boolean negative, int exponent, long fraction, int special, int bias) {
        int sign = negative ? SIGN : 0;
        if (exponent == special) {
            result(sign | SPECIAL, INTEGER_BIT | fraction);
        } else if (exponent != 0) {
            result(sign | exponent - bias + BIAS, INTEGER_BIT | fraction);
        } else if (fraction == 0) {
            result(sign, 0);
        } else {
            int shift = Long.numberOfLeadingZeros(fraction);
            result(sign | 1 - bias + BIAS - shift, fraction << shift);
            denormalLoaded = true;
        }
    }

    /** What FLD of a single or double adds to the widening: the exceptions. */
    void load() {
        if (!nan(signExponent, mantissa)) {
            denormal(false);
        }
    }

    /** From the 18 digits and the sign of packed BCD ([SDM] 1, 4.7): bits 79:64 and 63:0. */
    void fromBcd(int high, long low) {
        long value = (high >> 4 & 15) * 10 + (high & 15);
        for (int shift = 60; shift >= 0; shift -= 4) {
            value = value * 10 + (low >>> shift & 15);
        }
        fromMagnitude(isNegative(high), value);
    }

    // Conversions from extended: rounded

    int toSingle(int se, long m) {
        if (nan(se, m) || isInfinite(se, m)) {
            boolean nan = isNan(se, m) || isUnsupported(se, m);
            int sign = (nan ? signExponent : se) & SIGN;
            return sign << 16 | 0x7F80_0000 | (nan ? (int) (mantissa >>> 40) & 0x7F_FFFF : 0);
        }
        int sign = (se & SIGN) << 16;
        if (isZero(se, m)) {
            return sign;
        }
        core.set(isNegative(se), exponentOf(se, m), normalised(m), 0);
        return roundSingle();
    }

    int roundSingle() {
        core.round(40, -126, 127, 0);
        return (core.negative ? 0x8000_0000 : 0) | (core.hi < 0 ? core.exponent + 127 << 23 : 0) | (int) (core.hi >>> 40) & 0x7F_FFFF;
    }

    long toDouble(int se, long m) {
        if (nan(se, m) || isInfinite(se, m)) {
            boolean nan = isNan(se, m) || isUnsupported(se, m);
            long sign = (nan ? signExponent : se) & SIGN;
            return sign << 48 | 0x7FF0_0000_0000_0000L | (nan ? mantissa >>> 11 & 0xF_FFFF_FFFF_FFFFL : 0);
        }
        if (isZero(se, m)) {
            return (long) (se & SIGN) << 48;
        }
        core.set(isNegative(se), exponentOf(se, m), normalised(m), 0);
        return roundDouble();
    }

    long roundDouble() {
        core.round(11, -1022, 1023, 0);
        return (core.negative ? Long.MIN_VALUE : 0) | (core.hi < 0 ? (long) (core.exponent + 1023) << 52 : 0)
                | core.hi >>> 11 & 0xF_FFFF_FFFF_FFFFL;
    }

    /** To a signed integer of width bits, or the integer indefinite with INVALID if it does not fit. */
    long toInteger(int se, long m, int width) {
        long indefinite = -1L << width - 1;
        boolean negative = isNegative(se);
        int exponent = (se & SPECIAL) - BIAS;
        if (exponent >= 64 || isUnsupported(se, m)) {
            core.flags |= INVALID;
            return indefinite;
        }
        if (m == 0) {
            return 0;
        }
        long magnitude = core.roundToInteger(negative, exponentOf(se, m), normalised(m));
        if (Long.compareUnsigned(magnitude, negative ? -indefinite : ~indefinite) > 0) {
            core.flags = INVALID;
            core.roundedUp = false;
            return indefinite;
        }
        return negative ? -magnitude : magnitude;
    }

    /** The low 64 bits of packed BCD; the upper 16 are in {@link #signExponent}. */
    long toBcd(int se, long m) {
        long magnitude = 0;
        boolean fits = (se & SPECIAL) - BIAS < 60 && !isUnsupported(se, m);
        if (fits && m != 0) {
            magnitude = core.roundToInteger(isNegative(se), exponentOf(se, m), normalised(m));
        }
        if (!fits || magnitude >= BCD_LIMIT) {
            core.flags = INVALID;
            core.roundedUp = false;
            signExponent = BCD_INDEFINITE_HIGH;
            return INDEFINITE;
        }
        long low = 0;
        for (int shift = 0; shift < 64; shift += 4) {
            low |= magnitude % 10 << shift;
            magnitude /= 10;
        }
        signExponent = se & SIGN | (int) (magnitude / 10 << 4 | magnitude % 10);
        return low;
    }
}
