; pauses DEVICE: reads a block past the cache again and again, and prints how long it took, in microseconds, each time that it was
; 5 ms or more. A Linux program for i386 without any library.
;   nasm -f bin -o pauses pauses.asm
bits 32
org 0x08048000
base:
    db 0x7f, 'ELF', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
    dw 2, 3
    dd 1, start, headers - base, 0, 0
    dw 52, 32, 1, 0, 0, 0
headers:
    dd 1, 0, base, base, finish - base, 0x4000, 7, 0x1000

OPEN equ 5
WRITE equ 4
EXIT equ 1
PREAD equ 180
CLOCK equ 265
MONOTONIC equ 1
O_DIRECT equ 0x4000
THRESHOLD equ 5000

start:
    mov ebx, [esp + 8]          ; argv[1]
    mov ecx, O_DIRECT
    xor edx, edx
    mov eax, OPEN
    int 0x80
    test eax, eax
    js fail
    mov [file], eax
again:
    mov edi, before
    call clock
    mov ebx, [file]
    mov ecx, buffer
    mov edx, 4096
    mov esi, [offset]
    xor edi, edi
    mov eax, PREAD
    int 0x80
    cmp eax, 4096
    jne fail
    add dword [offset], 4096
    and dword [offset], 0xFFFFF  ; the first MiB
    mov edi, after
    call clock
    mov eax, [after]
    sub eax, [before]
    imul eax, eax, 1000000
    push eax
    mov eax, [after + 4]
    sub eax, [before + 4]
    cdq
    mov ecx, 1000
    idiv ecx
    pop ecx
    add eax, ecx
    cmp eax, THRESHOLD
    jl again
    call print
    jmp again

fail:
    mov ebx, 1
    mov eax, EXIT
    int 0x80

clock:
    mov ebx, MONOTONIC
    mov ecx, edi
    mov eax, CLOCK
    int 0x80
    ret

; prints EAX as "pause N"
print:
    mov edi, line_end
    mov ecx, 10
.digit:
    xor edx, edx
    div ecx
    add dl, '0'
    dec edi
    mov [edi], dl
    test eax, eax
    jnz .digit
    sub edi, 6
    mov dword [edi], 'paus'
    mov word [edi + 4], 'e '
    mov ecx, edi
    mov edx, line_end + 1
    sub edx, edi
    mov ebx, 1
    mov eax, WRITE
    int 0x80
    ret

    times 24 db 0
line_end:
    db 10
    align 4
file: dd 0
offset: dd 0
before: dd 0, 0
after: dd 0, 0
finish:
buffer equ 0x0804A000
