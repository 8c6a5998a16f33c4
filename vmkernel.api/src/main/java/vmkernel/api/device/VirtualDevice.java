package vmkernel.api.device;

import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.handover.SavedState;

/**
 * A device of one virtual machine. Called under the VM's device lock. It is handed over while its vCPUs stand still and the lock
 * is held, and requests in flight are the kernel's: so it has nothing to quiesce, only to {@link #save}.
 */
@ConsumerType
public interface VirtualDevice {
    /** As at power-on. Called once after a creation without state, and at each reset of the machine. */
    void reset();

    /** Everything that a successor needs to go on as if nothing had happened; changes nothing. Guest time stands still. */
    SavedState save();

    /** The user asks the guest to shut down (a press of the power button); true if this device can tell the guest. */
    default boolean requestShutdown() { return false; }

    /** Release timers and threads; the context's claims are released by the kernel. */
    default void close() {}
}
