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
 * safe to share between threads.
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

    private final List<Row> rows;
    private final Row undefined;
    private final Row tooLong;
    private final Slot[] legacySlots;
    private final Slot[] longSlots;

    private InstructionTable(BufferedReader reader) throws IOException {
        List<Row> all = new ArrayList<>();
        int number = 1;
        for (String line = reader.readLine(); line != null; line = reader.readLine(), number++) {
            if (!line.isBlank() && !line.startsWith("#")) {
                all.add(new Row(all.size(), new RowParser(number, line)));
            }
        }
        undefined = new Row(all.size(), new RowParser("(bad)", "ud"));
        all.add(undefined);
        tooLong = new Row(all.size(), new RowParser("(too long)", "too_long"));
        all.add(tooLong);
        rows = Collections.unmodifiableList(all);
        legacySlots = slots(Note.O64);
        longSlots = slots(Note.I64);
    }

    /**
     * Reads the table.
     *
     * @throws IllegalArgumentException if a line is malformed or two rows claim the same encoding
     */
    public static InstructionTable load() {
        try (InputStream in = InstructionTable.class.getResourceAsStream("instructions.txt");
             BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            return new InstructionTable(reader);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All rows; {@link Row#id} is the index. The last two are those of undefined and of too long instructions. */
    public List<Row> rows() {
        return rows;
    }

    /** The row of undefined encodings: operation "ud". */
    public Row undefined() {
        return undefined;
    }

    /** The row of instructions longer than 15 bytes: operation "too_long", that is #GP(0). */
    public Row tooLong() {
        return tooLong;
    }

    /** Every operation with the rows that mean it, in the order of names. */
    public SortedMap<String, List<Row>> operations() {
        SortedMap<String, List<Row>> byName = new TreeMap<>();
        for (Row row : rows) {
            byName.computeIfAbsent(row.operation, name -> new ArrayList<>()).add(row);
        }
        return byName;
    }

    /** What the opcode can be; never null. */
    Slot slot(boolean longMode, int map, int opcode) {
        return (longMode ? longSlots : legacySlots)[map << 8 | opcode];
    }

    private Slot[] slots(Note excluded) {
        List<List<Row>> byOpcode = new ArrayList<>();
        for (int i = 0; i < 512; i++) {
            byOpcode.add(new ArrayList<>());
        }
        for (Row row : rows) {
            if (!row.undefined() && !row.has(excluded)) {
                for (int i = 0; i < row.opcodeSpan; i++) {
                    byOpcode.get(row.map << 8 | row.opcode + i).add(row);
                }
            }
        }
        Slot none = new Slot(false, new Row[][] {{undefined}, {undefined}, {undefined}, {undefined}});
        Slot[] slots = new Slot[512];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = byOpcode.get(i).isEmpty() ? none : slot(byOpcode.get(i));
        }
        return slots;
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
        Row best = undefined;
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
