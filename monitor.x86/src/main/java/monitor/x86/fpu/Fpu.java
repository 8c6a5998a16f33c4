package monitor.x86.fpu;

import static monitor.x86.fpu.FloatCore.INVALID;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import vmkernel.api.monitor.CpuState;

/**
 * The x87 unit of one virtual CPU: eight 80-bit registers used as a stack, control, status and tag word, the pointers to
 * the last instruction, and what each instruction does to them ([SDM] 1, chapter 8). The MMX registers are the
 * significands of the same registers.
 *
 * <p>Instructions name stack registers 0 to 7; {@link #OPERAND} is one more register that holds a memory operand. A
 * method that returns a boolean tells whether the instruction completed: false means that an unmasked exception stopped
 * it before its destination changed, and then nothing must be stored or popped. Neither pending exceptions nor CR0
 * matter here; the caller looks at {@link #pending()} first.
 *
 * <p>One thread at a time.
 */
public final class Fpu {
    /** The stack fault flag of the status word. */
    public static final int STACK_FAULT = 0x40;
    /** Exception summary: an unmasked exception is pending. */
    public static final int SUMMARY = 0x80;
    /** Condition code bits of the status word. */
    public static final int C0 = 0x100;
    public static final int C1 = 0x200;
    public static final int C2 = 0x400;
    public static final int C3 = 0x4000;
    private static final int CONDITIONS = C0 | C1 | C2 | C3;

    /** The register that holds a memory operand. */
    public static final int OPERAND = 8;

    /** EFLAGS that FCOMI writes: zero, parity, carry. */
    private static final int ZF = 0x40;
    private static final int PF = 0x04;
    private static final int CF = 0x01;

    /** Sizes in bytes of the environment and of the whole state, with 16-bit and with 32-bit operands. */
    public static final int ENVIRONMENT_16 = 14;
    public static final int ENVIRONMENT_32 = 28;
    public static final int STATE_BYTES = 80;

    private static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Significands of the physical registers R0-R7 (and so MM0-MM7), then the operand register. */
    public final long[] mantissa = new long[9];
    /** Sign (bit 15) and exponent (bits 14:0) of the same registers. */
    public final int[] signExponent = new int[9];

    private int top;
    /** Bit i: physical register i is not empty. Bit 8 is the operand register. */
    private int occupied;
    private int control;
    /** Exception flags and stack fault, bits 6:0 of the status word; the summary bit is derived. */
    private int flags;
    /** Condition codes in their places of the status word. */
    private int conditions;

    /** Address and selector of the last instruction that was not a control instruction. */
    public long instructionOffset;
    public int instructionSelector;
    /** Address and selector of its memory operand. */
    public long operandOffset;
    public int operandSelector;
    /** Its opcode: the low three bits of the first byte, then the second byte. */
    public int opcode;

    /** What the last store instruction gives to memory: an integer, single or double in its low bits, or bits 63:0. */
    public long stored;
    /** Bits 79:64 of a stored extended or packed BCD. */
    public int storedHigh;

    private boolean stopped;

    private final Extended math = new Extended();
    private final FloatCore core = math.core;
    private final Transcendental transcendental = new Transcendental(math);

    /** A unit after reset and FNINIT. */
    public Fpu() {
        initialize();
    }

    // Control and status

    /** FNINIT: the default environment; the data registers keep their bits but become empty. */
    public void initialize() {
        control(0x37F);
        flags = 0;
        conditions = 0;
        top = 0;
        occupied = 1 << OPERAND;
        instructionOffset = 0;
        instructionSelector = 0;
        operandOffset = 0;
        operandSelector = 0;
        opcode = 0;
    }

    /** The control word. */
    public int control() {
        return control;
    }

    /** FLDCW. Bit 6 always reads as one, the other reserved bits as zero. */
    public void control(int word) {
        control = word & 0x1F3F | 0x40;
        math.control(word);
    }

    /** The status word, with TOP, exception summary and busy. */
    public int status() {
        return flags | conditions | top << 11 | (pending() ? SUMMARY | 0x8000 : 0);
    }

    /** Takes flags, condition codes and TOP from a status word. */
    public void status(int word) {
        flags = word & 0x7F;
        conditions = word & CONDITIONS;
        top = word >> 11 & 7;
    }

    /** An unmasked exception waits to be delivered at the next waiting instruction. */
    public boolean pending() {
        return (flags & ~control & 0x3F) != 0;
    }

    /** FNCLEX. */
    public void clearExceptions() {
        flags = 0;
    }

    /** The physical register that is ST(0). */
    public int top() {
        return top;
    }

    /** Bit i is set if physical register Ri is not empty: the tag byte of FXSAVE. */
    public int occupiedRegisters() {
        return occupied & 0xFF;
    }

    /** Sets which physical registers are not empty. */
    public void occupiedRegisters(int bits) {
        occupied = bits & 0xFF | 1 << OPERAND;
    }

    /** The full tag word, whose tags tell what the registers hold. */
    public int tags() {
        int tags = 0;
        for (int i = 7; i >= 0; i--) {
            tags = tags << 2 | tag(i);
        }
        return tags;
    }

    private int tag(int physical) {
        if ((occupied >> physical & 1) == 0) {
            return 3;
        }
        int se = signExponent[physical];
        long m = mantissa[physical];
        return Extended.isZero(se, m) ? 1 : Extended.isNormal(se, m) ? 0 : 2;
    }

    /** Sets the tags from a full tag word: only empty or not counts. */
    public void tags(int word) {
        int bits = 0;
        for (int i = 0; i < 8; i++) {
            if ((word >> 2 * i & 3) != 3) {
                bits |= 1 << i;
            }
        }
        occupiedRegisters(bits);
    }

    /** Takes the registers from a state. */
    public void load(CpuState state) {
        System.arraycopy(state.fpSignificand, 0, mantissa, 0, 8);
        System.arraycopy(state.fpSignExponent, 0, signExponent, 0, 8);
        control(state.fpControl);
        status(state.fpStatus);
        occupiedRegisters(~state.fpEmpty);
        opcode = state.fpOpcode;
        instructionOffset = state.fpCodeOffset;
        instructionSelector = state.fpCodeSelector;
        operandOffset = state.fpDataOffset;
        operandSelector = state.fpDataSelector;
    }

    /** Puts the registers into a state. */
    public void save(CpuState state) {
        System.arraycopy(mantissa, 0, state.fpSignificand, 0, 8);
        System.arraycopy(signExponent, 0, state.fpSignExponent, 0, 8);
        state.fpControl = control;
        state.fpStatus = status();
        state.fpEmpty = ~occupied & 0xFF;
        state.fpOpcode = opcode;
        state.fpCodeOffset = instructionOffset;
        state.fpCodeSelector = instructionSelector;
        state.fpDataOffset = operandOffset;
        state.fpDataSelector = operandSelector;
    }

    // MMX

    /** What every MMX instruction but EMMS does to the x87 state: TOP = 0, all registers valid ([SDM] 1, 9.5.1). */
    public void enterMmx() {
        top = 0;
        occupied = 0x1FF;
    }

    /** The part of that which has happened when an MMX instruction faults after it has loaded its operands. */
    public void clearTop() {
        top = 0;
    }

    /** Writes an MMX register; its exponent becomes all ones. */
    public void mmx(int register, long value) {
        mantissa[register] = value;
        signExponent[register] = 0xFFFF;
    }

    /** Reads an MMX register. */
    public long mmx(int register) {
        return mantissa[register];
    }

    /** EMMS: all registers empty. */
    public void emms() {
        top = 0;
        occupied = 1 << OPERAND;
    }

    // The stack

    private int slot(int register) {
        return register == OPERAND ? OPERAND : top + register & 7;
    }

    private boolean absent(int slot) {
        return (occupied >> slot & 1) == 0;
    }

    private void write(int slot, int se, long m) {
        signExponent[slot] = se;
        mantissa[slot] = m;
        occupied |= 1 << slot;
    }

    /** Marks ST(0) empty and moves the stack down. */
    public void pop() {
        occupied &= ~(1 << top);
        top = top + 1 & 7;
    }

    /** Stack underflow: the masked response puts the indefinite into a register. */
    private boolean underflow(int slot) {
        return stackFault(slot, 0);
    }

    private boolean stackFault(int slot, int c1) {
        if (!stackFault(c1)) {
            return false;
        }
        write(slot, Extended.INDEFINITE_SIGN_EXPONENT, Extended.INDEFINITE);
        return true;
    }

    /** Raises a stack fault; true if it is masked. */
    private boolean stackFault(int c1) {
        flags |= INVALID | STACK_FAULT;
        conditions = conditions & ~C1 | c1;
        return (control & INVALID) != 0;
    }

    /** Adds the exceptions of the last operation to the status word and sets C1; false if it must not deliver a result. */
    private boolean commit() {
        int raised = core.flags;
        conditions &= ~C1;
        if (raised == 0) {
            return true;
        }
        flags |= raised;
        if (math.stopped()) {
            return false;
        }
        if (core.roundedUp) {
            conditions |= C1;
        }
        return true;
    }

    /** Delivers the result of the last operation to a register, unless an exception forbids it. */
    private boolean deliver(int slot) {
        if (!commit()) {
            return false;
        }
        signExponent[slot] = math.signExponent;
        mantissa[slot] = math.mantissa;
        return true;
    }

    // Loads. Memory operands of arithmetic go to the operand register, those of FLD to the stack.

    /** A single as the memory operand. */
    public void operandSingle(int bits) {
        math.begin();
        math.fromSingle(bits);
        toOperand();
    }

    /** A double as the memory operand. */
    public void operandDouble(long bits) {
        math.begin();
        math.fromDouble(bits);
        toOperand();
    }

    /** An integer as the memory operand. */
    public void operandInteger(long value) {
        math.begin();
        math.fromInteger(value);
        toOperand();
    }

    private void toOperand() {
        signExponent[OPERAND] = math.signExponent;
        mantissa[OPERAND] = math.mantissa;
    }

    /** An arithmetic instruction starts; a memory operand has been loaded, and its exceptions belong to this one. */
    private void begin(int a, int b) {
        if (a != OPERAND && b != OPERAND) {
            math.begin();
        }
    }

    /** FLD m32fp. */
    public boolean loadSingle(int bits) {
        return loadSmall(bits, true);
    }

    /** FLD m64fp. */
    public boolean loadDouble(long bits) {
        return loadSmall(bits, false);
    }

    private boolean loadSmall(long bits, boolean single) {
        int slot = top - 1 & 7;
        if (!absent(slot)) {
            return pushOverflow(slot);
        }
        math.begin();
        if (single) {
            math.fromSingle((int) bits);
        } else {
            math.fromDouble(bits);
        }
        math.load();
        boolean done = commit();
        if ((core.flags & ~control & INVALID) != 0) {
            return false;
        }
        // Unlike in arithmetic, an unmasked denormal exception comes after the load.
        top = slot;
        write(slot, math.signExponent, math.mantissa);
        return done;
    }

    private boolean pushOverflow(int slot) {
        if (!stackFault(slot, C1)) {
            return false;
        }
        top = slot;
        return true;
    }

    /** FLD m80fp: any bit pattern, no exception but stack overflow. */
    public boolean loadExtended(int se, long m) {
        int slot = top - 1 & 7;
        if (!absent(slot)) {
            return pushOverflow(slot);
        }
        conditions &= ~C1;
        top = slot;
        write(slot, se & 0xFFFF, m);
        return true;
    }

    /** FILD. */
    public boolean loadInteger(long value) {
        math.fromInteger(value);
        return loadExtended(math.signExponent, math.mantissa);
    }

    /** FBLD: bits 79:64 and 63:0 of the packed BCD. */
    public boolean loadBcd(int high, long low) {
        math.fromBcd(high, low);
        return loadExtended(math.signExponent, math.mantissa);
    }

    /** FLD ST(i). */
    public boolean load(int register) {
        int source = slot(register);
        int slot = top - 1 & 7;
        if (absent(source)) {
            if (!stackFault(0)) {
                return false;
            }
            top = slot;
            write(slot, Extended.INDEFINITE_SIGN_EXPONENT, Extended.INDEFINITE);
            return true;
        }
        return loadExtended(signExponent[source], mantissa[source]);
    }

    /** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ in the order of their opcodes D9 E8 to D9 EE. */
    public boolean loadConstant(int number) {
        transcendental.constant(number);
        return loadExtended(math.signExponent, math.mantissa);
    }

    // Stores. The value is in stored (and storedHigh); false means that memory must not change.

    /** FST m32fp. */
    public boolean storeSingle() {
        if (absent(top)) {
            stored = 0xFFC0_0000L;
            return stackFault(0);
        }
        math.begin();
        stored = math.toSingle(signExponent[top], mantissa[top]);
        return commitStore();
    }

    /** FST m64fp. */
    public boolean storeDouble() {
        if (absent(top)) {
            stored = 0xFFF8_0000_0000_0000L;
            return stackFault(0);
        }
        math.begin();
        stored = math.toDouble(signExponent[top], mantissa[top]);
        return commitStore();
    }

    /** To memory, unmasked overflow and underflow stop the store, and nothing is known of its precision. */
    private boolean commitStore() {
        if ((core.flags & ~control & (FloatCore.OVERFLOW | FloatCore.UNDERFLOW)) != 0) {
            core.flags &= ~FloatCore.PRECISION;
            core.roundedUp = false;
            commit();
            return false;
        }
        return commit();
    }

    /** FSTP m80fp. */
    public boolean storeExtended() {
        if (absent(top)) {
            stored = Extended.INDEFINITE;
            storedHigh = Extended.INDEFINITE_SIGN_EXPONENT;
            return stackFault(0);
        }
        conditions &= ~C1;
        stored = mantissa[top];
        storedHigh = signExponent[top];
        return true;
    }

    /** FIST to 16, 32 or 64 bits. */
    public boolean storeInteger(int width) {
        if (absent(top)) {
            stored = -1L << width - 1;
            return stackFault(0);
        }
        math.begin();
        stored = math.toInteger(signExponent[top], mantissa[top], width);
        return commit();
    }

    /** FBSTP. */
    public boolean storeBcd() {
        if (absent(top)) {
            stored = Extended.INDEFINITE;
            storedHigh = Extended.BCD_INDEFINITE_HIGH;
            return stackFault(0);
        }
        math.begin();
        stored = math.toBcd(signExponent[top], mantissa[top]);
        storedHigh = math.signExponent;
        return commit();
    }

    /** FST ST(i). */
    public boolean store(int register) {
        int slot = slot(register);
        if (absent(top)) {
            return underflow(slot);
        }
        conditions &= ~C1;
        write(slot, signExponent[top], mantissa[top]);
        return true;
    }

    /** FSTPNCE, an undocumented FSTP that does not mind an empty register: there is nothing to copy then. */
    public void storeUnchecked(int register) {
        conditions &= ~C1;
        if (!absent(top)) {
            write(slot(register), signExponent[top], mantissa[top]);
        }
    }

    // Register moves

    /** FXCH. */
    public boolean exchange(int register) {
        int slot = slot(register);
        if (absent(top) || absent(slot)) {
            if (!stackFault(0)) {
                return false;
            }
            if (absent(top)) {
                write(top, Extended.INDEFINITE_SIGN_EXPONENT, Extended.INDEFINITE);
            }
            if (absent(slot)) {
                write(slot, Extended.INDEFINITE_SIGN_EXPONENT, Extended.INDEFINITE);
            }
        }
        conditions &= ~C1;
        long m = mantissa[top];
        int se = signExponent[top];
        mantissa[top] = mantissa[slot];
        signExponent[top] = signExponent[slot];
        mantissa[slot] = m;
        signExponent[slot] = se;
        return true;
    }

    /** FCMOVcc with its condition evaluated. */
    public boolean moveIf(boolean condition, int register) {
        int slot = slot(register);
        if (absent(top) || absent(slot)) {
            return underflow(top);
        }
        if (condition) {
            mantissa[top] = mantissa[slot];
            signExponent[top] = signExponent[slot];
        }
        return true;
    }

    /** FFREE. */
    public void free(int register) {
        occupied &= ~(1 << slot(register));
        conditions &= ~C1;
    }

    /** FINCSTP. */
    public void incrementTop() {
        top = top + 1 & 7;
        conditions &= ~C1;
    }

    /** FDECSTP. */
    public void decrementTop() {
        top = top - 1 & 7;
        conditions &= ~C1;
    }

    /** FCHS. */
    public boolean changeSign() {
        if (absent(top)) {
            return underflow(top);
        }
        conditions &= ~C1;
        signExponent[top] ^= Extended.SIGN;
        return true;
    }

    /** FABS. */
    public boolean absolute() {
        if (absent(top)) {
            return underflow(top);
        }
        conditions &= ~C1;
        signExponent[top] &= ~Extended.SIGN;
        return true;
    }

    // Arithmetic: ST(destination) = ST(a) op ST(b)

    /** FADD and its forms. */
    public boolean add(int destination, int a, int b) {
        int p = slot(a);
        int q = slot(b);
        int to = slot(destination);
        if (absent(p) || absent(q)) {
            return underflow(to);
        }
        begin(a, b);
        math.add(signExponent[p], mantissa[p], signExponent[q], mantissa[q], 0);
        return deliver(to);
    }

    /** FSUB and FSUBR: a - b. */
    public boolean subtract(int destination, int a, int b) {
        int p = slot(a);
        int q = slot(b);
        int to = slot(destination);
        if (absent(p) || absent(q)) {
            return underflow(to);
        }
        begin(a, b);
        math.add(signExponent[p], mantissa[p], signExponent[q], mantissa[q], Extended.SIGN);
        return deliver(to);
    }

    /** FMUL and its forms. */
    public boolean multiply(int destination, int a, int b) {
        int p = slot(a);
        int q = slot(b);
        int to = slot(destination);
        if (absent(p) || absent(q)) {
            return underflow(to);
        }
        begin(a, b);
        math.multiply(signExponent[p], mantissa[p], signExponent[q], mantissa[q]);
        return deliver(to);
    }

    /** FDIV and FDIVR: a / b. */
    public boolean divide(int destination, int a, int b) {
        int p = slot(a);
        int q = slot(b);
        int to = slot(destination);
        if (absent(p) || absent(q)) {
            return underflow(to);
        }
        begin(a, b);
        math.divide(signExponent[p], mantissa[p], signExponent[q], mantissa[q]);
        return deliver(to);
    }

    /** FSQRT. */
    public boolean squareRoot() {
        if (absent(top)) {
            return underflow(top);
        }
        math.begin();
        math.squareRoot(signExponent[top], mantissa[top]);
        return deliver(top);
    }

    /** FRNDINT. */
    public boolean roundToInteger() {
        if (absent(top)) {
            return underflow(top);
        }
        math.begin();
        math.roundToInteger(signExponent[top], mantissa[top]);
        return deliver(top);
    }

    /** FSCALE. */
    public boolean scale() {
        int second = slot(1);
        if (absent(top) || absent(second)) {
            return underflow(top);
        }
        math.begin();
        math.scale(signExponent[top], mantissa[top], signExponent[second], mantissa[second]);
        return deliver(top);
    }

    /** FPREM, or FPREM1 where the quotient is rounded to nearest. Operands without a quotient leave C0 and C3 alone. */
    public boolean remainder(boolean nearest) {
        int second = slot(1);
        if (absent(top) || absent(second)) {
            conditions &= ~C2;
            return underflow(top);
        }
        math.begin();
        math.remainder(signExponent[top], mantissa[top], signExponent[second], mantissa[second], nearest);
        conditions &= ~C2;
        boolean done = deliver(top);
        int q = math.quotient;
        if (q >= 0) {
            conditions = (math.incomplete ? C2 : 0) | (q & 4) << 6 | (q & 2) << 13 | (q & 1) << 9;
        }
        return done;
    }

    /** FXTRACT: ST(0) becomes the exponent, then the significand is pushed. */
    public boolean extract() {
        int slot = top - 1 & 7;
        if (absent(top) || !absent(slot)) {
            return pairFault(slot);
        }
        math.begin();
        int se = signExponent[top];
        long m = mantissa[top];
        math.exponentPart(se, m);
        if (!deliver(top)) {
            return false;
        }
        math.significandPart(se, m);
        top = slot;
        write(slot, math.signExponent, math.mantissa);
        return true;
    }

    /** The response of an instruction with two results that finds ST(0) empty or no room for the second. */
    private boolean pairFault(int slot) {
        if (!stackFault(absent(top) ? 0 : C1)) {
            return false;
        }
        write(top, Extended.INDEFINITE_SIGN_EXPONENT, Extended.INDEFINITE);
        top = slot;
        write(slot, Extended.INDEFINITE_SIGN_EXPONENT, Extended.INDEFINITE);
        return true;
    }

    // Comparison

    /** FCOM, or FUCOM where signal is false: ST(0) with ST(register); sets C3, C2 and C0, even if it does not complete. */
    public boolean compare(int register, boolean signal) {
        conditions &= ~C1;
        int order = order(register, signal);
        conditions = conditions & C1 | switch (order) {
            case 0 -> C3;
            case -1 -> C0;
            case 1 -> 0;
            default -> C3 | C2 | C0;
        };
        return !stopped;
    }

    /** FTST. */
    public boolean test() {
        operandInteger(0);
        return compare(OPERAND, true);
    }

    /**
     * FCOMI, or FUCOMI where signal is false: the new ZF, PF and CF in their EFLAGS places. They are written in any case;
     * {@link #comparisonStopped()} tells whether the pop of FCOMIP must not happen.
     */
    public int compareFlags(int register, boolean signal) {
        int order = order(register, signal);
        return switch (order) {
            case 0 -> ZF;
            case -1 -> CF;
            case 1 -> 0;
            default -> ZF | PF | CF;
        };
    }

    /** The last comparison met an unmasked exception. */
    public boolean comparisonStopped() {
        return stopped;
    }

    private int order(int register, boolean signal) {
        int slot = slot(register);
        if (absent(top) || absent(slot)) {
            stopped = !stackFault(0);
            return Extended.UNORDERED;
        }
        begin(0, register);
        int order = math.compare(signExponent[top], mantissa[top], signExponent[slot], mantissa[slot], signal);
        flags |= core.flags;
        stopped = math.stopped();
        return order;
    }

    /** FXAM: C3, C2, C0 tell the class of ST(0), C1 its sign, even of an empty register. */
    public void examine() {
        int se = signExponent[top];
        long m = mantissa[top];
        int code;
        if (absent(top)) {
            code = C3 | C0;
        } else if (Extended.isUnsupported(se, m)) {
            code = 0;
        } else if (Extended.isNan(se, m)) {
            code = C0;
        } else if (Extended.isInfinite(se, m)) {
            code = C2 | C0;
        } else if (Extended.isZero(se, m)) {
            code = C3;
        } else {
            code = Extended.isDenormal(se, m) ? C3 | C2 : C2;
        }
        conditions = code | (Extended.isNegative(se) ? C1 : 0);
    }

    // Transcendental instructions

    /** F2XM1. */
    public boolean powerOfTwo() {
        if (absent(top)) {
            return underflow(top);
        }
        math.begin();
        transcendental.powerOfTwoMinusOne(signExponent[top], mantissa[top]);
        return deliver(top);
    }

    /** FYL2X and, with plusOne, FYL2XP1: the result is in ST(1); the caller pops. */
    public boolean logarithm(boolean plusOne) {
        int second = slot(1);
        if (absent(top) || absent(second)) {
            return underflow(second);
        }
        math.begin();
        if (plusOne) {
            transcendental.logarithmPlusOne(signExponent[second], mantissa[second], signExponent[top], mantissa[top]);
        } else {
            transcendental.logarithm(signExponent[second], mantissa[second], signExponent[top], mantissa[top]);
        }
        return deliver(second);
    }

    /** FPATAN: the angle of ST(1) over ST(0) is in ST(1); the caller pops. */
    public boolean arctangent() {
        int second = slot(1);
        if (absent(top) || absent(second)) {
            return underflow(second);
        }
        math.begin();
        transcendental.arctangent(signExponent[second], mantissa[second], signExponent[top], mantissa[top]);
        return deliver(second);
    }

    /** FSIN. */
    public boolean sine() {
        return trigonometric(true);
    }

    /** FCOS. */
    public boolean cosine() {
        return trigonometric(false);
    }

    private boolean trigonometric(boolean sine) {
        conditions &= ~C2;
        if (absent(top)) {
            return underflow(top);
        }
        math.begin();
        if (outOfRange()) {
            return true;
        }
        if (sine) {
            transcendental.sine(signExponent[top], mantissa[top]);
        } else {
            transcendental.cosine(signExponent[top], mantissa[top]);
        }
        return deliver(top);
    }

    /** Magnitudes of 2^63 and above only set C2 and stay what they are. */
    private boolean outOfRange() {
        conditions &= ~(C1 | C2);
        int se = signExponent[top] & Extended.SPECIAL;
        if (se >= Extended.BIAS + 63 && se != Extended.SPECIAL && mantissa[top] < 0) {
            conditions |= C2;
            return true;
        }
        return false;
    }

    /** FSINCOS: ST(0) becomes the sine, then the cosine is pushed. */
    public boolean sineCosine() {
        return trigonometricPair(true);
    }

    /** FPTAN: ST(0) becomes the tangent, then 1.0 is pushed. */
    public boolean tangent() {
        return trigonometricPair(false);
    }

    private boolean trigonometricPair(boolean sineAndCosine) {
        conditions &= ~C2;
        int slot = top - 1 & 7;
        if (absent(top) || !absent(slot)) {
            return pairFault(slot);
        }
        math.begin();
        if (outOfRange()) {
            return true;
        }
        int se = signExponent[top];
        long m = mantissa[top];
        if (sineAndCosine) {
            transcendental.sine(se, m);
        } else {
            transcendental.tangent(se, m);
        }
        int firstSe = math.signExponent;
        long first = math.mantissa;
        if (sineAndCosine) {
            transcendental.cosine(se, m);
        } else if ((firstSe & Extended.SPECIAL) != Extended.SPECIAL) {
            math.result(Extended.BIAS, FloatCore.INTEGER_BIT); // a NaN answers twice
        }
        if (!commit()) {
            return false;
        }
        write(top, firstSe, first);
        top = slot;
        write(slot, math.signExponent, math.mantissa);
        return true;
    }

    // Images in memory

    /**
     * FNSTENV: writes the environment, then masks all exceptions. 14 bytes with 16-bit operands, 28 with 32-bit ones.
     *
     * @param wide 32-bit operand size
     * @param real the formats of real and virtual-8086 mode, which hold linear addresses
     */
    public void storeEnvironment(byte[] image, boolean wide, boolean real) {
        environment(image, wide, real);
        control(control | 0x3F);
    }

    private void environment(byte[] image, boolean wide, boolean real) {
        if (wide) {
            INTS.set(image, 0, 0xFFFF_0000 | control);
            INTS.set(image, 4, 0xFFFF_0000 | status());
            INTS.set(image, 8, 0xFFFF_0000 | tags());
            if (real) {
                long ip = linear(instructionSelector, instructionOffset);
                long dp = linear(operandSelector, operandOffset);
                INTS.set(image, 12, 0xFFFF_0000 | (int) ip & 0xFFFF);
                INTS.set(image, 16, (int) (ip >> 4) & 0x0FFF_F000 | opcode);
                INTS.set(image, 20, 0xFFFF_0000 | (int) dp & 0xFFFF);
                INTS.set(image, 24, (int) (dp >> 4) & 0x0FFF_F000);
            } else {
                INTS.set(image, 12, (int) instructionOffset);
                INTS.set(image, 16, instructionSelector | opcode << 16);
                INTS.set(image, 20, (int) operandOffset);
                INTS.set(image, 24, 0xFFFF_0000 | operandSelector);
            }
        } else {
            SHORTS.set(image, 0, (short) control);
            SHORTS.set(image, 2, (short) status());
            SHORTS.set(image, 4, (short) tags());
            if (real) {
                long ip = linear(instructionSelector, instructionOffset);
                long dp = linear(operandSelector, operandOffset);
                SHORTS.set(image, 6, (short) ip);
                SHORTS.set(image, 8, (short) (ip >> 4 & 0xF000 | opcode));
                SHORTS.set(image, 10, (short) dp);
                SHORTS.set(image, 12, (short) (dp >> 4 & 0xF000));
            } else {
                SHORTS.set(image, 6, (short) instructionOffset);
                SHORTS.set(image, 8, (short) instructionSelector);
                SHORTS.set(image, 10, (short) operandOffset);
                SHORTS.set(image, 12, (short) operandSelector);
            }
        }
    }

    private static long linear(int selector, long offset) {
        return ((long) selector << 4) + offset;
    }

    /** FLDENV: takes what {@link #storeEnvironment} wrote. */
    public void loadEnvironment(byte[] image, boolean wide, boolean real) {
        int step = wide ? 4 : 2;
        control(word(image, 0));
        status(word(image, step));
        tags(word(image, 2 * step));
        if (wide && real) {
            int high = (int) INTS.get(image, 16);
            instructionOffset = word(image, 12) | (high & 0x0FFF_F000L) << 4;
            operandOffset = word(image, 20) | ((int) INTS.get(image, 24) & 0x0FFF_F000L) << 4;
            instructionSelector = 0;
            operandSelector = 0;
            opcode = high & 0x7FF;
        } else if (wide) {
            instructionOffset = (int) INTS.get(image, 12) & 0xFFFF_FFFFL;
            instructionSelector = word(image, 16);
            opcode = word(image, 18) & 0x7FF;
            operandOffset = (int) INTS.get(image, 20) & 0xFFFF_FFFFL;
            operandSelector = word(image, 24);
        } else if (real) {
            instructionOffset = word(image, 6) | (word(image, 8) & 0xF000) << 4;
            operandOffset = word(image, 10) | (word(image, 12) & 0xF000) << 4;
            instructionSelector = 0;
            operandSelector = 0;
            opcode = word(image, 8) & 0x7FF;
        } else {
            instructionOffset = word(image, 6);
            instructionSelector = word(image, 8);
            operandOffset = word(image, 10);
            operandSelector = word(image, 12);
        }
    }

    private static int word(byte[] image, int at) {
        return (short) SHORTS.get(image, at) & 0xFFFF;
    }

    /** FNSAVE: the environment, then ST(0) to ST(7) with ten bytes each, then FNINIT. 94 or 108 bytes. */
    public void save(byte[] image, boolean wide, boolean real) {
        environment(image, wide, real);
        int at = wide ? ENVIRONMENT_32 : ENVIRONMENT_16;
        for (int i = 0; i < 8; i++, at += 10) {
            int slot = slot(i);
            LONGS.set(image, at, mantissa[slot]);
            SHORTS.set(image, at + 8, (short) signExponent[slot]);
        }
        initialize();
    }

    /** FRSTOR. */
    public void restore(byte[] image, boolean wide, boolean real) {
        loadEnvironment(image, wide, real);
        int at = wide ? ENVIRONMENT_32 : ENVIRONMENT_16;
        for (int i = 0; i < 8; i++, at += 10) {
            int slot = slot(i);
            mantissa[slot] = (long) LONGS.get(image, at);
            signExponent[slot] = word(image, at + 8);
        }
    }

    /**
     * The x87 part of an FXSAVE image ([SDM] 2A, FXSAVE): bytes 0 to 23 and 32 to 159; MXCSR and what follows is left alone.
     *
     * @param rexW the format with 64-bit pointers and without selectors
     */
    public void fxsave(byte[] image, boolean rexW) {
        SHORTS.set(image, 0, (short) control);
        SHORTS.set(image, 2, (short) status());
        SHORTS.set(image, 4, (short) occupiedRegisters());
        SHORTS.set(image, 6, (short) opcode);
        if (rexW) {
            LONGS.set(image, 8, instructionOffset);
            LONGS.set(image, 16, operandOffset);
        } else {
            LONGS.set(image, 8, instructionOffset & 0xFFFF_FFFFL | (long) instructionSelector << 32);
            LONGS.set(image, 16, operandOffset & 0xFFFF_FFFFL | (long) operandSelector << 32);
        }
        for (int i = 0; i < 8; i++) {
            int slot = slot(i);
            LONGS.set(image, 32 + 16 * i, mantissa[slot]);
            LONGS.set(image, 40 + 16 * i, (long) signExponent[slot]);
        }
    }

    /** The x87 part of FXRSTOR. */
    public void fxrstor(byte[] image, boolean rexW) {
        control(word(image, 0));
        status(word(image, 2));
        occupiedRegisters(image[4]);
        opcode = word(image, 6) & 0x7FF;
        if (rexW) {
            instructionOffset = (long) LONGS.get(image, 8);
            operandOffset = (long) LONGS.get(image, 16);
            instructionSelector = 0;
            operandSelector = 0;
        } else {
            instructionOffset = (int) INTS.get(image, 8) & 0xFFFF_FFFFL;
            instructionSelector = word(image, 12);
            operandOffset = (int) INTS.get(image, 16) & 0xFFFF_FFFFL;
            operandSelector = word(image, 20);
        }
        for (int i = 0; i < 8; i++) {
            int slot = slot(i);
            mantissa[slot] = (long) LONGS.get(image, 32 + 16 * i);
            signExponent[slot] = word(image, 40 + 16 * i);
        }
    }
}
