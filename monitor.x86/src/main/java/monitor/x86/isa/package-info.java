/**
 * The instruction set of x86 as data, its decoder and its disassembler. {@link monitor.x86.isa.InstructionTable} reads the
 * table (instructions.txt, in the notation of Intel's manual), {@link monitor.x86.isa.Decoder} makes
 * {@link monitor.x86.isa.Insn}s of code bytes with it. Depends on nothing else of the monitor.
 */
package monitor.x86.isa;
