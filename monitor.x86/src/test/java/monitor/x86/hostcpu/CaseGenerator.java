package monitor.x86.hostcpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import monitor.x86.isa.Decoder;
import monitor.x86.isa.InstructionTable;
import monitor.x86.isa.Insn;
import monitor.x86.isa.Note;
import monitor.x86.isa.Operand;
import monitor.x86.isa.Row;

/** Makes cases of every row that a user-mode program may execute: random encodings, operands that mostly lie in the block. */
public final class CaseGenerator {

    /** Not to be had without the operating system seeing it, or dependent on this machine. */
    private static final Set<String> EXCLUDED = Set.of("call_far", "call_far_ind", "jmp_far", "jmp_far_ind", "retf", "retf_imm", "iret", "int1", "int3", "int_imm",
        "sysenter", "sysexit", "syscall", "rdtsc", "rdpmc", "cpuid", "in", "out", "ins", "outs", "mov_to_seg", "pop_seg", "lds", "les", "lfs", "lgs", "lss",
        "lar", "lsl", "verr", "verw", "sgdt", "sidt", "sldt", "str", "smsw", "rsm");
    private static final Set<String> STACK = Set.of("push", "pop", "push_seg", "pusha", "popa", "pushf", "popf", "enter", "call_rel", "call_ind", "ret", "ret_imm");
    private static final Set<String> NO_ACCESS = Set.of("lea", "nop", "prefetch", "invlpg");
    private static final int EAX = 0, ECX = 1, EDX = 2, EBX = 3, ESP = 4, EBP = 5, ESI = 6, EDI = 7;
    private static final int STATUS_FLAGS = Row.OF | Row.SF | Row.ZF | Row.AF | Row.PF | Row.CF;
    private static final int MAX_ATTEMPTS = 1000;

    private final InstructionTable table;
    private final Decoder decoder;
    private final Random random;
    private final Values values;

    // the case in the making
    private byte[] code;
    private Insn insn;
    private int[] gpr;
    private ByteBuffer fx;
    private ByteBuffer memory;

    /** A generator whose cases depend on the seed alone. */
    public CaseGenerator(InstructionTable table, long seed) {
        this.table = table;
        decoder = new Decoder(table);
        random = new Random(seed);
        values = new Values(random);
    }

    /** The rows it can make cases of. */
    public List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        for (Row row : table.rows()) {
            if (!row.undefined() && !row.has(Note.O64) && !EXCLUDED.contains(row.operation)) {
                rows.add(row);
            }
        }
        return rows;
    }

    /** A case of this row, which must be one of {@link #rows()}. */
    public Case next(Row row) {
        for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
            encode(row);
            insn = decode();
            if (insn.row == row) {
                registers();
                if (place()) {
                    code = java.util.Arrays.copyOf(code, insn.length);
                    insn = decode();
                    boolean branch = row.has(Note.BRANCH) && !row.operation.equals("into") && !row.operation.equals("ud");
                    return new Case(insn, code, branch, new Case.State(gpr, flags(), fx.array(), memory.array()));
                }
            }
        }
        throw new IllegalStateException("no case for " + row);
    }

    private Insn decode() {
        int[] at = {0};
        return decoder.decode(() -> code[at[0]++], Case.CODE & 0xffffffffL, 32);
    }

    // ---- encoding

    private void encode(Row row) {
        code = new byte[24];
        random.nextBytes(code);
        int n = prefixes(row);
        if (row.map == 1) {
            code[n++] = 0x0f;
        }
        code[n++] = (byte) (row.opcode + random.nextInt(row.opcodeSpan));
        if (row.modrm) {
            int mod = row.registerAllowed && (!row.memoryAllowed || values.oneIn(3)) ? 3 : random.nextInt(3);
            int reg = row.reg >= 0 ? row.reg : random.nextInt(8);
            int rm = row.rm >= 0 ? row.rm : random.nextInt(8);
            code[n++] = (byte) (mod << 6 | reg << 3 | rm);
        }
        if (row.operation.equals("enter")) {
            code[n + 1] = (byte) (values.oneIn(8) ? code[n + 1] : 0);
            code[n + 2] = (byte) (values.oneIn(2) ? random.nextInt(4) : code[n + 2]);
        } else if (row.operation.equals("ret_imm")) {
            code[n + 1] = (byte) (values.oneIn(4) ? code[n + 1] : 0);
        } else if (row.immediates.contains("cz")) {
            int distance = random.nextInt(2000) - 1000;
            ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).putInt(n, distance);
        } else if (row.immediates.contains("ib") && values.oneIn(3)) {
            for (int i = n; i < code.length; i++) {
                code[i] = (byte) values.integer();
            }
        }
    }

    private int prefixes(Row row) {
        int n = 0;
        boolean branch = row.has(Note.BRANCH);
        if (row.prefix == Row.Prefix.ANY && !branch && values.oneIn(3)) {
            code[n++] = 0x66;
        }
        if (row.has(Note.LOCK) && values.oneIn(6)) {
            code[n++] = (byte) 0xf0;
        }
        if (values.oneIn(24)) {
            code[n++] = 0x67;
        }
        if (values.oneIn(16)) {
            code[n++] = (byte) (0x26 + 8 * random.nextInt(4));
        }
        if ((row.has(Note.REP) || row.has(Note.REPZ)) && values.oneIn(2)) {
            code[n++] = (byte) (0xf2 + random.nextInt(2));
        }
        switch (row.prefix) {
            case P66 -> code[n++] = 0x66;
            case PF2 -> code[n++] = (byte) 0xf2;
            case PF3 -> code[n++] = (byte) 0xf3;
            default -> { }
        }
        return n;
    }

    // ---- state

    private int flags() {
        return 0x202 | random.nextInt() & STATUS_FLAGS | (values.oneIn(4) ? Row.DF : 0);
    }

    private void registers() {
        gpr = new int[8];
        for (int i = 0; i < 8; i++) {
            gpr[i] = values.integer();
        }
        gpr[ESP] = Case.BLOCK + 256 + random.nextInt(512) & (values.oneIn(4) ? -1 : -4);
        fx = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        memory = ByteBuffer.allocate(Case.BLOCK_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < Case.BLOCK_SIZE; i += 4) {
            memory.putInt(i, values.integer());
        }
        if (insn.row.has(Note.X87) || insn.row.has(Note.MMX) || insn.row.operation.startsWith("fx")) {
            x87();
        } else {
            fx.putShort(0, (short) 0x37f);
        }
        sse();
    }

    private void x87() {
        int masks = values.oneIn(4) ? random.nextInt(64) : 0x3f;
        int control = 0x40 | masks | (values.oneIn(3) ? random.nextInt(4) << 8 : 3 << 8) | (values.oneIn(2) ? random.nextInt(4) << 10 : 0);
        int exceptions = values.oneIn(4) ? random.nextInt(128) : 0;
        if (!values.oneIn(16)) {
            exceptions &= masks | 0x40;
        }
        boolean pending = (exceptions & 0x3f & ~masks) != 0;
        int top = values.oneIn(2) ? 0 : random.nextInt(8);
        int status = exceptions | (pending ? 0x8080 : 0) | random.nextInt() & 0x4700 | top << 11;
        fx.putShort(0, (short) control);
        fx.putShort(2, (short) status);
        fx.put(4, (byte) (values.oneIn(4) ? random.nextInt() : 0xff));
        boolean mmx = insn.row.has(Note.MMX);
        for (int i = 0; i < 8; i++) {
            int exponent = mmx ? 0xffff : values.exponent();
            fx.putLong(32 + 16 * i, mmx ? (long) values.integer() << 32 | values.integer() & 0xffffffffL : values.significand(exponent));
            fx.putShort(40 + 16 * i, (short) exponent);
            if (i > 0 && values.oneIn(5)) { // near the top of the stack in value: cancellation, equality
                fx.putLong(32 + 16 * i, fx.getLong(32) + random.nextInt(3) - 1);
                fx.putShort(40 + 16 * i, (short) (fx.getShort(40) + random.nextInt(3) - 1));
            }
        }
        if (mmx && insn.row.operation.startsWith("ps")) {
            shiftCounts(32);
        }
    }

    private void shiftCounts(int from) {
        for (int i = 0; i < 8; i++) {
            if (values.oneIn(2)) {
                fx.putLong(from + 16 * i, random.nextInt(70));
            }
        }
    }

    private void sse() {
        int masks = values.oneIn(4) ? random.nextInt(64) : 0x3f;
        int exceptions = values.oneIn(4) ? random.nextInt(64) : 0;
        int rounding = values.oneIn(2) ? random.nextInt(4) : 0;
        int modes = (values.oneIn(5) ? 1 << 15 : 0) | (values.oneIn(5) ? 1 << 6 : 0); // FZ, DAZ
        fx.putInt(24, modes | rounding << 13 | masks << 7 | exceptions);
        fx.putInt(28, 0xffff);
        boolean doubles = insn.row.operandCodes.toString().matches(".*(pd|sd).*");
        boolean singles = insn.row.operandCodes.toString().matches(".*(ps|ss).*");
        for (int i = 0; i < 8; i++) {
            int at = 160 + 16 * i;
            int kind = random.nextInt(10);
            if (doubles && kind < 9 || !singles && kind < 3) {
                fx.putLong(at, values.dbl()).putLong(at + 8, values.dbl());
            } else {
                for (int j = 0; j < 16; j += 4) {
                    fx.putInt(at + j, singles && kind < 9 ? values.single() : values.integer());
                }
            }
        }
        if (insn.row.operation.startsWith("ps")) {
            shiftCounts(160);
        }
    }

    // ---- where the operands lie

    /** Gives registers and memory values that lead the instruction to the block; false if that fails. */
    private boolean place() {
        String operation = insn.row.operation;
        implicitOperands(operation);
        if (insn.row.has(Note.BRANCH) && !branchTarget()) {
            return false;
        }
        if (!insn.memory || NO_ACCESS.contains(operation)) {
            return registerOperands(operation, -1);
        }
        if (insn.addressSize == 16) {
            return true; // the first 64 KiB are not mapped: faults
        }
        int size = size(operation);
        int address = Case.BLOCK + random.nextInt(Case.BLOCK_SIZE - size + 1);
        boolean aligned = insn.row.has(Note.ALIGN16) || size == 512;
        if (values.oneIn(20)) {
            address = Case.BLOCK + Case.BLOCK_SIZE - random.nextInt(size + 1); // over the end of the page
        } else if (aligned && !values.oneIn(16)) {
            address &= -16;
        }
        if (insn.lock || operation.equals("xchg")) {
            address &= -8; // a split lock costs milliseconds
        }
        if (insn.row.has(Note.BITSTRING)) {
            int register = insn.operands[1].number();
            if (register == insn.base || register == insn.index) {
                return false;
            }
            address = Case.BLOCK + 512;
            gpr[register] = random.nextInt(6000) - 3000;
        }
        if (!point(address)) {
            return false;
        }
        int stack = gpr[ESP] - Case.BLOCK;
        if (STACK.contains(operation) && stack > -4096 && stack < 64) {
            return false; // would push to below the block
        }
        return registerOperands(operation, address - Case.BLOCK) && fill(operation, address - Case.BLOCK) && effectiveAddress() == address;
    }

    private int size(String operation) {
        return switch (operation) {
            case "fxsave", "fxrstor" -> 512;
            case "fnsave", "frstor" -> 108;
            case "fldenv", "fnstenv" -> 28;
            case "cmpxchg8b" -> 8;
            case "bound" -> insn.operandSize / 4;
            default -> {
                int width = 0;
                for (Operand o : insn.operands) {
                    width = o.inMemory() ? o.width() : width;
                }
                yield Math.max(width / 8, 1);
            }
        };
    }

    private int effectiveAddress() {
        int base = insn.base < 0 ? 0 : gpr[insn.base];
        int index = insn.index < 0 ? 0 : gpr[insn.index] << insn.scale;
        return base + index + (int) insn.disp;
    }

    /** Sets base, index or displacement so that the memory operand is there. */
    private boolean point(int address) {
        if (insn.base >= 0) {
            if (insn.index >= 0 && insn.index != ESP && insn.index != insn.base && !insn.row.has(Note.BITSTRING)) {
                gpr[insn.index] = values.oneIn(2) ? random.nextInt(256) : gpr[insn.index];
            }
            gpr[insn.base] += address - effectiveAddress();
        } else if (insn.index >= 0) {
            gpr[insn.index] = address - (int) insn.disp >> insn.scale;
        } else {
            ByteBuffer bytes = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 1; i + 4 <= insn.length; i++) {
                if (bytes.getInt(i) == (int) insn.disp) {
                    bytes.putInt(i, address);
                    insn = decode();
                    return (int) insn.disp == address;
                }
            }
            return false;
        }
        return true;
    }

    private void implicitOperands(String operation) {
        if (STACK.contains(operation) && values.oneIn(20)) {
            gpr[ESP] = Case.BLOCK + Case.BLOCK_SIZE - random.nextInt(40); // over the end of the page
        }
        if (insn.row.has(Note.REP) || insn.row.has(Note.REPZ)) {
            gpr[ESI] = Case.BLOCK + 256 + random.nextInt(512);
            gpr[EDI] = values.oneIn(4) ? gpr[ESI] + random.nextInt(9) - 4 : Case.BLOCK + 256 + random.nextInt(512);
            gpr[ECX] = random.nextInt(40);
            if (insn.row.has(Note.REPZ) && values.oneIn(2)) {
                java.util.Arrays.fill(memory.array(), (byte) gpr[EAX]);
                memory.put(random.nextInt(Case.BLOCK_SIZE), (byte) (gpr[EAX] + 1));
            }
            if (values.oneIn(20)) {
                gpr[values.oneIn(2) ? ESI : EDI] = Case.BLOCK + Case.BLOCK_SIZE - random.nextInt(64);
            }
        }
        switch (operation) {
            case "xlat" -> gpr[EBX] = Case.BLOCK + random.nextInt(Case.BLOCK_SIZE - 256);
            case "maskmovq", "maskmovdqu" -> gpr[EDI] = Case.BLOCK + random.nextInt(Case.BLOCK_SIZE - 8);
            case "leave", "enter" -> gpr[EBP] = Case.BLOCK + 128 + random.nextInt(Case.BLOCK_SIZE - 128);
            case "popf" -> {
                int at = gpr[ESP] - Case.BLOCK; // no TF, NT, AC, VIF, VIP; byte by byte, because the end of the page may cut it
                if (at + 1 < Case.BLOCK_SIZE) {
                    memory.put(at + 1, (byte) (memory.get(at + 1) & ~0x41));
                }
                if (at + 2 < Case.BLOCK_SIZE) {
                    memory.put(at + 2, (byte) (memory.get(at + 2) & ~0x3c));
                }
            }
            case "shl", "shr", "sar", "rol", "ror", "rcl", "rcr", "shld", "shrd" -> gpr[ECX] = values.oneIn(2) ? random.nextInt(70) : gpr[ECX];
            default -> { }
        }
    }

    /** Relations between operands that random values rarely have. */
    private boolean registerOperands(String operation, int at) {
        switch (operation) {
            case "div", "idiv" -> {
                if (values.oneIn(2)) {
                    gpr[EDX] = values.oneIn(2) ? gpr[EAX] >> 31 : random.nextInt(16);
                    gpr[EAX] = values.oneIn(2) ? gpr[EAX] & 0xffff00ff | random.nextInt(4) << 8 : gpr[EAX];
                }
            }
            case "cmpxchg" -> {
                Operand destination = insn.operands[0];
                if (values.oneIn(2) && destination.kind() == Operand.Kind.GPR && at < 0) {
                    gpr[EAX] = gpr[destination.number()];
                }
            }
            default -> { }
        }
        return true;
    }

    private boolean fill(String operation, int at) {
        int room = Case.BLOCK_SIZE - at;
        String codes = insn.row.operandCodes.toString();
        if (codes.contains("f32") && room >= 4) {
            memory.putInt(at, values.single());
        } else if (codes.contains("f64") && room >= 8) {
            memory.putLong(at, values.dbl());
        } else if (codes.contains("80") && room >= 10) {
            int exponent = values.exponent();
            memory.putLong(at, codes.contains("b80") ? values.bcd() : values.significand(exponent));
            memory.putShort(at + 8, (short) (codes.contains("b80") ? random.nextInt(2) << 15 | random.nextInt(10) << 4 | random.nextInt(10) : exponent));
        } else if (codes.matches(".*W(ps|ss|q|dq).*") && room >= 16) {
            for (int i = 0; i < 16; i += 4) {
                memory.putInt(at + i, codes.contains("s") ? values.single() : values.integer());
            }
        } else if (codes.matches(".*W(pd|sd).*") && room >= 16) {
            memory.putLong(at, values.dbl()).putLong(at + 8, values.dbl());
        } else if (operation.equals("ldmxcsr") && room >= 4 && !values.oneIn(8)) {
            memory.putInt(at, memory.getInt(at) & 0xffff);
        } else if (operation.equals("fxrstor") && room >= 512) {
            memory.put(at, fx.array(), 0, 160 + 128);
        } else if (operation.equals("cmpxchg") && room >= 4 && values.oneIn(2)) {
            memory.putInt(at, gpr[EAX]);
        } else if (operation.equals("cmpxchg8b") && room >= 8 && values.oneIn(2)) {
            memory.putInt(at, gpr[EAX]).putInt(at + 4, gpr[EDX]);
        } else if (operation.equals("bound") && room >= 8 && values.oneIn(2)) {
            memory.putInt(at, random.nextInt(20) - 10).putInt(at + 4, random.nextInt(20));
            gpr[insn.operands[0].number()] = random.nextInt(40) - 20;
        } else if (operation.endsWith("_ind") && room >= 4) {
            memory.putInt(at, target());
        }
        if (insn.row.operation.startsWith("ps") && values.oneIn(2) && room >= 8) {
            memory.putLong(at, random.nextInt(70));
        }
        return true;
    }

    /** An address in the code page, clear of the instruction. */
    private int target() {
        int distance = 32 + random.nextInt(1000);
        return Case.CODE + (values.oneIn(2) ? distance : -distance);
    }

    private boolean branchTarget() {
        switch (insn.row.operation) {
            case "ret", "ret_imm" -> {
                int at = gpr[ESP] - Case.BLOCK;
                if (at <= Case.BLOCK_SIZE - 4) {
                    memory.putInt(at, target());
                }
                return true;
            }
            case "call_ind", "jmp_ind" -> {
                if (!insn.memory) {
                    gpr[insn.operands[0].number()] = target();
                    return insn.operands[0].number() != ESP;
                }
                return true;
            }
            case "call_rel", "jmp_rel", "jcc", "loop", "loope", "loopne", "jcxz" -> {
                int distance = (int) insn.target() - Case.CODE;
                return distance < -16 || distance > 16;
            }
            default -> {
                return true;
            }
        }
    }
}
