package vmkernel.core.machine;

import vmkernel.api.memory.GuestMemory;
import vmkernel.api.vm.VmConfig;

/** A virtual machine while it is on, as the kernel's own disks and switch ports in it see it. */
public interface Powered {
    /** displayName, for messages. */
    String name();

    VmConfig config();

    GuestMemory memory();

    /**
     * Runs a task under the VM's device lock: on this thread, or on the one that is inside, in the order of the calls. Any
     * thread, which never waits but for tasks of others; not while holding a lock that tasks take. When the VM is off the task is
     * dropped. What it throws ends the VM.
     */
    void execute(Runnable task);

    /**
     * Has something closed at power-off, or when a power-on fails: after all devices have been detached, before the memory is
     * given back, last one first. Under the device lock.
     */
    void closeAtPowerOff(Runnable close);
}
