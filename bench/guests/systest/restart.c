/* Precise faults: an instruction that page-faults in the middle leaves the registers as they were, and runs again as if nothing had been.
   [SDM] 3A 6.6 and the pages of the instructions. Each instruction here runs across the end of a page or into a missing one. */
#include "systest.h"

#define VA 0x40000000u
#define PAGES 8
#define BITS (PAGE_PRESENT | PAGE_WRITE | PAGE_USER)

static volatile u32 faults, last_cr2;
static volatile struct frame last;

static u32 physical(u32 page) { return (u32) scratch + 0x4000 + (page ^ 1) * 0x1000; }      /* not contiguous */

/* Maps what is missing and lets the instruction run again. */
static void on_fault(struct frame *f)
{
    u32 va = read_cr2();
    if (va - VA >= PAGES << 12 || f->error & 1) {
        catch_trap(f);
        return;
    }
    faults++;
    last_cr2 = va;
    memcpy((void *) &last, f, sizeof last - 8);
    map_page(va & ~0xfffu, physical(va >> 12 & 7), BITS);
}

/* Only the pages of the mask are there; all are cleared. */
static void only(u32 mask)
{
    handlers[14] = on_fault;
    faults = 0;
    memset(scratch + 0x4000, 0, PAGES << 12);
    for (u32 p = 0; p < PAGES; p++) {
        map_page(VA + (p << 12), physical(p), mask >> p & 1 ? BITS : 0);
        invlpg(VA + (p << 12));
    }
}

static u32 at(u32 offset) { return *(volatile u32 *) (VA + offset); }
static void set(u32 offset, u32 v) { *(volatile u32 *) (VA + offset) = v; }

/* The instruction runs with esp in a window whose stack page is there, so that the fault can be delivered; the operands fault. */
static void operands(void)
{
    u32 eax, ecx, esi, edi, at_eip;

    only(1);
    eax = 0x1000;
    ASM("addl %0, (%1)", "+r"(eax) : "r"(VA + 0xffe) : "memory", "cc");
    check("rmw-across", at(0xffe), 0x1000);
    check("rmw-across-faults", faults, 1);
    check("rmw-across-cr2", last_cr2, VA + 0x1000);
    only(2);
    ASM("incl (%0)", : "r"(VA + 0xffe) : "memory", "cc");
    check("rmw-first-page-missing", at(0xffe), 1);
    only(1);
    set(0xffc, 0xffffffff);
    eax = 0x5555aaaa;
    ASM("xchgl %0, (%1)", "+r"(eax) : "r"(VA + 0xffe) : "memory");
    check("xchg-across", eax, 0x0000ffff);
    check("xchg-across-memory", at(0xffe), 0x5555aaaa);
    only(1);
    eax = 0;
    ASM("lock; cmpxchgl %2, (%1)", "+a"(eax) : "r"(VA + 0xffe), "r"(0x77778888) : "memory", "cc");
    check("cmpxchg-across", at(0xffe), 0x77778888);
    only(1);
    eax = 0;
    u32 edx = 0;
    ASM("lock; cmpxchg8b (%2)", "+a"(eax), "+d"(edx) : "D"(VA + 0xffc), "b"(0x11112222), "c"(0x33334444) : "memory", "cc");
    check("cmpxchg8b-across-low", at(0xffc), 0x11112222);
    check("cmpxchg8b-across-high", at(0x1000), 0x33334444);
    only(1);
    set(0xff8, 0x5000);
    eax = 3;
    ASM("xaddl %0, (%1)", "+r"(eax) : "r"(VA + 0xffe) : "memory", "cc");
    check("xadd-across-register", eax, 0);
    check("xadd-across-memory", at(0xffe), 3);
    only(1);
    ASM("btsl %0, (%1)", : "r"(0x1000 * 8 + 5), "r"(VA) : "memory", "cc");
    check("bts-next-page", at(0x1000), 0x20);
    only(1);
    ASM("stc; rcll $1, (%0)", : "r"(VA + 0xffd) : "memory", "cc");
    check("rcl-keeps-carry", at(0xffd), 1);
    only(1);
    u32 carry = 0;
    ASM("stc; adcl $0xffffffff, (%1); sbbl %0, %0", "=r"(carry) : "r"(VA + 0xffd) : "memory", "cc");
    check("adc-keeps-carry", at(0xffd), 0);
    check("adc-carry-out", carry, ~0u);

    only(0x01);
    for (u32 i = 0; i < 0x1000; i += 4)
        set(i, i);
    esi = VA + 0x800, edi = VA + 0x3c00, ecx = 0x200;
    ASM("movl $1f, %0; 1: rep; movsl", "=m"(at_eip), "+S"(esi), "+D"(edi), "+c"(ecx) : : "memory");
    check("rep-movs-faults", faults, 2);
    check("rep-movs-done", ecx, 0);
    check("rep-movs-esi", esi, VA + 0x1000);
    check("rep-movs-edi", edi, VA + 0x4400);
    check("rep-movs-data", at(0x3c00) ^ at(0x43fc), 0x800 ^ 0xffc);
    check("rep-movs-eip", last.eip, at_eip);
    only(0x03);
    esi = VA + 0x800, edi = VA + 0x1f00, ecx = 0x100;
    ASM("rep; movsl", "+S"(esi), "+D"(edi), "+c"(ecx) : : "memory");
    check("rep-movs-progress-ecx", last.ecx, 0x100 - 0x40);
    check("rep-movs-progress-esi", last.esi, VA + 0x800 + 0x100);
    check("rep-movs-progress-edi", last.edi, VA + 0x2000);
    only(0x02);
    edi = VA + 0x1100, ecx = 0x200;
    ASM("std; rep; stosb; cld", "+D"(edi), "+c"(ecx) : "a"(0xee) : "memory", "cc");
    check("rep-stos-backward", edi, VA + 0xf00);
    check("rep-stos-backward-faults", faults, 1);
    check("rep-stos-backward-ecx-at-fault", last.ecx, 0x200 - 0x101);
    check("rep-stos-backward-edi-at-fault", last.edi, VA + 0xfff);
    check("rep-stos-backward-df-at-fault", last.eflags & 0x400, 0x400);
    only(0x01);
    edi = VA + 0xf00, ecx = 0x1000;
    ASM("repe; scasb", "+D"(edi), "+c"(ecx) : "a"(0) : "memory", "cc");
    check("rep-scas", faults, 1);
    check("rep-scas-edi", edi, VA + 0x1f00);
    only(0x09);
    esi = VA + 0xf00, edi = VA + 0x3f80, ecx = 0x400;
    ASM("repe; cmpsl", "+S"(esi), "+D"(edi), "+c"(ecx) : : "memory", "cc");
    check("rep-cmps-faults", faults, 2);
    check("rep-cmps-done", ecx, 0);
    only(0x01);
    esi = VA + 0x1000;
    ASM("lodsl", "+S"(esi), "=a"(eax) : : "memory");
    check("lods-esi", esi, VA + 0x1004);
    check("lods-esi-at-fault", last.esi, VA + 0x1000);
    only(0x01);
    set(0x100, 0x31415926);
    esi = VA + 0x100, edi = VA + 0x1000;
    ASM("movsl", "+S"(esi), "+D"(edi) : : "memory");
    check("movs-destination", at(0x1000), 0x31415926);
    check("movs-esi-at-fault", last.esi, VA + 0x100);

    only(0x01);
    ASM("fldpi; fstpt (%0)", : "r"(VA + 0xffa) : "memory");
    check("fstp80-across", at(0xffe), 0xc90fdaa2u);
    u16 tag[14];
    ASM("fnstenv %0; fldenv %0", "=m"(tag) : : "memory");
    check("fstp80-popped-once", tag[4], 0xffff);
    only(0x01);
    ASM("fldpi; fnsave (%0)", : "r"(VA + 0xfa0) : "memory");
    check("fsave-across", faults, 1);
    check("fsave-across-data", at(0xfa0 + 28 + 4), 0xc90fdaa2u);
    ASM("fninit");
    only(0x01);
    set(0xffc, 0x12345678);
    eax = 0x99;
    struct { u32 o; } loaded = { 0 };
    ASM("lfs (%1), %0", "=r"(loaded.o) : "r"(VA + 0xffc) : "memory");
    check("lfs-across", loaded.o, 0x12345678);
    ASM("movw %w0, %%fs", : "r"(DATA0));
    only(0x01);
    ASM("bound %0, (%1)", : "r"(0), "r"(VA + 0xffc) : "memory");
    check("bound-across", faults, 1);
    only(0);
    ASM("xlat", "=a"(eax) : "0"(0x10), "b"(VA) : "memory");
    check("xlat", faults, 1);
    ASM("fninit");
}

/* What pushes and pops across page ends, in ring 3: the fault is delivered on the ring 0 stack. */
#define RING3_STACK(esp, text, ...) \
    check_none(TRY3(ASM("movl %%esp, %%esi; movl %0, %%esp\n\t" text "\n\tmovl %%esp, %%edi; movl %%esi, %%esp", : "r"(esp) __VA_OPT__(,) __VA_ARGS__ : "eax", "ebx", "ecx", "edx", "esi", "edi", "memory", "cc")))

static u32 odd_outcomes;
static void check_none(u32 outcome) { odd_outcomes += outcome != NONE; }

static void stacks(void)
{
    odd_outcomes = 0;
    only(1);
    RING3_STACK(VA + 0x1002, "pushl $0x12345678");
    check("push-across", at(0xffe), 0x12345678);
    check("push-across-faults", faults, 1);
    only(2);
    RING3_STACK(VA + 0x1000, "pushl %%esp");
    check("push-esp", at(0xffc), VA + 0x1000);
    only(2);
    set(0x1000, 0xcafef00d);
    RING3_STACK(VA + 0x1000, "pushl 0x40001000");
    check("push-memory", at(0xffc), 0xcafef00d);
    only(2);
    RING3_STACK(VA + 0x1010, "pushal");
    check("pusha-across-faults", faults, 1);
    check("pusha-across-esp", at(0xffc), VA + 0x1010);
    only(1);
    set(0xff0, 1), set(0xff4, 2), set(0xff8, 3), set(0xffc, 4);
    set_gate(0x82, CODE0, stub_table[0x82], 0xee);
    check("popa-across", TRY3(ASM("movl %0, %%esp; popal; int $0x82", : "r"(VA + 0xff0) : "memory")), TRAP(0x82, 0));
    check("popa-across-faults", faults, 1);
    check("popa-across-esp", caught.f.esp, VA + 0x1010);
    check("popa-across-edi-ebx", caught.f.edi << 16 | caught.f.ebx, 0x10000);
    only(4);
    RING3_STACK(VA + 0x2004, "pushl %%ebp; movl %%esp, %%ebp; enter $0x1004, $0; movl %%esp, %%ebx; leave; popl %%ebp");
    SDM_CHECK("enter-tests-the-last-page", faults, 2);          /* a write to the new top of stack would fault */
    only(2);
    RING3_STACK(VA + 0x1004, "movl %%ebp, %%edx; leal 0x20(%%esp), %%ebp; enter $0, $3; movl %%edx, %%ebp");
    check("enter-nested", faults, 1);
    only(2);
    RING3_STACK(VA + 0x1000, "call 1f; 1:");
    check("call", faults, 1);
    only(2);
    RING3_STACK(VA + 0x1004, "pushl %%cs; lcall $0x1b, $1f; 1:");
    check("far-call-across-selector", at(0xffc) & 0xffff, CODE3);
    check("far-call-across", faults, 1);
    only(2);
    RING3_STACK(VA + 0x1002, "pushfl");
    check("pushf-across", faults, 1);
    only(2);
    RING3_STACK(VA + 0x1004, "movl $0x40002ffe, %%eax; movl $0x55667788, (%%esp); popl (%%eax)");
    check("pop-memory", at(0x2ffe), 0x55667788);
    check("pop-memory-faults", faults, 2);
    only(2);
    set(0x1004, 0x600d);
    RING3_STACK(VA + 0x1004, "popl 0xffc(%%esp)");              /* the address uses esp after the increment */
    check("pop-esp-relative", at(0x2004), 0x600d);
    check("all-survived", odd_outcomes, 0);

    /* registers at the fault */
    only(2);
    handlers[14] = catch_trap;
    check("push-fault", TRY3(ASM("movl %0, %%esp; pushl %%eax", : "r"(VA + 0x1000) : "memory")), PF(6));
    check("push-fault-esp", caught.f.esp, VA + 0x1000);
    check("push-fault-cr2", caught.cr2, VA + 0xffc);
    only(2);
    handlers[14] = catch_trap;
    check("pusha-fault", TRY3(ASM("movl %0, %%esp; pushal", : "r"(VA + 0x1010) : "memory")), PF(6));
    check("pusha-fault-esp", caught.f.esp, VA + 0x1010);
    check("call-fault", TRY3(ASM("movl %0, %%esp; call 1f; 1:", : "r"(VA + 0x1000) : "memory")), PF(6));
    check("call-fault-esp", caught.f.esp, VA + 0x1000);
    check("enter-fault", TRY3(ASM("movl %0, %%esp; movl $0x1234, %%ebp; enter $8, $0", : "r"(VA + 0x1000) : "memory", "ebp")), PF(6));
    check("enter-fault-ebp", caught.f.ebp, 0x1234);
    check("enter-fault-esp", caught.f.esp, VA + 0x1000);
    check("pop-fault", TRY3(ASM("movl %0, %%esp; popl 0x2000(%0)", : "r"(VA + 0x1000) : "memory")), PF(6));
    check("pop-fault-esp", caught.f.esp, VA + 0x1000);
    check("ret-fault", TRY3(ASM("movl %0, %%esp; ret", : "r"(VA + 0x2000) : "memory")), PF(4));
    check("ret-fault-esp", caught.f.esp, VA + 0x2000);
    check("leave-fault", TRY3(ASM("movl %0, %%ebp; leave", : "r"(VA + 0x2000) : "memory", "ebp")), PF(4));
    check("leave-fault-ebp", caught.f.ebp, VA + 0x2000);
    check("popa-fault", TRY3(ASM("movl %0, %%esp; movl $0x77, %%edi; popal", : "r"(VA + 0x1ff0) : "memory", "edi")), PF(4));
    check("popa-fault-esp", caught.f.esp, VA + 0x1ff0);
    SDM_CHECK("iret-fault", TRY3(ASM("movl %0, %%esp; pushl $0x1b; pushl $0; leal -4(%%esp), %%esp; movl %1, %%esp; iretl", : "r"(VA + 0x1800), "r"(VA + 0x1ff8) : "memory")), PF(4));
    SDM_CHECK("iret-fault-esp", caught.f.esp, VA + 0x1ff8);
    check("div-memory-fault", TRY(ASM("divl (%0)", : "r"(VA + 0x2000), "a"(7), "d"(1) : "memory", "cc")), PF(0));
    check("div-memory-fault-eax", caught.f.eax, 7);
    check("loop-to-missing-page", TRY(ASM("movl $5, %%ecx; jmp *%0", : "r"(VA + 0x2000) : "ecx")), PF(0));
}

/* Delivery of an interrupt from ring 3 across the end of a page of the ring 0 stack. */
static void delivery(void)
{
    only(3);
    u32 esp0 = main_tss.esp0;
    main_tss.esp0 = VA + 0x1008;
    check("delivery-across", TRY3(ASM("int $0x82")), TRAP(0x82, 0));
    check("delivery-across-cs", at(0x1008 - 16) & 0xffff, CODE3);
    main_tss.esp0 = esp0;
}

void restart(void)
{
    set_gate(0x82, CODE0, stub_table[0x82], 0xee);
    operands();
    stacks();
    delivery();
}
