/* Code that changes under the processor's feet. [SDM] 3A 8.1.3 (after a jump it must be seen; on one CPU of today also without). */
#include "systest.h"

typedef u32 (*function)(void);
#define CODE(address) ((function) (u32) (address))

static void put(u8 *at, const u8 *bytes, u32 count)
{
    for (u32 i = 0; i < count; i++)
        ((volatile u8 *) at)[i] = bytes[i];
}

static void put_return(u8 *at, u32 value)       /* mov eax, value; ret */
{
    volatile u8 *p = at;
    p[0] = 0xb8, p[1] = (u8) value, p[2] = (u8) (value >> 8), p[3] = (u8) (value >> 16), p[4] = (u8) (value >> 24), p[5] = 0xc3;
}

void selfmod(void)
{
    u32 wrong = 0;
    for (u32 i = 0; i < 2000; i++) {
        put_return(scratch, i * 3);
        wrong += CODE(scratch)() != i * 3;
    }
    check("rewritten-before-each-call", wrong, 0);

    /* one routine hot, then a byte in its middle */
    static const u8 loop[] = { 0x31, 0xc0, 0xb9, 100, 0, 0, 0, 0x83, 0xc0, 1, 0x49, 0x75, 0xfa, 0xc3 };
    put(scratch + 0x100, loop, sizeof loop);
    for (u32 i = 0; i < 5000; i++)
        wrong += CODE(scratch + 0x100)() != 100;
    check("hot-loop", wrong, 0);
    scratch[0x109] = 7;
    check("hot-loop-patched", CODE(scratch + 0x100)(), 700);

    /* the instruction right behind a jump, changed by the one before the jump */
    static const u8 after_jump[] = { 0xc6, 0x05, 0, 0, 0, 0, 0x42, 0xeb, 0x00, 0xb8, 1, 0, 0, 0, 0xc3 };
    u8 *p = scratch + 0x200;
    put(p, after_jump, sizeof after_jump);
    *(u32 *) (p + 2) = (u32) p + 10;
    check("after-a-jump", CODE(p)(), 0x42);
    put(p + 10, (const u8[]) { 1 }, 1);
    check("after-a-jump-again", CODE(p)(), 0x42);

    /* without a jump: processors since the Pentium notice, and so do all that share their promise for the same linear address */
    static const u8 next[] = { 0xc6, 0x05, 0, 0, 0, 0, 0x42, 0xb8, 1, 0, 0, 0, 0xc3 };
    p = scratch + 0x300;
    for (u32 i = 0; i < 3; i++) {
        put(p, next, sizeof next);
        *(u32 *) (p + 2) = (u32) p + 8;
        wrong += CODE(p)() != 0x42;
    }
    check("the-next-instruction", wrong, 0);

    /* rep stosb that turns the three ud2 behind it into nops */
    static const u8 rep[] = { 0xb0, 0x90, 0xb9, 6, 0, 0, 0, 0xbf, 0, 0, 0, 0, 0xf3, 0xaa, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b, 0x89, 0xc8, 0xc3 };
    p = scratch + 0x400;
    put(p, rep, sizeof rep);
    *(u32 *) (p + 8) = (u32) p + 14;
    u32 left = 1;
    if (sdm_only("rep-over-the-next-instruction")) {
        check("rep-over-the-next-instruction", TRY(ASM("call *%1", "=a"(left) : "r"(p) : "ecx", "edi", "memory")), NONE);
        check("rep-over-the-next-instruction-ecx", left, 0);
    }

    /* an instruction that lies across two pages; either half changes */
    p = scratch + 0x1ffd;
    put_return(p, 0x11223344);
    check("across-pages", CODE(p)(), 0x11223344);
    *(volatile u8 *) (scratch + 0x2001) = 0x55;
    check("across-pages-second-half", CODE(p)(), 0x55223344);
    *(volatile u8 *) (scratch + 0x1ffe) = 0x66;
    check("across-pages-first-half", CODE(p)(), 0x55223366);

    /* written through another linear address */
    map_page(0x40000000, (u32) scratch + 0x3000, PAGE_PRESENT | PAGE_WRITE | PAGE_USER);
    put_return(scratch + 0x3000, 1);
    for (u32 i = 0; i < 100; i++)
        CODE(scratch + 0x3000)();
    put_return((u8 *) 0x40000000, 2);
    check("through-an-alias", CODE(scratch + 0x3000)(), 2);
    put_return(scratch + 0x3000, 3);
    check("executed-at-the-alias", CODE(0x40000000)(), 3);

    /* another physical page at the same linear address */
    put_return(scratch + 0x4000, 4);
    put_return(scratch + 0x5000, 5);
    map_page(0x40000000, (u32) scratch + 0x4000, PAGE_PRESENT | PAGE_WRITE | PAGE_USER);
    invlpg(0x40000000);
    wrong = 0;
    for (u32 i = 0; i < 200; i++) {
        *page_entry(0x40000000) = ((u32) scratch + (i & 1 ? 0x5000 : 0x4000)) | PAGE_PRESENT | PAGE_WRITE | PAGE_USER;
        invlpg(0x40000000);
        wrong += CODE(0x40000000)() != (i & 1 ? 5 : 4);
    }
    check("remapped", wrong, 0);

    /* the same bytes as 32-bit and as 16-bit code */
    put(scratch + 0x6000, (const u8[]) { 0xb8, 0x34, 0x12, 0x90, 0x90, 0x66, 0xcb, 0xcb }, 8);     /* mov eax/ax; retf in 16-bit code at +6 */
    gdt[FIRST_FREE] = segment((u32) scratch + 0x6000, 0xffff, 0x9b, 0);
    u32 as16, as32;
    put(scratch + 0x6000 + 5, (const u8[]) { 0x66, 0xcb }, 2);
    ASM("xorl %%eax, %%eax; lcall %1, $0", "=a"(as16) : "i"(SEL(FIRST_FREE)) : "memory");
    put(scratch + 0x6000 + 5, (const u8[]) { 0xc3 }, 1);
    as32 = CODE(scratch + 0x6000)();
    check("as-16-bit-code", as16, 0x1234);
    check("as-32-bit-code", as32, 0x90901234);

    /* data next to code: the code goes on working */
    put_return(scratch + 0x7000, 7);
    wrong = 0;
    for (u32 i = 0; i < 2000; i++) {
        *(volatile u32 *) (scratch + 0x7010) = i;
        wrong += CODE(scratch + 0x7000)() != 7;
    }
    check("data-on-the-same-page", wrong, 0);
}
