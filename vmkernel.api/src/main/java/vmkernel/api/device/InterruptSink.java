package vmkernel.api.device;

import org.osgi.annotation.versioning.ConsumerType;

/** Where interrupt lines end: implemented by the device that models the interrupt controllers. Under the VM's device lock. */
@ConsumerType
public interface InterruptSink {
    /** @param line global system interrupt: ISA IRQ 0 to 15, PCI from 16 */
    void line(int line, boolean level);

    /** Sets the level without making an edge. */
    void restore(int line, boolean level);

    /**
     * The CPU acknowledges an interrupt (INTA): the vector, 0 to 255; the spurious vector if nothing is pending any more.
     * Called on the vCPU's thread, under the device lock.
     */
    int acknowledge(int cpu);

    /** The guest wrote IA32_APIC_BASE of a CPU; the monitor keeps the register. */
    void apicBase(int cpu, long value);

    /** Task priority of a CPU's local APIC as CR8 sees it (bits 3:0). */
    int taskPriority(int cpu);

    void taskPriority(int cpu, int priority);
}
