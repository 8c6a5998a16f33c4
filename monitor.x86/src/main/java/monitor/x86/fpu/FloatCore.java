package monitor.x86.fpu;

/**
 * Exact binary arithmetic and the one place that rounds. An operation leaves its exact result in {@link #negative},
 * {@link #exponent}, {@link #hi} and {@link #lo}: value = (hi.lo as a number in [1,2)) * 2^exponent, where the integer bit
 * is bit 63 of hi, and bit 0 of lo is sticky (set when anything non-zero lies below). {@link #round} then brings it into a
 * format, with the masked or the unmasked response to overflow and underflow ([SDM] 1, 4.9.1 and 8.5).
 *
 * <p>Mutable and reused, so that arithmetic allocates nothing.
 */
final class FloatCore {
    /** Exception flags, in the positions of the x87 status word and of MXCSR ([SDM] 1, 8.1.3 and 10.2.3). */
    static final int INVALID = 0x01;
    static final int DENORMAL = 0x02;
    static final int ZERO_DIVIDE = 0x04;
    static final int OVERFLOW = 0x08;
    static final int UNDERFLOW = 0x10;
    static final int PRECISION = 0x20;

    /** Rounding modes, in the encoding that the control word and MXCSR share ([SDM] 1, 4.8.4). */
    static final int NEAREST = 0;
    static final int DOWN = 1;
    static final int UP = 2;
    static final int CHOP = 3;

    static final long INTEGER_BIT = Long.MIN_VALUE;

    int rounding;
    /** The exceptions that are masked, as flag bits. */
    int masked = 0x3F;
    /** MXCSR.FTZ: a tiny result becomes zero where underflow is masked. */
    boolean flushToZero;

    boolean negative;
    int exponent;
    long hi;
    long lo;

    int flags;
    /** The last rounding went away from zero (C1 of the x87). */
    boolean roundedUp;

    void set(boolean negative, int exponent, long hi, long lo) {
        this.negative = negative;
        this.exponent = exponent;
        this.hi = hi;
        this.lo = lo;
    }

    /** a + b for normalised significands. An exact zero leaves hi = 0 with the sign that the rounding mode asks for. */
    void add(boolean aNegative, int aExponent, long a, boolean bNegative, int bExponent, long b) {
        int distance = aExponent - bExponent;
        if (distance < 0 || distance == 0 && Long.compareUnsigned(a, b) < 0) {
            long m = a;
            a = b;
            b = m;
            boolean n = aNegative;
            aNegative = bNegative;
            bNegative = n;
            aExponent = bExponent;
            distance = -distance;
        }
        long bHi;
        long bLo;
        if (distance == 0) {
            bHi = b;
            bLo = 0;
        } else if (distance < 64) {
            bHi = b >>> distance;
            bLo = b << -distance;
        } else {
            bHi = 0;
            bLo = distance == 64 ? b : distance > 126 ? 1 : b >>> distance | (b << -distance != 0 ? 1 : 0);
        }
        negative = aNegative;
        if (aNegative == bNegative) {
            long sum = a + bHi;
            if (Long.compareUnsigned(sum, a) < 0) {
                bLo = sum << 63 | bLo >>> 1 | bLo & 1;
                sum = sum >>> 1 | INTEGER_BIT;
                aExponent++;
            }
            hi = sum;
            lo = bLo;
            exponent = aExponent;
            return;
        }
        hi = a - bHi - (bLo != 0 ? 1 : 0);
        lo = -bLo;
        exponent = aExponent;
        if (hi < 0) {
            return;
        }
        if ((hi | lo) == 0) {
            negative = rounding == DOWN;
            return;
        }
        normalise();
    }

    /** Shifts hi.lo left until the integer bit is set; hi.lo must not be zero. */
    void normalise() {
        if (hi == 0) {
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

    /** a * b for normalised significands. */
    void multiply(boolean sign, int aExponent, long a, int bExponent, long b) {
        negative = sign;
        exponent = aExponent + bExponent + 1;
        long h = multiplyHigh(a, b);
        long l = a * b;
        if (h >= 0) {
            h = h << 1 | l >>> 63;
            l <<= 1;
            exponent--;
        }
        hi = h;
        lo = l;
    }

    /** a / b for normalised significands. */
    void divide(boolean sign, int aExponent, long a, int bExponent, long b) {
        negative = sign;
        exponent = aExponent - bExponent;
        long high = a;
        long low = 0;
        if (Long.compareUnsigned(a, b) >= 0) {
            high = a >>> 1;
            low = a << 63;
        } else {
            exponent--;
        }
        long quotient = divideWide(high, low, b);
        long rest = low - quotient * b;
        // One more bit of the quotient, and whether anything remains.
        boolean half = rest < 0 || Long.compareUnsigned(rest << 1, b) >= 0;
        long beyond = (rest << 1) - (half ? b : 0);
        hi = quotient;
        lo = (half ? INTEGER_BIT : 0) | (beyond != 0 ? 1 : 0);
    }

    /** The square root of a positive value with a normalised significand. */
    void squareRoot(int aExponent, long a) {
        negative = false;
        exponent = aExponent >> 1;
        long nHi = a;
        long nLo = 0;
        if ((aExponent & 1) == 0) {
            nHi = a >>> 1;
            nLo = a << 63;
        }
        // A double gives 53 bits; one Newton step in double for the rest leaves an error of at most a few units.
        double estimate = Math.sqrt((nHi >>> 1) * 0x1p65);
        long root = (long) (estimate * 0.5) << 1;
        long restHi = nHi - multiplyHigh(root, root);
        long square = root * root;
        if (Long.compareUnsigned(nLo, square) < 0) {
            restHi--;
        }
        double rest = restHi * 0x1p64 + ((nLo - square) >>> 1) * 2.0;
        long step = (long) (rest / (2 * estimate));
        root = step > 0 && Long.compareUnsigned(root + step, root) < 0 ? -1 : root + step;
        while (true) {
            square = root * root;
            restHi = nHi - multiplyHigh(root, root) - (Long.compareUnsigned(nLo, square) < 0 ? 1 : 0);
            if (restHi < 0) {
                root--;
            } else if (restHi > 1 || restHi == 1 && Long.compareUnsigned(nLo - square, root << 1) > 0) {
                root++; // the rest is above 2 * root, which has 65 bits
            } else {
                break;
            }
        }
        long restLo = nLo - square;
        hi = root;
        lo = (restHi == 1 || Long.compareUnsigned(restLo, root) > 0 ? INTEGER_BIT : 0) | ((restLo | restHi) != 0 ? 1 : 0);
    }

    /**
     * Rounds to a significand of 64 - drop bits and to the exponents minExponent..maxExponent. Leaves the significand in
     * hi (integer bit clear: denormal or zero, with minExponent) and the exponent; infinity has maxExponent + 1. Adds to
     * flags. wrap is what an unmasked overflow or underflow takes from or adds to the exponent; 0 where there is no result then.
     */
    void round(int drop, int minExponent, int maxExponent, int wrap) {
        long exactHi = hi;
        long exactLo = lo;
        int exactExponent = exponent;
        boolean inexact = roundSignificand(drop);
        if (exponent < minExponent) {
            underflow(drop, minExponent, wrap, inexact, exactExponent, exactHi, exactLo);
        } else if (exponent > maxExponent) {
            overflow(drop, maxExponent, wrap, inexact);
        } else if (inexact) {
            flags |= PRECISION;
        }
    }

    /** Rounds hi.lo to 64 - drop bits as if the exponent had no limits; true if anything was lost. */
    private boolean roundSignificand(int drop) {
        long half;
        long below;
        long mask;
        if (drop == 0) {
            half = lo & INTEGER_BIT;
            below = lo << 1;
            mask = 0;
        } else {
            half = hi & 1L << drop - 1;
            mask = (1L << drop) - 1;
            below = hi & mask >>> 1 | lo;
        }
        lo = 0;
        roundedUp = false;
        if ((half | below) == 0) {
            return false;
        }
        hi &= ~mask;
        if (switch (rounding) {
            case NEAREST -> half != 0 && (below != 0 || (hi & mask + 1) != 0);
            case DOWN -> negative;
            case UP -> !negative;
            default -> false;
        }) {
            roundedUp = true;
            boolean wasNormal = hi < 0;
            hi += mask + 1;
            if (wasNormal && hi >= 0) {
                hi = INTEGER_BIT;
                exponent++;
            }
        }
        return true;
    }

    /**
     * The magnitude of a value as an integer, rounded; the value is below 2^64. Adds PRECISION to flags if it was not one.
     */
    long roundToInteger(boolean sign, int valueExponent, long significand) {
        set(sign, valueExponent, significand, 0);
        shiftRight(63 - valueExponent);
        if (roundSignificand(0)) {
            flags |= PRECISION;
        }
        return hi;
    }

    private void overflow(int drop, int maxExponent, int wrap, boolean inexact) {
        if ((masked & OVERFLOW) == 0) {
            flags |= OVERFLOW | (inexact ? PRECISION : 0);
            exponent -= wrap;
            if (wrap != 0 && exponent > maxExponent) {
                infinity(maxExponent); // only FSCALE goes that far
                flags |= PRECISION;
                roundedUp = true;
            }
            return;
        }
        flags |= OVERFLOW | PRECISION;
        roundedUp = rounding == NEAREST || rounding == (negative ? DOWN : UP);
        if (roundedUp) {
            infinity(maxExponent);
        } else {
            hi = -1L << drop;
            exponent = maxExponent;
        }
    }

    private void infinity(int maxExponent) {
        hi = INTEGER_BIT;
        exponent = maxExponent + 1;
    }

    /** The value is tiny even after rounding: that, not loss of accuracy alone, is what Intel calls underflow. */
    private void underflow(int drop, int minExponent, int wrap, boolean inexact, int exactExponent, long exactHi, long exactLo) {
        if ((masked & UNDERFLOW) == 0) {
            flags |= UNDERFLOW | (inexact ? PRECISION : 0);
            exponent += wrap;
            if (wrap != 0 && exponent < minExponent) {
                hi = 0; // only FSCALE goes that far
                exponent = minExponent;
                flags |= PRECISION;
                roundedUp = false;
            }
            return;
        }
        if (flushToZero) {
            flags |= UNDERFLOW | PRECISION;
            hi = 0;
            exponent = minExponent;
            return;
        }
        hi = exactHi;
        lo = exactLo;
        shiftRight(minExponent - exactExponent);
        exponent = minExponent;
        if (roundSignificand(drop)) {
            flags |= UNDERFLOW | PRECISION;
        }
    }

    /** Shifts hi.lo right by a positive distance, keeping what falls out as sticky. */
    void shiftRight(int distance) {
        if (distance >= 128) {
            lo = (hi | lo) != 0 ? 1 : 0;
            hi = 0;
        } else if (distance >= 64) {
            long out = lo | (distance == 64 ? 0 : hi << -distance);
            lo = (distance == 64 ? hi : hi >>> distance) | (out != 0 ? 1 : 0);
            hi = 0;
        } else if (distance > 0) {
            long out = lo << -distance;
            lo = hi << -distance | lo >>> distance | (out != 0 ? 1 : 0);
            hi >>>= distance;
        }
    }

    /** The high 64 bits of the unsigned product. */
    static long multiplyHigh(long a, long b) {
        return Math.multiplyHigh(a, b) + (a >> 63 & b) + (b >> 63 & a);
    }

    /** The quotient of the unsigned 128-bit number high.low by a divisor that has bit 63 set and is above high. */
    static long divideWide(long high, long low, long divisor) {
        long dHi = divisor >>> 32;
        long dLo = divisor & 0xFFFFFFFFL;
        long q1 = quotientDigit(high, low >>> 32, dHi, dLo);
        long rest = (high << 32 | low >>> 32) - q1 * divisor;
        long q0 = quotientDigit(rest, low & 0xFFFFFFFFL, dHi, dLo);
        return q1 << 32 | q0;
    }

    /** One 32-bit digit of a quotient, corrected as in Knuth's algorithm D. */
    private static long quotientDigit(long high, long next, long dHi, long dLo) {
        long digit = Long.divideUnsigned(high, dHi);
        long rest = high - digit * dHi;
        while (digit >>> 32 != 0 || Long.compareUnsigned(digit * dLo, rest << 32 | next) > 0) {
            digit--;
            rest += dHi;
            if (rest >>> 32 != 0) {
                break;
            }
        }
        return digit;
    }
}
