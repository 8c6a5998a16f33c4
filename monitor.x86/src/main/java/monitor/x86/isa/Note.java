package monitor.x86.isa;

/** What a row of the instruction table says beyond encoding and operation. The table uses the names in lower case. */
public enum Note {
    /** LOCK is allowed when the first operand is in memory; with every row without this note LOCK is #UD. */ LOCK,
    /** The first operand is only written: the operation does not get its old value. */ WO,
    /** x87: #NM when CR0.EM or CR0.TS is set, pending exceptions are delivered first unless {@link #NOWAIT}. */ X87,
    /** An x87 instruction that does not wait for pending exceptions (FNINIT, FNSTSW...). */ NOWAIT,
    /** Uses MMX registers: #UD when CR0.EM, #NM when CR0.TS, pending x87 exceptions first; makes all tags valid and TOP 0. */ MMX,
    /** SSE: #UD when CR0.EM is set or CR4.OSFXSR is clear, #NM when CR0.TS is set. */ SSE,
    /** SSE2: gated as {@link #SSE}; differs in the CPUID bit only. */ SSE2,
    /** The memory operand must be aligned to 16 bytes, else #GP(0). */ ALIGN16,
    /** May raise SIMD floating-point exceptions (#XM, or #UD without CR4.OSXMMEXCPT). */ XM,
    /** Needs CPL 0, else #GP(0). */ CPL0,
    /** #UD in real and virtual-8086 mode. */ PM,
    /** Invalid (#UD) in 64-bit mode. */ I64,
    /** Valid in 64-bit mode only. */ O64,
    /** Operand size defaults to 64 bits in 64-bit mode; 66 makes it 16, 32 does not exist. */ D64,
    /** Operand size is 64 bits in 64-bit mode whatever the prefixes. */ F64,
    /** Writes the instruction pointer: ends a block. */ BRANCH,
    /** A block ends after it: it changes modes, paging or the interrupt flag, or does I/O. */ ENDS,
    /** F2 or F3 repeats it rCX times. */ REP,
    /** F3 repeats while equal, F2 while not equal, at most rCX times. */ REPZ,
    /** Among the most frequent instructions of compiled code: worth a node of its own. */ HOT,
    /** Another encoding, often undocumented, of an instruction that has a canonical one. */ ALIAS,
    /** BT, BTS, BTR, BTC with a register bit offset: a memory operand reaches beyond its width, by the signed offset. */ BITSTRING,
    /** Address size has a meaning without a memory operand (LOOP's rCX, XLAT's rBX, string pointers). */ ASIZE,
    /** The mod field is ignored: r/m always names a register (moves with control and debug registers). */ NOMOD
}
