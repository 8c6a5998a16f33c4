/*
 * Executes single 32-bit user-mode instructions on the CPU of this machine and reports all that they change.
 *
 * A 64-bit Linux process enters the kernel's 32-bit user code segment by IRETQ, so that all of the state (registers, flags,
 * stack) is loaded at once; the instruction is followed by a far jump back into the 64-bit segment. Faults arrive as
 * signals, whose context has the state at the fault. Linked without PIE, so that code and data lie below 2 GiB, where
 * 32-bit code reaches them.
 *
 * usage: insnrun FILE CAPACITY      FILE is shared memory: CAPACITY records of the struct below
 * Then for each 32-bit number n on standard input: executes the first n records, writes n to standard output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    CODE_PAGE = 0x20000000, CODE = CODE_PAGE + 0x800,
    DATA_PAGE = 0x10008000, BLOCK_SIZE = 1024, BLOCK = DATA_PAGE + 4096 - BLOCK_SIZE,
    CS32 = 0x23, CS64 = 0x33, DS32 = 0x2b,
    RETURN_BY_JUMP = 0, RETURN_BY_INT3 = 1,
    NO_TRAP = -1, TIMEOUT = 255, TRAP_BP = 3
};

struct state {
    uint32_t gpr[8];
    uint32_t eflags;
    uint32_t eip;         /* relative to the instruction */
    int32_t trap;         /* vector, NO_TRAP, TIMEOUT */
    uint32_t error;
    uint32_t address;     /* CR2 for vector 14 */
    uint32_t strayed;     /* wrote to the data page outside of the block */
    uint32_t reserved[2];
    uint8_t fx[512];
    uint8_t memory[BLOCK_SIZE];
};

struct record {
    uint8_t code[16];
    uint32_t length;
    uint32_t mode;
    uint32_t reserved[2];
    struct state in;
    struct state out;
};

/* shared with the assembly below */
uint32_t gpr[8];
uint64_t outflags;
uint64_t saved_rsp;
uint64_t iret_frame[5];
uint8_t fx[512] __attribute__((aligned(64)));
uint32_t default_mxcsr = 0x1f80;

static struct record *current;
static uint32_t current_mode;
/* an instruction that is still the same at the next tick of one second is given up */
static volatile uint64_t executed, executed_at_tick;
void enter_guest(void);
void back(void);
void recover(void);

__asm__(
    ".intel_syntax noprefix\n"
    ".text\n"
    ".globl enter_guest\n"
    "enter_guest:\n"
    "    push rbx; push rbp; push r12; push r13; push r14; push r15\n"
    "    mov [saved_rsp], rsp\n"
    "    fxrstor [fx]\n"
    "    mov eax, 0x2b; mov ds, eax; mov es, eax\n"
    "    mov eax, [gpr]; mov ecx, [gpr+4]; mov edx, [gpr+8]; mov ebx, [gpr+12]\n"
    "    mov ebp, [gpr+20]; mov esi, [gpr+24]; mov edi, [gpr+28]\n"
    "    lea rsp, [iret_frame]\n"
    "    iretq\n"
    ".globl back\n"
    "back:\n"
    "    mov [gpr], eax; mov [gpr+4], ecx; mov [gpr+8], edx; mov [gpr+12], ebx\n"
    "    mov [gpr+16], esp; mov [gpr+20], ebp; mov [gpr+24], esi; mov [gpr+28], edi\n"
    "    mov rsp, [saved_rsp]\n"
    "    pushfq\n"
    "    pop [outflags]\n"
    "    cld\n"
    "    fxsave [fx]\n"
    ".globl recover\n"
    "recover:\n"
    "    fninit\n"
    "    ldmxcsr [default_mxcsr]\n"
    "    pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx\n"
    "    ret\n"
    ".att_syntax\n");

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void) info;
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    if (signal == SIGALRM && ((r[REG_CSGSFS] & 0xffff) != CS32 || executed != executed_at_tick)) {
        executed_at_tick = executed;
        return;
    }
    if ((r[REG_CSGSFS] & 0xffff) != CS32) {
        fprintf(stderr, "insnrun: signal %d of its own at %llx\n", signal, (unsigned long long) r[REG_RIP]);
        _exit(3);
    }
    struct state *out = &current->out;
    out->gpr[0] = r[REG_RAX];
    out->gpr[1] = r[REG_RCX];
    out->gpr[2] = r[REG_RDX];
    out->gpr[3] = r[REG_RBX];
    out->gpr[4] = r[REG_RSP];
    out->gpr[5] = r[REG_RBP];
    out->gpr[6] = r[REG_RSI];
    out->gpr[7] = r[REG_RDI];
    out->eflags = r[REG_EFL];
    out->eip = r[REG_RIP] - CODE;
    out->trap = signal == SIGALRM ? TIMEOUT : (int32_t) r[REG_TRAPNO];
    out->error = r[REG_ERR];
    out->address = out->trap == 14 ? r[REG_CR2] : 0;
    if (out->trap == TRAP_BP && current_mode == RETURN_BY_INT3) {
        out->trap = NO_TRAP;
        out->eip--;
    }
    memcpy(out->fx, uc->uc_mcontext.fpregs, 512);
    uc->uc_mcontext.fpregs->cwd = 0x37f;
    uc->uc_mcontext.fpregs->swd = 0;
    uc->uc_mcontext.fpregs->mxcsr = 0x1f80;
    r[REG_RIP] = (greg_t) recover;
    r[REG_RSP] = saved_rsp;
    r[REG_EFL] = 0x202;
    r[REG_CSGSFS] = (r[REG_CSGSFS] & ~0xffffL) | CS64;
}

static void run(struct record *record)
{
    uint8_t *code = (uint8_t *) (uintptr_t) CODE;
    uint8_t *page = (uint8_t *) (uintptr_t) DATA_PAGE;
    struct state *in = &record->in;
    struct state *out = &record->out;
    current = record;
    executed++;
    current_mode = record->mode;
    if (record->mode == RETURN_BY_INT3) {
        memset((void *) (uintptr_t) CODE_PAGE, 0xcc, 4096);
    }
    memcpy(code, record->code, record->length);
    if (record->mode == RETURN_BY_JUMP) {
        uint8_t *jump = code + record->length;
        uint32_t target = (uint32_t) (uintptr_t) back;
        jump[0] = 0xea;
        memcpy(jump + 1, &target, 4);
        jump[5] = CS64;
        jump[6] = 0;
    }
    memcpy((void *) (uintptr_t) BLOCK, in->memory, BLOCK_SIZE);
    memcpy(fx, in->fx, 512);
    memcpy(gpr, in->gpr, sizeof gpr);
    iret_frame[0] = CODE;
    iret_frame[1] = CS32;
    iret_frame[2] = in->eflags;
    iret_frame[3] = in->gpr[4];
    iret_frame[4] = DS32;
    out->trap = NO_TRAP - 1;
    __asm__ volatile("" ::: "memory");
    enter_guest();
    __asm__ volatile("" ::: "memory");
    if (out->trap == NO_TRAP - 1) {
        out->trap = NO_TRAP;
        memcpy(out->gpr, gpr, sizeof gpr);
        out->eflags = outflags;
        out->eip = record->length;
        out->error = 0;
        out->address = 0;
        memcpy(out->fx, fx, 512);
    }
    memcpy(out->memory, (void *) (uintptr_t) BLOCK, BLOCK_SIZE);
    out->strayed = 0;
    for (int i = 0; i < 4096 - BLOCK_SIZE; i += 8) {
        if (*(uint64_t *) (page + i)) {
            out->strayed = 1;
        }
    }
    if (out->strayed) {
        memset(page, 0, 4096 - BLOCK_SIZE);
    }
}

static void *map_at(uint32_t address, int protection)
{
    void *p = mmap((void *) (uintptr_t) address, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != (void *) (uintptr_t) address) {
        perror("insnrun: mmap");
        exit(2);
    }
    return p;
}

/* read() is interrupted by the timer */
static int read_number(uint32_t *n)
{
    ssize_t got;
    do {
        got = read(0, n, 4);
    } while (got < 0 && errno == EINTR);
    return got == 4;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: insnrun FILE CAPACITY\n");
        return 2;
    }
    uint32_t capacity = strtoul(argv[2], 0, 10);
    int fd = open(argv[1], O_RDWR);
    struct record *records = mmap(0, sizeof(struct record) * capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || records == MAP_FAILED) {
        perror(argv[1]);
        return 2;
    }
    map_at(DATA_PAGE, PROT_READ | PROT_WRITE);
    map_at(CODE_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    stack_t stack = { .ss_sp = malloc(1 << 18), .ss_size = 1 << 18 };
    sigaltstack(&stack, 0);
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGALRM };
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaction(signals[i], &action, 0);
    }
    struct itimerval second = { { 1, 0 }, { 1, 0 } };
    setitimer(ITIMER_REAL, &second, 0);
    uint32_t n;
    while (read_number(&n) && n <= capacity) {
        for (uint32_t i = 0; i < n; i++) {
            run(records + i);
        }
        if (write(1, &n, 4) != 4) {
            return 1;
        }
    }
    return 0;
}
