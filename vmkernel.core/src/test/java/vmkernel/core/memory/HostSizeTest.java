package vmkernel.core.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostSizeTest {
    @TempDir
    Path root;

    private void file(String name, String text) throws Exception {
        Files.createDirectories(root.resolve(name).getParent());
        Files.writeString(root.resolve(name), text);
    }

    @Test
    void theHostsMemoryIsWhatLinuxSays() throws Exception {
        file("proc/meminfo", "MemTotal:        2048000 kB\nMemFree:  17 kB\n");
        assertEquals(2048000L * 1024, HostSize.bytes(root));
    }

    @Test
    void theLimitOfAContainerCounts() throws Exception {
        file("proc/meminfo", "MemTotal:        2048000 kB\n");
        file("sys/fs/cgroup/memory.max", "max\n");
        assertEquals(2048000L * 1024, HostSize.bytes(root));
        file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assertEquals(2048000L * 1024, HostSize.bytes(root));
        file("sys/fs/cgroup/memory.max", "536870912\n");
        assertEquals(536870912, HostSize.bytes(root));
    }

    @Test
    void elsewhereTheHeapTellsRoughly() {
        assertTrue(HostSize.bytes(root) >= Runtime.getRuntime().maxMemory());
        assertTrue(HostSize.bytes(Path.of("/")) > 64 << 20);
    }
}
