package vmkernel.core.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much memory this process may count on. Read from the files in which Linux says so: the management bean of the JDK costs
 * 50 ms of start-up, these cost less than one.
 */
final class HostSize {
    /** Limits of a container, of cgroups 2 and 1; each may be missing. */
    private static final List<String> LIMITS = List.of("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes");

    private HostSize() {}

    /** @param root of the file system */
    static long bytes(Path root) {
        long bytes = installed(root.resolve("proc/meminfo"));
        for (String limit : LIMITS) bytes = Math.min(bytes, limit(root.resolve(limit)));
        return bytes;
    }

    private static long installed(Path meminfo) {
        try {
            for (String line : Files.readAllLines(meminfo)) {
                if (line.startsWith("MemTotal:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        } catch (IOException | NumberFormatException e) {
            // not a Linux: as below
        }
        // unless it is told otherwise the JVM takes a quarter of the host's memory for its heap at most
        return 4 * Runtime.getRuntime().maxMemory();
    }

    private static long limit(Path file) {
        try {
            return Long.parseLong(Files.readString(file).strip());
        } catch (IOException | NumberFormatException e) {
            return Long.MAX_VALUE; // no such limit, or "max"
        }
    }
}
