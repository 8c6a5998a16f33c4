package vmkernel.core.storage;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.disk.DiskFormats;
import vmkernel.api.disk.DiskFormats.DiskFiles;
import vmkernel.api.files.FileLockedException;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;
import vmkernel.api.files.Volumes;

/**
 * Disks of machines that are in files, on a volume or among the host's own. A disk in mode undoable or append is written to a redo log
 * beside it, {@code disk.vmdk.REDO} [ESX]; as long as there is one the disk itself is left alone. Any thread.
 */
public final class ImageDisks {
    private static final Logger LOG = LoggerFactory.getLogger(ImageDisks.class);
    private static final Pattern NAME = Pattern.compile("(?i)/+vmfs/.+|\\[[^\\]]+\\].+|vmhba\\d+:\\d+:\\d+:\\d+:.+|.+\\.(vmdk|dsk)");
    private static final String REDO = ".REDO";

    private final Volumes volumes;
    private final Supplier<Optional<String>> missing;
    private final Executor threads;
    /** Who has what open, in this process. */
    private final Map<VolumePath, String> owners = new ConcurrentHashMap<>();

    /**
     * @param missing what has gone that they need, in words
     * @param threads may wait for files
     */
    public ImageDisks(Volumes volumes, Supplier<Optional<String>> missing, Executor threads) {
        this.volumes = volumes;
        this.missing = missing;
        this.threads = threads;
    }

    /** Whether a name in a configuration is that of a disk in files. */
    static boolean named(String value) { return NAME.matcher(value).matches(); }

    /** What has gone that disks in files need, in words; empty if all is there. */
    Optional<String> missing() { return missing.get(); }

    /**
     * Opens one for a machine.
     *
     * @param folder where paths of the host begin
     * @param end of the redo log of an undoable disk
     * @throws IOException in one line
     */
    Medium open(String name, Path folder, String owner, DiskMode mode, DiskMode.End end) throws IOException {
        VolumePath disk = volumes.resolve(name);
        if (disk.volume().type().equals("host")) disk = volumes.resolve(folder.resolve(name).toString());
        DiskFormats formats = volumes.disks();
        VolumePath redo = new VolumePath(disk.volume(), disk.path() + REDO);
        boolean redoes = there(redo);
        if (redoes && !mode.redo()) {
            throw new IOException(redo + " has what was written to the disk in mode undoable or append: commit it (vmkfstools --commit) or delete it, or use that mode");
        }
        if (!mode.redo()) return open(formats, disk, owner, mode == DiskMode.NONPERSISTENT ? VmFile.Mode.SHARE : VmFile.Mode.WRITE, () -> { });
        if (!redoes) formats.createChild(disk, redo);
        return open(formats, redo, owner, VmFile.Mode.WRITE, mode == DiskMode.UNDOABLE ? () -> settle(formats, redo, owner, end) : () -> { });
    }

    private static boolean there(VolumePath file) throws IOException {
        try {
            file.volume().status(file.path());
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private Medium open(DiskFormats formats, VolumePath disk, String owner, VmFile.Mode mode, Runnable afterwards) throws IOException {
        try {
            ImageMedium medium = new ImageMedium(formats.open(DiskFiles.PLAIN, disk, mode), owner, threads, () -> {
                owners.remove(disk, owner);
                afterwards.run();
            });
            owners.put(disk, owner);
            return medium;
        } catch (FileLockedException e) {
            String other = owners.get(disk);
            throw new IOException(disk + ": " + (other != null ? "is in use by " + other : e.getReason()), e);
        }
    }

    /** At power-off. */
    private void settle(DiskFormats formats, VolumePath redo, String owner, DiskMode.End end) {
        if (missing().isPresent() && end != DiskMode.End.KEEP) LOG.error("{}: {} is kept, as {} is not there", owner, redo, missing().get());
        try {
            switch (missing().isPresent() ? DiskMode.End.KEEP : end) {
                case KEEP -> LOG.info("{}: what was written is kept in {}", owner, redo);
                case COMMIT -> {
                    formats.commit(redo, Progress.NONE);
                    formats.delete(redo);
                    LOG.info("{}: what was written is committed", owner);
                }
                case DISCARD -> {
                    formats.delete(redo);
                    LOG.info("{}: what was written is discarded", owner);
                }
            }
        } catch (IOException | RuntimeException e) {
            LOG.error("{}: {} is kept: {}", owner, redo, e.getMessage());
        }
    }
}
