package vmfs.impl.disk;

import java.util.ArrayList;
import java.util.List;

/** What a check found: as many lines as somebody reads, and how many more there are. */
final class Errors {
    private static final int KEPT = 1000;

    private final List<String> lines = new ArrayList<>();
    private long more;

    void add(String line) {
        if (lines.size() < KEPT) lines.add(line); else more++;
    }

    List<String> lines() {
        List<String> all = new ArrayList<>(lines);
        if (more > 0) all.add("and " + more + " more");
        return all;
    }
}
