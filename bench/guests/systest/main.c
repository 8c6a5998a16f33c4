/* systest.elf: the harness. Command line: [strict] [TOPIC]...; nothing = all topics without the checks that QEMU TCG fails. */
#include "systest.h"

struct caught caught;
u32 strict, ring3_eflags = 2;
u8 scratch[0x10000] __attribute__((aligned(4096)));

static struct try_point *innermost;
static u32 passed, failed, skipped;
static const char *topic_name;

void throw_to(struct try_point *p) __attribute__((noreturn));
void resume_in_ring0(struct frame *f) __attribute__((noreturn));

void check(const char *name, u32 got, u32 expected)
{
    if (got == expected) {
        passed++;
        print("ok %s.%s\n", topic_name, name);
    } else {
        failed++;
        print("FAIL %s.%s: got %08x expected %08x\n", topic_name, name, got, expected);
    }
}

void skip(const char *name, const char *reason)
{
    skipped++;
    print("skip %s.%s (%s)\n", topic_name, name, reason);
}

u32 sdm_only(const char *name)
{
    if (!strict)
        skip(name, "sdm-only");
    return strict;
}

void try_enter(struct try_point *p)
{
    p->outer = innermost;
    innermost = p;
}

void try_end(struct try_point *p)
{
    innermost = p->outer;
}

u32 caught_outcome(void)
{
    return TRAP(caught.f.vector, caught.f.error);
}

void catch_trap(struct frame *f)
{
    struct try_point *p = innermost;
    if (!p)
        panic(f, "trap outside a check");
    u32 outer_ring = (f->cs & 3) || f->eflags & 0x20000;
    if (outer_ring)
        caught.f = *f;
    else
        memcpy(&caught.f, f, sizeof *f - 8);
    caught.esp = outer_ring ? f->esp : (u32) &f->esp;
    if (f->eflags & 0x20000)
        memcpy(caught.v86, f + 1, sizeof caught.v86);
    caught.cr2 = read_cr2();
    ASM("movl %%dr6, %0", "=r"(caught.dr6));
    innermost = p->outer;
    throw_to(p);
}

void set_gate(u32 vector, u32 selector, u32 offset, u32 access)
{
    idt[vector] = gate(selector, offset, access, 0);
}

static void cpuid1(u32 *ecx, u32 *edx)
{
    u32 a = 1, b;
    ASM("cpuid", "+a"(a), "=b"(b), "=c"(*ecx), "=d"(*edx));
}

u32 cpuid_edx(void)
{
    u32 c, d;
    cpuid1(&c, &d);
    return d;
}

u32 cpuid_ecx(void)
{
    u32 c, d;
    cpuid1(&c, &d);
    return c;
}

/* Every topic starts from the same machine, whatever the one before left behind. */
static void fresh_machine(void)
{
    write_cr0(0x11);                            /* PE, ET; no paging */
    write_cr4(0);
    memset(gdt, 0, sizeof gdt);
    memset(&main_tss, 0, sizeof main_tss);
    machine_init();
    ASM("movl %0, %%dr7", : "r"(0x400));
    ASM("movl %0, %%dr6", : "r"(0xffff0ff0));
    ASM("fninit");
    memset(page_directory, 0, sizeof page_directory);
    paging_on(64);
    for (u32 v = 0; v < 256; v++)
        handlers[v] = catch_trap;
    handlers[0x81] = resume_in_ring0;
    set_gate(0x81, CODE0, stub_table[0x81], 0xee);
    memset(scratch, 0, sizeof scratch);
    pic_init(0xffff);
    ring3_eflags = 2;
    innermost = 0;
}

static const struct topic topics[] = {
#define TOPIC(name) { #name, name },
#include "topics.h"
#undef TOPIC
    { 0, 0 }
};

static void run_topic(const struct topic *t)
{
    topic_name = t->name;
    fresh_machine();
    if (TRY(t->run()) != NONE) {
        const struct frame *f = &caught.f;
        failed++;
        print("FAIL %s.unexpected-trap: vector %x error %x cs:eip %x:%x eflags %x cr2 %x\n",
            topic_name, f->vector, f->error, f->cs, f->eip, f->eflags, caught.cr2);
    }
}

/* Marks the topics that the line names; a word that is none of them (nor a file name, which loaders put first) is an error. */
static u32 choose(const char *line, u8 *chosen)
{
    u32 count = 0;
    while (*line) {
        char word[32];
        u32 n = 0, file_name = 0;
        for (; *line && *line != ' '; line++) {
            file_name |= *line == '.' || *line == '/';
            if (n < sizeof word - 1)
                word[n++] = *line;
        }
        word[n] = 0;
        while (*line == ' ')
            line++;
        u32 known = n == 0 || file_name;
        if (!strcmp(word, "strict"))
            strict = known = 1;
        for (u32 t = 0; topics[t].name; t++)
            if (!strcmp(topics[t].name, word)) {
                chosen[t] = known = 1;
                count++;
            }
        if (!known) {
            print("FAIL unknown topic: %s\n", word);
            failed++;
            count++;
        }
    }
    return count;
}

void guest_main(const char *command_line, const struct multiboot_info *info)
{
    (void) info;
    static u8 chosen[64];
    u32 some = choose(command_line, chosen);
    for (u32 t = 0; topics[t].name; t++)
        if (!some || chosen[t])
            run_topic(&topics[t]);
    print("systest: %u ok, %u FAIL, %u skipped\n", passed, failed, skipped);
    guest_exit(failed ? 1 : 0);
}
