package monitor.x86.interp;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The classes of the package {@code monitor.x86.ops}, found in its source folder. */
final class OperationClasses {
    private OperationClasses() {}

    static List<Class<?>> all() {
        try (Stream<Path> files = Files.list(Path.of("src/main/java/monitor/x86/ops"))) {
            return files.map(f -> f.getFileName().toString()).filter(n -> n.endsWith(".java") && !n.equals("package-info.java")).sorted()
                .<Class<?>>map(n -> load("monitor.x86.ops." + n.substring(0, n.length() - 5))).toList();
        } catch (IOException e) {
            throw new IllegalStateException("run this in the folder of the bundle", e);
        }
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }
}
