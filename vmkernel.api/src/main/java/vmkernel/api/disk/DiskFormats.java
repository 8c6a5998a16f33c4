package vmkernel.api.disk;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;
import vmkernel.api.files.Progress;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.VolumePath;

/**
 * Virtual disks in files: a service. A disk is named by its descriptor ({@code disk.vmdk}), or by its one file. Its other files and
 * parents are found as the descriptor says, beside it or by absolute path. Long work that fails or is cancelled removes what it made.
 * Errors are one line: file, what is wrong, what to do. Any thread.
 */
@ConsumerType
public interface DiskFormats {
    /**
     * Opens a disk with all its parents.
     *
     * @param files opens whatever belongs to the disk; a successor of this code opens the same disk by the same {@code files}
     * @param mode WRITE for a disk that is written: its parents are opened as SHARE, so that they cannot change; else for all
     */
    DiskImage open(DiskFiles files, VolumePath disk, VmFile.Mode mode) throws IOException;

    /** What the files of a disk say, without locks. */
    DiskInfo info(VolumePath disk) throws IOException;

    /** Makes an empty disk. @param bytes a multiple of 512 */
    void create(VolumePath disk, DiskFormat format, long bytes, Progress progress) throws IOException;

    /** Makes a redo log over a disk: what is written to it leaves the parent as it is. */
    void createChild(VolumePath parent, VolumePath child) throws IOException;

    /** Writes a redo log into its parent, which may be a redo log too, and leaves it empty. Again after an interruption finishes it. */
    void commit(VolumePath child, Progress progress) throws IOException;

    /** Copies what a disk shows, parents included. */
    void copy(VolumePath from, VolumePath to, DiskFormat format, Progress progress) throws IOException;

    /** Makes it longer; a disk that has children cannot be. @param bytes of the whole, a multiple of 512 */
    void extend(VolumePath disk, long bytes, Progress progress) throws IOException;

    /** Gives a thin disk all its blocks. */
    void inflate(VolumePath disk, Progress progress) throws IOException;

    /** Gives back the blocks of a thin disk that are all zeros. */
    void punchZeros(VolumePath disk, Progress progress) throws IOException;

    /** With all its files, in the same volume. */
    void rename(VolumePath from, VolumePath to) throws IOException;

    /** With all its files; parents stay. */
    void delete(VolumePath disk) throws IOException;

    /** Reads all that the format itself knows and says what is wrong with it, one line each. */
    java.util.List<String> check(VolumePath disk, Progress progress) throws IOException;

    /** Opens files of disks. */
    @FunctionalInterface
    @org.osgi.annotation.versioning.ProviderType
    interface DiskFiles {
        VmFile open(VolumePath file, VmFile.Mode mode) throws IOException;

        /** Opens them plainly. */
        DiskFiles PLAIN = (file, mode) -> file.volume().open(file.path(), mode);
    }
}
