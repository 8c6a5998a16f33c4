package monitor.x86.isa;

/** Writes instructions in the syntax of NASM. */
public final class Disassembler {

    private Disassembler() {
    }

    /** The instruction as NASM text. */
    public static String format(Insn insn) {
        return insn.row.mnemonic;
    }
}
