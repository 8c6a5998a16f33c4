/* Segmentation. [SDM] 3A 3.4, 5.2 to 5.8. QEMU TCG checks loads of segment registers but neither limits nor types on access. */
#include "systest.h"

/* Each loads fs anew, since a caught trap has reset it. */
#define ACCESS(text, selector, ...) ASM("movw %w0, %%fs; " text, : "r"(selector), __VA_ARGS__ : "eax", "edx", "memory", "cc")
#define READ8(offset) ACCESS("movb %%fs:(%1), %%al", S, "r"(offset))
#define READ16(offset) ACCESS("movw %%fs:(%1), %%ax", S, "r"(offset))
#define READ32(offset) ACCESS("movl %%fs:(%1), %%eax", S, "r"(offset))
#define WRITE8(offset) ACCESS("movb $0, %%fs:(%1)", S, "r"(offset))
#define WRITE32(offset) ACCESS("movl $0, %%fs:(%1)", S, "r"(offset))
#define LOAD(sreg, selector) ASM("movw %w0, %%" sreg, : "r"(selector))

static const u32 S = SEL(FIRST_FREE);

static void use(struct descriptor d)
{
    gdt[FIRST_FREE] = d;
}

static void limits(void)
{
    use(segment((u32) scratch, 0xfff, 0x93, 4));
    SDM_CHECK("limit-byte-last", TRY(READ8(0xfff)), NONE);
    SDM_CHECK("limit-byte-beyond", TRY(READ8(0x1000)), GP(0));
    SDM_CHECK("limit-word-across", TRY(READ16(0xfff)), GP(0));
    SDM_CHECK("limit-dword-last", TRY(READ32(0xffc)), NONE);
    SDM_CHECK("limit-dword-across", TRY(READ32(0xffd)), GP(0));
    SDM_CHECK("limit-write-across", TRY(WRITE32(0xffe)), GP(0));
    SDM_CHECK("limit-far-beyond", TRY(READ8(0xffffffff)), GP(0));
    use(segment((u32) scratch, 1, 0x93, 0xc));
    SDM_CHECK("granular-last", TRY(READ8(0x1fff)), NONE);
    SDM_CHECK("granular-beyond", TRY(READ8(0x2000)), GP(0));
    use(segment((u32) scratch, 0, 0x93, 4));
    SDM_CHECK("limit-zero-is-one-byte", TRY(READ8(0)), NONE);
    SDM_CHECK("limit-zero-second-byte", TRY(READ8(1)), GP(0));

    use(segment((u32) scratch, 0xfff, 0x97, 0));
    SDM_CHECK("expand-down-at-limit", TRY(READ8(0xfff)), GP(0));
    SDM_CHECK("expand-down-above-limit", TRY(READ8(0x1000)), NONE);
    SDM_CHECK("expand-down-across-limit", TRY(READ16(0xfff)), GP(0));
    SDM_CHECK("expand-down-16-top", TRY(READ8(0xffff)), NONE);
    SDM_CHECK("expand-down-16-across-top", TRY(READ16(0xffff)), GP(0));
    SDM_CHECK("expand-down-16-beyond", TRY(READ8(0x10000)), GP(0));
    use(segment((u32) scratch, 0xfff, 0x97, 4));
    SDM_CHECK("expand-down-32-beyond-64k", TRY(READ8(0x10000)), NONE);
    SDM_CHECK("expand-down-32-at-limit", TRY(READ8(0)), GP(0));
    use(segment((u32) scratch, 0, 0x97, 0xc));
    SDM_CHECK("expand-down-granular-at-limit", TRY(READ8(0xfff)), GP(0));
    SDM_CHECK("expand-down-granular-above", TRY(READ8(0x1000)), NONE);

    /* ss: base 0 and a limit that covers this stack, so that the fault itself can be delivered */
    gdt[FIRST_FREE + 1] = segment(0, 0x7ff, 0x93, 0xc);
    SDM_CHECK("limit-stack-segment", TRY({
        LOAD("ss", S + 8);
        ASM("movb %%ss:(%0), %%al", : "r"(0x800000) : "eax");
    }), SS(0));
    SDM_CHECK("limit-stack-ebp", TRY({
        LOAD("ss", S + 8);
        ASM("pushl %%ebp; movl %0, %%ebp; movb (%%ebp), %%al; popl %%ebp", : "r"(0x800000) : "eax");
    }), SS(0));
    LOAD("ss", DATA0);

    use(segment((u32) scratch, 0xfff, 0x93, 4));
    SDM_CHECK("limit-rep-movs", TRY(ACCESS("rep; movsl %%fs:(%%esi), %%es:(%%edi)", S, "S"(0xff8), "D"(scratch + 0x4000), "c"(4))), GP(0));
    if (sdm_only("limit-rep-movs-progress")) {
        check("limit-rep-movs-count", caught.f.ecx, 2);
        check("limit-rep-movs-esi", caught.f.esi, 0x1000);
        check("limit-rep-movs-edi", caught.f.edi, (u32) scratch + 0x4008);
    }
    SDM_CHECK("limit-fpu-operand", TRY(ACCESS("fldl %%fs:(%1); fstp %%st", S, "r"(0xffc))), GP(0));
    SDM_CHECK("limit-cmpxchg8b", TRY(ACCESS("cmpxchg8b %%fs:(%1)", S, "r"(0xffc))), GP(0));
    SDM_CHECK("limit-bt-memory", TRY(ACCESS("btl %2, %%fs:(%1)", S, "r"(0), "r"(0x1000 * 8))), GP(0));
    SDM_CHECK("lea-is-not-checked", TRY(ASM(".byte 0x64; leal (%0), %%eax", : "r"(0x5000) : "eax")), NONE);
}

static void types(void)
{
    use(segment((u32) scratch, 0xfffff, 0x91, 0xc));
    SDM_CHECK("read-only-read", TRY(READ32(0)), NONE);
    SDM_CHECK("read-only-write", TRY(WRITE32(0)), GP(0));
    SDM_CHECK("read-only-rmw", TRY(ACCESS("lock; incl %%fs:(%1)", S, "r"(0))), GP(0));
    use(segment((u32) scratch, 0xfffff, 0x9b, 0xc));
    SDM_CHECK("code-read", TRY(READ32(0)), NONE);
    SDM_CHECK("code-write", TRY(WRITE32(0)), GP(0));
    LOAD("fs", DATA0);
    SDM_CHECK("cs-override-write", TRY(ASM("movb $0, %%cs:(%0)", : "r"(scratch) : "memory")), GP(0));
    /* execute-only: far jump there, then read through cs */
    gdt[FIRST_FREE] = segment(0, 0xfffff, 0x99, 0xc);
    SDM_CHECK("execute-only-cs-read", TRY(ASM("ljmpl %0, $1f; 1: movl %%cs:(%1), %%eax", : "i"(SEL(FIRST_FREE)), "r"(scratch) : "eax")), GP(0));
}

static void null_selectors(void)
{
    check("null-load", TRY({ LOAD("fs", 0); LOAD("gs", 3); LOAD("fs", 2); }), NONE);
    SDM_CHECK("null-read", TRY(ACCESS("movb %%fs:(%1), %%al", 0, "r"(scratch))), GP(0));
    SDM_CHECK("null-write", TRY(ACCESS("movb $0, %%fs:(%1)", 3, "r"(scratch))), GP(0));
    LOAD("fs", DATA0);
    check("null-ss", TRY(LOAD("ss", 0)), GP(0));
    check("null-ss-rpl3", TRY(LOAD("ss", 3)), GP(0));
    check("null-far-jump", TRY(ASM("pushl $0; pushl $1f; ljmp *(%%esp); 1:", : : "memory")), GP(0));
    u32 value = 1;
    ASM("movw %w1, %%gs; movl %%gs, %0", "=r"(value) : "r"(3));
    check("null-keeps-rpl", value & 0xffff, 3);
    LOAD("gs", DATA0);
}

static u32 load_result(struct descriptor d, u32 rpl)
{
    gdt[FIRST_FREE] = d;
    return TRY(LOAD("fs", S | rpl));
}

static u32 load_ss(struct descriptor d, u32 rpl)
{
    gdt[FIRST_FREE] = d;
    u32 outcome = TRY(LOAD("ss", S | rpl));
    LOAD("ss", DATA0);
    return outcome;
}

static void loads(void)
{
    check("load-beyond-gdt", TRY(LOAD("fs", GDT_ENTRIES * 8)), GP(GDT_ENTRIES * 8));
    check("load-beyond-gdt-rpl", TRY(LOAD("fs", GDT_ENTRIES * 8 + 3)), GP(GDT_ENTRIES * 8));
    check("load-ldt-missing", TRY(LOAD("fs", 0x0c)), GP(0x0c));
    check("load-not-present", load_result(segment(0, 0xfffff, 0x13, 0xc), 0), NP(S));
    check("load-system", load_result(segment(0, 0xfff, 0x82, 0), 0), GP(S));
    check("load-execute-only", load_result(segment(0, 0xfffff, 0x99, 0xc), 0), GP(S));
    check("load-readable-code", load_result(segment(0, 0xfffff, 0x9b, 0xc), 0), NONE);
    check("load-rpl-above-dpl", load_result(segment(0, 0xfffff, 0x93, 0xc), 3), GP(S));
    check("load-rpl-code", load_result(segment(0, 0xfffff, 0x9b, 0xc), 3), GP(S));
    check("load-rpl-conforming", load_result(segment(0, 0xfffff, 0x9f, 0xc), 3), NONE);
    check("load-rpl-dpl3", load_result(segment(0, 0xfffff, 0xf3, 0xc), 3), NONE);
    check("load-type-before-present", load_result(segment(0, 0xfffff, 0x19, 0xc), 0), GP(S));

    LOAD("fs", DATA0);
    load_result(segment(0, 0xfffff, 0x13, 0xc), 0);
    u32 value;
    gdt[FIRST_FREE] = segment(0, 0xfffff, 0x12, 0xc);
    ASM("movl %%fs, %0", "=r"(value));
    check("faulting-load-changes-nothing", value & 0xffff, DATA0);
    TRY(LOAD("fs", S));
    check("not-present-stays-unaccessed", gdt[FIRST_FREE].low >> 0 == 0xffff && !(gdt[FIRST_FREE].high & 0x100), 1);
    load_result(segment(0, 0xfffff, 0x92, 0xc), 0);
    check("load-sets-accessed", gdt[FIRST_FREE].high >> 8 & 0xff, 0x93);

    check("ss-writable", load_ss(segment(0, 0xfffff, 0x93, 0xc), 0), NONE);
    check("ss-read-only", load_ss(segment(0, 0xfffff, 0x91, 0xc), 0), GP(S));
    check("ss-code", load_ss(segment(0, 0xfffff, 0x9b, 0xc), 0), GP(S));
    check("ss-wrong-dpl", load_ss(segment(0, 0xfffff, 0xf3, 0xc), 0), GP(S));
    check("ss-wrong-rpl", load_ss(segment(0, 0xfffff, 0x93, 0xc), 3), GP(S));
    check("ss-not-present", load_ss(segment(0, 0xfffff, 0x13, 0xc), 0), SS(S));

    check("mov-to-cs", TRY(ASM(".byte 0x8e, 0xc8")), UD);
    check("mov-to-segment-6", TRY(ASM(".byte 0x8e, 0xf0")), UD);
    check("mov-from-segment-7", TRY(ASM(".byte 0x8c, 0xf8")), UD);

    check("ring3-loads-kernel-data", TRY3(LOAD("fs", DATA0)), GP(DATA0));
    check("ring3-loads-rpl0-of-dpl3", TRY3(LOAD("fs", 0x20)), NONE);
    check("ring3-loads-null", TRY3(LOAD("fs", 0)), NONE);
    check("ring3-kernel-ss", TRY3(LOAD("ss", DATA0)), GP(DATA0));
    check("ring3-ss-rpl0", TRY3(LOAD("ss", 0x20)), GP(0x20));

    struct { u32 offset; u16 selector; } __attribute__((packed)) far = { 0x12345678, DATA0 };
    u32 offset, selector;
    ASM("lfs %2, %0; movl %%fs, %1", "=r"(offset), "=r"(selector) : "m"(far));
    check("lfs-offset", offset, 0x12345678);
    check("lfs-selector", selector & 0xffff, DATA0);
    far.selector = GDT_ENTRIES * 8;
    offset = 77;
    struct { u32 a; } keep = { 77 };
    check("lgs-bad-selector", TRY(ASM("lgs %1, %0", "+r"(keep.a) : "m"(far))), GP(GDT_ENTRIES * 8));
    far.selector = DATA0;
    ASM("movl %%esp, %1; movl %%esp, %%eax; lss %1, %%esp; subl %%esp, %%eax; movl %%eax, %0", "=m"(value), "+m"(far) : : "eax", "memory");
    check("lss", value, 0);
}

static void ldt(void)
{
    static struct descriptor table[4] __attribute__((aligned(8)));
    table[1] = segment((u32) scratch + 0x100, 0xff, 0x93, 4);
    *(u32 *) (scratch + 0x100) = 0xfeedface;
    gdt[FIRST_FREE + 2] = segment((u32) table, sizeof table - 1, 0x82, 0);
    check("lldt", TRY(lldt(SEL(FIRST_FREE + 2))), NONE);
    u32 value, selector = 0x0c;
    ASM("movw %w1, %%fs; movl %%fs:0, %0", "=r"(value) : "r"(selector));
    check("ldt-segment-base", value, 0xfeedface);
    check("ldt-beyond-limit", TRY(LOAD("fs", 0x24)), GP(0x24));
    ASM("sldt %0", "=r"(value));
    check("sldt", value & 0xffff, SEL(FIRST_FREE + 2));
    check("lldt-of-data", TRY(lldt(DATA0)), GP(DATA0));
    check("lldt-of-ldt-selector", TRY(lldt(0x0c)), GP(0x0c));
    gdt[FIRST_FREE + 3] = segment((u32) table, sizeof table - 1, 0x02, 0);
    check("lldt-not-present", TRY(lldt(SEL(FIRST_FREE + 3))), NP(SEL(FIRST_FREE + 3)));
    check("lldt-ring3", TRY3(lldt(SEL(FIRST_FREE + 2))), GP(0));
    LOAD("fs", DATA0);
    lldt(0);
    check("null-ldt", TRY(LOAD("fs", 0x0c)), GP(0x0c));
    SDM_CHECK("ltr-null", TRY(ltr(0)), GP(0));
    check("ltr-busy", TRY(ltr(MAIN_TSS)), GP(MAIN_TSS));
    check("ltr-of-data", TRY(ltr(DATA0)), GP(DATA0));
    gdt[FIRST_FREE + 3] = segment((u32) &main_tss, 103, 0x09, 0);
    check("ltr-not-present", TRY(ltr(SEL(FIRST_FREE + 3))), NP(SEL(FIRST_FREE + 3)));
    gdt[FIRST_FREE + 3] = segment((u32) &main_tss, 103, 0x89, 0);
    check("ltr", TRY(ltr(SEL(FIRST_FREE + 3))), NONE);
    check("ltr-sets-busy", gdt[FIRST_FREE + 3].high >> 8 & 0xff, 0x8b);
    check("str", str(), SEL(FIRST_FREE + 3));
    gdt[5] = segment((u32) &main_tss, 103, 0x89, 0);
    ltr(MAIN_TSS);
}

#define FAR_JUMP(selector) ASM("pushl %0; pushl $1f; ljmp *(%%esp); 1: addl $8, %%esp", : "r"(selector) : "memory")

static u32 jump(struct descriptor d, u32 rpl)
{
    gdt[FIRST_FREE] = d;
    return TRY({ FAR_JUMP(S | rpl); FAR_JUMP(CODE0); });
}

static void far_jumps(void)
{
    check("jump-code", jump(segment(0, 0xfffff, 0x9b, 0xc), 0), NONE);
    SDM_CHECK("jump-sets-accessed", (jump(segment(0, 0xfffff, 0x9a, 0xc), 0), gdt[FIRST_FREE].high >> 8 & 0xff), 0x9b);
    check("jump-execute-only", jump(segment(0, 0xfffff, 0x99, 0xc), 0), NONE);
    check("jump-conforming", jump(segment(0, 0xfffff, 0x9f, 0xc), 0), NONE);
    check("jump-conforming-rpl3", jump(segment(0, 0xfffff, 0x9f, 0xc), 3), NONE);
    check("jump-conforming-dpl3", jump(segment(0, 0xfffff, 0xff, 0xc), 0), GP(S));
    check("jump-rpl3", jump(segment(0, 0xfffff, 0x9b, 0xc), 3), GP(S));
    check("jump-dpl3", jump(segment(0, 0xfffff, 0xfb, 0xc), 0), GP(S));
    check("jump-not-present", jump(segment(0, 0xfffff, 0x1b, 0xc), 0), NP(S));
    check("jump-data", jump(segment(0, 0xfffff, 0x93, 0xc), 0), GP(S));
    check("jump-ldt-descriptor", jump(segment(0, 0xfff, 0x82, 0), 0), GP(S));
    check("jump-beyond-limit", jump(segment(0, 0xfff, 0x9b, 0), 0), GP(0));
    check("jump-beyond-gdt", TRY(FAR_JUMP(GDT_ENTRIES * 8)), GP(GDT_ENTRIES * 8));
    check("ring3-jump-kernel-code", TRY3(FAR_JUMP(CODE0)), GP(CODE0));

    u32 cs;
    gdt[FIRST_FREE] = segment(0, 0xfffff, 0x9f, 0xc);           /* conforming, DPL 0 */
    check("ring3-jump-conforming", TRY3({
        FAR_JUMP(S);
        ASM("movl %%cs, %0", "=r"(cs));
        scratch[0] = (u8) cs;
        FAR_JUMP(CODE3);
    }), NONE);
    check("conforming-keeps-cpl", scratch[0], (S | 3) & 0xff);

    /* fetching past the limit of cs: a segment that ends right after its first instruction (nop; nop) */
    memset(scratch, 0x90, 64);
    gdt[FIRST_FREE] = segment((u32) scratch, 1, 0x9b, 4);
    SDM_CHECK("fetch-beyond-limit", TRY({
        ASM("pushl %0; pushl $0; ljmp *(%%esp)", : "r"(S) : "memory");
    }), GP(0));
    SDM_CHECK("fetch-beyond-limit-eip", caught.f.eip, 2);
    static const u8 near_jump[] = { 0xe9, 0xfb, 0x0f, 0, 0 };    /* jmp +0x1000 */
    memcpy(scratch, near_jump, sizeof near_jump);
    gdt[FIRST_FREE] = segment((u32) scratch, 0xff, 0x9b, 4);
    SDM_CHECK("near-jump-beyond-limit", TRY({
        ASM("pushl %0; pushl $0; ljmp *(%%esp)", : "r"(S) : "memory");
    }), GP(0));
    SDM_CHECK("near-jump-beyond-limit-eip", caught.f.eip, 0);
}

/* A stack segment with B = 0 uses sp, and the upper half of esp stays. */
static void small_stack(void)
{
    gdt[FIRST_FREE] = segment((u32) scratch, 0xffff, 0x93, 0);
    u32 after_one, after_two;
    ASM("movl %%esp, %%edi\n\t"
        "movw %w2, %%ss\n\t"
        "movl $0xabcd0004, %%esp\n\t"
        "pushl $0x11223344\n\t"
        "movl %%esp, %0\n\t"
        "pushl $0x55667788\n\t"
        "movl %%esp, %1\n\t"
        "movw %w3, %%ss\n\t"
        "movl %%edi, %%esp", "=&a"(after_one), "=&d"(after_two) : "c"(S), "b"(DATA0) : "edi", "memory");
    check("small-stack-first", after_one, 0xabcd0000);
    check("small-stack-wraps", after_two, 0xabcdfffc);
    check("small-stack-memory", *(u32 *) scratch, 0x11223344);
    check("small-stack-memory-wrapped", *(u32 *) (scratch + 0xfffc), 0x55667788);
    ASM("movl %%esp, %%edi\n\t"
        "movw %w2, %%ss\n\t"
        "movl $0xabcd1000, %%esp\n\t"
        "movl $0x77771234, %%ebp\n\t"
        "enter $16, $0\n\t"
        "movl %%esp, %0\n\t"
        "movl %%ebp, %1\n\t"
        "leave\n\t"
        "movw %w3, %%ss\n\t"
        "movl %%edi, %%esp", "=&a"(after_one), "=&d"(after_two) : "c"(S), "b"(DATA0) : "edi", "ebp", "memory");
    check("small-stack-enter-esp", after_one, 0xabcd0fec);
    check("small-stack-enter-ebp", after_two & 0xffff, 0x0ffc);
}

void segments(void)
{
    limits();
    types();
    null_selectors();
    loads();
    ldt();
    far_jumps();
    small_stack();
}
