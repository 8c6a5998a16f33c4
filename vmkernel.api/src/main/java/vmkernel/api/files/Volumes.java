package vmkernel.api.files;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.storage.BlockDevice;

/**
 * The host's volumes. They mount by themselves when all their devices are there, and leave when one goes. What is opened here is
 * the kernel's: it stays while the file system's code is replaced, and its users wait meanwhile. Any thread.
 */
@ProviderType
public interface Volumes {
    /** By label. */
    List<Mounted> mounted();

    /** By label, UUID or name of the first device, {@code vmhba0:0:0:1}. */
    Optional<Volume> find(String name);

    /**
     * Finds the place that a path names: {@code /vmfs/NAME/a/b}, {@code /vmfs/volumes/NAME/a/b}, {@code [NAME] a/b}, {@code NAME:a/b}, with NAME as in
     * {@link #find}; everything else is a file of the machine below, whose folder is the volume.
     *
     * @throws IOException in one line, if there is no such volume; the file need not be there
     */
    VolumePath resolve(String path) throws IOException;

    /** Makes a volume on a device that is not in use, and mounts it. */
    void format(BlockDevice device, FormatOptions options, Progress progress) throws IOException;

    /** Checks the volume on a device, which is unmounted for that time; refuses if files are open. */
    CheckReport check(BlockDevice device, boolean repair, Progress progress) throws IOException;

    /** Looks at all devices again. */
    void rescan();

    /** Takes a volume out of use until the next rescan; refuses if files are open. */
    void unmount(Volume volume) throws IOException;

    /** A volume as Java's tools see one. */
    java.nio.file.FileSystem fileSystem(Volume volume) throws IOException;

    /** @throws IOException in one line, if no bundle has formats of virtual disks */
    DiskFormats disks() throws IOException;

    /** @param devices of its extents, in their order; @param openFiles how many are open */
    record Mounted(Volume volume, List<BlockDevice> devices, int openFiles) {}
}
