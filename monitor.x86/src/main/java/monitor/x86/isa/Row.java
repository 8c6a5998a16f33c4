package monitor.x86.isa;

import java.util.List;
import java.util.Set;

/**
 * One row of the instruction table: an encoding, the assembler form, the operation that gives it its meaning, and notes.
 * Immutable. Rows of one {@link InstructionTable} are numbered from 0, so that {@link #id} can index arrays.
 */
public final class Row {

    /** EFLAGS bits as the table names them: O S Z A P C, D, I, T. */
    public static final int CF = 0x1, PF = 0x4, AF = 0x10, ZF = 0x40, SF = 0x80, TF = 0x100, IF = 0x200, DF = 0x400, OF = 0x800;

    /** The mandatory prefix of an encoding. */
    public enum Prefix {
        /** 66, F2, F3 mean operand size and REP, or nothing. */ ANY,
        /** With 66, F2 or F3 it is another instruction or none. */ NP,
        /** 66. */ P66,
        /** F3. */ PF3,
        /** F2. */ PF2
    }

    /** Index in the table. */
    public final int id;
    /** Line of the table file, from 1; 0 for the rows that the decoder itself makes. */
    public final int line;
    /** Encoding column as written. */
    public final String encoding;
    /** Form column as written, for example {@code ADD Ev,sIb}. */
    public final String form;
    /** Mnemonic in lower case; variants by operand size are separated by '/', "cc" stands for a condition. */
    public final String mnemonic;
    /** Operation: the name of the method that gives the meaning. */
    public final String operation;
    /** Operand codes of the form in SDM notation, for example {@code Ev}, {@code sIb}. */
    public final List<String> operandCodes;
    /** All notes. */
    public final Set<Note> notes;
    /** EFLAGS bits it reads; for conditions all that some condition reads, see {@link Insn#flagsRead()}. */
    public final int flagsRead;
    /** EFLAGS bits it writes with a defined value (maybe on some paths only). */
    public final int flagsWritten;
    /** EFLAGS bits that are undefined afterwards by the manual; what we do follows real CPUs. */
    public final int flagsUndefined;
    /** Mandatory prefix. */
    public final Prefix prefix;
    /** Opcode map: 0 for one-byte opcodes, 1 for 0F. */
    public final int map;
    /** Opcode byte; the first one of eight for +r, of sixteen for +cc. */
    public final int opcode;
    /** How many consecutive opcode bytes the row spans: 1, 8 (+r) or 16 (+cc). */
    public final int opcodeSpan;
    /** Is there a ModRM byte? */
    public final boolean modrm;
    /** Required reg field 0..7, or -1. */
    public final int reg;
    /** Required r/m field 0..7 with mod=3, or -1. */
    public final int rm;
    /** May r/m be a memory operand? */
    public final boolean memoryAllowed;
    /** May r/m be a register? */
    public final boolean registerAllowed;
    /** Immediates in code order, in SDM notation: ib iw iz iv cb cz ap mo. */
    public final List<String> immediates;

    final OperandForm[] forms;
    final int[] immediateCodes;
    final boolean lockable;
    final String[] variants;
    private final long noteBits;

    Row(int id, RowParser p) {
        this.id = id;
        line = p.line;
        encoding = p.encoding;
        form = p.form;
        mnemonic = p.mnemonic;
        operation = p.operation;
        operandCodes = List.copyOf(p.operandCodes);
        notes = Set.copyOf(p.notes);
        flagsRead = p.flagsRead;
        flagsWritten = p.flagsWritten;
        flagsUndefined = p.flagsUndefined;
        prefix = p.prefix;
        map = p.map;
        opcode = p.opcode;
        opcodeSpan = p.opcodeSpan;
        modrm = p.modrm;
        reg = p.reg;
        rm = p.rm;
        memoryAllowed = p.memoryAllowed;
        registerAllowed = p.registerAllowed;
        immediates = List.copyOf(p.immediates);
        forms = p.forms.toArray(new OperandForm[0]);
        immediateCodes = new int[immediates.size()];
        for (int i = 0; i < immediateCodes.length; i++) {
            immediateCodes[i] = Decoder.immediateCode(immediates.get(i));
        }
        lockable = notes.contains(Note.LOCK);
        variants = mnemonic.split("/");
        long bits = 0;
        for (Note n : notes) {
            bits |= 1L << n.ordinal();
        }
        noteBits = bits;
    }

    /** Does the row carry this note? */
    public boolean has(Note note) {
        return (noteBits >>> note.ordinal() & 1) != 0;
    }

    /** Is this the row of undefined encodings (operation "ud", no encoding)? */
    public boolean undefined() {
        return line == 0;
    }

    @Override
    public String toString() {
        return encoding + "  " + form + "  " + operation;
    }
}
