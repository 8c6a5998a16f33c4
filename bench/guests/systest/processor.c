/* CPUID, time stamp, MSRs, SYSENTER, CMPXCHG8B and the like. [SDM] 2A to 2C, 3A 5.8.7, 3B 17.17. */
#include "systest.h"

extern const u8 sysenter_target[], sysexit_landing[];
extern u32 sysenter_esp, sysenter_cs, sysenter_flags;
__asm__(
    "sysenter_target:\n\t"
    "movl %esp, sysenter_esp\n\t"
    "movl $0, sysenter_cs\n\t"
    "movw %cs, sysenter_cs\n\t"
    "pushfl\n\t"
    "popl sysenter_flags\n\t"
    "sysexit\n"
    "sysexit_landing:\n\t"
    "int $0x82\n"
    ".bss\n"
    "sysenter_esp: .long 0\n"
    "sysenter_cs: .long 0\n"
    "sysenter_flags: .long 0\n"
    ".text\n");

static void cpuid(void)
{
    u32 flags, a, b, c, d;
    ASM("pushfl; popl %0; xorl $0x200000, %0; pushl %0; popfl; movl %0, %1; pushfl; popl %0; xorl %1, %0", "=&r"(flags), "=&r"(a) : : "cc");
    check("id-flag-toggles", flags & 0x200000, 0);
    a = 0;
    ASM("cpuid", "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    check_true("highest-leaf", a >= 1 && a < 0x80000000);
    u32 top = a, again = top + 1000;
    ASM("cpuid", "+a"(again), "=b"(b), "=c"(c), "=d"(d));
    check_true("fpu-tsc-msr-cx8", (cpuid_edx() & 0x131) == 0x131);
    a = 1;
    ASM("cpuid", "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    check_true("family-5-or-more", (a >> 8 & 15) >= 5);
    check("ring3", TRY3(ASM("cpuid", : : "eax", "ebx", "ecx", "edx")), NONE);
    /* what is advertised works */
    if (bit(d, 15))
        check("cmov", TRY(ASM("cmovel %%eax, %%ecx", : : "ecx")), NONE);
    if (bit(d, 23))
        check("mmx", TRY(ASM("pxor %%mm0, %%mm0; emms", : : )), NONE);
    if (bit(d, 11))
        check("sep", TRY(rdmsr(0x174)), NONE);
    if (bit(d, 12))
        check("mtrr", TRY(rdmsr(0xfe)), NONE);
    if (bit(d, 16))
        check("pat", TRY(rdmsr(0x277)), NONE);
    if (bit(d, 9))
        check("apic", TRY(rdmsr(0x1b)), NONE);
}

static void time_stamp(void)
{
    u64 a = rdtsc(), b = rdtsc();
    check_true("tsc-advances", b > a);
    check("tsc-ring3", TRY3(rdtsc()), NONE);
    write_cr4(read_cr4() | 4);
    check("tsd-ring3", TRY3(rdtsc()), GP(0));
    check("tsd-ring0", TRY(rdtsc()), NONE);
    write_cr4(read_cr4() & ~4u);
    wrmsr(0x10, 0);
    u64 c = rdtsc();
    check_true("tsc-writable", (u32) (c >> 32) == 0 || c < b);
    SDM_CHECK("tsc-msr", rdmsr(0x10) >= c, 1);
}

static void sysenter(void)
{
    if (!bit(cpuid_edx(), 11)) {
        skip("sysenter", "not in CPUID");
        return;
    }
    wrmsr(0x174, 0);
    check("sysenter-without-cs", TRY(ASM("sysenter")), GP(0));
    check("sysenter-without-cs-ring3", TRY3(ASM("sysenter")), GP(0));
    check("sysexit-without-cs", TRY(ASM("sysexit", : "d"(0), "c"(0))), GP(0));
    wrmsr(0x174, CODE0);
    wrmsr(0x175, main_tss.esp0);
    wrmsr(0x176, (u32) sysenter_target);
    check("msr-reads-back", (u32) rdmsr(0x176), (u32) sysenter_target);
    set_gate(0x82, CODE0, stub_table[0x82], 0xee);
    ring3_eflags = 0x202;               /* nothing is unmasked; sysenter clears IF */
    check("sysenter", TRY3(ASM("movl %%esp, %%ecx; sysenter", : "d"(sysexit_landing) : "ecx", "memory")), TRAP(0x82, 0));
    ring3_eflags = 2;
    check("sysenter-esp", sysenter_esp, main_tss.esp0);
    check("sysenter-cs", sysenter_cs, CODE0);
    check("sysenter-clears-if-vm", sysenter_flags & 0x20200, 0);
    check("sysexit-cs", caught.f.cs, CODE0 + 0x10 + 3);
    check("sysexit-ss", caught.f.ss, CODE0 + 0x18 + 3);
    check("sysexit-eip", caught.f.eip, (u32) sysexit_landing + 2);
    check("sysexit-ring3", TRY3(ASM("sysexit", : "d"(0), "c"(0))), GP(0));
}

static void exchange(void)
{
    static u64 value __attribute__((aligned(8)));
    u8 zf;
    u32 a = 0x11111111, d = 0x22222222;
    value = 0x2222222211111111ull;
    ASM("lock; cmpxchg8b %3; setz %2", "+a"(a), "+d"(d), "=q"(zf), "+m"(value) : "b"(0x33333333), "c"(0x44444444) : "cc");
    check("cmpxchg8b-equal-zf", zf, 1);
    check("cmpxchg8b-equal-low", (u32) value, 0x33333333);
    check("cmpxchg8b-equal-high", (u32) (value >> 32), 0x44444444);
    a = 0, d = 0;
    ASM("lock; cmpxchg8b %3; setz %2", "+a"(a), "+d"(d), "=q"(zf), "+m"(value) : "b"(0x33333333), "c"(0x44444444) : "cc");
    check("cmpxchg8b-different-zf", zf, 0);
    check("cmpxchg8b-different-eax", a, 0x33333333);
    check("cmpxchg8b-different-edx", d, 0x44444444);
    u32 flags;
    ASM("pushl $0x8d7; popfl; lock; cmpxchg8b %1; pushfl; popl %0", "=r"(flags), "+m"(value) : "a"(0), "b"(0), "c"(0), "d"(0) : "cc");
    check("cmpxchg8b-only-zf", flags & 0x8d5, 0x895);
    u32 x = 5, old = 7;
    ASM("cmpxchgl %2, %0", "+r"(x), "+a"(old) : "r"(9) : "cc");
    check("cmpxchg-different", x << 8 | old, 0x505);
}

static void machine_status(void)
{
    u32 cr0 = read_cr0(), v;
    ASM("lmsw %w0", : "r"((cr0 & 0xfff1) | 0xa));
    check("lmsw-sets-mp-ts", read_cr0() & 0xf, 0xb);
    ASM("lmsw %w0", : "r"(0));
    check("lmsw-cannot-clear-pe", read_cr0() & 0xf, 1);
    write_cr0(cr0);
    ASM("smsw %0", "=r"(v));
    check("smsw", v & 0xffff, cr0 & 0xffff);
    u64 apic = rdmsr(0x1b);
    if (bit(cpuid_edx(), 9))
        check("apic-base", (u32) apic & 0xfffff900, 0xfee00900);
    if (bit(cpuid_edx(), 16)) {
        u64 pat = rdmsr(0x277);
        check("pat-reset-value", (u32) pat, 0x00070406);
        SDM_CHECK("pat-reserved-type", TRY(wrmsr(0x277, 0x0202020202020202ull)), GP(0));
        wrmsr(0x277, pat);
    }
}

void processor(void)
{
    cpuid();
    time_stamp();
    sysenter();
    exchange();
    machine_status();
}
