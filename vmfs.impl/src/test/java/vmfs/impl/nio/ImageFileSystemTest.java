package vmfs.impl.nio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmfs.impl.fixture.ReferenceVolumes;
import vmfs.impl.fixture.VmfsTools;

/** Images as any Java program opens them, which finds the provider by itself. */
class ImageFileSystemTest {
    private static final Map<String, Object> READ = Map.of("readOnly", true);

    @TempDir Path folder;
    private Path image;

    @BeforeEach
    void anImage() throws IOException {
        image = folder.resolve("an image");
        ReferenceVolumes.vmfs5().save(image);
    }

    private URI uri(String inside) throws IOException { return URI.create("vmfs:" + image.toUri().getRawPath() + inside); }

    @Test
    void anImageIsOpenedByItsPath() throws IOException {
        try (FileSystem volume = FileSystems.newFileSystem(image, READ)) {
            assertEquals("vmfs", volume.provider().getScheme());
            assertTrue(volume.isReadOnly());
            try (Stream<Path> all = Files.walk(volume.getPath("/"))) {
                assertEquals(List.of("/", "/directory", "/directory/file1", "/directory/file2", "/directory/file3", "/directory/file4", "/directory/file5", "/directory/symlink"),
                    all.map(Path::toString).sorted().toList());
            }
            assertArrayEquals(VmfsTools.cat(image, "/directory/file5"), Files.readAllBytes(volume.getPath("directory", "file5")));
            assertTrue(Files.exists(volume.getPath("/.fbb.sf")), "the file system's own files are there for who asks for them");
            assertEquals("VMFS5 Test", volume.getFileStores().iterator().next().name());
        }
    }

    @Test
    void anImageIsOpenedByItsUri() throws IOException {
        try (FileSystem volume = FileSystems.newFileSystem(uri(""), READ)) {
            Path file = Path.of(uri("!/directory/file4"));
            assertEquals(volume.getPath("/directory/file4"), file);
            assertEquals(uri("!/directory/file4"), file.toUri());
            assertEquals(volume, FileSystems.getFileSystem(uri("")));
            assertEquals(8, Files.size(file));
            assertThrows(FileSystemAlreadyExistsException.class, () -> FileSystems.newFileSystem(uri(""), READ));
        }
        assertThrows(FileSystemNotFoundException.class, () -> FileSystems.getFileSystem(uri("")));
        assertThrows(FileSystemNotFoundException.class, () -> Path.of(uri("!/x")));
    }

    @Test
    void anImageThatMayNotBeWrittenIsRead() throws IOException {
        image.toFile().setWritable(false);
        byte[] before = Files.readAllBytes(image);
        if (!Files.isWritable(image)) { // the superuser may
            try (FileSystem volume = FileSystems.newFileSystem(image)) {
                assertTrue(volume.isReadOnly());
            }
        }
        try (FileSystem volume = FileSystems.newFileSystem(image, Map.of("readOnly", "true"))) {
            assertTrue(volume.isReadOnly());
        }
        assertArrayEquals(before, Files.readAllBytes(image));
    }

    @Test
    void whatIsNoVolumeIsLeftToOthers() throws IOException {
        Path other = Files.write(folder.resolve("other"), new byte[1 << 20]);
        assertThrows(ProviderNotFoundException.class, () -> FileSystems.newFileSystem(other));
        assertThrows(IOException.class, () -> FileSystems.newFileSystem(URI.create("vmfs:" + other.toUri().getRawPath()), READ));
        assertThrows(IOException.class, () -> FileSystems.newFileSystem(uri(""), Map.of("readOnly", true, "partition", 1)), "there is no partition table");
        assertThrows(IllegalArgumentException.class, () -> FileSystems.newFileSystem(URI.create("vmfs:relative"), READ));
    }
}
