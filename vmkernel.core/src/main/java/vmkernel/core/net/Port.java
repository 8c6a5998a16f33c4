package vmkernel.core.net;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import vmkernel.api.net.FrameSink;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.Network.HostPort;
import vmkernel.api.net.ReceiveFilter;
import vmkernel.api.net.SwitchPort;

/**
 * A port of a virtual switch, for an adapter of a machine or a program of the host. What comes in waits in a queue until its
 * owner's executor runs {@link #deliver}: so whoever sends never waits for whom it sends to, and takes no lock of theirs.
 */
public final class Port implements SwitchPort, HostPort {
    /** Frames that wait. */
    static final int QUEUE = 512;
    private static final int BATCH = 64;

    private final VirtualSwitch network;
    private final int number;
    private final int machine;
    private final String owner;
    private final MacAddress address;
    private final boolean forging;
    private final Executor executor;
    private final Runnable deliver = this::deliver;
    private final AtomicBoolean rung = new AtomicBoolean();
    private volatile FrameSink sink;
    private volatile boolean closed;

    /** Where frames for it go, and what it wants to hear besides. */
    private volatile long own;
    private volatile ReceiveFilter filter = ReceiveFilter.OWN;
    private volatile long[] groups = {};

    /** Guarded by itself, as are the counters of what comes in. */
    private final FrameQueue queue = new FrameQueue(QUEUE);
    private long packetsIn, bytesIn, droppedIn;
    /** By who transmits: one at a time for a machine. */
    private volatile long packetsOut, bytesOut, droppedOut;

    /** How a port is made. @param machine world id, -1 for the host; @param forging may send under other addresses; @param executor for {@link FrameSink} */
    record Plug(int machine, String owner, MacAddress address, boolean forging, Executor executor) {}

    Port(VirtualSwitch network, int number, Plug plug) {
        this.network = network;
        this.number = number;
        machine = plug.machine;
        owner = plug.owner;
        address = plug.address;
        forging = plug.forging;
        executor = plug.executor;
        own = address.bits();
    }

    public int number() { return number; }

    /** World id of its machine, -1 for a port of the host. */
    public int machine() { return machine; }

    public String owner() { return owner; }

    /** Name of the switch. */
    public String network() { return network.name(); }

    @Override public MacAddress address() { return address; }

    @Override public LinkState link() { return network.link(); }

    // Out of the machine.

    @Override public void transmit(List<byte[]> frames) { if (!closed) network.transmit(this, frames); }

    /** Whether the policy lets it send this under the address that it has there. */
    boolean maySend(byte[] frame) { return forging || MacAddress.bits(frame, 6) == own; }

    void sent(int packets, long bytes, int refused) {
        packetsOut += packets;
        bytesOut += bytes;
        if (refused != 0) droppedOut += refused;
    }

    // Into it.

    @Override
    public void sink(FrameSink next) {
        sink = next;
        if (next != null) ring();
    }

    @Override
    public void filter(MacAddress wanted, ReceiveFilter next) {
        // who may not send under another address does not get what is meant for one
        own = forging ? wanted.bits() : address.bits();
        filter = next;
        groups = next.groups().stream().mapToLong(MacAddress::bits).sorted().toArray();
        network.changed();
    }

    long own() { return own; }

    boolean wantsEverything() { return filter.promiscuous(); }

    /** Whether a frame for a group is for it. */
    private boolean wants(long group) {
        return group == MacAddress.BROADCAST.bits() || filter.allMulticast() || java.util.Arrays.binarySearch(groups, group) >= 0;
    }

    /** Puts frames {@code from} to {@code to} of a list into the queue; what finds no room is dropped. */
    void deliver(List<byte[]> frames, int from, int to) {
        synchronized (queue) {
            for (int i = from; i < to; i++) enqueue(frames.get(i));
        }
        ring();
    }

    /** The same for one frame to a group. @param everything the port is promiscuous, and may be */
    void deliverGroup(byte[] frame, long group, boolean everything) {
        if (!everything && !wants(group)) return;
        synchronized (queue) {
            enqueue(frame);
        }
        ring();
    }

    private void enqueue(byte[] frame) {
        if (queue.add(frame)) {
            packetsIn++;
            bytesIn += frame.length;
        } else {
            droppedIn++;
        }
    }

    private void ring() {
        if (sink != null && rung.compareAndSet(false, true)) executor.execute(deliver);
    }

    /** On the owner's executor, once at a time. Not without an end, however much comes: others want the executor, too. */
    private void deliver() {
        try {
            for (int left = QUEUE; left > 0; left -= BATCH) {
                FrameSink to = sink;
                List<byte[]> batch = to == null || closed ? List.of() : batch();
                if (batch.isEmpty()) {
                    rest();
                    return;
                }
                to.frames(batch);
            }
        } catch (Throwable e) {
            rest();
            throw e;
        }
        executor.execute(deliver);
    }

    private List<byte[]> batch() {
        synchronized (queue) {
            return queue.take(BATCH);
        }
    }

    /** Nothing to do; what came since it was looked at rings again. */
    private void rest() {
        rung.set(false);
        boolean more;
        synchronized (queue) {
            more = !queue.isEmpty();
        }
        if (more && !closed) ring();
    }

    public Map<String, Long> counters() {
        Map<String, Long> counters = new LinkedHashMap<>();
        synchronized (queue) {
            counters.put("totPktsTx", packetsOut);
            counters.put("totKBTx", bytesOut >> 10);
            counters.put("totPktsRx", packetsIn);
            counters.put("totKBRx", bytesIn >> 10);
            counters.put("droppedTx", droppedOut);
            counters.put("droppedRx", droppedIn);
        }
        return counters;
    }

    @Override
    public void close() {
        closed = true;
        sink = null;
        network.leave(this);
        synchronized (queue) {
            queue.clear();
        }
    }

    @Override public String toString() { return owner; }
}
