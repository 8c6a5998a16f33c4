package vmkernel.api.device;

import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;
import vmkernel.api.memory.GuestMemory;
import vmkernel.api.net.SwitchPort;
import vmkernel.api.storage.VirtualDisk;
import vmkernel.api.vm.VmConfig;

/**
 * All that one virtual device may touch. Claims vanish when the device is detached. Except where said otherwise, calls are
 * made from the provider's {@code create} or from callbacks, all of which hold the VM's device lock.
 */
@ProviderType
public interface DeviceContext {
    /** The VM's configuration; the device's own keys start with {@link #prefix}. */
    VmConfig config();

    /** Key prefix of this device in the configuration, such as {@code serial0}. */
    String prefix();

    /** Claims I/O ports. @throws IllegalStateException naming the other owner if one of them is taken */
    void claimPorts(int first, int count, IoHandler handler);

    void releasePorts(int first, int count);

    /** Claims guest-physical addresses; takes precedence over RAM there. @throws IllegalStateException on overlap with another claim */
    void claimMemory(long address, long bytes, IoHandler handler);

    void releaseMemory(long address, long bytes);

    /** A line may have several drivers: it is up while one of them drives it. @param line global system interrupt; ISA IRQ 0 to 15, PCI from 16 */
    InterruptLine interrupt(int line);

    /**
     * Takes a place on PCI bus 0.
     *
     * @param slot 0 to 31, or -1 for one that the kernel chooses and keeps for this device: over hand-overs and power cycles
     * @return the slot
     * @throws IllegalStateException naming the other owner if the place is taken, or if the bus is full
     */
    int claimPci(int slot, int function, PciHandler handler);

    /** Who has a place on PCI bus 0, or null: for the board's configuration mechanism. */
    PciHandler pci(int slot, int function);

    /** The disks of this SCSI adapter, by target: {@code scsi0:1} is 1 of {@code scsi0}. */
    Map<Integer, VirtualDisk> disks();

    /** The port that this network adapter is plugged in. @throws IllegalStateException if it is none */
    SwitchPort network();

    /** This device is the machine's interrupt controller. @throws IllegalStateException if there is one */
    void serveInterrupts(InterruptSink sink);

    void serveBackdoor(BackdoorHandler handler);

    CpuPins cpus();

    GuestMemory memory();

    GuestClock clock();

    GuestTimer timer(Runnable callback);

    /** The stream behind {@code serial0} and so on; created on first use. */
    ByteStream stream(String name);

    /** Runs under the device lock, soon: on this thread, on the one that is inside, or on one of the kernel. Any thread may call. */
    void execute(Runnable task);

    /** The guest turned its power off (ACPI S5). Takes effect at an instruction boundary. Any thread. */
    void powerOff();

    /** The guest asked for a reset of the machine. Any thread. */
    void reset();

    /** The guest ended the run through the debug-exit port: the VM powers off and reports {@code (2*value+1)&0xff}. */
    void debugExit(long value);

    /** Counts an access or a setting that real hardware would not have been given; shown in /proc/vmware. */
    void misuse(String what);
}
