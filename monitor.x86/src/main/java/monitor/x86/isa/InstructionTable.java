package monitor.x86.isa;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The instruction set: all rows of the text resource {@code instructions.txt}, indexed by opcode for the decoder. Immutable,
 * safe to share between threads. Rows are made when they are first needed.
 */
public final class InstructionTable {

    /** What one opcode byte of one map can be: rows by mandatory prefix (none, 66, F3, F2), then by ModRM or one for all. */
    static final class Slot {
        final boolean modrm;
        private final Row[][] rows;

        Slot(boolean modrm, Row[][] rows) {
            this.modrm = modrm;
            this.rows = rows;
        }

        Row row(int prefixIndex, int modrmByte) {
            Row[] candidates = rows[prefixIndex];
            return candidates[candidates.length == 1 ? 0 : modrmByte];
        }
    }

    private static final Row.Prefix[] PREFIX_BY_INDEX = {Row.Prefix.NP, Row.Prefix.P66, Row.Prefix.PF3, Row.Prefix.PF2};

    /** A line of the text with a row, which is only made when it is needed. @param opcodes see {@link RowParser#opcodes} */
    private record Line(int number, String text, int opcodes) {
        boolean has(int opcode) { return opcode >= (opcodes & 0xFFFF) && opcode < (opcodes & 0xFFFF) + (opcodes >>> 16); }
    }

    private final List<Line> lines = new ArrayList<>();
    /** Those made so far, by number; guarded by itself. */
    private final Row[] rows;
    private final Opcodes legacy = new Opcodes(Note.O64);
    private final Opcodes extended = new Opcodes(Note.I64);

    private InstructionTable(BufferedReader reader) throws IOException {
        int number = 1;
        for (String line = reader.readLine(); line != null; line = reader.readLine(), number++) {
            if (!line.isBlank() && !line.startsWith("#")) lines.add(new Line(number, line, RowParser.opcodes(number, line)));
        }
        int count = lines.size();
        rows = new Row[count + 2];
        rows[count] = new Row(count, new RowParser("(bad)", "ud"));
        rows[count + 1] = new Row(count + 1, new RowParser("(too long)", "too_long"));
    }

    private Row row(int id) {
        synchronized (rows) {
            if (rows[id] == null) rows[id] = new Row(id, new RowParser(lines.get(id).number, lines.get(id).text));
            return rows[id];
        }
    }

    /**
     * Reads the table.
     *
     * @throws IllegalArgumentException if a line has no opcode; other mistakes are found when its row is first needed
     */
    public static InstructionTable load() {
        try (InputStream in = InstructionTable.class.getResourceAsStream("instructions.txt");
             BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            return new InstructionTable(reader);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * All rows; {@link Row#id} is the index. The last two are those of undefined and of too long instructions.
     *
     * @throws IllegalArgumentException if a line is malformed; the message names it
     */
    public List<Row> rows() {
        List<Row> all = new ArrayList<>();
        for (int id = 0; id < rows.length; id++) all.add(row(id));
        return Collections.unmodifiableList(all);
    }

    /** The row of undefined encodings: operation "ud". */
    public Row undefined() {
        return rows[rows.length - 2];
    }

    /** The row of instructions longer than 15 bytes: operation "too_long", that is #GP(0). */
    public Row tooLong() {
        return rows[rows.length - 1];
    }

    /** Every operation with the rows that mean it, in the order of names. */
    public SortedMap<String, List<Row>> operations() {
        SortedMap<String, List<Row>> byName = new TreeMap<>();
        for (Row row : rows()) {
            byName.computeIfAbsent(row.operation, name -> new ArrayList<>()).add(row);
        }
        return byName;
    }

    /**
     * What the opcode can be; never null.
     *
     * @throws IllegalArgumentException if a line is malformed, or two rows claim the same encoding
     */
    Slot slot(boolean longMode, int map, int opcode) { return (longMode ? extended : legacy).slot(map << 8 | opcode); }

    /**
     * The opcodes of one mode. What an opcode can be is worked out when it is first met: all of them by code that is still cold
     * would take most of the time in which a monitor takes over from another. Several threads may do the same work.
     */
    private final class Opcodes {
        private final Note excluded;
        private final Slot[] slots = new Slot[512];

        Opcodes(Note excluded) { this.excluded = excluded; }

        Slot slot(int index) {
            Slot known = slots[index];
            return known != null ? known : (slots[index] = make(index));
        }

        private Slot make(int index) {
            List<Row> candidates = new ArrayList<>();
            for (int id = 0; id < lines.size(); id++) {
                if (lines.get(id).has(index) && !row(id).has(excluded)) candidates.add(row(id));
            }
            return InstructionTable.this.slot(candidates);
        }
    }

    private Slot slot(List<Row> candidates) {
        boolean modrm = false;
        boolean prefixed = false;
        for (Row row : candidates) {
            modrm |= row.modrm;
            prefixed |= row.prefix != Row.Prefix.ANY;
        }
        Row[][] byPrefix = new Row[4][];
        for (int p = 0; p < 4; p++) {
            byPrefix[p] = p > 0 && !prefixed ? byPrefix[0] : byModrm(candidates, PREFIX_BY_INDEX[p], modrm);
        }
        return new Slot(modrm, byPrefix);
    }

    private Row[] byModrm(List<Row> candidates, Row.Prefix prefix, boolean modrm) {
        Row[] byModrm = new Row[modrm ? 256 : 1];
        boolean same = true;
        for (int m = 0; m < byModrm.length; m++) {
            byModrm[m] = best(candidates, prefix, m);
            same &= byModrm[m] == byModrm[0];
        }
        return same ? new Row[] {byModrm[0]} : byModrm;
    }

    private Row best(List<Row> candidates, Row.Prefix prefix, int modrm) {
        Row best = undefined();
        int bestRank = -1;
        for (Row row : candidates) {
            int rank = rank(row, prefix, modrm);
            if (rank >= 0 && rank == bestRank) {
                throw new IllegalArgumentException("lines " + best.line + " and " + row.line + " claim the same encoding: " + row);
            }
            if (rank > bestRank) {
                best = row;
                bestRank = rank;
            }
        }
        return best;
    }

    /** How closely the row matches: the more it demands the higher, -1 if it does not match. */
    private static int rank(Row row, Row.Prefix prefix, int modrm) {
        boolean memory = modrm < 0xc0;
        boolean matches = (row.prefix == Row.Prefix.ANY || row.prefix == prefix)
            && (!row.modrm || (memory ? row.memoryAllowed : row.registerAllowed)
                && (row.reg < 0 || row.reg == (modrm >> 3 & 7)) && (row.rm < 0 || row.rm == (modrm & 7)));
        if (!matches) {
            return -1;
        }
        return (row.prefix != Row.Prefix.ANY ? 8 : 0) + (row.rm >= 0 ? 4 : 0) + (row.reg >= 0 ? 2 : 0) + (row.opcodeSpan == 1 ? 1 : 0);
    }
}
