/* Physical address extension and no-execute. [SDM] 3A 4.4, 4.6, 4.7. */
#include "systest.h"

#define P 1ull
#define W 2ull
#define U 4ull
#define A 0x20ull
#define D 0x40ull
#define PS 0x80ull
#define NX (1ull << 63)
#define VA 0x80000000u
#define PHYSICAL ((u32) scratch + 0x4000)
#define READ(va) ASM("movl (%0), %%eax", : "r"(va) : "eax", "memory")
#define WRITE(va) ASM("movl %0, (%0)", : "r"(va) : "memory")

static u64 pointers[4] __attribute__((aligned(32)));
static u64 directories[2][512] __attribute__((aligned(4096)));
static u64 table[512] __attribute__((aligned(4096)));

static void map(u64 bits)
{
    table[0] = PHYSICAL | bits;
    invlpg(VA);
}

static void with_pae(void)
{
    check("on", read_cr4() & 0x20, 0x20);
    map(P | W | U);
    *(volatile u32 *) VA = 0xabcd1234;
    check("4k-write", *(u32 *) PHYSICAL, 0xabcd1234);
    check("4k-accessed-dirty", (u32) table[0] & 0x60, 0x60);
    check("directory-accessed", (u32) directories[1][0] & 0x20, 0x20);
    map(P | U);
    check("4k-read-only", TRY(WRITE(VA)), PF(3));
    map(P | W);
    check("4k-supervisor", TRY3(READ(VA)), PF(5));
    map(P | W | U | 1ull << 51);
    SDM_CHECK("4k-reserved", TRY(READ(VA)), PF(9));
    map(0);
    check("4k-not-present", TRY3(WRITE(VA)), PF(6));
    check("pointer-not-present", TRY(READ(0x40000000)), PF(0));
    check("pointer-not-present-cr2", caught.cr2, 0x40000000);
    *(u32 *) 0x1200010 = 0x2222cccc;
    directories[1][1] = 0x1200000 | P | W | U | PS;
    check("2m-read", *(volatile u32 *) (VA + 0x200010), 0x2222cccc);
    *(volatile u32 *) (VA + 0x3ffffc) = 1;
    check("2m-write", *(volatile u32 *) 0x13ffffc, 1);
    check("2m-dirty", (u32) directories[1][1] & 0x60, 0x60);
    directories[1][1] = 0x1200000 | P | W | U | PS | 1 << 13;
    invlpg(VA + 0x200000);
    SDM_CHECK("2m-reserved", TRY(READ(VA + 0x200000)), PF(9));
    directories[1][1] = 0x1200000 | P | W | U | PS;

    /* the four pointers are registers: memory counts only at mov to cr3 */
    u64 saved = pointers[2];
    map(P | W | U);
    pointers[2] = 0;
    invlpg(VA);
    SDM_CHECK("pointers-are-cached", TRY(READ(VA)), NONE);
    write_cr3((u32) pointers);
    check("pointers-reloaded", TRY(READ(VA)), PF(0));
    pointers[2] = saved | W;                    /* bit 1 is reserved in a pointer */
    u32 cr3 = read_cr3();
    SDM_CHECK("reserved-pointer", TRY(write_cr3((u32) pointers)), GP(0));
    check("reserved-pointer-keeps-cr3", read_cr3(), cr3);
    pointers[2] = saved;
    write_cr3((u32) pointers);
    check("pointer-restored", TRY(READ(VA)), NONE);

    u32 a = 0x80000001, b, c, d;
    ASM("cpuid", "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (!bit(d, 20)) {
        skip("nx", "not in CPUID");
        map(P | W | U | NX);
        SDM_CHECK("nx-bit-reserved-without-nx", TRY(READ(VA)), PF(9));
        return;
    }
    map(P | W | U | NX);
    wrmsr(0xc0000080, rdmsr(0xc0000080) & ~0x800ull);
    SDM_CHECK("nx-bit-reserved-without-nxe", TRY(READ(VA)), PF(9));
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 0x800);
    *(u8 *) PHYSICAL = 0xc3;
    map(P | W | U);
    check("nx-clear", TRY(((void (*)(void)) VA)()), NONE);
    map(P | W | U | NX);
    check("nx-read", TRY(READ(VA)), NONE);
    check("nx-fetch", TRY(((void (*)(void)) VA)()), PF(0x11));
    check("nx-fetch-eip", caught.f.eip, VA);
    check("nx-fetch-user", TRY3(((void (*)(void)) VA)()), PF(0x15));
    map(0);
    check("nxe-fetch-not-present", TRY(((void (*)(void)) VA)()), PF(0x10));
    map(P | W | U);
    directories[1][0] |= NX;
    invlpg(VA);
    check("nx-in-directory", TRY(((void (*)(void)) VA)()), PF(0x11));
    directories[1][0] &= ~NX;
    wrmsr(0xc0000080, rdmsr(0xc0000080) & ~0x800ull);
}

void pae(void)
{
    if (!bit(cpuid_edx(), 6)) {
        skip("pae", "not in CPUID");
        return;
    }
    memset(pointers, 0, sizeof pointers);
    memset(directories, 0, sizeof directories);
    memset(table, 0, sizeof table);
    for (u32 i = 0; i < 32; i++)                /* 64 MiB one to one */
        directories[0][i] = i << 21 | P | W | U | PS;
    directories[1][0] = (u32) table | P | W | U;
    pointers[0] = (u32) directories[0] | P;
    pointers[2] = (u32) directories[1] | P;
    write_cr0(read_cr0() & 0x7fffffff);
    write_cr4(read_cr4() | 0x20);
    write_cr3((u32) pointers);
    write_cr0(read_cr0() | 0x80000000);
    with_pae();
    write_cr0(read_cr0() & 0x7fffffff);
    write_cr4(read_cr4() & ~0x20u);
    write_cr3((u32) page_directory);
    write_cr0(read_cr0() | 0x80000000);
}
