package it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Guest programs, assembled by NASM from the text of a test. */
final class Guest {
    /** Macros that all guests have. COM1 is used as the reset leaves it. */
    private static final String MACROS = """
        %macro putc 1
            mov dx, 0x3f8
            mov al, %1
            out dx, al
        %endmacro
        %macro getc 0
            mov dx, 0x3fd
        %%wait:
            in al, dx
            test al, 1
            jz %%wait
            mov dx, 0x3f8
            in al, dx
        %endmacro
        %macro exit 1
            mov al, %1
            out 0xf4, al
        %%stop:
            cli
            hlt
            jmp %%stop
        %endmacro
        """;
    /** An ELF32 file with one segment at 1 MiB that starts with a multiboot header. */
    private static final String ELF = """
        bits 32
        org 0x100000
        base:
            db 0x7f, 'ELF', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
            dw 2, 3
            dd 1, start, headers - base, 0, 0 ; version, entry, program headers
            dw 52, 32, 1, 0, 0, 0
        headers:
            dd 1, 0, base, base, finish - base, finish - base + 4096, 7, 4096
            align 4
            dd 0x1BADB002, 3, -(0x1BADB002 + 3)
        start:
            mov esp, finish + 4096
        """;

    private Guest() {}

    /** 64 KiB of ROM; the code starts at F000:0000 in real mode with DS = 0. */
    static Path rom(Path folder, String code) throws IOException, InterruptedException {
        return assemble(folder, "guest.rom", "bits 16\norg 0\n" + MACROS + code + "\n    times 0xfff0 - ($ - $$) db 0xff\n    jmp 0xf000:0\n    times 0x10000 - ($ - $$) db 0xff\n");
    }

    /** A multiboot kernel; the code starts in flat protected mode with EBX at the boot information. */
    static Path multiboot(Path folder, String code) throws IOException, InterruptedException {
        return assemble(folder, "guest.elf", MACROS + ELF + code + "\nfinish:\n");
    }

    private static Path assemble(Path folder, String name, String source) throws IOException, InterruptedException {
        Path text = Files.writeString(folder.resolve(name + ".asm"), source);
        Path binary = folder.resolve(name);
        Process nasm = new ProcessBuilder("nasm", "-f", "bin", "-o", binary.toString(), text.toString()).redirectErrorStream(true).start();
        String said = new String(nasm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (nasm.waitFor() != 0) throw new AssertionError(said);
        return binary;
    }
}
