package monitor.x86.interp;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import monitor.x86.isa.InstructionTable;
import vmkernel.api.device.GuestClock;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.PortBus;
import vmkernel.api.monitor.Vcpu;
import vmkernel.api.monitor.VcpuContext;
import vmkernel.api.world.Slice;

/**
 * A small machine for tests: {@code Vm.real16().code("mov al,1; add al,2; hlt").run().register(0)}. Code starts at 0x1000; a
 * write to port 0xE9 is collected, other ports read as all ones.
 */
final class Vm implements VcpuContext, AutoCloseable {
    static final long CODE = 0x1000;
    static final InstructionTable TABLE = InstructionTable.load();

    final FlatMemory memory = new FlatMemory(4 << 20);
    final CpuState state = CpuState.reset();
    final List<Long> written = new ArrayList<>();
    final int bits;
    int events;
    int vector = -1;
    /** A write to port 0xE8 raises an interrupt with this vector, if it is not negative. */
    int onWrite = -1;
    /** Called whenever the CPU looks at its events. */
    Runnable onAttention = () -> {};
    Slice slice = new Slice();
    /** Levels of FERR#; null if there are to be none. */
    List<Boolean> ferr;
    /** How often a CPU was replaced. */
    int takeovers;
    private Interpreter cpu;
    private CpuState result;
    private Vcpu.Exit exit;

    private Vm(int bits) { this.bits = bits; }

    /** Real mode, all segments at 0, stack at 0x8000. */
    static Vm real16() {
        Vm vm = new Vm(16);
        for (int i = 0; i < 6; i++) vm.state.segments[i] = new CpuState.Segment(0, 0, 0xFFFF, i == CpuState.CS ? 0x9B : 0x93);
        return vm.start();
    }

    /** Protected mode without paging, flat segments of 4 GiB at CPL 0, stack at 0x8000. */
    static Vm flat32() {
        Vm vm = new Vm(32);
        vm.state.cr0 |= 1;
        for (int i = 0; i < 6; i++) vm.state.segments[i] = new CpuState.Segment(i == CpuState.CS ? 8 : 16, 0, 0xFFFF_FFFFL, i == CpuState.CS ? 0xC09B : 0xC093);
        return vm.start();
    }

    private Vm start() {
        state.rip = CODE;
        state.registers[2] = 0;
        state.registers[4] = 0x8000;
        return this;
    }

    /** Assembles with nasm; instructions are separated by semicolons or lines. */
    Vm code(String source) {
        byte[] code = assemble(bits, CODE, source);
        memory.write(CODE, code, 0, code.length);
        return this;
    }

    static byte[] assemble(int bits, long origin, String source) {
        try {
            Path folder = Files.createTempDirectory("nasm");
            Path in = folder.resolve("code.asm");
            Path out = folder.resolve("code.bin");
            Files.writeString(in, "bits " + bits + "\norg " + origin + "\n" + source.replace(';', '\n') + "\n");
            Process nasm = new ProcessBuilder("nasm", "-f", "bin", "-o", out.toString(), in.toString()).redirectErrorStream(true).start();
            ByteArrayOutputStream messages = new ByteArrayOutputStream();
            nasm.getInputStream().transferTo(messages);
            if (nasm.waitFor() != 0) throw new IllegalArgumentException(messages.toString());
            byte[] code = Files.readAllBytes(out);
            Files.delete(in);
            Files.delete(out);
            Files.delete(folder);
            return code;
        } catch (IOException e) {
            throw new IllegalStateException("this test needs nasm (Debian package nasm)", e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    Vm set(int register, long value) {
        state.registers[register] = value;
        return this;
    }

    /** Runs until HLT or SHUTDOWN. */
    Vm run() {
        if (cpu == null) cpu = new Interpreter(this, state, TABLE);
        exit = cpu.run(new Slice());
        if (exit == Vcpu.Exit.FAULTED) throw new AssertionError(cpu.describe(), cpu.failure());
        result = cpu.save();
        return this;
    }

    /** As {@link #run}, but whenever the slice is over another CPU takes over. */
    Vm runWithTakeovers(Supplier<Slice> slices) {
        if (cpu == null) cpu = new Interpreter(this, state, TABLE);
        do {
            slice = slices.get();
            exit = cpu.run(slice);
            if (exit == Vcpu.Exit.FAULTED) throw new AssertionError(cpu.describe(), cpu.failure());
            result = cpu.save();
            cpu.close();
            if (!memory.untouched()) throw new AssertionError("the CPU still watches memory");
            cpu = new Interpreter(this, result, TABLE);
            takeovers++;
        } while (exit == Vcpu.Exit.STOPPED);
        return this;
    }

    Vcpu.Exit exit() { return exit; }

    CpuState result() { return result; }

    Interpreter vcpu() { return cpu; }

    long register(int number) { return result.registers[number]; }

    long flags() { return result.rflags; }

    @Override public void close() {
        if (cpu != null) cpu.close();
        memory.close();
    }

    // ---- VcpuContext

    @Override public int cpu() { return 0; }

    @Override public GuestMemory memory() { return memory; }

    @Override
    public PortBus ports() {
        return new PortBus() {
            @Override public long read(long address, int bytes) { return ~0L; }

            @Override
            public void write(long address, int bytes, long value) {
                written.add(value);
                if (address != 0xE8 || onWrite < 0) return;
                vector = onWrite;
                events |= INTERRUPT_REQUEST;
                cpu.kick();
            }
        };
    }

    @Override
    public PortBus mmio() {
        return new PortBus() {
            @Override public long read(long address, int bytes) { return ~0L >>> 64 - 8 * bytes; }

            @Override public void write(long address, int bytes, long value) {
                // nothing is there
            }
        };
    }

    @Override public boolean claimed(long ppn) { return false; }

    @Override
    public GuestClock clock() {
        return new GuestClock() {
            @Override public long nanos() { return System.nanoTime(); }

            @Override public long wallMillis() { return System.currentTimeMillis(); }
        };
    }

    @Override public long tscHertz() { return 1_000_000_000; }

    @Override
    public int events() {
        onAttention.run();
        return events;
    }

    @Override
    public int take(int event) {
        events &= ~event;
        return 0;
    }

    @Override
    public int acknowledgeInterrupt() {
        events &= ~INTERRUPT_REQUEST;
        return vector;
    }

    @Override public boolean a20() { return true; }

    @Override public boolean ignoreNumericError() { return false; }

    @Override
    public void numericError(boolean level) {
        if (ferr == null) throw new AssertionError("FERR#");
        ferr.add(level);
    }

    @Override public void apicBase(long value) { throw new AssertionError("no APIC here"); }

    @Override public int taskPriority() { return 0; }

    @Override public void taskPriority(int priority) { throw new AssertionError("no APIC here"); }

    @Override public boolean backdoor(int port, int[] registers) { return false; }
}
