package monitor.x86.interp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import monitor.x86.hostcpu.Case;
import vmkernel.api.monitor.CpuState;
import vmkernel.api.monitor.Vcpu;

/**
 * Executes single user-mode instructions on the interpreter: paging with the two pages of the case, a handler that halts for
 * each exception, and INT3 all over the code page so that the instruction after is noticed and not executed.
 */
final class InterpreterExecutor implements Case.Executor, AutoCloseable {
    private static final int DIRECTORY = 0x1000, CODE_TABLE = 0x2000, DATA_TABLE = 0x3000, GDT = 0x4000, IDT = 0x5000, TSS = 0x6000, HANDLERS = 0x7000,
        STACK = 0x9000, CODE_FRAME = 0xA000, DATA_FRAME = 0xB000, LOW_TABLE = 0xC000;
    /** Where the supervisor's memory is mapped: an address that random operands do not hit. */
    private static final int SUPERVISOR = 0x3A400000;
    private static final int ST = 32, XMM = 160;

    private final Vm vm = Vm.flat32();
    private final byte[] int3 = new byte[4096];

    InterpreterExecutor() {
        java.util.Arrays.fill(int3, (byte) 0xCC);
        put(DIRECTORY + (SUPERVISOR >>> 22) * 4, LOW_TABLE | 3);
        for (int i = 0; i < 16; i++) put(LOW_TABLE + 4 * i, i << 12 | 3);
        map(Case.CODE_PAGE, CODE_TABLE, CODE_FRAME);
        map(Case.DATA_PAGE, DATA_TABLE, DATA_FRAME);
        descriptor(1, 0, 0xFFFFF, 0xC09B); // 08 kernel code, 10 kernel data, 23 user code, 2b user data, 30 TSS
        descriptor(2, 0, 0xFFFFF, 0xC093);
        descriptor(4, 0, 0xFFFFF, 0xC0FB);
        descriptor(5, 0, 0xFFFFF, 0xC0F3);
        descriptor(6, SUPERVISOR + TSS, 103, 0x008B);
        put(TSS + 4, SUPERVISOR + STACK);
        put(TSS + 8, 0x10);
        for (int v = 0; v < 32; v++) {
            put(HANDLERS + v, 0xF4);
            put(IDT + 8 * v, 0x80000 | HANDLERS + v);
            put(IDT + 8 * v + 4, SUPERVISOR | 0xEE00);
        }
    }

    private void put(long address, int value) { vm.memory.write(address, 4, value); }

    private void map(int linear, int table, int frame) {
        put(DIRECTORY + (linear >>> 22) * 4, table | 7);
        put(table + (linear >>> 12 & 0x3FF) * 4, frame | 7);
    }

    private void descriptor(int number, int base, int limit, int access) {
        put(GDT + 8 * number, base << 16 | limit & 0xFFFF);
        put(GDT + 8 * number + 4, base & 0xFF000000 | (access & 0xF000) << 8 | limit & 0xF0000 | (access & 0xFF) << 8 | base >>> 16 & 0xFF);
    }

    @Override
    public Case.Result run(Case c) {
        vm.memory.write(CODE_FRAME, int3, 0, 4096);
        vm.memory.write(CODE_FRAME + 0x800, c.code(), 0, c.code().length);
        vm.memory.write(DATA_FRAME, new byte[4096], 0, 4096);
        vm.memory.write(DATA_FRAME + 4096 - Case.BLOCK_SIZE, c.in().memory(), 0, Case.BLOCK_SIZE);
        Interpreter cpu = new Interpreter(vm, state(c), Vm.TABLE);
        try {
            Vcpu.Exit exit = cpu.run(new vmkernel.api.world.Slice());
            if (exit != Vcpu.Exit.HALTED) throw new IllegalStateException(exit + "\n" + cpu.describe(), cpu.failure());
            return result(cpu.save());
        } finally {
            cpu.close();
        }
    }

    private CpuState state(Case c) {
        CpuState s = CpuState.reset();
        for (int i = 0; i < 8; i++) s.registers[i] = c.in().gpr()[i] & 0xFFFF_FFFFL;
        s.rip = Case.CODE;
        s.rflags = c.in().eflags();
        for (int i = 0; i < 6; i++) s.segments[i] = new CpuState.Segment(0x2B, 0, 0xFFFF_FFFFL, 0xC0F3);
        s.segments[CpuState.CS] = new CpuState.Segment(0x23, 0, 0xFFFF_FFFFL, 0xC0FB);
        s.segments[CpuState.FS] = new CpuState.Segment(0, 0, 0, CpuState.Segment.UNUSABLE);
        s.segments[CpuState.GS] = s.segments[CpuState.FS];
        s.tr = new CpuState.Segment(0x30, SUPERVISOR + TSS, 103, 0x8B);
        s.ldtr = new CpuState.Segment(0, 0, 0, CpuState.Segment.UNUSABLE);
        s.gdtr = new CpuState.Table(SUPERVISOR + GDT, 8 * 7 - 1);
        s.idtr = new CpuState.Table(SUPERVISOR + IDT, 8 * 32 - 1);
        s.cr0 = 0x8005_0033L;
        s.cr3 = DIRECTORY;
        s.cr4 = 0x600;
        ByteBuffer fx = ByteBuffer.wrap(c.in().fx()).order(ByteOrder.LITTLE_ENDIAN);
        s.fpControl = fx.getShort(0) & 0xFFFF;
        s.fpStatus = fx.getShort(2) & 0xFFFF;
        s.fpEmpty = ~fx.get(4) & 0xFF;
        int top = s.fpStatus >>> 11 & 7;
        for (int i = 0; i < 8; i++) {
            s.fpSignificand[top + i & 7] = fx.getLong(ST + 16 * i);
            s.fpSignExponent[top + i & 7] = fx.getShort(ST + 16 * i + 8) & 0xFFFF;
        }
        s.mxcsr = fx.getInt(24);
        for (int i = 0; i < 16; i++) s.xmm[i] = fx.getLong(XMM + 8 * i);
        return s;
    }

    private Case.Result result(CpuState s) {
        int trap = (int) s.rip - 1 - HANDLERS - SUPERVISOR;
        boolean code = monitor.x86.mmu.GuestFault.hasErrorCode(trap);
        long frame = s.registers[4] - SUPERVISOR;
        int error = code ? (int) vm.memory.read(frame, 4) : 0;
        if (code) frame += 4;
        int eip = (int) vm.memory.read(frame, 4) - Case.CODE;
        int eflags = (int) vm.memory.read(frame + 8, 4);
        int[] gpr = new int[8];
        for (int i = 0; i < 8; i++) gpr[i] = (int) s.registers[i];
        gpr[4] = (int) vm.memory.read(frame + 12, 4);
        boolean completed = trap == 3;
        byte[] memory = new byte[Case.BLOCK_SIZE];
        vm.memory.read(DATA_FRAME + 4096 - Case.BLOCK_SIZE, memory, 0, Case.BLOCK_SIZE);
        Case.State state = new Case.State(gpr, eflags, fx(s), memory);
        return new Case.Result(state, completed ? eip - 1 : eip, completed ? -1 : trap, completed ? 0 : error, trap == 14 ? (int) s.cr2 : 0);
    }

    private static byte[] fx(CpuState s) {
        ByteBuffer fx = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        fx.putShort(0, (short) s.fpControl).putShort(2, (short) s.fpStatus).put(4, (byte) ~s.fpEmpty);
        int top = s.fpStatus >>> 11 & 7;
        for (int i = 0; i < 8; i++) {
            fx.putLong(ST + 16 * i, s.fpSignificand[top + i & 7]);
            fx.putShort(ST + 16 * i + 8, (short) s.fpSignExponent[top + i & 7]);
        }
        fx.putInt(24, s.mxcsr).putInt(28, 0xFFFF);
        for (int i = 0; i < 16; i++) fx.putLong(XMM + 8 * i, s.xmm[i]);
        return fx.array();
    }

    @Override public void close() { vm.close(); }
}
