package vmkernel.core.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;
import vmkernel.api.files.VolumeFullException;
import vmkernel.api.files.VolumeSpace;
import vmkernel.core.storage.IoThreads;

/**
 * The file system of the machine below as a volume; paths begin at its root. Files that are open are locked against other processes that lock, and in
 * this process, whatever path leads to them; LIMIT: the lock is [Linux] fcntl(2) and is lost when another part of this process, not through this
 * volume, opens the same file and closes it. One for the whole process.
 */
public final class HostFolder implements Volume {
    static final Logger LOG = LoggerFactory.getLogger(HostFolder.class);
    private static final int PERMISSIONS = 07777, WRITABLE = 0222;

    private final IoThreads threads = new IoThreads();
    /** Files that are open, by what tells one from another. Guarded by itself, with all that is in it. */
    private final Map<Object, HostInode> inodes = new HashMap<>();
    private int handles;

    private interface Call<T> {
        T run(Path path) throws IOException;
    }

    private static <T> T call(String path, Call<T> call) throws IOException {
        try {
            return call.run(Path.of(path));
        } catch (IOException e) {
            throw told(path, e);
        } catch (java.nio.file.InvalidPathException e) {
            throw new FileSystemException(path, null, "is no name of a file: " + e.getReason());
        }
    }

    /** Java's exceptions with the reason in words. */
    static IOException told(String path, IOException e) {
        String reason = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
        if (e instanceof FileSystemException && reason != null && e.getClass() != FileSystemException.class) return e; // told already
        IOException told = e instanceof NoSuchFileException ? new NoSuchFileException(path, null, "no such file or directory")
            : e instanceof AccessDeniedException ? new AccessDeniedException(path, null, "access is denied; check the permissions of it and of its folders")
            : e instanceof FileAlreadyExistsException ? new FileAlreadyExistsException(path, null, "is there already")
            : e instanceof DirectoryNotEmptyException || reason != null && reason.contains("not empty") ? new DirectoryNotEmptyException(path)
            : e instanceof NotDirectoryException || "Not a directory".equals(reason) ? new NotDirectoryException(path)
            : full(reason) ? new VolumeFullException(path, "no space left on the host's file system")
            : new FileSystemException(path, null, reason == null ? e.toString() : reason);
        told.initCause(e);
        return told;
    }

    /** Java has only the host's text for it. */
    private static boolean full(String reason) {
        return reason != null && (reason.contains("No space left") || reason.contains("quota") || reason.contains("File too large"));
    }

    @Override public String uuid() { return "host"; }
    @Override public String label() { return "host"; }
    @Override public String type() { return "host"; }
    @Override public Optional<String> readOnly() { return Optional.empty(); }

    /** Of the file system that has the root. */
    @Override
    public VolumeSpace space() throws IOException {
        return call("/", path -> {
            FileStore store = Files.getFileStore(path);
            return new VolumeSpace((int) store.getBlockSize(), store.getTotalSpace(), store.getUsableSpace(), Long.MAX_VALUE, Long.MAX_VALUE);
        });
    }

    @Override public FileStatus status(String path) throws IOException { return call(path, at -> status(at, LinkOption.NOFOLLOW_LINKS)); }

    /** Of what the path leads to. */
    FileStatus followed(String path) throws IOException { return call(path, at -> status(at)); }

    private static FileStatus status(Path path, LinkOption... options) throws IOException {
        Map<String, Object> is = Files.readAttributes(path, "unix:*", options);
        long length = (Long) is.get("size");
        FileStatus.Type type = (Boolean) is.get("isDirectory") ? FileStatus.Type.DIRECTORY : (Boolean) is.get("isSymbolicLink") ? FileStatus.Type.SYMLINK
            : (Boolean) is.get("isOther") ? FileStatus.Type.SYSTEM : FileStatus.Type.FILE;
        // LIMIT: Java does not tell how much a sparse file takes
        return new FileStatus(path.getFileName() == null ? "/" : path.getFileName().toString(), (Long) is.get("ino"), type, length, length, (Integer) is.get("nlink"),
            (Integer) is.get("mode") & PERMISSIONS, (Integer) is.get("uid"), (Integer) is.get("gid"), seconds(is.get("lastModifiedTime")), seconds(is.get("ctime")),
            seconds(is.get("lastAccessTime")));
    }

    private static long seconds(Object time) { return ((FileTime) time).toMillis() / 1000; }

    @Override
    public List<FileStatus> list(String path) throws IOException {
        return call(path, at -> {
            List<FileStatus> found = new ArrayList<>();
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(at)) {
                for (Path entry : entries) {
                    try {
                        found.add(status(entry, LinkOption.NOFOLLOW_LINKS));
                    } catch (NoSuchFileException gone) {
                        LOG.debug("{} went while {} was listed", entry, path);
                    }
                }
            } catch (java.nio.file.DirectoryIteratorException e) {
                throw e.getCause();
            }
            return found;
        });
    }

    @Override
    public VmFile open(String path, VmFile.Mode mode) throws IOException {
        return call(path, at -> {
            FileStatus status = status(at);
            if (status.type() == FileStatus.Type.DIRECTORY) throw new FileSystemException(path, null, "is a directory");
            // the permissions count for the superuser, too, who could write all the same
            if (mode == VmFile.Mode.WRITE && (status.mode() & WRITABLE) == 0) throw new AccessDeniedException(path, null, "is write-protected by its permissions");
            return take(at, path, mode);
        });
    }

    private VmFile take(Path at, String path, VmFile.Mode mode) throws IOException {
        synchronized (inodes) {
            HostInode inode = inodes.computeIfAbsent(identity(at), key -> new HostInode());
            try {
                inode.take(at, mode);
            } catch (IOException | RuntimeException e) {
                drop(inode);
                throw e;
            }
            return new HostFile(this, inode, path, mode, ++handles, threads);
        }
    }

    private static Object identity(Path path) throws IOException {
        Object key = Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class).fileKey();
        return key != null ? key : path.toRealPath();
    }

    void release(HostInode inode, VmFile.Mode mode) throws IOException {
        synchronized (inodes) {
            try {
                inode.give(mode);
            } finally {
                drop(inode);
            }
        }
    }

    private void drop(HostInode inode) throws IOException {
        if (!inode.unused()) return;
        inodes.values().remove(inode);
        inode.close();
    }

    @Override
    public VmFile create(String path, int mode) throws IOException {
        return call(path, at -> {
            Files.createFile(at);
            try {
                // the user's umask may take away, and never what its owner needs
                Files.setAttribute(at, "unix:mode", mode & PERMISSIONS);
                stable(at);
                return take(at, path, VmFile.Mode.WRITE);
            } catch (IOException | RuntimeException e) {
                Files.deleteIfExists(at);
                throw e;
            }
        });
    }

    /** A folder's entries are on stable storage. */
    private static void stable(Path changed) throws IOException {
        Path folder = changed.toAbsolutePath().getParent();
        if (folder == null) return;
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (AccessDeniedException e) {
            LOG.debug("{} may be changed but not read, so it cannot be made stable", folder);
        }
    }

    private interface Change {
        void run(Path path) throws IOException;
    }

    private static void change(String path, Change change) throws IOException {
        call(path, at -> {
            change.run(at);
            stable(at);
            return null;
        });
    }

    @Override
    public void mkdir(String path, int mode) throws IOException {
        change(path, at -> {
            Files.createDirectory(at);
            Files.setAttribute(at, "unix:mode", mode & PERMISSIONS);
        });
    }

    @Override public void symlink(String path, String target) throws IOException { change(path, at -> Files.createSymbolicLink(at, Path.of(target))); }

    @Override
    public String target(String path) throws IOException {
        return call(path, at -> {
            if (!Files.isSymbolicLink(at)) throw new java.nio.file.NotLinkException(path, null, "is no symbolic link");
            return Files.readSymbolicLink(at).toString();
        });
    }

    @Override public void link(String existing, String path) throws IOException { change(path, at -> Files.createLink(at, Path.of(existing))); }

    @Override
    public void rename(String from, String to) throws IOException {
        call(to, target -> {
            change(from, at -> Files.move(at, target, StandardCopyOption.ATOMIC_MOVE));
            stable(target);
            return null;
        });
    }

    @Override public void delete(String path) throws IOException { change(path, Files::delete); }

    @Override public void chmod(String path, int mode) throws IOException { change(path, at -> Files.setAttribute(at, "unix:mode", mode & PERMISSIONS)); }

    @Override
    public void chown(String path, int uid, int gid) throws IOException {
        change(path, at -> {
            Files.setAttribute(at, "unix:uid", uid, LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(at, "unix:gid", gid, LinkOption.NOFOLLOW_LINKS);
        });
    }

    @Override
    public void times(String path, long modified, long accessed) throws IOException {
        change(path, at -> Files.getFileAttributeView(at, BasicFileAttributeView.class)
            .setTimes(FileTime.fromMillis(modified * 1000), FileTime.fromMillis(accessed * 1000), null));
    }

    @Override public void label(String label) throws IOException { throw new FileSystemException("/", null, "the host's file system cannot be renamed from here"); }

    @Override
    public List<String> locks(String path) throws IOException {
        return call(path, at -> {
            synchronized (inodes) {
                HostInode open = inodes.get(identity(at));
                if (open != null) return open.holders().isEmpty() ? List.of() : List.of(open.holders());
                return writtenElsewhere(at) ? List.of("is open for writing by another process") : List.of();
            }
        });
    }

    private static boolean writtenElsewhere(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ); FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
            return lock == null;
        } catch (OverlappingFileLockException e) {
            return true; // by a part of this process that does not come through here
        }
    }
}
