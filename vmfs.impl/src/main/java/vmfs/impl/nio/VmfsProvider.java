package vmfs.impl.nio;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.spi.FileSystemProvider;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import vmfs.impl.image.Image;
import vmfs.impl.volume.VmfsFileSystem;
import vmkernel.api.files.FileStatus;
import vmkernel.api.files.VmFile;
import vmkernel.api.files.Volume;

/**
 * Volumes for {@code java.nio.file}, under the scheme {@code vmfs}. {@code FileSystems.newFileSystem(URI.create("vmfs:/path/to/image"), Map.of())} opens an image file or
 * a partition; {@code vmfs:/path/to/image:2} its second partition. A file within has the URI {@code vmfs:/path/to/image!/folder/file}. Any thread.
 *
 * <p>Parameters: {@code partition}, a number; {@code readOnly}, true or false; without it a volume that can be written will be.
 */
public final class VmfsProvider extends FileSystemProvider {
    private static final String SCHEME = "vmfs", INSIDE = "!/";
    private static final int DIRECTORY_MODE = 0755, FILE_MODE = 0644;
    /** Of streams: what they read ahead, and gather before they write. */
    private static final int READ_BYTES = 256 << 10, WRITE_BYTES = 64 << 10;

    private final vmkernel.api.files.FileSystem kind;
    /** Those that have a URI, by what is before the path in it. Guarded by itself. */
    private final Map<String, VolumeFileSystem> systems = new HashMap<>();

    /** For Java's own search for providers. */
    public VmfsProvider() { this(new VmfsFileSystem()); }

    /** @param kind of the file system whose images are opened */
    public VmfsProvider(vmkernel.api.files.FileSystem kind) { this.kind = kind; }

    /** A view of a volume that is mounted: closing it closes nothing below. */
    public FileSystem view(Volume volume) {
        String prefix = "//" + volume.uuid();
        synchronized (systems) {
            return systems.compute(prefix, (name, view) -> view != null && view.shows(volume) ? view : new VolumeFileSystem(this, volume, path -> prefix + path, () -> { }));
        }
    }

    /** Quotes what a URI cannot have. */
    static URI uri(String schemeSpecific) {
        try {
            String authority = schemeSpecific.startsWith("//") ? schemeSpecific.substring(2, schemeSpecific.indexOf('/', 2)) : null;
            return new URI(SCHEME, authority, authority == null ? schemeSpecific : schemeSpecific.substring(2 + authority.length()), null, null);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    void closed(VolumeFileSystem system) {
        synchronized (systems) {
            systems.values().remove(system);
        }
    }

    @Override public String getScheme() { return SCHEME; }

    @Override
    public FileSystem newFileSystem(URI uri, Map<String, ?> parameters) throws IOException {
        String prefix = prefix(uri, parameters);
        synchronized (systems) {
            if (systems.containsKey(prefix)) throw new FileSystemAlreadyExistsException(uri + " is open; close it first, or use FileSystems.getFileSystem");
            VolumeFileSystem opened = open(prefix, parameters, prefix);
            systems.put(prefix, opened);
            return opened;
        }
    }

    /** @throws UnsupportedOperationException for a file that is no VMFS volume: another provider may know it */
    @Override
    public FileSystem newFileSystem(Path image, Map<String, ?> parameters) throws IOException {
        if (image.getFileSystem() != java.nio.file.FileSystems.getDefault()) throw new UnsupportedOperationException(image + ": an image has to be a file of the machine itself");
        String spec = withPartition(image.toRealPath().toString(), parameters);
        if (!Image.recognized(kind, spec)) throw new UnsupportedOperationException(image + ": there is no VMFS volume in it");
        return open(spec, parameters, spec);
    }

    private VolumeFileSystem open(String image, Map<String, ?> parameters, String prefix) throws IOException {
        Image opened = Image.open(kind, image, readOnly(image, parameters.get("readOnly")));
        try {
            return new VolumeFileSystem(this, opened.mount(), path -> prefix + "!" + path, opened);
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    /** As it was said; else if the image may not be written. */
    private static boolean readOnly(String image, Object said) {
        return said != null ? Boolean.parseBoolean(said.toString()) : Image.files(image).stream().anyMatch(file -> Files.exists(file) && !Files.isWritable(file));
    }

    private static String withPartition(String image, Map<String, ?> parameters) {
        Object partition = parameters.get("partition");
        return partition == null ? image : image + ":" + partition;
    }

    private static String prefix(URI uri, Map<String, ?> parameters) {
        if (!SCHEME.equalsIgnoreCase(uri.getScheme())) throw new IllegalArgumentException(uri + ": " + SCHEME + ":/path/to/image is needed");
        String path = uri.getPath();
        if (path == null || path.isEmpty()) throw new IllegalArgumentException(uri + ": " + SCHEME + ":/path/to/image is needed");
        if (uri.getAuthority() != null) return "//" + uri.getAuthority();
        int inside = path.lastIndexOf(INSIDE);
        return withPartition(inside < 0 ? path : path.substring(0, inside), parameters);
    }

    @Override
    public FileSystem getFileSystem(URI uri) {
        String prefix = prefix(uri, Map.of());
        synchronized (systems) {
            VolumeFileSystem system = systems.get(prefix);
            if (system == null) throw new FileSystemNotFoundException(uri + " is not open; FileSystems.newFileSystem opens it");
            return system;
        }
    }

    @Override
    public Path getPath(URI uri) {
        FileSystem system = getFileSystem(uri);
        String path = uri.getPath();
        return system.getPath(uri.getAuthority() != null ? path : path.contains(INSIDE) ? path.substring(path.lastIndexOf(INSIDE) + 1) : "/");
    }

    private static Volume volume(VmfsPath path) { return path.getFileSystem().volume(); }

    private static Volume writable(VmfsPath path) { return path.getFileSystem().writable(); }

    // Files

    @Override public SeekableByteChannel newByteChannel(Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException { return newFileChannel(path, options, attributes); }

    @Override
    public FileChannel newFileChannel(Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
        VmfsPath file = VmfsPath.of(path);
        OpenOptions wanted = OpenOptions.of(options);
        String place = place(file, wanted);
        VmFile opened = wanted.writing() ? openWritable(file, place, wanted, mode(attributes, FILE_MODE)) : volume(file).open(place, VmFile.Mode.READ);
        return new VolumeChannel(opened, wanted.rights(), wanted.has(StandardOpenOption.DELETE_ON_CLOSE) ? () -> volume(file).delete(place) : () -> { });
    }

    private static String place(VmfsPath file, OpenOptions wanted) throws IOException {
        if (wanted.followed()) return file.getFileSystem().place(file, true);
        String place = file.inVolume();
        if (wanted.has(StandardOpenOption.CREATE_NEW)) return place;
        try {
            if (volume(file).status(place).type() == FileStatus.Type.SYMLINK) throw new FileSystemException(place, null, "is a symbolic link, which is not to be followed");
        } catch (NoSuchFileException e) {
            if (!wanted.has(StandardOpenOption.CREATE)) throw e;
        }
        return place;
    }

    private static VmFile openWritable(VmfsPath file, String place, OpenOptions wanted, int mode) throws IOException {
        Volume volume = writable(file);
        if (wanted.has(StandardOpenOption.CREATE_NEW)) return volume.create(file.inVolume(), mode);
        VmFile opened;
        try {
            opened = volume.open(place, VmFile.Mode.WRITE);
        } catch (NoSuchFileException e) {
            if (!wanted.has(StandardOpenOption.CREATE)) throw e;
            return volume.create(place, mode);
        }
        try {
            if (wanted.has(StandardOpenOption.TRUNCATE_EXISTING) && opened.length() > 0) opened.truncate(0);
            return opened;
        } catch (IOException e) {
            opened.close();
            throw e;
        }
    }

    @Override public InputStream newInputStream(Path path, OpenOption... options) throws IOException { return new BufferedInputStream(super.newInputStream(path, options), READ_BYTES); }

    @Override public OutputStream newOutputStream(Path path, OpenOption... options) throws IOException { return new BufferedOutputStream(super.newOutputStream(path, options), WRITE_BYTES); }

    private static int mode(FileAttribute<?>[] attributes, int usual) {
        int mode = usual;
        for (FileAttribute<?> attribute : attributes) {
            if (!attribute.name().equals("posix:permissions")) throw new UnsupportedOperationException("attribute " + attribute.name() + " cannot be given to what is made");
            @SuppressWarnings("unchecked")
            Set<PosixFilePermission> permissions = (Set<PosixFilePermission>) attribute.value();
            mode = VolumeAttributes.mode(permissions);
        }
        return mode;
    }

    // Folders and links

    @Override
    public DirectoryStream<Path> newDirectoryStream(Path path, DirectoryStream.Filter<? super Path> filter) throws IOException {
        VmfsPath folder = VmfsPath.of(path);
        return new FolderStream(folder, volume(folder).list(folder.getFileSystem().place(folder, true)), filter);
    }

    @Override
    public void createDirectory(Path path, FileAttribute<?>... attributes) throws IOException {
        VmfsPath folder = VmfsPath.of(path);
        writable(folder).mkdir(folder.inVolume(), mode(attributes, DIRECTORY_MODE));
    }

    @Override
    public void createSymbolicLink(Path path, Path target, FileAttribute<?>... attributes) throws IOException {
        if (attributes.length > 0) throw new UnsupportedOperationException("a symbolic link has no attributes");
        VmfsPath link = VmfsPath.of(path);
        writable(link).symlink(link.inVolume(), VmfsPath.of(target).toString());
    }

    @Override
    public void createLink(Path path, Path existing) throws IOException {
        VmfsPath link = VmfsPath.of(path);
        VmfsPath file = VmfsPath.of(existing);
        if (link.getFileSystem() != file.getFileSystem()) throw new FileSystemException(link.toString(), file.toString(), "another name has to be in the same volume");
        writable(link).link(file.inVolume(), link.inVolume());
    }

    @Override
    public Path readSymbolicLink(Path path) throws IOException {
        VmfsPath link = VmfsPath.of(path);
        return link.getFileSystem().getPath(volume(link).target(link.inVolume()));
    }

    @Override
    public void delete(Path path) throws IOException {
        VmfsPath file = VmfsPath.of(path);
        writable(file).delete(file.inVolume());
    }

    @Override public void copy(Path from, Path to, CopyOption... options) throws IOException { new Replacement(VmfsPath.of(from), VmfsPath.of(to), Set.of(options)).copy(); }

    @Override public void move(Path from, Path to, CopyOption... options) throws IOException { new Replacement(VmfsPath.of(from), VmfsPath.of(to), Set.of(options)).move(); }

    // What is known of them

    @Override
    public boolean isSameFile(Path one, Path other) throws IOException {
        if (one.equals(other)) return true;
        if (!(one instanceof VmfsPath a) || !(other instanceof VmfsPath b)) return false;
        long id = a.getFileSystem().status(a, true).id();
        return volume(a) == volume(b) && id == b.getFileSystem().status(b, true).id();
    }

    @Override
    public boolean isHidden(Path path) {
        Path name = VmfsPath.of(path).getFileName();
        return name != null && name.toString().startsWith(".");
    }

    @Override public FileStore getFileStore(Path path) throws IOException {
        VmfsPath file = VmfsPath.of(path);
        file.getFileSystem().status(file, true);
        return new VolumeStore(volume(file));
    }

    @Override
    public void checkAccess(Path path, AccessMode... modes) throws IOException {
        VmfsPath file = VmfsPath.of(path);
        FileStatus status = file.getFileSystem().status(file, true);
        for (AccessMode mode : modes) {
            if (mode == AccessMode.WRITE && volume(file).readOnly().isPresent()) throw new AccessDeniedException(path.toString(), null, volume(file).readOnly().get());
            if (mode == AccessMode.EXECUTE && status.type() != FileStatus.Type.DIRECTORY && (status.mode() & 0111) == 0) throw new AccessDeniedException(path.toString(), null, "may not be executed");
        }
    }

    private static VolumeAttributeView attributes(Path path, LinkOption... options) {
        VmfsPath file = VmfsPath.of(path);
        return new VolumeAttributeView(file.getFileSystem(), file, Links.followed(options));
    }

    @Override
    public <V extends FileAttributeView> V getFileAttributeView(Path path, Class<V> type, LinkOption... options) {
        boolean known = type == BasicFileAttributeView.class || type == FileOwnerAttributeView.class || type == PosixFileAttributeView.class;
        return known ? type.cast(attributes(path, options)) : null;
    }

    @Override
    public <A extends BasicFileAttributes> A readAttributes(Path path, Class<A> type, LinkOption... options) throws IOException {
        if (type != BasicFileAttributes.class && type != PosixFileAttributes.class) throw new UnsupportedOperationException("files of a volume have no " + type.getSimpleName());
        return type.cast(attributes(path, options).readAttributes());
    }

    @Override public Map<String, Object> readAttributes(Path path, String names, LinkOption... options) throws IOException { return attributes(path, options).read(names); }

    @Override public void setAttribute(Path path, String name, Object value, LinkOption... options) throws IOException { attributes(path, options).set(name, value); }

    /** How a file is opened. */
    private record OpenOptions(Set<OpenOption> given) {
        static OpenOptions of(Set<? extends OpenOption> options) {
            OpenOptions wanted = new OpenOptions(new HashSet<>(options));
            for (OpenOption option : options) {
                if (!(option instanceof StandardOpenOption) && option != LinkOption.NOFOLLOW_LINKS) throw new UnsupportedOperationException("files are not opened with " + option);
            }
            if (wanted.has(StandardOpenOption.APPEND) && wanted.has(StandardOpenOption.READ)) throw new IllegalArgumentException("READ + APPEND not allowed");
            if (wanted.has(StandardOpenOption.APPEND) && wanted.has(StandardOpenOption.TRUNCATE_EXISTING)) throw new IllegalArgumentException("APPEND + TRUNCATE_EXISTING not allowed");
            return wanted;
        }

        boolean has(OpenOption option) { return given.contains(option); }

        boolean writing() { return has(StandardOpenOption.WRITE) || has(StandardOpenOption.APPEND); }

        boolean followed() { return !has(LinkOption.NOFOLLOW_LINKS) && !(writing() && has(StandardOpenOption.CREATE_NEW)); }

        Set<VolumeChannel.Right> rights() {
            Set<VolumeChannel.Right> rights = EnumSet.noneOf(VolumeChannel.Right.class);
            if (has(StandardOpenOption.READ) || !writing()) rights.add(VolumeChannel.Right.READ);
            if (writing()) rights.add(VolumeChannel.Right.WRITE);
            if (has(StandardOpenOption.APPEND)) rights.add(VolumeChannel.Right.APPEND);
            if (has(StandardOpenOption.SYNC) || has(StandardOpenOption.DSYNC)) rights.add(VolumeChannel.Right.SYNC);
            return rights;
        }
    }
}
