package host.sim.nic;

import java.util.concurrent.atomic.AtomicIntegerArray;

/** The statistical counters [8255x] 6.3.2.2, each 32 bits, by their place in a dump. Any thread. */
final class Counters {
    static final int TX_GOOD = 0, TX_UNDERRUN = 3, RX_GOOD = 9, RX_RESOURCE = 12, RX_SHORT = 15;

    private static final int STANDARD = 16, ALL = 20; // the rest are flow control (16 to 18) and management (19)

    private final AtomicIntegerArray values = new AtomicIntegerArray(ALL);

    void count(int counter) { values.getAndIncrement(counter); }

    int get(int counter) { return values.get(counter); }

    void clear() {
        for (int i = 0; i < ALL; i++) values.set(i, 0);
    }

    /** How many words a dump has before its completion word, as the chip is configured. */
    static int dumped(NicSettings.Chip chip, Configuration configuration) {
        if (chip == NicSettings.Chip.I82557 || configuration.standardCounters()) return STANDARD;
        return chip == NicSettings.Chip.I82559 && configuration.managementCounters() ? ALL : ALL - 1;
    }

    /** The value for a dump. */
    int take(int counter, boolean reset) { return reset ? values.getAndSet(counter, 0) : values.get(counter); }
}
