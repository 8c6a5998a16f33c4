package vmkernel.api.device;

import org.osgi.annotation.versioning.ConsumerType;

/** The configuration registers of one PCI function of a VM. Under the VM's device lock; as {@link IoHandler}, never throws. */
@ConsumerType
public interface PciHandler {
    /** @param offset 0 to 255; @param bytes 1, 2 or 4, within a dword */
    int read(int offset, int bytes);

    void write(int offset, int bytes, int value);
}
