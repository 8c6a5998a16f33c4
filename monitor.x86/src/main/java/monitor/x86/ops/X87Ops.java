package monitor.x86.ops;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;
import monitor.x86.cpu.SegmentRegister;
import monitor.x86.fpu.Fpu;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Operand;
import monitor.x86.mmu.GuestFault;
import monitor.x86.ops.Operation.Shape;

/**
 * The x87 instructions: operands to and from memory, and the pointers to the last instruction; the arithmetic is in
 * {@link Fpu}. Source: [SDM] 2, by mnemonic; 1, chapter 8. A fault of memory leaves everything as it was.
 */
public final class X87Ops {
    private static final int ARITHMETIC_FLAGS = 0x8D5;
    private static final int CF = 0x01, PF = 0x04, ZF = 0x40;

    private X87Ops() {}

    /** What every instruction but the control instructions leaves behind: where it was, [SDM] 1 8.1.8. */
    private static void remember(Cpu cpu, Insn i) {
        Fpu fpu = cpu.fpu;
        fpu.instructionOffset = i.ip;
        fpu.instructionSelector = cpu.cs.selector;
        fpu.opcode = i.opcode();
        if (i.memory) {
            fpu.operandOffset = cpu.offset(i);
            fpu.operandSelector = cpu.segments[i.segment].selector;
        }
    }

    /** The last operand as a stack register; a floating-point value in memory goes to the operand register. */
    private static int real(Cpu cpu, Insn i) {
        Operand o = i.operands[i.operands.length - 1];
        if (o.inMemory()) {
            long value = cpu.operand(i, i.operands.length - 1);
            remember(cpu, i);
            if (o.width() == 32) cpu.fpu.operandSingle((int) value);
            else cpu.fpu.operandDouble(value);
            return Fpu.OPERAND;
        }
        remember(cpu, i);
        return o.number();
    }

    /** The same for an integer in memory. */
    private static int integer(Cpu cpu, Insn i) {
        long value = signed(cpu, i);
        remember(cpu, i);
        cpu.fpu.operandInteger(value);
        return Fpu.OPERAND;
    }

    private static long signed(Cpu cpu, Insn i) {
        int unused = 64 - i.operands[0].width();
        return cpu.operand(i, 0) << unused >> unused;
    }

    /** The stack register that arithmetic writes. */
    private static int destination(Insn i) { return i.operands[0].inMemory() ? 0 : i.operands[0].number(); }

    private static void popIf(Cpu cpu, boolean done) {
        if (done) cpu.fpu.pop();
    }

    // ---- loads and stores

    @Operation(value = "fld", shape = Shape.WHOLE)
    public static void fld(Cpu cpu, Insn i) {
        Operand o = i.operands[0];
        if (!o.inMemory()) {
            remember(cpu, i);
            cpu.fpu.load(o.number());
        } else if (o.width() == 80) {
            long mantissa = cpu.read(i, 0, 8);
            int signExponent = (int) cpu.read(i, 8, 2);
            remember(cpu, i);
            cpu.fpu.loadExtended(signExponent, mantissa);
        } else {
            long value = cpu.operand(i, 0);
            remember(cpu, i);
            if (o.width() == 32) cpu.fpu.loadSingle((int) value);
            else cpu.fpu.loadDouble(value);
        }
    }

    @Operation(value = "fild", shape = Shape.WHOLE)
    public static void fild(Cpu cpu, Insn i) {
        long value = signed(cpu, i);
        remember(cpu, i);
        cpu.fpu.loadInteger(value);
    }

    @Operation(value = "fbld", shape = Shape.WHOLE)
    public static void fbld(Cpu cpu, Insn i) {
        long low = cpu.read(i, 0, 8);
        int high = (int) cpu.read(i, 8, 2);
        remember(cpu, i);
        cpu.fpu.loadBcd(high, low);
    }

    /** True if the value was stored. */
    private static boolean store(Cpu cpu, Insn i) {
        Fpu fpu = cpu.fpu;
        Operand o = i.operands[0];
        if (!o.inMemory()) {
            remember(cpu, i);
            return fpu.store(o.number());
        }
        int status = fpu.status();
        return write(cpu, i, status, switch (o.width()) {
            case 32 -> fpu.storeSingle();
            case 64 -> fpu.storeDouble();
            default -> fpu.storeExtended();
        });
    }

    /**
     * Writes a result to memory unless an unmasked exception stopped the instruction; then memory is not even looked at. If
     * memory faults, the instruction has not happened: the status word is what it was.
     */
    private static boolean write(Cpu cpu, Insn i, int status, boolean done) {
        if (done) {
            int bytes = i.operands[0].width() >> 3;
            try {
                cpu.write(i, 0, Math.min(bytes, 8), cpu.fpu.stored);
                if (bytes == 10) cpu.write(i, 8, 2, cpu.fpu.storedHigh);
            } catch (GuestFault fault) {
                cpu.fpu.status(status);
                throw fault;
            }
        }
        remember(cpu, i);
        return done;
    }

    @Operation(value = "fst", shape = Shape.WHOLE)
    public static void fst(Cpu cpu, Insn i) { store(cpu, i); }

    @Operation(value = "fstp", shape = Shape.WHOLE)
    public static void fstp(Cpu cpu, Insn i) { popIf(cpu, store(cpu, i)); }

    @Operation(value = "fstpnce", shape = Shape.WHOLE)
    public static void fstpnce(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.storeUnchecked(i.operands[0].number());
        cpu.fpu.pop();
    }

    private static boolean storeInteger(Cpu cpu, Insn i) {
        int status = cpu.fpu.status();
        return write(cpu, i, status, cpu.fpu.storeInteger(i.operands[0].width()));
    }

    @Operation(value = "fist", shape = Shape.WHOLE)
    public static void fist(Cpu cpu, Insn i) { storeInteger(cpu, i); }

    @Operation(value = "fistp", shape = Shape.WHOLE)
    public static void fistp(Cpu cpu, Insn i) { popIf(cpu, storeInteger(cpu, i)); }

    @Operation(value = "fbstp", shape = Shape.WHOLE)
    public static void fbstp(Cpu cpu, Insn i) {
        int status = cpu.fpu.status();
        popIf(cpu, write(cpu, i, status, cpu.fpu.storeBcd()));
    }

    private static void constant(Cpu cpu, Insn i, int number) {
        remember(cpu, i);
        cpu.fpu.loadConstant(number);
    }

    @Operation(value = "fld1", shape = Shape.WHOLE)
    public static void fld1(Cpu cpu, Insn i) { constant(cpu, i, 0); }

    @Operation(value = "fldl2t", shape = Shape.WHOLE)
    public static void fldl2t(Cpu cpu, Insn i) { constant(cpu, i, 1); }

    @Operation(value = "fldl2e", shape = Shape.WHOLE)
    public static void fldl2e(Cpu cpu, Insn i) { constant(cpu, i, 2); }

    @Operation(value = "fldpi", shape = Shape.WHOLE)
    public static void fldpi(Cpu cpu, Insn i) { constant(cpu, i, 3); }

    @Operation(value = "fldlg2", shape = Shape.WHOLE)
    public static void fldlg2(Cpu cpu, Insn i) { constant(cpu, i, 4); }

    @Operation(value = "fldln2", shape = Shape.WHOLE)
    public static void fldln2(Cpu cpu, Insn i) { constant(cpu, i, 5); }

    @Operation(value = "fldz", shape = Shape.WHOLE)
    public static void fldz(Cpu cpu, Insn i) { constant(cpu, i, 6); }

    // ---- register moves

    @Operation(value = "fxch", shape = Shape.WHOLE)
    public static void fxch(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.exchange(i.operands[1].number());
    }

    private static void moveIf(Cpu cpu, Insn i, int flags, boolean set) {
        remember(cpu, i);
        cpu.fpu.moveIf((cpu.flags() & flags) != 0 == set, i.operands[1].number());
    }

    @Operation(value = "fcmovb", shape = Shape.WHOLE)
    public static void fcmovb(Cpu cpu, Insn i) { moveIf(cpu, i, CF, true); }

    @Operation(value = "fcmove", shape = Shape.WHOLE)
    public static void fcmove(Cpu cpu, Insn i) { moveIf(cpu, i, ZF, true); }

    @Operation(value = "fcmovbe", shape = Shape.WHOLE)
    public static void fcmovbe(Cpu cpu, Insn i) { moveIf(cpu, i, CF | ZF, true); }

    @Operation(value = "fcmovu", shape = Shape.WHOLE)
    public static void fcmovu(Cpu cpu, Insn i) { moveIf(cpu, i, PF, true); }

    @Operation(value = "fcmovnb", shape = Shape.WHOLE)
    public static void fcmovnb(Cpu cpu, Insn i) { moveIf(cpu, i, CF, false); }

    @Operation(value = "fcmovne", shape = Shape.WHOLE)
    public static void fcmovne(Cpu cpu, Insn i) { moveIf(cpu, i, ZF, false); }

    @Operation(value = "fcmovnbe", shape = Shape.WHOLE)
    public static void fcmovnbe(Cpu cpu, Insn i) { moveIf(cpu, i, CF | ZF, false); }

    @Operation(value = "fcmovnu", shape = Shape.WHOLE)
    public static void fcmovnu(Cpu cpu, Insn i) { moveIf(cpu, i, PF, false); }

    @Operation(value = "fchs", shape = Shape.WHOLE)
    public static void fchs(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.changeSign();
    }

    @Operation(value = "fabs", shape = Shape.WHOLE)
    public static void fabs(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.absolute();
    }

    @Operation(value = "ffree", shape = Shape.WHOLE)
    public static void ffree(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.free(i.operands[0].number());
    }

    @Operation(value = "ffreep", shape = Shape.WHOLE)
    public static void ffreep(Cpu cpu, Insn i) {
        ffree(cpu, i);
        cpu.fpu.pop();
    }

    @Operation(value = "fincstp", shape = Shape.WHOLE)
    public static void fincstp(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.incrementTop();
    }

    @Operation(value = "fdecstp", shape = Shape.WHOLE)
    public static void fdecstp(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.decrementTop();
    }

    @Operation(value = "fnop", shape = Shape.WHOLE)
    public static void fnop(Cpu cpu, Insn i) { remember(cpu, i); }

    // ---- arithmetic

    private static boolean add(Cpu cpu, Insn i, int source) {
        int d = destination(i);
        return cpu.fpu.add(d, d, source);
    }

    private static boolean multiply(Cpu cpu, Insn i, int source) {
        int d = destination(i);
        return cpu.fpu.multiply(d, d, source);
    }

    private static boolean subtract(Cpu cpu, Insn i, int source) {
        int d = destination(i);
        return cpu.fpu.subtract(d, d, source);
    }

    private static boolean subtractReversed(Cpu cpu, Insn i, int source) {
        int d = destination(i);
        return cpu.fpu.subtract(d, source, d);
    }

    private static boolean divide(Cpu cpu, Insn i, int source) {
        int d = destination(i);
        return cpu.fpu.divide(d, d, source);
    }

    private static boolean divideReversed(Cpu cpu, Insn i, int source) {
        int d = destination(i);
        return cpu.fpu.divide(d, source, d);
    }

    @Operation(value = "fadd", shape = Shape.WHOLE)
    public static void fadd(Cpu cpu, Insn i) { add(cpu, i, real(cpu, i)); }

    @Operation(value = "faddp", shape = Shape.WHOLE)
    public static void faddp(Cpu cpu, Insn i) { popIf(cpu, add(cpu, i, real(cpu, i))); }

    @Operation(value = "fiadd", shape = Shape.WHOLE)
    public static void fiadd(Cpu cpu, Insn i) { add(cpu, i, integer(cpu, i)); }

    @Operation(value = "fmul", shape = Shape.WHOLE)
    public static void fmul(Cpu cpu, Insn i) { multiply(cpu, i, real(cpu, i)); }

    @Operation(value = "fmulp", shape = Shape.WHOLE)
    public static void fmulp(Cpu cpu, Insn i) { popIf(cpu, multiply(cpu, i, real(cpu, i))); }

    @Operation(value = "fimul", shape = Shape.WHOLE)
    public static void fimul(Cpu cpu, Insn i) { multiply(cpu, i, integer(cpu, i)); }

    @Operation(value = "fsub", shape = Shape.WHOLE)
    public static void fsub(Cpu cpu, Insn i) { subtract(cpu, i, real(cpu, i)); }

    @Operation(value = "fsubp", shape = Shape.WHOLE)
    public static void fsubp(Cpu cpu, Insn i) { popIf(cpu, subtract(cpu, i, real(cpu, i))); }

    @Operation(value = "fisub", shape = Shape.WHOLE)
    public static void fisub(Cpu cpu, Insn i) { subtract(cpu, i, integer(cpu, i)); }

    @Operation(value = "fsubr", shape = Shape.WHOLE)
    public static void fsubr(Cpu cpu, Insn i) { subtractReversed(cpu, i, real(cpu, i)); }

    @Operation(value = "fsubrp", shape = Shape.WHOLE)
    public static void fsubrp(Cpu cpu, Insn i) { popIf(cpu, subtractReversed(cpu, i, real(cpu, i))); }

    @Operation(value = "fisubr", shape = Shape.WHOLE)
    public static void fisubr(Cpu cpu, Insn i) { subtractReversed(cpu, i, integer(cpu, i)); }

    @Operation(value = "fdiv", shape = Shape.WHOLE)
    public static void fdiv(Cpu cpu, Insn i) { divide(cpu, i, real(cpu, i)); }

    @Operation(value = "fdivp", shape = Shape.WHOLE)
    public static void fdivp(Cpu cpu, Insn i) { popIf(cpu, divide(cpu, i, real(cpu, i))); }

    @Operation(value = "fidiv", shape = Shape.WHOLE)
    public static void fidiv(Cpu cpu, Insn i) { divide(cpu, i, integer(cpu, i)); }

    @Operation(value = "fdivr", shape = Shape.WHOLE)
    public static void fdivr(Cpu cpu, Insn i) { divideReversed(cpu, i, real(cpu, i)); }

    @Operation(value = "fdivrp", shape = Shape.WHOLE)
    public static void fdivrp(Cpu cpu, Insn i) { popIf(cpu, divideReversed(cpu, i, real(cpu, i))); }

    @Operation(value = "fidivr", shape = Shape.WHOLE)
    public static void fidivr(Cpu cpu, Insn i) { divideReversed(cpu, i, integer(cpu, i)); }

    @Operation(value = "fsqrt", shape = Shape.WHOLE)
    public static void fsqrt(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.squareRoot();
    }

    @Operation(value = "frndint", shape = Shape.WHOLE)
    public static void frndint(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.roundToInteger();
    }

    @Operation(value = "fscale", shape = Shape.WHOLE)
    public static void fscale(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.scale();
    }

    @Operation(value = "fprem", shape = Shape.WHOLE)
    public static void fprem(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.remainder(false);
    }

    @Operation(value = "fprem1", shape = Shape.WHOLE)
    public static void fprem1(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.remainder(true);
    }

    @Operation(value = "fxtract", shape = Shape.WHOLE)
    public static void fxtract(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.extract();
    }

    // ---- comparison

    @Operation(value = "fcom", shape = Shape.WHOLE)
    public static void fcom(Cpu cpu, Insn i) { cpu.fpu.compare(real(cpu, i), true); }

    @Operation(value = "fcomp", shape = Shape.WHOLE)
    public static void fcomp(Cpu cpu, Insn i) { popIf(cpu, cpu.fpu.compare(real(cpu, i), true)); }

    @Operation(value = "ficom", shape = Shape.WHOLE)
    public static void ficom(Cpu cpu, Insn i) { cpu.fpu.compare(integer(cpu, i), true); }

    @Operation(value = "ficomp", shape = Shape.WHOLE)
    public static void ficomp(Cpu cpu, Insn i) { popIf(cpu, cpu.fpu.compare(integer(cpu, i), true)); }

    @Operation(value = "fucom", shape = Shape.WHOLE)
    public static void fucom(Cpu cpu, Insn i) { cpu.fpu.compare(real(cpu, i), false); }

    @Operation(value = "fucomp", shape = Shape.WHOLE)
    public static void fucomp(Cpu cpu, Insn i) { popIf(cpu, cpu.fpu.compare(real(cpu, i), false)); }

    private static void compareAndPopBoth(Cpu cpu, Insn i, boolean signal) {
        remember(cpu, i);
        if (cpu.fpu.compare(1, signal)) {
            cpu.fpu.pop();
            cpu.fpu.pop();
        }
    }

    @Operation(value = "fcompp", shape = Shape.WHOLE)
    public static void fcompp(Cpu cpu, Insn i) { compareAndPopBoth(cpu, i, true); }

    @Operation(value = "fucompp", shape = Shape.WHOLE)
    public static void fucompp(Cpu cpu, Insn i) { compareAndPopBoth(cpu, i, false); }

    private static void compareFlags(Cpu cpu, Insn i, boolean signal) {
        cpu.flags(cpu.fpu.compareFlags(real(cpu, i), signal), ARITHMETIC_FLAGS);
    }

    @Operation(value = "fcomi", shape = Shape.WHOLE)
    public static void fcomi(Cpu cpu, Insn i) { compareFlags(cpu, i, true); }

    @Operation(value = "fcomip", shape = Shape.WHOLE)
    public static void fcomip(Cpu cpu, Insn i) {
        compareFlags(cpu, i, true);
        popIf(cpu, !cpu.fpu.comparisonStopped());
    }

    @Operation(value = "fucomi", shape = Shape.WHOLE)
    public static void fucomi(Cpu cpu, Insn i) { compareFlags(cpu, i, false); }

    @Operation(value = "fucomip", shape = Shape.WHOLE)
    public static void fucomip(Cpu cpu, Insn i) {
        compareFlags(cpu, i, false);
        popIf(cpu, !cpu.fpu.comparisonStopped());
    }

    @Operation(value = "ftst", shape = Shape.WHOLE)
    public static void ftst(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.test();
    }

    @Operation(value = "fxam", shape = Shape.WHOLE)
    public static void fxam(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.examine();
    }

    // ---- transcendental functions

    @Operation(value = "f2xm1", shape = Shape.WHOLE)
    public static void f2xm1(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.powerOfTwo();
    }

    @Operation(value = "fyl2x", shape = Shape.WHOLE)
    public static void fyl2x(Cpu cpu, Insn i) {
        remember(cpu, i);
        popIf(cpu, cpu.fpu.logarithm(false));
    }

    @Operation(value = "fyl2xp1", shape = Shape.WHOLE)
    public static void fyl2xp1(Cpu cpu, Insn i) {
        remember(cpu, i);
        popIf(cpu, cpu.fpu.logarithm(true));
    }

    @Operation(value = "fpatan", shape = Shape.WHOLE)
    public static void fpatan(Cpu cpu, Insn i) {
        remember(cpu, i);
        popIf(cpu, cpu.fpu.arctangent());
    }

    @Operation(value = "fptan", shape = Shape.WHOLE)
    public static void fptan(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.tangent();
    }

    @Operation(value = "fsin", shape = Shape.WHOLE)
    public static void fsin(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.sine();
    }

    @Operation(value = "fcos", shape = Shape.WHOLE)
    public static void fcos(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.cosine();
    }

    @Operation(value = "fsincos", shape = Shape.WHOLE)
    public static void fsincos(Cpu cpu, Insn i) {
        remember(cpu, i);
        cpu.fpu.sineCosine();
    }

    // ---- control

    @Operation("fwait")
    public static void fwait(Cpu cpu, int width) { cpu.needWait(); }

    @Operation("fninit")
    public static void fninit(Cpu cpu, int width) { cpu.fpu.initialize(); }

    @Operation("fnclex")
    public static void fnclex(Cpu cpu, int width) { cpu.fpu.clearExceptions(); }

    @Operation("fldcw")
    public static void fldcw(Cpu cpu, int width, long word) { cpu.fpu.control((int) word); }

    @Operation("fnstcw")
    public static long fnstcw(Cpu cpu, int width) { return cpu.fpu.control(); }

    @Operation("fnstsw")
    public static long fnstsw(Cpu cpu, int width) { return cpu.fpu.status(); }

    private static boolean wide(Insn i) { return i.operandSize != 16; }

    /** Looks at both ends first, as the hardware does, which decides the address of a fault. */
    private static byte[] read(Cpu cpu, Insn i, int bytes) {
        cpu.read(i, 0, wide(i) ? 4 : 2);
        cpu.read(i, bytes - 1, 1);
        byte[] image = new byte[bytes];
        for (int at = 0; at < bytes; at += 2) {
            int word = (int) cpu.read(i, at, 2);
            image[at] = (byte) word;
            image[at + 1] = (byte) (word >> 8);
        }
        return image;
    }

    /** The same for an image that is going to be written. */
    private static void probe(Cpu cpu, Insn i, int bytes) {
        SegmentRegister segment = cpu.segments[i.segment];
        cpu.probeWrite(i, wide(i) ? 4 : 2);
        cpu.mmu.probeWrite(cpu.writable(segment, Flags.zeroExtend(i.addressSize, cpu.offset(i) + bytes - 1), 0), 1);
        cpu.probeWrite(i, bytes);
    }

    private static void write(Cpu cpu, Insn i, byte[] image) {
        for (int at = 0; at < image.length; at += 2) cpu.write(i, at, 2, image[at] & 0xFF | image[at + 1] << 8);
    }

    @Operation(value = "fnstenv", shape = Shape.WHOLE)
    public static void fnstenv(Cpu cpu, Insn i) {
        byte[] image = new byte[wide(i) ? Fpu.ENVIRONMENT_32 : Fpu.ENVIRONMENT_16];
        probe(cpu, i, image.length);
        cpu.fpu.storeEnvironment(image, wide(i), cpu.paragraphs());
        write(cpu, i, image);
    }

    @Operation(value = "fldenv", shape = Shape.WHOLE)
    public static void fldenv(Cpu cpu, Insn i) {
        cpu.fpu.loadEnvironment(read(cpu, i, wide(i) ? Fpu.ENVIRONMENT_32 : Fpu.ENVIRONMENT_16), wide(i), cpu.paragraphs());
    }

    @Operation(value = "fnsave", shape = Shape.WHOLE)
    public static void fnsave(Cpu cpu, Insn i) {
        byte[] image = new byte[Fpu.STATE_BYTES + (wide(i) ? Fpu.ENVIRONMENT_32 : Fpu.ENVIRONMENT_16)];
        probe(cpu, i, image.length);
        cpu.fpu.save(image, wide(i), cpu.paragraphs());
        write(cpu, i, image);
    }

    @Operation(value = "frstor", shape = Shape.WHOLE)
    public static void frstor(Cpu cpu, Insn i) {
        int bytes = Fpu.STATE_BYTES + (wide(i) ? Fpu.ENVIRONMENT_32 : Fpu.ENVIRONMENT_16);
        cpu.fpu.restore(read(cpu, i, bytes), wide(i), cpu.paragraphs());
    }
}
