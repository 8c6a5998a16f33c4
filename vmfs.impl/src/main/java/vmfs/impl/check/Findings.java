package vmfs.impl.check;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import vmfs.impl.volume.VolumeDamagedException;

/** What one look through a volume found. Nothing is changed meanwhile, so that all of it is of one state. */
final class Findings {
    private static final int MAX_LINES = 1000, MAX_REPAIRS = 10_000;

    /** Repairs in their order: each kind is right only if nothing is left for those before, which another look tells. */
    enum Stage {
        /** What is in use is marked so, before anything is allocated. */
        MARK,
        /** Structures and counts. */
        CORRECT,
        /** What needs room. */
        ALLOCATE,
        /** What nobody has is freed. */
        FREE
    }

    /** Mends something in one step: all of it or nothing. */
    @FunctionalInterface
    interface Repair {
        void run() throws IOException;
    }

    private record Finding(String line, String how, long count, Repair repair) { }

    private final Map<Stage, List<Finding>> repairs = new EnumMap<>(Stage.class);
    private final List<String> lines = new ArrayList<>(), notes = new ArrayList<>();
    private long errors, beyondRepair, files;

    /**
     * Something is wrong.
     *
     * @param where path or name; @param at byte address in the volume
     * @param how the repair does it, as in {@code is freed}
     * @param repair null if there is none
     */
    void error(String where, long at, String what, Stage stage, String how, Repair repair) { errors(1, where, at, what, stage, how, repair); }

    /** Several in one line, and mended in one step. */
    void errors(long count, String where, long at, String what, Stage stage, String how, Repair repair) {
        errors += count;
        String line = VolumeDamagedException.line(where + ": " + what) + " (byte 0x" + Long.toHexString(at) + ")";
        if (repair == null) beyondRepair += count;
        if (lines.size() < MAX_LINES) lines.add(line + (repair == null ? "; cannot be repaired" : "; repair: " + how));
        List<Finding> same = repairs.computeIfAbsent(stage, none -> new ArrayList<>());
        if (repair != null && same.size() < MAX_REPAIRS) same.add(new Finding(line, how, count, repair));
    }

    /** Something is wrong that cannot be mended. */
    void error(String where, long at, String what) { errors(1, where, at, what, Stage.CORRECT, null, null); }

    void note(String line) { if (notes.size() < MAX_LINES) notes.add(VolumeDamagedException.line(line)); }

    void file() { files++; }

    /** What the repair did. */
    record Mended(long count, List<String> lines) { }

    /** Mends what comes first. */
    Mended repair() {
        for (Stage stage : Stage.values()) {
            List<Finding> findings = repairs.getOrDefault(stage, List.of());
            // as long as there is something that is not understood, what seems to be lost may belong to it
            if (!findings.isEmpty() && (stage != Stage.FREE || beyondRepair == 0)) return repair(findings);
        }
        return new Mended(0, List.of());
    }

    private static Mended repair(List<Finding> findings) {
        long count = 0;
        List<String> lines = new ArrayList<>();
        for (Finding finding : findings) {
            try {
                finding.repair.run();
                count += finding.count;
                if (lines.size() < MAX_LINES) lines.add(finding.line + "; repaired: " + finding.how);
            } catch (IOException e) {
                // found again by the next look, and told there if nothing helps
            }
        }
        return new Mended(count, lines);
    }

    List<String> lines() { return lines; }

    List<String> notes() { return notes; }

    long errors() { return errors; }

    long files() { return files; }
}
