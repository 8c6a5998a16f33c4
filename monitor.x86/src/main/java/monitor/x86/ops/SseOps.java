package monitor.x86.ops;

import static monitor.x86.ops.MmxOps.dword;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;
import monitor.x86.cpu.SegmentRegister;
import monitor.x86.fpu.Sse;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Operand;
import monitor.x86.ops.Operation.Shape;

/**
 * SSE and SSE2: moves, floating point, conversions, and the state of the unit. Source: [SDM] 2, by mnemonic; 1, chapters 10
 * and 11. The arithmetic is in {@link Sse}. An unmasked exception of any element stops the instruction before it stores.
 */
public final class SseOps {
    private static final long LOW = 0xFFFF_FFFFL;
    private static final int ARITHMETIC_FLAGS = 0x8D5;

    private SseOps() {}

    /** The end of the computing part: faults if an exception is not masked. */
    private static void finish(Cpu cpu) {
        if (!cpu.sse.finish()) throw cpu.simdError();
    }

    private static void finish(Cpu cpu, long[] to, int t, long low, long high) {
        finish(cpu);
        to[t] = low;
        to[t + 1] = high;
    }

    private static long finish(Cpu cpu, long value) {
        finish(cpu);
        return value;
    }

    private static int high(long pair) { return (int) (pair >>> 32); }

    private static long pair(int low, int high) { return low & LOW | (long) high << 32; }

    // ---- moves

    /** The low bits of a register, or a memory operand. */
    private static long value(Cpu cpu, Insn i, int k) {
        Operand o = i.operands[k];
        return switch (o.kind()) {
            case XMM -> Flags.zeroExtend(o.width(), cpu.sse.xmm[2 * o.number()]);
            case MMX -> Flags.zeroExtend(o.width(), cpu.fpu.mmx(o.number()));
            default -> cpu.operand(i, k);
        };
    }

    /** Writes a value to the first operand and clears the rest of a register. */
    private static void set(Cpu cpu, Insn i, long value) {
        Operand o = i.operands[0];
        switch (o.kind()) {
            case XMM -> {
                cpu.sse.xmm[2 * o.number()] = value;
                cpu.sse.xmm[2 * o.number() + 1] = 0;
            }
            case MMX -> cpu.fpu.mmx(o.number(), value);
            default -> cpu.operand(i, 0, value);
        }
    }

    @Operation(value = "movd", shape = Shape.WHOLE)
    public static void movd(Cpu cpu, Insn i) {
        // Of a register the low bits that the other operand has.
        int width = Math.min(i.operands[0].width(), i.operands[1].width());
        set(cpu, i, Flags.zeroExtend(width, value(cpu, i, 1)));
    }

    @Operation(value = "movq", shape = Shape.WHOLE)
    public static void movq(Cpu cpu, Insn i) { set(cpu, i, value(cpu, i, 1)); }

    @Operation(value = "movq2dq", shape = Shape.WHOLE)
    public static void movq2dq(Cpu cpu, Insn i) { set(cpu, i, value(cpu, i, 1)); }

    @Operation(value = "movdq2q", shape = Shape.WHOLE)
    public static void movdq2q(Cpu cpu, Insn i) { set(cpu, i, cpu.sse.xmm[2 * i.operands[1].number()]); }

    @Operation(value = "movaps", shape = Shape.VECTOR)
    public static void movaps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        to[t] = from[f];
        to[t + 1] = from[f + 1];
    }

    @Operation("movss")
    public static long movss(Cpu cpu, int width, long src) { return src; }

    @Operation("movss_store")
    public static long movssStore(Cpu cpu, int width, long src) { return src; }

    @Operation(value = "movss_load", shape = Shape.WHOLE)
    public static void movssLoad(Cpu cpu, Insn i) { set(cpu, i, value(cpu, i, 1)); }

    @Operation("movsd")
    public static long movsd(Cpu cpu, int width, long src) { return src; }

    @Operation("movsd_store")
    public static long movsdStore(Cpu cpu, int width, long src) { return src; }

    @Operation(value = "movsd_load", shape = Shape.WHOLE)
    public static void movsdLoad(Cpu cpu, Insn i) { set(cpu, i, value(cpu, i, 1)); }

    @Operation("movlps")
    public static long movlps(Cpu cpu, int width, long src) { return src; }

    @Operation("movlps_store")
    public static long movlpsStore(Cpu cpu, int width, long src) { return src; }

    @Operation(value = "movhlps", shape = Shape.VECTOR)
    public static void movhlps(Cpu cpu, int width, long[] to, int t, long[] from, int f) { to[t] = from[f + 1]; }

    @Operation(value = "movhps", shape = Shape.VECTOR)
    public static void movhps(Cpu cpu, int width, long[] to, int t, long[] from, int f) { to[t + 1] = from[f]; }

    @Operation(value = "movlhps", shape = Shape.VECTOR)
    public static void movlhps(Cpu cpu, int width, long[] to, int t, long[] from, int f) { to[t + 1] = from[f]; }

    @Operation(value = "movhps_store", shape = Shape.WHOLE)
    public static void movhpsStore(Cpu cpu, Insn i) { cpu.operand(i, 0, cpu.sse.xmm[2 * i.operands[1].number() + 1]); }

    @Operation("movnti")
    public static long movnti(Cpu cpu, int width, long src) { return src; }

    @Operation(value = "movmskps", shape = Shape.WHOLE)
    public static void movmskps(Cpu cpu, Insn i) {
        long low = cpu.sse.xmm[2 * i.operands[1].number()];
        long high = cpu.sse.xmm[2 * i.operands[1].number() + 1];
        cpu.operand(i, 0, low >>> 31 & 1 | low >>> 62 & 2 | high >>> 29 & 4 | high >>> 60 & 8);
    }

    @Operation(value = "movmskpd", shape = Shape.WHOLE)
    public static void movmskpd(Cpu cpu, Insn i) {
        int x = 2 * i.operands[1].number();
        cpu.operand(i, 0, cpu.sse.xmm[x] >>> 63 | cpu.sse.xmm[x + 1] >>> 63 << 1);
    }

    /** The top bits of eight bytes. */
    private static long tops(long v) { return (v >>> 7 & 0x0101_0101_0101_0101L) * 0x0102_0408_1020_4080L >>> 56; }

    @Operation(value = "pmovmskb", shape = Shape.WHOLE)
    public static void pmovmskb(Cpu cpu, Insn i) {
        Operand from = i.operands[1];
        if (from.kind() == Operand.Kind.MMX) {
            cpu.operand(i, 0, tops(cpu.fpu.mmx(from.number())));
        } else {
            int x = 2 * from.number();
            cpu.operand(i, 0, tops(cpu.sse.xmm[x]) | tops(cpu.sse.xmm[x + 1]) << 8);
        }
    }

    @Operation(value = "pextrw", shape = Shape.WHOLE)
    public static void pextrw(Cpu cpu, Insn i) {
        Operand from = i.operands[1];
        int place = (int) i.imm;
        long half = from.kind() == Operand.Kind.MMX ? cpu.fpu.mmx(from.number()) : cpu.sse.xmm[2 * from.number() + (place >> 2 & 1)];
        cpu.operand(i, 0, half >>> 16 * (place & 3) & 0xFFFF);
    }

    @Operation(value = "maskmovq", shape = Shape.WHOLE)
    public static void maskmovq(Cpu cpu, Insn i) {
        storeSelected(cpu, i, cpu.fpu.mmx(i.operands[0].number()), cpu.fpu.mmx(i.operands[1].number()), 0, 0, 8);
    }

    @Operation(value = "maskmovdqu", shape = Shape.WHOLE)
    public static void maskmovdqu(Cpu cpu, Insn i) {
        int value = 2 * i.operands[0].number();
        int mask = 2 * i.operands[1].number();
        long[] xmm = cpu.sse.xmm;
        storeSelected(cpu, i, xmm[value], xmm[mask], xmm[value + 1], xmm[mask + 1], 16);
    }

    /** Stores the bytes whose mask has its top bit set to DS:rDI, which must be writable whatever the mask: upper half first. */
    private static void storeSelected(Cpu cpu, Insn i, long low, long lowMask, long high, long highMask, int bytes) {
        SegmentRegister segment = cpu.segments[i.segment];
        long selected = tops(lowMask) | tops(highMask) << 8;
        for (int half = bytes - 8; half >= 0; half -= 8) {
            cpu.mmu.probeWrite(cpu.writable(segment, Flags.zeroExtend(i.addressSize, cpu.r[Cpu.RDI] + half), 7), 8);
        }
        for (int k = 0; k < bytes; k++) {
            if ((selected >>> k & 1) != 0) {
                long b = (k < 8 ? low : high) >>> 8 * (k & 7) & 0xFF;
                cpu.write(segment, Flags.zeroExtend(i.addressSize, cpu.r[Cpu.RDI] + k), 1, b);
            }
        }
    }

    // ---- shuffling

    @Operation(value = "unpcklps", shape = Shape.VECTOR)
    public static void unpcklps(Cpu cpu, int width, long[] to, int t, long[] from, int f) { MmxOps.punpckldq(cpu, width, to, t, from, f); }

    @Operation(value = "unpckhps", shape = Shape.VECTOR)
    public static void unpckhps(Cpu cpu, int width, long[] to, int t, long[] from, int f) { MmxOps.punpckhdq(cpu, width, to, t, from, f); }

    @Operation(value = "unpcklpd", shape = Shape.VECTOR)
    public static void unpcklpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) { MmxOps.punpcklqdq(cpu, width, to, t, from, f); }

    @Operation(value = "unpckhpd", shape = Shape.VECTOR)
    public static void unpckhpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) { MmxOps.punpckhqdq(cpu, width, to, t, from, f); }

    @Operation(value = "shufps", shape = Shape.VECTOR)
    public static void shufps(Cpu cpu, int width, long[] to, int t, long[] from, int f, int order) {
        long low = dword(to[t], to[t + 1], order & 3) | dword(to[t], to[t + 1], order >> 2 & 3) << 32;
        long high = dword(from[f], from[f + 1], order >> 4 & 3) | dword(from[f], from[f + 1], order >> 6 & 3) << 32;
        to[t] = low;
        to[t + 1] = high;
    }

    @Operation(value = "shufpd", shape = Shape.VECTOR)
    public static void shufpd(Cpu cpu, int width, long[] to, int t, long[] from, int f, int order) {
        long low = to[t + (order & 1)];
        long high = from[f + (order >> 1 & 1)];
        to[t] = low;
        to[t + 1] = high;
    }

    // ---- arithmetic

    @Operation("addss")
    public static long addss(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.addSingle((int) dst, (int) src)); }

    @Operation("addsd")
    public static long addsd(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.addDouble(dst, src)); }

    @Operation(value = "addps", shape = Shape.VECTOR)
    public static void addps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        Sse s = cpu.sse;
        long a = to[t], b = from[f], c = to[t + 1], d = from[f + 1];
        long low = pair(s.addSingle((int) a, (int) b), s.addSingle(high(a), high(b)));
        long high = pair(s.addSingle((int) c, (int) d), s.addSingle(high(c), high(d)));
        finish(cpu, to, t, low, high);
    }

    @Operation(value = "addpd", shape = Shape.VECTOR)
    public static void addpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long low = cpu.sse.addDouble(to[t], from[f]);
        finish(cpu, to, t, low, cpu.sse.addDouble(to[t + 1], from[f + 1]));
    }

    @Operation("subss")
    public static long subss(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.subtractSingle((int) dst, (int) src)); }

    @Operation("subsd")
    public static long subsd(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.subtractDouble(dst, src)); }

    @Operation(value = "subps", shape = Shape.VECTOR)
    public static void subps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        Sse s = cpu.sse;
        long a = to[t], b = from[f], c = to[t + 1], d = from[f + 1];
        long low = pair(s.subtractSingle((int) a, (int) b), s.subtractSingle(high(a), high(b)));
        long high = pair(s.subtractSingle((int) c, (int) d), s.subtractSingle(high(c), high(d)));
        finish(cpu, to, t, low, high);
    }

    @Operation(value = "subpd", shape = Shape.VECTOR)
    public static void subpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long low = cpu.sse.subtractDouble(to[t], from[f]);
        finish(cpu, to, t, low, cpu.sse.subtractDouble(to[t + 1], from[f + 1]));
    }

    @Operation("mulss")
    public static long mulss(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.multiplySingle((int) dst, (int) src)); }

    @Operation("mulsd")
    public static long mulsd(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.multiplyDouble(dst, src)); }

    @Operation(value = "mulps", shape = Shape.VECTOR)
    public static void mulps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        Sse s = cpu.sse;
        long a = to[t], b = from[f], c = to[t + 1], d = from[f + 1];
        long low = pair(s.multiplySingle((int) a, (int) b), s.multiplySingle(high(a), high(b)));
        long high = pair(s.multiplySingle((int) c, (int) d), s.multiplySingle(high(c), high(d)));
        finish(cpu, to, t, low, high);
    }

    @Operation(value = "mulpd", shape = Shape.VECTOR)
    public static void mulpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long low = cpu.sse.multiplyDouble(to[t], from[f]);
        finish(cpu, to, t, low, cpu.sse.multiplyDouble(to[t + 1], from[f + 1]));
    }

    @Operation("divss")
    public static long divss(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.divideSingle((int) dst, (int) src)); }

    @Operation("divsd")
    public static long divsd(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.divideDouble(dst, src)); }

    @Operation(value = "divps", shape = Shape.VECTOR)
    public static void divps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        Sse s = cpu.sse;
        long a = to[t], b = from[f], c = to[t + 1], d = from[f + 1];
        long low = pair(s.divideSingle((int) a, (int) b), s.divideSingle(high(a), high(b)));
        long high = pair(s.divideSingle((int) c, (int) d), s.divideSingle(high(c), high(d)));
        finish(cpu, to, t, low, high);
    }

    @Operation(value = "divpd", shape = Shape.VECTOR)
    public static void divpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long low = cpu.sse.divideDouble(to[t], from[f]);
        finish(cpu, to, t, low, cpu.sse.divideDouble(to[t + 1], from[f + 1]));
    }

    @Operation("minss")
    public static long minss(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.minimumSingle((int) dst, (int) src)); }

    @Operation("minsd")
    public static long minsd(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.minimumDouble(dst, src)); }

    @Operation(value = "minps", shape = Shape.VECTOR)
    public static void minps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        Sse s = cpu.sse;
        long a = to[t], b = from[f], c = to[t + 1], d = from[f + 1];
        long low = pair(s.minimumSingle((int) a, (int) b), s.minimumSingle(high(a), high(b)));
        long high = pair(s.minimumSingle((int) c, (int) d), s.minimumSingle(high(c), high(d)));
        finish(cpu, to, t, low, high);
    }

    @Operation(value = "minpd", shape = Shape.VECTOR)
    public static void minpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long low = cpu.sse.minimumDouble(to[t], from[f]);
        finish(cpu, to, t, low, cpu.sse.minimumDouble(to[t + 1], from[f + 1]));
    }

    @Operation("maxss")
    public static long maxss(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.maximumSingle((int) dst, (int) src)); }

    @Operation("maxsd")
    public static long maxsd(Cpu cpu, int width, long dst, long src) { return finish(cpu, cpu.sse.maximumDouble(dst, src)); }

    @Operation(value = "maxps", shape = Shape.VECTOR)
    public static void maxps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        Sse s = cpu.sse;
        long a = to[t], b = from[f], c = to[t + 1], d = from[f + 1];
        long low = pair(s.maximumSingle((int) a, (int) b), s.maximumSingle(high(a), high(b)));
        long high = pair(s.maximumSingle((int) c, (int) d), s.maximumSingle(high(c), high(d)));
        finish(cpu, to, t, low, high);
    }

    @Operation(value = "maxpd", shape = Shape.VECTOR)
    public static void maxpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long low = cpu.sse.maximumDouble(to[t], from[f]);
        finish(cpu, to, t, low, cpu.sse.maximumDouble(to[t + 1], from[f + 1]));
    }

    @Operation("sqrtss")
    public static long sqrtss(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.squareRootSingle((int) src)); }

    @Operation("sqrtsd")
    public static long sqrtsd(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.squareRootDouble(src)); }

    @Operation(value = "sqrtps", shape = Shape.VECTOR)
    public static void sqrtps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        Sse s = cpu.sse;
        long a = from[f], b = from[f + 1];
        long low = pair(s.squareRootSingle((int) a), s.squareRootSingle(high(a)));
        finish(cpu, to, t, low, pair(s.squareRootSingle((int) b), s.squareRootSingle(high(b))));
    }

    @Operation(value = "sqrtpd", shape = Shape.VECTOR)
    public static void sqrtpd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long low = cpu.sse.squareRootDouble(from[f]);
        finish(cpu, to, t, low, cpu.sse.squareRootDouble(from[f + 1]));
    }
    // ---- comparison

    @Operation("cmpss")
    public static long cmpss(Cpu cpu, int width, long dst, long src, long predicate) {
        return finish(cpu, cpu.sse.compareSingle((int) dst, (int) src, (int) predicate));
    }

    @Operation("cmpsd")
    public static long cmpsd(Cpu cpu, int width, long dst, long src, long predicate) {
        return finish(cpu, cpu.sse.compareDouble(dst, src, (int) predicate));
    }

    @Operation(value = "cmpps", shape = Shape.VECTOR)
    public static void cmpps(Cpu cpu, int width, long[] to, int t, long[] from, int f, int predicate) {
        Sse s = cpu.sse;
        long a = to[t], b = from[f], c = to[t + 1], d = from[f + 1];
        long low = pair(s.compareSingle((int) a, (int) b, predicate), s.compareSingle(high(a), high(b), predicate));
        long high = pair(s.compareSingle((int) c, (int) d, predicate), s.compareSingle(high(c), high(d), predicate));
        finish(cpu, to, t, low, high);
    }

    @Operation(value = "cmppd", shape = Shape.VECTOR)
    public static void cmppd(Cpu cpu, int width, long[] to, int t, long[] from, int f, int predicate) {
        long low = cpu.sse.compareDouble(to[t], from[f], predicate);
        finish(cpu, to, t, low, cpu.sse.compareDouble(to[t + 1], from[f + 1], predicate));
    }

    private static void order(Cpu cpu, int flags) {
        finish(cpu);
        cpu.flags(flags, ARITHMETIC_FLAGS);
    }

    @Operation("comiss")
    public static void comiss(Cpu cpu, int width, long a, long b) { order(cpu, cpu.sse.orderSingles((int) a, (int) b, true)); }

    @Operation("ucomiss")
    public static void ucomiss(Cpu cpu, int width, long a, long b) { order(cpu, cpu.sse.orderSingles((int) a, (int) b, false)); }

    @Operation("comisd")
    public static void comisd(Cpu cpu, int width, long a, long b) { order(cpu, cpu.sse.orderDoubles(a, b, true)); }

    @Operation("ucomisd")
    public static void ucomisd(Cpu cpu, int width, long a, long b) { order(cpu, cpu.sse.orderDoubles(a, b, false)); }

    // ---- conversions

    /** A general register or memory operand, sign-extended. */
    private static long signed(Cpu cpu, Insn i) {
        int unused = 64 - i.operands[1].width();
        return cpu.operand(i, 1) << unused >> unused;
    }

    @Operation(value = "cvtsi2ss", shape = Shape.WHOLE)
    public static void cvtsi2ss(Cpu cpu, Insn i) {
        long value = finish(cpu, cpu.sse.integerToSingle(signed(cpu, i)));
        int x = 2 * i.operands[0].number();
        cpu.sse.xmm[x] = cpu.sse.xmm[x] & ~LOW | value & LOW;
    }

    @Operation(value = "cvtsi2sd", shape = Shape.WHOLE)
    public static void cvtsi2sd(Cpu cpu, Insn i) {
        cpu.sse.xmm[2 * i.operands[0].number()] = finish(cpu, cpu.sse.integerToDouble(signed(cpu, i)));
    }

    @Operation("cvtss2si")
    public static long cvtss2si(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.singleToInteger((int) src, width, false)); }

    @Operation("cvttss2si")
    public static long cvttss2si(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.singleToInteger((int) src, width, true)); }

    @Operation("cvtsd2si")
    public static long cvtsd2si(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.doubleToInteger(src, width, false)); }

    @Operation("cvttsd2si")
    public static long cvttsd2si(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.doubleToInteger(src, width, true)); }

    @Operation("cvtss2sd")
    public static long cvtss2sd(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.singleToDouble((int) src)); }

    @Operation("cvtsd2ss")
    public static long cvtsd2ss(Cpu cpu, int width, long src) { return finish(cpu, cpu.sse.doubleToSingle(src)); }

    @Operation(value = "cvtps2pd", shape = Shape.VECTOR)
    public static void cvtps2pd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long a = from[f];
        long low = cpu.sse.singleToDouble((int) a);
        finish(cpu, to, t, low, cpu.sse.singleToDouble(high(a)));
    }

    @Operation(value = "cvtpd2ps", shape = Shape.VECTOR)
    public static void cvtpd2ps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        finish(cpu, to, t, pair(cpu.sse.doubleToSingle(from[f]), cpu.sse.doubleToSingle(from[f + 1])), 0);
    }

    private static long integersToSingles(Cpu cpu, long v) { return pair(cpu.sse.integerToSingle((int) v), cpu.sse.integerToSingle(high(v))); }

    @Operation(value = "cvtdq2ps", shape = Shape.VECTOR)
    public static void cvtdq2ps(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        finish(cpu, to, t, integersToSingles(cpu, from[f]), integersToSingles(cpu, from[f + 1]));
    }

    @Operation(value = "cvtdq2pd", shape = Shape.VECTOR)
    public static void cvtdq2pd(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        long a = from[f];
        finish(cpu, to, t, cpu.sse.integerToDouble((int) a), cpu.sse.integerToDouble(high(a)));
    }

    @Operation(value = "cvtpi2ps", shape = Shape.VECTOR)
    public static void cvtpi2ps(Cpu cpu, int width, long[] to, int t, long[] from, int f) { to[t] = finish(cpu, integersToSingles(cpu, from[f])); }

    @Operation(value = "cvtpi2pd", shape = Shape.VECTOR)
    public static void cvtpi2pd(Cpu cpu, int width, long[] to, int t, long[] from, int f) { cvtdq2pd(cpu, width, to, t, from, f); }

    private static long singlesToIntegers(Cpu cpu, long v, boolean chop) {
        return pair((int) cpu.sse.singleToInteger((int) v, 32, chop), (int) cpu.sse.singleToInteger(high(v), 32, chop));
    }

    private static long doublesToIntegers(Cpu cpu, long[] from, int f, boolean chop) {
        return pair((int) cpu.sse.doubleToInteger(from[f], 32, chop), (int) cpu.sse.doubleToInteger(from[f + 1], 32, chop));
    }

    /** The x87 registers become MMX registers even if the conversion faults then. */
    private static void toMmx(Cpu cpu, long[] to, int t, long value) {
        cpu.fpu.enterMmx();
        to[t] = finish(cpu, value);
    }

    @Operation(value = "cvtps2dq", shape = Shape.VECTOR)
    public static void cvtps2dq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        finish(cpu, to, t, singlesToIntegers(cpu, from[f], false), singlesToIntegers(cpu, from[f + 1], false));
    }

    @Operation(value = "cvttps2dq", shape = Shape.VECTOR)
    public static void cvttps2dq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        finish(cpu, to, t, singlesToIntegers(cpu, from[f], true), singlesToIntegers(cpu, from[f + 1], true));
    }

    @Operation(value = "cvtpd2dq", shape = Shape.VECTOR)
    public static void cvtpd2dq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        finish(cpu, to, t, doublesToIntegers(cpu, from, f, false), 0);
    }

    @Operation(value = "cvttpd2dq", shape = Shape.VECTOR)
    public static void cvttpd2dq(Cpu cpu, int width, long[] to, int t, long[] from, int f) {
        finish(cpu, to, t, doublesToIntegers(cpu, from, f, true), 0);
    }

    @Operation(value = "cvtps2pi", shape = Shape.VECTOR)
    public static void cvtps2pi(Cpu cpu, int width, long[] to, int t, long[] from, int f) { toMmx(cpu, to, t, singlesToIntegers(cpu, from[f], false)); }

    @Operation(value = "cvttps2pi", shape = Shape.VECTOR)
    public static void cvttps2pi(Cpu cpu, int width, long[] to, int t, long[] from, int f) { toMmx(cpu, to, t, singlesToIntegers(cpu, from[f], true)); }

    @Operation(value = "cvtpd2pi", shape = Shape.VECTOR)
    public static void cvtpd2pi(Cpu cpu, int width, long[] to, int t, long[] from, int f) { toMmx(cpu, to, t, doublesToIntegers(cpu, from, f, false)); }

    @Operation(value = "cvttpd2pi", shape = Shape.VECTOR)
    public static void cvttpd2pi(Cpu cpu, int width, long[] to, int t, long[] from, int f) { toMmx(cpu, to, t, doublesToIntegers(cpu, from, f, true)); }

    // ---- approximations

    private static long reciprocals(long v) { return pair(Sse.reciprocal((int) v), Sse.reciprocal(high(v))); }

    private static long reciprocalRoots(long v) { return pair(Sse.reciprocalSquareRoot((int) v), Sse.reciprocalSquareRoot(high(v))); }

    @Operation(value = "rcpps", shape = Shape.LANE)
    public static long rcpps(Cpu cpu, long src) { return reciprocals(src); }

    @Operation("rcpss")
    public static long rcpss(Cpu cpu, int width, long src) { return Sse.reciprocal((int) src); }

    @Operation(value = "rsqrtps", shape = Shape.LANE)
    public static long rsqrtps(Cpu cpu, long src) { return reciprocalRoots(src); }

    @Operation("rsqrtss")
    public static long rsqrtss(Cpu cpu, int width, long src) { return Sse.reciprocalSquareRoot((int) src); }

    // ---- state

    @Operation("ldmxcsr")
    public static void ldmxcsr(Cpu cpu, int width, long value) {
        if ((value & ~Sse.MXCSR_MASK) != 0) throw cpu.gp();
        cpu.sse.mxcsr((int) value);
    }

    @Operation("stmxcsr")
    public static long stmxcsr(Cpu cpu, int width) { return cpu.sse.mxcsr(); }

    /** Offsets in the FXSAVE image, [SDM] 2A FXSAVE table "Non-64-bit-mode layout". */
    private static final int IMAGE_BYTES = 512, MXCSR = 24, XMM = 160;

    private static void imageOperand(Cpu cpu, Insn i) {
        cpu.needFpu();
        if ((cpu.offset(i) + cpu.segments[i.segment].base & 15) != 0) throw cpu.gp();
    }

    private static int imageRegisters(Insn i) { return i.codeBits == 64 ? 16 : 8; }

    @Operation(value = "fxsave", shape = Shape.WHOLE)
    public static void fxsave(Cpu cpu, Insn i) {
        imageOperand(cpu, i);
        SegmentRegister segment = cpu.segments[i.segment];
        cpu.mmu.probeWrite(cpu.writable(segment, Flags.zeroExtend(i.addressSize, cpu.offset(i) + IMAGE_BYTES - 1), 0), 1); // its end first
        cpu.probeWrite(i, IMAGE_BYTES);
        byte[] x87 = new byte[XMM];
        cpu.fpu.fxsave(x87, i.operandSize == 64);
        for (int at = 0; at < XMM; at++) {
            if (at < MXCSR || at >= MXCSR + 8) cpu.write(i, at, 1, x87[at]);
        }
        cpu.write(i, MXCSR, 4, cpu.sse.mxcsr());
        cpu.write(i, MXCSR + 4, 4, Sse.MXCSR_MASK);
        for (int n = 0; n < 2 * imageRegisters(i); n++) cpu.write(i, XMM + 8 * n, 8, cpu.sse.xmm[n]);
    }

    @Operation(value = "fxrstor", shape = Shape.WHOLE)
    public static void fxrstor(Cpu cpu, Insn i) {
        imageOperand(cpu, i);
        cpu.read(i, IMAGE_BYTES - 1, 1); // its end first
        cpu.probeRead(i, IMAGE_BYTES);
        int mxcsr = (int) cpu.read(i, MXCSR, 4);
        if ((mxcsr & ~Sse.MXCSR_MASK) != 0) throw cpu.gp();
        byte[] x87 = new byte[XMM];
        for (int at = 0; at < XMM; at++) x87[at] = (byte) cpu.read(i, at, 1);
        cpu.fpu.fxrstor(x87, i.operandSize == 64);
        cpu.sse.mxcsr(mxcsr);
        for (int n = 0; n < 2 * imageRegisters(i); n++) cpu.sse.xmm[n] = cpu.read(i, XMM + 8 * n, 8);
    }
}
