package vmkernel.api.memory;

import org.osgi.annotation.versioning.ProviderType;

/** The pool of machine pages that guests are made of. Any thread. */
@ProviderType
public interface MachineMemory {
    /** Memory that guests may have in all, in bytes. */
    long totalBytes();

    /** What is not reserved by a powered-on VM, in bytes. */
    long freeBytes();

    /**
     * Reserves and builds the physical memory of one VM, all zero.
     *
     * @param bytes a multiple of 4 MiB, at least 4 MiB
     * @throws AdmissionException if the host has not that much left; says how much there is
     */
    GuestMemory create(long bytes) throws AdmissionException;

    /** Gives every machine page back. No one may use the memory any more. */
    void release(GuestMemory memory);
}
