package vmkernel.core.net;

import java.util.List;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.NetAdapter;

/**
 * A network adapter of the host, {@code vmnicN}: it outlives its drivers. The device map calls {@link #hold}, {@link #detached}
 * and {@link #attached} around a change of driver, in this order, and {@link #gone} if there will be no other; and it passes on
 * what the driver says.
 */
public final class Uplink {
    private final String name;
    private volatile NetAdapter driver;

    Uplink(String name) { this.name = name; }

    public String name() { return name; }

    /** A driver works: it gets the receive filter and the frames that waited. */
    public void attached(NetAdapter adapter) { driver = adapter; }

    /** Closes the gate, before the driver is quiesced: when this returns nobody is within {@link NetAdapter#transmit}, nor will be. Not from within it. */
    public void hold() {}

    /** The driver is closed. Frames wait, as many as there is room for, and the link seems to be as it was. */
    public void detached() { driver = null; }

    /** The device was removed, or no successor came in time: the link is down until the next {@link #attached}. */
    public void gone() { driver = null; }

    /** The driver received frames. */
    public void received(List<byte[]> frames) {}

    /** The driver says so. */
    public void linkChanged(LinkState link) {}

    /** The driver says so. */
    public void transmitReady() {}

    @Override public String toString() { return name + (driver == null ? " without a driver" : ""); }
}
