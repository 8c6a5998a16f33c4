; Real-mode code, copied to linear 0x20000 (segment 0x2000), and the way there and back.
bits 32
section .text

; void real_call(offset of a piece): from protected mode with paging to real mode, and back.
; The C side has put a 16-bit code segment (base 0x20000) into entry 8 and a 16-bit data segment (base 0) into entry 9 of the GDT.
global real_call
real_call:
    pushad
    mov eax, [esp + 36]
    mov [0x20000 + piece - real_code], ax
    mov [saved_esp], esp
    sidt [saved_idt]
    mov eax, cr0
    mov [saved_cr0], eax
    and eax, 0x7fffffff
    mov cr0, eax
    lidt [real_idt]
    mov eax, 9 * 8
    mov ds, eax
    mov es, eax
    mov gs, eax
    mov ss, eax
    mov eax, 0x10                       ; fs keeps a limit of 4 GiB: "unreal mode"
    mov fs, eax
    jmp 8 * 8:protected16 - real_code

align 8
global real_return
real_return:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov esp, [saved_esp]
    mov eax, [saved_cr0]
    mov cr0, eax
    lidt [saved_idt]
    popad
    ret

section .data
align 4
real_idt: dw 0x3ff
    dd 0
section .bss
alignb 4
saved_esp: resd 1
saved_cr0: resd 1
saved_idt: resb 8

section .text
bits 16
align 16
global real_code, real_code_end
real_code:
%define AT(x) (x - real_code)

protected16:
    mov eax, cr0
    and al, 0xfe
    mov cr0, eax
    jmp 0x2000:AT(real16)
real16:
    mov ax, 0x2000
    mov ds, ax
    mov es, ax
    mov ax, 0x3000
    mov ss, ax
    mov sp, 0x8000
    call [AT(piece)]
    cli
    cld
    push dword 2
    popfd
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 0x08:real_return

%macro PIECE 1
    global real_%1
    align 8
real_%1:
%endmacro
; The next trap goes on at this label.
%macro RESUME 1
    mov word [cs:AT(resume)], AT(%1)
%endmacro
%define R(n) word [cs:AT(result) + 2 * (n)]

PIECE state                             ; what real mode looks like
    smsw ax
    mov R(0), ax
    mov R(1), cs
    pushf
    pop R(2)
    mov ax, 0xffff
    mov ds, ax
    mov ax, [0x10]                      ; linear 0x100000 with A20 on
    mov R(3), ax
    mov ax, [0x12]
    mov R(4), ax
    ret

PIECE unreal                            ; fs had a limit of 4 GiB before PE went away
    a32 mov eax, [fs:dword 0x100000]
    mov [AT(result)], eax
    mov ax, 0x10                        ; a load changes the base, not the limit
    mov fs, ax
    a32 mov eax, [fs:dword 0xfff00]
    mov [AT(result) + 4], eax
    ret

PIECE int                               ; int and iret through the table at 0
    sti
    int 0x84
.after:
    pushf
    pop R(0)
    cli
    mov R(1), AT(.after)
    ret

PIECE divide
    RESUME .on
    mov R(0), AT(.div)
    xor cx, cx
.div:
    div cx
.on:
    ret

PIECE aam0
    RESUME .on
    db 0xd4, 0
.on:
    ret

PIECE bound
    RESUME .on
    mov bx, AT(limits)
    mov ax, 11
    bound ax, [bx]
.on:
    ret
limits: dw 1, 10

PIECE bound_in
    mov bx, AT(limits)
    mov ax, 10
    bound ax, [bx]
    ret

PIECE ud2
    RESUME .on
    ud2
.on:
    ret

PIECE int3
    int3
    ret

PIECE into
    mov al, 0x7f
    add al, 1
    into
    ret

%macro UNDEFINED 1+                     ; instructions that only protected mode knows
    RESUME %%on
    %1
%%on:
    mov ax, [AT(last_vector)]
    shl dx, 1
    cmp ax, 6
    jne %%no
    inc dx
%%no:
    mov word [AT(last_vector)], 0xffff
%endmacro
PIECE undefined
    xor dx, dx
    UNDEFINED arpl ax, bx
    UNDEFINED lar ax, bx
    UNDEFINED lsl ax, bx
    UNDEFINED verr ax
    UNDEFINED verw ax
    UNDEFINED sldt ax
    UNDEFINED str ax
    UNDEFINED lldt ax
    UNDEFINED ltr ax
    mov R(0), dx
    ret

PIECE wrap                              ; push at sp = 0 goes to fffe
    mov bx, sp
    xor sp, sp
    push word 0x1234
    mov R(0), sp
    mov ax, [ss:0xfffe]
    mov R(1), ax
    mov sp, bx
    ret

PIECE limit
    RESUME .on
    mov ax, [0xffff]
.on:
    ret

PIECE limit_ss
    RESUME .on
    mov ax, [ss:0xffff]
.on:
    ret

PIECE limit32
    RESUME .on
    mov ebx, 0x10000
    mov al, [ebx]
.on:
    ret

PIECE string                            ; si and di wrap at 64 KiB
    cld
    mov ax, 0x3000
    mov ds, ax
    mov es, ax
    mov byte [0xffff], 0x11
    mov byte [0], 0x22
    mov si, 0xffff
    mov di, 0x100
    mov cx, 2
    rep movsb
    mov R(0), si
    mov R(1), di
    mov ax, [0x100]
    mov R(2), ax
    ret

PIECE wide                              ; 32-bit operands, addresses and loops
    mov eax, 0x12345678
    push eax
    pop R(0)
    pop R(1)
    lea ebx, [eax + eax * 2]
    mov [AT(result) + 4], ebx
    mov ecx, 0x10002
    xor ax, ax
.more:
    inc ax
    loop .more                          ; cx: twice
    mov R(4), ax
    mov ecx, 3
    xor ax, ax
.most:
    inc ax
    a32 loop .most
    mov R(5), ax
    pushad
    add sp, 32
    ret

PIECE flags
    push word 0x7fff
    popf
    pushf
    pop R(0)
    push word 0
    popf
    pushf
    pop R(1)
    ret

PIECE step                              ; TF: one trap after each of three instructions
    pushf
    pop ax
    or ax, 0x100
    push ax
    popf
    nop
    nop
    push word 2
    popf                                ; TF goes away here: this one still traps
    nop
    ret

PIECE moved                             ; lidt moves the vector table
    lidt [AT(moved_idt)]
    int 0x85
    lidt [AT(normal_idt)]
    ret
moved_idt: dw 0x3ff
    dd 0x30000
normal_idt: dw 0x3ff
    dd 0

PIECE short                             ; a vector beyond the limit is #GP
    lidt [AT(short_idt)]
    RESUME .on
    int 0x84
.on:
    lidt [AT(normal_idt)]
    ret
short_idt: dw 0x84 * 4 - 1
    dd 0

PIECE irq0
    mov cx, 0
.wait:
    sti
    hlt
    cli
    cmp word [AT(last_vector)], 0x20
    jne .wait
    mov al, 0x20
    out 0x20, al
    ret

PIECE lmsw                              ; cannot be undone by lmsw, so the way back starts right after it
    smsw ax
    or al, 1
    lmsw ax
    mov ebx, cr0
    and bl, 0xfe
    mov cr0, ebx
    smsw bx
    mov R(0), ax
    mov R(1), bx
    ret

; ---- trap handlers ----
%macro HANDLER 1
real_trap_%[%1]:
    push word %1
    jmp record
%endmacro
HANDLER 0
HANDLER 1
HANDLER 3
HANDLER 4
HANDLER 5
HANDLER 6
HANDLER 12
HANDLER 13
HANDLER 0x20
HANDLER 0x84
HANDLER 0x85
record:
    push ax
    push bp
    pushf
    pop word [cs:AT(inside_flags)]
    mov bp, sp
    mov ax, [bp + 4]
    mov [cs:AT(last_vector)], ax
    mov ax, [bp + 6]
    mov [cs:AT(last_ip)], ax
    mov ax, [bp + 8]
    mov [cs:AT(last_cs)], ax
    mov ax, [bp + 10]
    mov [cs:AT(last_flags)], ax
    inc word [cs:AT(traps)]
    mov ax, [cs:AT(resume)]
    test ax, ax
    jz .back
    mov [bp + 6], ax
    mov word [cs:AT(resume)], 0
.back:
    pop bp
    pop ax
    add sp, 2
    iret

align 8
global real_traps, real_record
real_traps:                             ; vector, handler
    dw 0, AT(real_trap_0), 1, AT(real_trap_1), 3, AT(real_trap_3), 4, AT(real_trap_4), 5, AT(real_trap_5), 6, AT(real_trap_6)
    dw 12, AT(real_trap_12), 13, AT(real_trap_13), 0x20, AT(real_trap_0x20), 0x84, AT(real_trap_0x84), 0xffff, AT(real_trap_0x85)
real_record:
last_vector: dw 0
last_ip: dw 0
last_cs: dw 0
last_flags: dw 0
inside_flags: dw 0
traps: dw 0
resume: dw 0
piece: dw 0
result: times 8 dw 0
real_code_end:
bits 32
section .note.GNU-stack noalloc noexec nowrite progbits
