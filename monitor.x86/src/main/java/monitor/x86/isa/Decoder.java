package monitor.x86.isa;

/**
 * Decodes x86 instructions of 16-, 32- and 64-bit code with the {@link InstructionTable}. One decoder serves one thread at a
 * time; it keeps nothing from one instruction to the next. Sources: [SDM] 2, 2 Instruction Format; [SDM] 2 A Opcode Map.
 */
public final class Decoder {

    private static final int MAX_LENGTH = 15;
    private static final int NONE = -1;
    private static final int SS = 2, DS = 3;
    private static final int BX = 3, SP = 4, BP = 5, SI = 6, DI = 7;
    private static final int[] BASE16 = {BX, BX, BP, BP, SI, DI, BP, BX};
    private static final int[] INDEX16 = {SI, DI, SI, DI, NONE, NONE, NONE, NONE};
    private static final Operand[] NO_OPERANDS = {};

    /** Leaves the decoding of an instruction that is too long. */
    private static final class TooLong extends RuntimeException {
        private static final long serialVersionUID = 1;

        TooLong() {
            super(null, null, false, false);
        }
    }

    private static final TooLong TOO_LONG = new TooLong();

    private final InstructionTable table;
    private ByteSource code;
    private boolean ripRelative;
    private boolean operandSizePrefix;
    private boolean addressSizePrefix;
    private int immediatesTaken;

    long ip;
    int codeBits;
    int length;
    int rex;
    int repeat;
    boolean lock;
    int segmentPrefix;
    int opcode;
    int modrm;
    int operandSize;
    int addressSize;
    int segment;
    boolean memory;
    int base;
    int index;
    int scale;
    long disp;
    long imm;
    long imm2;
    Operand[] operands;

    /** A decoder of this instruction set. */
    public Decoder(InstructionTable table) {
        this.table = table;
    }

    /**
     * Decodes one instruction.
     *
     * @param code     gives the bytes from {@code ip} on; what it throws passes through
     * @param ip       offset of the first byte in the code segment
     * @param codeBits size of the code segment: 16, 32 or 64 bits
     * @return the instruction; for an undefined encoding, or an illegal LOCK, one whose operation is "ud"; "too_long" (#GP)
     *         when its fifteenth byte is not the last
     */
    public Insn decode(ByteSource code, long ip, int codeBits) {
        this.code = code;
        this.ip = ip;
        this.codeBits = codeBits;
        reset();
        try {
            Row row = decodeRow();
            return row.undefined() ? undefined(row) : new Insn(this, row);
        } catch (TooLong e) {
            return undefined(table.tooLong());
        } finally {
            this.code = null;
        }
    }

    private void reset() {
        length = 0;
        rex = 0;
        repeat = 0;
        lock = false;
        segmentPrefix = NONE;
        modrm = 0;
        operandSizePrefix = false;
        addressSizePrefix = false;
        ripRelative = false;
        segment = DS;
        memory = false;
        base = NONE;
        index = NONE;
        scale = 0;
        disp = 0;
        imm = 0;
        imm2 = 0;
        immediatesTaken = 0;
        operands = NO_OPERANDS;
    }

    private Row decodeRow() {
        opcode = prefixes();
        addressSize = codeBits == 64 ? (addressSizePrefix ? 32 : 64) : addressSizePrefix ? 48 - codeBits : codeBits;
        int map = 0;
        if (opcode == 0x0f) {
            map = 1;
            opcode = fetch();
        }
        // 90 is XCHG rAX,rAX and thus nothing, but REX.B makes it a real exchange with r8; with F3 it is PAUSE nevertheless
        boolean exchange = opcode == 0x90 && map == 0 && rexB() != 0 && repeat != 0xf3;
        InstructionTable.Slot slot = table.slot(codeBits == 64, map, exchange ? 0x91 : opcode);
        if (slot.modrm) {
            modrm = fetch();
        }
        Row row = slot.row(repeat == 0xf3 ? 2 : repeat == 0xf2 ? 3 : operandSizePrefix ? 1 : 0, modrm);
        operandSize = operandSize(row);
        if (row.undefined()) {
            return row;
        }
        if (row.prefix == Row.Prefix.PF2 || row.prefix == Row.Prefix.PF3) {
            repeat = 0;
        }
        if (row.modrm && modrm < 0xc0 && !row.has(Note.NOMOD)) {
            memoryOperand();
        }
        for (int immediate : row.immediateCodes) {
            immediate(immediate);
        }
        if (ripRelative) {
            disp += ip + length;
        }
        finishAddress();
        operands(row);
        if (lock && !(row.lockable && operands[0].inMemory()) || badRegister(row)) {
            return table.undefined();
        }
        return row;
    }

    private Insn undefined(Row row) {
        operands = NO_OPERANDS;
        memory = false;
        lock = false;
        return new Insn(this, row);
    }

    private int fetch() {
        if (length == MAX_LENGTH) {
            throw TOO_LONG;
        }
        int b = code.next() & 0xff;
        length++;
        return b;
    }

    /** Takes the prefixes; returns the first byte after them. */
    private int prefixes() {
        while (true) {
            int b = fetch();
            switch (b) {
                case 0x66: operandSizePrefix = true; break;
                case 0x67: addressSizePrefix = true; break;
                case 0xf0: lock = true; break;
                case 0xf2: case 0xf3: repeat = b; break;
                case 0x26: case 0x2e: case 0x36: case 0x3e:
                    // 64-bit mode ignores these four, [SDM] 2 2.1.1 group 2
                    segmentPrefix = codeBits == 64 ? segmentPrefix : b >> 3 & 3;
                    break;
                case 0x64: case 0x65: segmentPrefix = b & 7; break;
                default:
                    if (codeBits != 64 || (b & 0xf0) != 0x40) {
                        return b;
                    }
                    rex = b;
                    continue;
            }
            rex = 0; // counts only immediately before the opcode
        }
    }

    private int operandSize(Row row) {
        boolean prefix = operandSizePrefix && row.prefix != Row.Prefix.P66;
        if (codeBits != 64) {
            return prefix ? 48 - codeBits : codeBits;
        }
        if ((rex & 8) != 0 || row.has(Note.F64)) {
            return 64;
        }
        return prefix ? 16 : row.has(Note.D64) ? 64 : 32;
    }

    int rexR() {
        return (rex & 4) << 1;
    }

    private int rexX() {
        return (rex & 2) << 2;
    }

    int rexB() {
        return (rex & 1) << 3;
    }

    private void memoryOperand() {
        memory = true;
        if (addressSize == 16) {
            memory16();
        } else {
            memory32();
        }
    }

    private void memory16() {
        int mod = modrm >> 6;
        int rm = modrm & 7;
        if (mod == 0 && rm == 6) {
            disp = (short) number(2);
            return;
        }
        base = BASE16[rm];
        index = INDEX16[rm];
        disp = mod == 1 ? (byte) number(1) : mod == 2 ? (short) number(2) : 0;
    }

    private void memory32() {
        int mod = modrm >> 6;
        int rm = modrm & 7;
        int low = rm;
        if (rm == SP) {
            int sib = fetch();
            low = sib & 7;
            index = sib >> 3 & 7 | rexX();
            scale = sib >> 6;
            if (index == SP) {
                index = NONE;
                scale = 0;
            }
        }
        if (mod == 0 && low == BP) {
            disp = (int) number(4);
            ripRelative = codeBits == 64 && rm == BP;
            return;
        }
        base = low | rexB();
        disp = mod == 1 ? (byte) number(1) : mod == 2 ? (int) number(4) : 0;
    }

    private void finishAddress() {
        if (memory && base < 0 && index < 0 && addressSize < 64) {
            disp &= (1L << addressSize) - 1;
        }
        segment = segmentPrefix >= 0 ? segmentPrefix : base == SP || base == BP ? SS : DS;
    }

    /** A little-endian number of this many bytes, zero-extended. */
    private long number(int bytes) {
        long n = 0;
        for (int i = 0; i < bytes; i++) {
            n |= (long) fetch() << i * 8;
        }
        return n;
    }

    static int immediateCode(String token) {
        return switch (token) {
            case "ib", "cb" -> 1;
            case "iw" -> 2;
            case "iz", "cz" -> 3;
            case "iv" -> 4;
            case "ap" -> 5;
            case "mo" -> 6;
            default -> throw new IllegalArgumentException(token);
        };
    }

    /** Reads one immediate, sign-extended, into imm or imm2. */
    private void immediate(int immediateCode) {
        long value;
        switch (immediateCode) {
            case 1: value = (byte) number(1); break;
            case 2: value = (short) number(2); break;
            case 3: value = operandSize == 16 ? (short) number(2) : (int) number(4); break;
            case 4: value = operandSize == 64 ? number(8) : number(operandSize / 8); break;
            case 5:
                imm = number(operandSize == 16 ? 2 : 4);
                imm2 = number(2);
                return;
            default:
                memory = true;
                disp = number(addressSize / 8);
                return;
        }
        if (immediatesTaken++ == 0) {
            imm = value;
        } else {
            imm2 = value;
        }
    }

    /** Cuts the next immediate to the width of its operand; returns its number. */
    int takeImmediate(int width) {
        int number = immediatesTaken++;
        long mask = width == 64 ? -1 : (1L << width) - 1;
        if (number == 0) {
            imm &= mask;
        } else {
            imm2 &= mask;
        }
        return number;
    }

    private void operands(Row row) {
        OperandForm[] forms = row.forms;
        if (forms.length == 0) {
            return;
        }
        immediatesTaken = 0;
        operands = new Operand[forms.length];
        for (int i = 0; i < forms.length; i++) {
            operands[i] = forms[i].resolve(this);
        }
    }

    /** Segment registers 6 and 7, CS as a destination, and control registers that do not exist are #UD. */
    private boolean badRegister(Row row) {
        for (int i = 0; i < operands.length; i++) {
            Operand o = operands[i];
            switch (o.kind()) {
                case SEG:
                    if (o.number() > 5 || o.number() == 1 && i == 0 && row.has(Note.WO)) {
                        return true;
                    }
                    break;
                case CR:
                    if (o.number() != 0 && o.number() != 2 && o.number() != 3 && o.number() != 4 && o.number() != 8 || codeBits != 64 && o.number() == 8) {
                        return true;
                    }
                    break;
                default:
            }
        }
        return false;
    }
}
