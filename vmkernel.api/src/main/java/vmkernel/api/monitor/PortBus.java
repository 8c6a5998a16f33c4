package vmkernel.api.monitor;

import org.osgi.annotation.versioning.ProviderType;

/** The I/O ports or the memory-mapped devices of a VM, as a virtual CPU sees them. Takes the VM's device lock itself. */
@ProviderType
public interface PortBus {
    /** @param bytes 1, 2, 4 (8 on the memory bus); nobody there reads as all ones */
    long read(long address, int bytes);

    void write(long address, int bytes, long value);
}
