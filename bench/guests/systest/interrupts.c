/* Interrupt and trap gates, error codes, double faults. [SDM] 3A 6.11 to 6.15, 6.12.1, 6.13. */
#include "targets.h"

static const u32 T = SEL(FIRST_FREE);
#define V 0x90                                  /* a vector of our own */
#define IDT_ERROR(vector) ((vector) * 8 + 2)
#define INT(vector) ASM("int %0", : "i"(vector) : "memory", "cc")

static u32 with_gate(struct descriptor g)
{
    idt[V] = g;
    return TRY(INT(V));
}

static u32 with_gate3(struct descriptor g)
{
    idt[V] = g;
    return TRY3(INT(V));
}

static void gate_kinds(void)
{
    const u32 target = (u32) interrupt_target;
    idt[V] = gate(CODE0, target, 0x8e, 0);
    check("interrupt-gate", TRY(ASM("sti; int %0; cli", : "i"(V) : "memory", "cc")), NONE);
    check("interrupt-gate-clears-if", seen_eflags & 0x200, 0);
    check("interrupt-gate-pushes-if", seen_stack[2] & 0x200, 0x200);
    check("interrupt-gate-pushes-cs", seen_stack[1], CODE0);
    idt[V] = gate(CODE0, target, 0x8f, 0);
    check("trap-gate", TRY(ASM("sti; int %0; cli", : "i"(V) : "memory", "cc")), NONE);
    check("trap-gate-keeps-if", seen_eflags & 0x200, 0x200);
    check("gate-clears-nt", TRY(ASM("pushl $0x4002; popfl; int %0; pushl $2; popfl", : "i"(V) : "memory", "cc")), NONE);
    check("gate-clears-nt-inside", seen_eflags & 0x4000, 0);
    check("gate-pushes-nt", seen_stack[2] & 0x4000, 0x4000);
    check("gate-keeps-iopl-df-ac", TRY(ASM("pushl $0x43402; popfl; int %0; pushl $2; popfl", : "i"(V) : "memory", "cc")), NONE);
    check("gate-keeps-iopl-df-ac-inside", seen_eflags & 0x43400, 0x43400);

    idt[V] = gate(CODE0, target, 0xee, 0);
    u32 esp_user;
    check("inter-ring", TRY3({ ASM("movl %%esp, %0", "=r"(esp_user)); *(u32 *) scratch = esp_user; INT(V); }), NONE);
    check("inter-ring-esp", seen_esp, main_tss.esp0 - 20);
    check("inter-ring-user-esp", seen_stack[3], *(u32 *) scratch);
    check("inter-ring-user-ss", seen_stack[4], DATA3);
    check("inter-ring-user-cs", seen_stack[1], CODE3);
    check("inter-ring-cs", seen_cs, CODE0);
    check("inter-ring-ss", seen_ss, DATA0);
    idt[V] = gate(CODE0 | 3, target, 0xee, 0);
    check("gate-selector-rpl", TRY3(INT(V)), NONE);
    check("gate-selector-rpl-cs", seen_cs, CODE0);

    gdt[FIRST_FREE] = segment(0, 0xfffff, 0x9f, 0xc);           /* conforming handler: stays in ring 3 */
    idt[V] = gate(T, target, 0xee, 0);
    check("conforming-handler", TRY3({ ASM("movl %%esp, %0", "=r"(esp_user)); *(u32 *) scratch = esp_user; INT(V); }), NONE);
    check("conforming-handler-cs", seen_cs, T | 3);
    check("conforming-handler-esp", seen_esp, *(u32 *) scratch - 12);
    gdt[FIRST_FREE] = segment(0, 0xfffff, 0xbb, 0xc);           /* ring 1 handler */
    gdt[FIRST_FREE + 1] = segment(0, 0xfffff, 0xb3, 0xc);
    main_tss.ss1 = SEL(FIRST_FREE + 1) | 1;
    main_tss.esp1 = (u32) scratch + 0x2000;
    check("ring1-handler", TRY3(INT(V)), NONE);
    check("ring1-handler-cs", seen_cs, T | 1);
    check("ring1-handler-esp", seen_esp, (u32) scratch + 0x2000 - 20);
    check("ring1-handler-from-ring0", TRY(INT(V)), GP(T));
    main_tss.ss1 = SEL(FIRST_FREE + 1);
    check("ring1-handler-bad-ss", TRY3(INT(V)), TS(SEL(FIRST_FREE + 1)));
    main_tss.ss1 = 0;
    check("ring1-handler-null-ss", TRY3(INT(V)), TS(0));

    gdt[FIRST_FREE] = segment((u32) small_code, 0xffff, 0x9b, 0);
    idt[V] = gate(T, (u32) (small_interrupt - small_code), 0x86, 0);
    /* iretw truncates eip, so the caller runs in the same small segment */
    struct { u32 offset; u16 selector; } __attribute__((packed)) caller = { (u32) (small_int - small_code), T };
    check("interrupt-gate-16", TRY(ASM("lcall *%0", : "m"(caller) : "memory", "cc")), NONE);
    check("interrupt-gate-16-flags", seen_stack[1] & 0xf202, 2);
    check("interrupt-gate-16-cs", seen_stack[0] >> 16, T);
    check("interrupt-gate-16-ip", seen_stack[0] & 0xffff, caller.offset + 2);
}

static void refusals(void)
{
    const u32 target = stub_table[V];
    check("int-dpl", with_gate3(gate(CODE0, target, 0x8e, 0)), GP(IDT_ERROR(V)));
    check("int-dpl3", with_gate3(gate(CODE0, target, 0xee, 0)), TRAP(V, 0));
    check("int-not-present", with_gate(gate(CODE0, target, 0x0e, 0)), NP(IDT_ERROR(V)));
    check("int-dpl-before-present", with_gate3(gate(CODE0, target, 0x0e, 0)), GP(IDT_ERROR(V)));
    check("int-call-gate", with_gate(gate(CODE0, target, 0x8c, 0)), GP(IDT_ERROR(V)));
    check("int-data-descriptor", with_gate(gate(CODE0, target, 0x93, 0)), GP(IDT_ERROR(V)));
    check("int-null-target", with_gate(gate(0, target, 0x8e, 0)), GP(0));
    check("int-data-target", with_gate(gate(DATA0, target, 0x8e, 0)), GP(DATA0));
    check("int-target-beyond-gdt", with_gate(gate(GDT_ENTRIES * 8, target, 0x8e, 0)), GP(GDT_ENTRIES * 8));
    check("int-outer-target", with_gate(gate(CODE3, target, 0x8e, 0)), GP(CODE3 & ~3u));
    gdt[FIRST_FREE] = segment(0, 0xfffff, 0x1b, 0xc);
    check("int-target-not-present", with_gate(gate(T, target, 0x8e, 0)), NP(T));
    gdt[FIRST_FREE] = segment(0, 0xfff, 0x9b, 4);
    SDM_CHECK("int-offset-beyond-limit", with_gate(gate(T, target, 0x8e, 0)), GP(0));
    struct table_pointer all = { sizeof idt - 1, (u32) idt }, some = { 0x90 * 8 - 1, (u32) idt };
    idt[V] = gate(CODE0, target, 0x8e, 0);
    ASM("lidt %0", : "m"(some));
    check("int-beyond-idt", TRY(INT(V)), GP(IDT_ERROR(V)));
    some.limit += 7;
    ASM("lidt %0", : "m"(some));
    check("int-idt-cut-short", TRY(INT(V)), GP(IDT_ERROR(V)));
    ASM("lidt %0", : "m"(all));

    idt[3] = gate(CODE0, stub_table[3], 0x8e, 0);
    check("int3-dpl", TRY3(ASM("int3")), GP(IDT_ERROR(3)));
    idt[4] = gate(CODE0, stub_table[4], 0x8e, 0);
    check("into-dpl", TRY3(ASM("movb $0x7f, %%al; addb $1, %%al; into", : : "eax", "cc")), GP(IDT_ERROR(4)));
    idt[3] = gate(CODE0, stub_table[3], 0xee, 0);
    idt[4] = gate(CODE0, stub_table[4], 0xee, 0);
    check("int3-ring3", TRY3(ASM("int3")), BP);
    check("int-3-ring3", TRY3(ASM(".byte 0xcd, 3")), BP);
    check("into-ring3", TRY3(ASM("movb $0x7f, %%al; addb $1, %%al; into", : : "eax", "cc")), OF);
    check("into-clear", TRY(ASM("xorl %%eax, %%eax; into", : : "eax", "cc")), NONE);
    check("ud-gate-dpl0-from-ring3", TRY3(ASM("ud2")), UD);
    check("int-gp-gate-has-no-error-code", (idt[13] = gate(CODE0, (u32) interrupt_target, 0x8e, 0), TRY(INT(13))), NONE);
    idt[13] = gate(CODE0, stub_table[13], 0x8e, 0);
}

#define NOT_PRESENT(vector) (idt[vector] = gate(CODE0, stub_table[vector], 0x0e, 0))
#define PRESENT(vector) (idt[vector] = gate(CODE0, stub_table[vector], 0x8e, 0))
#define DIVIDE() ASM("divl %0", : "r"(0), "a"(1), "d"(0) : "cc")
#define TOUCH() ASM("movl (%0), %%eax", : "r"(0x70000000) : "eax")

static void nested(void)
{
    NOT_PRESENT(6);
    SDM_CHECK("benign-then-contributory", TRY(ASM("ud2")), NP(IDT_ERROR(6) + 1));
    PRESENT(6);
    NOT_PRESENT(0);
    check("contributory-then-contributory", TRY(DIVIDE()), DF);
    PRESENT(0);
    NOT_PRESENT(13);
    check("gp-then-np", TRY(ASM("movl %0, %%fs", : "r"(GDT_ENTRIES * 8))), DF);
    PRESENT(13);
    NOT_PRESENT(14);
    check("pf-then-contributory", TRY(TOUCH()), DF);
    PRESENT(14);
    /* the IDT entry of the second fault lies on a page that is not there */
    static struct descriptor moved[512] __attribute__((aligned(4096)));
    struct table_pointer old = { sizeof idt - 1, (u32) idt };
    u32 start = (u32) moved + 4096 - 14 * 8 - 8;        /* vector 14 ends the first page: 15 and up lie on the second */
    memcpy((void *) start, idt, 15 * 8);
    struct table_pointer split = { 32 * 8 - 1, start };
    u32 *entry = page_entry((u32) moved + 4096), saved = *entry;
    *entry = 0;
    invlpg((u32) moved + 4096);
    ASM("lidt %0", : "m"(split));
    u32 outcome = TRY(ASM(".byte 0xcd, 16"));
    u32 cr2 = caught.cr2;
    ASM("lidt %0", : "m"(old));
    *entry = saved;
    invlpg((u32) moved + 4096);
    check("pf-reading-idt", outcome, PF(0));
    check("pf-reading-idt-address", cr2, start + 16 * 8);
    PRESENT(13);
    check("df-error-code-is-pushed", (NOT_PRESENT(0), TRY(DIVIDE())), DF);
    PRESENT(0);
    idt[0] = gate(0, stub_table[0], 0x8e, 0);
    idt[6] = gate(0, stub_table[6], 0x8e, 0);
    SDM_CHECK("null-handler-ext", TRY(ASM("ud2")), GP(1));
    idt[6] = gate(DATA0, stub_table[6], 0x8e, 0);
    SDM_CHECK("data-handler-ext", TRY(ASM("ud2")), GP(DATA0 + 1));
    PRESENT(6);
    PRESENT(0);
}

static void faulting_eip(void)
{
    u32 at;
    check("fault-eip", TRY(ASM("movl $1f, %0; 1: ud2", "=m"(at))), UD);
    check("fault-eip-points-at-instruction", caught.f.eip, at);
    check("trap-eip", TRY(ASM("movl $1f, %0; int3; 1:", "=m"(at))), BP);
    check("trap-eip-points-behind", caught.f.eip, at);
    check("trap-has-no-rf", caught.f.eflags & 0x10000, 0);
    TRY(ASM("ud2"));
    SDM_CHECK("fault-pushes-rf", caught.f.eflags & 0x10000, 0x10000);
    check("fault-eip-with-prefixes", TRY(ASM("movl $1f, %0; 1: .byte 0x66, 0x2e, 0x0f, 0x0b", "=m"(at))), UD);
    check("fault-eip-points-at-prefix", caught.f.eip, at);
}

void interrupts(void)
{
    gate_kinds();
    refusals();
    nested();
    faulting_eip();
}
