package vmkernel.api.hardware;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Memory that a device of the host can reach: physically contiguous, all zero when given, below 4 GiB on the bus. Taken back
 * by the kernel when the driver is detached, after the device was made to stop.
 */
@ProviderType
public interface DmaBuffer extends AutoCloseable {
    /** Where the processor finds it: for {@link vmkernel.api.memory.HostMemory}. Unchecked: the driver stays within {@link #bytes}. */
    long address();

    /** Where the device finds it: what is written into descriptors. */
    long busAddress();

    int bytes();

    /** Gives it back early. The device must not use it any more. */
    @Override
    void close();
}
