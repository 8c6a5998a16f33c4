package it;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** Other people's programs that know whether a disk is whole. */
final class DiskChecks {
    private static final Pattern COUNT = Pattern.compile("(Unallocated blocks|Lost blocks|Undefined inodes|Orphaned inodes|Directory errors) +:");

    private DiskChecks() {}

    /** @return what it printed */
    static String run(int mostStatus, String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        int status = process.waitFor();
        assertTrue(String.join(" ", command) + ": status " + status + ": " + said, status <= mostStatus);
        return said;
    }

    /** ext4. @param mend replays the journal, as the next mount would */
    static void ext4(Path image, boolean mend) throws Exception {
        if (mend) run(1, "e2fsck", "-p", image.toString()); // 1: something was corrected, as which a replay counts
        run(0, "e2fsck", "-fn", image.toString());
    }

    /** A volume that nobody has mounted, by vmfs-tools. */
    static void vmfs(Path image) throws Exception {
        String said = run(0, "fsck.vmfs", image.toString());
        List<String> counts = said.lines().filter(line -> COUNT.matcher(line).find()).toList();
        assertEquals(said, 5, counts.size());
        for (String count : counts) assertTrue(said, count.matches(".*: 0\\s*"));
        said = run(0, "debugvmfs", image.toString(), "check_vol_bitmaps");
        assertTrue(said, said.contains("Total errors: 0"));
    }
}
