package monitor.x86.fpu;

import vmkernel.api.monitor.CpuState;

/**
 * The SSE unit of one virtual CPU: XMM registers and MXCSR ([SDM] 1, 10.2). One thread at a time.
 */
public final class Sse {
    /** The bits of MXCSR that exist: flags, DAZ, masks, rounding, FTZ. Others are #GP in LDMXCSR and FXRSTOR. */
    public static final int MXCSR_MASK = 0xFFFF;
    /** MXCSR after reset: all exceptions masked, round to nearest. */
    public static final int MXCSR_RESET = 0x1F80;

    /** XMM0 to XMM15, low half first. */
    public final long[] xmm = new long[32];

    private int mxcsr;

    /** A unit after reset. */
    public Sse() {
        mxcsr(MXCSR_RESET);
    }

    /** MXCSR. */
    public int mxcsr() {
        return mxcsr;
    }

    /** Sets MXCSR; the caller has refused values with bits outside {@link #MXCSR_MASK}. */
    public void mxcsr(int value) {
        mxcsr = value;
    }

    /** Takes the registers from a state. */
    public void load(CpuState state) {
        System.arraycopy(state.xmm, 0, xmm, 0, xmm.length);
        mxcsr(state.mxcsr & MXCSR_MASK);
    }

    /** Puts the registers into a state. */
    public void save(CpuState state) {
        System.arraycopy(xmm, 0, state.xmm, 0, xmm.length);
        state.mxcsr = mxcsr;
    }
}
