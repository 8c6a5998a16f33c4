; Targets of call, interrupt and trap gates. Each writes down what it finds; the C side judges.
bits 32
section .text

; What a target saw: eight dwords from its stack, its cs, ss, eflags and esp.
%macro RECORD 0
    mov [seen_esp], esp
    pushfd
    pop dword [seen_eflags]
    mov eax, [esp]
    mov [seen_stack], eax
    mov eax, [esp + 4]
    mov [seen_stack + 4], eax
    mov eax, [esp + 8]
    mov [seen_stack + 8], eax
    mov eax, [esp + 12]
    mov [seen_stack + 12], eax
    mov eax, [esp + 16]
    mov [seen_stack + 16], eax
    mov eax, [esp + 20]
    mov [seen_stack + 20], eax
    mov eax, [esp + 24]
    mov [seen_stack + 24], eax
    mov eax, [esp + 28]
    mov [seen_stack + 28], eax
    xor eax, eax
    mov ax, cs
    mov [seen_cs], eax
    mov ax, ss
    mov [seen_ss], eax
%endmacro

global gate_target, gate_target_2, gate_target_null_fs, interrupt_target
gate_target:
    RECORD
    retf

gate_target_2:
    RECORD
    retf 8

gate_target_null_fs:                    ; returning outwards must take these data segments away
    mov eax, 0x10
    mov fs, eax
    mov eax, 0x08
    mov gs, eax
    retf

interrupt_target:
    push eax
    mov eax, esp
    add esp, 4
    RECORD
    sub esp, 4
    pop eax
    iretd

; The 16-bit forms run in a code segment whose base is small_code.
bits 16
align 16
global small_code, small_call, small_interrupt
small_code:
small_call:
    a32 mov [dword seen_esp], esp
    a32 mov eax, [esp]
    mov [dword seen_stack], eax
    a32 mov eax, [esp + 4]
    mov [dword seen_stack + 4], eax
    a32 mov eax, [esp + 8]
    mov [dword seen_stack + 8], eax
    xor eax, eax
    mov ax, cs
    mov [dword seen_cs], eax
    retf 4
small_interrupt:
    push eax
    a32 mov [dword seen_esp], esp
    a32 mov eax, [esp + 4]
    mov [dword seen_stack], eax
    a32 mov eax, [esp + 8]
    mov [dword seen_stack + 4], eax
    a32 mov eax, [esp + 12]
    mov [dword seen_stack + 8], eax
    pop eax
    iretw
global small_int, small_user, small_user_end
small_int:                              ; a far call target that uses vector 90
    int 0x90
    o32 retf
small_user:                             ; ring 3: two parameters for the gate in entry 8 of the GDT
    push word 0x1111
    push word 0x2222
    call 8 * 8:0
    int 0x82
small_user_end:
bits 32

section .bss
alignb 4
global seen_stack, seen_cs, seen_ss, seen_eflags, seen_esp
seen_stack: resd 8
seen_cs: resd 1
seen_ss: resd 1
seen_eflags: resd 1
seen_esp: resd 1
section .note.GNU-stack noalloc noexec nowrite progbits
