/**
 * Floating point as an Intel processor computes it: the x87 registers with 80-bit arithmetic, and the single and double
 * precision arithmetic of SSE and SSE2. Every result and every exception flag is meant to be the one of the hardware,
 * bit for bit; the tests hold this package against the processor that they run on.
 *
 * <p>One exact arithmetic ({@link monitor.x86.fpu.FloatCore}) serves the three formats. Nothing here knows of memory,
 * of instructions or of how a fault is delivered. Objects belong to one virtual CPU and to one thread at a time.
 */
package monitor.x86.fpu;
