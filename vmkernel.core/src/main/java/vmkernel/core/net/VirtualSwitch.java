package vmkernel.core.net;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;

/**
 * A virtual switch: ports above, and below no adapter of the host (a private {@code vmnet_N}), one ({@code vmnicN}) or a team of
 * some ({@code bondN}). It does not learn: which address is at which port is known from the ports, and all others are outside
 * [ESX]. Forwarding takes no lock but, for a moment, those of the queues that it fills, and no memory for a frame.
 *
 * <p>A team balances by the sender's address (out-mac): each port has one of those adapters whose link is up, so the switch outside
 * sees an address in one place. LIMIT: out-ip and beacons are not there.
 */
public final class VirtualSwitch {
    /** [ESX] virtual switches have 32 ports. */
    static final int PORTS = 32;
    /** Without and with a VLAN tag: 14 bytes of header, and 1500 of payload. */
    static final int MIN_FRAME = 14, MAX_FRAME = 1518;
    /** Where a frame goes that does not go to one port. */
    private static final Object OUTSIDE = new Object(), GROUP = new Object(), NOWHERE = new Object();

    private final String name;
    private final List<Uplink> uplinks;
    /** Of a team: used as long as its link is up. */
    private final Uplink home;
    private final Port[] places = new Port[PORTS];
    private volatile boolean promiscuousAllowed;
    private volatile Layout layout = new Layout(new Port[0], new Port[0], new Uplink[0]);

    /** What forwarding looks at: replaced as a whole. @param listening ports that get everything; @param up links */
    private record Layout(Port[] ports, Port[] listening, Uplink[] up) {
        Port at(long address) {
            for (Port port : ports) if (port.own() == address) return port;
            return null;
        }

        boolean listening(Port port) {
            for (Port other : listening) if (other == port) return true;
            return false;
        }
    }

    /** @param home null if none is preferred */
    VirtualSwitch(String name, List<Uplink> uplinks, Uplink home) {
        this.name = name;
        this.uplinks = uplinks;
        this.home = home;
    }

    public String name() { return name; }

    public List<Uplink> uplinks() { return uplinks; }

    public List<Port> ports() { return List.of(layout.ports); }

    /** Whether a port that wants every frame gets every frame. */
    public boolean promiscuousAllowed() { return promiscuousAllowed; }

    public void promiscuousAllowed(boolean allowed) {
        promiscuousAllowed = allowed;
        changed();
    }

    LinkState link() {
        if (uplinks.isEmpty()) return new LinkState(true, 1000, true);
        Uplink[] up = layout.up;
        return up.length == 0 ? LinkState.DOWN : up[0].link();
    }

    // Its ports.

    /** @throws IllegalArgumentException in one line if it is full, or the address is taken */
    Port join(Port.Plug plug) {
        Port port;
        synchronized (this) {
            int free = -1;
            for (int i = PORTS - 1; i >= 0; i--) {
                if (places[i] == null) free = i;
                else if (places[i].address().equals(plug.address())) {
                    throw new IllegalArgumentException("address " + plug.address() + " is used already on " + name + " by " + places[i].owner());
                }
            }
            if (free < 0) throw new IllegalArgumentException("all " + PORTS + " ports of " + name + " are in use");
            places[free] = port = new Port(this, free, plug);
        }
        changed();
        return port;
    }

    void leave(Port port) {
        synchronized (this) {
            if (places[port.number()] == port) places[port.number()] = null;
        }
        changed();
    }

    /** Ports, their filters or links are not what they were. */
    synchronized void changed() {
        Port[] ports = Arrays.stream(places).filter(java.util.Objects::nonNull).toArray(Port[]::new);
        boolean served = layout.ports.length > 0;
        layout = new Layout(ports, promiscuousAllowed ? Arrays.stream(ports).filter(Port::wantsEverything).toArray(Port[]::new) : new Port[0], up());
        if (served != ports.length > 0) uplinks.forEach(uplink -> uplink.serve(ports.length > 0 ? this : null));
        // a link that changed before it was served told nobody
        if (!served && ports.length > 0) layout = new Layout(ports, layout.listening, up());
    }

    void linksChanged() { changed(); }

    private Uplink[] up() {
        if (home != null && home.link().up()) return new Uplink[] {home};
        return uplinks.stream().filter(uplink -> uplink.link().up()).toArray(Uplink[]::new);
    }

    /** The adapter that a port uses. While no link is up frames go to the first: it may be that its driver is just replaced. */
    private Uplink uplink(Layout now, Port port) {
        Uplink[] up = now.up;
        if (up.length == 0) return uplinks.get(0);
        return up.length == 1 ? up[0] : up[(int) Long.remainderUnsigned(port.own() * 0x9E37_79B9_7F4A_7C15L >>> 32, up.length)];
    }

    // Forwarding.

    /** From a port. Runs of frames that go the same way go together. */
    void transmit(Port from, List<byte[]> given) {
        List<byte[]> frames = given instanceof RandomAccess ? given : new ArrayList<>(given);
        Layout now = layout;
        int count = frames.size();
        long bytes = 0;
        int refused = 0;
        Object way = null;
        int start = 0;
        for (int i = 0; i < count; i++) {
            byte[] frame = frames.get(i);
            Object next = way(now, from, frame);
            if (next == null) refused++; else bytes += frame.length;
            if (next == way) continue;
            forward(now, from, frames, start, i, way);
            way = next;
            start = i;
        }
        forward(now, from, frames, start, count, way);
        from.sent(count - refused, bytes, refused);
    }

    /** A port, or one of the other ways; null if the frame is not to be sent at all. */
    private Object way(Layout now, Port from, byte[] frame) {
        if (frame.length < MIN_FRAME || frame.length > MAX_FRAME || !from.maySend(frame)) return null;
        if ((frame[0] & 1) != 0) return GROUP;
        Port port = now.at(MacAddress.bits(frame, 0));
        return port == from ? NOWHERE : port != null ? port : uplinks.isEmpty() ? NOWHERE : OUTSIDE;
    }

    private void forward(Layout now, Port from, List<byte[]> frames, int start, int end, Object way) {
        if (way == null || start == end) return;
        if (way == GROUP) {
            for (int i = start; i < end; i++) flood(now, from, null, frames.get(i));
        } else {
            if (way instanceof Port port) port.deliver(frames, start, end);
            for (Port port : now.listening) if (port != from && port != way) port.deliver(frames, start, end);
        }
        if ((way == GROUP || way == OUTSIDE) && !uplinks.isEmpty()) uplink(now, from).transmit(frames, start, end);
    }

    /** One frame to a group, to all ports that want it. @param from,below where it came from; the other is null */
    private void flood(Layout now, Port from, Uplink below, byte[] frame) {
        long group = MacAddress.bits(frame, 0);
        for (Port port : now.ports) {
            // the switch outside sends it to every adapter of a team: it counts on the one that the port uses
            if (port == from || below != null && uplinks.size() > 1 && uplink(now, port) != below) continue;
            port.deliverGroup(frame, group, now.listening(port));
        }
    }

    /** From an adapter of the host. */
    void fromUplink(Uplink below, List<byte[]> given) {
        List<byte[]> frames = given instanceof RandomAccess ? given : new ArrayList<>(given);
        Layout now = layout;
        int count = frames.size();
        Object way = null;
        int start = 0;
        for (int i = 0; i < count; i++) {
            Object next = wayIn(now, frames.get(i));
            if (next == way) continue;
            forwardIn(now, below, frames, start, i, way);
            way = next;
            start = i;
        }
        forwardIn(now, below, frames, start, count, way);
    }

    private Object wayIn(Layout now, byte[] frame) {
        // what a port sent to a group through one adapter of a team comes back through the others
        if (frame.length < MIN_FRAME || frame.length > MAX_FRAME || uplinks.size() > 1 && now.at(MacAddress.bits(frame, 6)) != null) return null;
        if ((frame[0] & 1) != 0) return GROUP;
        Port port = now.at(MacAddress.bits(frame, 0));
        return port != null ? port : NOWHERE;
    }

    private void forwardIn(Layout now, Uplink below, List<byte[]> frames, int start, int end, Object way) {
        if (way == null || start == end) return;
        if (way == GROUP) {
            for (int i = start; i < end; i++) flood(now, null, below, frames.get(i));
            return;
        }
        if (way instanceof Port port) port.deliver(frames, start, end);
        for (Port port : now.listening) if (port != way) port.deliver(frames, start, end);
    }

    @Override public String toString() { return name; }
}
