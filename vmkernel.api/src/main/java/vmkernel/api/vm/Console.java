package vmkernel.api.vm;

import org.osgi.annotation.versioning.ProviderType;

/** The user's end of a byte stream of a VM. It stays over power cycles. Any thread. */
@ProviderType
public interface Console {
    /**
     * Attaches an output; it first gets what was kept of the output so far (the last 64 KiB), then everything new, in order,
     * on a thread of the kernel that may block in it without stopping the guest (the guest's port then fills up and waits,
     * as with hardware flow control). Several may be attached.
     */
    AutoCloseable attach(Output output);

    /** Sends input to the guest; blocks while the guest does not take it, as long as the VM is on. @throws InterruptedException */
    void send(byte[] bytes, int offset, int length) throws InterruptedException;

    /** Waits until all output so far has reached the attached outputs. */
    void flush() throws InterruptedException;

    /** Takes bytes from the guest. */
    @FunctionalInterface
    interface Output {
        void write(byte[] bytes, int offset, int length) throws java.io.IOException;
    }
}
