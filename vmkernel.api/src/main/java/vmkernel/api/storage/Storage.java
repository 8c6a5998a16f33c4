package vmkernel.api.storage;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** The host's disks. Any thread. */
@ProviderType
public interface Storage {
    /** All LUNs and, behind each, its partitions; by name. */
    List<BlockDevice> devices();

    /** By {@code vmhba0:1:0} or {@code vmhba0:1:0:2}; partition 0 is the whole LUN. */
    Optional<BlockDevice> find(String name);

    /** Reads the partition table of a LUN again. @throws IOException in one line if it cannot be read */
    void rescan(BlockDevice lun) throws IOException;

    /**
     * Takes a device, or a part of it, into use; two users of the same blocks get along only if both are readers.
     *
     * @param owner for the message to the next one, such as {@code virtual machine web}
     * @return gives it back
     * @throws IOException in one line, naming the other owner
     */
    AutoCloseable claim(BlockDevice device, String owner, boolean writing) throws IOException;
}
