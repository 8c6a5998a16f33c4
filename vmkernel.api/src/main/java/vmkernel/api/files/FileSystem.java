package vmkernel.api.files;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.handover.SavedState;
import vmkernel.api.storage.BlockDevice;

/**
 * A kind of file system: the service that a file system bundle registers. It is given devices that nobody else of this process
 * uses; with other hosts it shares them by {@link BlockDevice#reserve}. Any thread; methods wait for the device.
 */
@ConsumerType
public interface FileSystem {
    /** Of the kind, such as {@code VMFS}. */
    String name();

    /** Looks whether a device belongs to a volume of this kind. Only reads. @throws IOException in one line, if it cannot be read */
    Optional<VolumeExtent> probe(BlockDevice device) throws IOException;

    /**
     * Takes a volume into use. What a crash left is mended first (the journal is replayed).
     *
     * @param extents all devices of the volume, in any order; read-only devices make a read-only volume
     * @param state of the predecessor on this host, whose files are open still: each is taken up by {@link MountedVolume#reopen}
     * @throws IOException in one line: what is wrong, where (byte address in the volume) and what to do
     */
    MountedVolume mount(List<BlockDevice> extents, MountContext context, Optional<SavedState> state) throws IOException;

    /** Makes an empty volume; what was on the device is lost. Until the last write there is no volume on it. */
    void format(BlockDevice device, FormatOptions options, Progress progress) throws IOException;

    /**
     * Looks whether a volume is whole, which nobody has mounted.
     *
     * @param repair mends what it finds; without it nothing is written, and a journal that waits is taken into account in memory
     */
    CheckReport check(List<BlockDevice> extents, boolean repair, Progress progress) throws IOException;

    /** A volume as Java's tools see one; closing it closes nothing below. */
    java.nio.file.FileSystem fileSystem(Volume volume);
}
