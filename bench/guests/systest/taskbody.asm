; The body of the other task: writes down its state, then leaves as task_leave says, and starts over when it is entered again.
bits 32
section .text
global task_body, task_body_after_jump, task_body_after_iret
task_body:
    mov [task_seen], eax
    mov [task_seen + 4], ebx
    mov [task_seen + 8], ecx
    mov [task_seen + 12], edx
    mov [task_seen + 16], esi
    mov [task_seen + 20], edi
    mov [task_seen + 24], ebp
    mov [task_seen + 28], esp
    pushfd
    pop dword [task_seen + 32]
    xor eax, eax
    str ax
    mov [task_seen + 36], eax
    sldt ax
    mov [task_seen + 40], eax
    mov ax, fs
    mov [task_seen + 44], eax
    mov ax, gs
    mov [task_seen + 48], eax
    mov ax, cs
    mov [task_seen + 52], eax
    mov eax, [esp]
    mov [task_seen + 56], eax
    mov eax, cr0
    mov [task_seen + 60], eax
    mov eax, cr3
    mov [task_seen + 64], eax
    mov eax, [fs:0]
    mov [task_seen + 68], eax
    clts
    inc dword [task_runs]
    mov eax, 0x0badcafe
    cmp dword [task_leave], 0
    jne task_body_iret
    jmp 0x28:0
task_body_after_jump:
    jmp task_body
task_body_iret:
    iretd
task_body_after_iret:
    jmp task_body

; In a 16-bit task: says that it ran and goes back.
bits 16
align 16
global small_task
small_task:
    inc dword [dword task_runs]
    mov [dword task_seen], eax
    iretw
    jmp small_task
bits 32

; A task for faults: takes the error code, gives the task that it interrupted another stack and place to go on, and returns.
global double_fault_task
double_fault_task:
    pop dword [task_seen + 56]          ; the error code
    inc dword [task_runs]
    mov eax, [repair_esp]
    mov [main_tss + 56], eax
    mov eax, [repair_eip]
    mov [main_tss + 32], eax
    iretd
    jmp double_fault_task

extern main_tss
section .bss
alignb 4
global task_seen, task_runs, task_leave, repair_esp, repair_eip
task_seen: resd 18
task_runs: resd 1
task_leave: resd 1
repair_esp: resd 1
repair_eip: resd 1
section .note.GNU-stack noalloc noexec nowrite progbits
