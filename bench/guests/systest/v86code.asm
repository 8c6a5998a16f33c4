; 16-bit code for virtual-8086 mode and, from the same bytes, for nothing else. It is copied to linear 0x10000 (segment 0x1000).
; Every piece ends in ud2 (its landing), whose #UD the C side catches; the outcome is in the registers.
bits 32
section .text
bits 16
align 16
global v86_code, v86_code_end
v86_code:

%macro PIECE 1
    global v86_%1
    align 8
v86_%1:
%endmacro
%macro LAND 0
    ud2
%endmacro

PIECE segments                          ; base is selector * 16, everywhere
    mov ax, 0x2000
    mov ds, ax
    mov es, ax
    mov word [0x10], 0x1234
    mov ax, 0x2001
    mov fs, ax
    mov bx, [fs:0]
    mov cx, ds
    LAND

PIECE pushf                             ; IOPL 3: sees IOPL, never VM
    pushf
    pop ax
    LAND

PIECE popf                              ; IOPL 3: may change IF, not IOPL
    push word 0x0202
    popf
    pushf
    pop ax
    push word 0x7002
    popf
    pushf
    pop bx
    LAND

PIECE cli
    cli
    pushf
    pop ax
    LAND

PIECE sti
    sti
    pushf
    pop ax
    LAND

PIECE int                               ; vector 0x84
    mov ax, 0xaaaa
    int 0x84
    LAND

PIECE int3
    int3
    LAND

PIECE into
    mov al, 0x7f
    add al, 1
    into
    LAND

PIECE iret                              ; IOPL 3: a 16-bit iret inside the task
    push word 0x0ed7
    push cs
    call .next
.next:
    pop ax
    add ax, .back - .next
    push ax
    iret
.back:
    pushf
    pop bx
    LAND

PIECE hlt
    hlt
    LAND

PIECE out80
    out 0x80, al
    LAND

PIECE out81
    out 0x81, al
    LAND

PIECE far                               ; far call and return stay inside
    push cs
    call .routine
    mov bx, 0x5555
    LAND
.routine:
    mov cx, cs
    retf

PIECE movcr
    mov eax, cr0
    LAND

PIECE lgdt
    lgdt [0]
    LAND

PIECE lar
    lar ax, bx
    LAND

PIECE arpl
    arpl ax, bx
    LAND

PIECE sldt
    sldt ax
    LAND

PIECE ltr
    ltr ax
    LAND

PIECE pushfd                            ; 32-bit forms
    pushfd
    pop eax
    LAND

PIECE wrap                              ; the stack pointer is 16 bits wide
    mov ax, 0x3000
    mov ss, ax
    mov sp, 2
    push word 0x1111
    push word 0x2222
    mov bx, sp
    mov ax, [ss:0]
    mov cx, [ss:0xfffe]
    LAND

PIECE limit                             ; a word at offset ffff
    mov ax, 0x3000
    mov ds, ax
    mov ax, [0xffff]
    LAND

PIECE limit32                           ; a 32-bit offset beyond 64 KiB
    mov ax, 0x3000
    mov ds, ax
    mov ebx, 0x10000
    mov al, [ebx]
    LAND

PIECE vmehandler                        ; the 8086 handler for VME's redirected interrupts
    mov ax, 0x7777
    mov bp, sp
    mov bx, [bp + 4]                    ; the pushed flags
    iret

PIECE vmeint                            ; VME: int 0x84 goes through the task's own table
    xor ax, ax
    sti
    int 0x84
    pushf
    pop cx
    LAND

PIECE mtf
    sti
    mov ax, 1
    LAND

v86_code_end:
bits 32
section .note.GNU-stack noalloc noexec nowrite progbits
