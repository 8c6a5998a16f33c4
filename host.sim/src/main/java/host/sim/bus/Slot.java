package host.sim.bus;

/** What a {@link Model} is plugged in: the bus as its device sees it. Any thread. */
public interface Slot {
    /** System memory, as bus master. */
    BusMemory memory();

    /**
     * The model may drive its interrupt pin now, as {@link Model#interrupt} tells: called after every change that may have raised it;
     * there is no need to tell that it fell. The driver's handler may run before this returns, so the model holds no lock that its
     * registers want; from within a register access the handler runs later, on another thread.
     */
    void interruptChanged();
}
