package monitor.x86.fpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import monitor.x86.fpu.HostComparison.Difference;
import monitor.x86.fpu.HostComparison.Instruction;
import monitor.x86.fpu.HostComparison.Machine;
import org.junit.jupiter.api.Test;

/**
 * The scalar SSE and SSE2 arithmetic against that of this machine, bit for bit, with every setting of MXCSR. Operands are
 * XMM0 and XMM1, the result goes to XMM0 or RAX. The system property {@code monitor.x86.fpu.cases} sets the number of cases.
 */
final class SseAgainstHostTest {
    private static final long SEED = 0x55E;
    private static final List<Instruction> SINGLE = new ArrayList<>();
    private static final List<Instruction> DOUBLE = new ArrayList<>();

    private interface Singles {
        int apply(Sse sse, int a, int b);
    }

    private interface Doubles {
        long apply(Sse sse, long a, long b);
    }

    private static void single(String name, String code, Singles operation) {
        SINGLE.add(new Instruction(name, code, m -> {
            int result = operation.apply(m.sse, (int) m.sse.xmm[0], (int) m.sse.xmm[2]);
            if (m.finish()) {
                m.sse.xmm[0] = m.sse.xmm[0] & ~0xFFFF_FFFFL | result & 0xFFFF_FFFFL;
            }
        }));
    }

    private static void doubled(String name, String code, Doubles operation) {
        DOUBLE.add(new Instruction(name, code, m -> {
            long result = operation.apply(m.sse, m.sse.xmm[0], m.sse.xmm[2]);
            if (m.finish()) {
                m.sse.xmm[0] = result;
            }
        }));
    }

    private static void flags(Machine m, int flags) {
        if (m.finish()) {
            m.record.putInt(HostFpu.FLAGS, m.record.getInt(HostFpu.FLAGS) & ~0x8D5 | flags);
        }
    }

    private static void rax(Machine m, long value) {
        if (m.finish()) {
            m.record.putLong(HostFpu.RAX, value);
        }
    }

    static {
        single("addss", "F30F58C1", Sse::addSingle);
        single("subss", "F30F5CC1", Sse::subtractSingle);
        single("mulss", "F30F59C1", Sse::multiplySingle);
        single("divss", "F30F5EC1", Sse::divideSingle);
        single("sqrtss", "F30F51C1", (s, a, b) -> s.squareRootSingle(b));
        single("minss", "F30F5DC1", Sse::minimumSingle);
        single("maxss", "F30F5FC1", Sse::maximumSingle);
        single("rcpss", "F30F53C1", (s, a, b) -> Sse.reciprocal(b));
        single("rsqrtss", "F30F52C1", (s, a, b) -> Sse.reciprocalSquareRoot(b));
        doubled("addsd", "F20F58C1", Sse::addDouble);
        doubled("subsd", "F20F5CC1", Sse::subtractDouble);
        doubled("mulsd", "F20F59C1", Sse::multiplyDouble);
        doubled("divsd", "F20F5EC1", Sse::divideDouble);
        doubled("sqrtsd", "F20F51C1", (s, a, b) -> s.squareRootDouble(b));
        doubled("minsd", "F20F5DC1", Sse::minimumDouble);
        doubled("maxsd", "F20F5FC1", Sse::maximumDouble);
        for (int p = 0; p < 8; p++) {
            int predicate = p;
            single("cmpss " + p, "F30FC2C10" + p, (s, a, b) -> s.compareSingle(a, b, predicate));
            doubled("cmpsd " + p, "F20FC2C10" + p, (s, a, b) -> s.compareDouble(a, b, predicate));
        }
        SINGLE.add(new Instruction("comiss", "0F2FC1", m -> flags(m, m.sse.orderSingles((int) m.sse.xmm[0], (int) m.sse.xmm[2], true))));
        SINGLE.add(new Instruction("ucomiss", "0F2EC1", m -> flags(m, m.sse.orderSingles((int) m.sse.xmm[0], (int) m.sse.xmm[2], false))));
        DOUBLE.add(new Instruction("comisd", "660F2FC1", m -> flags(m, m.sse.orderDoubles(m.sse.xmm[0], m.sse.xmm[2], true))));
        DOUBLE.add(new Instruction("ucomisd", "660F2EC1", m -> flags(m, m.sse.orderDoubles(m.sse.xmm[0], m.sse.xmm[2], false))));
        SINGLE.add(new Instruction("cvtss2sd", "F30F5AC1", m -> {
            long result = m.sse.singleToDouble((int) m.sse.xmm[2]);
            if (m.finish()) {
                m.sse.xmm[0] = result;
            }
        }));
        DOUBLE.add(new Instruction("cvtsd2ss", "F20F5AC1", m -> {
            int result = m.sse.doubleToSingle(m.sse.xmm[2]);
            if (m.finish()) {
                m.sse.xmm[0] = m.sse.xmm[0] & ~0xFFFF_FFFFL | result & 0xFFFF_FFFFL;
            }
        }));
        SINGLE.add(new Instruction("cvtss2si r32", "F30F2DC1", m -> rax(m, m.sse.singleToInteger((int) m.sse.xmm[2], 32, false) & 0xFFFF_FFFFL)));
        SINGLE.add(new Instruction("cvttss2si r32", "F30F2CC1", m -> rax(m, m.sse.singleToInteger((int) m.sse.xmm[2], 32, true) & 0xFFFF_FFFFL)));
        SINGLE.add(new Instruction("cvtss2si r64", "F3480F2DC1", m -> rax(m, m.sse.singleToInteger((int) m.sse.xmm[2], 64, false))));
        SINGLE.add(new Instruction("cvttss2si r64", "F3480F2CC1", m -> rax(m, m.sse.singleToInteger((int) m.sse.xmm[2], 64, true))));
        DOUBLE.add(new Instruction("cvtsd2si r32", "F20F2DC1", m -> rax(m, m.sse.doubleToInteger(m.sse.xmm[2], 32, false) & 0xFFFF_FFFFL)));
        DOUBLE.add(new Instruction("cvttsd2si r32", "F20F2CC1", m -> rax(m, m.sse.doubleToInteger(m.sse.xmm[2], 32, true) & 0xFFFF_FFFFL)));
        DOUBLE.add(new Instruction("cvtsd2si r64", "F2480F2DC1", m -> rax(m, m.sse.doubleToInteger(m.sse.xmm[2], 64, false))));
        DOUBLE.add(new Instruction("cvttsd2si r64", "F2480F2CC1", m -> rax(m, m.sse.doubleToInteger(m.sse.xmm[2], 64, true))));
        for (boolean wide : new boolean[] {false, true}) {
            String rex = wide ? "48" : "";
            SINGLE.add(new Instruction("cvtsi2ss " + rex, "F3" + rex + "0F2AC0", m -> {
                long rax = m.record.getLong(HostFpu.RAX);
                int result = m.sse.integerToSingle(wide ? rax : (int) rax);
                if (m.finish()) {
                    m.sse.xmm[0] = m.sse.xmm[0] & ~0xFFFF_FFFFL | result & 0xFFFF_FFFFL;
                }
            }));
            DOUBLE.add(new Instruction("cvtsi2sd " + rex, "F2" + rex + "0F2AC0", m -> {
                long rax = m.record.getLong(HostFpu.RAX);
                long result = m.sse.integerToDouble(wide ? rax : (int) rax);
                if (m.finish()) {
                    m.sse.xmm[0] = result;
                }
            }));
        }
    }

    private final SplittableRandom random = new SplittableRandom(SEED);

    private byte[] request(Instruction instruction) {
        ByteBuffer r = HostFpu.view(HostComparison.request(instruction));
        r.putLong(HostFpu.RAX, random.nextBoolean() ? random.nextLong() : random.nextLong() >> random.nextInt(64));
        r.putLong(HostFpu.FLAGS, 0x202 | random.nextInt() & 0x8D5);
        r.putInt(HostFpu.AREA, 0x37F);
        r.putInt(HostFpu.AREA + 24, control());
        boolean single = SINGLE.contains(instruction);
        for (int i = 0; i < 4; i++) {
            long value = single ? Values.single(random) & 0xFFFF_FFFFL | (long) Values.single(random) << 32 : Values.doubled(random);
            if (i >= 2 && random.nextInt(8) == 0) {
                // near the other operand, so that sums cancel and comparisons are equal
                value = r.getLong(HostFpu.AREA + 160 + 8 * (i - 2)) + random.nextInt(3) - 1 ^ (random.nextBoolean() ? Long.MIN_VALUE : 0);
            }
            r.putLong(HostFpu.AREA + 160 + 8 * i, value);
        }
        return r.array();
    }

    /** Half of the time what programs have, else anything. */
    private int control() {
        if (random.nextBoolean()) {
            return 0x1F80 | random.nextInt(64);
        }
        int masks = random.nextInt(3) == 0 ? random.nextInt(64) : 0x3F;
        return masks << 7 | random.nextInt(64) | random.nextInt(4) << 13 | (random.nextInt(3) == 0 ? 0x40 : 0) | (random.nextInt(3) == 0 ? 0x8000 : 0);
    }

    @Test
    void singlePrecisionAnswersAsTheHostDoes() throws Exception {
        List<Difference> differences = HostComparison.run(SINGLE, HostComparison.cases(150_000), random, this::request);
        assertTrue(differences.isEmpty(), () -> HostComparison.report(differences));
    }

    @Test
    void doublePrecisionAnswersAsTheHostDoes() throws Exception {
        List<Difference> differences = HostComparison.run(DOUBLE, HostComparison.cases(150_000), random, this::request);
        assertTrue(differences.isEmpty(), () -> HostComparison.report(differences));
    }
}
