package vmfs.impl;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;

/** Volumes that ESXi 7 made. They are not part of this project's sources: where they are missing, tests that need them are skipped and say so. */
public final class ReferenceVolumes {
    private static final Map<String, MemoryDisk> READ = new HashMap<>();

    private ReferenceVolumes() { }

    /** A copy that the test may change. */
    public static MemoryDisk vmfs5() throws IOException { return disk("esxi7-vmfs5.img.gz"); }

    public static MemoryDisk vmfs6() throws IOException { return disk("esxi7-vmfs6.img.gz"); }

    /** The image, packed with gzip. */
    public static Path file(String name) {
        Path folder = folder();
        Assumptions.assumeTrue(folder != null, "no reference volumes: give their folder with -Dvmfs.reference=FOLDER, or put them into ../shared/reference-volumes");
        return folder.resolve(name);
    }

    private static synchronized MemoryDisk disk(String name) throws IOException {
        MemoryDisk disk = READ.get(name);
        if (disk == null) {
            try (InputStream in = new BufferedInputStream(new GZIPInputStream(Files.newInputStream(file(name)), 65536), 65536)) {
                disk = MemoryDisk.of(name.substring(0, name.indexOf('.')), in);
            }
            READ.put(name, disk);
        }
        return disk.copy();
    }

    private static Path folder() {
        String given = System.getProperty("vmfs.reference");
        if (given != null) return Path.of(given);
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path folder = at.resolve("shared/reference-volumes");
            if (Files.isDirectory(folder)) return folder;
        }
        return null;
    }
}
