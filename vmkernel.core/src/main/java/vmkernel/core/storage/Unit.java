package vmkernel.core.storage;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vmkernel.api.storage.BlockAdapter;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Partition;
import vmkernel.api.storage.PartitionTable;

/** A logical unit behind an adapter, or a file: it outlives the adapter's driver, and may change or go and come back. */
public final class Unit {
    private static final Logger LOG = LoggerFactory.getLogger(Unit.class);

    private final String name;
    private final RequestQueue queue;
    private final List<DiskShare> shares = new CopyOnWriteArrayList<>();
    private final HostUser host;
    private final Reservation reservation = new Reservation(this);
    private volatile LogicalUnit now;
    private volatile boolean gone;
    /** Null until they are read. */
    private volatile List<Partition> partitions;

    Unit(String name, RequestQueue queue, LogicalUnit now) {
        this.name = name;
        this.queue = queue;
        this.now = now;
        host = new HostUser(join("host"));
    }

    /** A unit that is all of its adapter, as a file is. */
    static Unit alone(String name, BlockAdapter adapter, Delays delays) {
        RequestQueue queue = new RequestQueue(name, delays);
        Unit unit = new Unit(name, queue, adapter.units().get(0));
        queue.attached(adapter);
        return unit;
    }

    /** {@code vmhba0:1:0}. */
    public String name() { return name; }

    RequestQueue queue() { return queue; }

    /** What it is now, or was last. */
    public LogicalUnit now() { return now; }

    boolean gone() { return gone; }

    /** @param unit null if there is no such unit any more */
    void now(LogicalUnit unit) {
        if (gone || unit == null || unit.blocks() != now.blocks()) partitions = null;
        if (unit != null) now = unit;
        gone = unit == null;
        if (gone) queue.purge(this);
    }

    /** Its partitions; reads the table when they are first wanted. Waits while there is no adapter. */
    synchronized List<Partition> partitions() {
        List<Partition> known = partitions;
        if (known != null) return known;
        try {
            return rescan();
        } catch (IOException e) {
            LOG.warn("{}", e.getMessage());
            return partitions = List.of();
        }
    }

    /** The same without a wait: empty while there is no adapter to read the table with. */
    public List<Partition> partitionsNow() { return queue.works() ? partitions() : List.of(); }

    /** Requests that its adapter can have, has, and that wait for the adapter. */
    public int[] load() { return queue.load(); }

    /** Reads the table. @throws IOException in one line */
    synchronized List<Partition> rescan() throws IOException { return partitions = List.copyOf(PartitionTable.read(Extent.all(this))); }

    /** A way for the host. */
    Extent extent(Partition partition) { return new Extent(this, name + ":" + partition.number(), partition.first(), partition.blocks()); }

    HostUser host() { return host; }

    Reservation reservation() { return reservation; }

    /** Those who use it now, the host first. */
    public List<DiskShare> shares() { return shares; }

    DiskShare join(String owner) {
        DiskShare share = new DiskShare(this, owner);
        shares.add(share);
        return share;
    }

    void leave(DiskShare share) { shares.remove(share); }

    @Override public String toString() { return name; }
}
