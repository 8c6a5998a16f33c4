package monitor.x86.fpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * The x87 instructions against those of this machine, bit for bit. The system property {@code monitor.x86.fpu.cases}
 * sets the number of cases (millions for a long run).
 */
final class X87AgainstHostTest {
    private static final long SEED = 0x387;
    private static final int BATCH = 1000;

    /** What one instruction does, on our side: the unit, and the record of memory and registers. */
    private interface Action {
        void execute(Fpu fpu, ByteBuffer record);
    }

    private record Instruction(String name, byte[] code, Action action) {
    }

    private static final int MEMORY = HostFpu.MEMORY;
    private static final int EFLAGS = HostFpu.FLAGS;

    private static final List<Instruction> EXACT = new ArrayList<>();
    private static final List<Instruction> TRANSCENDENTAL = new ArrayList<>();

    private static void add(List<Instruction> list, String name, String code, Action action) {
        list.add(new Instruction(name, HexFormat.of().parseHex(code.replace(" ", "")), action));
    }

    private static void exact(String name, String code, Action action) {
        add(EXACT, name, code, action);
    }

    private static void popIf(Fpu fpu, boolean done) {
        if (done) {
            fpu.pop();
        }
    }

    private static int conditionFlags(ByteBuffer r, int flags) {
        return r.getInt(EFLAGS) & ~0x8D5 | flags;
    }

    private interface Binary {
        boolean apply(Fpu fpu, int destination, int a, int b);
    }

    private static void arithmetic(String name, int digit, Binary operation) {
        for (int i = 0; i < 8; i++) {
            int register = i;
            exact(name + " st0,st" + i, hex(0xD8, 0xC0 + 8 * digit + i), (f, r) -> operation.apply(f, 0, 0, register));
            // The encodings with ST(i) as destination have the reversed forms of subtract and divide exchanged.
            int other = digit >= 4 ? digit ^ 1 : digit;
            exact(name + " st" + i + ",st0", hex(0xDC, 0xC0 + 8 * other + i), (f, r) -> operation.apply(f, register, register, 0));
            exact(name + "p st" + i + ",st0", hex(0xDE, 0xC0 + 8 * other + i),
                    (f, r) -> popIf(f, operation.apply(f, register, register, 0)));
        }
        exact(name + " m32", hex(0xD8, 8 * digit + 6), (f, r) -> {
            f.operandSingle(r.getInt(MEMORY));
            operation.apply(f, 0, 0, Fpu.OPERAND);
        });
        exact(name + " m64", hex(0xDC, 8 * digit + 6), (f, r) -> {
            f.operandDouble(r.getLong(MEMORY));
            operation.apply(f, 0, 0, Fpu.OPERAND);
        });
        exact(name + " i16", hex(0xDE, 8 * digit + 6), (f, r) -> {
            f.operandInteger(r.getShort(MEMORY));
            operation.apply(f, 0, 0, Fpu.OPERAND);
        });
        exact(name + " i32", hex(0xDA, 8 * digit + 6), (f, r) -> {
            f.operandInteger(r.getInt(MEMORY));
            operation.apply(f, 0, 0, Fpu.OPERAND);
        });
    }

    private static String hex(int... bytes) {
        StringBuilder text = new StringBuilder();
        for (int b : bytes) {
            text.append(HexFormat.of().toHexDigits((byte) b));
        }
        return text.toString();
    }

    static {
        arithmetic("fadd", 0, Fpu::add);
        arithmetic("fmul", 1, Fpu::multiply);
        arithmetic("fsub", 4, Fpu::subtract);
        arithmetic("fsubr", 5, (f, d, a, b) -> f.subtract(d, b, a));
        arithmetic("fdiv", 6, Fpu::divide);
        arithmetic("fdivr", 7, (f, d, a, b) -> f.divide(d, b, a));
        for (int i = 0; i < 8; i++) {
            int n = i;
            exact("fcom st" + i, hex(0xD8, 0xD0 + i), (f, r) -> f.compare(n, true));
            exact("fcomp st" + i, hex(0xD8, 0xD8 + i), (f, r) -> popIf(f, f.compare(n, true)));
            exact("fucom st" + i, hex(0xDD, 0xE0 + i), (f, r) -> f.compare(n, false));
            exact("fcomi st" + i, hex(0xDB, 0xF0 + i), (f, r) -> r.putInt(EFLAGS, conditionFlags(r, f.compareFlags(n, true))));
            exact("fucomi st" + i, hex(0xDB, 0xE8 + i), (f, r) -> r.putInt(EFLAGS, conditionFlags(r, f.compareFlags(n, false))));
            exact("fcomip st" + i, hex(0xDF, 0xF0 + i), (f, r) -> {
                r.putInt(EFLAGS, conditionFlags(r, f.compareFlags(n, true)));
                popIf(f, !f.comparisonStopped());
            });
            exact("fld st" + i, hex(0xD9, 0xC0 + i), (f, r) -> f.load(n));
            exact("fxch st" + i, hex(0xD9, 0xC8 + i), (f, r) -> f.exchange(n));
            exact("fst st" + i, hex(0xDD, 0xD0 + i), (f, r) -> f.store(n));
            exact("fstp st" + i, hex(0xDD, 0xD8 + i), (f, r) -> popIf(f, f.store(n)));
            exact("fcmovb st" + i, hex(0xDA, 0xC0 + i), (f, r) -> f.moveIf((r.getInt(EFLAGS) & 1) != 0, n));
            exact("ffree st" + i, hex(0xDD, 0xC0 + i), (f, r) -> f.free(n));
        }
        exact("fcompp", "DED9", (f, r) -> {
            if (f.compare(1, true)) {
                f.pop();
                f.pop();
            }
        });
        exact("ftst", "D9E4", (f, r) -> f.test());
        exact("fxam", "D9E5", (f, r) -> f.examine());
        exact("fsqrt", "D9FA", (f, r) -> f.squareRoot());
        exact("frndint", "D9FC", (f, r) -> f.roundToInteger());
        exact("fscale", "D9FD", (f, r) -> f.scale());
        exact("fprem", "D9F8", (f, r) -> f.remainder(false));
        exact("fprem1", "D9F5", (f, r) -> f.remainder(true));
        exact("fxtract", "D9F4", (f, r) -> f.extract());
        exact("fchs", "D9E0", (f, r) -> f.changeSign());
        exact("fabs", "D9E1", (f, r) -> f.absolute());
        exact("fincstp", "D9F7", (f, r) -> f.incrementTop());
        exact("fdecstp", "D9F6", (f, r) -> f.decrementTop());
        exact("fnclex", "DBE2", (f, r) -> f.clearExceptions());
        exact("fnstsw ax", "DFE0", (f, r) -> r.putShort(HostFpu.RAX, (short) f.status()));
        exact("fldcw", "D92E", (f, r) -> f.control(r.getShort(MEMORY)));
        for (int i = 0; i < 7; i++) {
            int n = i;
            exact("fld constant " + i, hex(0xD9, 0xE8 + i), (f, r) -> f.loadConstant(n));
        }
        exact("fld m32", "D906", (f, r) -> f.loadSingle(r.getInt(MEMORY)));
        exact("fld m64", "DD06", (f, r) -> f.loadDouble(r.getLong(MEMORY)));
        exact("fld m80", "DB2E", (f, r) -> f.loadExtended(r.getShort(MEMORY + 8), r.getLong(MEMORY)));
        exact("fild i16", "DF06", (f, r) -> f.loadInteger(r.getShort(MEMORY)));
        exact("fild i32", "DB06", (f, r) -> f.loadInteger(r.getInt(MEMORY)));
        exact("fild i64", "DF2E", (f, r) -> f.loadInteger(r.getLong(MEMORY)));
        exact("fbld", "DF26", (f, r) -> f.loadBcd(r.getShort(MEMORY + 8), r.getLong(MEMORY)));
        exact("fst m32", "D916", (f, r) -> {
            if (f.storeSingle()) {
                r.putInt(MEMORY, (int) f.stored);
            }
        });
        exact("fstp m32", "D91E", (f, r) -> {
            if (f.storeSingle()) {
                r.putInt(MEMORY, (int) f.stored);
                f.pop();
            }
        });
        exact("fst m64", "DD16", (f, r) -> {
            if (f.storeDouble()) {
                r.putLong(MEMORY, f.stored);
            }
        });
        exact("fstp m64", "DD1E", (f, r) -> {
            if (f.storeDouble()) {
                r.putLong(MEMORY, f.stored);
                f.pop();
            }
        });
        exact("fstp m80", "DB3E", (f, r) -> {
            if (f.storeExtended()) {
                r.putLong(MEMORY, f.stored).putShort(MEMORY + 8, (short) f.storedHigh);
                f.pop();
            }
        });
        exact("fbstp", "DF36", (f, r) -> {
            if (f.storeBcd()) {
                r.putLong(MEMORY, f.stored).putShort(MEMORY + 8, (short) f.storedHigh);
                f.pop();
            }
        });
        exact("fist i16", "DF16", (f, r) -> {
            if (f.storeInteger(16)) {
                r.putShort(MEMORY, (short) f.stored);
            }
        });
        exact("fist i32", "DB16", (f, r) -> {
            if (f.storeInteger(32)) {
                r.putInt(MEMORY, (int) f.stored);
            }
        });
        exact("fistp i64", "DF3E", (f, r) -> {
            if (f.storeInteger(64)) {
                r.putLong(MEMORY, f.stored);
                f.pop();
            }
        });
        exact("fisttp i32", "DB0E", (f, r) -> {
            if (f.storeChopped(32)) {
                r.putInt(MEMORY, (int) f.stored);
                f.pop();
            }
        });
        exact("fnstenv", "D936", (f, r) -> {
            byte[] image = new byte[28];
            f.storeEnvironment(image, true, false);
            r.put(MEMORY, image, 0, 12); // the pointers of this environment are those of the test program
        });
        exact("fnsave", "DD36", (f, r) -> {
            byte[] image = new byte[108];
            f.save(image, true, false);
            r.put(MEMORY, image, 0, 12);
            r.put(MEMORY + 28, image, 28, 80);
        });
        exact("fldenv", "D926", (f, r) -> f.loadEnvironment(Arrays.copyOfRange(r.array(), MEMORY, MEMORY + 28), true, false));
        exact("frstor", "DD26", (f, r) -> f.restore(Arrays.copyOfRange(r.array(), MEMORY, MEMORY + 108), true, false));

        add(TRANSCENDENTAL, "f2xm1", "D9F0", (f, r) -> f.powerOfTwo());
        add(TRANSCENDENTAL, "fyl2x", "D9F1", (f, r) -> popIf(f, f.logarithm(false)));
        add(TRANSCENDENTAL, "fyl2xp1", "D9F9", (f, r) -> popIf(f, f.logarithm(true)));
        add(TRANSCENDENTAL, "fpatan", "D9F3", (f, r) -> popIf(f, f.arctangent()));
        add(TRANSCENDENTAL, "fptan", "D9F2", (f, r) -> f.tangent());
        add(TRANSCENDENTAL, "fsin", "D9FE", (f, r) -> f.sine());
        add(TRANSCENDENTAL, "fcos", "D9FF", (f, r) -> f.cosine());
        add(TRANSCENDENTAL, "fsincos", "D9FB", (f, r) -> f.sineCosine());
    }

    private final SplittableRandom random = new SplittableRandom(SEED);

    private byte[] request(Instruction instruction, boolean narrow) {
        byte[] record = new byte[HostFpu.REQUEST_BYTES];
        System.arraycopy(instruction.code, 0, record, 0, instruction.code.length);
        record[instruction.code.length] = (byte) 0xC3; // RET
        ByteBuffer r = HostFpu.view(record);
        r.putLong(HostFpu.RAX, random.nextLong());
        r.putLong(EFLAGS, 0x202 | random.nextInt() & 0x8D5);
        int masks = switch (random.nextInt(4)) {
            case 0 -> random.nextInt(64);
            case 1 -> 0x3F ^ 1 << random.nextInt(6);
            default -> 0x3F;
        };
        int precision = new int[] {0, 1, 2, 2, 3, 3, 3, 3}[random.nextInt(8)];
        int control = 0x40 | masks | precision << 8 | random.nextInt(4) << 10;
        int status = random.nextInt() & 0x7F00 | (random.nextBoolean() ? random.nextInt() & masks : 0);
        int occupied = random.nextInt(6) == 0 ? random.nextInt(256) : 0xFF;
        if (random.nextInt(3) == 0) {
            occupied &= ~(1 << ((status >> 11 & 7) - 1 & 7));
        }
        r.putShort(HostFpu.AREA, (short) control);
        r.putShort(HostFpu.AREA + 2, (short) status);
        r.put(HostFpu.AREA + 4, (byte) occupied);
        r.putInt(HostFpu.AREA + 24, 0x1F80);
        for (int i = 0; i < 8; i++) {
            int at = HostFpu.AREA + 32 + 16 * i;
            if (narrow) {
                Values.narrow(random, r, at);
            } else if (i > 0 && random.nextInt(8) == 0) {
                // close to the value before, so that sums cancel and comparisons are equal
                r.putLong(at, r.getLong(at - 16) + random.nextInt(3) - 1);
                r.putShort(at + 8, (short) (r.getShort(at - 8) ^ (random.nextBoolean() ? 0x8000 : 0)));
            } else {
                Values.extended(random, r, at);
            }
        }
        Values.memory(random, r, MEMORY);
        if (instruction.name.equals("fldenv") || instruction.name.equals("frstor")) {
            r.putInt(MEMORY, control);
            r.putInt(MEMORY + 4, status);
        } else if (instruction.name.equals("fbld")) {
            for (int i = 0; i < 9; i++) {
                r.put(MEMORY + i, (byte) (random.nextInt(10) << 4 | random.nextInt(10)));
            }
        }
        return record;
    }

    /** Executes a request on our side; the same record layout as the host's reply. */
    private static byte[] ours(Instruction instruction, byte[] request) {
        byte[] record = request.clone();
        ByteBuffer r = HostFpu.view(record);
        Fpu fpu = new Fpu();
        byte[] area = Arrays.copyOfRange(request, HostFpu.AREA, HostFpu.REQUEST_BYTES);
        fpu.fxrstor(area, true);
        instruction.action.execute(fpu, r);
        fpu.fxsave(area, true);
        r.put(HostFpu.AREA, area);
        return record;
    }

    /** Blanks what the instruction under test does not define: code, pointers and opcode, and all of the area behind the registers. */
    private static byte[] comparable(Instruction instruction, byte[] record) {
        byte[] result = record.clone();
        Arrays.fill(result, 0, HostFpu.RAX, (byte) 0);
        Arrays.fill(result, HostFpu.AREA + 6, HostFpu.AREA + 32, (byte) 0);
        Arrays.fill(result, HostFpu.AREA + 160, HostFpu.REQUEST_BYTES, (byte) 0);
        if (instruction.name.equals("fnstenv") || instruction.name.equals("fnsave")) {
            Arrays.fill(result, MEMORY + 12, MEMORY + 28, (byte) 0);
        }
        return result;
    }

    private static String describe(byte[] record) {
        ByteBuffer r = HostFpu.view(record);
        StringBuilder text = new StringBuilder(String.format("cw=%04x sw=%04x tags=%02x fl=%03x", r.getShort(HostFpu.AREA),
                r.getShort(HostFpu.AREA + 2), r.get(HostFpu.AREA + 4), r.getInt(EFLAGS)));
        for (int i = 0; i < 8; i++) {
            text.append(String.format(" %04x:%016x", r.getShort(HostFpu.AREA + 40 + 16 * i), r.getLong(HostFpu.AREA + 32 + 16 * i)));
        }
        return text.append(String.format(" m=%04x:%016x", r.getShort(MEMORY + 8), r.getLong(MEMORY))).toString();
    }

    private record Difference(Instruction instruction, byte[] request, byte[] host, byte[] ours) {
        @Override
        public String toString() {
            return instruction.name + "\n  in   " + describe(request) + "\n  host " + describe(host) + "\n  ours " + describe(ours);
        }
    }

    private List<Difference> compare(List<Instruction> instructions, int cases, boolean narrow) throws Exception {
        List<Difference> differences = new ArrayList<>();
        try (HostFpu host = new HostFpu()) {
            for (int done = 0; done < cases; done += BATCH) {
                List<Instruction> chosen = new ArrayList<>();
                List<byte[]> requests = new ArrayList<>();
                for (int i = 0; i < BATCH; i++) {
                    Instruction instruction = instructions.get(random.nextInt(instructions.size()));
                    chosen.add(instruction);
                    requests.add(request(instruction, narrow));
                }
                byte[][] replies = host.execute(requests);
                for (int i = 0; i < BATCH; i++) {
                    assertEquals(0, HostFpu.signal(replies[i]), () -> "signal from the helper");
                    byte[] ours = ours(chosen.get(i), requests.get(i));
                    if (!Arrays.equals(comparable(chosen.get(i), ours), comparable(chosen.get(i), replies[i]))) {
                        differences.add(new Difference(chosen.get(i), requests.get(i), replies[i], ours));
                    }
                }
            }
        }
        return differences;
    }

    private static String report(List<Difference> differences) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        StringBuilder text = new StringBuilder();
        for (Difference d : differences) {
            if (counts.merge(d.instruction.name, 1, Integer::sum) <= Integer.getInteger("monitor.x86.fpu.shown", 2)) {
                text.append(d).append('\n');
            }
        }
        return differences.size() + " differences " + counts + "\n" + text;
    }

    private static int cases(int standard) {
        return Integer.getInteger("monitor.x86.fpu.cases", standard);
    }

    @Test
    void everyInstructionButTheTranscendentalOnesAnswersAsTheHostDoes() throws Exception {
        List<Difference> differences = compare(EXACT, cases(200_000), false);
        assertTrue(differences.isEmpty(), () -> report(differences));
    }

    public static void main(String[] arguments) throws Exception {
        X87AgainstHostTest test = new X87AgainstHostTest();
        System.out.println(report(test.compare(!arguments[0].equals("e") ? TRANSCENDENTAL.stream().filter(i -> i.name.matches(arguments[0].length() > 1 ? arguments[0] : ".*")).toList() : EXACT, Integer.parseInt(arguments[1]), arguments.length > 2)));
    }
}
