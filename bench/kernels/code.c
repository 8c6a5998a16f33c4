/* Workloads that write the code they run: the cost of translation and of noticing modified code. */
#include "workloads.h"

/* A routine whose immediates are patched before each call: a hot loop of its own, then a return. */
u32 patched(void)
{
    enum { CALLS = 60000 };
    static const u8 routine[] = {
        0xb8, 0, 0, 0, 0,               /*  0 mov eax, imm32: patched */
        0xb9, 16, 0, 0, 0,              /*  5 mov ecx, 16 */
        0x05, 0, 0, 0, 0,               /* 10 add eax, imm32: patched */
        0xd1, 0xc0,                     /* 15 rol eax, 1 */
        0x31, 0xc8,                     /* 17 xor eax, ecx */
        0x49,                           /* 19 dec ecx */
        0x75, 0xf4,                     /* 20 jnz 10 */
        0xc3
    };
    u8 *code = arena + 0x1000;
    for (u32 i = 0; i < sizeof routine; i++)
        code[i] = routine[i];
    u32 (*volatile call)(void) = (u32 (*)(void)) (u32) code;
    u32 sum = 0;
    for (u32 i = 0; i < CALLS; i++) {
        *(volatile u32 *) (code + 1) = sum + i;
        *(volatile u32 *) (code + 11) = i * 0x01010101;
        sum = mix(sum, call());
    }
    return sum;
}

/* Emits a new function of about 40 instructions, runs it 16 times, and goes on to the next place. */
u32 fresh(void)
{
    enum { FUNCTIONS = 10000, RUNS = 16, AREA = 1 << 20 };
    u32 seed = 9, sum = 0, at = 0;
    for (u32 f = 0; f < FUNCTIONS; f++) {
        u8 *start = arena + at, *p = start;
        *p++ = 0x8b, *p++ = 0x44, *p++ = 0x24, *p++ = 4;        /* mov eax, [esp+4] */
        for (u32 i = 0; i < 18; i++) {
            u32 r = next_random(&seed);
            switch (r & 3) {
            case 0:
                *p++ = 0x05;                                    /* add eax, imm32 */
                break;
            case 1:
                *p++ = 0x35;                                    /* xor eax, imm32 */
                break;
            case 2:
                *p++ = 0x2d;                                    /* sub eax, imm32 */
                break;
            default:
                *p++ = 0x69, *p++ = 0xc0;                       /* imul eax, eax, imm32 */
                r |= 1;
            }
            *(u32 *) p = r;
            p += 4;
            *p++ = 0xc1, *p++ = 0xc0, *p++ = (u8) (r >> 8 & 31);  /* rol eax, n */
        }
        *p++ = 0xc3;
        u32 (*volatile call)(u32) = (u32 (*)(u32)) (u32) start;
        for (u32 run = 0; run < RUNS; run++)
            sum = mix(sum, call(sum + run));
        at = (at + (u32) (p - start) + 15) & ~15u;
        if (at > AREA - 256)
            at = 0;
    }
    return sum;
}
