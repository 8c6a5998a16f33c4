package vmkernel.api.device;

import org.osgi.annotation.versioning.ProviderType;

/** The input pins of the virtual CPUs, as the chipset drives them. Any thread; takes effect at an instruction boundary. */
@ProviderType
public interface CpuPins {
    /** Level of INTR of one CPU: whether {@link InterruptSink#acknowledge} has something for it. */
    void interruptRequest(int cpu, boolean level);

    /** A pulse on NMI. */
    void nonMaskable(int cpu);

    /** INIT: the CPU restarts at its reset vector (the first CPU) or waits for a start-up IPI; caches of memory stay. */
    void init(int cpu);

    /** Start-up IPI with a vector. */
    void startup(int cpu, int vector);

    /** Gate A20 of all CPUs: false masks address bit 20. True at power-on. */
    void a20(boolean enabled);

    /** FERR# acknowledge: IGNNE# active until the next x87 error is cleared (port 0xF0). */
    void ignoreNumericError(int cpu);

    /** Number of CPUs. */
    int count();
}
