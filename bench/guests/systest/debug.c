/* Single step and the debug registers. [SDM] 3B chapter 17 (18 in newer editions): 17.2, 17.3. */
#include "targets.h"

#define LIMIT 32
static volatile u32 hits, eips[LIMIT], dr6s[LIMIT], flags_seen[LIMIT];
static u32 stop_after;          /* clears TF or DR7 after so many traps, so that nothing runs away */

static u32 read_dr6(void) { u32 v; ASM("movl %%dr6, %0", "=r"(v)); return v; }
static u32 read_dr7(void) { u32 v; ASM("movl %%dr7, %0", "=r"(v)); return v; }
static void write_dr6(u32 v) { ASM("movl %0, %%dr6", : "r"(v)); }
static void write_dr7(u32 v) { ASM("movl %0, %%dr7", : "r"(v)); }
static void write_dr0(const void *p) { ASM("movl %0, %%dr0", : "r"(p)); }
static void write_dr1(const void *p) { ASM("movl %0, %%dr1", : "r"(p)); }

static void on_debug(struct frame *f)
{
    if (hits < LIMIT) {
        eips[hits] = f->eip;
        dr6s[hits] = read_dr6();
        flags_seen[hits] = f->eflags;
    }
    hits++;
    write_dr6(0xffff0ff0);
    f->eflags |= 0x10000;               /* RF: past an instruction breakpoint */
    if (hits >= stop_after) {
        f->eflags &= ~0x100u;
        write_dr7(0x400);
    }
}

static void arm(void)
{
    hits = 0;
    stop_after = 16;
    handlers[1] = on_debug;
    write_dr6(0xffff0ff0);
}

#define SET_TF "pushfl; orl $0x100, (%%esp); popfl\n\t"
#define CLEAR_TF "pushfl; andl $0xfffffeff, (%%esp); popfl\n\t"

static void single_step(void)
{
    u32 first, last;
    arm();
    ASM("movl $1f, %0; movl $2f, %1\n\t" SET_TF "nop; 1: nop\n\t" CLEAR_TF "2: nop", "=m"(first), "=m"(last) : : "memory", "cc");
    check("step-count", hits, 5);       /* nop, nop, pushf, and, popf */
    check("step-first-eip", eips[0], first);
    check("step-last-eip", eips[4], last);
    check("step-dr6", dr6s[0], 0xffff4ff0);

    arm();
    ASM("movl $1f, %0\n\t" SET_TF "1: rep; movsb\n\t" CLEAR_TF "nop", "=m"(first) : "S"(scratch), "D"(scratch + 64), "c"(3) : "memory", "cc");
    check("step-rep-count", hits, 6);
    check("step-rep-stays", eips[0] == first && eips[1] == first, 1);
    check("step-rep-leaves", eips[2] == first + 2, 1);
    arm();
    ASM("movl $1f, %0\n\t" SET_TF "1: rep; movsb\n\t" CLEAR_TF "nop", "=m"(first) : "S"(scratch), "D"(scratch + 64), "c"(0) : "memory", "cc");
    check("step-rep-zero", hits, 4);

    arm();
    ASM("movl $2f, %0; movl %%ss, %%eax\n\t" SET_TF "movl %%eax, %%ss; nop; 2: nop\n\t" CLEAR_TF "nop", "=m"(first) : : "eax", "memory", "cc");
    check("step-mov-ss-count", hits, 5);        /* after the instruction behind mov ss; nop; and three */
    check("step-mov-ss-first", eips[0], first);
    arm();
    ASM("movl $2f, %0; pushl %%ss\n\t" SET_TF "popl %%ss; nop; 2: nop\n\t" CLEAR_TF "nop", "=m"(first) : : "eax", "memory", "cc");
    check("step-pop-ss-first", eips[0], first);

    arm();
    ASM("movl $2f, %0; pushfl; orl $0x100, (%%esp); pushl %%cs; pushl $1f; iretl; 1: nop; 2: nop\n\t" CLEAR_TF "nop", "=m"(first) : : "memory", "cc");
    check("step-iret-first", eips[0], first);
    check("step-iret-count", hits, 5);

    arm();
    set_gate(0x90, CODE0, stub_table[0x90], 0x8e);
    idt[0x90] = gate(CODE0, (u32) interrupt_target, 0x8e, 0);
    ASM("movl $2f, %0\n\t" SET_TF "int $0x90; nop; 2: nop\n\t" CLEAR_TF "nop", "=m"(first) : : "memory", "cc");
    check("step-int-handler-has-no-tf", seen_eflags & 0x100, 0);
    check("step-int-pushes-tf", seen_stack[2] & 0x100, 0x100);
    check("step-int-first", eips[0], first);
    check("step-int-count", hits, 5);

    arm();
    u32 pushed;
    ASM(SET_TF "pushfl\n\t" CLEAR_TF "popl %0", "=r"(pushed) : : "memory", "cc");
    check("pushf-shows-tf", pushed & 0x100, 0x100);
    arm();
    check("step-faulting-instruction", TRY(ASM(SET_TF "ud2", : : "memory", "cc")), UD);
    check("step-faulting-instruction-no-trap", hits, 0);
    check("step-faulting-instruction-tf", caught.f.eflags & 0x100, 0x100);
    arm();
    ASM("movl $2f, %0\n\t" SET_TF "jmp 2f; nop; nop; 2: nop\n\t" CLEAR_TF "nop", "=m"(first) : : "memory", "cc");
    check("step-jump-target", eips[0], first);
    arm();
    u32 in_ring3 = TRY3(ASM(SET_TF "nop\n\t" CLEAR_TF "nop", : : "memory", "cc"));
    check("step-ring3", in_ring3, NONE);
    check("step-ring3-count", hits, 4);
    if (sdm_only("icebp")) {
        arm();
        ASM("movl $1f, %0; .byte 0xf1; 1: nop", "=m"(first));
        check("icebp", hits, 1);
        check("icebp-eip", eips[0], first);
        check("icebp-dr6-no-bs", dr6s[0] & 0x400f, 0);
    }
}

#define INSTRUCTION 0u
#define WRITE 1u
#define IO 2u
#define ACCESS 3u
#define LENGTH(bytes) ((bytes) - 1u)
#define DR7(n, kind, bytes) (0x400u | 2u << (n) * 2 | (kind) << (16 + (n) * 4) | LENGTH(bytes) << (18 + (n) * 4))

static void instruction_breakpoints(void)
{
    u32 at;
    arm();
    ASM("movl $1f, %0\n\tmovl $1f, %%eax\n\tmovl %%eax, %%dr0\n\tmovl %1, %%dr7\n\tnop\n1:\tnop\n\tnop\n\tmovl %2, %%dr7",
        "=m"(at) : "r"(DR7(0, INSTRUCTION, 1)), "r"(0x400) : "eax", "memory");
    check("code", hits, 1);
    check("code-eip-is-the-instruction", eips[0], at);
    check("code-dr6", dr6s[0], 0xffff0ff1);
    check("code-no-rf-pushed", flags_seen[0] & 0x10000, 0);
    arm();
    ASM("movl $1f, %%eax\n\tmovl %%eax, %%dr0\n\tmovl %0, %%dr7\n\tmovl $3, %%ecx\n1:\tdecl %%ecx\n\tjnz 1b\n\tmovl %1, %%dr7",
        : "r"(DR7(0, INSTRUCTION, 1)), "r"(0x400) : "eax", "ecx", "memory", "cc");
    check("code-in-loop", hits, 3);
    arm();
    ASM("movl $1f, %%eax\n\tmovl %%eax, %%dr0\n\tmovl %0, %%dr7\n\tpushl $0x10002\n\tpushl %%cs\n\tpushl $1f\n\tiretl\n1:\tnop\n\tmovl %1, %%dr7",
        : "r"(DR7(0, INSTRUCTION, 1)), "r"(0x400) : "eax", "memory", "cc");
    check("code-rf-suppresses", hits, 0);
    arm();
    ASM("movl $1f+1, %%eax\n\tmovl %%eax, %%dr0\n\tmovl %0, %%dr7\n1:\tmovl $0, %%eax\n\tmovl %1, %%dr7",
        : "r"(DR7(0, INSTRUCTION, 1)), "r"(0x400) : "eax", "memory");
    check("code-middle-of-instruction", hits, 0);
    arm();
    ASM("movl $1f, %%eax\n\tmovl %%eax, %%dr1\n\tmovl %0, %%dr7\n1:\trep; stosb\n\tmovl %1, %%dr7",
        : "r"(DR7(1, INSTRUCTION, 1)), "r"(0x400), "c"(5), "D"(scratch) : "eax", "memory");
    SDM_CHECK("code-rep-once", hits, 1);
    check("code-dr1", dr6s[0] & 0xf, 2);
    arm();
    ASM("movl $1f, %%eax\n\tmovl %%eax, %%dr0\n\tmovl %0, %%dr7\n\tmovl %%ss, %%eax\n\tmovl %%eax, %%ss\n1:\tnop\n\tmovl %1, %%dr7",
        : "r"(DR7(0, INSTRUCTION, 1)), "r"(0x400) : "eax", "memory");
    SDM_CHECK("code-behind-mov-ss", hits, 0);
}

static u32 data_hits(u32 dr7, u32 offset)
{
    arm();
    write_dr0(scratch + offset);
    write_dr7(dr7);
    return 0;
}

static void data_breakpoints(void)
{
    u32 at;
    arm();
    write_dr0(scratch + 16);
    write_dr7(DR7(0, WRITE, 4));
    ASM("movl $1f, %0; movl $1, 16(%1); 1: nop", "=m"(at) : "r"(scratch) : "memory");
    write_dr7(0x400);
    check("write", hits, 1);
    check("write-eip-is-behind", eips[0], at);
    check("write-dr6", dr6s[0], 0xffff0ff1);

    data_hits(DR7(0, WRITE, 4), 16);
    ASM("movl 16(%0), %%eax", : "r"(scratch) : "eax", "memory");
    write_dr7(0x400);
    check("write-ignores-reads", hits, 0);
    data_hits(DR7(0, ACCESS, 4), 16);
    ASM("movl 16(%0), %%eax", : "r"(scratch) : "eax", "memory");
    ASM("movl %%eax, 16(%0)", : "r"(scratch) : "memory");
    write_dr7(0x400);
    check("access-sees-both", hits, 2);
    data_hits(DR7(0, WRITE, 1), 16);
    ASM("movb $1, 15(%0); movb $1, 17(%0)", : "r"(scratch) : "memory");
    check("byte-neighbours", hits, 0);
    ASM("movb $1, 16(%0)", : "r"(scratch) : "memory");
    ASM("movl $1, 13(%0)", : "r"(scratch) : "memory");
    write_dr7(0x400);
    check("byte-and-overlap", hits, 2);
    data_hits(DR7(0, WRITE, 2), 16);
    ASM("movb $1, 17(%0); movb $1, 18(%0)", : "r"(scratch) : "memory");
    write_dr7(0x400);
    check("word-covers-two", hits, 1);
    data_hits(DR7(0, WRITE, 4), 18);            /* the address is aligned down to the length */
    ASM("movb $1, 16(%0)", : "r"(scratch) : "memory");
    write_dr7(0x400);
    SDM_CHECK("address-is-aligned-down", hits, 1);
    data_hits(DR7(0, WRITE, 4), 16);
    ASM("lock; incl 16(%0)", : "r"(scratch) : "memory", "cc");
    write_dr7(0x400);
    check("rmw", hits, 1);
    data_hits(DR7(0, WRITE, 4), 16);
    ASM("movl %%esp, %%edi; movl %0, %%esp; pushl $5; movl %%edi, %%esp", : "r"(scratch + 20) : "edi", "memory");
    write_dr7(0x400);
    check("push", hits, 1);
    data_hits(DR7(0, WRITE, 1), 18);
    u32 left_over[2];
    ASM("movl $1f, %0\n1:\trep; stosb", "=m"(at), "=c"(left_over[0]) : "1"(6), "D"(scratch + 16) : "memory");
    write_dr7(0x400);
    check("rep-stos", hits, 1);
    check("rep-stos-completes", left_over[0], 0);
    check("rep-stos-eip-in-the-middle", eips[0], at);
    arm();
    write_dr0(scratch + 16);
    write_dr1(scratch + 20);
    write_dr7(DR7(0, WRITE, 4) | DR7(1, WRITE, 4));
    ASM("fstpl 16(%0)", : "r"(scratch) : "memory");
    write_dr7(0x400);
    check("two-at-once", hits, 1);
    SDM_CHECK("two-at-once-dr6", dr6s[0] & 0xf, 3);
    data_hits(DR7(0, ACCESS, 4), 16);
    ASM("movl %%ss, %%eax; movl %%eax, 32(%0); movl $1f, %1; movw 32(%0), %%ss; nop; 1: nop", : "r"(scratch), "m"(at) : "eax", "memory");
    write_dr7(0x400);
    check("other-address", hits, 0);
    *(u32 *) (scratch + 16) = DATA0;
    data_hits(DR7(0, ACCESS, 2), 16);
    ASM("movl $1f, %0; movw 16(%1), %%ss; nop; 1: nop", "=m"(at) : "r"(scratch) : "memory");
    write_dr7(0x400);
    SDM_CHECK("mov-ss-delays", hits == 1 ? eips[0] : 0, at);
    data_hits(DR7(0, WRITE, 4), 16);
    check("ring3-write", TRY3(ASM("movl $1, 16(%0)", : "r"(scratch) : "memory")), NONE);
    check("ring3-write-hits", hits, 1);
    write_dr7(0x400);
    data_hits(DR7(0, WRITE, 4) >> 0 & ~0u, 16);
    write_dr7(0x400 | 1 | (DR7(0, WRITE, 4) & 0xffff0000));
    ASM("movl $1, 16(%0)", : "r"(scratch) : "memory");
    check("local-enable", hits, 1);
    write_dr7(0x400 | (DR7(0, WRITE, 4) & 0xffff0000));
    ASM("movl $1, 16(%0)", : "r"(scratch) : "memory");
    check("disabled", hits, 1);
    ASM("fninit");
}

static void io_breakpoints(void)
{
    u32 at;
    write_cr4(read_cr4() | 8);
    arm();
    write_dr0((void *) 0x80);
    write_dr7(DR7(0, IO, 1));
    ASM("movl $1f, %0; outb %%al, $0x80; 1: nop; outb %%al, $0x81", "=m"(at) : : "memory");
    check("io", hits, 1);
    check("io-eip-is-behind", eips[0], at);
    check("io-dr6", dr6s[0], 0xffff0ff1);
    *(volatile u32 *) 0x80;
    check("io-is-not-memory", hits, 1);
    write_dr7(DR7(0, IO, 4));
    inb(0x83);
    check("io-length", hits, 2);
    write_dr7(0x400);
    check("dr4-with-de", TRY(ASM(".byte 0x0f, 0x21, 0xe0", : : "eax")), UD);
    write_cr4(read_cr4() & ~8u);
}

static void registers(void)
{
    u32 v;
    write_dr7(0x400);
    write_dr6(0);
    check("dr6-reserved-bits", read_dr6(), 0xffff0ff0);
    write_dr6(0xffff0fff);
    ASM(".byte 0x0f, 0x21, 0xe0", "=a"(v));
    check("dr4-is-dr6", v, 0xffff0fff);
    write_dr6(0xffff0ff0);
    ASM(".byte 0x0f, 0x21, 0xe8", "=a"(v));
    check("dr5-is-dr7", v, 0x400);
    write_dr7(0);
    check("dr7-bit-10", read_dr7(), 0x400);
    write_dr0((void *) 0x12345678);
    ASM("movl %%dr0, %0", "=r"(v));
    check("dr0", v, 0x12345678);
    write_dr0(0);

    /* the processor never clears the upper bits of DR6; what it does to B0 to B3 of others is its own affair */
    arm();
    write_dr6(0xffff8ff0);
    write_dr0(scratch + 16);
    write_dr7(DR7(0, WRITE, 4));
    *(volatile u32 *) (scratch + 16) = 1;
    write_dr7(0x400);
    check("dr6-is-sticky", dr6s[0] & 0x8001, 0x8001);

    if (sdm_only("general-detect")) {
        handlers[1] = catch_trap;
        write_dr7(0x2400);
        check("general-detect", TRY(ASM("movl %%dr0, %%eax", : : "eax")), DB);
        check("general-detect-dr6", caught.dr6 & 0x2000, 0x2000);
        check("general-detect-cleared", read_dr7() & 0x2000, 0);
        write_dr7(0x400);
        write_dr6(0xffff0ff0);
    }
}

void debug(void)
{
    single_step();
    instruction_breakpoints();
    data_breakpoints();
    io_breakpoints();
    registers();
}
