/* Hardware task switches. [SDM] 3A chapter 7. */
#include "systest.h"

enum { EAX, EBX, ECX, EDX, ESI, EDI, EBP, ESP, EFLAGS, TR, LDTR, FS, GS, CS, TOP, CR0, CR3, FS0 };
extern volatile u32 task_seen[18], task_runs, task_leave, repair_esp, repair_eip;
void task_body(void), double_fault_task(void);
extern const u8 task_body_after_jump[], task_body_after_iret[], small_task[];

static struct tss other __attribute__((aligned(128)));
static u8 other_stack[2048] __attribute__((aligned(16)));
static u32 other_directory[1024] __attribute__((aligned(4096)));
static u32 other_table[1024] __attribute__((aligned(4096)));
static struct descriptor other_ldt[4] __attribute__((aligned(8)));
static const u32 S = SEL(FIRST_FREE), LDT = SEL(FIRST_FREE + 1), GATE = SEL(FIRST_FREE + 2);
#define V 0x91

static u32 busy_type(u32 selector) { return gdt[selector >> 3].high >> 8 & 0xff; }

/* Both tasks as before any switch. */
static void reset_tasks(void)
{
    memset(&other, 0, sizeof other);
    memset((void *) task_seen, 0, sizeof task_seen);
    task_leave = task_runs = 0;
    write_cr3((u32) page_directory);
    other.cr3 = (u32) page_directory;
    other.eip = (u32) task_body;
    other.eflags = 2;
    other.eax = 0x11111111, other.ebx = 0x22222222, other.ecx = 0x33333333, other.edx = 0x44444444;
    other.esi = 0x55555555, other.edi = 0x66666666, other.ebp = 0x77777777;
    other.esp = (u32) other_stack + sizeof other_stack - 64;
    other.cs = CODE0;
    other.ss = other.ds = other.es = other.fs = other.gs = DATA0;
    other.ss0 = DATA0;
    other.esp0 = (u32) other_stack + 1024;
    other.iomap = sizeof other;
    gdt[FIRST_FREE] = segment((u32) &other, sizeof other - 1, 0x89, 0);
    other_ldt[1] = segment((u32) scratch + 0x200, 0xfff, 0x93, 4);
    gdt[FIRST_FREE + 1] = segment((u32) other_ldt, sizeof other_ldt - 1, 0x82, 0);
    gdt[FIRST_FREE + 2] = gate(S, 0, 0xe5, 0);
    main_tss.cr3 = (u32) page_directory;
    main_tss.ldt = 0;
    gdt[5] = segment((u32) &main_tss, sizeof main_tss - 1, 0x89, 0);
    ltr(MAIN_TSS);
    ASM("clts");
}

#define FAR(instruction, selector) ASM(instruction " %0, $0", : "i"(selector) : "memory", "cc")
#define JUMP(selector) FAR("ljmp", selector)
#define CALL(selector) FAR("lcall", selector)
#define OTHER SEL(FIRST_FREE)
#define OTHER_GATE SEL(FIRST_FREE + 2)

static void jump(void)
{
    u32 b = 0xb0b0b0b0, cr0;
    reset_tasks();
    check("jump", TRY({
        ASM("ljmp %2, $0; movl %%cr0, %1", "+b"(b), "=a"(cr0) : "i"(OTHER) : "memory", "cc");
        *(u32 *) scratch = b;
        *(u32 *) (scratch + 4) = cr0;
    }), NONE);
    check("jump-came-back", task_runs, 1);
    check("jump-registers", task_seen[EAX] ^ task_seen[EBX] ^ task_seen[ECX] ^ task_seen[EDX] ^ task_seen[ESI] ^ task_seen[EDI] ^ task_seen[EBP],
        0x11111111 ^ 0x22222222 ^ 0x33333333 ^ 0x44444444 ^ 0x55555555 ^ 0x66666666 ^ 0x77777777);
    check("jump-esp", task_seen[ESP], (u32) other_stack + sizeof other_stack - 64);
    check("jump-tr", task_seen[TR], S);
    check("jump-no-nt", task_seen[EFLAGS] & 0x4000, 0);
    check("jump-no-link", other.link, 0);
    check("jump-sets-ts", task_seen[CR0] & 8, 8);
    check("jump-back-sets-ts", *(u32 *) (scratch + 4) & 8, 8);
    check("jump-back-register", *(u32 *) scratch, 0xb0b0b0b0);
    check("jump-old-saved-ebx", main_tss.ebx, 0xb0b0b0b0);
    check("jump-old-saved-cs", main_tss.cs & 0xffff, CODE0);
    check("jump-saved-eip", other.eip, (u32) task_body_after_jump);
    check("jump-saved-eax", other.eax, 0x0badcafe);
    check("jump-other-available", busy_type(S), 0x89);
    check("jump-main-busy", busy_type(MAIN_TSS), 0x8b);
    check("jump-tr-back", str(), MAIN_TSS);
    ASM("clts");
    check("jump-again", TRY(JUMP(OTHER)), NONE);
    check("jump-again-runs", task_runs, 2);
    check("jump-through-gate", TRY(JUMP(OTHER_GATE)), NONE);
    check("jump-through-gate-runs", task_runs, 3);
    check("fpu-after-switch", TRY(ASM("fnop")), NM);
    ASM("clts");
}

static void call(void)
{
    reset_tasks();
    task_leave = 1;
    check("call", TRY(CALL(OTHER)), NONE);
    check("call-came-back", task_runs, 1);
    check("call-link", other.link & 0xffff, MAIN_TSS);
    check("call-nt", task_seen[EFLAGS] & 0x4000, 0x4000);
    check("call-other-available", busy_type(S), 0x89);
    check("call-main-busy", busy_type(MAIN_TSS), 0x8b);
    check("iret-clears-nt-in-tss", other.eflags & 0x4000, 0);
    check("iret-saved-eip", other.eip, (u32) task_body_after_iret);
    u32 flags;
    ASM("pushfl; popl %0", "=r"(flags));
    check("call-back-no-nt", flags & 0x4000, 0);
    check("call-through-gate", TRY(CALL(OTHER_GATE)), NONE);
    check("call-from-ring3-through-gate", TRY3(CALL(OTHER_GATE)), NONE);
    check("call-from-ring3-runs", task_runs, 3);
    check("call-from-ring3-tss-dpl", TRY3(CALL(OTHER)), GP(S));

    reset_tasks();
    task_leave = 1;
    idt[V] = gate(S, 0, 0x85, 0);
    check("int-task-gate", TRY(ASM("int %0", : "i"(V) : "memory", "cc")), NONE);
    check("int-task-gate-link", other.link & 0xffff, MAIN_TSS);
    check("int-task-gate-nt", task_seen[EFLAGS] & 0x4000, 0x4000);
    check("int-task-gate-no-error-code", task_seen[ESP], (u32) other_stack + sizeof other_stack - 64);
    check("int-task-gate-dpl", TRY3(ASM("int %0", : "i"(V) : "memory", "cc")), GP(V * 8 + 2));
    idt[V] = gate(S, 0, 0x05, 0);
    check("int-task-gate-not-present", TRY(ASM("int %0", : "i"(V) : "memory", "cc")), NP(V * 8 + 2));
    reset_tasks();
    idt[V] = gate(DATA0, 0, 0x85, 0);
    check("int-task-gate-to-data", TRY(ASM("int %0", : "i"(V) : "memory", "cc")), GP(DATA0));
    idt[13] = gate(S, 0, 0x85, 0);
    task_leave = 1;
    other.eip = (u32) double_fault_task;
    check("fault-task-gate", TRY(ASM("movl %%esp, repair_esp; movl $1f, repair_eip; movw %w0, %%gs; 1:", : "r"(GDT_ENTRIES * 8) : "memory", "cc")), NONE);
    check("fault-task-gate-ran", task_runs, 1);
    check("fault-task-gate-error-code", task_seen[TOP], GDT_ENTRIES * 8);
    check("fault-task-gate-esp", other.esp, (u32) other_stack + sizeof other_stack - 64);
    idt[13] = gate(CODE0, stub_table[13], 0x8e, 0);
}

static void contexts(void)
{
    reset_tasks();
    memcpy(other_directory, page_directory, sizeof other_directory);
    for (u32 i = 0; i < 1024; i++)
        other_table[i] = 0;
    other_directory[0x200] = (u32) other_table | 7;             /* 0x80000000: only in the other task */
    other_table[0] = (u32) (scratch + 0x3000) | 7;
    *(u32 *) (scratch + 0x3000) = 0xc0ffee;
    gdt[FIRST_FREE + 3] = segment(0x80000000, 0xfff, 0x93, 4);
    other.cr3 = (u32) other_directory;
    other.fs = SEL(FIRST_FREE + 3);
    check("cr3-switch", TRY(JUMP(OTHER)), NONE);
    check("cr3-switch-loaded", task_seen[CR3], (u32) other_directory);
    check("cr3-switch-memory", task_seen[FS0], 0xc0ffee);
    check("cr3-switch-back", read_cr3(), (u32) page_directory);
    check("cr3-not-saved", other.cr3, (u32) other_directory);

    reset_tasks();
    *(u32 *) (scratch + 0x200) = 0x1d71d7;
    other.ldt = LDT;
    other.fs = 0x0c;
    check("ldt-switch", TRY(JUMP(OTHER)), NONE);
    check("ldt-switch-loaded", task_seen[LDTR], LDT);
    check("ldt-switch-memory", task_seen[FS0], 0x1d71d7);
    u32 v;
    ASM("sldt %0", "=r"(v));
    check("ldt-switch-back", v & 0xffff, 0);

    reset_tasks();
    other.cs = CODE3, other.ss = other.ds = other.es = other.fs = other.gs = DATA3;
    set_gate(0x82, CODE0, stub_table[0x82], 0xee);
    other.eip = (u32) ring3_landing;
    check("ring3-task", TRY(JUMP(OTHER)), TRAP(0x82, 0));
    check("ring3-task-cs", caught.f.cs, CODE3);
    check("ring3-task-uses-its-esp0", (u32) caught.f.esp, other.esp);
    check("ring3-task-tr", str(), S);

    reset_tasks();
    ASM("movl %0, %%dr7", : "r"(0x400 | 0x55 | 0x2));
    TRY(JUMP(OTHER));
    ASM("movl %%dr7, %0", "=r"(v));
    check("switch-clears-local-breakpoints", v & 0xff, 2);
    ASM("movl %0, %%dr7", : "r"(0x400));

    reset_tasks();
    other.trap = 1;
    if (sdm_only("debug-trap-flag")) {
        check("debug-trap-flag", TRY(JUMP(OTHER)), DB);
        check("debug-trap-flag-dr6", caught.dr6 & 0xe00f, 0x8000);
        check("debug-trap-flag-eip", caught.f.eip, (u32) task_body);
    }
}

static u32 fault_entering(u32 *field, u32 value)
{
    reset_tasks();
    *field = value;
    return TRY(JUMP(OTHER));
}

static void refusals(void)
{
    reset_tasks();
    check("jump-busy", TRY(JUMP(MAIN_TSS)), GP(MAIN_TSS));
    check("call-busy", TRY(CALL(MAIN_TSS)), GP(MAIN_TSS));
    gdt[FIRST_FREE] = segment((u32) &other, sizeof other - 1, 0x09, 0);
    check("jump-not-present", TRY(JUMP(OTHER)), NP(S));
    gdt[FIRST_FREE] = segment((u32) &other, 102, 0x89, 0);
    check("jump-too-short", TRY(JUMP(OTHER)), TS(S));
    check("tr-unchanged", str(), MAIN_TSS);
    check("main-still-busy", busy_type(MAIN_TSS), 0x8b);
    check("other-still-available", busy_type(S), 0x89);
    gdt[FIRST_FREE + 2] = gate(S, 0, 0x65, 0);
    check("gate-not-present", TRY(CALL(OTHER_GATE)), NP(GATE));
    gdt[FIRST_FREE + 2] = gate(S, 0, 0x85, 0);
    check("gate-dpl", TRY3(CALL(OTHER_GATE)), GP(GATE));
    gdt[FIRST_FREE + 2] = gate(CODE0, 0, 0xe5, 0);
    check("gate-to-code", TRY(CALL(OTHER_GATE)), GP(CODE0));
    gdt[FIRST_FREE + 2] = gate(MAIN_TSS, 0, 0xe5, 0);
    check("gate-to-busy", TRY(CALL(OTHER_GATE)), GP(MAIN_TSS));
    main_tss.link = S;
    check("iret-link-available", TRY(ASM("pushl $0x4002; popfl; iretl", : : "memory", "cc")), TS(S));
    main_tss.link = 0;
    check("iret-link-null", TRY(ASM("pushl $0x4002; popfl; iretl", : : "memory", "cc")), TS(0));
    main_tss.link = DATA0;
    check("iret-link-data", TRY(ASM("pushl $0x4002; popfl; iretl", : : "memory", "cc")), TS(DATA0));
    main_tss.link = 0;

    /* faults that belong to the new task */
    check("new-ds-bad", fault_entering(&other.ds, GDT_ENTRIES * 8), TS(GDT_ENTRIES * 8));
    check("new-ds-bad-in-new-task", str(), S);
    SDM_CHECK("new-ds-bad-eip", caught.f.eip, (u32) task_body);
    check("new-ds-bad-main-available", busy_type(MAIN_TSS), 0x89);
    reset_tasks();
    gdt[FIRST_FREE + 3] = segment(0, 0xfffff, 0x13, 0xc);
    check("new-gs-not-present", fault_entering(&other.gs, SEL(FIRST_FREE + 3)), NP(SEL(FIRST_FREE + 3)));
    gdt[FIRST_FREE + 3] = segment(0, 0xfffff, 0x99, 0xc);
    check("new-fs-execute-only", fault_entering(&other.fs, SEL(FIRST_FREE + 3)), TS(SEL(FIRST_FREE + 3)));
    check("new-ds-null", fault_entering(&other.gs, 0), NONE);
    reset_tasks();
}

static void small_tss(void)
{
    static u16 tss16[22];
    reset_tasks();
    gdt[FIRST_FREE + 3] = segment((u32) small_task, 0xffff, 0x9b, 0);
    memset(tss16, 0, sizeof tss16);
    tss16[7] = 0;                       /* ip */
    tss16[8] = 2;                       /* flags */
    tss16[9] = 0x1616;                  /* ax */
    gdt[FIRST_FREE + 4] = segment((u32) scratch + 0x8000, 0xffff, 0x93, 0);
    tss16[13] = 0x1000;                 /* sp */
    tss16[17] = DATA0;                  /* es */
    tss16[18] = SEL(FIRST_FREE + 3);    /* cs */
    tss16[19] = SEL(FIRST_FREE + 4);    /* ss */
    tss16[20] = DATA0;                  /* ds */
    gdt[FIRST_FREE] = segment((u32) tss16, sizeof tss16 - 1, 0x81, 0);
    check("tss16-call", TRY(CALL(OTHER)), NONE);
    check("tss16-runs", task_runs, 1);
    check("tss16-ax", task_seen[EAX] & 0xffff, 0x1616);
    check("tss16-link", tss16[0], MAIN_TSS);
    check("tss16-available", busy_type(S), 0x81);
    check("tss16-saved-ip", tss16[7] != 0, 1);
    gdt[FIRST_FREE] = segment((u32) tss16, 42, 0x81, 0);
    check("tss16-too-short", TRY(CALL(OTHER)), TS(S));
    reset_tasks();
}

/* #DF through a task gate saves what no other handler can: a kernel whose stack pointer points nowhere. */
static void double_fault(void)
{
    reset_tasks();
    other.eip = (u32) double_fault_task;
    idt[8] = gate(S, 0, 0x85, 0);
    u32 survived = 0;
    check("double-fault-task", TRY({
        ASM("movl %%esp, repair_esp\n\t"
            "movl $1f, repair_eip\n\t"
            "movl $0x70000000, %%esp\n\t"
            "pushl %%eax\n"
            "1:\n\t"
            "movl $1, %0", "=r"(survived) : : "memory");
        scratch[0] = (u8) survived;
    }), NONE);
    check("double-fault-task-ran", task_runs, 1);
    check("double-fault-error-code", task_seen[TOP], 0);
    check("double-fault-survived", scratch[0], 1);
    check("double-fault-saved-cr2", read_cr2(), 0x6ffffffc);
    idt[8] = gate(CODE0, stub_table[8], 0x8e, 0);
    ASM("clts");
}

void tasks(void)
{
    jump();
    call();
    contexts();
    refusals();
    small_tss();
    double_fault();
}
