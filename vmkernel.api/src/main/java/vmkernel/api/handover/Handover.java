package vmkernel.api.handover;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * What can pass its live state to a successor. The kernel has closed the gates above before it calls; calls come one at a time.
 * Quiescing is not undone: who was quiesced is closed, and a successor attaches, which may be of the same kind.
 */
@ConsumerType
public interface Handover {
    /**
     * Finishes what is in flight or gives it back; afterwards nothing happens by itself. Idempotent.
     *
     * @throws TimeoutException if that takes longer; the kernel then resets the hardware, and the successor attaches cold
     */
    void quiesce(Duration limit) throws TimeoutException;

    /** Only while quiesced; changes nothing. */
    SavedState save();
}
