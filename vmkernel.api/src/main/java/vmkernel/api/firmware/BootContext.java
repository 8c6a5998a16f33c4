package vmkernel.api.firmware;

import org.osgi.annotation.versioning.ProviderType;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.monitor.PortBus;
import vmkernel.api.vm.VmConfig;

/**
 * What the firmware works on. Boot keys of the configuration (paths relative to the .vmx file):
 * {@code boot.kernel}, {@code boot.initrd}, {@code boot.multiboot}, {@code boot.module0...} ("file arguments"), {@code boot.rom},
 * {@code boot.append}.
 */
@ProviderType
public interface BootContext {
    VmConfig config();

    GuestMemory memory();

    /** Number of virtual CPUs. */
    int cpus();

    /** I/O ports, as firmware programs the chipset. */
    PortBus ports();

    /** Memory-mapped devices (local APIC, IOAPIC). */
    PortBus mmio();
}
