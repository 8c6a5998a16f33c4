/* Far calls, call gates and far returns between rings. [SDM] 3A 5.8; 2A CALL; 2B RET. */
#include "targets.h"

static const u32 S = SEL(FIRST_FREE);           /* the gate */
static const u32 T = SEL(FIRST_FREE + 1);       /* a target of its own */
static u8 inner_stack[1024] __attribute__((aligned(16)));
#define INNER_TOP ((u32) inner_stack + sizeof inner_stack)

#define CALL_GATE(selector) ASM("pushl %0; pushl $0; lcall *(%%esp); addl $8, %%esp", : "r"(selector) : "eax", "memory", "cc")

static void set_call_gate(u32 selector, void (*target)(void), u32 access, u32 parameters)
{
    gdt[FIRST_FREE] = gate(selector, (u32) target, access, parameters);
}

static void same_ring(void)
{
    u32 before, after;
    set_call_gate(CODE0, gate_target, 0x8c, 2);         /* no stack switch, so nothing is copied */
    check("call-same-ring", TRY({
        ASM("movl %%esp, %0", "=r"(before));
        CALL_GATE(S);
        ASM("movl %%esp, %0", "=r"(after));
        scratch[0] = before == after;
    }), NONE);
    check("call-same-ring-esp", scratch[0], 1);
    check("call-same-ring-cs", seen_cs, CODE0);
    check("call-same-ring-pushed-cs", seen_stack[1], CODE0);
    check("call-same-ring-no-copy", seen_stack[2], 0);  /* the offset that CALL_GATE pushed */
    check("call-gate-offset-ignored", TRY(ASM("pushl %0; pushl $0x12345678; lcall *(%%esp); addl $8, %%esp", : "r"(S) : "eax", "memory")), NONE);
    check("jump-same-ring", TRY(ASM("pushl $8; pushl $1f; pushl %0; pushl $0; movl %%esp, %%eax; addl $8, %%esp; ljmp *(%%eax); 1:",
        : "r"(S) : "eax", "memory", "cc")), NONE);
}

/* Ring 3 to ring 0 through a 32-bit gate with two parameters. */
static void inward(void)
{
    u32 esp_user, esp_after;
    set_call_gate(CODE0, gate_target_2, 0xec, 2);
    check("call-inward", TRY3({
        ASM("movl %%esp, %0\n\t"
            "pushl $0x11111111\n\t"
            "pushl $0x22222222\n\t"
            "lcall %2, $0\n\t"
            "movl %%esp, %1", "=&r"(esp_user), "=&r"(esp_after) : "i"(SEL(FIRST_FREE)) : "eax", "memory", "cc");
        *(u32 *) scratch = esp_user;
        *(u32 *) (scratch + 4) = esp_after;
    }), NONE);
    esp_user = *(u32 *) scratch, esp_after = *(u32 *) (scratch + 4);
    check("call-inward-cs", seen_cs, CODE0);
    check("call-inward-ss", seen_ss, DATA0);
    check("call-inward-esp", seen_esp, main_tss.esp0 - 24);
    check("call-inward-return-cs", seen_stack[1], CODE3);
    check("call-inward-parameter-last", seen_stack[2], 0x22222222);
    check("call-inward-parameter-first", seen_stack[3], 0x11111111);
    check("call-inward-user-esp", seen_stack[4], esp_user - 8);
    check("call-inward-user-ss", seen_stack[5], DATA3);
    check("return-outward-releases", esp_after, esp_user);

    set_call_gate(CODE0 | 3, gate_target, 0xec, 0);
    check("gate-selector-rpl-ignored", TRY3(CALL_GATE(S)), NONE);
    check("gate-selector-rpl-cs", seen_cs, CODE0);
    set_call_gate(CODE0, gate_target_null_fs, 0xec, 0);
    u32 fs = 1, gs = 1;
    check("return-outward-segments", TRY3({
        CALL_GATE(S);
        ASM("movl %%fs, %0; movl %%gs, %1", "=r"(fs), "=r"(gs));
        *(u32 *) scratch = (fs & 0xffff) << 16 | (gs & 0xffff);
    }), NONE);
    check("return-outward-takes-segments", *(u32 *) scratch, 0);

    gdt[FIRST_FREE + 1] = segment(0, 0xfffff, 0x9f, 0xc);       /* conforming: stays in ring 3 on its stack */
    set_call_gate(T, gate_target, 0xec, 2);
    check("call-conforming", TRY3({
        ASM("movl %%esp, %0", "=r"(esp_user));
        *(u32 *) scratch = esp_user;
        CALL_GATE(S);
    }), NONE);
    SDM_CHECK("call-conforming-cs", seen_cs, T | 3);
    check("call-conforming-stack", seen_esp, *(u32 *) scratch - 16);
}

static u32 refused(struct descriptor g, u32 rpl)
{
    gdt[FIRST_FREE] = g;
    return TRY3(CALL_GATE(S | rpl));
}

static void refusals(void)
{
    const u32 target = (u32) gate_target;
    check("gate-dpl", refused(gate(CODE0, target, 0x8c, 0), 0), GP(S));
    check("gate-not-present", refused(gate(CODE0, target, 0x6c, 0), 0), NP(S));
    check("gate-dpl-before-present", refused(gate(CODE0, target, 0x0c, 0), 0), GP(S));
    check("gate-null-target", refused(gate(0, target, 0xec, 0), 0), GP(0));
    check("gate-data-target", refused(gate(DATA0, target, 0xec, 0), 0), GP(DATA0));
    check("gate-target-beyond-gdt", refused(gate(GDT_ENTRIES * 8, target, 0xec, 0), 0), GP(GDT_ENTRIES * 8));
    check("gate-system-target", refused(gate(MAIN_TSS, target, 0xec, 0), 0), GP(MAIN_TSS));
    gdt[FIRST_FREE + 1] = segment(0, 0xfffff, 0x1b, 0xc);
    check("gate-target-not-present", refused(gate(T, target, 0xec, 0), 0), NP(T));
    check("call-interrupt-gate", refused(gate(CODE0, target, 0xee, 0), 0), GP(S));
    set_call_gate(CODE0, gate_target, 0xcc, 0);         /* DPL 2 */
    check("gate-rpl", (gdt[FIRST_FREE] = gate(CODE0, target, 0xcc, 0), TRY(CALL_GATE(S | 3))), GP(S));
    set_call_gate(CODE0, gate_target, 0xec, 0);
    check("jump-inward", TRY3(ASM("pushl %0; pushl $0; ljmp *(%%esp)", : "r"(S) : "memory")), GP(CODE0));
    set_call_gate(CODE3, gate_target, 0xec, 0);
    check("gate-to-outer-ring", TRY(CALL_GATE(S)), GP(CODE3 & ~3u));
    gdt[FIRST_FREE + 1] = segment(0, 0xfff, 0x9b, 4);
    set_call_gate(T, gate_target, 0xec, 0);
    SDM_CHECK("gate-offset-beyond-limit", TRY3(CALL_GATE(S)), GP(0));
}

/* Ring 1 as target: what is wrong with its stack is found in the TSS and reported in ring 0. */
static u32 ring1_call(u32 ss1, u32 esp1)
{
    gdt[FIRST_FREE + 1] = segment(0, 0xfffff, 0xbb, 0xc);
    set_call_gate(T, gate_target, 0xec, 0);
    main_tss.ss1 = ss1;
    main_tss.esp1 = esp1;
    return TRY3(CALL_GATE(S));
}

static void inner_stacks(void)
{
    const u32 D = SEL(FIRST_FREE + 2);
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0xb3, 0xc);
    check("ring1-call", ring1_call(D | 1, INNER_TOP), NONE);
    check("ring1-call-cs", seen_cs, T | 1);
    check("ring1-call-ss", seen_ss, D | 1);
    check("ring1-call-esp", seen_esp, INNER_TOP - 16);
    check("ring1-ss-null", ring1_call(0, INNER_TOP), TS(0));
    check("ring1-ss-wrong-rpl", ring1_call(D, INNER_TOP), TS(D));
    check("ring1-ss-wrong-dpl", ring1_call(DATA0 | 1, INNER_TOP), TS(DATA0));
    check("ring1-ss-beyond-gdt", ring1_call((GDT_ENTRIES * 8) | 1, INNER_TOP), TS(GDT_ENTRIES * 8));
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0xb1, 0xc);
    check("ring1-ss-read-only", ring1_call(D | 1, INNER_TOP), TS(D));
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0x33, 0xc);
    SDM_CHECK("ring1-ss-not-present", ring1_call(D | 1, INNER_TOP), SS(D));
    gdt[FIRST_FREE + 2] = segment(0, 0xfff, 0xb3, 4);
    SDM_CHECK("ring1-ss-no-room", ring1_call(D | 1, INNER_TOP), SS(D));
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0xb3, 0xc);
    gdt[5] = segment((u32) &main_tss, 15, 0x89, 0);             /* too short for ss1 */
    ltr(MAIN_TSS);
    check("tss-too-short", ring1_call(D | 1, INNER_TOP), TS(MAIN_TSS));
    gdt[5] = segment((u32) &main_tss, sizeof main_tss - 1, 0x89, 0);
    ltr(MAIN_TSS);
}

static void small_gates(void)
{
    gdt[FIRST_FREE + 1] = segment((u32) small_code, 0xffff, 0x9b, 0);
    gdt[FIRST_FREE] = gate(T, (u32) (small_call - small_code), 0xe4, 2);
    gdt[FIRST_FREE + 2] = segment((u32) small_code, 0xffff, 0xfb, 0);
    gdt[FIRST_FREE + 3] = segment((u32) scratch, 0xffff, 0xf3, 0);
    set_gate(0x82, CODE0, stub_table[0x82], 0xee);
    check("gate-16", TRY(ASM("movw %w4, %%ds; movw %w4, %%es; pushl %0; pushl %1; pushl $2; pushl %2; pushl %3; iretl",
        : "r"(SEL(FIRST_FREE + 3) | 3), "i"(0x1000), "r"(SEL(FIRST_FREE + 2) | 3), "r"(small_user - small_code), "r"(DATA3) : "memory")), TRAP(0x82, 0));
    check("gate-16-cs", seen_cs, T);
    check("gate-16-esp", seen_esp, main_tss.esp0 - 12);
    check("gate-16-return-ip", seen_stack[0] & 0xffff, (u32) (small_user_end - small_code) - 2);
    check("gate-16-return-cs", seen_stack[0] >> 16, SEL(FIRST_FREE + 2) | 3);
    check("gate-16-parameters", seen_stack[1], 0x11112222);
    check("gate-16-user-sp", seen_stack[2] & 0xffff, 0x1000 - 4);
    check("gate-16-user-ss", seen_stack[2] >> 16, SEL(FIRST_FREE + 3) | 3);
    check("gate-16-returns", caught.f.eip, (u32) (small_user_end - small_code));
    check("gate-16-released", caught.f.esp & 0xffff, 0x1000);
}

/* A far return with these four words on the stack, from ring 0. */
static u32 far_return(u32 eip, u32 cs, u32 esp, u32 ss)
{
    return TRY(ASM("pushl %3; pushl %2; pushl %1; pushl %0; lret", : "r"(eip), "r"(cs), "r"(esp), "r"(ss) : "memory"));
}

static void returns(void)
{
    const u32 landing = (u32) ring3_landing, stack = INNER_TOP;
    set_gate(0x82, CODE0, stub_table[0x82], 0xee);
    check("return-outward", far_return(landing, CODE3, stack, DATA3), TRAP(0x82, 0));
    check("return-outward-esp", caught.f.esp, stack);
    check("return-outward-cs", caught.f.cs, CODE3);
    check("return-outward-ss", caught.f.ss, DATA3);
    check("return-null-cs", far_return(landing, 0, stack, DATA3), GP(0));
    check("return-data-cs", far_return(landing, DATA3, stack, DATA3), GP(DATA3 & ~3u));
    check("return-rpl-not-dpl", far_return(landing, CODE0 | 3, stack, DATA3), GP(CODE0));
    check("return-null-ss", far_return(landing, CODE3, stack, 0), GP(0));
    check("return-ss-rpl", far_return(landing, CODE3, stack, DATA3 & ~3u), GP(DATA3 & ~3u));
    check("return-ss-dpl", far_return(landing, CODE3, stack, DATA0 | 3), GP(DATA0));
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0x73, 0xc);
    SDM_CHECK("return-ss-not-present", far_return(landing, CODE3, stack, SEL(FIRST_FREE + 2) | 3), SS(SEL(FIRST_FREE + 2)));
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0x7b, 0xc);
    check("return-cs-not-present", far_return(landing, SEL(FIRST_FREE + 2) | 3, stack, DATA3), NP(SEL(FIRST_FREE + 2)));
    check("return-beyond-gdt", far_return(landing, GDT_ENTRIES * 8 | 3, stack, DATA3), GP(GDT_ENTRIES * 8));
    check("return-inward", TRY3(ASM("pushl $8; pushl $1f; lret; 1:", : : "memory")), GP(CODE0));
    gdt[FIRST_FREE + 2] = segment(0, 0xfff, 0xfb, 4);
    SDM_CHECK("return-beyond-limit", far_return(landing, SEL(FIRST_FREE + 2) | 3, stack, DATA3), GP(0));
    u32 before, after;
    ASM("movl %%esp, %0; pushl $1; pushl $2; pushl $8; pushl $1f; lret $8; 1: movl %%esp, %1", "=&r"(before), "=&r"(after) : : "memory");
    check("return-same-ring-releases", after, before);
    TRY(ASM("pushl %1; pushl %0; pushl $1; pushl $2; pushl %3; pushl %2; lret $8",
        : "r"(stack), "r"(DATA3), "r"(landing), "r"(CODE3) : "memory"));
    check("return-outward-releases-both", caught.f.esp, stack + 8);
}

/* iret: what it may change where. */
static u32 iret_flags(u32 flags)
{
    u32 result;
    ASM("pushl %1; pushl %%cs; pushl $1f; iretl; 1: pushfl; popl %0; pushl $2; popfl", "=r"(result) : "r"(flags) : "memory", "cc");
    return result;
}

static u32 popf_flags(u32 flags)
{
    u32 result;
    ASM("pushl %1; popfl; pushfl; popl %0", "=r"(result) : "r"(flags) : "memory", "cc");
    return result;
}

static void flags(void)
{
    check("iret-ring0-flags", iret_flags(0x3cd7), 0x3cd7);
    check("iret-ring0-iopl", iret_flags(0x1002), 0x1002);
    check("iret-reserved-bits", iret_flags(0xffc08028), 2);
    check("iret-ac-id", iret_flags(0x240002), 0x240002);
    TRY3(*(u32 *) scratch = iret_flags(0x3ed7));
    check("iret-ring3-keeps-iopl-if", *(u32 *) scratch, 0xcd7);
    TRY3(*(u32 *) scratch = popf_flags(0x3ed7));
    check("popf-ring3-keeps-iopl-if", *(u32 *) scratch, 0xcd7);
    ring3_eflags = 0x3002;
    TRY3({ *(u32 *) scratch = popf_flags(0x0202); ASM("cli"); });
    check("popf-ring3-iopl3-sets-if", *(u32 *) scratch, 0x3202);
    ring3_eflags = 2;
    check("popf-ring0-nt", (popf_flags(0x4002) | popf_flags(2)) & 0x4000, 0x4000);
    check("popf-ring0-vm-rf", popf_flags(0x30002) & 0x30000, 0);
    u32 half;
    ASM("pushl $0x3003; popfl; pushw $0; popfw; pushfl; popl %0; pushl $2; popfl", "=r"(half) : : "cc", "memory");
    check("popf-16", half, 2);
    check("iret-nt-ring3", TRY3(ASM("pushfl; orl $0x4000, (%%esp); popfl; pushl $0; pushl $0; pushl $0; iretl", : : "memory", "cc")), TS(0));
    ring3_eflags = 0x2;
    check("cli-ring3", TRY3(ASM("cli")), GP(0));
    check("sti-ring3", TRY3(ASM("sti")), GP(0));
    check("hlt-ring3", TRY3(ASM("hlt")), GP(0));
    ring3_eflags = 0x3002;
    check("cli-ring3-iopl3", TRY3(ASM("cli")), NONE);
    check("hlt-ring3-iopl3", TRY3(ASM("hlt")), GP(0));
    ring3_eflags = 2;
}

/* The I/O permission bitmap. */
static void io_bitmap(void)
{
    static struct { struct tss t; u8 map[8193]; } __attribute__((packed, aligned(128))) wide;
    wide.t = main_tss;
    wide.t.iomap = sizeof wide.t;
    memset(wide.map, 0xff, sizeof wide.map);
    wide.map[0x80 / 8] = 0xfe;                  /* port 80 only */
    wide.map[0x3f8 / 8] = 0;                    /* ports 3f8 to 3ff */
    wide.map[0xffff / 8] = 0x7f;                /* port ffff; the byte after it stays ff */
    gdt[FIRST_FREE + 3] = segment((u32) &wide, sizeof wide - 1, 0x89, 0);
    ltr(SEL(FIRST_FREE + 3));
    check("io-allowed-byte", TRY3(outb(0x80, 0)), NONE);
    check("io-next-port", TRY3(outb(0x81, 0)), GP(0));
    check("io-word-half-allowed", TRY3(outw(0x80, 0)), GP(0));
    check("io-dword-inside", TRY3(inl(0x3fc)), NONE);
    check("io-dword-across", TRY3(inl(0x3fd)), GP(0));
    check("io-last-port", TRY3(inb(0xffff)), NONE);
    check("io-string", TRY3(ASM("outsb", : "d"(0x81), "S"(scratch))), GP(0));
    check("io-rep-zero", TRY3(ASM("rep; outsb", : "d"(0x81), "S"(scratch), "c"(0))), GP(0));
    ring3_eflags = 0x3002;
    check("io-iopl3", TRY3(outb(0x81, 0)), NONE);
    ring3_eflags = 2;
    gdt[FIRST_FREE + 4] = segment((u32) &wide, sizeof wide.t + 0x80 / 8, 0x89, 0);      /* ends with port 87 */
    ltr(SEL(FIRST_FREE + 4));
    check("io-last-byte-of-map", TRY3(outb(0x80, 0)), GP(0));   /* the CPU reads two bytes */
    gdt[FIRST_FREE + 4] = segment((u32) &wide, sizeof wide.t + 0x80 / 8 + 1, 0x89, 0);
    ltr(SEL(FIRST_FREE + 4));
    check("io-last-word-of-map", TRY3(outb(0x80, 0)), NONE);
    check("io-beyond-map", TRY3(outb(0x90, 0)), GP(0));
    gdt[5] = segment((u32) &main_tss, sizeof main_tss - 1, 0x89, 0);
    ltr(MAIN_TSS);
    check("io-no-map", TRY3(outb(0x80, 0)), GP(0));
}

void gates(void)
{
    same_ring();
    inward();
    refusals();
    inner_stacks();
    small_gates();
    returns();
    flags();
    io_bitmap();
}
