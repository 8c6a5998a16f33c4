package drivers.e100;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import vmkernel.api.hardware.DriverException;
import vmkernel.api.hardware.PciDevice;

/**
 * The control and status registers, in the window of BAR 0, and the waits that go with them: each ends, whatever the device
 * does. {@link #command} is called under the adapter's command lock, everything else by any thread. [8255x] 6.3.
 */
final class Csr {
    private static final int BAR = 0;
    private static final int STATUS = 0x00, ACKNOWLEDGE = 0x01, COMMAND = 0x02, MASK = 0x03, POINTER = 0x04, PORT = 0x08, EEPROM = 0x0E, MDI = 0x10;
    private static final int LAST = 0x14;

    /** Causes of an interrupt: a block with I was done, a frame came in, the command unit rests, the receive unit has nowhere to put frames. */
    static final int CX = 0x80, FR = 0x40, CNA = 0x20, RNR = 0x10, EVERY_CAUSE = 0xFF;
    /** Mask register: M for all; the bit of a cause for that cause, from the 82558. */
    static final int MASK_ALL = 0x01, MASK_ER = 0x08, MASK_FCP = 0x04;

    static final int CU_START = 0x10, CU_RESUME = 0x20, CU_LOAD_DUMP_ADDRESS = 0x40, CU_LOAD_BASE = 0x60, CU_DUMP_AND_RESET = 0x70;
    static final int RU_START = 0x01, RU_ABORT = 0x04, RU_LOAD_BASE = 0x06;

    static final int RU_READY = 4;

    private static final int PORT_RESET = 0, PORT_SELF_TEST = 1, PORT_SELECTIVE_RESET = 2;
    private static final long MICROSECOND = 1_000, MILLISECOND = 1_000_000;
    private static final long RESET_NANOS = 20 * MICROSECOND;
    /**
     * For what takes a healthy chip microseconds: a command is accepted, a management frame of 64 bits of 400 ns comes back. As
     * long as it is because this host, and a device that is a program of it, may both stand still for a while.
     */
    private static final long ANSWER_NANOS = 1000 * MILLISECOND;
    private static final int MDI_WRITE = 0x0400_0000, MDI_READ = 0x0800_0000, MDI_READY = 0x1000_0000;
    /** Waits spin for as long as most of them take, then sleep. */
    private static final long SPIN_NANOS = 20 * MICROSECOND, SLEEP_NANOS = 50 * MICROSECOND;

    private final PciDevice device;
    private final String place;

    Csr(PciDevice device) throws DriverException {
        this.device = device;
        place = device.address().toString();
        if (device.windowBytes(BAR) < LAST) throw new DriverException(place + ": no registers behind BAR 0");
    }

    /** Status in bits 7:0, causes of an interrupt in bits 15:8; {@link #gone} tells whether there is a device at all. */
    int status() { return (int) device.read(BAR, STATUS, 2); }

    static boolean gone(int status) { return status == 0xFFFF; }

    static int receiveUnit(int status) { return status >> 2 & 0xF; }

    static int commandUnit(int status) { return status >> 6 & 3; }

    /**
     * Takes causes back: what the device does from then on is a new cause. It may do it while the write is on its way: memory is
     * looked at after the next {@link #status}, which comes back when the write has arrived.
     */
    void acknowledge(int causes) { device.write(BAR, ACKNOWLEDGE, 1, causes); }

    /** One bits keep causes away from the interrupt pin. */
    void mask(int bits) { device.write(BAR, MASK, 1, bits); }

    void command(int command, long pointer) throws DriverException {
        awaitAcceptance();
        device.write(BAR, POINTER, 4, pointer);
        device.write(BAR, COMMAND, 1, command);
    }

    /** A command that needs no pointer. */
    void command(int command) throws DriverException {
        awaitAcceptance();
        device.write(BAR, COMMAND, 1, command);
    }

    /** The one before must be taken: its byte is zero then. */
    private void awaitAcceptance() throws DriverException {
        int pending = pending();
        if (pending == 0) return;
        if (pending == 0xFF) throw new DriverException(place + ": the card does not answer any more");
        if (!await(() -> pending() == 0, ANSWER_NANOS)) throw new DriverException(String.format("%s: command %02x is not accepted", place, pending));
    }

    private int pending() { return (int) device.read(BAR, COMMAND, 1); }

    /**
     * As after power-on, without interrupts. First only the units, so that what is on the bus comes to an end [8255x] 6.3.3.
     */
    void reset() {
        port(PORT_SELECTIVE_RESET);
        port(PORT_RESET);
        mask(MASK_ALL); // a reset clears the mask
    }

    private void port(int operation) {
        device.write(BAR, PORT, 4, operation);
        device.read(BAR, STATUS, 1); // the write has arrived when this comes back
        pause(RESET_NANOS);
    }

    /** Starts the self-test; its two results go to this address. The device is reset afterwards. */
    void selfTest(long address) { device.write(BAR, PORT, 4, address | PORT_SELF_TEST); }

    int eeprom() { return (int) device.read(BAR, EEPROM, 2); }

    void eeprom(int pins) { device.write(BAR, EEPROM, 2, pins); }

    int readPhy(int phy, int register) throws DriverException {
        device.write(BAR, MDI, 4, MDI_READ | phy << 21 | register << 16);
        if (!await(() -> (mdi() & MDI_READY) != 0, ANSWER_NANOS)) throw new DriverException(place + ": the management interface of the PHY does not answer");
        return mdi() & 0xFFFF;
    }

    private int mdi() { return (int) device.read(BAR, MDI, 4); }

    /** A pause too short for the scheduler. */
    static void pause(long nanos) {
        for (long end = System.nanoTime() + nanos; System.nanoTime() - end < 0; ) Thread.onSpinWait();
    }

    /** @return false if it does not come true in time */
    static boolean await(BooleanSupplier condition, long nanos) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            long waited = System.nanoTime() - start;
            if (waited > nanos) return condition.getAsBoolean();
            if (waited < SPIN_NANOS) Thread.onSpinWait(); else LockSupport.parkNanos(SLEEP_NANOS);
        }
        return true;
    }
}
