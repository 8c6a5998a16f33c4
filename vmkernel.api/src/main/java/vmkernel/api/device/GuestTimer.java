package vmkernel.api.device;

import org.osgi.annotation.versioning.ProviderType;

/** A one-shot timer on guest time. Its callback runs under the VM's device lock, never early. */
@ProviderType
public interface GuestTimer {
    /** Arms or re-arms for a {@link GuestClock} time; a time in the past fires at once. */
    void at(long guestNanos);

    /** Disarms; after it returns (under the device lock) the callback does not run. */
    void cancel();
}
