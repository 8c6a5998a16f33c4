package vmfs.impl.nio;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.DosFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.files.Volume;
import vmkernel.core.files.HostFolder;

/** A volume for Java's own tools, whatever is below it. Exceptions are those that the JDK's own file system gives. */
abstract class VolumeFileSystemContract {
    /** Of the machine itself. */
    @TempDir Path host;
    private final VmfsProvider provider = new VmfsProvider(null);
    private Volume below;
    private FileSystem volume;
    private Path folder;

    abstract Volume volume() throws IOException;

    /** An empty folder of the volume. */
    abstract String folder() throws IOException;

    @BeforeEach
    void aFolderInAVolume() throws IOException {
        below = volume();
        volume = provider.view(below);
        folder = volume.getPath(folder());
    }

    private static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    private static void tree(Path at) throws IOException {
        Files.createDirectories(at.resolve("one/two/three"));
        Files.write(at.resolve("one/small"), random(100));
        Files.write(at.resolve("one/two/large"), random(3_000_001));
        Files.write(at.resolve("one/two/three/empty"), new byte[0]);
        Files.createSymbolicLink(at.resolve("one/link"), at.getFileSystem().getPath("two/large"));
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path file : (Iterable<Path>) all::iterator) {
                Path copy = to.resolve(from.relativize(file).toString());
                // the JDK does not copy links from one provider to another
                if (Files.isSymbolicLink(file)) Files.createSymbolicLink(copy, copy.getFileSystem().getPath(Files.readSymbolicLink(file).toString()));
                else Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    private static List<String> listing(Path root) throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.map(file -> root.relativize(file) + (Files.isSymbolicLink(file) ? " -> " + target(file) : "")).sorted().toList();
        }
    }

    private static Path target(Path link) {
        try {
            return Files.readSymbolicLink(link);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void assertSameTree(Path one, Path other) throws IOException {
        assertEquals(listing(one), listing(other));
        try (Stream<Path> all = Files.walk(one)) {
            for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) assertEquals(-1, Files.mismatch(file, other.resolve(one.relativize(file).toString())), file::toString);
        }
    }

    @Test
    void treesAreCopiedBetweenTheHostAndTheVolumeAndWithinIt() throws IOException {
        Path source = Files.createDirectory(host.resolve("source"));
        tree(source);
        copyTree(source, folder.resolve("in"));
        assertSameTree(source, folder.resolve("in"));
        copyTree(folder.resolve("in"), folder.resolve("within"));
        assertSameTree(source, folder.resolve("within"));
        copyTree(folder.resolve("within"), host.resolve("out"));
        assertSameTree(source, host.resolve("out"));
    }

    @Test
    void aTreeIsDeletedFromItsLeaves() throws IOException {
        tree(folder.resolve("t"));
        assertThrows(DirectoryNotEmptyException.class, () -> Files.delete(folder.resolve("t")));
        Files.walkFileTree(folder.resolve("t"), new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException e) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
        assertFalse(Files.exists(folder.resolve("t")));
        assertThrows(NoSuchFileException.class, () -> Files.delete(folder.resolve("t")));
        assertFalse(Files.deleteIfExists(folder.resolve("t")));
    }

    @Test
    void anArchiveWithinAVolumeIsAFileSystemItself() throws IOException {
        Path archive = folder.resolve("a.zip");
        try (FileSystem zip = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
            Files.createDirectories(zip.getPath("/one/two"));
            Files.write(zip.getPath("/one/small"), random(100));
            Files.write(zip.getPath("/one/two/large"), random(3_000_001));
        }
        try (FileSystem zip = FileSystems.newFileSystem(archive)) {
            assertArrayEquals(random(100), Files.readAllBytes(zip.getPath("/one/small")));
            Files.delete(zip.getPath("/one/small"));
            Files.write(zip.getPath("/new"), random(70_000));
        }
        try (FileSystem zip = FileSystems.newFileSystem(archive)) {
            assertArrayEquals(random(70_000), Files.readAllBytes(zip.getPath("/new")));
            assertFalse(Files.exists(zip.getPath("/one/small")));
            assertEquals(3_000_001, Files.size(zip.getPath("/one/two/large")));
        }
    }

    @Test
    void textIsWrittenAppendedAndRead() throws IOException {
        Path file = folder.resolve("text");
        Files.writeString(file, "one\n");
        Files.writeString(file, "two\n", APPEND);
        Files.write(file, List.of("three"), StandardCharsets.UTF_8, APPEND, CREATE);
        assertEquals(List.of("one", "two", "three"), Files.readAllLines(file));
        Files.writeString(file, "new");
        assertEquals("new", Files.readString(file), "what was there is truncated");
        Files.writeString(file, "N", WRITE);
        assertEquals("New", Files.readString(file), "without TRUNCATE_EXISTING the rest stays");
        try (Stream<String> lines = Files.lines(file)) {
            assertEquals(1, lines.count());
        }
        try (InputStream in = Files.newInputStream(file)) {
            assertEquals(3, in.available());
            assertEquals(2, in.skip(2));
            assertEquals('w', in.read());
            assertEquals(-1, in.read());
        }
    }

    @Test
    void optionsOfOpeningAreHeeded() throws IOException {
        Path file = folder.resolve("f");
        assertThrows(NoSuchFileException.class, () -> Files.newByteChannel(file));
        assertThrows(NoSuchFileException.class, () -> Files.newByteChannel(file, WRITE));
        Files.newByteChannel(file, CREATE_NEW, WRITE).close();
        assertThrows(FileAlreadyExistsException.class, () -> Files.newByteChannel(file, CREATE_NEW, WRITE));
        assertThrows(FileAlreadyExistsException.class, () -> Files.createFile(file));
        assertThrows(IllegalArgumentException.class, () -> Files.newByteChannel(file, READ, APPEND));
        assertThrows(IllegalArgumentException.class, () -> Files.newByteChannel(file, APPEND, TRUNCATE_EXISTING));
        assertThrows(UnsupportedOperationException.class, () -> Files.newByteChannel(file, new java.nio.file.OpenOption() { }));
        assertThrows(FileSystemException.class, () -> Files.newByteChannel(folder), "a directory");
        try (SeekableByteChannel reader = Files.newByteChannel(file); SeekableByteChannel writer = Files.newByteChannel(file, WRITE)) {
            assertThrows(NonWritableChannelException.class, () -> reader.write(ByteBuffer.allocate(1)));
            assertThrows(NonWritableChannelException.class, () -> reader.truncate(0));
            assertThrows(NonReadableChannelException.class, () -> writer.read(ByteBuffer.allocate(1)));
        }
        Files.newByteChannel(file, WRITE, DELETE_ON_CLOSE).close();
        assertFalse(Files.exists(file));
    }

    @Test
    void aChannelHasAPositionAndReadsAndWritesAnywhere() throws IOException {
        Path file = folder.resolve("f");
        SeekableByteChannel kept;
        try (FileChannel channel = FileChannel.open(file, Set.of(READ, WRITE, CREATE), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r-----")))) {
            kept = channel;
            assertEquals(10, channel.write(ByteBuffer.wrap(random(10))));
            assertEquals(10, channel.position());
            channel.position(20);
            assertEquals(20, channel.position());
            assertEquals(10, channel.size());
            assertEquals(-1, channel.read(ByteBuffer.allocate(1)));
            assertEquals(5, channel.write(ByteBuffer.wrap(random(10), 5, 5).asReadOnlyBuffer()));
            assertEquals(25, channel.size());
            ByteBuffer all = ByteBuffer.allocateDirect(100);
            assertEquals(25, channel.read(all, 0));
            assertEquals(25, all.position());
            assertEquals(0, all.get(15), "what lies between reads as zeros");
            assertEquals(random(10)[5], all.get(20));
            assertEquals(4, channel.position(0).read(new ByteBuffer[] {ByteBuffer.allocate(3), ByteBuffer.allocate(1)}));
            assertEquals(6, channel.write(new ByteBuffer[] {ByteBuffer.allocate(3), ByteBuffer.allocate(3)}));
            assertEquals(10, channel.position());
            channel.position(24).truncate(12);
            assertEquals(12, channel.position());
            channel.truncate(100);
            assertEquals(12, channel.size(), "truncation never makes it longer");
            assertThrows(IllegalArgumentException.class, () -> channel.position(-1));
            assertThrows(IllegalArgumentException.class, () -> channel.truncate(-1));
            assertThrows(UnsupportedOperationException.class, () -> channel.map(FileChannel.MapMode.READ_ONLY, 0, 1));
            assertTrue(channel.lock().isValid());
            channel.force(true);
        }
        assertThrows(ClosedChannelException.class, () -> kept.read(ByteBuffer.allocate(1)));
        assertThrows(ClosedChannelException.class, kept::position);
        assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }

    @Test
    void anAppendedChannelWritesAtTheEndWhereverItIs() throws IOException {
        Path file = Files.write(folder.resolve("f"), random(10));
        try (SeekableByteChannel channel = Files.newByteChannel(file, APPEND)) {
            channel.position(0);
            channel.write(ByteBuffer.allocate(5));
            assertEquals(15, channel.position());
        }
        assertEquals(15, Files.size(file));
    }

    @Test
    void channelsTransferBothWays() throws IOException {
        Path file = Files.write(folder.resolve("f"), random(2_500_000));
        Path other = host.resolve("g");
        try (FileChannel from = FileChannel.open(file); FileChannel to = FileChannel.open(other, WRITE, CREATE)) {
            assertEquals(2_499_990, from.transferTo(10, Long.MAX_VALUE, to));
        }
        assertEquals(2_499_990, Files.size(other));
        try (FileChannel from = FileChannel.open(other); FileChannel to = FileChannel.open(file, WRITE)) {
            assertEquals(0, to.transferFrom(from, 3_000_000, 1), "nothing past the end");
            assertEquals(2_499_990, to.transferFrom(from, 0, 3_000_000));
        }
        assertEquals(2_499_990, Files.mismatch(other, file), "only the rest of the longer one is left");
    }

    @Test
    void copyingReplacesOnlyWhenToldTo() throws IOException {
        Path one = Files.writeString(folder.resolve("one"), "1");
        Path two = Files.writeString(folder.resolve("two"), "22");
        Path full = Files.createDirectories(folder.resolve("full/x")).getParent();
        assertThrows(FileAlreadyExistsException.class, () -> Files.copy(one, two));
        Files.copy(one, two, StandardCopyOption.REPLACE_EXISTING);
        assertEquals("1", Files.readString(two));
        assertThrows(DirectoryNotEmptyException.class, () -> Files.copy(one, full, StandardCopyOption.REPLACE_EXISTING));
        assertThrows(NoSuchFileException.class, () -> Files.copy(folder.resolve("no"), two, StandardCopyOption.REPLACE_EXISTING));
        assertThrows(NoSuchFileException.class, () -> Files.copy(one, folder.resolve("no/where")));
        assertThrows(UnsupportedOperationException.class, () -> Files.copy(one, two, StandardCopyOption.ATOMIC_MOVE));
        Files.copy(one, one);
        Files.copy(full, folder.resolve("shell"));
        assertEquals(List.of(""), listing(folder.resolve("shell")), "a directory is copied without what is in it");
        Files.createDirectory(folder.resolve("empty"));
        Files.copy(one, folder.resolve("empty"), StandardCopyOption.REPLACE_EXISTING);
        assertEquals("1", Files.readString(folder.resolve("empty")));
        assertEquals(List.of("empty", "full", "one", "shell", "two"), names(folder, "*"), "nothing else is left");
    }

    @Test
    void movingReplacesOnlyWhenToldTo() throws IOException {
        Path one = Files.writeString(folder.resolve("one"), "1");
        Path two = Files.writeString(folder.resolve("two"), "22");
        assertThrows(FileAlreadyExistsException.class, () -> Files.move(one, two));
        Files.move(one, two, StandardCopyOption.REPLACE_EXISTING);
        assertEquals("1", Files.readString(two));
        assertFalse(Files.exists(one));
        Files.move(two, two);
        Path full = Files.createDirectories(folder.resolve("full/x")).getParent();
        assertThrows(DirectoryNotEmptyException.class, () -> Files.move(two, full, StandardCopyOption.REPLACE_EXISTING));
        Files.move(two, full.resolve("x"), StandardCopyOption.REPLACE_EXISTING);
        Files.move(full, folder.resolve("moved"));
        assertEquals(List.of("", "x"), listing(folder.resolve("moved")));
        assertThrows(NoSuchFileException.class, () -> Files.move(full, two));
        Files.move(folder.resolve("moved/x"), host.resolve("outside"));
        assertEquals("1", Files.readString(host.resolve("outside")));
    }

    @Test
    void movingToAnotherVolumeCopiesFilesAndEmptyFolders() throws IOException {
        FileSystem other = provider.view(new HostFolder());
        Path there = other.getPath(host.toString(), "there");
        Path file = Files.write(folder.resolve("file"), random(2_000_000));
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
        assertThrows(java.nio.file.AtomicMoveNotSupportedException.class, () -> Files.move(file, there, StandardCopyOption.ATOMIC_MOVE));
        Files.move(file, there);
        assertArrayEquals(random(2_000_000), Files.readAllBytes(there));
        assertEquals(1_000_000_000_000L, Files.getLastModifiedTime(there).toMillis());
        assertFalse(Files.exists(file));
        tree(folder);
        assertThrows(DirectoryNotEmptyException.class, () -> Files.move(folder.resolve("one"), other.getPath(host.toString(), "new")));
    }

    @Test
    void linksAreMadeReadAndFollowed() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "text");
        Path link = Files.createSymbolicLink(folder.resolve("link"), volume.getPath("file"));
        assertEquals("text", Files.readString(link));
        assertTrue(Files.isSymbolicLink(link));
        assertTrue(Files.isRegularFile(link));
        assertFalse(Files.isRegularFile(link, LinkOption.NOFOLLOW_LINKS));
        assertTrue(Files.isSameFile(file, link));
        assertEquals(file.toRealPath(), link.toRealPath());
        assertEquals(link, folder.resolve("x/../link").normalize().toRealPath(LinkOption.NOFOLLOW_LINKS));
        assertThrows(NotLinkException.class, () -> Files.readSymbolicLink(file));
        assertThrows(IOException.class, () -> Files.newByteChannel(link, LinkOption.NOFOLLOW_LINKS));
        Path hard = Files.createLink(folder.resolve("hard"), file);
        assertTrue(Files.isSameFile(file, hard));
        assertEquals(2, Files.getAttribute(file, "unix:nlink"));
        Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), volume.getPath("made"));
        assertFalse(Files.exists(dangling));
        Files.writeString(dangling, "through");
        assertEquals("through", Files.readString(folder.resolve("made")));
        assertThrows(FileAlreadyExistsException.class, () -> Files.createFile(dangling));
        Files.createSymbolicLink(folder.resolve("a"), volume.getPath("b"));
        Files.createSymbolicLink(folder.resolve("b"), volume.getPath("a"));
        assertThrows(FileSystemLoopException.class, () -> Files.readAttributes(folder.resolve("a"), BasicFileAttributes.class));
        Files.delete(link);
        assertTrue(Files.exists(file), "the link is deleted, not the file");
    }

    private static List<String> names(Path folder, String glob) throws IOException {
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
            return Stream.iterate(stream.iterator(), java.util.Iterator::hasNext, i -> i).map(i -> i.next().getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void foldersAreListedByPatterns() throws IOException {
        for (String name : List.of("a.txt", "b.txt", "c.vmdk", ".hidden")) Files.createFile(folder.resolve(name));
        assertEquals(List.of("a.txt", "b.txt"), names(folder, "*.txt"));
        assertEquals(List.of("a.txt", "c.vmdk"), names(folder, "{a*,*.vmdk}"));
        assertTrue(Files.isHidden(folder.resolve(".hidden")));
        assertThrows(NotDirectoryException.class, () -> Files.newDirectoryStream(folder.resolve("a.txt")));
        assertThrows(NoSuchFileException.class, () -> Files.newDirectoryStream(folder.resolve("no")));
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.iterator();
            assertThrows(IllegalStateException.class, stream::iterator);
        }
        assertThrows(FileAlreadyExistsException.class, () -> Files.createDirectory(folder.resolve("a.txt")));
        assertThrows(NoSuchFileException.class, () -> Files.createDirectory(folder.resolve("no/where")));
    }

    @Test
    void attributesAreReadAndSet() throws IOException {
        Path file = Files.write(folder.resolve("f"), random(77));
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_234_567_890_000L));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x--x"));
        PosixFileAttributes is = Files.readAttributes(file, PosixFileAttributes.class);
        assertEquals(77, is.size());
        assertEquals(1_234_567_890_000L, is.lastModifiedTime().toMillis());
        assertEquals("rwxr-x--x", PosixFilePermissions.toString(is.permissions()));
        assertEquals(is.fileKey(), Files.readAttributes(file, BasicFileAttributes.class).fileKey());
        assertNotEquals(is.fileKey(), Files.readAttributes(folder, BasicFileAttributes.class).fileKey());
        assertEquals(Set.of("size", "isDirectory"), Files.readAttributes(file, "size,isDirectory").keySet());
        assertEquals(12, Files.readAttributes(file, "posix:*").size());
        assertEquals(0100751, Files.getAttribute(file, "unix:mode"));
        Files.setAttribute(file, "unix:mode", 0600);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(Files.getAttribute(file, "unix:uid").toString(), Files.getOwner(file).getName());
        Files.setOwner(file, volume.getUserPrincipalLookupService().lookupPrincipalByName(Files.getOwner(file).getName()));
        assertThrows(java.nio.file.attribute.UserPrincipalNotFoundException.class, () -> volume.getUserPrincipalLookupService().lookupPrincipalByName("root"));
        assertThrows(UnsupportedOperationException.class, () -> Files.readAttributes(file, DosFileAttributes.class));
        assertThrows(UnsupportedOperationException.class, () -> Files.readAttributes(file, "dos:*"));
        assertThrows(IllegalArgumentException.class, () -> Files.readAttributes(file, "basic:colour"));
        assertNull(Files.getFileAttributeView(file, java.nio.file.attribute.DosFileAttributeView.class));
        assertTrue(Files.isReadable(file) && Files.isWritable(file) && !Files.isExecutable(file));
        assertEquals(volume.getFileStores().iterator().next(), Files.getFileStore(file));
        assertTrue(Files.getFileStore(file).getTotalSpace() >= Files.getFileStore(file).getUsableSpace());
    }

    @Test
    void aPathHasAUriThatLeadsBack() {
        Path path = folder.resolve("a folder/100%/\u00e4!/x");
        URI uri = path.toUri();
        assertEquals("vmfs", uri.getScheme());
        assertEquals(path, provider.getPath(uri));
        assertThrows(java.nio.file.FileSystemNotFoundException.class, () -> provider.getPath(URI.create("vmfs://other/x")));
    }

    @Test
    void nothingIsWrittenToAVolumeThatIsToBeRead() throws IOException {
        Files.writeString(folder.resolve("f"), "text");
        FileSystem readOnly = provider.view(reading(below));
        Path there = readOnly.getPath(folder.toString());
        assertTrue(readOnly.isReadOnly());
        assertEquals("text", Files.readString(there.resolve("f")));
        String why = assertThrows(ReadOnlyFileSystemException.class, () -> Files.writeString(there.resolve("f"), "x")).getMessage();
        assertTrue(why.contains("it is a test"), why);
        assertThrows(ReadOnlyFileSystemException.class, () -> Files.delete(there.resolve("f")));
        assertThrows(ReadOnlyFileSystemException.class, () -> Files.createDirectory(there.resolve("g")));
        assertThrows(ReadOnlyFileSystemException.class, () -> Files.move(there.resolve("f"), there.resolve("g")));
        assertThrows(ReadOnlyFileSystemException.class, () -> Files.copy(there.resolve("f"), there.resolve("g")));
        assertThrows(ReadOnlyFileSystemException.class, () -> Files.setLastModifiedTime(there.resolve("f"), FileTime.fromMillis(0)));
        assertFalse(Files.isWritable(there.resolve("f")));
    }

    private static Volume reading(Volume volume) {
        return (Volume) java.lang.reflect.Proxy.newProxyInstance(Volume.class.getClassLoader(), new Class<?>[] {Volume.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("readOnly")) return Optional.of("it is a test");
            try {
                return method.invoke(volume, arguments);
            } catch (java.lang.reflect.InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    @Test
    void aClosedFileSystemDoesNothingMore() throws IOException {
        Files.writeString(folder.resolve("f"), "text");
        volume.close();
        volume.close();
        assertFalse(volume.isOpen());
        assertThrows(ClosedFileSystemException.class, () -> Files.readString(folder.resolve("f")));
        assertThrows(ClosedFileSystemException.class, () -> Files.newDirectoryStream(folder));
    }

    @Test
    void theStreamsOfAnOpenFileAreItsOwn() throws IOException {
        Path file = folder.resolve("f");
        try (OutputStream out = Files.newOutputStream(file)) {
            for (int i = 0; i < 100_000; i++) out.write(i);
            out.flush();
            assertEquals(100_000, Files.size(file));
            try (InputStream in = Files.newInputStream(file, StandardOpenOption.READ)) {
                for (int i = 0; i < 100_000; i++) assertEquals(i & 0xFF, in.read());
            }
        }
    }
}
