package vmkernel.core.storage;

import java.util.ArrayDeque;
import java.util.Locale;

/** One user of one unit: its requests that wait, and how much of the unit it may have while others want it, too. */
public final class DiskShare {
    /** As for a CPU: half, one and two parts [ESX]. */
    public static final int LOW = 500, NORMAL = 1000, HIGH = 2000;

    /** Null if it is not a unit that is shared, see {@link ImageMedium}. */
    final Unit unit;
    private final String owner;
    private final DiskCounters counters = new DiskCounters();
    private volatile int shares = NORMAL;

    // Guarded by the queue.
    final ArrayDeque<Command> waiting = new ArrayDeque<>();
    /** Virtual time at which its next request may start, see {@link RequestQueue}. */
    double start;
    /** Pieces that the adapter has. */
    int atAdapter;

    /** @param owner for people: {@code web scsi0:1} */
    DiskShare(Unit unit, String owner) {
        this.unit = unit;
        this.owner = owner;
    }

    public String owner() { return owner; }

    public DiskCounters counters() { return counters; }

    public int shares() { return shares; }

    /** Takes effect with the next request. @param shares 1 to 100000 */
    public void shares(int shares) { this.shares = shares; }

    /** @throws IllegalArgumentException in one line, if it is neither 1 to 100000 nor low, normal or high */
    public static int parse(String text) {
        switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "low": return LOW;
            case "normal": return NORMAL;
            case "high": return HIGH;
            default:
        }
        try {
            int number = Integer.parseInt(text.strip());
            if (number >= 1 && number <= 100_000) return number;
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IllegalArgumentException("shares of 1 to 100000, or low, normal or high, are needed");
    }
}
