package monitor.x86.hostcpu;

import java.util.Random;

/** Random values with a taste for corners: limits, single bits, and all classes of floating-point numbers. */
final class Values {

    private static final int[] INTS = {0, 1, -1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, Integer.MAX_VALUE, Integer.MIN_VALUE,
        0x80000001, 0xffffff80, 0xffff8000, 0x55555555, 0xaaaaaaaa, 0x80808080, 0x7f7f7f7f, 0x80008000, 0x7fff7fff, 0x00ff00ff, 0x01010101};
    private static final int[] FLOATS = {0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x800000, 0x800001, 0x3f800000, 0xbf800000, 0x3f7fffff, 0x3f800001, 0x7f7fffff,
        0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffbfffff, 0x7fffffff, 0x4f000000, 0xcf000000, 0x4effffff, 0x3f000000,
        0x40000000, 0x40200000, 0x4b000000, 0x7fc12345, 0x7f812345, 0x1f800000, 0x5f800000};
    private static final long[] DOUBLES = {0, 1L << 63, 1, 0x8000000000000001L, 0xfffffffffffffL, 0x10000000000000L, 0x10000000000001L, 0x3ff0000000000000L,
        0xbff0000000000000L, 0x3fefffffffffffffL, 0x3ff0000000000001L, 0x7fefffffffffffffL, 0xffefffffffffffffL, 0x7ff0000000000000L, 0xfff0000000000000L,
        0x7ff8000000000000L, 0xfff8000000000000L, 0x7ff0000000000001L, 0xfff7ffffffffffffL, 0x41e0000000000000L, 0xc1e0000000000000L, 0x41dfffffffc00000L,
        0x41dfffffffe00000L, 0xc1e0000000100000L, 0x3fe0000000000000L, 0x4004000000000000L, 0x4340000000000000L, 0x47efffffe0000000L, 0x47efffffefffffffL,
        0x47effffff0000000L, 0x36a0000000000000L, 0x3690000000000000L, 0x380fffffe0000000L, 0x380fffffffffffffL, 0x43e0000000000000L, 0x7ff8123456789abcL};
    /** Sign and exponent, significand: every class of [SDM] 1 tables 4-3 and 8-3, with and without the integer bit. */
    private static final int[] EXPONENTS = {0, 0, 1, 2, 0x3fff, 0x3fff, 0x3ffe, 0x4000, 0x7ffe, 0x7fff, 0x7fff, 0x7fff, 0x401d, 0x401e, 0x403d, 0x403e, 0x3c01, 0x43fe, 0x3f81, 0x407e,
        0x3fff - 64, 0x3fff + 64, 0x400d, 0x400e};
    private static final long[] SIGNIFICANDS = {0, 1L << 63, 1L << 62, 3L << 62, 1, (1L << 63) | 1, -1L, Long.MAX_VALUE, 0xffffff8000000000L, 0xfffffffffffff800L, 0xfffffffffffffc00L,
        0x8000008000000000L, 0x8000000000000400L, 0xc90fdaa22168c235L, 0xb504f333f9de6484L, 0xa000000000000000L, 0x8000000000000800L, 0xfffffffffffffffeL};

    final Random random;

    Values(Random random) {
        this.random = random;
    }

    boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    int integer() {
        return switch (random.nextInt(6)) {
            case 0, 1 -> INTS[random.nextInt(INTS.length)];
            case 2 -> random.nextInt(64) - 16;
            case 3 -> (1 << random.nextInt(32)) - random.nextInt(2);
            default -> random.nextInt();
        };
    }

    int single() {
        return switch (random.nextInt(6)) {
            case 0, 1 -> FLOATS[random.nextInt(FLOATS.length)];
            case 2 -> Float.floatToRawIntBits(random.nextInt(2001) - 1000);
            case 3 -> random.nextInt() & 0x807fffff | 127 + random.nextInt(24) - 12 << 23;
            case 4 -> random.nextInt() & 0x807fffff | random.nextInt(256) << 23;
            default -> Float.floatToRawIntBits((random.nextInt(20001) - 10000) / 8f);
        };
    }

    long dbl() {
        return switch (random.nextInt(6)) {
            case 0, 1 -> DOUBLES[random.nextInt(DOUBLES.length)];
            case 2 -> Double.doubleToRawLongBits(random.nextInt(2001) - 1000);
            case 3 -> random.nextLong() & 0x800fffffffffffffL | (long) (1023 + random.nextInt(40) - 20) << 52;
            case 4 -> random.nextLong() & 0x800fffffffffffffL | (long) random.nextInt(2048) << 52;
            default -> Double.doubleToRawLongBits(Float.intBitsToFloat(single()));
        };
    }

    /** Sign and exponent of an extended value. */
    int exponent() {
        int sign = random.nextInt(2) << 15;
        return sign | switch (random.nextInt(4)) {
            case 0 -> EXPONENTS[random.nextInt(EXPONENTS.length)];
            case 1 -> 0x3fff + random.nextInt(20) - 10;
            case 2 -> 0x3fff + random.nextInt(140) - 70;
            default -> random.nextInt(0x8000);
        };
    }

    /** Significand of an extended value; the integer bit is mostly that of a normal number. */
    long significand(int exponent) {
        long s = switch (random.nextInt(4)) {
            case 0, 1 -> SIGNIFICANDS[random.nextInt(SIGNIFICANDS.length)];
            case 2 -> random.nextLong() << random.nextInt(64);
            default -> random.nextLong();
        };
        if (!oneIn(10)) {
            s = (exponent & 0x7fff) == 0 ? s & Long.MAX_VALUE : s | 1L << 63;
        }
        return s;
    }

    long bcd() {
        long digits = 0;
        for (int i = 0; i < 16; i++) {
            digits = digits << 4 | random.nextInt(10);
        }
        return digits;
    }
}
