package vmkernel.api.device;

import org.osgi.annotation.versioning.ProviderType;

/** A one-shot timer on guest time. Its callback runs under the VM's device lock, never early. */
@ProviderType
public interface GuestTimer {
    /** {@link #deadline} of a timer that is not armed. */
    long DISARMED = Long.MAX_VALUE;

    /** Arms or re-arms for a {@link GuestClock} time; a time in the past fires at once. */
    void at(long guestNanos);

    /** Guest time it is armed for, or {@link #DISARMED}: for those who save it. */
    long deadline();

    /** Disarms; after it returns (under the device lock) the callback does not run. */
    void cancel();
}
