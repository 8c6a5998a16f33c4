/* The same workloads as a 32-bit Linux process without libc: where the checksums come from. Usage: native [NAME]... */
#include "workloads.h"

static u8 native_arena[ARENA_BYTES] __attribute__((aligned(4096)));
u8 *const arena = native_arena;

static u32 linux_call(u32 number, u32 a, u32 b, u32 c)
{
    u32 result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

void put_char(char c) { linux_call(4, 1, (u32) &c, 1); }

void guest_exit(u32 value)
{
    for (;;)
        linux_call(1, value, 0, 0);
}

static u32 milliseconds(void)
{
    u32 time[2];
    linux_call(265, 1, (u32) time, 0);          /* clock_gettime, CLOCK_MONOTONIC */
    return time[0] * 1000 + time[1] / 1000000;
}

__attribute__((used)) static void native_main(u32 *stack)
{
    u32 count = stack[0], wrong = 0;
    char **arguments = (char **) stack + 1;
    linux_call(125, (u32) native_arena, ARENA_BYTES, 7);        /* mprotect: patched and fresh run what they write */
    u16 control = 0x37f;
    __asm__ volatile("fninit; fldcw %0" :: "m"(control));
    for (const struct workload *w = computing; w->name; w++) {
        u32 chosen = count == 1;
        for (u32 i = 1; i < count; i++)
            chosen |= !strcmp(arguments[i], w->name);
        if (!chosen)
            continue;
        u32 start = milliseconds(), sum = w->run(), end = milliseconds();
        print("%12s checksum=%08x %s %u ms\n", w->name, sum, sum == w->checksum ? "ok" : "DIFFERS from the source", end - start);
        wrong |= sum != w->checksum;
    }
    guest_exit(wrong);
}

__asm__(".globl _start\n_start:\n\tmovl %esp, %eax\n\tandl $-16, %esp\n\tsubl $12, %esp\n\tpushl %eax\n\tcall native_main");
