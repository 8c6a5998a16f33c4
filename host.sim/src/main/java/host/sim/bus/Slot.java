package host.sim.bus;

/** What a {@link Model} is plugged in: the bus as its device sees it. Any thread. */
public interface Slot {
    /** System memory, as bus master. */
    BusMemory memory();

    /**
     * Drives the interrupt pin. The driver's handler may be called before this returns, so the model holds no lock that its
     * registers want; from within a register access the handler is called later, on another thread.
     */
    void interrupt(boolean level);
}
