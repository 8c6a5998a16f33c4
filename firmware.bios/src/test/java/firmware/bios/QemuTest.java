package firmware.bios;

import static org.junit.jupiter.api.Assertions.assertEquals;

import firmware.bios.tables.Tools;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the firmware leaves, executed by QEMU: entry states, and the code in our ROM. */
class QemuTest {
    @TempDir Path folder;
    private FakeMachine machine;

    @BeforeEach
    void aMachine() {
        machine = new FakeMachine(folder, 32);
        machine.memory.dirty();
    }

    @Test
    void aMultibootKernelMadeByALinkerFindsWhatItWasGiven() throws Exception {
        Files.writeString(folder.resolve("k.asm"), """
                bits 32
                section .multiboot
                        align 4
                        dd 1BADB002h, 3, -(1BADB002h + 3)
                section .text
                global _start
                _start: mov cx, ss              ; the descriptors can be loaded again
                        mov es, cx
                        mov ss, cx
                        mov edi, counter        ; a bss that is clear
                        cmp dword [edi], 0
                        jne bad
                        mov esp, stack
                        call hex                ; EAX: the magic
                        mov esi, [ebx + 16]     ; command line
                        call puts
                        mov esi, [ebx + 64]     ; loader
                        call puts
                        mov edi, [ebx + 24]     ; modules
                        mov ecx, [ebx + 20]
                module: mov esi, [edi + 8]
                        call puts
                        mov esi, [edi]
                        call puts
                        add edi, 16
                        loop module
                        mov eax, [ebx + 8]
                        call hex                ; mem_upper
                        mov al, 5
                        call exit
                bad:    mov al, 6
                        call exit
                section .bss
                counter: resb 4096
                stack:
                section .text
                """ + QemuMachine.LIBRARY);
        Tools.run(folder, "nasm", "nasm", "-f", "elf32", "-o", "k.o", "k.asm");
        Tools.run(folder, "binutils", "ld", "-m", "elf_i386", "-Ttext=0x400000", "--section-start=.multiboot=0x3ff000", "-o", "kernel.elf", "k.o");
        Files.writeString(folder.resolve("a"), "content of a\0");
        Files.writeString(folder.resolve("b"), "content of b\0");
        machine.with("boot.multiboot", "kernel.elf").with("boot.append", "one two").with("boot.module0", "a first").with("boot.module1", "b");
        assertEquals("2badb002\nkernel.elf one two\nvmk firmware.bios\na first\ncontent of a\nb\ncontent of b\n00007bc0\n",
                new QemuMachine(folder).run(machine, machine.boot(), 2 * 5 + 1));
    }

    @Test
    void aKernelInLinuxFormatFindsWhatItWasGiven() throws Exception {
        byte[] code = QemuMachine.assemble(folder, """
                bits 32
                org 1000000h
                        mov ax, ds
                        cmp ax, 18h             ; __BOOT_DS
                        jne bad
                        mov ax, cs
                        cmp ax, 10h             ; __BOOT_CS
                        jne bad
                        mov ax, ds
                        mov es, ax
                        or ebx, ebp
                        or ebx, edi
                        jnz bad
                        pushfd
                        pop eax
                        test ah, 2              ; interrupts
                        jnz bad
                        mov ebp, esi
                        mov eax, [ebp + 202h]   ; the kernel's own header
                        call hex
                        mov esi, [ebp + 228h]   ; command line
                        call puts
                        mov esi, [ebp + 218h]   ; initrd
                        call puts
                        mov eax, [ebp + 21Ch]
                        call hex
                        movzx eax, byte [ebp + 1E8h]
                        call hex
                        mov esi, [ebp + 70h]    ; ACPI root pointer
                        mov byte [ebp], 0
                        mov byte [esi + 8], 0   ; ROM: nothing happens
                        mov ecx, 20
                        xor eax, eax
                sum:    add al, [esi]
                        inc esi
                        loop sum
                        call hex
                        mov al, 9
                        call exit
                bad:    mov al, 6
                        call exit
                """ + QemuMachine.LIBRARY);
        LinuxKernel kernel = new LinuxKernel(code.length);
        System.arraycopy(code, 0, kernel.bytes(), 1536, code.length);
        kernel.write(folder);
        Files.writeString(folder.resolve("initrd"), "content of the initrd\0");
        machine.with("boot.kernel", "bzImage").with("boot.initrd", "initrd").with("boot.append", "console=ttyS0 quiet");
        assertEquals("53726448\nconsole=ttyS0 quiet\ncontent of the initrd\n00000016\n00000009\n00000000\n",
                new QemuMachine(folder).run(machine, machine.boot(), 2 * 9 + 1));
    }

    /** Code at 1000:0234 that tells that it was reached; then the machine with it, started. */
    private void resumeCode() throws Exception {
        new MultibootKernel().segment(0x1000, 0x100000, 0x1000, 0x1000).write(folder);
        machine.with("boot.multiboot", "kernel.elf").boot();
        byte[] code = QemuMachine.assemble(folder, """
                bits 16
                org 234h
                        mov ax, cs
                        cmp ax, 1000h
                        jne bad
                        mov al, 0Fh
                        out 70h, al
                        in al, 71h              ; 0 again
                        out 0F4h, al
                bad:    mov al, 7
                        out 0F4h, al
                """);
        machine.memory.write(0x10234, code, 0, code.length);
        machine.memory.write(0x467, 4, 0x10000234);
    }

    private static String post(int status) {
        return "bits 16\nmov al, 0Fh\nout 70h, al\nmov al, " + status + "\nout 71h, al\njmp 0F000h:0E05Bh\n";
    }

    @Test
    void theCodeInRomGoesOnAtTheWarmResetVectorOnce() throws Exception {
        resumeCode();
        for (int status : new int[] {0x0A, 0x05}) assertEquals("", new QemuMachine(folder).run(machine, QemuMachine.assemble(folder, post(status)), 1));
    }

    @Test
    void theCodeInRomResetsTheMachineOtherwise() throws Exception {
        resumeCode();
        // QEMU was told to end, with status 0, at a reset
        assertEquals("", new QemuMachine(folder).run(machine, QemuMachine.assemble(folder, post(0)), 0));
    }

    @Test
    void everyInterruptVectorReturnsAtOnce() throws Exception {
        resumeCode();
        StringBuilder calls = new StringBuilder("bits 16\nxor ax, ax\nmov ss, ax\nmov sp, 7C00h\n");
        for (int vector = 0; vector < 256; vector++) calls.append("int ").append(vector).append('\n');
        byte[] code = QemuMachine.assemble(folder, calls + "mov al, 3\nout 0F4h, al\n");
        assertEquals("", new QemuMachine(folder).run(machine, Arrays.copyOf(code, code.length), 2 * 3 + 1));
    }
}
