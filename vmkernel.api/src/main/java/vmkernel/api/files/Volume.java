package vmkernel.api.files;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A mounted volume of files. Paths begin at its root, {@code /folder/file}; symbolic links on the way are followed, {@code .} and
 * {@code ..} are resolved as POSIX does. Every change is on stable storage when its method returns. Any thread; methods wait for
 * the device, and while the file system's code is being replaced.
 *
 * <p>What fails is one of {@code java.nio.file}'s exceptions where there is a fitting one ({@link java.nio.file.NoSuchFileException},
 * {@link java.nio.file.FileAlreadyExistsException}, {@link java.nio.file.NotDirectoryException}, {@link java.nio.file.DirectoryNotEmptyException},
 * {@link java.nio.file.ReadOnlyFileSystemException} is not used: it is unchecked), with the path as file and the reason in words;
 * {@link VolumeFullException} if there is no room; {@link FileLockedException} if somebody else has the file. A volume that is
 * damaged says so with the byte address. What failed has changed nothing.
 */
@ConsumerType
public interface Volume {
    /** As text; the name below {@code /vmfs/volumes}. */
    String uuid();

    String label();

    /** Such as {@code VMFS-5.81}; {@code host} for a folder of the host. */
    String type();

    /** Why it can only be read, in one line; empty if it can be written. */
    Optional<String> readOnly();

    VolumeSpace space() throws IOException;

    /** Of what is at the path itself, be it a symbolic link. */
    FileStatus status(String path) throws IOException;

    /** What is in a directory but for {@code .} and {@code ..}, in the order on disk; system files too. */
    List<FileStatus> list(String path) throws IOException;

    VmFile open(String path, VmFile.Mode mode) throws IOException;

    /** Makes a file and opens it for writing. @param mode permissions, such as 0600 */
    VmFile create(String path, int mode) throws IOException;

    void mkdir(String path, int mode) throws IOException;

    void symlink(String path, String target) throws IOException;

    /** Where a symbolic link points. */
    String target(String path) throws IOException;

    /** Another name for a file. @throws UnsupportedOperationException where there are no such links */
    void link(String existing, String path) throws IOException;

    /** Within the volume; a file or an empty directory that has the new name is replaced, in one step. */
    void rename(String from, String to) throws IOException;

    /** A file, a link, or an empty directory. */
    void delete(String path) throws IOException;

    /** @param mode permissions only, 07777 at most */
    void chmod(String path, int mode) throws IOException;

    void chown(String path, int uid, int gid) throws IOException;

    /** Times in seconds since 1970. */
    void times(String path, long modified, long accessed) throws IOException;

    /** Renames the volume. */
    void label(String label) throws IOException;

    /** Who has the file at a path: one line for each holder, empty if nobody. */
    List<String> locks(String path) throws IOException;
}
