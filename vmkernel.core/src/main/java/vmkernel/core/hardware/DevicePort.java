package vmkernel.core.hardware;

import java.util.List;
import vmkernel.api.hardware.Driver;
import vmkernel.api.net.LinkState;

/**
 * What is above a device in the kernel: {@code vmhba0} with its disks or {@code vmnic0} with its switch. It outlives every driver.
 * The first four are called one at a time; the others come from the driver, on any thread.
 */
interface DevicePort {
    /** A driver is at work: what was held goes to it. */
    void attached(Driver driver);

    /** The driver is about to be quiesced: from now on everything waits. It may still end what it has. */
    void hold();

    /** The driver is closed: what it has not ended will not be ended by it, and is to be repeated. */
    void detached();

    /** There will be no driver for now: what waits fails. A later {@link #attached} makes it work again. */
    void gone();

    void received(List<byte[]> frames);

    void transmitReady();

    void linkChanged(LinkState link);

    void unitsChanged();
}
