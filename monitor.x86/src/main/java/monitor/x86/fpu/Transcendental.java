package monitor.x86.fpu;

import static monitor.x86.fpu.Extended.BIAS;
import static monitor.x86.fpu.Extended.SIGN;
import static monitor.x86.fpu.Extended.SPECIAL;
import static monitor.x86.fpu.Extended.exponentOf;
import static monitor.x86.fpu.Extended.isDenormal;
import static monitor.x86.fpu.Extended.isInfinite;
import static monitor.x86.fpu.Extended.isNegative;
import static monitor.x86.fpu.Extended.isZero;
import static monitor.x86.fpu.Extended.normalised;
import static monitor.x86.fpu.FloatCore.INTEGER_BIT;
import static monitor.x86.fpu.FloatCore.PRECISION;
import static monitor.x86.fpu.FloatCore.UNDERFLOW;
import static monitor.x86.fpu.FloatCore.ZERO_DIVIDE;

import java.math.BigInteger;

/**
 * The transcendental instructions and constants of the x87 ([SDM] 1, 8.3.8 to 8.3.10), by series in 128 bits and one
 * rounding, so that results are correctly rounded. Arguments of the trigonometric functions are reduced by the 66-bit
 * value of pi that the hardware uses ([SDM] 1, 8.3.8).
 *
 * <p>LIMIT: Intel promises less than one unit in the last place; where its processors are not correctly rounded, the
 * last bit differs from theirs.
 */
final class Transcendental {
    /** Bits that constants are computed with. */
    private static final int BITS = 192;

    private static final BigInteger LN2_BITS = inverseHyperbolicTangent(3).shiftLeft(1);
    private static final BigInteger LN10_BITS = LN2_BITS.multiply(BigInteger.valueOf(3)).add(inverseHyperbolicTangent(9).shiftLeft(1));
    private static final BigInteger PI_BITS = arctangent(5).shiftLeft(4).subtract(arctangent(239).shiftLeft(2));

    private static final Wide ONE = new Wide(BigInteger.ONE.shiftLeft(BITS), BITS);
    private static final long SQUARE_ROOT_2 = 0xB504_F333_F9DE_6484L;
    private static final Wide LN2 = new Wide(LN2_BITS, BITS);
    /** The hardware's ln 2 in F2XM1: 68 significant bits, as its results for small arguments show. */
    private static final Wide LN2_68 = new Wide().set(false, -1, 0xB172_17F7_D1CF_79ABL, 0xC000_0000_0000_0000L);
    private static final Wide PI = new Wide(PI_BITS, BITS);
    /** 2 / ln 2, the factor of the logarithm's series, with the 70 significant bits that the hardware has. */
    private static final Wide TWO_BY_LN2 = new Wide().set(false, 1, 0xB8AA_3B29_5C17_F0BBL, 0xBC00_0000_0000_0000L);

    /** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2. */
    private static final Wide[] CONSTANTS = {
        ONE,
        new Wide(LN10_BITS.shiftLeft(BITS).divide(LN2_BITS), BITS),
        new Wide(BigInteger.ONE.shiftLeft(2 * BITS).divide(LN2_BITS), BITS),
        PI,
        new Wide(LN2_BITS.shiftLeft(BITS).divide(LN10_BITS), BITS),
        LN2,
    };

    /** The hardware's pi / 2 with 66 significant bits, as an integer in units of 2^-65. */
    private static final BigInteger HALF_PI_66 = PI_BITS.shiftRight(BITS - 64);
    private static final long HALF_PI_66_HIGH = HALF_PI_66.shiftRight(64).longValue();
    private static final long HALF_PI_66_LOW = HALF_PI_66.longValue();

    /** Biased exponent below which sine, cosine and tangent are x, 1 and x. */
    private static final int SMALLEST_ANGLE = BIAS - 68;

    private static final int EXP_TERMS = 34;
    private static final int SINE_TERMS = 18;
    private static final int LOG_TERMS = 27;
    private static final int ATAN_TERMS = 14;
    /** 1/n as 128-bit fractions, for the series of exponential and logarithms. */
    private static final long[] RECIPROCAL = reciprocals(2 * LOG_TERMS + 2, n -> n);
    /** 1/(2k(2k+1)) for the sine, 1/((2k-1)2k) for the cosine. */
    private static final long[] SINE_STEP = reciprocals(SINE_TERMS + 1, k -> 2 * k * (2 * k + 1));
    private static final long[] COSINE_STEP = reciprocals(SINE_TERMS + 1, k -> (2 * k - 1) * 2 * k);
    /** atan(i/16). */
    private static final Wide[] ATAN_16 = arctangents();

    private final Extended math;
    private final FloatCore core;
    private final Wide x = new Wide();
    private final Wide y = new Wide();
    private final Wide z = new Wide();
    /** The argument of a series and its sum so far, as 128-bit fractions. */
    private final Wide argument = new Wide();
    private final Wide term = new Wide();
    private final Wide part = new Wide();
    private int quadrant;

    Transcendental(Extended math) {
        this.math = math;
        this.core = math.core;
    }

    // Tables, by exact integer arithmetic

    private static BigInteger one() {
        return BigInteger.ONE.shiftLeft(BITS);
    }

    private static BigInteger inverseHyperbolicTangent(int n) {
        return series(n, false);
    }

    private static BigInteger arctangent(int n) {
        return series(n, true);
    }

    /** atan(1/n) or atanh(1/n). */
    private static BigInteger series(int n, boolean alternating) {
        BigInteger power = one().divide(BigInteger.valueOf(n));
        BigInteger sum = BigInteger.ZERO;
        BigInteger step = BigInteger.valueOf((long) n * n);
        for (int k = 1; power.signum() != 0; k += 2) {
            BigInteger part = power.divide(BigInteger.valueOf(k));
            sum = alternating && (k & 2) != 0 ? sum.subtract(part) : sum.add(part);
            power = power.divide(step);
        }
        return sum;
    }

    /** atan(i/16) = atan((i-1)/16) + atan(16 / (256 + i(i-1))). */
    private static Wide[] arctangents() {
        Wide[] table = new Wide[17];
        table[0] = new Wide();
        BigInteger sum = BigInteger.ZERO;
        for (int i = 1; i <= 16; i++) {
            BigInteger numerator = BigInteger.valueOf(16);
            BigInteger denominator = BigInteger.valueOf(256 + i * (i - 1));
            BigInteger power = one().multiply(numerator).divide(denominator);
            for (int k = 1; power.signum() != 0; k += 2) {
                BigInteger part = power.divide(BigInteger.valueOf(k));
                sum = (k & 2) != 0 ? sum.subtract(part) : sum.add(part);
                power = power.multiply(numerator).multiply(numerator).divide(denominator).divide(denominator);
            }
            table[i] = new Wide(sum, BITS);
        }
        return table;
    }

    private static long[] reciprocals(int count, java.util.function.IntUnaryOperator divisor) {
        long[] table = new long[2 * count];
        for (int i = 1; i < count; i++) {
            int d = divisor.applyAsInt(i);
            if (d > 1) {
                BigInteger fraction = BigInteger.ONE.shiftLeft(128).divide(BigInteger.valueOf(d));
                table[2 * i] = fraction.shiftRight(64).longValue();
                table[2 * i + 1] = fraction.longValue();
            }
        }
        return table;
    }

    // Plumbing

    private static Wide widen(Wide to, int se, long m) {
        return to.set(isNegative(se), Math.max(se & SPECIAL, 1) - BIAS, m, 0);
    }

    /** Rounds what is in fact exact; the hardware says that it is not, and that it has underflowed if it is tiny. */
    private void finishExact() {
        math.finish();
        core.flags |= PRECISION | (isDenormal(math.signExponent, math.mantissa) ? UNDERFLOW : 0);
    }

    /**
     * A result so close to an operand that the hardware returns the operand itself, whatever the rounding mode.
     */
    private void almost(int se, long m) {
        core.set(isNegative(se), exponentOf(se, m), normalised(m), 0);
        finishExact();
    }

    /** Chops to the 67 bits that the hardware has for a logarithm and a quotient. */
    private static Wide chop(Wide value) {
        value.lo &= 0xE000_0000_0000_0000L;
        return value;
    }

    /** Rounds a result that is known to be inexact. */
    private void finish(Wide value) {
        core.set(value.negative, value.exponent, value.hi, value.lo | 1);
        math.finish();
    }

    /** From the last term of a product series to 1 + term or 1 - term: term = (1 +- term) * argument * c. */
    private void nest(long[] table, int index, boolean minus) {
        part.multiplyFractions(argument.hi, argument.lo, table[2 * index], table[2 * index + 1]);
        term.multiplyFractions(term.hi, term.lo, part.hi, part.lo);
        addToTerm(part.hi, part.lo, minus);
    }

    /** The same for a power series: term = (c +- term) * argument. */
    private void nestPower(int index, boolean minus) {
        addToTerm(RECIPROCAL[2 * index], RECIPROCAL[2 * index + 1], minus);
        term.multiplyFractions(term.hi, term.lo, argument.hi, argument.lo);
    }

    /** term = number +- term, as fractions. */
    private void addToTerm(long high, long low, boolean minus) {
        if (minus) {
            long difference = low - term.lo;
            term.hi = high - term.hi - (Long.compareUnsigned(low, term.lo) < 0 ? 1 : 0);
            term.lo = difference;
        } else {
            long sum = low + term.lo;
            term.hi = high + term.hi + (Long.compareUnsigned(sum, low) < 0 ? 1 : 0);
            term.lo = sum;
        }
    }

    private void clearTerm() {
        term.hi = 0;
        term.lo = 0;
    }

    /** The end of a series: to = 1 +- term; a difference from 1 is always below it. */
    private Wide series(Wide to, boolean minus) {
        if (!minus) {
            return to.set(false, 0, INTEGER_BIT | term.hi >>> 1, term.lo >>> 1 | term.hi << 63);
        }
        boolean none = (term.hi | term.lo) == 0;
        return to.set(false, -1, none ? -1 : term.lo == 0 ? -term.hi : ~term.hi, none ? -1 : -term.lo);
    }

    /** FLD1 and the other constants. */
    void constant(int number) {
        if (number == 6) {
            math.result(0, 0);
            return;
        }
        Wide value = CONSTANTS[number];
        math.constant(value.exponent, value.hi, value.lo);
    }

    // Exponential and logarithms

    /** F2XM1: 2^x - 1 for -1 <= x <= 1; other arguments, whose result Intel leaves undefined, come back unchanged. */
    void powerOfTwoMinusOne(int se, long m) {
        if (math.nan(se, m)) {
            return;
        }
        if (isInfinite(se, m)) {
            math.result(isNegative(se) ? SIGN | BIAS : se, m);
            return;
        }
        if (math.denormal(isDenormal(se, m))) {
            return;
        }
        if (isZero(se, m)) {
            math.result(se, m);
            return;
        }
        if ((se & SPECIAL) >= BIAS) {
            math.result(isNegative(se) && (se & SPECIAL) == BIAS && m == INTEGER_BIT ? SIGN | BIAS - 1 : se, m); // 2^-1 - 1
            core.flags |= PRECISION;
            return;
        }
        widen(x, se, m).multiply(LN2_68);
        x.toFraction(argument);
        clearTerm();
        for (int n = EXP_TERMS; n >= 2; n--) {
            nest(RECIPROCAL, n, x.negative);
        }
        finish(x.multiply(series(y, x.negative)));
    }

    /** FYL2X: b * log2(a). */
    void logarithm(int bSe, long b, int aSe, long a) {
        if (math.nan(aSe, a, bSe, b)) {
            return;
        }
        boolean negative = isNegative(bSe);
        boolean bZero = isZero(bSe, b);
        if (isZero(aSe, a)) {
            if (bZero) {
                math.invalid();
            } else if (isInfinite(bSe, b)) {
                infinity(!negative);
            } else {
                core.flags |= ZERO_DIVIDE;
                infinity(!negative);
            }
            return;
        }
        if (isNegative(aSe) || isInfinite(aSe, a) && bZero) {
            math.invalid();
            return;
        }
        boolean one = aSe == BIAS && a == INTEGER_BIT;
        boolean belowOne = (aSe & SPECIAL) < BIAS;
        if (isInfinite(bSe, b) && one) {
            math.invalid();
            return;
        }
        if (math.denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
            return;
        }
        if (isInfinite(aSe, a) || isInfinite(bSe, b)) {
            infinity(negative ^ belowOne);
            return;
        }
        if (bZero || one) {
            math.result(negative ^ belowOne ? SIGN : 0, 0);
            return;
        }
        widen(x, aSe, a);
        logarithm(bSe, b);
    }

    private void infinity(boolean negative) {
        math.result(negative ? SIGN | SPECIAL : SPECIAL, INTEGER_BIT);
    }

    /** b * log2(x) for a positive x other than 1. */
    private void logarithm(int bSe, long b) {
        int power = x.exponent;
        x.exponent = 0;
        if (Long.compareUnsigned(x.hi, SQUARE_ROOT_2) > 0) {
            x.exponent = -1;
            power++;
        }
        y.set(x).add(ONE, false);
        x.add(ONE, true);
        if (x.isZero()) {
            Wide factor = widen(y, bSe, b).multiply(z.setInteger(power));
            core.set(factor.negative, factor.exponent, factor.hi, factor.lo);
            finishExact();
            return;
        }
        logarithmOfQuotient();
        finish(chop(x.add(z.setInteger(power), false)).multiply(widen(y, bSe, b)));
    }

    /** x = log2((1 + x/y) / (1 - x/y)) for x/y of at most 0.172. */
    private void logarithmOfQuotient() {
        x.divide(y);
        y.set(x).multiply(x).toFraction(argument);
        clearTerm();
        for (int n = LOG_TERMS; n >= 1; n--) {
            nestPower(2 * n + 1, false);
        }
        x.multiply(series(y, false)).multiply(TWO_BY_LN2);
    }

    /** FYL2XP1: b * log2(a + 1), accurate for small a. */
    void logarithmPlusOne(int bSe, long b, int aSe, long a) {
        if (math.nan(aSe, a, bSe, b)) {
            return;
        }
        boolean negative = isNegative(aSe) ^ isNegative(bSe);
        boolean aInfinite = isInfinite(aSe, a);
        if (aInfinite && (isNegative(aSe) || isZero(bSe, b)) || isInfinite(bSe, b) && isZero(aSe, a)) {
            math.invalid();
            return;
        }
        if (math.denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
            return;
        }
        if (aInfinite || isInfinite(bSe, b)) {
            infinity(negative);
            return;
        }
        if (isZero(aSe, a) || isZero(bSe, b)) {
            math.result(negative ? SIGN : 0, 0);
            return;
        }
        if (isNegative(aSe) && (aSe & SPECIAL) >= BIAS) {
            math.result(aSe, a); // outside the range that Intel defines
            core.flags |= PRECISION;
            return;
        }
        widen(x, aSe, a);
        if (x.exponent < -2) {
            y.setInteger(2).add(x, false);
            logarithmOfQuotient();
            finish(chop(x).multiply(widen(y, bSe, b)));
        } else {
            x.add(ONE, false);
            logarithm(bSe, b);
        }
    }

    // Trigonometric functions

    /** FPATAN: the angle of the point (a, b), that is atan(b / a) in the quadrant of a and b. */
    void arctangent(int bSe, long b, int aSe, long a) {
        if (math.nan(aSe, a, bSe, b) || math.denormal(isDenormal(aSe, a) || isDenormal(bSe, b))) {
            return;
        }
        boolean negative = isNegative(bSe);
        boolean left = isNegative(aSe);
        boolean aInfinite = isInfinite(aSe, a);
        boolean bInfinite = isInfinite(bSe, b);
        if (aInfinite && bInfinite) {
            x.set(ATAN_16[16]);
        } else if (isZero(bSe, b) || aInfinite) {
            if (!left) {
                math.result(negative ? SIGN : 0, 0);
                return;
            }
            x.set(false, 0, 0, 0);
        } else if (isZero(aSe, a) || bInfinite) {
            x.set(PI).exponent--;
            left = false;
        } else {
            widen(x, bSe & SPECIAL, b);
            widen(y, aSe & SPECIAL, a);
            if (!left && x.exponent - y.exponent < -41) {
                chop(x.divide(y)); // the hardware returns the quotient
                core.set(negative, x.exponent, x.hi, x.lo);
                finishExact();
                return;
            }
            angle();
        }
        if (left) {
            y.set(PI).add(x, true);
            x.set(y);
        }
        x.negative = negative;
        finish(x);
    }

    /** x = atan(x / y) for positive x and y. */
    private void angle() {
        boolean steep = x.exponent > y.exponent || x.exponent == y.exponent && Long.compareUnsigned(x.hi, y.hi) > 0;
        if (steep) {
            chop(z.set(y).divide(x));
        } else {
            chop(z.set(x).divide(y));
        }
        int index = 16;
        if (z.exponent < 0) {
            z.toFraction(argument);
            index = (int) (argument.hi >>> 59) + 1 >>> 1;
        }
        if (index != 0) {
            x.setInteger(index).exponent -= 4;
            y.set(z).multiply(x).add(ONE, false);
            z.add(x, true).divide(y);
        }
        if (z.isZero()) {
            z.set(ATAN_16[index]);
        } else {
            y.set(z).multiply(z).toFraction(argument);
            clearTerm();
            for (int n = ATAN_TERMS; n >= 1; n--) {
                nestPower(2 * n + 1, true);
            }
            z.multiply(series(y, true));
            if (index != 0) {
                z.add(ATAN_16[index], false);
            }
        }
        if (steep) {
            x.set(PI).exponent--;
            x.add(z, true);
        } else {
            x.set(z);
        }
    }

    /** Handles operands that need no computation; true if the result is there. */
    private boolean simpleAngle(int se, long m) {
        if (math.nan(se, m)) {
            return true;
        }
        if (isInfinite(se, m)) {
            math.invalid();
            return true;
        }
        return math.denormal(isDenormal(se, m));
    }

    /** FSIN. */
    void sine(int se, long m) {
        if (simpleAngle(se, m)) {
            return;
        }
        if (isZero(se, m)) {
            math.result(se, m);
            return;
        }
        if ((se & SPECIAL) < SMALLEST_ANGLE) {
            almost(se, m);
            return;
        }
        reduce(se, m);
        y.set(x);
        if ((quadrant & 1) == 0) {
            sineOfReduced();
        } else {
            cosineOfReduced();
        }
        y.negative ^= isNegative(se) ^ (quadrant & 2) != 0;
        finish(y);
    }

    /** FCOS. */
    void cosine(int se, long m) {
        if (simpleAngle(se, m)) {
            return;
        }
        if (isZero(se, m)) {
            math.result(BIAS, INTEGER_BIT);
            return;
        }
        if ((se & SPECIAL) < SMALLEST_ANGLE) {
            almost(BIAS, INTEGER_BIT);
            return;
        }
        reduce(se, m);
        y.set(x);
        if ((quadrant & 1) == 0) {
            cosineOfReduced();
        } else {
            sineOfReduced();
        }
        y.negative ^= (quadrant + 1 & 2) != 0;
        finish(y);
    }

    /** FPTAN. */
    void tangent(int se, long m) {
        if (simpleAngle(se, m)) {
            return;
        }
        if (isZero(se, m)) {
            math.result(se, m);
            return;
        }
        if ((se & SPECIAL) < SMALLEST_ANGLE) {
            almost(se, m);
            return;
        }
        reduce(se, m);
        boolean cotangent = (quadrant & 1) != 0;
        if (x.exponent < -33 && (x.hi << 1 | x.lo) == 0) {
            // The hardware returns a power of two, or its reciprocal, as it is.
            core.set(x.negative ^ isNegative(se) ^ cotangent, cotangent ? -x.exponent : x.exponent, x.hi, 0);
            finishExact();
            return;
        }
        if (x.exponent < -33 && !cotangent) {
            // Other results are rounded as if the tangent were just below its argument.
            x.negative ^= isNegative(se);
            finish(x.add(z.set(x.negative, x.exponent - 100, INTEGER_BIT, 0), true));
            return;
        }
        y.set(x);
        sineOfReduced();
        z.set(y);
        y.set(x);
        cosineOfReduced();
        if (cotangent) {
            y.divide(z).negative ^= true;
            z.set(y);
        } else {
            z.divide(y);
        }
        z.negative ^= isNegative(se);
        finish(z);
    }

    /** x = |argument| - quadrant * pi/2, at most pi/4 in magnitude. */
    private void reduce(int se, long m) {
        widen(x, se & SPECIAL, m);
        quadrant = 0;
        if (x.exponent < -1) {
            return;
        }
        // In units of 2^-65 the argument is m << steps.
        long high = 0;
        long low = m;
        int count = 0;
        for (int steps = x.exponent + 2; steps > 0; steps--) {
            high = high << 1 | low >>> 63;
            low <<= 1;
            count <<= 1;
            if (!belowHalfPi(high, low)) {
                high -= HALF_PI_66_HIGH + (Long.compareUnsigned(low, HALF_PI_66_LOW) < 0 ? 1 : 0);
                low -= HALF_PI_66_LOW;
                count++;
            }
        }
        boolean negative = !belowHalfPi(high << 1 | low >>> 63, low << 1);
        if (negative) {
            high = HALF_PI_66_HIGH - high - (Long.compareUnsigned(HALF_PI_66_LOW, low) < 0 ? 1 : 0);
            low = HALF_PI_66_LOW - low;
            count++;
        }
        quadrant = count & 3;
        x.set(negative, 62, high, low);
    }

    private static boolean belowHalfPi(long high, long low) {
        return high < HALF_PI_66_HIGH || high == HALF_PI_66_HIGH && Long.compareUnsigned(low, HALF_PI_66_LOW) < 0;
    }

    private void squareOfReduced() {
        argument.set(x).multiply(x);
        argument.toFraction(argument);
        clearTerm();
    }

    /** y = sin(x), where y was x. */
    private void sineOfReduced() {
        squareOfReduced();
        for (int k = SINE_TERMS; k >= 1; k--) {
            nest(SINE_STEP, k, true);
        }
        y.multiply(series(part, true));
    }

    /** y = cos(x). */
    private void cosineOfReduced() {
        squareOfReduced();
        for (int k = SINE_TERMS; k >= 1; k--) {
            nest(COSINE_STEP, k, true);
        }
        series(y, true);
    }
}
