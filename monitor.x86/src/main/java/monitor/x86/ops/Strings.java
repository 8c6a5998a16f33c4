package monitor.x86.ops;

import static monitor.x86.cpu.Cpu.RAX;
import static monitor.x86.cpu.Cpu.RCX;
import static monitor.x86.cpu.Cpu.RDI;
import static monitor.x86.cpu.Cpu.RDX;
import static monitor.x86.cpu.Cpu.RSI;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.Flags;
import monitor.x86.cpu.SegmentRegister;
import monitor.x86.isa.Insn;
import monitor.x86.mmu.GuestFault;
import vmkernel.api.memory.HostMemory;

/**
 * String instructions and their repetition. Source: [SDM] 2B REP, and each mnemonic.
 *
 * <p>A repetition can be interrupted after every element: registers always describe what is left, and {@code cpu.rip} stays at
 * the instruction until nothing is. Runs that lie in ordinary memory are moved and filled page by page.
 */
public final class Strings {
    /** Below this many elements a run is not worth preparing. */
    private static final int WORTH = 4;

    private Strings() {}

    private interface Element {
        /** @return false to end the repetition */
        boolean step(Cpu cpu, Insn i, int bytes);
    }

    private interface Run {
        /** Handles up to {@code count} elements at once; 0 if they have to go one by one. */
        long run(Cpu cpu, Insn i, int bytes, long count);
    }

    private static final Run NO_RUN = (cpu, i, bytes, count) -> 0;

    private static void repeat(Cpu cpu, Insn i, int bytes, Element element, Run run) {
        if (!i.rep && !i.repne) {
            element.step(cpu, i, bytes);
            return;
        }
        cpu.rip = i.ip;
        boolean single = (cpu.control & Flags.TF) != 0;
        boolean more = true;
        long count;
        while (more && (count = cpu.get(i.addressSize, RCX)) != 0) {
            long done = single || count < WORTH || cpu.direction() ? 0 : run.run(cpu, i, bytes, count);
            if (done == 0) {
                more = element.step(cpu, i, bytes);
                done = 1;
            }
            cpu.set(i.addressSize, RCX, count - done);
            if ((cpu.attention != 0 || single) && more && count != done) return;
        }
        cpu.rip = Control.next(cpu, i);
    }

    private static int bytes(Insn i) { return i.operands[0].width() >> 3; }

    private static SegmentRegister source(Cpu cpu, Insn i) { return cpu.segments[i.segment]; }

    private static SegmentRegister destination(Cpu cpu) { return cpu.segments[Cpu.ES]; }

    private static long at(Cpu cpu, Insn i, int register) { return cpu.get(i.addressSize, register); }

    private static void advance(Cpu cpu, Insn i, int register, int bytes) {
        cpu.set(i.addressSize, register, cpu.r[register] + (cpu.direction() ? -bytes : bytes));
    }

    /** Elements from an offset to the end of its page and of the address range. */
    private static long room(long linear, int bytes) { return (0x1000 - (linear & 0xFFF)) / bytes; }

    private static boolean wraps(Insn i, long offset, long length) { return offset + length - 1 > (i.addressSize == 16 ? 0xFFFFL : 0xFFFF_FFFFL); }

    // ---- MOVS

    @Operation(value = "movs", shape = Operation.Shape.WHOLE)
    public static void movs(Cpu cpu, Insn i) { repeat(cpu, i, bytes(i), Strings::moveOne, Strings::moveRun); }

    private static boolean moveOne(Cpu cpu, Insn i, int bytes) {
        long value = cpu.read(source(cpu, i), at(cpu, i, RSI), bytes);
        cpu.write(destination(cpu), at(cpu, i, RDI), bytes, value);
        advance(cpu, i, RSI, bytes);
        advance(cpu, i, RDI, bytes);
        return true;
    }

    private static long moveRun(Cpu cpu, Insn i, int bytes, long count) {
        long from = at(cpu, i, RSI), to = at(cpu, i, RDI);
        long fromLinear = cpu.readable(source(cpu, i), from, bytes - 1);
        long toLinear = cpu.writable(destination(cpu), to, bytes - 1);
        long n = Math.min(count, Math.min(room(fromLinear, bytes), room(toLinear, bytes)));
        int length = (int) (n * bytes);
        if (n < WORTH || wraps(i, from, length) || wraps(i, to, length) || beyond(source(cpu, i), from + length - 1, destination(cpu), to + length - 1)) return 0;
        long source = cpu.mmu.hostForRead(fromLinear);
        if (source == 0) return 0;
        long target = cpu.mmu.hostForWrite(toLinear);
        // a forward copy onto itself repeats a pattern: element by element
        if (target == 0 || target - source >= 0 && target - source < length) return 0;
        HostMemory.copy(source, target, length);
        cpu.set(i.addressSize, RSI, from + length);
        cpu.set(i.addressSize, RDI, to + length);
        return n;
    }

    private static boolean beyond(SegmentRegister source, long lastRead, SegmentRegister destination, long lastWrite) {
        return lastRead > source.readHigh || lastWrite > destination.writeHigh;
    }

    // ---- STOS

    @Operation(value = "stos", shape = Operation.Shape.WHOLE)
    public static void stos(Cpu cpu, Insn i) { repeat(cpu, i, bytes(i), Strings::storeOne, Strings::storeRun); }

    private static boolean storeOne(Cpu cpu, Insn i, int bytes) {
        cpu.write(destination(cpu), at(cpu, i, RDI), bytes, cpu.r[RAX]);
        advance(cpu, i, RDI, bytes);
        return true;
    }

    private static long storeRun(Cpu cpu, Insn i, int bytes, long count) {
        long to = at(cpu, i, RDI);
        long linear = cpu.writable(destination(cpu), to, bytes - 1);
        long n = Math.min(count, room(linear, bytes));
        int length = (int) (n * bytes);
        if (n < WORTH || wraps(i, to, length) || to + length - 1 > destination(cpu).writeHigh) return 0;
        long host = cpu.mmu.hostForWrite(linear);
        if (host == 0) return 0;
        fill(host, bytes, n, cpu.r[RAX]);
        cpu.set(i.addressSize, RDI, to + length);
        return n;
    }

    private static void fill(long host, int bytes, long n, long value) {
        byte low = (byte) value;
        if (Flags.zeroExtend(8 * bytes, value) == Flags.zeroExtend(8 * bytes, (low & 0xFF) * 0x0101_0101_0101_0101L)) {
            HostMemory.fill(host, n * bytes, low);
            return;
        }
        for (long end = host + n * bytes; host < end; host += bytes) {
            if (bytes == 2) HostMemory.putShort(host, (short) value);
            else if (bytes == 4) HostMemory.putInt(host, (int) value);
            else HostMemory.putLong(host, value);
        }
    }

    // ---- LODS, CMPS, SCAS

    @Operation(value = "lods", shape = Operation.Shape.WHOLE)
    public static void lods(Cpu cpu, Insn i) { repeat(cpu, i, bytes(i), Strings::loadOne, NO_RUN); }

    private static boolean loadOne(Cpu cpu, Insn i, int bytes) {
        cpu.set(8 * bytes, RAX, cpu.read(source(cpu, i), at(cpu, i, RSI), bytes));
        advance(cpu, i, RSI, bytes);
        return true;
    }

    @Operation(value = "cmps", shape = Operation.Shape.WHOLE)
    public static void cmps(Cpu cpu, Insn i) { compare(cpu, i, Strings::compareOne); }

    /** A fault in the middle of a repetition leaves the flags from before it, though registers have moved on. */
    private static void compare(Cpu cpu, Insn i, Element element) {
        long result = cpu.result;
        int aux = cpu.aux;
        try {
            repeat(cpu, i, bytes(i), element, NO_RUN);
        } catch (GuestFault fault) {
            cpu.result = result;
            cpu.aux = aux;
            throw fault;
        }
    }

    private static boolean compareOne(Cpu cpu, Insn i, int bytes) {
        // the destination first: where both fault, that is what Intel's CPUs report
        long b = cpu.read(destination(cpu), at(cpu, i, RDI), bytes);
        long a = cpu.read(source(cpu, i), at(cpu, i, RSI), bytes);
        advance(cpu, i, RSI, bytes);
        advance(cpu, i, RDI, bytes);
        cpu.subtracted(8 * bytes, a, b, a - b);
        return cpu.zf() != i.repne;
    }

    @Operation(value = "scas", shape = Operation.Shape.WHOLE)
    public static void scas(Cpu cpu, Insn i) { compare(cpu, i, Strings::scanOne); }

    private static boolean scanOne(Cpu cpu, Insn i, int bytes) {
        long a = cpu.get(8 * bytes, RAX);
        long b = cpu.read(destination(cpu), at(cpu, i, RDI), bytes);
        advance(cpu, i, RDI, bytes);
        cpu.subtracted(8 * bytes, a, b, a - b);
        return cpu.zf() != i.repne;
    }

    // ---- INS, OUTS

    @Operation(value = "ins", shape = Operation.Shape.WHOLE)
    public static void ins(Cpu cpu, Insn i) {
        cpu.needPorts((int) cpu.r[RDX] & 0xFFFF, bytes(i));
        repeat(cpu, i, bytes(i), Strings::inOne, NO_RUN);
    }

    private static boolean inOne(Cpu cpu, Insn i, int bytes) {
        long to = at(cpu, i, RDI);
        // the port must not be read if the result cannot be stored
        cpu.mmu.probeWrite(cpu.writable(destination(cpu), to, bytes - 1), bytes);
        cpu.write(destination(cpu), to, bytes, cpu.in((int) cpu.r[RDX] & 0xFFFF, bytes));
        advance(cpu, i, RDI, bytes);
        return true;
    }

    @Operation(value = "outs", shape = Operation.Shape.WHOLE)
    public static void outs(Cpu cpu, Insn i) {
        cpu.needPorts((int) cpu.r[RDX] & 0xFFFF, bytes(i));
        repeat(cpu, i, bytes(i), Strings::outOne, NO_RUN);
    }

    private static boolean outOne(Cpu cpu, Insn i, int bytes) {
        long value = cpu.read(source(cpu, i), at(cpu, i, RSI), bytes);
        cpu.out((int) cpu.r[RDX] & 0xFFFF, bytes, value);
        advance(cpu, i, RSI, bytes);
        return true;
    }
}
