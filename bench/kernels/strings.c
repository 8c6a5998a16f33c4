/* The string instructions: bulk moves, and the forms that compilers and old code use for short ones. */
#include "workloads.h"

static inline void movs_words(void *to, const void *from, u32 words)
{
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) :: "memory");
}

static inline void stos_words(void *to, u32 v, u32 words)
{
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(v) : "memory");
}

/* rep movsd and rep stosd of 128 B to 256 KiB, aligned and not: bulk paths. */
u32 repmovs(void)
{
    enum { ROUNDS = 12, AREA = 512 << 10 };
    u8 *from = arena, *to = arena + 0x200000;
    u32 seed = 6, sum = 0;
    for (u32 i = 0; i < AREA; i += 4)
        *(u32 *) (from + i) = next_random(&seed);
    stos_words(to, 0, 0x200000 / 4);
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 bytes = 128; bytes <= 256 << 10; bytes *= 2) {
            for (u32 moved = 0; moved < 1 << 20; moved += bytes) {
                u32 at = (moved ^ round * 4) & 0x3fffc;
                movs_words(to + at + (round & 3), from + at, bytes / 4);
                stos_words(to + 0x80000 + (at & 0x3ffff), round, bytes / 4);
            }
            sum = mix(sum, *(u32 *) (to + (bytes & 0xffff) + round * 64) ^ *(u32 *) (to + 0x80000 + bytes / 2));
        }
    }
    for (u32 i = 0; i < AREA; i += 252)
        sum = mix(sum, *(u32 *) (to + i));
    return sum;
}

/* repne scasb, repe cmpsb, lodsb/stosb loops, short rep movsb, and moves with the direction flag set. */
u32 strings(void)
{
    enum { ROUNDS = 900000 };
    u8 *text = arena, *copy = arena + 0x10000;
    u32 seed = 7, sum = 0;
    stos_words(copy, 0, 0x8000 / 4);
    for (u32 i = 0; i < 0x8000; i++)
        text[i] = (u8) (next_random(&seed) % 63 + 1);
    for (u32 i = 200; i < 0x8000; i += 200)
        text[i] = 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        u32 at = round * 37 % 0x7000;
        const u8 *p = text + at;
        u32 left = ~0u;
        __asm__ volatile("repne scasb" : "+D"(p), "+c"(left) : "a"(0) : "memory", "cc");
        u32 length = ~left;
        u8 *d = copy + (round & 255);
        const u8 *s = text + at;
        u32 n = length;
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
        copy[(round & 255) + length / 2] ^= (u8) (round & 1);
        s = text + at, d = copy + (round & 255), n = length;
        __asm__ volatile("repe cmpsb" : "+D"(d), "+S"(s), "+c"(n) :: "memory", "cc");
        sum = mix(sum, n);
        u32 letters = 24, total = 0;
        s = text + at, d = copy + 0x1000;
        __asm__ volatile(
            "1: lodsb\n\t"
            "addl %%eax, %2\n\t"
            "xorb $0x20, %%al\n\t"
            "stosb\n\t"
            "decl %3\n\t"
            "jnz 1b"
            : "+S"(s), "+D"(d), "+r"(total), "+r"(letters) : "a"(0) : "memory", "cc");
        s = text + at + 60, d = copy + 0x1000 + 40, n = 16;
        __asm__ volatile("std; rep movsl; cld" : "+S"(s), "+D"(d), "+c"(n) :: "memory", "cc");
        sum = mix(sum, total + *(u32 *) (copy + 0x1000 + 8));
    }
    return sum;
}
