package drivers.e100;

import java.util.Map;
import vmkernel.api.handover.StateRecord;
import vmkernel.api.hardware.DmaBuffer;
import vmkernel.api.memory.HostMemory;

/**
 * The chip's statistical counters, summed up: it writes them to memory and starts again from zero, which the completion word
 * tells. Under the adapter's command lock. [8255x] 6.3.2.2.
 */
final class Counters {
    /** In the order of the dump. */
    private static final String[] NAMES = {
        "transmit good frames", "transmit maximum collisions errors", "transmit late collisions errors", "transmit underrun errors", "transmit lost carrier sense",
        "transmit deferred", "transmit single collisions", "transmit multiple collisions", "transmit total collisions",
        "receive good frames", "receive CRC errors", "receive alignment errors", "receive resource errors", "receive overrun errors", "receive collision detect errors",
        "receive short frame errors"};
    private static final int COMPLETION = 4 * NAMES.length, DUMPED_AND_RESET = 0xA007;
    private static final int UNDERRUNS = 3;
    /** Room for the longest dump, of the 82559. */
    static final int BYTES = 96, ALIGNMENT = 16;

    private final long memory;
    private final long[] sums = new long[NAMES.length];
    private boolean asked;
    private long underrunsSeen;

    Counters(DmaBuffer buffer) { memory = buffer.address(); }

    /** Before the command is given. */
    void ask() {
        HostMemory.putIntRelease(memory + COMPLETION, 0);
        asked = true;
    }

    /** Takes up a dump that has come. @return false while one is under way: another must not be asked for */
    boolean collect() {
        if (!asked) return true;
        if (HostMemory.getIntAcquire(memory + COMPLETION) != DUMPED_AND_RESET) return false;
        asked = false;
        for (int i = 0; i < sums.length; i++) sums[i] += HostMemory.getInt(memory + 4L * i) & 0xFFFF_FFFFL;
        return true;
    }

    /** Takes no notice of a dump that has come. @return false while it is under way */
    boolean forget() {
        asked &= HostMemory.getIntAcquire(memory + COMPLETION) != DUMPED_AND_RESET;
        return !asked;
    }

    /** True if a frame left the chip faster than it came in, since the last question. */
    boolean underran() {
        boolean more = sums[UNDERRUNS] != underrunsSeen;
        underrunsSeen = sums[UNDERRUNS];
        return more;
    }

    void addTo(Map<String, Long> statistics) {
        for (int i = 0; i < sums.length; i++) statistics.put(NAMES[i], sums[i]);
    }

    void exchange(StateRecord state) {
        long[] given = state.exchange("counters", sums);
        System.arraycopy(given, 0, sums, 0, Math.min(given.length, sums.length));
        underrunsSeen = sums[UNDERRUNS];
    }
}
