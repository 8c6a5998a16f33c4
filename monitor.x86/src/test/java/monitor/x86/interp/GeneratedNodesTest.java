package monitor.x86.interp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class GeneratedNodesTest {
    @Test
    void generatedNodesAreUpToDate() throws IOException {
        for (Map.Entry<String, String> file : new NodeGenerator().files().entrySet()) {
            assertEquals(file.getValue(), Files.readString(NodeGenerator.FOLDER.resolve(file.getKey())), file.getKey() + " is stale: run NodeGenerator");
        }
    }
}
