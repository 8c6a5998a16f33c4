package vmkernel.api.vm;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.osgi.annotation.versioning.ProviderType;

/** A registered virtual machine. Any thread; power operations of one VM run one after another. */
@ProviderType
public interface VirtualMachine {
    /** displayName, unique among registered VMs. */
    String name();

    /** World id while on (the vmm0 world's group), -1 while off. */
    int id();

    VmConfig config();

    /** Changes a key; most take effect at the next power-on. @throws VmException if it cannot be written */
    void configure(String key, String value) throws VmException;

    PowerState state();

    /** Why the VM is off or stuck, in one line; empty if it never ran or is on. Such as "guest powered off" or the failure and its dump file. */
    String reason();

    /** Powers on. @throws VmException in one line; nothing is left running or reserved then */
    void powerOn() throws VmException;

    /** Powers off; hard: when it returns the VM is off; soft: after asking the guest. @throws VmException if already off, or the guest cannot be asked */
    void powerOff(PowerMode mode) throws VmException;

    /** Resets the machine. */
    void reset(PowerMode mode) throws VmException;

    /** Completes with the exit when the VM that is on now goes off; completed already if it is off. */
    CompletableFuture<PowerOff> off();

    /** Serial port n of the VM as its user sees it. */
    Console serial(int port);

    /** The debug console (port 0xE9), if configured. */
    Console debugConsole();

    /** Time since power-on; zero while off. */
    Duration uptime();

    /** Guest instructions executed since power-on by all vCPUs. */
    long instructions();

    /**
     * How a VM went off.
     *
     * @param debugExit value written to the debug-exit port, or -1
     * @param failure what broke, in one line, or null if the guest or a user turned it off
     */
    record PowerOff(long debugExit, String failure) {
        /** Exit status of a one-shot run, as QEMU gives it: 0, or (2v+1)&0xff after a debug exit; 1 after a failure. */
        public int status() { return failure != null ? 1 : debugExit < 0 ? 0 : (int) (2 * debugExit + 1) & 0xFF; }
    }
}
