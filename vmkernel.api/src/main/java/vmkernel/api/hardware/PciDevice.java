package vmkernel.api.hardware;

import org.osgi.annotation.versioning.ProviderType;

/**
 * One PCI function of the host, as its driver has it. Registers are little-endian. Any thread; a device that is gone reads as
 * all ones and ignores writes.
 */
@ProviderType
public interface PciDevice {
    /** Offset and bits of the command register [PCI] 6.2.2. */
    int COMMAND = 0x04, COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4, COMMAND_INTERRUPT_DISABLE = 0x400;

    PciAddress address();

    PciId id();

    /** @param offset 0 to 255, aligned to {@code bytes}; @param bytes 1, 2 or 4; @return zero-extended */
    int readConfig(int offset, int bytes);

    void writeConfig(int offset, int bytes, int value);

    /** Size of the window behind a base address register, 0 if it has none. @param bar 0 to 5 */
    int windowBytes(int bar);

    /** Reads a register in the window of a base address register. @param bytes 1, 2 or 4; @return zero-extended */
    long read(int bar, int offset, int bytes);

    void write(int bar, int offset, int bytes, long value);

    /** @param alignment a power of two; @throws IllegalStateException in one line if there is no such memory left */
    DmaBuffer allocate(int bytes, int alignment);

    /**
     * Who answers the interrupt pin; null for no one. One call at a time for a device, on a thread of the host that holds no
     * lock of the driver; never from within a call of this interface. The line is level-triggered and may be shared: the
     * handler is called again as long as the line is up.
     */
    void onInterrupt(InterruptHandler handler);

    /** As after power-on, with its addresses assigned; bus mastering is off. Whatever the device did has stopped. */
    void reset();

    /** Answers an interrupt. */
    @FunctionalInterface
    @org.osgi.annotation.versioning.ConsumerType
    interface InterruptHandler {
        /** Serves the device; false if it was not this device that raised the line. */
        boolean interrupt();
    }
}
