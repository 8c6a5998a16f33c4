/* 32-bit paging with 4 KiB and 4 MiB pages. [SDM] 3A 4.1 to 4.10. */
#include "systest.h"

#define VA 0x40000000u
#define P PAGE_PRESENT
#define W PAGE_WRITE
#define U PAGE_USER
#define A 0x20u
#define D 0x40u
#define PS 0x80u
#define G 0x100u

#define READ(va) ASM("movl (%0), %%eax", : "r"(va) : "eax", "memory")
#define WRITE(va) ASM("movl %0, (%0)", : "r"(va) : "memory")
#define PHYSICAL ((u32) scratch + 0x4000)

static void map(u32 bits)
{
    map_page(VA, PHYSICAL, bits);
    invlpg(VA);
}

static void directory_bits(u32 bits)
{
    page_directory[VA >> 22] = (page_directory[VA >> 22] & ~0xfffu) | bits;
    invlpg(VA);
}

static void error_codes(void)
{
    map(0);
    check("read-not-present", TRY(READ(VA + 0x123)), PF(0));
    check("cr2", caught.cr2, VA + 0x123);
    check("write-not-present", TRY(WRITE(VA + 0x456)), PF(2));
    check("cr2-write", caught.cr2, VA + 0x456);
    check("user-read-not-present", TRY3(READ(VA)), PF(4));
    check("user-write-not-present", TRY3(WRITE(VA)), PF(6));
    check("no-directory-entry", TRY(READ(0x7ffffff0)), PF(0));
    check("no-directory-entry-cr2", caught.cr2, 0x7ffffff0);
    map(P | U);
    check("write-protected", TRY(WRITE(VA)), PF(3));
    check("user-write-protected", TRY3(WRITE(VA)), PF(7));
    check("read-of-read-only", TRY(READ(VA)), NONE);
    check("user-read-of-read-only", TRY3(READ(VA)), NONE);
    write_cr0(read_cr0() & ~0x10000u);
    check("wp-clear-supervisor-writes", TRY(WRITE(VA)), NONE);
    check("wp-clear-user-write", TRY3(WRITE(VA)), PF(7));
    write_cr0(read_cr0() | 0x10000);
    check("wp-set-again", TRY(WRITE(VA)), PF(3));
    map(P | W);
    check("user-read-supervisor", TRY3(READ(VA)), PF(5));
    check("user-write-supervisor", TRY3(WRITE(VA)), PF(7));
    check("supervisor-write", TRY(WRITE(VA)), NONE);
    map(P | W | U);
    directory_bits(P | U);
    check("directory-read-only", TRY(WRITE(VA)), PF(3));
    check("directory-read-only-user", TRY3(WRITE(VA)), PF(7));
    directory_bits(P | W);
    check("directory-supervisor", TRY3(READ(VA)), PF(5));
    directory_bits(0);
    check("directory-not-present", TRY(READ(VA)), PF(0));
    directory_bits(P | W | U);
    check("user-read-write", TRY3(WRITE(VA)), NONE);
    /* the read-modify-write of a read-only page faults as a write, also where only the read comes first */
    map(P | U);
    check("rmw-is-a-write", TRY(ASM("addl $1, (%0)", : "r"(VA) : "memory", "cc")), PF(3));
    check("cmpxchg-failing-is-a-write", TRY(ASM("cmpxchgl %1, (%0)", : "r"(VA), "r"(1), "a"(0x55) : "memory", "cc")), PF(3));
    map(P | W | U);
}

static void accessed_dirty(void)
{
    u32 *pte = page_entry(VA);
    page_directory[VA >> 22] &= ~(A | D);
    map(P | W | U);
    READ(VA);
    check("read-sets-accessed", *pte & (A | D), A);
    check("read-sets-accessed-in-directory", page_directory[VA >> 22] & A, A);
    WRITE(VA);
    check("write-sets-dirty", *pte & (A | D), A | D);
    map(P | W | U);
    WRITE(VA);
    check("first-write-sets-both", *pte & (A | D), A | D);
    map(P | U);
    TRY(WRITE(VA));
    check("refused-write-sets-no-dirty", *pte & D, 0);
    map(P | W);
    TRY3(READ(VA));
    check("refused-read-sets-no-dirty", *pte & D, 0);
    map(P | W | U | A);
    *pte &= ~A;
    invlpg(VA);
    READ(VA);
    check("accessed-set-again-after-invlpg", *pte & A, A);
}

static void tlb(void)
{
    u32 v;
    *(u32 *) (scratch + 0x4000) = 0x4444;
    *(u32 *) (scratch + 0x5000) = 0x5555;
    map(P | W | U);
    READ(VA);
    *page_entry(VA) = (u32) (scratch + 0x5000) | P | W | U;
    invlpg(VA + 0x800);
    check("invlpg", *(volatile u32 *) VA, 0x5555);
    *page_entry(VA) = (u32) (scratch + 0x4000) | P | W | U;
    write_cr3(read_cr3());
    check("cr3-flushes", *(volatile u32 *) VA, 0x4444);
    map(0);
    TRY(READ(VA));
    *page_entry(VA) = (u32) (scratch + 0x5000) | P | W | U;     /* no flush: not-present is never cached */
    check("present-needs-no-flush", *(volatile u32 *) VA, 0x5555);
    if (bit(cpuid_edx(), 13)) {
        write_cr4(read_cr4() | 0x80);
        *page_entry(VA) = (u32) (scratch + 0x4000) | P | W | U | G;
        invlpg(VA);
        READ(VA);
        *page_entry(VA) = (u32) (scratch + 0x5000) | P | W | U | G;
        invlpg(VA);
        check("invlpg-flushes-global", *(volatile u32 *) VA, 0x5555);
        *page_entry(VA) = (u32) (scratch + 0x4000) | P | W | U | G;
        write_cr4(read_cr4() & ~0x80u);
        check("cr4-pge-flushes-global", *(volatile u32 *) VA, 0x4444);
        *page_entry(VA) = (u32) (scratch + 0x5000) | P | W | U;
        write_cr3(read_cr3());
        check("global-bit-without-pge", *(volatile u32 *) VA, 0x5555);
    } else {
        skip("global", "not in CPUID");
    }
    /* paging off and on: the same address is two places */
    *(u32 *) (scratch + 0x6000) = 0x6666;
    map_page((u32) scratch + 0x6000, PHYSICAL, P | W | U);
    invlpg((u32) scratch + 0x6000);
    ASM("movl %%cr0, %%eax; andl $0x7fffffff, %%eax; movl %%eax, %%cr0; jmp 1f; 1: movl (%1), %0; orl $0x80000000, %%eax; movl %%eax, %%cr0; jmp 2f; 2:",
        "=&r"(v) : "r"(scratch + 0x6000) : "eax", "memory", "cc");
    check("paging-off", v, 0x6666);
    check("paging-on", *(volatile u32 *) (scratch + 0x6000), 0x4444);
    map_page((u32) scratch + 0x6000, (u32) scratch + 0x6000, P | W | U);
    invlpg((u32) scratch + 0x6000);
    check("cr3-keeps-cache-bits", (write_cr3(read_cr3() | 0x18), read_cr3() & 0xfff), 0x18);
    write_cr3(read_cr3() & ~0xfffu);
}

static void crossing(void)
{
    map_page(VA, PHYSICAL, P | W | U);
    map_page(VA + 0x1000, 0, 0);
    invlpg(VA);
    invlpg(VA + 0x1000);
    *(u32 *) (VA + 0xffc) = 0x12345678;
    check("read-across", TRY(READ(VA + 0xffe)), PF(0));
    check("read-across-cr2", caught.cr2, VA + 0x1000);
    check("write-across", TRY(WRITE(VA + 0xffe)), PF(2));
    check("write-across-cr2", caught.cr2, VA + 0x1000);
    check("write-across-nothing-written", *(u32 *) (VA + 0xffc), 0x12345678);
    map_page(VA + 0x1000, PHYSICAL + 0x1000, P | U);
    invlpg(VA + 0x1000);
    check("write-across-read-only", TRY(WRITE(VA + 0xffe)), PF(3));
    check("write-across-read-only-nothing-written", *(u32 *) (VA + 0xffc), 0x12345678);
    map_page(VA + 0x1000, PHYSICAL + 0x3000, P | W | U);         /* not contiguous in physical memory */
    invlpg(VA + 0x1000);
    *(volatile u32 *) (VA + 0xffe) = 0xaabbccdd;
    check("write-across-low", *(u16 *) (PHYSICAL + 0xffe), 0xccdd);
    check("write-across-high", *(u16 *) (PHYSICAL + 0x3000), 0xaabb);
    check("read-across-value", *(volatile u32 *) (VA + 0xffe), 0xaabbccdd);
    map_page(VA, PHYSICAL, 0);
    invlpg(VA);
    check("first-page-missing", TRY(READ(VA + 0xffe)), PF(0));
    check("first-page-missing-cr2", caught.cr2, VA + 0xffe);
    map_page(VA, PHYSICAL, P | W | U);
    invlpg(VA);
}

/* Fetches. Without no-execute the fetch bit of the error code stays clear. */
static void fetches(void)
{
    u8 *code = (u8 *) PHYSICAL;
    map_page(VA, PHYSICAL, P | W | U);
    map_page(VA + 0x1000, 0, 0);
    invlpg(VA);
    invlpg(VA + 0x1000);
    code[0xffe] = 0xb8;                         /* mov eax, imm32 lies across the page end */
    check("fetch-across", TRY(((void (*)(void)) (VA + 0xffe))()), PF(0));
    check("fetch-across-cr2", caught.cr2, VA + 0x1000);
    check("fetch-across-eip", caught.f.eip, VA + 0xffe);
    code[0xffe] = code[0xfff] = 0x90;
    check("fetch-next-page", TRY(((void (*)(void)) (VA + 0xffe))()), PF(0));
    check("fetch-next-page-eip", caught.f.eip, VA + 0x1000);
    check("fetch-not-present", TRY(((void (*)(void)) 0x7ff00010)()), PF(0));
    check("fetch-not-present-cr2", caught.cr2, 0x7ff00010);
    check("fetch-not-present-eip", caught.f.eip, 0x7ff00010);
    check("user-fetch-not-present", TRY3(((void (*)(void)) 0x7ff00010)()), PF(4));
    code[0] = 0xc3;
    map(P | W);
    check("user-fetch-supervisor", TRY3(((void (*)(void)) VA)()), PF(5));
    map(P | U);
    check("user-fetch-read-only", TRY3(((void (*)(void)) VA)()), NONE);
    /* the ret lies at the end of a page: the next one is not needed */
    code[0xfff] = 0xc3;
    check("last-byte-of-page", TRY(((void (*)(void)) (VA + 0xfff))()), NONE);
}

/* Descriptor tables are read with supervisor rights also from ring 3. */
static void implicit_supervisor(void)
{
    u32 tables[3] = { (u32) gdt, (u32) idt, (u32) &main_tss };
    for (u32 i = 0; i < 3; i++) {
        *page_entry(tables[i]) &= ~U;
        invlpg(tables[i]);
    }
    check("descriptor-from-ring3", TRY3(ASM("movw %w0, %%fs", : "r"(DATA3))), NONE);
    check("supervisor-gdt-itself", TRY3(READ((u32) gdt)), PF(5));
    for (u32 i = 0; i < 3; i++) {
        *page_entry(tables[i]) |= U;
        invlpg(tables[i]);
    }
}

static void large_pages(void)
{
    if (!bit(cpuid_edx(), 3)) {
        skip("pse", "not in CPUID");
        return;
    }
    const u32 slot = 0x50000000u >> 22;
    *(u32 *) 0x1000010 = 0xdeadbeef;
    page_directory[slot] = 0x1000000 | P | W | U | PS;
    write_cr4(read_cr4() | 0x10);
    check("4m-read", *(volatile u32 *) 0x50000010, 0xdeadbeef);
    check("4m-accessed", page_directory[slot] & (A | D), A);
    *(volatile u32 *) 0x503ffffc = 0x600df00d;
    check("4m-write", *(volatile u32 *) 0x13ffffc, 0x600df00d);
    check("4m-dirty", page_directory[slot] & (A | D), A | D);
    page_directory[slot] = 0x1000000 | P | U | PS;
    invlpg(0x50123456);
    check("4m-read-only", TRY(WRITE(0x50200000)), PF(3));
    page_directory[slot] = 0x1000000 | P | W | PS;
    invlpg(0x50000000);
    check("4m-supervisor", TRY3(READ(0x50000000)), PF(5));
    page_directory[slot] = 0x1000000 | P | W | U | PS | 1 << 21;
    invlpg(0x50000000);
    SDM_CHECK("4m-reserved-bit", TRY(READ(0x50000000)), PF(9));
    SDM_CHECK("4m-reserved-bit-write", TRY3(WRITE(0x50000000)), PF(15));
    /* a 4 KiB page and a 4 MiB page side by side */
    page_directory[slot] = 0x1000000 | P | W | U | PS;
    page_directory[slot + 1] = (page_directory[VA >> 22] & ~0xfffu) | P | W | U;
    map(P | W | U);
    *(volatile u32 *) 0x503ffffe = 0x11223344;
    check("4m-to-4k-across", *(u16 *) PHYSICAL, 0x1122);
    write_cr4(read_cr4() & ~0x10u);
    page_directory[slot] = (page_directory[VA >> 22] & ~0xfffu) | P | W | U | PS;
    write_cr3(read_cr3());
    check("ps-ignored-without-pse", TRY(READ(0x50000000)), NONE);
    page_directory[slot] = page_directory[slot + 1] = 0;
    write_cr3(read_cr3());
}

void paging(void)
{
    error_codes();
    accessed_dirty();
    tlb();
    crossing();
    fetches();
    implicit_supervisor();
    large_pages();
}
