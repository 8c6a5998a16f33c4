package monitor.x86.fpu;

import java.math.BigInteger;

/**
 * A number with a significand of 128 bits and an exponent without limits: the working precision of the transcendental
 * functions. value = (hi.lo as a number in [1,2)) * 2^exponent; zero has hi = 0. Results are chopped, with an error of a
 * few units in bit 127. Mutable and reused, so that functions allocate nothing.
 */
final class Wide {
    boolean negative;
    int exponent;
    long hi;
    long lo;

    Wide() {
    }

    /** numerator / 2^scale, chopped to 128 bits. */
    Wide(BigInteger numerator, int scale) {
        int excess = numerator.bitLength() - 128;
        BigInteger significand = numerator.shiftRight(excess);
        hi = significand.shiftRight(64).longValue();
        lo = significand.longValue();
        exponent = excess + 127 - scale;
    }

    Wide set(boolean sign, int power, long high, long low) {
        negative = sign;
        exponent = power;
        hi = high;
        lo = low;
        normalise();
        return this;
    }

    Wide set(Wide other) {
        negative = other.negative;
        exponent = other.exponent;
        hi = other.hi;
        lo = other.lo;
        return this;
    }

    Wide setInteger(int value) {
        return set(value < 0, 63, Math.abs((long) value), 0);
    }

    boolean isZero() {
        return hi == 0;
    }

    private void normalise() {
        if (hi == 0) {
            if (lo == 0) {
                return;
            }
            hi = lo;
            lo = 0;
            exponent -= 64;
        }
        int shift = Long.numberOfLeadingZeros(hi);
        if (shift != 0) {
            hi = hi << shift | lo >>> -shift;
            lo <<= shift;
            exponent -= shift;
        }
    }

    /** this = this + other, or this - other. */
    Wide add(Wide other, boolean subtract) {
        boolean sign = other.negative ^ subtract;
        if (other.hi == 0) {
            return this;
        }
        if (hi == 0) {
            set(other);
            negative = sign;
            return this;
        }
        long aHi = hi;
        long aLo = lo;
        long bHi = other.hi;
        long bLo = other.lo;
        int distance = exponent - other.exponent;
        boolean result = negative;
        boolean same = negative == sign;
        if (distance < 0 || distance == 0 && below(aHi, aLo, bHi, bLo)) {
            long t = aHi;
            aHi = bHi;
            bHi = t;
            t = aLo;
            aLo = bLo;
            bLo = t;
            distance = -distance;
            exponent = other.exponent;
            result = sign;
        }
        if (distance >= 128) {
            bHi = 0;
            bLo = 0;
        } else if (distance >= 64) {
            bLo = bHi >>> distance - 64;
            bHi = 0;
        } else if (distance > 0) {
            bLo = bHi << -distance | bLo >>> distance;
            bHi >>>= distance;
        }
        negative = result;
        if (same) {
            lo = aLo + bLo;
            long carry = Long.compareUnsigned(lo, aLo) < 0 ? 1 : 0;
            hi = aHi + bHi + carry;
            if (Long.compareUnsigned(hi, aHi) < 0 || hi == aHi && bHi + carry != 0) {
                lo = lo >>> 1 | hi << 63;
                hi = hi >>> 1 | FloatCore.INTEGER_BIT;
                exponent++;
            }
        } else {
            lo = aLo - bLo;
            hi = aHi - bHi - (Long.compareUnsigned(aLo, bLo) < 0 ? 1 : 0);
            normalise();
        }
        return this;
    }

    private static boolean below(long aHi, long aLo, long bHi, long bLo) {
        int order = Long.compareUnsigned(aHi, bHi);
        return order < 0 || order == 0 && Long.compareUnsigned(aLo, bLo) < 0;
    }

    /** this = this * other. */
    Wide multiply(Wide other) {
        negative ^= other.negative;
        exponent += other.exponent + 1;
        multiplyFractions(hi, lo, other.hi, other.lo);
        if (hi > 0) {
            hi = hi << 1 | lo >>> 63;
            lo <<= 1;
            exponent--;
        }
        return this;
    }

    /** hi.lo = the upper 128 bits of a product of two 128-bit fractions (the lowest carries are dropped). */
    void multiplyFractions(long aHi, long aLo, long bHi, long bLo) {
        long high = FloatCore.multiplyHigh(aHi, bHi);
        long low = aHi * bHi;
        long x = FloatCore.multiplyHigh(aHi, bLo);
        long y = FloatCore.multiplyHigh(aLo, bHi);
        low += x;
        if (Long.compareUnsigned(low, x) < 0) {
            high++;
        }
        low += y;
        if (Long.compareUnsigned(low, y) < 0) {
            high++;
        }
        hi = high;
        lo = low;
    }

    /** this = this / other; other is not zero. */
    Wide divide(Wide other) {
        negative ^= other.negative;
        exponent -= other.exponent;
        if (hi == 0) {
            return this;
        }
        if (!below(hi, lo, other.hi, other.lo)) {
            lo = lo >>> 1 | hi << 63;
            hi >>>= 1;
        } else {
            exponent--;
        }
        long first = digit(other.hi, other.lo);
        long second = digit(other.hi, other.lo);
        hi = first;
        lo = second;
        return this;
    }

    /** The next 64 bits of hi.lo / dHi.dLo; hi.lo becomes the remainder. */
    private long digit(long dHi, long dLo) {
        long q = Long.compareUnsigned(hi, dHi) >= 0 ? -1 : FloatCore.divideWide(hi, lo, dHi);
        // remainder = hi.lo.0 - q * d, in 192 bits of which the upper tells whether q was too large
        long r0 = -(q * dLo);
        long borrow = r0 != 0 ? 1 : 0;
        long mid = q * dHi;
        long midHigh = FloatCore.multiplyHigh(q, dHi);
        long add = FloatCore.multiplyHigh(q, dLo) + borrow; // cannot wrap: the high half of a product is below 2^64 - 1
        mid += add;
        if (Long.compareUnsigned(mid, add) < 0) {
            midHigh++;
        }
        long r1 = lo - mid;
        long top = hi - midHigh - (Long.compareUnsigned(lo, mid) < 0 ? 1 : 0);
        while (top < 0) {
            q--;
            r0 += dLo;
            long carry = Long.compareUnsigned(r0, dLo) < 0 ? 1 : 0;
            long sum = r1 + dHi;
            if (Long.compareUnsigned(sum, r1) < 0) {
                top++;
            }
            r1 = sum + carry;
            if (carry != 0 && r1 == 0) {
                top++;
            }
        }
        hi = r1;
        lo = r0;
        return q;
    }

    /** The magnitude as a fraction of 2^128 in target.hi.lo; the value must be below 1. */
    void toFraction(Wide target) {
        int shift = -1 - exponent;
        if (hi == 0 || shift >= 128) {
            target.hi = 0;
            target.lo = 0;
        } else if (shift >= 64) {
            target.lo = hi >>> shift - 64;
            target.hi = 0;
        } else if (shift > 0) {
            target.lo = lo >>> shift | hi << -shift;
            target.hi = hi >>> shift;
        } else {
            target.lo = lo;
            target.hi = hi;
        }
    }
}
