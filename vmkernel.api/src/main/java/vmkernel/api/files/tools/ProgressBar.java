package vmkernel.api.files.tools;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import vmkernel.api.files.Progress;

/**
 * Shows how far long work has come, once it has taken more than a second: as a bar on a terminal, else as a line for every tenth. One thread at a
 * time. Interrupting the thread that works cancels the work.
 */
public final class ProgressBar implements Progress, AutoCloseable {
    private static final long PATIENCE_NANOS = 1_000_000_000L, REDRAW_NANOS = 100_000_000L;
    private static final int WIDTH = 30;

    private final String what;
    private final PrintWriter out;
    private final boolean terminal, bytes;
    private final long start = System.nanoTime();
    private long drawnAt = start + PATIENCE_NANOS - REDRAW_NANOS;
    private long tenth = -1;
    private boolean drawn;

    /**
     * @param what is being done, in front of every line
     * @param terminal whether a line can be drawn again
     * @param bytes whether it counts bytes; else only the part of the whole means something
     */
    public ProgressBar(String what, PrintWriter out, boolean terminal, boolean bytes) {
        this.what = what;
        this.out = out;
        this.terminal = terminal;
        this.bytes = bytes;
    }

    @Override
    public void at(long done, long total) {
        // the interrupt is taken back: what undoes the work is not to be disturbed
        if (Thread.interrupted()) throw new CancellationException("interrupted");
        long now = System.nanoTime();
        if (total <= 0 || now - drawnAt < REDRAW_NANOS) return;
        drawnAt = now;
        if (terminal) {
            drawn = true;
            out.print("\r" + line(done, total, now) + "\033[K");
            out.flush();
        } else if (done * 10 / total > tenth) {
            tenth = done * 10 / total;
            out.println(what + ": " + percent(done, total) + "%");
            out.flush();
        }
    }

    private static long percent(long done, long total) { return (long) (100.0 * Math.min(done, total) / total); }

    private String line(long done, long total, long now) {
        int filled = (int) (WIDTH * Math.min(done, total) / (double) total);
        double seconds = (now - start) / 1e9;
        long left = done <= 0 ? -1 : Math.round(seconds * (total - done) / done);
        String speed = bytes ? "  " + Sizes.human(done) + " of " + Sizes.human(total) + "  " + Sizes.human((long) (done / seconds)) + "/s" : "";
        return String.format(Locale.ROOT, "%s [%s%s%s] %3d%%%s%s", what, "=".repeat(filled), filled < WIDTH ? ">" : "", " ".repeat(Math.max(0, WIDTH - filled - 1)), percent(done, total), speed,
            left < 0 ? "" : String.format(Locale.ROOT, "  %d:%02d left", left / 60, left % 60));
    }

    /** Takes the bar away. */
    @Override
    public void close() {
        if (!drawn) return;
        out.print("\r\033[K");
        out.flush();
    }
}
