package vmkernel.api.files;

import org.osgi.annotation.versioning.ProviderType;

/** What a mounted volume may ask of the kernel, and tell it. Any thread. */
@ProviderType
public interface MountContext {
    /** Of this host: {@code %08x-%08x-%04x-%12x}, the same at every start, another for every host that may share a device. */
    String hostUuid();

    /** For the message that another host gives, such as a host name. */
    String hostName();

    /** True if the volume is to be used for reading only. */
    boolean readOnly();

    /** Runs a task once after a time, on a thread of the kernel that may wait for I/O; dropped after the volume was closed. @return call it to cancel */
    Runnable after(long millis, Runnable task);

    /** The volume cannot be used any more as it was (its device fails, its lock was broken). @param why one line for the log */
    void failed(String why);
}
