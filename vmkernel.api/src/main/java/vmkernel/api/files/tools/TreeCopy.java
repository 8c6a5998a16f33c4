package vmkernel.api.files.tools;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import vmkernel.api.files.Progress;
import vmkernel.api.files.SparseFile;

/**
 * Copies files and trees between volumes, or a volume and the machine below, as {@code cp} does. Permissions go with them. Holes stay holes, and
 * whole megabytes of zeros become holes. A file appears under its name when it is complete. Used once, by one thread.
 */
public final class TreeCopy {
    private static final int CHUNK = 1 << 20;

    private final boolean recursive, preserve;
    private final Progress progress;
    private final List<Step> steps = new ArrayList<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
    private final ByteBuffer zeros = ByteBuffer.allocateDirect(CHUNK).asReadOnlyBuffer();
    private long done, total;

    /** A file, folder or link to be made. Folders come before what is in them. */
    private record Step(Path from, BasicFileAttributes is, Path to) {}

    /**
     * @param recursive folders with all that is in them
     * @param preserve times, too
     * @param progress in bytes
     */
    public TreeCopy(boolean recursive, boolean preserve, Progress progress) {
        this.recursive = recursive;
        this.preserve = preserve;
        this.progress = progress;
    }

    /**
     * @param to a folder that takes them under their own names, or for a single one its new name
     * @return files that were copied @throws IOException in one line; what was copied before stays, a file that was not finished does not
     */
    public int copy(List<Path> from, Path to) throws IOException {
        boolean into = Files.isDirectory(to);
        if (!into && from.size() > 1) throw new FileSystemException(to.toString(), null, "is no folder, so it does not take several files");
        for (Path source : from) plan(source, into && source.getFileName() != null ? to.resolve(source.getFileName().toString()) : to);
        progress.at(0, total);
        for (Step step : steps) make(step);
        // from the leaves, so that a folder that may not be written takes what is in it, and keeps its times
        for (int i = steps.size() - 1; i >= 0; i--) finish(steps.get(i));
        return (int) steps.stream().filter(step -> step.is.isRegularFile()).count();
    }

    private void plan(Path from, Path to) throws IOException {
        // what is named by the user is followed; what is found is copied as it is
        BasicFileAttributes is = read(from, recursive ? new LinkOption[] {LinkOption.NOFOLLOW_LINKS} : new LinkOption[0]);
        if (is.isDirectory() && !recursive) throw new FileSystemException(from.toString(), null, "is a folder; -r copies it with what is in it");
        if (is.isDirectory() && inside(from, to)) throw new FileSystemException(from.toString(), to.toString(), "a folder does not go into itself");
        if (Files.exists(to) && Files.isSameFile(from, to)) throw new FileSystemException(from.toString(), to.toString(), "they are the same file");
        add(from, is, to);
    }

    private static BasicFileAttributes read(Path path, LinkOption... options) throws IOException {
        try {
            return Files.readAttributes(path, PosixFileAttributes.class, options);
        } catch (UnsupportedOperationException e) {
            return Files.readAttributes(path, BasicFileAttributes.class, options);
        } catch (NoSuchFileException e) {
            throw new NoSuchFileException(path.toString(), null, "no such file or directory");
        }
    }

    private static boolean inside(Path folder, Path to) throws IOException {
        if (folder.getFileSystem() != to.getFileSystem()) return false;
        Path real = folder.toRealPath();
        for (Path at = to.toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at)) return at.toRealPath().startsWith(real);
        }
        return false;
    }

    private void add(Path from, BasicFileAttributes is, Path to) throws IOException {
        if (is.isOther()) throw new FileSystemException(from.toString(), null, "is neither a file nor a folder nor a link");
        steps.add(new Step(from, is, to));
        if (is.isRegularFile()) total += is.size();
        if (!is.isDirectory()) return;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(from)) {
            for (Path entry : entries) add(entry, read(entry, LinkOption.NOFOLLOW_LINKS), to.resolve(entry.getFileName().toString()));
        }
    }

    private void make(Step step) throws IOException {
        if (step.is.isDirectory()) {
            if (!Files.isDirectory(step.to)) Files.createDirectory(step.to);
        } else if (step.is.isSymbolicLink()) {
            if (Files.isSymbolicLink(step.to)) Files.delete(step.to);
            Files.createSymbolicLink(step.to, step.to.getFileSystem().getPath(Files.readSymbolicLink(step.from).toString()));
        } else {
            file(step);
        }
    }

    private void file(Step step) throws IOException {
        if (Files.isDirectory(step.to)) throw new FileSystemException(step.to.toString(), null, "is a folder, which a file does not replace");
        boolean there = Files.exists(step.to);
        Path target = there ? step.to.toRealPath() : step.to;
        Path unfinished = there ? target.resolveSibling(".copy-" + Long.toHexString(System.nanoTime())) : target;
        boolean complete = false;
        try (FileChannel in = FileChannel.open(step.from); FileChannel out = FileChannel.open(unfinished, Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW))) {
            uninterrupted(in, out);
            complete = true;
        } finally {
            if (!complete) Files.deleteIfExists(unfinished);
        }
        if (there) Files.move(unfinished, target, StandardCopyOption.REPLACE_EXISTING);
    }

    /** An interrupt ends the copy, and is then taken back: what undoes it is not to be disturbed. */
    private void uninterrupted(FileChannel in, FileChannel out) throws IOException {
        try {
            data(in, out);
        } catch (IOException e) {
            if (Thread.interrupted()) throw new CancellationException("interrupted");
            throw e;
        }
    }

    private void data(FileChannel in, FileChannel out) throws IOException {
        long length = in.size();
        long written = 0;
        for (long at = 0; at < length; ) {
            long data = in instanceof SparseFile sparse ? sparse.nextData(at) : at;
            long end = in instanceof SparseFile sparse && data < length ? Math.min(sparse.nextHole(data), length) : length;
            advance(data - at);
            for (at = data; at < end; ) {
                int bytes = chunk(in, at, (int) Math.min(CHUNK - at % CHUNK, end - at));
                if (bytes == 0) return; // it became shorter meanwhile
                if (!zero(bytes)) {
                    for (int put = 0; put < bytes; ) put += out.write(buffer, at + put);
                    written = at + bytes;
                }
                at += bytes;
                advance(bytes);
            }
        }
        if (written < length) out.write(ByteBuffer.allocate(1), length - 1);
    }

    /** @return bytes that were read, less than asked for at the end only */
    private int chunk(FileChannel in, long at, int bytes) throws IOException {
        buffer.clear().limit(bytes);
        while (buffer.hasRemaining() && in.read(buffer, at + buffer.position()) > 0) { } // a channel may give less than is asked for
        buffer.flip();
        return buffer.remaining();
    }

    /** Whether a whole chunk is zeros; mismatch compares many bytes at a time. */
    private boolean zero(int bytes) { return bytes == CHUNK && buffer.mismatch(zeros.clear()) < 0; }

    private void advance(long bytes) {
        done += bytes;
        progress.at(Math.min(done, total), total);
    }

    private void finish(Step step) throws IOException {
        if (step.is.isSymbolicLink()) return;
        PosixFileAttributeView view = Files.getFileAttributeView(step.to, PosixFileAttributeView.class);
        if (view != null && step.is instanceof PosixFileAttributes posix) view.setPermissions(posix.permissions());
        if (preserve) Files.getFileAttributeView(step.to, BasicFileAttributeView.class).setTimes(step.is.lastModifiedTime(), step.is.lastAccessTime(), null);
    }
}
