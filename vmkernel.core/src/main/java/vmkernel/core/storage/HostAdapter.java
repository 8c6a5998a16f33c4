package vmkernel.core.storage;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.LogicalUnit;

/**
 * A storage adapter of the host, {@code vmhbaN}: it outlives its drivers. The device map calls {@link #hold}, {@link #detached}
 * and {@link #attached} around a change of driver, in this order, and {@link #gone} if there will be no other.
 */
public final class HostAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(HostAdapter.class);

    private final String name;
    private final RequestQueue queue;
    private final Runnable onChange;
    /** By target and LUN. Guarded by this. */
    private final Map<Long, Unit> units = new TreeMap<>();
    private volatile BlockAdapter driver;

    /** @param onChange told when units came or went */
    HostAdapter(String name, Delays delays, Runnable onChange) {
        this.name = name;
        this.onChange = onChange;
        queue = new RequestQueue(name, delays);
    }

    public String name() { return name; }

    /**
     * A driver works. Requests that the one before gave back, or did not end, are repeated in order, then those that waited.
     *
     * @param adapter whose {@link BlockAdapter#units} are complete: a unit that is missing there is gone
     */
    public void attached(BlockAdapter adapter) {
        driver = adapter;
        update(adapter.units());
        for (Unit unit : units()) unit.reservation().renew(adapter);
        queue.attached(adapter);
    }

    /** Closes the gate, before the driver is quiesced: when this returns nobody is within {@link BlockAdapter#submit}, nor will be. Not from within it. */
    public void hold() { queue.hold(); }

    /** The driver is closed: what it has neither completed nor given back is taken from it, and what it still says of it is not heard. */
    public void detached() {
        driver = null;
        queue.detached();
    }

    /** The device was removed, or no successor came in time: requests that wait, and new ones, end with GONE until the next {@link #attached}. */
    public void gone() {
        driver = null;
        queue.gone();
        update(List.of());
    }

    /** The driver says so. */
    public void unitsChanged() {
        BlockAdapter now = driver;
        if (now != null) update(now.units());
    }

    private void update(List<LogicalUnit> present) {
        List<Unit> vanished = new ArrayList<>();
        synchronized (this) {
            Set<Long> there = new HashSet<>();
            for (LogicalUnit unit : present) {
                there.add(key(unit));
                Unit known = units.get(key(unit));
                if (known == null) units.put(key(unit), new Unit(name + ":" + unit.target() + ":" + unit.lun(), queue, unit)); else changed(known, unit);
            }
            units.forEach((key, unit) -> {
                if (!there.contains(key) && !unit.gone()) vanished.add(unit);
            });
        }
        for (Unit unit : vanished) {
            LOG.info("{} is gone", unit);
            unit.now(null);
        }
        onChange.run();
    }

    private static void changed(Unit known, LogicalUnit unit) {
        if (known.gone()) LOG.info("{} is back", known);
        else if (known.now().blocks() != unit.blocks()) LOG.info("{} has {} blocks now, not {}", known, unit.blocks(), known.now().blocks());
        known.now(unit);
    }

    private static Long key(LogicalUnit unit) { return (long) unit.target() << 32 | unit.lun(); }

    /** Those that are there, by target and LUN. */
    public synchronized List<Unit> units() {
        List<Unit> present = new ArrayList<>(units.values());
        present.removeIf(Unit::gone);
        return present;
    }

    /** What the driver counts; empty without one. */
    public Map<String, Long> statistics() {
        BlockAdapter now = driver;
        return now == null ? Map.of() : now.statistics();
    }

    RequestQueue queue() { return queue; }

    @Override public String toString() { return name; }
}
