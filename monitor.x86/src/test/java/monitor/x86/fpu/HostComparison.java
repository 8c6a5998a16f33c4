package monitor.x86.fpu;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;

/** Executes the same instructions on both sides and collects where they differ. */
final class HostComparison {
    private static final int BATCH = 1000;
    private static final int SIGFPE = 8;

    /** Our side: the units, the record of memory and general registers, and whether an unmasked SIMD exception came. */
    static final class Machine {
        final Fpu fpu = new Fpu();
        final Sse sse = new Sse();
        final ByteBuffer record;
        private boolean trapped;

        private Machine(byte[] request) {
            record = HostFpu.view(request.clone());
            byte[] area = Arrays.copyOfRange(request, HostFpu.AREA, HostFpu.REQUEST_BYTES);
            fpu.fxrstor(area, true);
            sse.mxcsr(record.getInt(HostFpu.AREA + 24));
            for (int i = 0; i < 32; i++) {
                sse.xmm[i] = record.getLong(HostFpu.AREA + 160 + 8 * i);
            }
        }

        /** Ends an SSE instruction: true if its results are to be stored. */
        boolean finish() {
            trapped = !sse.finish();
            return !trapped;
        }

        private byte[] end() {
            byte[] area = Arrays.copyOfRange(record.array(), HostFpu.AREA, HostFpu.REQUEST_BYTES);
            fpu.fxsave(area, true);
            record.put(HostFpu.AREA, area).putInt(HostFpu.AREA + 24, sse.mxcsr());
            for (int i = 0; i < 32; i++) {
                record.putLong(HostFpu.AREA + 160 + 8 * i, sse.xmm[i]);
            }
            record.putLong(HostFpu.RAX - 8, trapped ? SIGFPE : 0);
            return record.array();
        }
    }

    /** What one instruction does on our side. */
    interface Action {
        void execute(Machine machine);
    }

    record Instruction(String name, byte[] code, Action action) {
        Instruction(String name, String code, Action action) {
            this(name, HexFormat.of().parseHex(code.replace(" ", "")), action);
        }
    }

    record Difference(Instruction instruction, byte[] request, byte[] host, byte[] ours) {
        @Override
        public String toString() {
            return instruction.name + "\n  in   " + describe(request) + "\n  host " + describe(host) + "\n  ours " + describe(ours);
        }
    }

    private HostComparison() {
    }

    /** An empty request for an instruction. */
    static byte[] request(Instruction instruction) {
        byte[] record = new byte[HostFpu.REQUEST_BYTES];
        System.arraycopy(instruction.code, 0, record, 0, instruction.code.length);
        record[instruction.code.length] = (byte) 0xC3; // RET
        return record;
    }

    /** Runs cases of randomly chosen instructions. */
    static List<Difference> run(List<Instruction> instructions, int cases, SplittableRandom random,
            Function<Instruction, byte[]> requests) throws Exception {
        List<Difference> differences = new ArrayList<>();
        try (HostFpu host = new HostFpu()) {
            for (int done = 0; done < cases; done += BATCH) {
                List<Instruction> chosen = new ArrayList<>();
                List<byte[]> batch = new ArrayList<>();
                for (int i = 0; i < BATCH; i++) {
                    Instruction instruction = instructions.get(random.nextInt(instructions.size()));
                    chosen.add(instruction);
                    batch.add(requests.apply(instruction));
                }
                byte[][] replies = host.execute(batch);
                for (int i = 0; i < BATCH; i++) {
                    Machine machine = new Machine(batch.get(i));
                    chosen.get(i).action.execute(machine);
                    byte[] ours = machine.end();
                    if (!Arrays.equals(comparable(chosen.get(i), ours), comparable(chosen.get(i), replies[i]))) {
                        differences.add(new Difference(chosen.get(i), batch.get(i), replies[i], ours));
                    }
                }
            }
        }
        return differences;
    }

    /** Blanks what is of no interest: code, pointers and opcode, the reserved end of the area. */
    private static byte[] comparable(Instruction instruction, byte[] record) {
        byte[] result = record.clone();
        Arrays.fill(result, 0, HostFpu.RAX - 8, (byte) 0);
        Arrays.fill(result, HostFpu.AREA + 6, HostFpu.AREA + 24, (byte) 0);
        Arrays.fill(result, HostFpu.AREA + 28, HostFpu.AREA + 32, (byte) 0);
        Arrays.fill(result, HostFpu.AREA + 416, HostFpu.REQUEST_BYTES, (byte) 0);
        if (instruction.name.equals("fnstenv") || instruction.name.equals("fnsave")) {
            Arrays.fill(result, HostFpu.MEMORY + 12, HostFpu.MEMORY + 28, (byte) 0); // pointers into the test program
        }
        return result;
    }

    private static String describe(byte[] record) {
        ByteBuffer r = HostFpu.view(record);
        StringBuilder text = new StringBuilder(String.format("cw=%04x sw=%04x tags=%02x fl=%03x", r.getShort(HostFpu.AREA),
                r.getShort(HostFpu.AREA + 2), r.get(HostFpu.AREA + 4), r.getInt(HostFpu.FLAGS)));
        for (int i = 0; i < 8; i++) {
            text.append(String.format(" %04x:%016x", r.getShort(HostFpu.AREA + 40 + 16 * i), r.getLong(HostFpu.AREA + 32 + 16 * i)));
        }
        text.append(String.format(" m=%04x:%016x mxcsr=%04x rax=%x signal=%d", r.getShort(HostFpu.MEMORY + 8), r.getLong(HostFpu.MEMORY),
                r.getInt(HostFpu.AREA + 24), r.getLong(HostFpu.RAX), HostFpu.signal(record)));
        for (int i = 0; i < 2; i++) {
            text.append(String.format(" xmm%d=%016x_%016x", i, r.getLong(HostFpu.AREA + 168 + 16 * i), r.getLong(HostFpu.AREA + 160 + 16 * i)));
        }
        return text.toString();
    }

    /** How many differ, by instruction, and the first two of each. */
    static String report(List<Difference> differences) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        StringBuilder text = new StringBuilder();
        for (Difference d : differences) {
            if (counts.merge(d.instruction.name, 1, Integer::sum) <= 2) {
                text.append(d).append('\n');
            }
        }
        return differences.size() + " differences " + counts + "\n" + text;
    }

    /** The number of cases of a test, unless the system property {@code monitor.x86.fpu.cases} says otherwise. */
    static int cases(int standard) {
        return Integer.getInteger("monitor.x86.fpu.cases", standard);
    }
}
