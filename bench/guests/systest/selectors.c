/* The instructions that ask about selectors. [SDM] 2A ARPL, LAR, LSL; 2B VERR, VERW. */
#include "systest.h"

static const u32 S = SEL(FIRST_FREE);

/* The result of LAR or LSL with ZF in bit 0 of *zf; the destination starts as 0xaaaaaaaa and stays on failure. */
#define QUERY(instruction, selector, zf) ({ \
    u32 result_ = 0xaaaaaaaa; u8 z_; \
    ASM(instruction " %w2, %0; setz %1", "+&r"(result_), "=q"(z_) : "r"(selector) : "cc"); \
    zf = z_; result_; })

#define VERIFY(instruction, selector) ({ u8 z_; ASM(instruction " %w1; setz %0", "=q"(z_) : "r"(selector) : "cc"); (u32) z_; })

static u32 lar_of(struct descriptor d, u32 rpl)
{
    u32 zf;
    gdt[FIRST_FREE] = d;
    u32 v = QUERY("larl", S | rpl, zf);
    return zf ? v & 0x00f0ff00 : v;     /* the manual leaves 19:16 undefined */
}

static u32 lsl_of(struct descriptor d, u32 rpl)
{
    u32 zf;
    gdt[FIRST_FREE] = d;
    u32 v = QUERY("lsll", S | rpl, zf);
    return zf ? v : v + zf;
}

static u32 verr_of(struct descriptor d, u32 rpl) { gdt[FIRST_FREE] = d; return VERIFY("verr", S | rpl); }
static u32 verw_of(struct descriptor d, u32 rpl) { gdt[FIRST_FREE] = d; return VERIFY("verw", S | rpl); }

static void arpl(void)
{
    u32 value = 0x12340010;
    u8 zf;
    ASM("arpl %w2, %w0; setz %1", "+&r"(value), "=q"(zf) : "r"(3) : "cc");
    check("arpl-raises", value, 0x12340013);
    check("arpl-raises-zf", zf, 1);
    value = 0x12340013;
    ASM("arpl %w2, %w0; setz %1", "+&r"(value), "=q"(zf) : "r"(1) : "cc");
    check("arpl-keeps", value, 0x12340013);
    check("arpl-keeps-zf", zf, 0);
    *(u16 *) scratch = 0xfff4;
    ASM("arpl %w0, (%1)", : "r"(2), "r"(scratch) : "memory", "cc");
    check("arpl-memory", *(u16 *) scratch, 0xfff6);
}

void selectors(void)
{
    static const u8 system_lar[16] = { 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0 };    /* table 3-51 */
    static const u8 system_lsl[16] = { 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0 };
    arpl();
    check("lar-code", lar_of(segment(0, 0xfffff, 0x9b, 0xc), 0), 0x00c09b00);
    check("lar-data-16", lar_of(segment(0, 0xffff, 0x93, 0), 0), 0x00009300);
    check("lar-rpl3-of-dpl0", lar_of(segment(0, 0xffff, 0x93, 0), 3), 0xaaaaaaaa);
    check("lar-rpl3-conforming", lar_of(segment(0, 0xffff, 0x9f, 0), 3), 0x00009f00);
    check("lar-not-present", lar_of(segment(0, 0xffff, 0x13, 0), 0), 0x00001300);
    check("lsl-bytes", lsl_of(segment(0, 0x12345, 0x93, 0), 0), 0x12345);
    check("lsl-pages", lsl_of(segment(0, 0x12345, 0x93, 8), 0), 0x12345fff);
    check("lsl-expand-down", lsl_of(segment(0, 0x12345, 0x97, 0), 0), 0x12345);
    check("lsl-rpl3-of-dpl0", lsl_of(segment(0, 0x12345, 0x93, 0), 3), 0xaaaaaaaa);
    u32 lar_wrong = 0, lsl_wrong = 0;
    for (u32 type = 0; type < 16; type++) {
        struct descriptor d = segment(0, 0x777, 0x80 | type, 0);
        lar_wrong |= (u32) (lar_of(d, 0) == (system_lar[type] ? 0x8000 | type << 8 : 0xaaaaaaaa) ? 0 : 1) << type;
        lsl_wrong |= (u32) (lsl_of(d, 0) == (system_lsl[type] ? 0x777 : 0xaaaaaaaa) ? 0 : 1) << type;
    }
    check("lar-system-types", lar_wrong, 0);
    check("lsl-system-types", lsl_wrong, 0);
    u32 zf, v = QUERY("larl", 0, zf);
    check("lar-null", v << 1 | zf, 0x55555554);
    v = QUERY("lsll", GDT_ENTRIES * 8, zf);
    check("lsl-beyond-gdt", v << 1 | zf, 0x55555554);
    u32 half = 0xaaaaaaaa;
    ASM("larw %w1, %w0", "+r"(half) : "r"(CODE0) : "cc");
    check("lar-16", half, 0xaaaa9b00);
    half = 0xaaaaaaaa;
    ASM("lslw %w1, %w0", "+r"(half) : "r"(CODE0) : "cc");
    check("lsl-16", half, 0xaaaaffff);

    check("verr-data", verr_of(segment(0, 0xffff, 0x91, 0), 0), 1);
    check("verr-execute-only", verr_of(segment(0, 0xffff, 0x99, 0), 0), 0);
    check("verr-readable-code", verr_of(segment(0, 0xffff, 0x9b, 0), 0), 1);
    check("verr-rpl", verr_of(segment(0, 0xffff, 0x9b, 0), 3), 0);
    check("verr-conforming-rpl", verr_of(segment(0, 0xffff, 0x9f, 0), 3), 1);
    check("verr-system", verr_of(segment(0, 0xffff, 0x82, 0), 0), 0);
    check("verr-null", VERIFY("verr", 0), 0);
    check("verw-data", verw_of(segment(0, 0xffff, 0x93, 0), 0), 1);
    check("verw-read-only", verw_of(segment(0, 0xffff, 0x91, 0), 0), 0);
    check("verw-code", verw_of(segment(0, 0xffff, 0x9b, 0), 0), 0);
    check("verw-rpl", verw_of(segment(0, 0xffff, 0x93, 0), 3), 0);
    check("verw-dpl3-rpl3", verw_of(segment(0, 0xffff, 0xf3, 0), 3), 1);
    u32 from_ring3 = 0;
    check("verr-ring3", TRY3(from_ring3 = VERIFY("verr", DATA0)), NONE);
    check("verr-ring3-zf", from_ring3, 0);

    u32 before = gdt[FIRST_FREE].high;
    gdt[FIRST_FREE] = segment(0, 0xffff, 0x92, 0);
    VERIFY("verr", S);
    (void) before;
    check("verr-leaves-accessed", gdt[FIRST_FREE].high >> 8 & 0xff, 0x92);
    check("sldt-ring3-allowed", TRY3(ASM("sldt %%eax", : : "eax")), NONE);
    check("str-ring3-allowed", TRY3(ASM("str %%eax", : : "eax")), NONE);
    check("smsw-ring3-allowed", TRY3(ASM("smsw %%eax", : : "eax")), NONE);
    check("sgdt-ring3-allowed", TRY3(ASM("sgdt (%0)", : "r"(scratch) : "memory")), NONE);
    check("sgdt-limit", *(u16 *) scratch, GDT_ENTRIES * 8 - 1);
    check("sgdt-base", *(u32 *) (scratch + 2), (u32) gdt);
    check("sgdt-register-form", TRY(ASM(".byte 0x0f, 0x01, 0xc0")), UD);
}
