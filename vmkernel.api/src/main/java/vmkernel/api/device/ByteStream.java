package vmkernel.api.device;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The kernel's end of a character device such as a serial port: it outlives both the device and who is attached. All calls
 * under the VM's device lock.
 */
@ProviderType
public interface ByteStream {
    /** Sends a byte to whoever is attached; false if it cannot be taken now ({@code writable} of the listener will tell). */
    boolean write(int value);

    /** Next byte that came from outside, 0 to 255, or -1. */
    int read();

    /** True if {@link #read} would give a byte. */
    boolean available();

    /** At most one; null removes it. {@code readable} when bytes arrive, {@code writable} when room is made. */
    void listener(Runnable readable, Runnable writable);
}
