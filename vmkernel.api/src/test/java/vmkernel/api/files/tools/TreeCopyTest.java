package vmkernel.api.files.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vmkernel.api.files.Progress;

class TreeCopyTest {
    @TempDir Path folder;

    private static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    private Path tree() throws IOException {
        Path tree = folder.resolve("tree");
        Files.createDirectories(tree.resolve("a/b"));
        Files.write(tree.resolve("a/file"), random(3_000_000));
        Files.writeString(tree.resolve("a/b/small"), "text");
        Files.createSymbolicLink(tree.resolve("a/link"), Path.of("b/small"));
        Files.setPosixFilePermissions(tree.resolve("a/b/small"), PosixFilePermissions.fromString("r--r-----"));
        Files.setLastModifiedTime(tree.resolve("a/b"), FileTime.fromMillis(1_000_000_000_000L));
        return tree;
    }

    private static int copy(boolean recursive, Path to, Path... from) throws IOException { return new TreeCopy(recursive, true, Progress.NONE).copy(List.of(from), to); }

    private List<String> names() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(path -> !path.equals(folder)).map(path -> folder.relativize(path).toString()).sorted().toList();
        }
    }

    @Test
    void aTreeGetsANewNameOrGoesIntoAFolder() throws IOException {
        Path tree = tree();
        assertEquals(2, copy(true, folder.resolve("copy"), tree));
        copy(true, Files.createDirectory(folder.resolve("into")), tree);
        for (Path copy : List.of(folder.resolve("copy"), folder.resolve("into/tree"))) {
            assertArrayEquals(random(3_000_000), Files.readAllBytes(copy.resolve("a/file")));
            assertEquals("b/small", Files.readSymbolicLink(copy.resolve("a/link")).toString());
            assertEquals("r--r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(copy.resolve("a/b/small"))));
            assertEquals(1_000_000_000_000L, Files.getLastModifiedTime(copy.resolve("a/b")).toMillis());
        }
    }

    @Test
    void aCopyOverATreeReplacesItsFilesAndKeepsOthers() throws IOException {
        Path tree = tree();
        copy(true, folder.resolve("copy"), tree);
        Files.writeString(folder.resolve("copy/a/file"), "old");
        Files.writeString(folder.resolve("copy/a/other"), "stays");
        copy(true, folder, Files.move(folder.resolve("copy"), Files.createDirectory(folder.resolve("x")).resolve("tree")));
        assertEquals("old", Files.readString(tree.resolve("a/file")));
        assertEquals("stays", Files.readString(tree.resolve("a/other")));
        assertEquals("text", Files.readString(tree.resolve("a/b/small")));
    }

    @Test
    void zerosBecomeHolesAndTheLengthStays() throws IOException {
        byte[] data = new byte[(5 << 20) + 77];
        System.arraycopy(random(1000), 0, data, (2 << 20) + 5, 1000);
        Files.write(folder.resolve("a"), data);
        copy(false, folder.resolve("b"), folder.resolve("a"));
        assertEquals(-1, Files.mismatch(folder.resolve("a"), folder.resolve("b")));
        Files.write(folder.resolve("a"), new byte[4 << 20]);
        copy(false, folder.resolve("b"), folder.resolve("a"));
        assertEquals(-1, Files.mismatch(folder.resolve("a"), folder.resolve("b")), "all of it a hole");
        Files.write(folder.resolve("a"), new byte[0]);
        copy(false, folder.resolve("b"), folder.resolve("a"));
        assertEquals(0, Files.size(folder.resolve("b")));
    }

    @Test
    void whatCannotBeIsToldBeforeAnythingIsDone() throws IOException {
        Path tree = tree();
        List<String> before = names();
        assertTrue(assertThrows(FileSystemException.class, () -> copy(false, folder.resolve("x"), tree)).getMessage().endsWith("is a folder; -r copies it with what is in it"));
        assertTrue(assertThrows(FileSystemException.class, () -> copy(true, tree.resolve("a/b"), tree)).getMessage().endsWith("a folder does not go into itself"));
        assertTrue(assertThrows(FileSystemException.class, () -> copy(false, tree.resolve("a/file"), tree.resolve("a/file"))).getMessage().endsWith("they are the same file"));
        assertTrue(assertThrows(FileSystemException.class, () -> copy(true, folder.resolve("x"), tree, tree)).getMessage().endsWith("is no folder, so it does not take several files"));
        assertTrue(assertThrows(NoSuchFileException.class, () -> copy(true, folder, tree.resolve("no"))).getMessage().endsWith("no such file or directory"));
        assertEquals(before, names());
    }

    @Test
    void aCancelledCopyLeavesTheOldFile() throws IOException {
        Path from = Files.write(folder.resolve("from"), random(5 << 20));
        Path to = Files.writeString(folder.resolve("to"), "old");
        Progress impatient = (done, total) -> {
            assertEquals(5 << 20, total);
            if (done > 1 << 20) throw new CancellationException();
        };
        assertThrows(CancellationException.class, () -> new TreeCopy(false, false, impatient).copy(List.of(from), to));
        assertThrows(CancellationException.class, () -> new TreeCopy(false, false, impatient).copy(List.of(from), folder.resolve("new")));
        assertEquals("old", Files.readString(to));
        assertFalse(Files.exists(folder.resolve("new")));
        assertEquals(List.of("from", "to"), names());
    }
}
