package vmkernel.api.device;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Guest time: nanoseconds since power-on, not counting time suspended or stunned. It goes on while a world waits for a
 * slot, so devices deliver the ticks that are late one after another instead of losing them. Any thread.
 */
@ProviderType
public interface GuestClock {
    /** Monotonic. */
    long nanos();

    /** Wall-clock time of the guest's real-time clock, milliseconds since 1970 UTC. */
    long wallMillis();
}
