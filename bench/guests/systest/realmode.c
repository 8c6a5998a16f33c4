/* Real mode, reached from protected mode and left again. [SDM] 3A 9.9, 3B 20. */
#include "systest.h"

void real_call(u32 offset);
extern const u8 real_code[], real_code_end[], real_record[];
extern const u16 real_traps[];
#define PIECES(P) P(state) P(unreal) P(int) P(divide) P(aam0) P(bound) P(bound_in) P(ud2) P(int3) P(into) P(undefined) P(wrap) P(limit) \
    P(limit_ss) P(limit32) P(string) P(wide) P(flags) P(step) P(moved) P(short) P(irq0) P(lmsw)
#define DECLARE(n) extern const u8 real_##n[];
PIECES(DECLARE)

#define BASE 0x20000u
struct record { u16 vector, ip, cs, flags, inside_flags, traps, resume, piece, result[8]; };
#define RECORD ((volatile struct record *) (BASE + (u32) (real_record - real_code)))

/* Runs a piece; gives the last vector, or NONE. */
static u32 run(const u8 *piece)
{
    memset((void *) RECORD, 0, sizeof(struct record));
    RECORD->vector = 0xffff;
    real_call((u32) (piece - real_code));
    return RECORD->traps ? RECORD->vector : NONE;
}
#define RUN(n) run(real_##n)
#define RESULT(n) RECORD->result[n]

static void set_vector(u32 table, u32 vector, u32 offset)
{
    *(u16 *) (table + vector * 4) = (u16) offset;
    *(u16 *) (table + vector * 4 + 2) = BASE >> 4;
}

void realmode(void)
{
    u8 *saved = scratch + 0x4000;
    memcpy(saved, (void *) 0, 0x400);
    memcpy((void *) BASE, real_code, (u32) (real_code_end - real_code));
    gdt[FIRST_FREE] = segment(BASE, 0xffff, 0x9b, 0);
    gdt[FIRST_FREE + 1] = segment(0, 0xffff, 0x93, 0);
    memset((void *) 0x30000, 0, 0x400);
    for (const u16 *t = real_traps; ; t += 2) {
        if (t[0] == 0xffff) {
            set_vector(0x30000, 0x85, t[1]);
            break;
        }
        set_vector(0, t[0], t[1]);
    }

    check("there-and-back", RUN(state), NONE);
    check("pe-clear", RESULT(0) & 1, 0);
    check("cs", RESULT(1), BASE >> 4);
    check("flags-at-entry", RESULT(2) & 0xfd2a, 2);
    check("ffff-0010-is-1m", (u32) RESULT(4) << 16 | RESULT(3), *(u32 *) 0x100000);
    check("unreal", RUN(unreal), NONE);
    check("unreal-value", (u32) RESULT(1) << 16 | RESULT(0), *(u32 *) 0x100000);
    check("unreal-after-load", (u32) RESULT(3) << 16 | RESULT(2), *(u32 *) 0x100000);
    check("int", RUN(int), 0x84);
    check("int-ip", RECORD->ip, RESULT(1));
    check("int-cs", RECORD->cs, BASE >> 4);
    check("int-pushed-if", RECORD->flags & 0x200, 0x200);
    check("int-clears-if", RECORD->inside_flags & 0x300, 0);
    check("iret-restores-if", RESULT(0) & 0x200, 0x200);
    check("divide", RUN(divide), 0);
    check("divide-ip-is-the-instruction", RECORD->ip, RESULT(0));
    check("aam-0", RUN(aam0), 0);
    check("bound", RUN(bound), 5);
    check("bound-inside", RUN(bound_in), NONE);
    check("ud2", RUN(ud2), 6);
    check("int3", RUN(int3), 3);
    check("into", RUN(into), 4);
    RUN(undefined);
    check("protected-mode-instructions", RESULT(0), 0x1ff);
    check("stack-wraps", RUN(wrap), NONE);
    check("stack-wraps-sp", RESULT(0), 0xfffe);
    check("stack-wraps-value", RESULT(1), 0x1234);
    SDM_CHECK("limit-word", RUN(limit), 13);
    SDM_CHECK("limit-stack", RUN(limit_ss), 12);
    SDM_CHECK("limit-offset32", RUN(limit32), 13);
    check("string-wraps", RUN(string), NONE);
    check("string-wraps-si", RESULT(0), 1);
    check("string-wraps-di", RESULT(1), 0x102);
    check("string-wraps-data", RESULT(2), 0x2211);
    check("wide", RUN(wide), NONE);
    check("wide-push", (u32) RESULT(1) << 16 | RESULT(0), 0x12345678);
    check("wide-lea", (u32) RESULT(3) << 16 | RESULT(2), 0x12345678u * 3);
    check("loop-cx", RESULT(4), 2);
    check("loop-ecx", RESULT(5), 3);
    check("popf", RUN(flags), 1);
    check("popf-all", RESULT(0), 0x7fd7);
    check("popf-none", RESULT(1), 2);
    check("single-step", RUN(step), 1);
    check("single-step-traps", RECORD->traps, 4);
    check("lidt-moves-table", RUN(moved), 0x85);
    check("vector-beyond-limit", RUN(short), 13);
    check("lmsw", RUN(lmsw), NONE);
    check("lmsw-sets-pe", RESULT(0) & 1, 1);
    check("lmsw-undone-by-mov", RESULT(1) & 1, 0);
    pic_init(0xfffe);
    pit_periodic(1000);
    check("irq0", RUN(irq0), 0x20);
    pic_init(0xffff);
    memcpy((void *) 0, saved, 0x400);
    check("paging-back", read_cr0() >> 31, 1);
}
