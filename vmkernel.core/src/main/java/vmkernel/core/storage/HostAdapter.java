package vmkernel.core.storage;

import vmkernel.api.storage.BlockAdapter;

/**
 * A storage adapter of the host, {@code vmhbaN}: it outlives its drivers. The device map calls {@link #hold}, {@link #detached}
 * and {@link #attached} around a change of driver, in this order, and {@link #gone} if there will be no other.
 */
public final class HostAdapter {
    private final String name;
    private volatile BlockAdapter driver;

    HostAdapter(String name) { this.name = name; }

    public String name() { return name; }

    /**
     * A driver works. Requests that the one before gave back, or did not end, are repeated in order, then those that waited.
     *
     * @param adapter whose {@link BlockAdapter#units} are complete: a unit that is missing there is gone
     */
    public void attached(BlockAdapter adapter) { driver = adapter; }

    /** Closes the gate, before the driver is quiesced: when this returns nobody is within {@link BlockAdapter#submit}, nor will be. Not from within it. */
    public void hold() {}

    /** The driver is closed: what it has neither completed nor given back is taken from it, and what it still says of it is not heard. */
    public void detached() { driver = null; }

    /** The device was removed, or no successor came in time: requests that wait, and new ones, end with GONE until the next {@link #attached}. */
    public void gone() { driver = null; }

    /** The driver says so. */
    public void unitsChanged() {}

    @Override public String toString() { return name + (driver == null ? " without a driver" : ""); }
}
