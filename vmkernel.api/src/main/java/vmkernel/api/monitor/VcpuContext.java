package vmkernel.api.monitor;

import org.osgi.annotation.versioning.ProviderType;
import vmkernel.api.device.GuestClock;
import vmkernel.api.memory.GuestMemory;

/** All that a virtual CPU may touch outside itself. Called on the thread that runs the vCPU, unless said otherwise. */
@ProviderType
public interface VcpuContext {
    /** Bits of {@link #events}. */
    int INTERRUPT_REQUEST = 1;
    int NON_MASKABLE = 2;
    int INIT = 4;
    int STARTUP = 8;

    /** Index of this CPU in its VM. */
    int cpu();

    GuestMemory memory();

    PortBus ports();

    /** Accesses to guest-physical addresses that are not RAM or ROM, or that a device has claimed. */
    PortBus mmio();

    /** True if a device has claimed any address in this page, so that it must not be cached as memory. */
    boolean claimed(long ppn);

    GuestClock clock();

    /** Time-stamp counter ticks for each second; the counter itself is guest time at this rate plus an offset of the vCPU. */
    long tscHertz();

    /** Pending inputs. INTERRUPT_REQUEST is a level; the others are pulses, cleared by {@link #take}. Cheap, any thread. */
    int events();

    /** Clears a pulse. For STARTUP the result is the vector, else 0. */
    int take(int event);

    /** Runs the interrupt-acknowledge cycle: the vector. Only when about to deliver it. */
    int acknowledgeInterrupt();

    boolean a20();

    /** Level of IGNNE#, see {@link vmkernel.api.device.CpuPins#ignoreNumericError}. */
    boolean ignoreNumericError();

    /** FERR#: an unmasked x87 error is pending while CR0.NE is 0 (IRQ 13). */
    void numericError(boolean level);

    void apicBase(long value);

    int taskPriority();

    void taskPriority(int priority);

    /** Port 0x5658 or 0x5659; see {@link vmkernel.api.device.BackdoorHandler}. */
    boolean backdoor(int port, int[] registers);
}
