package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The generated sources belong to the table and the operations. To write them anew:
 * {@code mvn -pl monitor.x86 -am test -Dtest=GeneratedNodesTest -Dsurefire.failIfNoSpecifiedTests=false -Dmonitor.x86.generate=true}.
 */
class GeneratedNodesTest {
    @Test
    void everyOperationOfTheTableHasAMethod() {
        assertEquals(Set.of(), new NodeGenerator().missing());
    }

    @Test
    void generatedNodesAreUpToDate() throws IOException {
        for (Map.Entry<String, String> file : new NodeGenerator().files().entrySet()) {
            Path path = NodeGenerator.FOLDER.resolve(file.getKey());
            if (Boolean.getBoolean("monitor.x86.generate")) Files.writeString(path, file.getValue());
            assertEquals(file.getValue(), Files.readString(path), file.getKey() + " is stale: run this test with -Dmonitor.x86.generate=true");
        }
    }
}
