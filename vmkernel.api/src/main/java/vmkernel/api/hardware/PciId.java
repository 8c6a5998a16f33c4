package vmkernel.api.hardware;

/** What a PCI function says it is [PCI] 6.2. Classes have 24 bits: class, subclass, interface. */
public record PciId(int vendor, int device, int subsystemVendor, int subsystemDevice, int classCode, int revision) {
    @Override public String toString() { return String.format("%04x:%04x", vendor, device); }
}
