package vmkernel.core.storage;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import vmkernel.api.storage.BlockOperation;
import vmkernel.api.storage.BlockResult;
import vmkernel.api.storage.GuestTransfer;
import vmkernel.api.storage.LogicalUnit;
import vmkernel.api.storage.Transfer;
import vmkernel.api.storage.VirtualDisk;

/** A disk of a machine that is on. All but {@link #share} and the like is called under the VM's device lock. */
public final class MachineDisk implements VirtualDisk {
    private final int machine;
    private final String label;
    private final Medium medium;
    private final Executor devices;
    private final DiskCounters counters = new DiskCounters();
    private final Map<Long, InFlight> inFlight = new HashMap<>();
    /** Given up, and on their way all the same. */
    private final List<InFlight> abandoned = new ArrayList<>();
    /** What ended and was not told as yet. */
    private final Queue<InFlight> ended = new ConcurrentLinkedQueue<>();
    private final Runnable deliver = this::deliver;
    /** {@link #deliver} is to run. */
    private final AtomicBoolean rung = new AtomicBoolean();
    private Listener listener;
    private boolean closed;

    private final class InFlight implements Asker {
        final long tag;
        final BlockOperation operation;
        final Transfer data;
        volatile boolean withdrawn;
        private BlockResult result;

        InFlight(long tag, BlockOperation operation, Transfer data) {
            this.tag = tag;
            this.operation = operation;
            this.data = data;
        }

        @Override public boolean withdrawn() { return withdrawn; }

        @Override
        public void ended(BlockResult how) {
            result = how;
            ended.add(this);
            ring();
        }

        void revoke() { if (data instanceof GuestTransfer transfer) transfer.revoke(); }
    }

    /**
     * @param machine world id
     * @param label for people: that of the LUN, {@code vmhba0:1:0}, or of the place, {@code scsi0:1}
     * @param devices runs a task under the device lock soon, never on this thread before it has left what it is doing there
     */
    MachineDisk(int machine, String label, Medium medium, Executor devices) {
        this.machine = machine;
        this.label = label;
        this.medium = medium;
        this.devices = devices;
    }

    /** World id of its machine. Any thread. */
    public int machine() { return machine; }

    /** Its name in /proc/vmware/vm/ID/disk. Any thread. */
    public String label() { return label; }

    /** Any thread. */
    Medium medium() { return medium; }

    /** Any thread. */
    public DiskShare share() { return medium.share(); }

    /** What the guest asked for. Any thread. */
    public DiskCounters counters() { return counters; }

    @Override public long blocks() { return medium.blocks(); }
    @Override public int blockBytes() { return medium.unit().blockBytes(); }
    @Override public boolean readOnly() { return medium.readOnly(); }
    @Override public LogicalUnit unit() { return new LogicalUnit(0, 0, blocks(), blockBytes(), readOnly(), "VMware", "Virtual disk", "1.0"); }

    @Override
    public void submit(long tag, BlockOperation operation, long block, Transfer data) {
        if (closed) return;
        InFlight request = new InFlight(tag, operation, data);
        if (inFlight.putIfAbsent(tag, request) != null) throw new IllegalArgumentException(label + ": two requests are named " + tag);
        if (operation == BlockOperation.WRITE && readOnly()) {
            request.ended(BlockResult.WRITE_PROTECTED);
        } else {
            medium.submit(operation, block, data, request);
        }
    }

    private void ring() {
        if (rung.compareAndSet(false, true)) devices.execute(deliver);
    }

    /** Under the device lock. */
    private void deliver() {
        rung.set(false);
        while (listener != null && !closed) {
            InFlight request = ended.poll();
            if (request == null) return;
            if (!inFlight.remove(request.tag, request)) {
                abandoned.remove(request);
                continue;
            }
            long bytes = request.data == null ? 0 : request.data.bytes();
            if (request.result.good()) counters.ended(request.operation, bytes);
            listener.completed(request.tag, request.result);
        }
    }

    @Override
    public void abort(long tag) {
        InFlight request = inFlight.remove(tag);
        if (request == null) return;
        counters.aborted();
        giveUp(request);
    }

    @Override
    public void reset() {
        counters.reset();
        forgetAll();
    }

    /** As {@link #reset}, but it was not the guest who wanted it. */
    void forgetAll() {
        inFlight.values().forEach(this::giveUp);
        inFlight.clear();
    }

    /** What a write takes from the guest's memory is not cut off: the disk would get something else instead. */
    private void giveUp(InFlight request) {
        request.withdrawn = true;
        if (request.operation == BlockOperation.READ) request.revoke();
        abandoned.add(request);
    }

    @Override
    public void listener(Listener next) {
        listener = next;
        if (next != null && !ended.isEmpty()) ring();
    }

    /**
     * The machine goes off: nothing touches its memory from now on. Requests that no adapter has are dropped, the others get a
     * while to end, since a write whose memory is taken away would be done with something else.
     *
     * @param millis the while
     * @return false if some had not ended then
     */
    boolean close(long millis) {
        if (closed) return true;
        closed = true;
        forgetAll();
        boolean settled = medium.settled(millis);
        abandoned.forEach(InFlight::revoke);
        abandoned.clear();
        ended.clear();
        medium.close();
        return settled;
    }

    @Override public String toString() { return label; }
}
