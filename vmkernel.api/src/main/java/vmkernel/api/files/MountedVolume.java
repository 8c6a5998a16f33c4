package vmkernel.api.files;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.handover.Handover;

/**
 * A volume as its file system gives it to the kernel. The state that it hands over is what its successor needs to go on as the
 * same host: its heartbeat, and the open files by handle with their locks.
 */
@ConsumerType
public interface MountedVolume extends Volume, Handover, AutoCloseable {
    /** A file that the predecessor had open. @throws IOException in one line, if it is not in the state that this was mounted with */
    VmFile reopen(int handle) throws IOException;

    /**
     * After {@link #quiesce}: forgets everything, gives up no lock. Else unmounts: open files are closed, what is theirs is flushed,
     * the heartbeat ends. Never throws; what fails is logged.
     */
    @Override
    void close();
}
