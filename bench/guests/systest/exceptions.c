/* Each exception by its plainest causes. [SDM] 3A 6.15, and the exception lists of the instructions in 2A to 2C. */
#include "systest.h"

#define BYTES(...) ASM(".byte " #__VA_ARGS__, : : "eax", "ecx", "edx", "memory", "cc")

static void divide(void)
{
    u32 a = 5, d = 1;
    check("div-zero", TRY(ASM("divl %0", : "r"(0), "a"(1), "d"(0) : "cc")), DE);
    check("div-quotient", TRY(ASM("divl %0", : "r"(5), "a"(0), "d"(5) : "cc")), DE);
    check("div-largest", TRY(ASM("divl %2", "+a"(a), "+d"(d) : "r"(2) : "cc")), NONE);
    check("div-largest-result", a, 0x80000002);
    check("div8-quotient", TRY(ASM("movw $0x200, %%ax; movb $2, %%cl; divb %%cl", : : "eax", "ecx", "cc")), DE);
    check("div16-zero", TRY(ASM("xorl %%ecx, %%ecx; divw %%cx", : : "eax", "edx", "ecx", "cc")), DE);
    check("idiv-min-by-minus-one", TRY(ASM("idivl %0", : "r"(-1), "a"(0x80000000), "d"(-1) : "cc")), DE);
    check("idiv8-minus-128", TRY(ASM("movw $-128, %%ax; movb $1, %%cl; idivb %%cl", : : "eax", "ecx", "cc")), NONE);
    check("idiv8-plus-128", TRY(ASM("movw $128, %%ax; movb $1, %%cl; idivb %%cl", : : "eax", "ecx", "cc")), DE);
    TRY(ASM("divl %0", : "r"(0), "a"(0x1234), "d"(0x5678) : "cc"));
    check("div-keeps-eax", caught.f.eax, 0x1234);
    check("div-keeps-edx", caught.f.edx, 0x5678);
    check("aam-zero", TRY(BYTES(0xd4, 0)), DE);
    check("aad-zero", TRY(BYTES(0xd5, 0)), NONE);
}

static void bound(void)
{
    static i32 limits[2] = { -5, 10 };
    check("bound-inside", TRY(ASM("boundl %0, (%1)", : "r"(-5), "r"(limits))), NONE);
    check("bound-upper-inside", TRY(ASM("boundl %0, (%1)", : "r"(10), "r"(limits))), NONE);
    check("bound-below", TRY(ASM("boundl %0, (%1)", : "r"(-6), "r"(limits))), BR);
    check("bound-above", TRY(ASM("boundl %0, (%1)", : "r"(11), "r"(limits))), BR);
    check("bound-register", TRY(BYTES(0x62, 0xc0)), UD);
}

static void undefined(void)
{
    check("ud2", TRY(BYTES(0x0f, 0x0b)), UD);
    check("ud1", TRY(BYTES(0x0f, 0xb9, 0xc0)), UD);
    check("lea-register", TRY(BYTES(0x8d, 0xc0)), UD);
    check("lock-register", TRY(BYTES(0xf0, 0x01, 0xc0)), UD);
    SDM_CHECK("lock-mov", TRY(ASM(".byte 0xf0; movl %%eax, (%0)", : "r"(scratch) : "memory")), UD);
    check("lock-cmp", TRY(ASM(".byte 0xf0; cmpl %%eax, (%0)", : "r"(scratch))), UD);
    check("lock-nop", TRY(BYTES(0xf0, 0x90)), UD);
    SDM_CHECK("lock-bt", TRY(ASM(".byte 0xf0; btl $1, (%0)", : "r"(scratch))), UD);
    check("lock-add-memory", TRY(ASM("lock; addl $1, (%0)", : "r"(scratch) : "memory", "cc")), NONE);
    check("lock-xchg-memory", TRY(ASM("lock; xchgl %%eax, (%0)", : "r"(scratch) : "eax", "memory")), NONE);
    check("lock-add-load", TRY(ASM(".byte 0xf0, 0x03, 0x00", : "a"(scratch) : "memory")), UD);
    check("group4-2", TRY(BYTES(0xfe, 0xd0)), UD);
    check("group5-7", TRY(BYTES(0xff, 0xf8)), UD);
    check("group5-far-call-register", TRY(BYTES(0xff, 0xd8)), UD);
    check("group5-far-jump-register", TRY(BYTES(0xff, 0xe8)), UD);
    check("group6-7", TRY(BYTES(0x0f, 0x00, 0xf8)), UD);
    check("group8-0", TRY(BYTES(0x0f, 0xba, 0xc0, 0)), UD);
    SDM_CHECK("group1a-pop-1", TRY(ASM("pushl %%eax; .byte 0x8f, 0xc8", : : "eax", "memory")), UD);
    SDM_CHECK("group11-mov-1", TRY(BYTES(0xc6, 0xc8, 0)), UD);
    check("cmpxchg8b-register", TRY(BYTES(0x0f, 0xc7, 0xc8)), UD);
    check("invlpg-register", TRY(BYTES(0x0f, 0x01, 0xff)), UD);
    check("les-register", TRY(BYTES(0xc4, 0xc0)), UD);
    check("mov-cr1", TRY(BYTES(0x0f, 0x20, 0xc8)), UD);
    check("mov-to-cr5", TRY(BYTES(0x0f, 0x22, 0xe8)), UD);
    check("long-instruction", TRY(BYTES(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90)), NONE);
    check("too-long-instruction", TRY(BYTES(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90)), GP(0));
    check("fd-bytes-of-0f-04", TRY(BYTES(0x0f, 0x04)), UD);
    check("syscall-without-efer-sce", TRY(BYTES(0x0f, 0x05)), UD);
}

/* CR0.TS, EM and MP. [SDM] 3A table 9-3 and 13-1. */
static void no_math(void)
{
    u32 cr0 = read_cr0() & ~0xeu;
    write_cr0(cr0 | 8);
    check("ts-fpu", TRY(ASM("fnop")), NM);
    check("ts-wait-without-mp", TRY(ASM("fwait")), NONE);
    check("ts-fninit", TRY(ASM("fninit")), NM);
    write_cr0(cr0 | 8 | 2);
    check("ts-mp-wait", TRY(ASM("fwait")), NM);
    write_cr0(cr0 | 4);
    check("em-fpu", TRY(ASM("fnop")), NM);
    check("em-wait", TRY(ASM("fwait")), NONE);
    if (bit(cpuid_edx(), 23)) {
        check("em-mmx", TRY(BYTES(0x0f, 0x6e, 0xc0)), UD);
        write_cr0(cr0 | 8);
        check("ts-mmx", TRY(BYTES(0x0f, 0x6e, 0xc0)), NM);
    }
    if (bit(cpuid_edx(), 25)) {
        write_cr0(cr0);
        check("sse-without-osfxsr", TRY(BYTES(0x0f, 0x57, 0xc0)), UD);
        write_cr4(read_cr4() | 0x200);
        write_cr0(cr0 | 4);
        check("em-sse", TRY(BYTES(0x0f, 0x57, 0xc0)), UD);
        write_cr0(cr0 | 8);
        check("ts-sse", TRY(BYTES(0x0f, 0x57, 0xc0)), NM);
        check("ts-fxsave", TRY(ASM("fxsave (%0)", : "r"(scratch) : "memory")), NM);
        check("ts-prefetch", TRY(BYTES(0x0f, 0x18, 0x00)), NONE);
        check("ts-sfence", TRY(BYTES(0x0f, 0xae, 0xf8)), NONE);
        write_cr0(cr0);
        check("sse-enabled", TRY(BYTES(0x0f, 0x57, 0xc0)), NONE);
        check("fxsave-unaligned", TRY(ASM("fxsave 4(%0)", : "r"(scratch) : "memory")), GP(0));
        check("movaps-unaligned", TRY(ASM(".byte 0x0f, 0x28, 0x40, 0x04", : "a"(scratch))), GP(0));
        check("movups-unaligned", TRY(ASM(".byte 0x0f, 0x10, 0x40, 0x04", : "a"(scratch))), NONE);
        write_cr4(read_cr4() & ~0x200u);
    }
    write_cr0(cr0);
    check("clts", (write_cr0(cr0 | 8), TRY(ASM("clts; fnop"))), NONE);
}

static void control_registers(void)
{
    u32 cr0 = read_cr0(), cr4 = read_cr4();
    SDM_CHECK("cr0-pg-without-pe", TRY(write_cr0((cr0 | 0x80000000) & ~1u)), GP(0));
    write_cr0(cr0);
    SDM_CHECK("cr0-nw-without-cd", TRY(write_cr0((cr0 & ~0x40000000u) | 0x20000000)), GP(0));
    write_cr0(cr0);
    check("cr0-et-is-fixed", (write_cr0(cr0 & ~0x10u), read_cr0() & 0x10), 0x10);
    SDM_CHECK("cr4-reserved", TRY(write_cr4(cr4 | 0x10000000)), GP(0));
    write_cr4(cr4);
    SDM_CHECK("rdmsr-unknown", TRY(rdmsr(0xdeadbeef)), GP(0));
}

static void privileged(void)
{
    struct table_pointer p = { 0, 0 };
    check("ring3-lgdt", TRY3(ASM("lgdt %0", : "m"(p))), GP(0));
    check("ring3-lidt", TRY3(ASM("lidt %0", : "m"(p))), GP(0));
    check("ring3-lmsw", TRY3(ASM("lmsw %w0", : "r"(0x11))), GP(0));
    check("ring3-clts", TRY3(ASM("clts")), GP(0));
    check("ring3-invd", TRY3(ASM("invd")), GP(0));
    check("ring3-wbinvd", TRY3(ASM("wbinvd")), GP(0));
    check("ring3-invlpg", TRY3(ASM("invlpg (%0)", : "r"(scratch))), GP(0));
    check("ring3-mov-from-cr0", TRY3(ASM("movl %%cr0, %%eax", : : "eax")), GP(0));
    check("ring3-mov-to-cr3", TRY3(ASM("movl %%eax, %%cr3", : "a"(0))), GP(0));
    check("ring3-mov-from-dr0", TRY3(ASM("movl %%dr0, %%eax", : : "eax")), GP(0));
    check("ring3-mov-to-dr7", TRY3(ASM("movl %%eax, %%dr7", : "a"(0))), GP(0));
    check("ring3-rdmsr", TRY3(ASM("rdmsr", : "c"(0x10) : "eax", "edx")), GP(0));
    check("ring3-wrmsr", TRY3(ASM("wrmsr", : "c"(0x10), "a"(0), "d"(0))), GP(0));
    check("ring3-ltr", TRY3(ASM("ltr %w0", : "r"(0))), GP(0));
    check("ring3-in", TRY3(inb(0x80)), GP(0));
    check("ring3-out-dx", TRY3(ASM("outl %%eax, %%dx", : "a"(0), "d"(0x80))), GP(0));
    check("ring3-insb", TRY3(ASM("insb", : "D"(scratch), "d"(0x80) : "memory")), GP(0));
    check("ring3-int-gate-0-vector", TRY3(ASM("int $0x20")), GP(0x20 * 8 + 2));
}

/* #AC needs CR0.AM, EFLAGS.AC and ring 3. [SDM] 3A 6.15, interrupt 17. */
static void alignment(void)
{
    write_cr0(read_cr0() | 0x40000);
    ring3_eflags = 0x40002;
    check("ring0-unaligned", TRY(ASM("pushl $0x40002; popfl; movl 1(%0), %%eax; pushl $2; popfl", : "r"(scratch) : "eax", "cc")), NONE);
    check("aligned", TRY3(ASM("movl 4(%0), %%eax", : "r"(scratch) : "eax")), NONE);
    SDM_CHECK("dword", TRY3(ASM("movl 1(%0), %%eax", : "r"(scratch) : "eax")), AC);
    SDM_CHECK("word", TRY3(ASM("movw 1(%0), %%ax", : "r"(scratch) : "eax")), AC);
    SDM_CHECK("dword-at-2", TRY3(ASM("movl 2(%0), %%eax", : "r"(scratch) : "eax")), AC);
    SDM_CHECK("write", TRY3(ASM("movl %%eax, 3(%0)", : "r"(scratch) : "memory")), AC);
    SDM_CHECK("double-at-4", TRY3(ASM("fldl 4(%0); fstp %%st", : "r"(scratch))), AC);
    SDM_CHECK("fnstenv-at-2", TRY3(ASM("fnstenv 2(%0)", : "r"(scratch) : "memory")), AC);
    SDM_CHECK("unaligned-push", TRY3(ASM("decl %%esp; pushl %%eax; popl %%eax; incl %%esp", : : "memory", "cc")), AC);
    check("byte", TRY3(ASM("movb 1(%0), %%al", : "r"(scratch) : "eax")), NONE);
    ring3_eflags = 2;
    check("ac-clear", TRY3(ASM("movl 1(%0), %%eax", : "r"(scratch) : "eax")), NONE);
    write_cr0(read_cr0() & ~0x40000u);
    ring3_eflags = 0x40002;
    check("am-clear", TRY3(ASM("movl 1(%0), %%eax", : "r"(scratch) : "eax")), NONE);
    ring3_eflags = 2;
    ASM("fninit");
}

void exceptions(void)
{
    divide();
    bound();
    undefined();
    no_math();
    control_registers();
    privileged();
    alignment();
}
