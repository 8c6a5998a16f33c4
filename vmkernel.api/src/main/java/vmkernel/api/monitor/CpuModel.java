package vmkernel.api.monitor;

/** CPUs that a guest can be given. */
public enum CpuModel {
    /** A 32-bit CPU with what the software monitor implements: x87, MMX, SSE, SSE2, PAE, PSE, PGE, CX8, CMOV, SEP, TSC, MSR, APIC. */
    X86_32
}
