package monitor.x86.hostcpu;

import monitor.x86.isa.Insn;

/**
 * One 32-bit user-mode instruction and the state it starts from. The world it runs in: CPL 3, CS = 0x23, SS = DS = ES = 0x2b,
 * all flat with base 0 and 4 GiB, FS = GS = 0 (null); CR0.EM and CR0.TS clear, CR0.NE and CR0.AM set, CR4.OSFXSR and
 * CR4.OSXMMEXCPT set. Two pages are mapped, for user access: {@link #CODE_PAGE} (readable, writable, executable) and
 * {@link #DATA_PAGE} (readable, writable, not executable), whose last KiB is the memory of the state and whose rest is zero.
 *
 * @param insn    the instruction, decoded at {@link #CODE}
 * @param code    its bytes
 * @param branch  does it change eip otherwise than by its length? Then the rest of the code page holds INT3, which the
 *                executor must not execute: a result's eip is that of the next instruction
 * @param in      state before
 */
public record Case(Insn insn, byte[] code, boolean branch, State in) {

    /** Address of the instruction. */
    public static final int CODE_PAGE = 0x20000000, CODE = CODE_PAGE + 0x800;
    /** Address and size of the memory block. */
    public static final int DATA_PAGE = 0x10008000, BLOCK_SIZE = 1024, BLOCK = DATA_PAGE + 4096 - BLOCK_SIZE;

    /**
     * Registers and memory.
     *
     * @param gpr    EAX ECX EDX EBX ESP EBP ESI EDI
     * @param eflags EFLAGS
     * @param fx     512 bytes as FXSAVE writes them ([SDM] 1 10.5.1): x87, MMX and SSE state
     * @param memory the 1024 bytes at {@link Case#BLOCK}
     */
    public record State(int[] gpr, int eflags, byte[] fx, byte[] memory) {
    }

    /**
     * What an instruction did.
     *
     * @param state   state afterwards; at a fault as the handler sees it
     * @param eip     address of the next instruction relative to {@link Case#CODE}; at a fault that of the instruction itself
     * @param trap    vector of the exception, -1 for none
     * @param error   error code of the exception, 0 for none
     * @param address CR2 of a page fault, else 0
     */
    public record Result(State state, int eip, int trap, int error, int address) {
    }

    /** Executes single instructions: the machine's own CPU, or an interpreter under test. */
    @FunctionalInterface
    public interface Executor {
        /** Executes the instruction of the case; does not change the case. */
        Result run(Case c);
    }
}
