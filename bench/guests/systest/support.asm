; The way into and out of ring 3 and the return point of TRY.
bits 32
section .text

; u32 try_begin(struct try_point *): 0 now, 1 when throw_to comes back.
global try_begin
extern try_enter
try_begin:
    mov edx, [esp + 4]
    mov [edx], ebx
    mov [edx + 4], esi
    mov [edx + 8], edi
    mov [edx + 12], ebp
    lea eax, [esp + 4]
    mov [edx + 16], eax
    mov eax, [esp]
    mov [edx + 20], eax
    push edx
    call try_enter
    add esp, 4
    xor eax, eax
    ret

; void throw_to(struct try_point *): leaves any stack and any mode of protection behind.
global throw_to
throw_to:
    cli
    cld
    mov edx, [esp + 4]
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov esp, [edx + 16]
    push 2
    popfd
    mov ebx, [edx]
    mov esi, [edx + 4]
    mov edi, [edx + 8]
    mov ebp, [edx + 12]
    mov eax, 1
    jmp 0x08:.flat
.flat:
    jmp [edx + 20]

global to_ring3
extern ring3_eflags
to_ring3:
    pop edx
    mov ecx, esp
    mov eax, 0x23
    mov ds, eax
    mov es, eax
    push 0x23
    push ecx
    push dword [ring3_eflags]
    push 0x1b
    push edx
    iretd

global to_ring0
to_ring0:
    int 0x81
    ret

global ring3_landing
ring3_landing:
    int 0x82

; void resume_in_ring0(struct frame *): continues the interrupted code in ring 0 on the stack it had.
global resume_in_ring0
resume_in_ring0:
    mov edx, [esp + 4]
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ecx, [edx + 16 + 40]            ; eip
    mov ebx, [edx + 16 + 16]
    mov esi, [edx + 16 + 4]
    mov edi, [edx + 16]
    mov ebp, [edx + 16 + 8]
    mov esp, [edx + 16 + 52]
    jmp ecx
section .note.GNU-stack noalloc noexec nowrite progbits
