package host.sim.bus;

/** A piece of simulated hardware cannot be built as the hardware file says. The message is one line: file, line, what is wrong, what to do. */
public final class HardwareException extends Exception {
    private static final long serialVersionUID = 1;

    public HardwareException(String message) { super(message); }
}
