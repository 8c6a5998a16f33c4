package firmware.bios;

import firmware.bios.tables.Tools;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import vmkernel.api.monitor.CpuState;

/**
 * A machine that nobody here wrote, started where the firmware left off: QEMU gets the memory that was filled, our ROM, and in
 * place of its reset vector a few instructions that bring its CPU into the state that the firmware gave.
 */
final class QemuMachine {
    /** What programs of these tests share: text to COM1, the end through the debug-exit port. */
    static final String LIBRARY = """
            putc:   push edx
                    mov dx, 3F8h
                    out dx, al
                    pop edx
                    ret
            puts:   lodsb
                    test al, al
                    jz .end
                    call putc
                    jmp puts
            .end:   mov al, 10
                    jmp putc
            hex:    push ecx
                    push eax
                    mov ecx, 8
            .digit: rol eax, 4
                    push eax
                    and al, 15
                    add al, '0'
                    cmp al, '9'
                    jbe .put
                    add al, 'a' - '9' - 1
            .put:   call putc
                    pop eax
                    loop .digit
                    mov al, 10
                    call putc
                    pop eax
                    pop ecx
                    ret
            exit:   mov dx, 0F4h
                    out dx, al
                    hlt
            """;
    private static final int CODE = 0x8000; // in the ROM: between tables and entry points
    private static final String ENTER = """
            bits 16
            org 8000h
                    cli
                    mov al, 2
                    out 92h, al
                    o32 lgdt [cs:table]
                    mov eax, cr0
                    and eax, 1FFFFFFFh
                    or al, 1
                    mov cr0, eax
                    jmp dword %d:0F0000h + flat
            table:  dw %d
                    dd %d
            bits 32
            flat:   mov ax, %d
                    mov ds, ax
                    mov es, ax
                    mov fs, ax
                    mov gs, ax
                    mov ss, ax
                    mov eax, %d
                    mov ecx, %d
                    mov edx, %d
                    mov ebx, %d
                    mov esp, %d
                    mov ebp, %d
                    mov esi, %d
                    mov edi, %d
                    jmp %d:dword %d
            """;

    private final Path folder;

    QemuMachine(Path folder) { this.folder = folder; }

    /** Makes a flat binary of it. */
    static byte[] assemble(Path folder, String source) throws Exception {
        Files.writeString(folder.resolve("source.asm"), source);
        Tools.run(folder, "nasm", "nasm", "-f", "bin", "-o", "source.bin", "source.asm");
        return Files.readAllBytes(folder.resolve("source.bin"));
    }

    /** Runs the guest of a machine that was started. @return what it wrote to COM1 */
    String run(FakeMachine machine, CpuState state, int exit) throws Exception {
        long[] r = state.registers;
        int code = state.segments[CpuState.CS].selector();
        byte[] enter = assemble(folder, String.format(ENTER, code, state.gdtr.limit(), state.gdtr.base(), state.segments[CpuState.DS].selector(),
                r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], code, state.rip));
        return run(machine, enter, exit);
    }

    /** Runs 16-bit code in our ROM, at F000:8000, as the first thing. @param exit status, (2*v+1) for a debug exit with v */
    String run(FakeMachine machine, byte[] code, int exit) throws Exception {
        int top = (int) machine.memory.lowMemoryTop();
        Files.write(folder.resolve("low"), machine.memory.bytes(0, 0xA0000));
        Files.write(folder.resolve("high"), machine.memory.bytes(0x100000, top - 0x100000));
        byte[] rom = machine.memory.bytes(MemoryMap.ROM, (int) MemoryMap.ROM_BYTES);
        System.arraycopy(code, 0, rom, CODE, code.length);
        ByteBuffer.wrap(rom).order(ByteOrder.LITTLE_ENDIAN).putShort(0xFFF1, (short) CODE); // of the jump at the reset vector
        Files.write(folder.resolve("rom"), rom);
        Tools.run(exit, folder, "qemu-system-x86", "qemu-system-i386", "-M", "pc", "-accel", "tcg", "-m", top / (1 << 20) + "M", "-bios", "rom",
                "-device", "loader,file=low,addr=0,force-raw=on", "-device", "loader,file=high,addr=0x100000,force-raw=on", "-nodefaults", "-display", "none",
                "-vga", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4", "-serial", "file:com1");
        return Files.readString(folder.resolve("com1"));
    }
}
