/* SSE control: MXCSR, #XM, alignment. [SDM] 1 chapters 10 and 11, 3A 6.15 interrupt 19, 3A 13. */
#include "systest.h"

static u32 mxcsr(void) { u32 v; ASM("stmxcsr %0", "=m"(v)); return v; }
static void set_mxcsr(u32 v) { ASM("ldmxcsr %0", : "m"(v)); }

void sse(void)
{
    if (!bit(cpuid_edx(), 25)) {
        skip("sse", "not in CPUID");
        return;
    }
    write_cr4(read_cr4() | 0x600);
    float *const v = (float *) scratch;
    u32 *const bits = (u32 *) scratch;
    bits[0] = 0x3f800000, bits[1] = 0, bits[2] = 0x40400000, bits[3] = 1;          /* 1, 0, 3, denormal */
    set_mxcsr(0x1f80);
    check("mxcsr-default", mxcsr(), 0x1f80);
    ASM("movss (%0), %%xmm0; divss 4(%0), %%xmm0; movss %%xmm0, 16(%0)", : "r"(v) : "memory");
    check("divide-by-zero-masked", bits[4], 0x7f800000);
    check("divide-by-zero-flag", mxcsr() & 0x3f, 4);
    ASM("movss (%0), %%xmm0; divss 8(%0), %%xmm0; movss %%xmm0, 16(%0)", : "r"(v) : "memory");
    check("third", bits[4], 0x3eaaaaab);
    check("flags-are-sticky", mxcsr() & 0x3f, 0x24);
    set_mxcsr(0x7f80);
    ASM("movss (%0), %%xmm0; divss 8(%0), %%xmm0; movss %%xmm0, 16(%0)", : "r"(v) : "memory");
    check("third-toward-zero", bits[4], 0x3eaaaaaa);
    set_mxcsr(0x1f80);
    SDM_CHECK("mxcsr-reserved-bits", TRY(set_mxcsr(0x10000)), GP(0));
    SDM_CHECK("mxcsr-unchanged", mxcsr(), 0x1f80);

    set_mxcsr(0x1f80);
    set_mxcsr(0x1d80);                          /* zero divide unmasked */
    SDM_CHECK("xm", TRY(ASM("movss (%0), %%xmm0; divss 4(%0), %%xmm0", : "r"(v))), XM);
    SDM_CHECK("xm-flag", mxcsr() & 0x3f, 4);
    write_cr4(read_cr4() & ~0x400u);
    set_mxcsr(0x1d80);
    SDM_CHECK("xm-without-osxmmexcpt", TRY(ASM("movss (%0), %%xmm0; divss 4(%0), %%xmm0", : "r"(v))), UD);
    write_cr4(read_cr4() | 0x400);
    set_mxcsr(0x1f80);

    ASM("movss 12(%0), %%xmm0; addss 4(%0), %%xmm0; movss %%xmm0, 16(%0)", : "r"(v) : "memory");
    check("denormal-kept", bits[4], 1);
    SDM_CHECK("denormal-flag", mxcsr() & 2, 2);
    u8 *fx = scratch + 0x100;
    memset(fx, 0, 512);
    ASM("fxsave (%0)", : "r"(fx) : "memory");
    u32 mask = *(u32 *) (fx + 28);
    if (mask & 0x40) {
        set_mxcsr(0x1fc0);
        ASM("movss 12(%0), %%xmm0; addss 4(%0), %%xmm0; movss %%xmm0, 16(%0)", : "r"(v) : "memory");
        check("denormals-are-zeros", bits[4], 0);
        set_mxcsr(0x1f80);
    }
    bits[0] = 0x00800000, bits[1] = 0x3f000000;         /* smallest normal times one half */
    set_mxcsr(0x9f80);
    ASM("movss (%0), %%xmm0; mulss 4(%0), %%xmm0; movss %%xmm0, 16(%0)", : "r"(v) : "memory");
    check("flush-to-zero", bits[4], 0);
    set_mxcsr(0x1f80);

    check("fxsave-mxcsr", *(u32 *) (fx + 24) & 0xffc0, 0x1f80);
    *(u32 *) (fx + 24) = ~mask;
    SDM_CHECK("fxrstor-reserved-mxcsr", TRY(ASM("fxrstor (%0)", : "r"(fx))), GP(0));
    *(u32 *) (fx + 24) = 0x3f80;
    *(u32 *) (fx + 160) = 0x12345678;
    ASM("fxrstor (%0); movss %%xmm0, (%1)", : "r"(fx), "r"(v) : "memory");
    check("fxrstor-mxcsr", mxcsr(), 0x3f80);
    check("fxrstor-xmm0", bits[0], 0x12345678);
    set_mxcsr(0x1f80);
    check("movntps-unaligned", TRY(ASM("movntps %%xmm0, 4(%0)", : "r"(v) : "memory")), GP(0));
    check("addps-unaligned-operand", TRY(ASM("addps 4(%0), %%xmm0", : "r"(v))), GP(0));
    check("movlps-unaligned", TRY(ASM("movlps 1(%0), %%xmm0", : "r"(v))), NONE);
    check("movaps-across-missing-page", TRY(ASM("movaps (%0), %%xmm0", : "r"(0x70000000))), PF(0));
    check("unaligned-before-page-fault", TRY(ASM("movaps 4(%0), %%xmm0", : "r"(0x70000000))), GP(0));
    if (bit(cpuid_edx(), 26)) {
        ASM("pcmpeqd %%xmm1, %%xmm1; psrlq $63, %%xmm1; movdqu %%xmm1, 16(%0)", : "r"(v) : "memory");
        check("sse2", bits[4] ^ bits[6] ^ bits[5], 0);
        check("sse2-value", bits[6], 1);
    }
    write_cr4(read_cr4() & ~0x600u);
}
