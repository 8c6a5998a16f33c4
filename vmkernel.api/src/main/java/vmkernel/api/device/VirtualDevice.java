package vmkernel.api.device;

import org.osgi.annotation.versioning.ConsumerType;

/** A device of one virtual machine. Called under the VM's device lock. */
@ConsumerType
public interface VirtualDevice {
    /** As at power-on. Called once after creation and at each reset of the machine. */
    void reset();

    /** The user asks the guest to shut down (a press of the power button); true if this device can tell the guest. */
    default boolean requestShutdown() { return false; }

    /** Release timers and threads; the context's claims are released by the kernel. */
    default void close() {}
}
