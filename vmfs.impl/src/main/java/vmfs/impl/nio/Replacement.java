package vmfs.impl.nio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.Set;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.FileStatus.Type;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;

/**
 * A copy or a move between places in volumes. What was at the target is there until the new file is complete.
 */
final class Replacement {
    private static final int COPY_BYTES = 1 << 20;

    private final VmfsPath from, to;
    private final Set<CopyOption> options;

    /** @throws UnsupportedOperationException for an option that is not known */
    Replacement(VmfsPath from, VmfsPath to, Set<CopyOption> options) {
        for (CopyOption option : options) {
            if (!(option instanceof StandardCopyOption) && option != LinkOption.NOFOLLOW_LINKS) throw new UnsupportedOperationException("nothing is copied with " + option);
        }
        this.from = from;
        this.to = to;
        this.options = options;
    }

    private Volume source() { return from.getFileSystem().volume(); }

    private Volume target() { return to.getFileSystem().writable(); }

    /** What is at a place itself. */
    private static Optional<FileStatus> at(VmfsPath path) throws IOException {
        try {
            return Optional.of(path.getFileSystem().status(path, false));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static boolean same(VmfsPath one, FileStatus status, VmfsPath other, Optional<FileStatus> there) {
        return one.getFileSystem().volume() == other.getFileSystem().volume() && there.isPresent() && status.id() == there.get().id();
    }

    private void requireRoom(Optional<FileStatus> there) throws IOException {
        if (there.isPresent() && !options.contains(StandardCopyOption.REPLACE_EXISTING)) throw new FileAlreadyExistsException(to.toString());
        if (there.isPresent() && there.get().type() == Type.DIRECTORY && !target().list(to.inVolume()).isEmpty()) throw new DirectoryNotEmptyException(to.toString());
    }

    void move() throws IOException {
        FileStatus what = from.getFileSystem().status(from, false);
        Optional<FileStatus> there = at(to);
        if (same(from, what, to, there)) return;
        boolean atomic = options.contains(StandardCopyOption.ATOMIC_MOVE);
        if (!atomic) requireRoom(there);
        if (source() == target()) {
            // a rename replaces what is of the same kind only
            if (!atomic && there.isPresent() && (there.get().type() == Type.DIRECTORY) != (what.type() == Type.DIRECTORY)) target().delete(to.inVolume());
            target().rename(from.inVolume(), to.inVolume());
            return;
        }
        if (atomic) throw new AtomicMoveNotSupportedException(from.toString(), to.toString(), "they are in different volumes");
        from.getFileSystem().writable();
        if (what.type() == Type.DIRECTORY && !source().list(from.inVolume()).isEmpty()) throw new DirectoryNotEmptyException(from.toString());
        replace(from.inVolume(), what, there, true);
        source().delete(from.inVolume());
    }

    void copy() throws IOException {
        if (options.contains(StandardCopyOption.ATOMIC_MOVE)) throw new UnsupportedOperationException("nothing is copied with ATOMIC_MOVE");
        String place = from.getFileSystem().place(from, Links.followed(options.stream().filter(LinkOption.class::isInstance).toArray(LinkOption[]::new)));
        FileStatus what = source().status(place);
        Optional<FileStatus> there = at(to);
        if (same(from, what, to, there)) return;
        requireRoom(there);
        replace(place, what, there, options.contains(StandardCopyOption.COPY_ATTRIBUTES));
    }

    private void replace(String place, FileStatus what, Optional<FileStatus> there, boolean attributes) throws IOException {
        if (there.isEmpty()) {
            make(place, what, to.inVolume(), attributes);
            return;
        }
        VmfsPath beside = VmfsPath.of(to.resolveSibling(".copy-" + Long.toHexString(System.nanoTime())));
        make(place, what, beside.inVolume(), attributes);
        try {
            if ((there.get().type() == Type.DIRECTORY) != (what.type() == Type.DIRECTORY)) target().delete(to.inVolume());
            target().rename(beside.inVolume(), to.inVolume());
        } catch (IOException e) {
            undo(beside.inVolume(), e);
            throw e;
        }
    }

    private void undo(String made, Exception why) {
        try {
            target().delete(made);
        } catch (IOException e) {
            why.addSuppressed(e);
        }
    }

    private void make(String place, FileStatus what, String made, boolean attributes) throws IOException {
        switch (what.type()) {
            case SYMLINK -> target().symlink(made, source().target(place));
            case DIRECTORY -> target().mkdir(made, what.mode());
            default -> file(place, made, what.mode());
        }
        if (!attributes || what.type() == Type.SYMLINK) return;
        try {
            target().chmod(made, what.mode());
            target().chown(made, what.uid(), what.gid());
            target().times(made, what.modified(), what.accessed());
        } catch (IOException e) {
            undo(made, e);
            throw e;
        }
    }

    private void file(String place, String made, int mode) throws IOException {
        try (VmFile in = source().open(place, VmFile.Mode.READ); VmFile out = target().create(made, mode)) {
            copyData(in, out);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            undo(made, e);
            throw e;
        }
    }

    /** Holes stay holes. */
    private static void copyData(VmFile in, VmFile out) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(COPY_BYTES);
        long length = in.length();
        if (length > 0) out.truncate(length);
        for (long at = in.nextData(0); at < length; ) {
            long end = Math.min(length, in.nextHole(at));
            while (at < end) {
                buffer.clear().limit((int) Math.min(COPY_BYTES, end - at));
                int bytes = in.read(at, buffer);
                if (bytes == 0) return; // it became shorter meanwhile
                out.write(at, buffer.clear().limit(bytes));
                at += bytes;
            }
            at = in.nextData(at);
        }
    }
}
