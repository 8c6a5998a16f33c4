package vmkernel.api.files;

import java.util.List;

/**
 * What a check found.
 *
 * @param errors one line each: what, where (path, byte address in the volume), and what the repair does or did; at most 1000 are kept
 * @param errorCount of all
 * @param repaired how many were mended
 * @param files that were looked at, with directories
 * @param notes what is no error but worth a line, such as a host that has the volume mounted
 */
public record CheckReport(List<String> errors, long errorCount, long repaired, long files, List<String> notes) {
    public boolean clean() { return errorCount == repaired; }
}
