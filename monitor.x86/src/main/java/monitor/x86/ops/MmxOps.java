package monitor.x86.ops;

import monitor.x86.cpu.Cpu;
import monitor.x86.ops.Operation.Shape;

/**
 * Packed integers in MMX and XMM registers. Source: [SDM] 2, by mnemonic. Operations whose elements stay in their 64 bits
 * work on one half at a time; the others get a whole register and its width.
 */
public final class MmxOps {
    private static final long BYTES_TOP = 0x8080_8080_8080_8080L;
    private static final long WORDS_TOP = 0x8000_8000_8000_8000L;
    private static final long DWORDS_TOP = 0x8000_0000_8000_0000L;
    private static final long LOW_DWORD = 0xFFFF_FFFFL;

    private MmxOps() {}

    // ---- logic

    @Operation(value = "pand", shape = Shape.LANE)
    public static long pand(Cpu cpu, long dst, long src) { return dst & src; }

    @Operation(value = "pandn", shape = Shape.LANE)
    public static long pandn(Cpu cpu, long dst, long src) { return ~dst & src; }

    @Operation(value = "por", shape = Shape.LANE)
    public static long por(Cpu cpu, long dst, long src) { return dst | src; }

    @Operation(value = "pxor", shape = Shape.LANE)
    public static long pxor(Cpu cpu, long dst, long src) { return dst ^ src; }

    // ---- addition and subtraction: the top bits of the elements apart, so that no carry crosses

    private static long add(long a, long b, long tops) { return (a & ~tops) + (b & ~tops) ^ (a ^ b) & tops; }

    private static long subtract(long a, long b, long tops) { return (a | tops) - (b & ~tops) ^ (a ^ ~b) & tops; }

    @Operation(value = "paddb", shape = Shape.LANE)
    public static long paddb(Cpu cpu, long dst, long src) { return add(dst, src, BYTES_TOP); }

    @Operation(value = "paddw", shape = Shape.LANE)
    public static long paddw(Cpu cpu, long dst, long src) { return add(dst, src, WORDS_TOP); }

    @Operation(value = "paddd", shape = Shape.LANE)
    public static long paddd(Cpu cpu, long dst, long src) { return add(dst, src, DWORDS_TOP); }

    @Operation(value = "paddq", shape = Shape.LANE)
    public static long paddq(Cpu cpu, long dst, long src) { return dst + src; }

    @Operation(value = "psubb", shape = Shape.LANE)
    public static long psubb(Cpu cpu, long dst, long src) { return subtract(dst, src, BYTES_TOP); }

    @Operation(value = "psubw", shape = Shape.LANE)
    public static long psubw(Cpu cpu, long dst, long src) { return subtract(dst, src, WORDS_TOP); }

    @Operation(value = "psubd", shape = Shape.LANE)
    public static long psubd(Cpu cpu, long dst, long src) { return subtract(dst, src, DWORDS_TOP); }

    @Operation(value = "psubq", shape = Shape.LANE)
    public static long psubq(Cpu cpu, long dst, long src) { return dst - src; }

    // ---- with saturation

    private static int unsigned8(long v, int at) { return (int) (v >>> at) & 0xFF; }

    private static int unsigned16(long v, int at) { return (int) (v >>> at) & 0xFFFF; }

    private static int signed8(long v, int at) { return (byte) (v >>> at); }

    private static int signed16(long v, int at) { return (short) (v >>> at); }

    private static int clamp(int v, int low, int high) { return Math.max(low, Math.min(high, v)); }

    private static long toSigned8(int v) { return clamp(v, -0x80, 0x7F) & 0xFFL; }

    private static long toUnsigned8(int v) { return clamp(v, 0, 0xFF); }

    private static long toSigned16(int v) { return clamp(v, -0x8000, 0x7FFF) & 0xFFFFL; }

    private static long toUnsigned16(int v) { return clamp(v, 0, 0xFFFF); }

    @Operation(value = "paddsb", shape = Shape.LANE)
    public static long paddsb(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= toSigned8(signed8(dst, at) + signed8(src, at)) << at;
        return r;
    }

    @Operation(value = "paddsw", shape = Shape.LANE)
    public static long paddsw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= toSigned16(signed16(dst, at) + signed16(src, at)) << at;
        return r;
    }

    @Operation(value = "paddusb", shape = Shape.LANE)
    public static long paddusb(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= toUnsigned8(unsigned8(dst, at) + unsigned8(src, at)) << at;
        return r;
    }

    @Operation(value = "paddusw", shape = Shape.LANE)
    public static long paddusw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= toUnsigned16(unsigned16(dst, at) + unsigned16(src, at)) << at;
        return r;
    }

    @Operation(value = "psubsb", shape = Shape.LANE)
    public static long psubsb(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= toSigned8(signed8(dst, at) - signed8(src, at)) << at;
        return r;
    }

    @Operation(value = "psubsw", shape = Shape.LANE)
    public static long psubsw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= toSigned16(signed16(dst, at) - signed16(src, at)) << at;
        return r;
    }

    @Operation(value = "psubusb", shape = Shape.LANE)
    public static long psubusb(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= toUnsigned8(unsigned8(dst, at) - unsigned8(src, at)) << at;
        return r;
    }

    @Operation(value = "psubusw", shape = Shape.LANE)
    public static long psubusw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= toUnsigned16(unsigned16(dst, at) - unsigned16(src, at)) << at;
        return r;
    }

    // ---- comparison, minimum, maximum, average

    @Operation(value = "pcmpeqb", shape = Shape.LANE)
    public static long pcmpeqb(Cpu cpu, long dst, long src) {
        // A byte of the difference is zero where its low bits do not carry into the top bit and the top bit is clear.
        long difference = dst ^ src;
        long tops = ~((difference & ~BYTES_TOP) + ~BYTES_TOP | difference) & BYTES_TOP;
        return (tops >>> 7) * 0xFF;
    }

    @Operation(value = "pcmpeqw", shape = Shape.LANE)
    public static long pcmpeqw(Cpu cpu, long dst, long src) {
        long difference = dst ^ src;
        long tops = ~((difference & ~WORDS_TOP) + ~WORDS_TOP | difference) & WORDS_TOP;
        return (tops >>> 15) * 0xFFFF;
    }

    @Operation(value = "pcmpeqd", shape = Shape.LANE)
    public static long pcmpeqd(Cpu cpu, long dst, long src) {
        return ((int) dst == (int) src ? LOW_DWORD : 0) | (dst >>> 32 == src >>> 32 ? ~LOW_DWORD : 0);
    }

    @Operation(value = "pcmpgtb", shape = Shape.LANE)
    public static long pcmpgtb(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= signed8(dst, at) > signed8(src, at) ? 0xFFL << at : 0;
        return r;
    }

    @Operation(value = "pcmpgtw", shape = Shape.LANE)
    public static long pcmpgtw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= signed16(dst, at) > signed16(src, at) ? 0xFFFFL << at : 0;
        return r;
    }

    @Operation(value = "pcmpgtd", shape = Shape.LANE)
    public static long pcmpgtd(Cpu cpu, long dst, long src) {
        return ((int) dst > (int) src ? LOW_DWORD : 0) | (dst >> 32 > src >> 32 ? ~LOW_DWORD : 0);
    }

    @Operation(value = "pminub", shape = Shape.LANE)
    public static long pminub(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= (long) Math.min(unsigned8(dst, at), unsigned8(src, at)) << at;
        return r;
    }

    @Operation(value = "pmaxub", shape = Shape.LANE)
    public static long pmaxub(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= (long) Math.max(unsigned8(dst, at), unsigned8(src, at)) << at;
        return r;
    }

    @Operation(value = "pminsw", shape = Shape.LANE)
    public static long pminsw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= (Math.min(signed16(dst, at), signed16(src, at)) & 0xFFFFL) << at;
        return r;
    }

    @Operation(value = "pmaxsw", shape = Shape.LANE)
    public static long pmaxsw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= (Math.max(signed16(dst, at), signed16(src, at)) & 0xFFFFL) << at;
        return r;
    }

    @Operation(value = "pavgb", shape = Shape.LANE)
    public static long pavgb(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) r |= (long) (unsigned8(dst, at) + unsigned8(src, at) + 1 >> 1) << at;
        return r;
    }

    @Operation(value = "pavgw", shape = Shape.LANE)
    public static long pavgw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= (long) (unsigned16(dst, at) + unsigned16(src, at) + 1 >> 1) << at;
        return r;
    }

    @Operation(value = "psadbw", shape = Shape.LANE)
    public static long psadbw(Cpu cpu, long dst, long src) {
        long sum = 0;
        for (int at = 0; at < 64; at += 8) sum += Math.abs(unsigned8(dst, at) - unsigned8(src, at));
        return sum;
    }

    // ---- multiplication

    @Operation(value = "pmullw", shape = Shape.LANE)
    public static long pmullw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= (signed16(dst, at) * signed16(src, at) & 0xFFFFL) << at;
        return r;
    }

    @Operation(value = "pmulhw", shape = Shape.LANE)
    public static long pmulhw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= (signed16(dst, at) * signed16(src, at) >> 16 & 0xFFFFL) << at;
        return r;
    }

    @Operation(value = "pmulhuw", shape = Shape.LANE)
    public static long pmulhuw(Cpu cpu, long dst, long src) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= (long) (unsigned16(dst, at) * unsigned16(src, at) >>> 16) << at;
        return r;
    }

    @Operation(value = "pmuludq", shape = Shape.LANE)
    public static long pmuludq(Cpu cpu, long dst, long src) { return (dst & LOW_DWORD) * (src & LOW_DWORD); }

    @Operation(value = "pmaddwd", shape = Shape.LANE)
    public static long pmaddwd(Cpu cpu, long dst, long src) {
        int low = signed16(dst, 0) * signed16(src, 0) + signed16(dst, 16) * signed16(src, 16);
        int high = signed16(dst, 32) * signed16(src, 32) + signed16(dst, 48) * signed16(src, 48);
        return low & LOW_DWORD | (long) high << 32;
    }

    // ---- shifts: a count beyond the element clears it, or fills it with the sign

    private static long left(long v, long count, int width, long low) {
        return Long.compareUnsigned(count, width) >= 0 ? 0 : v << count & repeat(low << count & low, width);
    }

    private static long right(long v, long count, int width, long low) {
        return Long.compareUnsigned(count, width) >= 0 ? 0 : v >>> count & repeat(low >>> count, width);
    }

    /** One element in all places. */
    private static long repeat(long element, int width) {
        return switch (width) {
            case 16 -> element * 0x0001_0001_0001_0001L;
            case 32 -> element * 0x0000_0001_0000_0001L;
            default -> element;
        };
    }

    private static int limited(long count, int width) { return Long.compareUnsigned(count, width) >= 0 ? width - 1 : (int) count; }

    private static long arithmetic16(long v, long count) {
        int n = limited(count, 16);
        long r = 0;
        for (int at = 0; at < 64; at += 16) r |= (signed16(v, at) >> n & 0xFFFFL) << at;
        return r;
    }

    private static long arithmetic32(long v, long count) {
        int n = limited(count, 32);
        return (int) v >> n & LOW_DWORD | v >> 32 >> n << 32;
    }

    private static final long ALL_16 = 0xFFFF, ALL_32 = LOW_DWORD, ALL_64 = -1;

    @Operation(value = "psllw_imm", shape = Shape.LANE)
    public static long psllw(Cpu cpu, long dst, int count) { return left(dst, count & 0xFF, 16, ALL_16); }

    @Operation(value = "pslld_imm", shape = Shape.LANE)
    public static long pslld(Cpu cpu, long dst, int count) { return left(dst, count & 0xFF, 32, ALL_32); }

    @Operation(value = "psllq_imm", shape = Shape.LANE)
    public static long psllq(Cpu cpu, long dst, int count) { return left(dst, count & 0xFF, 64, ALL_64); }

    @Operation(value = "psrlw_imm", shape = Shape.LANE)
    public static long psrlw(Cpu cpu, long dst, int count) { return right(dst, count & 0xFF, 16, ALL_16); }

    @Operation(value = "psrld_imm", shape = Shape.LANE)
    public static long psrld(Cpu cpu, long dst, int count) { return right(dst, count & 0xFF, 32, ALL_32); }

    @Operation(value = "psrlq_imm", shape = Shape.LANE)
    public static long psrlq(Cpu cpu, long dst, int count) { return right(dst, count & 0xFF, 64, ALL_64); }

    @Operation(value = "psraw_imm", shape = Shape.LANE)
    public static long psraw(Cpu cpu, long dst, int count) { return arithmetic16(dst, count & 0xFF); }

    @Operation(value = "psrad_imm", shape = Shape.LANE)
    public static long psrad(Cpu cpu, long dst, int count) { return arithmetic32(dst, count & 0xFF); }

    // The count of these is the low 64 bits of the source for both halves.

    @Operation(value = "psllw", shape = Shape.VECTOR)
    public static void psllw(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = left(to[t], count, 16, ALL_16);
        if (width == 128) to[t + 1] = left(to[t + 1], count, 16, ALL_16);
    }

    @Operation(value = "pslld", shape = Shape.VECTOR)
    public static void pslld(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = left(to[t], count, 32, ALL_32);
        if (width == 128) to[t + 1] = left(to[t + 1], count, 32, ALL_32);
    }

    @Operation(value = "psllq", shape = Shape.VECTOR)
    public static void psllq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = left(to[t], count, 64, ALL_64);
        if (width == 128) to[t + 1] = left(to[t + 1], count, 64, ALL_64);
    }

    @Operation(value = "psrlw", shape = Shape.VECTOR)
    public static void psrlw(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = right(to[t], count, 16, ALL_16);
        if (width == 128) to[t + 1] = right(to[t + 1], count, 16, ALL_16);
    }

    @Operation(value = "psrld", shape = Shape.VECTOR)
    public static void psrld(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = right(to[t], count, 32, ALL_32);
        if (width == 128) to[t + 1] = right(to[t + 1], count, 32, ALL_32);
    }

    @Operation(value = "psrlq", shape = Shape.VECTOR)
    public static void psrlq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = right(to[t], count, 64, ALL_64);
        if (width == 128) to[t + 1] = right(to[t + 1], count, 64, ALL_64);
    }

    @Operation(value = "psraw", shape = Shape.VECTOR)
    public static void psraw(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = arithmetic16(to[t], count);
        if (width == 128) to[t + 1] = arithmetic16(to[t + 1], count);
    }

    @Operation(value = "psrad", shape = Shape.VECTOR)
    public static void psrad(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long count = from[f];
        to[t] = arithmetic32(to[t], count);
        if (width == 128) to[t + 1] = arithmetic32(to[t + 1], count);
    }

    @Operation(value = "pslldq", shape = Shape.VECTOR)
    public static void pslldq(Cpu cpu, int width, long[] to, int t, long[] from, int f, int count) {
        int bits = 8 * Math.min(count & 0xFF, 16);
        long low = to[t];
        long high = to[t + 1];
        to[t + 1] = bits >= 128 ? 0 : bits >= 64 ? low << bits - 64 : bits == 0 ? high : high << bits | low >>> 64 - bits;
        to[t] = bits >= 64 ? 0 : low << bits;
    }

    @Operation(value = "psrldq", shape = Shape.VECTOR)
    public static void psrldq(Cpu cpu, int width, long[] to, int t, long[] from, int f, int count) {
        int bits = 8 * Math.min(count & 0xFF, 16);
        long low = to[t];
        long high = to[t + 1];
        to[t] = bits >= 128 ? 0 : bits >= 64 ? high >>> bits - 64 : bits == 0 ? low : low >>> bits | high << 64 - bits;
        to[t + 1] = bits >= 64 ? 0 : high >>> bits;
    }

    // ---- packing

    /** Four words to four bytes with signed saturation. */
    private static long wordsToSigned(long v) {
        return toSigned8(signed16(v, 0)) | toSigned8(signed16(v, 16)) << 8 | toSigned8(signed16(v, 32)) << 16 | toSigned8(signed16(v, 48)) << 24;
    }

    private static long wordsToUnsigned(long v) {
        return toUnsigned8(signed16(v, 0)) | toUnsigned8(signed16(v, 16)) << 8 | toUnsigned8(signed16(v, 32)) << 16 | toUnsigned8(signed16(v, 48)) << 24;
    }

    private static long dwordsToSigned(long v) { return toSigned16((int) v) | toSigned16((int) (v >> 32)) << 16; }

    @Operation(value = "packsswb", shape = Shape.VECTOR)
    public static void packsswb(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        if (width == 64) {
            to[t] = wordsToSigned(to[t]) | wordsToSigned(from[f]) << 32;
            return;
        }
        long low = wordsToSigned(to[t]) | wordsToSigned(to[t + 1]) << 32;
        long high = wordsToSigned(from[f]) | wordsToSigned(from[f + 1]) << 32;
        to[t] = low;
        to[t + 1] = high;
    }

    @Operation(value = "packuswb", shape = Shape.VECTOR)
    public static void packuswb(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        if (width == 64) {
            to[t] = wordsToUnsigned(to[t]) | wordsToUnsigned(from[f]) << 32;
            return;
        }
        long low = wordsToUnsigned(to[t]) | wordsToUnsigned(to[t + 1]) << 32;
        long high = wordsToUnsigned(from[f]) | wordsToUnsigned(from[f + 1]) << 32;
        to[t] = low;
        to[t + 1] = high;
    }

    @Operation(value = "packssdw", shape = Shape.VECTOR)
    public static void packssdw(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        if (width == 64) {
            to[t] = dwordsToSigned(to[t]) | dwordsToSigned(from[f]) << 32;
            return;
        }
        long low = dwordsToSigned(to[t]) | dwordsToSigned(to[t + 1]) << 32;
        long high = dwordsToSigned(from[f]) | dwordsToSigned(from[f + 1]) << 32;
        to[t] = low;
        to[t + 1] = high;
    }

    // ---- unpacking: the elements of two 32-bit numbers, in turn

    private static long spreadBytes(long v) {
        v = (v & LOW_DWORD | v << 16) & 0x0000_FFFF_0000_FFFFL;
        return (v | v << 8) & 0x00FF_00FF_00FF_00FFL;
    }

    private static long spreadWords(long v) { return (v & LOW_DWORD | v << 16) & 0x0000_FFFF_0000_FFFFL; }

    private static long bytes(long a, long b) { return spreadBytes(a & LOW_DWORD) | spreadBytes(b & LOW_DWORD) << 8; }

    private static long words(long a, long b) { return spreadWords(a & LOW_DWORD) | spreadWords(b & LOW_DWORD) << 16; }

    private static long dwords(long a, long b) { return a & LOW_DWORD | b << 32; }

    @Operation(value = "punpcklbw", shape = Shape.VECTOR)
    public static void punpcklbw(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long a = to[t];
        long b = from[f];
        to[t] = bytes(a, b);
        if (width == 128) to[t + 1] = bytes(a >>> 32, b >>> 32);
    }

    @Operation(value = "punpcklwd", shape = Shape.VECTOR)
    public static void punpcklwd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long a = to[t];
        long b = from[f];
        to[t] = words(a, b);
        if (width == 128) to[t + 1] = words(a >>> 32, b >>> 32);
    }

    @Operation(value = "punpckldq", shape = Shape.VECTOR)
    public static void punpckldq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long a = to[t];
        long b = from[f];
        to[t] = dwords(a, b);
        if (width == 128) to[t + 1] = dwords(a >>> 32, b >>> 32);
    }

    @Operation(value = "punpcklqdq", shape = Shape.VECTOR)
    public static void punpcklqdq(Cpu cpu, int width, long[] to, int t, long[] from, int f) { to[t + 1] = from[f]; }

    /** The high 64 bits of the operand: of an MMX register all there is. */
    @Operation(value = "punpckhbw", shape = Shape.VECTOR)
    public static void punpckhbw(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        int high = width == 128 ? 1 : 0;
        long a = to[t + high];
        long b = from[f + high];
        to[t + high] = bytes(a >>> 32, b >>> 32);
        if (width == 128) to[t] = bytes(a, b);
    }

    @Operation(value = "punpckhwd", shape = Shape.VECTOR)
    public static void punpckhwd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        int high = width == 128 ? 1 : 0;
        long a = to[t + high];
        long b = from[f + high];
        to[t + high] = words(a >>> 32, b >>> 32);
        if (width == 128) to[t] = words(a, b);
    }

    @Operation(value = "punpckhdq", shape = Shape.VECTOR)
    public static void punpckhdq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        int high = width == 128 ? 1 : 0;
        long a = to[t + high];
        long b = from[f + high];
        to[t + high] = dwords(a >>> 32, b >>> 32);
        if (width == 128) to[t] = dwords(a, b);
    }

    @Operation(value = "punpckhqdq", shape = Shape.VECTOR)
    public static void punpckhqdq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long high = from[f + 1];
        to[t] = to[t + 1];
        to[t + 1] = high;
    }

    // ---- shuffling

    private static long shuffleWords(long v, int order) {
        return v >>> 16 * (order & 3) & 0xFFFF | (v >>> 16 * (order >> 2 & 3) & 0xFFFF) << 16
            | (v >>> 16 * (order >> 4 & 3) & 0xFFFF) << 32 | v >>> 16 * (order >> 6 & 3) << 48;
    }

    @Operation(value = "pshufw", shape = Shape.VECTOR)
    public static void pshufw(Cpu cpu, int width, long[] to, int t, long[] from, int f, int order) { to[t] = shuffleWords(from[f], order); }

    @Operation(value = "pshuflw", shape = Shape.VECTOR)
    public static void pshuflw(Cpu cpu, int width, long[] to, int t, long[] from, int f, int order) {
        to[t] = shuffleWords(from[f], order);
        to[t + 1] = from[f + 1];
    }

    @Operation(value = "pshufhw", shape = Shape.VECTOR)
    public static void pshufhw(Cpu cpu, int width, long[] to, int t, long[] from, int f, int order) {
        to[t] = from[f];
        to[t + 1] = shuffleWords(from[f + 1], order);
    }

    /** Doubleword number 0 to 3 of a 128-bit value. */
    static long dword(long low, long high, int number) { return ((number & 2) != 0 ? high : low) >>> 32 * (number & 1) & LOW_DWORD; }

    @Operation(value = "pshufd", shape = Shape.VECTOR)
    public static void pshufd(Cpu cpu, int width, long[] to, int t, long[] from, int f, int order) {
        long low = from[f];
        long high = from[f + 1];
        to[t] = dword(low, high, order & 3) | dword(low, high, order >> 2 & 3) << 32;
        to[t + 1] = dword(low, high, order >> 4 & 3) | dword(low, high, order >> 6 & 3) << 32;
    }

    @Operation(value = "pinsrw", shape = Shape.VECTOR)
    public static void pinsrw(Cpu cpu, int width, long[] to, int t, long[] from, int f, int place) {
        int half = width == 128 ? place >> 2 & 1 : 0;
        int at = 16 * (place & 3);
        to[t + half] = to[t + half] & ~(0xFFFFL << at) | (from[f] & 0xFFFF) << at;
    }

    @Operation("emms")
    public static void emms(Cpu cpu, int width) { cpu.fpu.emms(); }
}
