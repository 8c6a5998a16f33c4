package vmkernel.api.device;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Answers accesses to a claimed range of ports or memory. Calls come one at a time for a VM (under its device lock), mostly
 * on the thread of a virtual CPU; they must be quick, must not block and must never throw: a guest's mistake is counted and
 * behaves as the datasheet says. What is thrown all the same stops the VM with a dump.
 */
@ConsumerType
public interface IoHandler {
    /**
     * @param offset from the start of the claim
     * @param bytes 1, 2, 4 (or 8 for memory); the access never leaves the claim
     * @return the value, zero-extended; bits above {@code bytes} are ignored
     */
    long read(long offset, int bytes);

    void write(long offset, int bytes, long value);
}
