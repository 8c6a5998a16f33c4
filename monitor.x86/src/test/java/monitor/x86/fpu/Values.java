package monitor.x86.fpu;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/** Random operands of which many are special: zeros, infinities, NaNs, denormals, edges of ranges, few or many bits. */
final class Values {
    private Values() {
    }

    /** A significand without its integer bit, of the given width: random, sparse, or runs of ones. */
    static long fraction(SplittableRandom random, int bits) {
        long mask = bits == 64 ? -1 : (1L << bits) - 1;
        long any = random.nextLong();
        return mask & switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> 1;
            case 2 -> -1;
            case 3 -> any << random.nextInt(bits);
            case 4 -> any >>> random.nextInt(64);
            case 6 -> 0x490F_DAA2_2168_C235L >>> 63 - bits; // pi and its parts
            case 5 -> -1L << random.nextInt(bits) ^ (random.nextBoolean() ? 1L << random.nextInt(bits) : 0);
            default -> any;
        };
    }

    static int exponent(SplittableRandom random, int special) {
        int bias = special >> 1;
        return switch (random.nextInt(16)) {
            case 0 -> 0;
            case 1 -> special;
            case 2 -> 1 + random.nextInt(70) % (special - 1);
            case 3 -> special - 1 - random.nextInt(70) % (special - 1);
            case 4 -> random.nextInt(special + 1);
            case 5, 6, 7 -> bias - 40 + random.nextInt(120);
            case 8 -> (bias >> 1) + random.nextInt(16);
            default -> bias - 4 + random.nextInt(9);
        };
    }

    static int single(SplittableRandom random) {
        if (random.nextInt(10) == 0) {
            return Float.floatToRawIntBits(random.nextInt(-100, 100));
        }
        return random.nextInt() & 0x8000_0000 | (exponent(random, 0xFF) & 0xFF) << 23 | (int) fraction(random, 23);
    }

    static long doubled(SplittableRandom random) {
        if (random.nextInt(10) == 0) {
            return Double.doubleToRawLongBits(random.nextInt(-100, 100));
        }
        return random.nextLong() & Long.MIN_VALUE | (long) exponent(random, 0x7FF) << 52 | fraction(random, 52);
    }

    /** An extended value into 16 bytes: significand, then sign and exponent. */
    static void extended(SplittableRandom random, ByteBuffer to, int at) {
        int exponent = exponent(random, 0x7FFF);
        long significand = fraction(random, 63);
        if (exponent != 0 ? random.nextInt(50) != 0 : random.nextInt(6) == 0) {
            significand |= Long.MIN_VALUE;
        }
        if (random.nextInt(8) == 0) {
            // one that came from a double
            significand &= -1L << 11;
        }
        to.putLong(at, significand).putLong(at + 8, exponent | random.nextInt() & 0x8000);
    }

    /** A memory operand of any kind. */
    static void memory(SplittableRandom random, ByteBuffer to, int at) {
        for (int i = 0; i < 128; i += 8) {
            to.putLong(at + i, random.nextLong());
        }
        switch (random.nextInt(4)) {
            case 0 -> to.putInt(at, single(random));
            case 1 -> to.putLong(at, doubled(random));
            case 2 -> extended(random, to, at);
            default -> to.putLong(at, random.nextInt(3) == 0 ? random.nextInt(-3, 4) : random.nextLong() >> random.nextInt(64));
        }
    }
}
