; Multiboot 1 entry, the 256 interrupt stubs and the few routines that C cannot express.
; [Multiboot] 3.1 header, 3.2 machine state: eax = 0x2badb002, ebx = information structure,
; flat protected mode, paging off, interrupts off, no usable stack.
bits 32

MB_MAGIC    equ 0x1badb002
MB_FLAGS    equ 0x00000003              ; page-aligned modules, memory information

section .multiboot align=4
    dd MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)

section .text
global _start
extern start_c
_start:
    cli
    cld
    mov esp, boot_stack_top
    xor ebp, ebp
    push 0
    popfd
    push ebx                            ; multiboot information
    push eax                            ; multiboot magic
    call start_c
.forever:
    cli
    hlt
    jmp .forever

; void load_tables(gdt pointer, idt pointer): also reloads every segment register.
global load_tables
load_tables:
    mov eax, [esp + 4]
    lgdt [eax]
    mov eax, [esp + 8]
    lidt [eax]
    jmp 0x08:.flat
.flat:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    ret

; One stub for each vector: after it the stack is vector, error code, eip, cs, eflags, (esp, ss).
%assign n 0
%rep 256
stub%[n]:
  %if !(n = 8 || (n >= 10 && n <= 14) || n = 17)
    push 0                              ; vectors without an error code get a zero
  %endif
    push n
    jmp stub_common
  %assign n n + 1
%endrep

extern trap
stub_common:
    pushad
    push ds
    push es
    push fs
    push gs
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov eax, esp
    push eax
    cld
    call trap
    add esp, 4
global return_from_trap
return_from_trap:
    pop gs
    pop fs
    pop es
    pop ds
    popad
    add esp, 8
    iretd

; void enter_user(eip, esp): never returns; the way back is leave_user from an interrupt handler.
; The kernel stack pointer at the call is where leave_user returns to.
global enter_user
enter_user:
    push ebx
    push esi
    push edi
    push ebp
    mov [user_return_esp], esp
    mov eax, [esp + 20]
    mov edx, [esp + 24]
    mov ecx, 0x23
    mov ds, ecx
    mov es, ecx
    push 0x23
    push edx
    push 0x202
    push 0x1b
    push eax
    iretd

global leave_user
leave_user:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov esp, [user_return_esp]
    pop ebp
    pop edi
    pop esi
    pop ebx
    ret

section .rodata
global stub_table
stub_table:
%assign n 0
%rep 256
    dd stub%[n]
  %assign n n + 1
%endrep

section .bss
alignb 4
user_return_esp: resd 1
alignb 16
    resb 16384
boot_stack_top:
    resb 16384
global trap_stack_top
trap_stack_top:
section .note.GNU-stack noalloc noexec nowrite progbits
