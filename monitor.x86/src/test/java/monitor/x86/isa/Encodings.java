package monitor.x86.isa;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes encodings of every row of the table: all ModRM forms, sampled prefixes, random displacements and immediates. */
final class Encodings {

    private static final int[] PREFIXES = {0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67};

    private final Random random;
    private final int codeBits;

    Encodings(int codeBits, long seed) {
        this.codeBits = codeBits;
        random = new Random(seed);
    }

    /** Encodings of the row, each 15 bytes of which the last may be superfluous; none if the row is not of this mode. */
    List<byte[]> of(Row row) {
        List<byte[]> result = new ArrayList<>();
        if (row.undefined() || row.has(codeBits == 64 ? Note.I64 : Note.O64)) {
            return result;
        }
        for (int opcode = row.opcode; opcode < row.opcode + row.opcodeSpan; opcode++) {
            if (!row.modrm) {
                for (int i = 0; i < 8; i++) {
                    result.add(encode(row, opcode, -1, i > 0));
                }
                continue;
            }
            for (int mod = 0; mod < 4; mod++) {
                for (int rm = 0; rm < 8; rm++) {
                    boolean fits = (mod == 3 ? row.registerAllowed : row.memoryAllowed) && (row.rm < 0 || row.rm == rm);
                    if (fits && (row.opcodeSpan == 1 || random.nextInt(4) == 0)) {
                        int reg = row.reg >= 0 ? row.reg : random.nextInt(8);
                        result.add(encode(row, opcode, mod << 6 | reg << 3 | rm, random.nextInt(3) > 0));
                    }
                }
            }
        }
        return result;
    }

    private byte[] encode(Row row, int opcode, int modrm, boolean prefixes) {
        byte[] code = new byte[15];
        random.nextBytes(code);
        int n = 0;
        if (prefixes) {
            int count = random.nextInt(3);
            for (int i = 0; i < count; i++) {
                int prefix = PREFIXES[random.nextInt(PREFIXES.length)];
                if (prefix != 0x66 || row.prefix == Row.Prefix.ANY) {
                    code[n++] = (byte) prefix;
                }
            }
            if (random.nextInt(4) == 0 && row.prefix == Row.Prefix.ANY) {
                code[n++] = (byte) (0xf2 + random.nextInt(2));
            }
            if (random.nextInt(4) == 0) {
                code[n++] = (byte) 0xf0;
            }
        }
        switch (row.prefix) {
            case P66 -> code[n++] = 0x66;
            case PF2 -> code[n++] = (byte) 0xf2;
            case PF3 -> code[n++] = (byte) 0xf3;
            default -> { }
        }
        if (codeBits == 64 && random.nextBoolean()) {
            code[n++] = (byte) (0x40 + random.nextInt(16));
        }
        if (row.map == 1) {
            code[n++] = 0x0f;
        }
        code[n++] = (byte) opcode;
        if (modrm >= 0) {
            code[n] = (byte) modrm;
        }
        return code;
    }

    /** Decodes the bytes as if at this address. */
    static Insn decode(Decoder decoder, byte[] code, int offset, long ip, int codeBits) {
        int[] at = {offset};
        return decoder.decode(() -> code[at[0]++], ip, codeBits);
    }
}
