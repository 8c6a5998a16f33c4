package monitor.x86.isa;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs an assembler, disassembler or compiler that the tests compare with. A missing one fails the test, never skips it. */
public final class ForeignTool {

    private ForeignTool() {
    }

    /** Runs the command; returns its standard output. Fails the test if it is not installed or its exit status is not 0. */
    public static String run(String debianPackage, String... command) throws IOException, InterruptedException {
        Path out = Files.createTempFile("tool", ".out");
        Path err = Files.createTempFile("tool", ".err");
        try {
            Process process;
            try {
                process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
            } catch (IOException e) {
                return fail("this test needs '" + command[0] + "'; install the Debian package " + debianPackage + " (./vmk test does)", e);
            }
            if (process.waitFor() != 0) {
                String message = Files.readString(err, StandardCharsets.ISO_8859_1);
                return fail(String.join(" ", command) + ": " + message.substring(0, Math.min(4000, message.length())));
            }
            return Files.readString(out, StandardCharsets.ISO_8859_1);
        } finally {
            Files.deleteIfExists(out);
            Files.deleteIfExists(err);
        }
    }

    /** What objdump makes of one instruction. */
    record Foreign(int length, String text) {
        boolean bad() {
            return text.contains("(bad)");
        }
    }

    /** Room for fifteen bytes of which an instruction is only a part, and enough NOPs to find the next slot. */
    static final int SLOT = 32;
    /** Room for one instruction and a NOP. */
    static final int DENSE_SLOT = 16;

    /** Disassembles all instructions with one objdump; each stands alone, at address slot times its index, NOPs behind it. */
    static List<Foreign> objdump(int codeBits, int slot, List<byte[]> instructions) throws IOException, InterruptedException {
        byte[] image = new byte[instructions.size() * slot];
        java.util.Arrays.fill(image, (byte) 0x90);
        for (int i = 0; i < instructions.size(); i++) {
            System.arraycopy(instructions.get(i), 0, image, i * slot, instructions.get(i).length);
        }
        Path file = Files.createTempFile("objdump", ".bin");
        try {
            Files.write(file, image);
            String machine = codeBits == 16 ? "i8086" : codeBits == 32 ? "i386" : "i386:x86-64";
            String text = run("binutils", "objdump", "-D", "-z", "-b", "binary", "-m", machine, "-M", codeBits == 64 ? "intel,intel64" : "intel", "--insn-width=16", file.toString());
            Foreign[] result = new Foreign[instructions.size()];
            for (String line : text.split("\n")) {
                String[] columns = line.split("\t");
                if (columns.length >= 2 && columns[0].endsWith(":")) {
                    long address = Long.parseLong(columns[0].substring(0, columns[0].length() - 1).trim(), 16);
                    if (address % slot == 0) {
                        result[(int) address / slot] = new Foreign((columns[1].trim().length() + 1) / 3, columns.length > 2 ? columns[2].trim() : "");
                    }
                }
            }
            for (int i = 0; i < result.length; i++) {
                if (result[i] == null) {
                    result[i] = new Foreign(16, "swallowed by the instruction before");
                }
            }
            return List.of(result);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Assembles all lines with one nasm, line i at address 32 times i; returns the image. */
    static byte[] nasm(int codeBits, List<String> lines) throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder("bits " + codeBits + "\norg 0\n");
        for (int i = 0; i < lines.size(); i++) {
            source.append(lines.get(i)).append("\ntimes ").append((i + 1) * SLOT).append("-($-$$) db 0x90\n");
        }
        Path asm = Files.createTempFile("nasm", ".asm");
        Path bin = Files.createTempFile("nasm", ".bin");
        try {
            Files.writeString(asm, source.toString());
            run("nasm", "nasm", "-O1", "-w-all", "-f", "bin", "-o", bin.toString(), asm.toString());
            return Files.readAllBytes(bin);
        } catch (AssertionError e) {
            // two header lines, then two lines for each instruction
            throw new AssertionError(Pattern.compile("asm:(\\d+):").matcher(e.getMessage())
                .replaceAll(m -> Matcher.quoteReplacement(": " + lines.get((Integer.parseInt(m.group(1)) - 3) / 2))), e);
        } finally {
            Files.deleteIfExists(asm);
            Files.deleteIfExists(bin);
        }
    }
}
