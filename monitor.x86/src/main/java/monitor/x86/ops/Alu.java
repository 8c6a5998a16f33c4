package monitor.x86.ops;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;

/** Integer arithmetic and logic, moves and conversions. Source: [SDM] 2, by mnemonic. */
public final class Alu {
    private Alu() {}

    @Operation("add")
    public static long add(Cpu cpu, int width, long dst, long src) {
        long sum = dst + src;
        cpu.added(width, dst, src, sum);
        return sum;
    }

    @Operation("adc")
    public static long adc(Cpu cpu, int width, long dst, long src) {
        long sum = dst + src + (cpu.cf() ? 1 : 0);
        cpu.added(width, dst, src, sum);
        return sum;
    }

    @Operation("sub")
    public static long sub(Cpu cpu, int width, long dst, long src) {
        long difference = dst - src;
        cpu.subtracted(width, dst, src, difference);
        return difference;
    }

    @Operation("sbb")
    public static long sbb(Cpu cpu, int width, long dst, long src) {
        long difference = dst - src - (cpu.cf() ? 1 : 0);
        cpu.subtracted(width, dst, src, difference);
        return difference;
    }

    @Operation("cmp")
    public static void cmp(Cpu cpu, int width, long dst, long src) { cpu.subtracted(width, dst, src, dst - src); }

    @Operation("and")
    public static long and(Cpu cpu, int width, long dst, long src) {
        long value = dst & src;
        cpu.logical(width, value);
        return value;
    }

    @Operation("or")
    public static long or(Cpu cpu, int width, long dst, long src) {
        long value = dst | src;
        cpu.logical(width, value);
        return value;
    }

    @Operation("xor")
    public static long xor(Cpu cpu, int width, long dst, long src) {
        long value = dst ^ src;
        cpu.logical(width, value);
        return value;
    }

    @Operation("test")
    public static void test(Cpu cpu, int width, long dst, long src) { cpu.logical(width, dst & src); }

    @Operation("inc")
    public static long inc(Cpu cpu, int width, long dst) {
        boolean carry = cpu.cf();
        long sum = dst + 1;
        cpu.added(width, dst, 1, sum);
        cpu.carry(carry);
        return sum;
    }

    @Operation("dec")
    public static long dec(Cpu cpu, int width, long dst) {
        boolean carry = cpu.cf();
        long difference = dst - 1;
        cpu.subtracted(width, dst, 1, difference);
        cpu.carry(carry);
        return difference;
    }

    @Operation("neg")
    public static long neg(Cpu cpu, int width, long dst) {
        cpu.subtracted(width, 0, dst, -dst);
        return -dst;
    }

    @Operation("not")
    public static long not(Cpu cpu, int width, long dst) { return ~dst; }

    @Operation("mov")
    public static long mov(Cpu cpu, int width, long src) { return src; }

    @Operation("movzx")
    public static long movzx(Cpu cpu, int width, long src) { return src; }

    @Operation("movsx8")
    public static long movsx8(Cpu cpu, int width, long src) { return (byte) src; }

    @Operation("movsx16")
    public static long movsx16(Cpu cpu, int width, long src) { return (short) src; }

    @Operation("movsxd")
    public static long movsxd(Cpu cpu, int width, long src) { return (int) src; }

    @Operation("bswap")
    public static long bswap(Cpu cpu, int width, long dst) {
        // 16 bits: undefined by the manual; real CPUs give zero
        return width == 64 ? Long.reverseBytes(dst) : width == 32 ? Integer.reverseBytes((int) dst) : 0;
    }

    @Operation("setcc")
    public static long setcc(Cpu cpu, int width, int condition) { return cpu.condition(condition) ? 1 : 0; }

    @Operation("cmovcc")
    public static long cmovcc(Cpu cpu, int width, int condition, long dst, long src) { return cpu.condition(condition) ? src : dst; }

    // ---- decimal adjustment

    @Operation("daa")
    public static void daa(Cpu cpu, int width) {
        int al = (int) cpu.r[Cpu.RAX] & 0xFF;
        boolean half = cpu.af() || (al & 0xF) > 9;
        boolean carry = cpu.cf() || al > 0x99;
        int sum = al + (half ? 6 : 0) + (carry ? 0x60 : 0);
        cpu.set(8, Cpu.RAX, sum);
        cpu.set(8, sum, carry, false, half);
    }

    @Operation("das")
    public static void das(Cpu cpu, int width) {
        int al = (int) cpu.r[Cpu.RAX] & 0xFF;
        boolean half = cpu.af() || (al & 0xF) > 9;
        boolean high = cpu.cf() || al > 0x99;
        boolean carry = high || half && al < 6;
        int difference = al - (half ? 6 : 0) - (high ? 0x60 : 0);
        cpu.set(8, Cpu.RAX, difference);
        cpu.set(8, difference, carry, false, half);
    }

    @Operation("aaa")
    public static void aaa(Cpu cpu, int width) {
        int ax = (int) cpu.r[Cpu.RAX] & 0xFFFF;
        boolean adjust = cpu.af() || (ax & 0xF) > 9;
        int sum = adjust ? ax + 0x106 : ax;
        cpu.set(16, Cpu.RAX, sum & 0xFF0F);
        cpu.set(8, sum & 0x0F, adjust, false, adjust);
    }

    @Operation("aas")
    public static void aas(Cpu cpu, int width) {
        int ax = (int) cpu.r[Cpu.RAX] & 0xFFFF;
        boolean adjust = cpu.af() || (ax & 0xF) > 9;
        int difference = adjust ? ax - 0x106 : ax;
        cpu.set(16, Cpu.RAX, difference & 0xFF0F);
        cpu.set(8, difference & 0x0F, adjust, false, adjust);
    }

    @Operation("aam")
    public static void aam(Cpu cpu, int width, long base) {
        if (base == 0) throw cpu.fault(monitor.x86.mmu.GuestFault.DE);
        long al = cpu.r[Cpu.RAX] & 0xFF;
        cpu.set(16, Cpu.RAX, al / base << 8 | al % base);
        cpu.logical(8, al % base);
    }

    @Operation("aad")
    public static void aad(Cpu cpu, int width, long base) {
        long ax = cpu.r[Cpu.RAX];
        long product = (ax >>> 8 & 0xFF) * base & 0xFF;
        long al = ax & 0xFF;
        long sum = al + product;
        cpu.set(16, Cpu.RAX, sum & 0xFF);
        cpu.added(8, al, product, sum);
    }

    // ---- flags

    @Operation("clc")
    public static void clc(Cpu cpu, int width) { cpu.carry(false); }

    @Operation("stc")
    public static void stc(Cpu cpu, int width) { cpu.carry(true); }

    @Operation("cmc")
    public static void cmc(Cpu cpu, int width) { cpu.carry(!cpu.cf()); }

    @Operation("cld")
    public static void cld(Cpu cpu, int width) { cpu.control &= ~Flags.DF; }

    @Operation("std")
    public static void std(Cpu cpu, int width) { cpu.control |= Flags.DF; }

    @Operation("lahf")
    public static void lahf(Cpu cpu, int width) { cpu.r[Cpu.RAX] = cpu.r[Cpu.RAX] & ~0xFF00L | (cpu.arithmetic() & 0xD5 | 2) << 8; }

    @Operation("sahf")
    public static void sahf(Cpu cpu, int width) {
        boolean overflow = cpu.of();
        cpu.arithmetic((int) (cpu.r[Cpu.RAX] >>> 8) & 0xD5 | (overflow ? Flags.OF : 0));
    }

    @Operation("salc")
    public static void salc(Cpu cpu, int width) { cpu.set(8, Cpu.RAX, cpu.cf() ? 0xFF : 0); }
}
