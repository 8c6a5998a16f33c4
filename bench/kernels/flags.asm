; Workloads that live on exact flags and on parts of registers, which no compiler would write today.
bits 32
section .text

; u32 adc_chains(void): 256-bit additions, subtractions and shifts through the carry flag.
global adc_chains
adc_chains:
    push ebx
    push esi
    push edi
    push ebp
    mov ecx, 32
    mov eax, 0x9e3779b9
    mov edi, number
.fill:
    mov [edi], eax
    imul eax, eax, 1664525
    add eax, 1013904223
    add edi, 4
    dec ecx
    jnz .fill
    mov ebp, 9000000
.round:
    mov esi, number
    mov eax, [esi]
    mov ebx, [esi + 4]
    mov ecx, [esi + 8]
    mov edx, [esi + 12]
    add eax, [esi + 16]
    adc ebx, [esi + 20]
    adc ecx, [esi + 24]
    adc edx, [esi + 28]
    mov edi, 0
    adc edi, 0
    sub [esi + 32], eax
    sbb [esi + 36], ebx
    sbb [esi + 40], ecx
    sbb [esi + 44], edx
    adc dword [esi + 48], 7
    add eax, ebp
    adc ebx, edi
    adc ecx, 0x5a5a5a5a
    adc edx, 0
    rcl edx, 1
    rcl ecx, 1
    rcl ebx, 1
    rcl eax, 1
    sbb edi, edi
    xor eax, edi
    mov [esi + 16], ebx
    mov [esi + 20], ecx
    mov [esi + 24], edx
    mov [esi + 28], eax
    neg eax
    sbb [esi], edx
    adc [esi + 4], ecx
    inc ebx                             ; keeps the carry of the adc above
    adc [esi + 8], ebx
    lea esi, [esi + ebx]
    cmc
    adc dword [number + 12], 1
    dec ebp
    jnz .round
    mov ecx, 13
    xor eax, eax
    mov esi, number
.sum:
    rol eax, 5
    xor eax, [esi]
    add esi, 4
    dec ecx
    jnz .sum
    pop ebp
    pop edi
    pop esi
    pop ebx
    ret

; u32 partial_registers(void): 8- and 16-bit halves, setcc, lahf/sahf, bt, rcl and inc with a live carry.
global partial_registers
partial_registers:
    push ebx
    push esi
    push edi
    push ebp
    mov eax, 0x12345678
    mov ebx, 0x9abcdef0
    mov edx, 0x0f1e2d3c
    xor ecx, ecx
    xor esi, esi
    mov ebp, 16000000
.round:
    mov al, bh
    add ah, dl
    adc dl, ah
    mov bl, al
    setc bh
    xchg ah, al
    inc ax
    sbb dh, bl
    setge cl
    movzx edi, cl
    sub bx, dx
    lahf
    add esi, edi
    sahf
    rcl bx, 3
    setp cl
    movsx edi, bx
    cmovs esi, edi
    bt edi, 7
    adc al, ch
    xor ch, dh
    ror dx, 5
    rcr dl, 1
    cmp al, bh
    setbe ch
    lea esi, [esi + eax * 2]
    add dl, ch
    daa
    movzx ecx, ax
    imul ecx, ecx, 77
    add dx, cx
    dec ebp
    jnz .round
    add eax, ebx
    xor eax, edx
    add eax, esi
    pop ebp
    pop edi
    pop esi
    pop ebx
    ret

section .bss
alignb 16
number: resd 32
section .note.GNU-stack noalloc noexec nowrite progbits
