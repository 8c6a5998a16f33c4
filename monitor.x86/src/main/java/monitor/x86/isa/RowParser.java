package monitor.x86.isa;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Reads one line of the instruction table: {@code encoding  form  operation  notes}, columns two spaces or more apart. */
final class RowParser {

    final int line;
    final String encoding;
    final String form;
    final String operation;
    final String mnemonic;
    final List<String> operandCodes = new ArrayList<>();
    final List<OperandForm> forms = new ArrayList<>();
    final Set<Note> notes = EnumSet.noneOf(Note.class);
    final List<String> immediates = new ArrayList<>();
    int flagsRead;
    int flagsWritten;
    int flagsUndefined;
    Row.Prefix prefix = Row.Prefix.ANY;
    int map;
    int opcode = -1;
    int opcodeSpan = 1;
    boolean modrm;
    int reg = -1;
    int rm = -1;
    boolean memoryAllowed = true;
    boolean registerAllowed = true;

    /** @throws IllegalArgumentException if the line is not a row; the message names the line */
    RowParser(int line, String text) {
        this.line = line;
        List<String> columns = columns(text);
        if (columns.size() < 3 || columns.size() > 4) {
            throw new IllegalArgumentException("line " + line + ": three or four columns expected: " + text);
        }
        encoding = columns.get(0);
        form = columns.get(1);
        operation = columns.get(2);
        int space = form.indexOf(' ');
        mnemonic = (space < 0 ? form : form.substring(0, space)).toLowerCase(Locale.ROOT);
        try {
            parseEncoding();
            if (space >= 0) {
                parseOperands(form.substring(space + 1));
            }
            if (columns.size() == 4) {
                for (String note : columns.get(3).split(" ")) {
                    parseNote(note);
                }
            }
            check();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("line " + line + ": " + e.getMessage() + ": " + text, e);
        }
    }

    /** A row of the decoder's own making, without encoding. */
    RowParser(String mnemonic, String operation) {
        line = 0;
        encoding = "";
        form = mnemonic;
        this.mnemonic = mnemonic;
        this.operation = operation;
        notes.add(Note.BRANCH);
    }

    /**
     * What opcodes a line is about, and nothing else: quick, since it is asked of all lines at once.
     *
     * @return the first one in bits 7:0 with its map in bits 15:8, and in bits 31:16 how many there are
     */
    static int opcodes(int line, String text) {
        int map = 0;
        try {
            for (int at = 0; ; at = text.indexOf(' ', at) + 1) {
                if (map == 0 && text.startsWith("0F ", at)) {
                    map = 0x100;
                } else if (at > 0 || !prefixed(text)) {
                    int opcode = Integer.parseInt(text, at, at + 2, 16);
                    return map | opcode | (text.startsWith("+r", at + 2) ? 8 : text.startsWith("+cc", at + 2) ? 16 : 1) << 16;
                }
            }
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new IllegalArgumentException("line " + line + ": no opcode: " + text);
        }
    }

    /** True if the line starts with a mandatory prefix, after which more of the encoding follows. */
    private static boolean prefixed(String text) {
        return (text.startsWith("NP ") || text.startsWith("66 ") || text.startsWith("F2 ") || text.startsWith("F3 ")) && text.charAt(3) > ' ';
    }

    /** Splits at tabs and at runs of two or more spaces; by hand, as regular expressions cost 20 ms of the start-up. */
    private static List<String> columns(String text) {
        List<String> columns = new ArrayList<>();
        String rest = text.replace("\t", "  ").trim();
        while (!rest.isEmpty()) {
            int gap = rest.indexOf("  ");
            columns.add(gap < 0 ? rest : rest.substring(0, gap));
            rest = gap < 0 ? "" : rest.substring(gap).trim();
        }
        return columns;
    }

    private void parseEncoding() {
        String[] tokens = encoding.split(" ");
        for (int i = 0; i < tokens.length; i++) {
            String token = tokens[i];
            if (opcode < 0) {
                parseOpcode(token, i == 0 && tokens.length > 1);
            } else {
                parseRest(token);
            }
        }
        if (opcode < 0) {
            throw new IllegalArgumentException("no opcode");
        }
    }

    private void parseOpcode(String token, boolean first) {
        switch (first ? token : "") {
            case "NP" -> prefix = Row.Prefix.NP;
            case "66" -> prefix = Row.Prefix.P66;
            case "F2" -> prefix = Row.Prefix.PF2;
            case "F3" -> prefix = Row.Prefix.PF3;
            default -> {
                if (token.equals("0F") && map == 0) {
                    map = 1;
                    return;
                }
                int plus = token.indexOf('+');
                opcode = Integer.parseInt(plus < 0 ? token : token.substring(0, plus), 16);
                opcodeSpan = plus < 0 ? 1 : token.endsWith("+r") ? 8 : token.endsWith("+cc") ? 16 : 0;
                if (opcodeSpan == 0) {
                    throw new IllegalArgumentException("+r or +cc expected");
                }
            }
        }
    }

    private void parseRest(String token) {
        switch (token) {
            case "/r" -> modrm = true;
            case "m" -> registerAllowed = false;
            case "r" -> memoryAllowed = false;
            case "ib", "iw", "iz", "iv", "cb", "cz", "ap", "mo" -> immediates.add(token);
            default -> {
                modrm = true;
                if (token.charAt(0) == '/') {
                    reg = Integer.parseInt(token.substring(1), 8);
                    return;
                }
                boolean any = token.endsWith("+i");
                int fixed = Integer.parseInt(any ? token.substring(0, 2) : token, 16);
                if (fixed < 0xc0) {
                    throw new IllegalArgumentException("ModRM byte with mod 3 expected");
                }
                memoryAllowed = false;
                reg = fixed >> 3 & 7;
                rm = any ? -1 : fixed & 7;
            }
        }
    }

    private void parseOperands(String list) {
        for (String code : list.split(",")) {
            OperandForm f = OperandForm.parse(code);
            operandCodes.add(code);
            forms.add(f);
            if (f.usesRm) {
                memoryAllowed &= f.memoryAllowed;
                registerAllowed &= f.registerAllowed;
            }
        }
    }

    private void parseNote(String note) {
        switch (note.length() > 2 ? note.substring(0, 2) : "") {
            case "r=" -> flagsRead = flags(note);
            case "w=" -> flagsWritten = flags(note);
            case "u=" -> flagsUndefined = flags(note);
            default -> notes.add(Note.valueOf(note.toUpperCase(Locale.ROOT)));
        }
    }

    private static int flags(String note) {
        int mask = 0;
        for (char c : note.substring(2).toCharArray()) {
            mask |= switch (c) {
                case 'O' -> Row.OF;
                case 'S' -> Row.SF;
                case 'Z' -> Row.ZF;
                case 'A' -> Row.AF;
                case 'P' -> Row.PF;
                case 'C' -> Row.CF;
                case 'D' -> Row.DF;
                case 'I' -> Row.IF;
                case 'T' -> Row.TF;
                default -> throw new IllegalArgumentException("flag " + c);
            };
        }
        return mask;
    }

    private void check() {
        if (notes.contains(Note.NOMOD)) {
            memoryAllowed = true;
            registerAllowed = true;
        }
        if (modrm && !memoryAllowed && !registerAllowed) {
            throw new IllegalArgumentException("neither memory nor register allowed");
        }
        int wanted = 0;
        for (OperandForm f : forms) {
            wanted += f.usesImmediate ? 1 : 0;
            if (f.usesModrm && !modrm) {
                throw new IllegalArgumentException("form needs a ModRM byte");
            }
        }
        if (wanted != immediates.size()) {
            throw new IllegalArgumentException("immediates of encoding and form differ");
        }
    }
}
