/* Virtual-8086 mode. [SDM] 3B chapter 21 (20 in older editions), 3A 2.3. */
#include "systest.h"

extern const u8 v86_code[], v86_code_end[];
#define PIECES(P) P(segments) P(pushf) P(popf) P(cli) P(sti) P(int) P(int3) P(into) P(iret) P(hlt) P(out80) P(out81) P(far) P(movcr) \
    P(lgdt) P(lar) P(arpl) P(sldt) P(ltr) P(pushfd) P(wrap) P(limit) P(limit32) P(vmehandler) P(vmeint) P(mtf)
#define DECLARE(n) extern const u8 v86_##n[];
PIECES(DECLARE)

#define BASE 0x10000u
#define SEGMENT (BASE >> 4)
#define VIF (1u << 19)
#define VIP (1u << 20)

static struct { struct tss t; u8 redirection[32]; u8 map[33]; } __attribute__((packed, aligned(128))) v86_tss;

/* iret into virtual-8086 mode at a piece with these flags besides VM; gives the outcome. */
static u32 enter(const u8 *piece, u32 flags)
{
    return TRY(ASM(
        "pushl $0\n\t"                  /* gs */
        "pushl $0\n\t"                  /* fs */
        "pushl $0x2000\n\t"             /* ds */
        "pushl $0x2100\n\t"             /* es */
        "pushl $0x3000\n\t"             /* ss */
        "pushl $0x1000\n\t"             /* esp */
        "pushl %0\n\t"
        "pushl %1\n\t"
        "pushl %2\n\t"
        "movl $0xeeee0000, %%eax\n\t"
        "iretl", : "r"(flags | 0x20002), "i"(SEGMENT), "r"(piece - v86_code) : "eax", "memory"));
}

#define RUN(name, flags) enter(v86_##name, flags)
#define IOPL3 0x3000u

static u32 offset_of(const u8 *piece) { return (u32) (piece - v86_code); }

static void entry(void)
{
    check("enter", RUN(segments, IOPL3), UD);
    check("frame-vm", caught.f.eflags & 0x20000, 0x20000);
    check("frame-cs", caught.f.cs & 0xffff, SEGMENT);
    check("frame-ss", caught.f.ss & 0xffff, 0x3000);
    check("frame-esp", caught.f.esp, 0x1000);
    check("frame-es", caught.v86[0] & 0xffff, 0x2000);
    check("frame-ds", caught.v86[1] & 0xffff, 0x2000);
    check("frame-fs", caught.v86[2] & 0xffff, 0x2001);
    check("handler-data-segments-are-null", (caught.f.ds | caught.f.es | caught.f.fs | caught.f.gs) & 0xffff, 0);
    check("segment-base", caught.f.ebx & 0xffff, 0x1234);
    check("segment-value", caught.f.ecx & 0xffff, 0x2000);
    check("segment-memory", *(u16 *) 0x20010, 0x1234);
    check("far-call", RUN(far, IOPL3), UD);
    check("far-call-cs", caught.f.ecx & 0xffff, SEGMENT);
    check("far-call-returned", caught.f.ebx & 0xffff, 0x5555);
    check("stack-wraps", RUN(wrap, IOPL3), UD);
    check("stack-wraps-sp", caught.f.ebx & 0xffff, 0xfffe);
    check("stack-wraps-memory", (caught.f.eax & 0xffff) << 16 | (caught.f.ecx & 0xffff), 0x11112222);
    SDM_CHECK("limit-word", RUN(limit, IOPL3), GP(0));
    SDM_CHECK("limit-offset32", RUN(limit32, IOPL3), GP(0));
}

static void iopl3(void)
{
    RUN(pushf, IOPL3);
    check("pushf", caught.f.eax & 0xffff, 0x3002);
    check("popf", RUN(popf, IOPL3), UD);
    check("popf-if", caught.f.eax & 0xffff, 0x3202);
    check("popf-keeps-iopl", caught.f.ebx & 0xffff, 0x7002);
    RUN(cli, IOPL3 | 0x200);
    check("cli", caught.f.eax & 0x200, 0);
    RUN(sti, IOPL3);
    check("sti", caught.f.eax & 0x200, 0x200);
    check("pushfd", RUN(pushfd, IOPL3), UD);
    check("pushfd-hides-vm", caught.f.eax, 0x3002);
    check("iret", RUN(iret, IOPL3), UD);
    check("iret-flags", caught.f.ebx & 0xffff, 0x3ed7);
    check("int", RUN(int, IOPL3), TRAP(0x84, 0));
    check("int-eip", caught.f.eip, offset_of(v86_int) + 5);
    check("int-flags", caught.f.eflags & 0x23002, 0x23002);
    idt[0x84] = gate(CODE0, stub_table[0x84], 0x8e, 0);
    check("int-dpl", RUN(int, IOPL3), GP(0x84 * 8 + 2));
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0xfb, 0xc);
    idt[0x84] = gate(SEL(FIRST_FREE + 2) | 3, stub_table[0x84], 0xee, 0);
    check("int-to-ring3-handler", RUN(int, IOPL3), GP(SEL(FIRST_FREE + 2)));
    gdt[FIRST_FREE + 2] = segment(0, 0xfffff, 0x9f, 0xc);
    idt[0x84] = gate(SEL(FIRST_FREE + 2), stub_table[0x84], 0xee, 0);
    SDM_CHECK("int-to-conforming-handler", RUN(int, IOPL3), GP(SEL(FIRST_FREE + 2)));
    idt[0x84] = gate(CODE0, stub_table[0x84], 0xee, 0);
}

static void iopl0(void)
{
    check("iopl0-pushf", RUN(pushf, 0), GP(0));
    check("iopl0-popf", RUN(popf, 0), GP(0));
    check("iopl0-cli", RUN(cli, 0), GP(0));
    check("iopl0-sti", RUN(sti, 0), GP(0));
    check("iopl0-iret", RUN(iret, 0), GP(0));
    check("iopl0-int", RUN(int, 0), GP(0));
    check("iopl0-int-eip", caught.f.eip, offset_of(v86_int) + 3);
    check("iopl0-pushfd", RUN(pushfd, 0), GP(0));
    check("iopl0-int3", RUN(int3, 0), BP);
    check("iopl0-into", RUN(into, 0), OF);
}

static void privileged(void)
{
    check("hlt", RUN(hlt, IOPL3), GP(0));
    check("mov-from-cr0", RUN(movcr, IOPL3), GP(0));
    check("lgdt", RUN(lgdt, IOPL3), GP(0));
    check("lar", RUN(lar, IOPL3), UD);
    check("lar-eip", caught.f.eip, offset_of(v86_lar));
    check("arpl", RUN(arpl, IOPL3), UD);
    check("arpl-eip", caught.f.eip, offset_of(v86_arpl));
    check("sldt", RUN(sldt, IOPL3), UD);
    check("sldt-eip", caught.f.eip, offset_of(v86_sldt));
    check("ltr", RUN(ltr, IOPL3), UD);
    check("ltr-eip", caught.f.eip, offset_of(v86_ltr));
    /* the bitmap decides about ports whatever IOPL says */
    check("out-allowed", RUN(out80, 0), UD);
    check("out-refused", RUN(out81, 0), GP(0));
    check("out-refused-iopl3", RUN(out81, IOPL3), GP(0));
}

/* Virtual-8086 mode extensions. [SDM] 3B 21.3. */
static void vme(void)
{
    write_cr4(read_cr4() | 1);
    memset(v86_tss.redirection, 0xff, sizeof v86_tss.redirection);
    check("vme-cli", RUN(cli, VIF), UD);
    check("vme-cli-clears-vif", caught.f.eflags & VIF, 0);
    check("vme-pushf-shows-vif", caught.f.eax & 0x3200, 0x3000);
    check("vme-sti", RUN(sti, 0), UD);
    check("vme-sti-sets-vif", caught.f.eflags & VIF, VIF);
    check("vme-pushf-shows-vif-and-iopl3", caught.f.eax & 0x3200, 0x3200);
    check("vme-sti-pending", RUN(mtf, VIP), GP(0));
    check("vme-popf", RUN(popf, 0), UD);
    check("vme-popf-result", caught.f.eax & 0xffff, 0x3202);
    check("vme-pushfd", RUN(pushfd, 0), GP(0));
    check("vme-int-by-monitor", RUN(int, 0), GP(0));
    v86_tss.redirection[0x84 / 8] &= (u8) ~(1 << (0x84 & 7));
    *(u16 *) (0x84 * 4) = (u16) offset_of(v86_vmehandler);
    *(u16 *) (0x84 * 4 + 2) = SEGMENT;
    check("vme-int-redirected", RUN(vmeint, 0), UD);
    check("vme-int-handler-ran", caught.f.eax & 0xffff, 0x7777);
    check("vme-int-pushed-flags", caught.f.ebx & 0x3200, 0x3200);
    check("vme-iret-restores-vif", caught.f.ecx & 0x200, 0x200);
    check("vme-int-iopl3-redirected", RUN(vmeint, IOPL3), UD);
    check("vme-int-iopl3-handler-ran", caught.f.eax & 0xffff, 0x7777);
    write_cr4(read_cr4() & ~1u);
}

void virtual8086(void)
{
    u8 *saved = scratch;
    memcpy(saved, (void *) 0, 0x400);           /* the real-mode vectors */
    memcpy((void *) BASE, v86_code, (u32) (v86_code_end - v86_code));
    v86_tss.t = main_tss;
    v86_tss.t.iomap = sizeof v86_tss.t + sizeof v86_tss.redirection;
    memset(v86_tss.redirection, 0, sizeof v86_tss.redirection);
    memset(v86_tss.map, 0xff, sizeof v86_tss.map);
    v86_tss.map[0x80 / 8] = 0xfe;
    gdt[FIRST_FREE] = segment((u32) &v86_tss, sizeof v86_tss - 1, 0x89, 0);
    ltr(SEL(FIRST_FREE));
    set_gate(0x84, CODE0, stub_table[0x84], 0xee);
    set_gate(3, CODE0, stub_table[3], 0xee);
    set_gate(4, CODE0, stub_table[4], 0xee);
    entry();
    iopl3();
    iopl0();
    privileged();
    if (bit(cpuid_edx(), 1))
        vme();
    else
        skip("vme", "not in CPUID");
    memcpy((void *) 0, saved, 0x400);
    SDM_CHECK("iret-vm-ring3-ignored", TRY3(ASM("pushl $0x20002; pushl %%cs; pushl $1f; iretl; 1:", : : "memory", "cc")), NONE);
}
