package vmkernel.core.net;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.net.LinkState;
import vmkernel.api.net.MacAddress;
import vmkernel.api.net.NetAdapter;
import vmkernel.api.net.ReceiveFilter;

/**
 * A network adapter of the host, {@code vmnicN}: it outlives its drivers. The device map calls {@link #hold}, {@link #detached}
 * and {@link #attached} around a change of driver, in this order, and {@link #gone} if there will be no other; and it passes on
 * what the driver says.
 */
public final class Uplink {
    private static final Logger LOG = LoggerFactory.getLogger(Uplink.class);
    /** Frames that wait for a driver, or for room in it. */
    static final int QUEUE = 1024;
    private static final int BATCH = 64;
    private static final long HOLD_MILLIS = 2000;

    private final String name;
    /** Whose uplink it is; null as long as nobody wants a frame. */
    private volatile VirtualSwitch above;
    private volatile boolean known;
    private volatile LinkState link = LinkState.DOWN;
    private volatile MacAddress address;

    // Guarded by this.
    private final FrameQueue queue = new FrameQueue(QUEUE);
    private ReceiveFilter filter = ReceiveFilter.OWN;
    private NetAdapter driver;
    private boolean open;
    /** There is no driver, and will not be. */
    private boolean gone;
    /** The driver took less than it was given, and has not said since that it has room. */
    private boolean full;
    /** Counts what the driver says of room, which it may do before it has returned. */
    private long rooms;
    /** The thread within transmit, or null. */
    private Thread sender;

    private long packetsSent, bytesSent, dropped;
    /** By the driver's thread alone. */
    private volatile long packetsReceived, bytesReceived;

    Uplink(String name) { this.name = name; }

    public String name() { return name; }

    /** True once the device map has asked for it. */
    boolean known() { return known; }

    void makeKnown() { known = true; }

    /** What the link is; while a driver is being replaced, what it was. */
    public LinkState link() { return link; }

    /** Null before the first driver. */
    public MacAddress address() { return address; }

    // What the device map calls.

    /** A driver works: it gets the receive filter and the frames that waited. */
    public void attached(NetAdapter adapter) {
        synchronized (this) {
            driver = adapter;
            full = false;
            gone = false;
            address = adapter.address();
            adapter.filter(filter);
            open = true;
        }
        linkChanged(adapter.link());
        transmitReady();
    }

    /** Closes the gate, before the driver is quiesced: when this returns nobody is within {@link NetAdapter#transmit}, nor will be. Not from within it. */
    public synchronized void hold() {
        open = false;
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(HOLD_MILLIS);
        boolean interrupted = false;
        while (sender != null && sender != Thread.currentThread()) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                LOG.warn("{}: the driver does not come back from transmit", name);
                break;
            }
            try {
                wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    /** The driver is closed. Frames wait, as many as there is room for, and the link seems to be as it was. */
    public synchronized void detached() {
        open = false;
        driver = null;
    }

    /** The device was removed, or no successor came in time: the link is down until the next {@link #attached}. */
    public void gone() {
        synchronized (this) {
            detached();
            gone = true;
            dropped += queue.clear();
        }
        linkChanged(LinkState.DOWN);
    }

    /** The driver received frames. One call at a time. */
    public void received(List<byte[]> frames) {
        long bytes = 0;
        for (int i = 0; i < frames.size(); i++) bytes += frames.get(i).length;
        packetsReceived += frames.size();
        bytesReceived += bytes;
        VirtualSwitch to = above;
        if (to != null) to.fromUplink(this, frames);
    }

    /** The driver says so. */
    public void linkChanged(LinkState now) {
        LinkState before = link;
        link = now;
        if (now.up() != before.up()) LOG.info("{}: the link is {}", name, now);
        VirtualSwitch to = above;
        if (to != null && now.up() != before.up()) to.linksChanged();
    }

    /** The driver says so. */
    public void transmitReady() {
        NetAdapter to;
        List<byte[]> batch;
        synchronized (this) {
            rooms++;
            full = false;
            if (sender != null || !open || queue.isEmpty()) return;
            sender = Thread.currentThread();
            to = driver;
            batch = queue.take(BATCH);
        }
        send(to, batch);
    }

    // What the switch calls.

    /** Who gets what comes in; null for no one. The adapter itself lets everything in, or only what is meant for its own address. */
    void serve(VirtualSwitch to) {
        above = to;
        NetAdapter now;
        synchronized (this) {
            // the guests have addresses of their own, which the adapter does not know: it must not choose
            filter = to == null ? ReceiveFilter.OWN : ReceiveFilter.EVERYTHING;
            now = driver;
            if (now != null) now.filter(filter);
        }
    }

    /** Sends frames {@code from} to {@code to} of a list, or queues them. Never waits for the wire. */
    void transmit(List<byte[]> frames, int from, int to) {
        NetAdapter at;
        synchronized (this) {
            if (sender != null || !open || full || !queue.isEmpty()) {
                for (int i = from; i < to; i++) if (gone || !queue.add(frames.get(i))) dropped++;
                return;
            }
            sender = Thread.currentThread();
            at = driver;
        }
        send(at, from == 0 && to == frames.size() ? frames : frames.subList(from, to));
    }

    /** Sends this batch and then what is queued, until there is nothing left or the driver is full. This thread is the sender. */
    private void send(NetAdapter to, List<byte[]> first) {
        List<byte[]> batch = first;
        while (batch != null) {
            long before;
            synchronized (this) {
                before = rooms;
            }
            int taken = transmitted(to, batch);
            synchronized (this) {
                account(batch, taken);
                for (int i = batch.size() - 1; i >= taken; i--) if (!queue.addFirst(batch.get(i))) dropped++;
                if (taken < batch.size()) full = rooms == before;
                batch = open && !full && !queue.isEmpty() ? queue.take(BATCH) : null;
                if (batch == null) {
                    sender = null;
                    notifyAll();
                }
            }
        }
    }

    private int transmitted(NetAdapter to, List<byte[]> batch) {
        try {
            return to.transmit(batch);
        } catch (Throwable e) {
            LOG.error("{}: the driver failed in transmit", name, e);
            return batch.size();
        }
    }

    private void account(List<byte[]> batch, int taken) {
        packetsSent += taken;
        for (int i = 0; i < taken; i++) bytesSent += batch.get(i).length;
    }

    /** What the kernel counts, then what the driver does. */
    public Map<String, Long> statistics() {
        Map<String, Long> counters = new LinkedHashMap<>();
        NetAdapter now;
        synchronized (this) {
            counters.put("totPktsTx", packetsSent);
            counters.put("totKBTx", bytesSent >> 10);
            counters.put("totPktsRx", packetsReceived);
            counters.put("totKBRx", bytesReceived >> 10);
            counters.put("dropped", dropped);
            counters.put("queued", (long) queue.size());
            now = driver;
        }
        if (now != null) counters.putAll(now.statistics());
        return counters;
    }

    @Override public String toString() { return name; }
}
