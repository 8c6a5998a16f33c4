package monitor.x86.interp;

import monitor.x86.cpu.Cpu;
import monitor.x86.cpu.SegmentRegister;
import monitor.x86.isa.Decoder;
import monitor.x86.isa.Disassembler;
import monitor.x86.isa.Insn;
import monitor.x86.isa.InstructionTable;
import monitor.x86.mmu.GuestFault;

/** The state of a CPU as text, for dumps and people. */
final class Description {
    private static final String[] NAMES = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    private static final String[] SEGMENTS = {"ES", "CS", "SS", "DS", "FS", "GS"};
    private static final int INSTRUCTIONS = 8;

    private Description() {}

    static String of(Cpu cpu) {
        StringBuilder s = new StringBuilder();
        for (int n = 0; n < 8; n++) s.append("%s=%08X%s".formatted(NAMES[n], cpu.r[n], n % 4 == 3 ? "\n" : " "));
        s.append("EIP=%08X EFLAGS=%08X CPL=%d %s%n".formatted(cpu.rip, cpu.flags(), cpu.cpl, cpu.halted ? "halted" : ""));
        for (SegmentRegister r : cpu.segments) s.append(segment(SEGMENTS[r.number], r));
        s.append(segment("LDTR", cpu.ldtr)).append(segment("TR", cpu.tr));
        s.append("GDT=%08X %04X IDT=%08X %04X%n".formatted(cpu.gdtBase, cpu.gdtLimit, cpu.idtBase, cpu.idtLimit));
        s.append("CR0=%08X CR2=%08X CR3=%08X CR4=%08X%n".formatted(cpu.cr0, cpu.mmu.cr2, cpu.cr3, cpu.cr4));
        s.append("DR0=%08X DR1=%08X DR2=%08X DR3=%08X DR6=%08X DR7=%08X%n".formatted(cpu.debug[0], cpu.debug[1], cpu.debug[2], cpu.debug[3],
            cpu.debug[6], cpu.debug[7]));
        return s.append(code(cpu)).toString();
    }

    private static String segment(String name, SegmentRegister r) {
        return "%s=%04X base %08X limit %08X access %05X%n".formatted(name, r.selector, r.base, r.limit, r.access);
    }

    private static String code(Cpu cpu) {
        StringBuilder s = new StringBuilder();
        Decoder decoder = new Decoder(InstructionTable.load());
        long[] at = {cpu.rip};
        try {
            for (int n = 0; n < INSTRUCTIONS; n++) {
                long ip = at[0];
                Insn i = decoder.decode(() -> cpu.mmu.codeByte(cpu.mmu.fetch(cpu.cs.base + at[0]++ & Cpu.MASK32)), ip, cpu.codeBits);
                at[0] = ip + i.length;
                s.append("%08X  %s%n".formatted(ip, Disassembler.format(i)));
            }
        } catch (GuestFault fault) {
            s.append("%08X  cannot be fetched%n".formatted(at[0]));
        }
        return s.toString();
    }
}
