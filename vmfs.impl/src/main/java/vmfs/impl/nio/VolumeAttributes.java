package vmfs.impl.nio;

import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FileStatus.Type;

/** What is known of a file, in Java's words. Nothing tells when it was made: that is taken to be when it was last written. */
record VolumeAttributes(FileStatus status, String volume) implements PosixFileAttributes {
    /** Two volumes may have files with the same number. */
    private record Key(String volume, long id) {}

    static FileTime time(long seconds) { return FileTime.from(seconds, TimeUnit.SECONDS); }

    /** The nine bits of an owner, a group and all others; the first permission is the highest bit. */
    static Set<PosixFilePermission> permissions(int mode) {
        Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
        for (PosixFilePermission permission : PosixFilePermission.values()) if ((mode & bit(permission)) != 0) set.add(permission);
        return set;
    }

    static int mode(Set<PosixFilePermission> permissions) { return permissions.stream().mapToInt(VolumeAttributes::bit).sum(); }

    private static int bit(PosixFilePermission permission) { return 0400 >> permission.ordinal(); }

    @Override public FileTime lastModifiedTime() { return time(status.modified()); }

    @Override public FileTime lastAccessTime() { return time(status.accessed()); }

    @Override public FileTime creationTime() { return lastModifiedTime(); }

    @Override public boolean isRegularFile() { return status.type() == Type.FILE; }

    @Override public boolean isDirectory() { return status.type() == Type.DIRECTORY; }

    @Override public boolean isSymbolicLink() { return status.type() == Type.SYMLINK; }

    @Override public boolean isOther() { return status.type() == Type.SYSTEM || status.type() == Type.RDM; }

    @Override public long size() { return status.length(); }

    @Override public Object fileKey() { return new Key(volume, status.id()); }

    @Override public UserPrincipal owner() { return new NumberedPrincipal(status.uid()); }

    @Override public GroupPrincipal group() { return new NumberedPrincipal(status.gid()); }

    @Override public Set<PosixFilePermission> permissions() { return permissions(status.mode()); }
}
