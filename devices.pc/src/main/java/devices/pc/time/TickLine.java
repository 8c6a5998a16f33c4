package devices.pc.time;

/** An edge-triggered interrupt input that tells whether its last edge still waits for the guest. */
public interface TickLine {
    /** Drives the line. */
    void set(boolean level);

    /** An edge was made and the CPU has not acknowledged it yet, though it is on its way to one. */
    boolean waits();

    /** Some interrupt controller lets the line through; if none does, ticks need not be kept. */
    boolean wanted();
}
