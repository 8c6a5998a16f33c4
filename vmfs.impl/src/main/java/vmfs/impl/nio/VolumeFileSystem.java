package vmfs.impl.nio;

import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.Volume;

/** A volume as Java's tools see one. Paths begin at its root, which is the working folder, too. Any thread. */
final class VolumeFileSystem extends FileSystem {
    /** Symbolic links on the way to a file, as Linux has it. */
    private static final int MAX_LINKS = 40;

    private final VmfsProvider provider;
    private final Volume volume;
    private final UnaryOperator<String> uris;
    private final Closeable below;
    private volatile boolean open = true;

    /** @param uris makes the URI's scheme-specific part of an absolute path; @param below what ends with this */
    VolumeFileSystem(VmfsProvider provider, Volume volume, UnaryOperator<String> uris, Closeable below) {
        this.provider = provider;
        this.volume = volume;
        this.uris = uris;
        this.below = below;
    }

    Volume volume() {
        if (!open) throw new ClosedFileSystemException();
        return volume;
    }

    /** Whether it is another's view, too. */
    boolean shows(Volume other) { return open && volume == other; }

    Volume writable() {
        volume().readOnly().ifPresent(why -> { throw new VolumeReadOnlyException(volume.label() + ": " + why); });
        return volume;
    }

    URI uri(String path) { return VmfsProvider.uri(uris.apply(path)); }

    FileStatus status(VmfsPath path, boolean followed) throws IOException { return volume().status(place(path, followed)); }

    /** Where the volume finds what a path leads to: a symbolic link at its end, which only some calls follow, is followed here. What is at its end need not be there. */
    String place(VmfsPath path, boolean followed) throws IOException {
        VmfsPath at = path.toAbsolutePath();
        for (int links = 0; followed && link(at); links++) {
            if (links == MAX_LINKS) throw new FileSystemLoopException(path.toString());
            VmfsPath parent = at.getParent();
            at = (parent == null ? at : parent).resolve(getPath(volume().target(at.toString())));
        }
        return at.toString();
    }

    private boolean link(VmfsPath at) throws IOException {
        try {
            return volume().status(at.toString()).type() == FileStatus.Type.SYMLINK;
        } catch (java.nio.file.NoSuchFileException e) {
            return false;
        }
    }

    /** The path without {@code .}, {@code ..} and, if they are followed, symbolic links. */
    VmfsPath real(VmfsPath path, boolean followed) throws IOException {
        VmfsPath real = getPath("/");
        for (Path name : followed ? path.toAbsolutePath() : path.toAbsolutePath().normalize()) {
            if (name.toString().equals("..")) real = real.getParent() == null ? real : real.getParent();
            else if (!name.toString().equals(".")) real = step(real.resolve(name), followed);
        }
        return real;
    }

    private VmfsPath step(VmfsPath next, boolean followed) throws IOException {
        if (status(next, false).type() != FileStatus.Type.SYMLINK || !followed) return next;
        status(next, true); // ends a loop
        return real(next.getParent().resolve(getPath(volume().target(next.toString()))), true);
    }

    @Override public VmfsProvider provider() { return provider; }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (!open) return;
            open = false;
        }
        provider.closed(this);
        below.close();
    }

    @Override public boolean isOpen() { return open; }

    @Override public boolean isReadOnly() { return volume.readOnly().isPresent(); }

    @Override public String getSeparator() { return "/"; }

    @Override public Iterable<Path> getRootDirectories() { return List.of(getPath("/")); }

    @Override public Iterable<FileStore> getFileStores() { return List.of(new VolumeStore(volume())); }

    @Override public Set<String> supportedFileAttributeViews() { return VolumeAttributeView.NAMES; }

    @Override
    public VmfsPath getPath(String first, String... more) {
        return VmfsPath.of(this, Stream.concat(Stream.of(first), Stream.of(more)).filter(part -> !part.isEmpty()).collect(Collectors.joining("/")));
    }

    @Override
    public PathMatcher getPathMatcher(String syntaxAndPattern) {
        int colon = syntaxAndPattern.indexOf(':');
        if (colon <= 0) throw new IllegalArgumentException(syntaxAndPattern + ": glob:PATTERN or regex:PATTERN is needed");
        String text = syntaxAndPattern.substring(colon + 1);
        Pattern pattern = switch (syntaxAndPattern.substring(0, colon).toLowerCase(java.util.Locale.ROOT)) {
            case "glob" -> Glob.pattern(text);
            case "regex" -> Pattern.compile(text);
            default -> throw new UnsupportedOperationException(syntaxAndPattern + ": glob and regex are known");
        };
        return path -> pattern.matcher(path.toString()).matches();
    }

    @Override public UserPrincipalLookupService getUserPrincipalLookupService() { return NumberedPrincipal.LOOKUP; }

    @Override public WatchService newWatchService() { throw new UnsupportedOperationException("a volume is not watched"); }

    @Override public String toString() { return volume.label().isEmpty() ? volume.uuid() : volume.label(); }
}
