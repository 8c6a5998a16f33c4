package host.sim.bus;

import java.util.List;
import vmkernel.api.hardware.PciId;

/**
 * The model of one PCI device: what is behind its windows. Register accesses come from any thread, several at a time, and must be
 * quick: what takes time is done by threads of the model. Never throws, whatever a driver writes.
 */
public interface Model extends AutoCloseable {
    /** A window behind a base address register. @param bytes a power of two */
    record Window(int bar, int bytes, boolean io) {}

    PciId id();

    List<Window> windows();

    /** Interrupt pin, 1 for INTA# to 4; 0 for none. */
    int interruptPin();

    /**
     * Whether it drives its pin just now: pending sources that are not masked. Asked by the bus as often as it likes, so that the
     * level of a line never depends on the order in which threads tell of it. Cheap, takes no lock that is held for long.
     */
    boolean interrupt();

    /** Reads a register of 1, 2 or 4 bytes; the access never leaves the window. @return zero-extended */
    long read(int bar, int offset, int bytes);

    void write(int bar, int offset, int bytes, long value);

    /** Reset of the bus: as at power-on. What was going on has stopped when it returns, and no memory is touched any more. */
    void reset();

    /** The power is cut: files are closed, threads end. */
    @Override
    void close();
}
