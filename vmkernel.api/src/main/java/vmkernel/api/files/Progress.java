package vmkernel.api.files;

import org.osgi.annotation.versioning.ConsumerType;

/** How far long work has come. */
@FunctionalInterface
@ConsumerType
public interface Progress {
    /** For work that nobody watches. */
    Progress NONE = (done, total) -> { };

    /**
     * Called often and cheaply, in order, {@code done} from 0 to {@code total}, in bytes or whatever the work consists of.
     *
     * @throws java.util.concurrent.CancellationException to stop the work, which then leaves nothing half done
     */
    void at(long done, long total);
}
