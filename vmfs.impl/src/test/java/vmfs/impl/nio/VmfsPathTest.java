package vmfs.impl.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.ProviderMismatchException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.PatternSyntaxException;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import vmkernel.core.files.HostFolder;

/** Paths and patterns behave as those of the JDK's own file system on Linux: both are asked, and answer the same. */
class VmfsPathTest {
    private final FileSystem volume = new VmfsProvider(null).view(new HostFolder());
    private final Random random = new Random(11);

    private String text() {
        String[] names = {"a", "b", "a.b", ".", "..", "", "a", "..."};
        StringBuilder text = new StringBuilder(random.nextInt(3) == 0 ? "/" : "");
        for (int i = random.nextInt(5); i > 0; i--) text.append(names[random.nextInt(names.length)]).append(i > 1 || random.nextInt(4) == 0 ? "/" : "");
        return text.toString();
    }

    /** What an operation gives, as text; an exception by its type. */
    private static String said(Function<Path, Object> operation, Path path) {
        try {
            Object result = operation.apply(path);
            return result instanceof Number || result == null || result instanceof Boolean ? String.valueOf(result) : result + (result instanceof Path p ? ", " + p.isAbsolute() + ", " + p.getNameCount() : "");
        } catch (IllegalArgumentException e) {
            return "refused";
        }
    }

    @Test
    void aPathIsTakenApartAsByTheJdk() {
        List<Function<Path, Object>> operations = List.of(path -> path, Path::getRoot, Path::getFileName, Path::getParent, Path::getNameCount, path -> path.getName(0), path -> path.getName(1),
            path -> path.subpath(0, path.getNameCount()), path -> path.subpath(1, 2), Path::normalize, Path::isAbsolute, path -> path.resolveSibling("x"),
            path -> StreamSupport.stream(path.spliterator(), false).map(Path::toString).toList());
        for (int i = 0; i < 5000; i++) {
            String text = text();
            for (int k = 0; k < operations.size(); k++) {
                assertEquals(said(operations.get(k), Path.of(text)), said(operations.get(k), volume.getPath(text)), "operation " + k + " of \"" + text + "\"");
            }
        }
    }

    @Test
    void twoPathsAreComparedAndJoinedAsByTheJdk() {
        List<BiFunction<Path, Path, Object>> operations = List.of(Path::resolve, Path::startsWith, Path::endsWith, Path::equals, (a, b) -> Integer.signum(a.compareTo(b)), Path::resolveSibling);
        for (int i = 0; i < 20_000; i++) {
            String one = text();
            String other = text();
            for (int k = 0; k < operations.size(); k++) {
                BiFunction<Path, Path, Object> operation = operations.get(k);
                assertEquals(said(path -> operation.apply(path, Path.of(other)), Path.of(one)), said(path -> operation.apply(path, volume.getPath(other)), volume.getPath(one)),
                    "operation " + k + " of \"" + one + "\" and \"" + other + "\"");
            }
        }
    }

    /** The JDK normalizes more than it has to, so the law is tested instead of its answers. */
    @Test
    void theWayFromOnePathToAnotherLeadsThere() {
        for (int i = 0; i < 20_000; i++) {
            Path one = volume.getPath(text()).normalize();
            Path other = volume.getPath(text()).normalize();
            if (one.isAbsolute() != other.isAbsolute() || one.startsWith("..") || other.startsWith("..")) continue;
            assertEquals(other, one.resolve(one.relativize(other)).normalize(), one + " to " + other);
        }
        assertThrows(IllegalArgumentException.class, () -> volume.getPath("/a").relativize(volume.getPath("b")));
    }

    @Test
    void patternsMatchAsThoseOfTheJdk() {
        String[] parts = {"*", "**", "?", "[ab]", "[!a]", "[a-c]", "{a,b*}", "{a", "}", "[", "a", "b", ".", "/", "\\*", ",", "-", "[-a]", "[a-]", "[]a]", "[b-a]", "^", "$", "+", "&&", "[a&&b]"};
        List<String> names = new ArrayList<>(List.of("", "a", "b", "ab", "a.b", ".a", "a/b", "*", "-", ",", "]", "^", "$a", "a+b", "&&", "c", "a/a/b"));
        for (int i = 0; i < 10_000; i++) {
            StringBuilder glob = new StringBuilder();
            for (int k = 1 + random.nextInt(4); k > 0; k--) glob.append(parts[random.nextInt(parts.length)]);
            PathMatcher theirs = matcher(FileSystems.getDefault(), glob.toString());
            PathMatcher ours = matcher(volume, glob.toString());
            assertEquals(theirs == null, ours == null, "glob " + glob);
            if (theirs == null) continue;
            for (String name : names) assertEquals(theirs.matches(Path.of(name)), ours.matches(volume.getPath(name)), "glob " + glob + " on \"" + name + "\"");
        }
    }

    private static PathMatcher matcher(FileSystem system, String glob) {
        try {
            return system.getPathMatcher("glob:" + glob);
        } catch (PatternSyntaxException e) {
            return null;
        }
    }

    @Test
    void whatIsNoPathOrAnotherProvidersIsRefused() {
        assertThrows(InvalidPathException.class, () -> volume.getPath("a\0b"));
        assertThrows(ProviderMismatchException.class, () -> volume.getPath("a").resolve(Path.of("b")));
        assertThrows(NullPointerException.class, () -> volume.getPath("a").resolve((Path) null));
        assertThrows(UnsupportedOperationException.class, () -> volume.getPathMatcher("grep:a"));
        assertThrows(IllegalArgumentException.class, () -> volume.getPathMatcher("*.txt"));
        assertThrows(UnsupportedOperationException.class, volume::newWatchService);
        assertThrows(UnsupportedOperationException.class, () -> volume.getPath("a").toFile());
    }
}
