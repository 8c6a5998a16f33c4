package vmfs.impl.check;

import vmkernel.api.files.Progress;

/** How far it has come. */
final class Count {
    private final Progress progress;
    private long done, total;

    Count(Progress progress) { this.progress = progress; }

    /** There is more to do. */
    void more(long steps) { total += steps; }

    void done(long steps) {
        done += steps;
        progress.at(Math.min(done, total), total);
    }
}
